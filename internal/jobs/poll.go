package jobs

import (
	"context"
	"fmt"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/audit"
	"ecsbot/internal/ecsclient"
	"ecsbot/internal/store"
)

// pollBurst is how many jobs are queried at once after a rest.
const pollBurst = 20

// poll queries the job of a running batch and, when it is done, reads the servers:
// a result needs both.
func (s *sender) poll(ctx context.Context, lease store.Lease, b store.Stored[approvals.Batch]) error {
	// A thousand jobs must not take all calls of the cloud, nor all steps to wait for
	// them: those that post and send need both.
	if wait := s.polls.turn(lease.Item, time.Now()); wait > 0 {
		s.release(ctx, lease, wait, false)
		return nil
	}
	job, err := s.Cloud.ShowJob(ctx, b.Body.JobID)
	crashpoint("poll.asked")
	switch {
	case apiError(err).JobGone():
		// Finished jobs are deleted after a day; the servers can still be read. But a
		// new job may not be visible yet.
		s.cfg.Log.WarnContext(ctx, "the cloud does not find the job", "job", b.Body.JobID, "err", err)
		if s.now().Sub(b.Body.SentAt) > s.cfg.Quarantine {
			return s.abandonJob(ctx, lease, b, approvals.CauseJobNotFound.Of(b.Body.JobID))
		}
	case err != nil:
		s.cfg.Log.WarnContext(ctx, "the cloud job could not be queried; retrying", "job", b.Body.JobID, "err", err)
	case job.Done():
		return s.conclude(ctx, lease, b, reportOf(job))
	}
	if s.now().Sub(b.Body.SentAt) > s.cfg.MaxJobAge {
		return s.abandonJob(ctx, lease, b, approvals.CauseJobTooOld.After(s.cfg.MaxJobAge))
	}
	return s.pollAgain(ctx, lease, b, reportOf(job))
}

// abandonJob gives up on the job, for the cause given, and reconciles the batch with
// the states of its servers.
func (s *sender) abandonJob(ctx context.Context, lease store.Lease, b store.Stored[approvals.Batch], cause approvals.Cause) error {
	next, err := b.Body.To(approvals.Reconciling)
	if err != nil {
		return err
	}
	next.Trouble = cause
	_, err = s.commit(ctx, s.moveBatch(lease, b, next, audit.Reconcile).Release(0))
	return err
}

// pollAgain polls the job again later, with growing pauses. Servers whose part of the
// job is over get their outcome now: one that hangs must not hold up the others. Past
// the deadline the thread says so, once.
func (s *sender) pollAgain(ctx context.Context, lease store.Lease, b store.Stored[approvals.Batch], job approvals.JobReport) error {
	next, err := s.concludeParts(ctx, b.Body, job)
	if err != nil {
		s.cfg.Log.WarnContext(ctx, "servers could not be read while their job runs; retrying later", "job", b.Body.JobID, "err", err)
	}
	if len(next.WithoutOutcome()) == 0 {
		// All parts of the job are over; the status of the whole may lag behind.
		crashpoint("settle.looked")
		return s.endBatch(ctx, lease, b, next, nil)
	}
	next.Polls++
	return s.recheckLater(ctx, lease, b, next, next.SentAt, jittered(s.cfg.pollPause(next.Polls)))
}

// concludeParts finds the outcomes of servers whose part of a running job is over.
func (s *sender) concludeParts(ctx context.Context, b approvals.Batch, job approvals.JobReport) (approvals.Batch, error) {
	var over []string
	for _, id := range b.WithoutOutcome() {
		if part := job.Parts[id]; part.Done || part.Failed {
			over = append(over, id)
		}
	}
	if len(over) == 0 {
		return b, nil
	}
	seen, err := s.inventory.Read(ctx, over)
	if err != nil {
		return b, err
	}
	next, _ := b.Conclude(job, seen, false, s.patience(), s.now())
	return next, nil
}

// reportOf translates the cloud's job into terms of the batch.
func reportOf(job ecsclient.Job) approvals.JobReport {
	r := approvals.JobReport{
		Over:  job.Done(),
		Whole: part(job.Status, job.ErrorCode, job.FailReason),
		Parts: make(map[string]approvals.JobPart, len(job.SubJobs)),
	}
	for _, s := range job.SubJobs {
		r.Parts[s.ServerID] = part(s.Status, s.ErrorCode, s.FailReason)
	}
	return r
}

func part(status, code, reason string) approvals.JobPart {
	return approvals.JobPart{Done: status == ecsclient.JobSucceeded, Failed: status == ecsclient.JobFailed, Code: code, Reason: reason}
}

// maxRechecks is how often servers are read again that contradict their finished job,
// before that becomes the result: in the cloud the job and the server may lag behind
// each other a little.
const maxRechecks = 5

// conclude finds the outcomes of a batch whose job is done.
func (s *sender) conclude(ctx context.Context, lease store.Lease, b store.Stored[approvals.Batch], job approvals.JobReport) error {
	seen, err := s.inventory.Read(ctx, b.Body.WithoutOutcome())
	if err != nil {
		return fmt.Errorf("read servers: %w", err)
	}
	n := b.Body.Rechecks + 1
	next, open := b.Body.Conclude(job, seen, n > maxRechecks, s.patience(), s.now())
	next.Rechecks = n
	if open {
		pause := min(time.Duration(n)*s.cfg.RetryIn/2, 5*s.cfg.RetryIn)
		return s.recheckLater(ctx, lease, b, next, next.SentAt, pause)
	}
	crashpoint("settle.looked")
	return s.endBatch(ctx, lease, b, next, nil)
}
