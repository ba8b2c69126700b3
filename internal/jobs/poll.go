package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/ecsclient"
)

// poll asks for the job of a running batch and, once it is done, looks at the
// servers: only both together make a result.
func (e *Engine) poll(ctx context.Context, c claim, b stored[approvals.Batch]) error {
	job, err := e.Cloud.ShowJob(ctx, b.body.JobID)
	crashpoint("poll.asked")
	api := new(ecsclient.Error)
	switch {
	case errors.As(err, &api) && api.JobGone():
		// Finished jobs are deleted after a day; the servers are still there. But
		// a young one may just not be shown yet.
		e.Log.WarnContext(ctx, "the cloud does not know the job", "job", b.body.JobID, "err", err)
		if e.now().Sub(b.body.Sent) > e.Quarantine {
			return e.toServers(ctx, c, b, "the cloud does not know job "+b.body.JobID+" any more")
		}
	case err != nil:
		e.Log.WarnContext(ctx, "the job could not be asked for; asking again", "job", b.body.JobID, "err", err)
	case job.Done():
		return e.settle(ctx, c, b, job)
	}
	age := e.now().Sub(b.body.Sent)
	if age > e.MaxJobAge {
		return e.toServers(ctx, c, b, fmt.Sprintf("job %s is not done after %v", b.body.JobID, e.MaxJobAge))
	}
	return e.pollAgain(ctx, c, b, age)
}

// toServers gives up on the job, for the reason given, and lets the servers tell.
func (e *Engine) toServers(ctx context.Context, c claim, b stored[approvals.Batch], why string) error {
	next, err := b.body.To(approvals.Reconciling)
	if err != nil {
		return err
	}
	next.Trouble = why
	_, err = e.commit(ctx, e.move(c, b, next, "reconcile").done(0))
	return err
}

// pollAgain looks at the job again later, with growing pauses. Past the
// deadline people are told, once.
func (e *Engine) pollAgain(ctx context.Context, c claim, b stored[approvals.Batch], age time.Duration) error {
	next := b.body
	next.Polls++
	overdue := age > e.JobDeadline && !next.Late
	next.Late = next.Late || overdue
	pause := e.Polls[min(next.Polls, len(e.Polls)-1)]
	ch := newChange().under(c).write(e.keys.batch(next.Request, next.N), b.ver, next).done(jittered(pause))
	if overdue {
		ch.log(e.batchEntry(b.body, next, "late")).tell(e.keys, next.Request, e.lateNote(next))
	}
	_, err := e.commit(ctx, ch)
	return err
}

// looks is how often servers are looked at that do not agree with their
// finished job, before that is the result: the cloud's views of a server may
// lag behind each other a little.
const looks = 5

// settle makes the results of a batch whose job is done.
func (e *Engine) settle(ctx context.Context, c claim, b stored[approvals.Batch], job ecsclient.Job) error {
	seen, err := e.look(ctx, b.body.Waiting())
	if err != nil {
		return fmt.Errorf("look at servers: %w", err)
	}
	subs := map[string]ecsclient.SubJob{}
	for _, s := range job.SubJobs {
		subs[s.ServerID] = s
	}
	next := with(b.body)
	next.Looks++
	last := next.Looks > looks
	open := false
	for i := range next.Results {
		r := &next.Results[i]
		if r.Outcome != "" {
			continue
		}
		sub, known := subs[r.Server.ID]
		if !known && r.In == next.Attempt {
			// The job's own word stands for those of its call that it does not list.
			sub = ecsclient.SubJob{Status: job.Status, ErrorCode: job.ErrorCode, FailReason: job.FailReason}
		}
		s, there := seen[r.Server.ID]
		if !judge(b.body.Action, r, sub, s, there, last) {
			open = true
		}
	}
	if open {
		return e.lookAgain(ctx, c, b, next.Looks)
	}
	crashpoint("settle.looked")
	return e.endBatch(ctx, c, b, next, nil)
}

// judge finds one server's outcome from its part of the job and from what the
// server shows. It returns false while the two may still come to agree.
func judge(a approvals.Action, r *approvals.Result, sub ecsclient.SubJob, s approvals.Server, there, last bool) bool {
	ok := sub.Status == "SUCCESS"
	switch {
	case !there:
		r.Outcome, r.Reason = approvals.NotKnown, "the cloud does not show it any more"
	case a.Has(s) && ok:
		r.Server, r.Outcome = s, a.Done() // with the stamp that it bears now
	case a.Has(s):
		// The cloud counts it as failed, yet it is as it should be: say just that.
		r.Server, r.Outcome, r.Code, r.Reason = s, a.Found(), sub.ErrorCode, sub.FailReason
	case a.Going(s) && !last:
		return false
	case !ok && sub.Status == "FAIL":
		r.Outcome, r.Code, r.Reason = approvals.NotStopped, sub.ErrorCode, sub.FailReason
	case !last:
		return false
	case ok:
		r.Outcome, r.Reason = approvals.NotKnown, "its job says done, but the server is "+seenAs(s)
	default:
		r.Outcome, r.Reason = approvals.NotKnown, "no job tells of it, and the server is "+seenAs(s)
	}
	return true
}

// lookAgain counts a look that did not settle the batch.
func (e *Engine) lookAgain(ctx context.Context, c claim, b stored[approvals.Batch], n int) error {
	next := b.body
	next.Looks = n
	pause := min(time.Duration(n)*e.RetryIn/2, 5*e.RetryIn)
	_, err := e.commit(ctx, newChange().under(c).
		write(e.keys.batch(next.Request, next.N), b.ver, next).done(pause))
	return err
}
