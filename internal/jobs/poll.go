package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/ecsclient"
	"ecsbot/internal/store"
)

// pollBurst is how many jobs are asked for at once after a rest.
const pollBurst = 20

// poll asks for the job of a running batch and, once it is done, looks at the
// servers: only both together make a result.
func (s *sender) poll(ctx context.Context, lease store.Lease, b store.Stored[approvals.Batch]) error {
	// A thousand jobs must not take all calls of the cloud, nor all steps to wait for
	// them: those that post and send need both.
	if wait := s.polls.turn(lease.Item, time.Now()); wait > 0 {
		s.release(ctx, lease, wait, false)
		return nil
	}
	job, err := s.cfg.Cloud.ShowJob(ctx, b.Body.JobID)
	crashpoint("poll.asked")
	api := new(ecsclient.Error)
	switch {
	case errors.As(err, &api) && api.JobGone():
		// Finished jobs are deleted after a day; the servers are still there. But
		// a young one may just not be shown yet.
		s.cfg.Log.WarnContext(ctx, "the cloud does not know the job", "job", b.Body.JobID, "err", err)
		if s.now().Sub(b.Body.SentAt) > s.cfg.Quarantine {
			return s.abandonJob(ctx, lease, b, approvals.CauseJobNotFound.Of(b.Body.JobID))
		}
	case err != nil:
		s.cfg.Log.WarnContext(ctx, "the job could not be asked for; asking again", "job", b.Body.JobID, "err", err)
	case job.Done():
		return s.conclude(ctx, lease, b, reportOf(job))
	}
	if s.now().Sub(b.Body.SentAt) > s.cfg.MaxJobAge {
		return s.abandonJob(ctx, lease, b, approvals.CauseJobTooOld.After(s.cfg.MaxJobAge))
	}
	return s.pollAgain(ctx, lease, b, reportOf(job))
}

// abandonJob gives up on the job, for the reason given, and lets the servers tell.
func (s *sender) abandonJob(ctx context.Context, lease store.Lease, b store.Stored[approvals.Batch], why approvals.Cause) error {
	next, err := b.Body.To(approvals.Reconciling)
	if err != nil {
		return err
	}
	next.Trouble = why
	_, err = s.commit(ctx, s.moveBatch(lease, b, next, "reconcile").Release(0))
	return err
}

// pollAgain looks at the job again later, with growing pauses. Servers whose
// part of it is over already get their outcome now: one that hangs must not keep
// the others. Past the deadline the thread says so, once.
func (s *sender) pollAgain(ctx context.Context, lease store.Lease, b store.Stored[approvals.Batch], job approvals.JobReport) error {
	next, err := s.concludeParts(ctx, b.Body, job)
	if err != nil {
		s.cfg.Log.WarnContext(ctx, "servers could not be read while their job runs; reading them later", "job", b.Body.JobID, "err", err)
	}
	if len(next.WithoutOutcome()) == 0 {
		// The parts of the job are over; the whole may lag behind.
		crashpoint("settle.looked")
		return s.endBatch(ctx, lease, b, next, nil)
	}
	next.Polls++
	pause := s.cfg.Polls[min(next.Polls, len(s.cfg.Polls)-1)]
	return s.recheckLater(ctx, lease, b, next, next.SentAt, jittered(pause))
}

// concludeParts makes the results of servers whose part of a running job is over.
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

// reportOf is what the job says, in the terms of the batch.
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

// maxRechecks is how often servers are looked at that do not agree with their
// finished job, before that is the result: the cloud's views of a server may
// lag behind each other a little.
const maxRechecks = 5

// conclude makes the results of a batch whose job is done.
func (s *sender) conclude(ctx context.Context, lease store.Lease, b store.Stored[approvals.Batch], job approvals.JobReport) error {
	seen, err := s.inventory.Read(ctx, b.Body.WithoutOutcome())
	if err != nil {
		return fmt.Errorf("look at servers: %w", err)
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
