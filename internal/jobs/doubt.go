package jobs

import (
	"context"
	"fmt"
	"time"

	"ecsbot/internal/approvals"
)

// doubt marks a batch whose call may have been made or not. Until the
// quarantine is over it is only looked at; the permit counts on that long.
func (e *Engine) doubt(ctx context.Context, c claim, b stored[approvals.Batch], why, cloudID string) error {
	next, err := b.body.To(approvals.Ambiguous)
	if err != nil {
		return err
	}
	next.Looks = 0
	next.Lost++
	ch := e.move(c, b, next, "unclear").done(e.RetryIn/2).
		tell(e.keys, next.Request, e.note(approvals.Note{ID: next.Permit + "/unclear", Topic: approvals.TopicUnclear, Batch: next.N, Why: why}))
	ch.Settle = &settle{next.Permit, (e.Quarantine + e.window()).Milliseconds()}
	e.Log.WarnContext(ctx, "it is not clear whether a batch was accepted", "request", next.Request, "batch", next.N, "why", why, "cloud_request", cloudID)
	_, err = e.commit(ctx, ch)
	return err
}

// watchDoubt looks at the servers of an unclear batch. If every one of them is
// as it should be or on its way there, that is evidence enough; otherwise the end of the
// quarantine is waited for, since a late call may still arrive.
func (e *Engine) watchDoubt(ctx context.Context, c claim, b stored[approvals.Batch]) error {
	left := b.body.Intent.Add(e.Quarantine).Sub(e.now())
	if left > 0 {
		seen, err := e.look(ctx, b.body.Waiting())
		if err != nil {
			return fmt.Errorf("look at servers: %w", err)
		}
		if !allGoing(b.body, seen) {
			// Look again from time to time: the sooner the evidence is seen, the
			// sooner people know.
			e.release(ctx, c, min(left, 5*e.RetryIn), false)
			return nil
		}
	}
	next, err := b.body.To(approvals.Reconciling)
	if err != nil {
		return err
	}
	_, err = e.commit(ctx, e.move(c, b, next, "reconcile").done(0))
	return err
}

func allGoing(b approvals.Batch, seen map[string]approvals.Server) bool {
	for _, id := range b.Waiting() {
		s, known := seen[id]
		if !known || !b.Action.Has(s) && !b.Action.Going(s) {
			return false
		}
	}
	return true
}

// lostCalls is how many unclear calls one batch may have before a person is
// asked instead of sending another one.
const lostCalls = 3

// reconcile lets the servers tell what became of a batch that no job tells of.
//
// A server that is as the action finds it, idle, and bears the very stamp of the snapshot was not
// touched since before the call: the call never reached it. Only such a server
// is sent again, and only if the call was never accepted.
func (e *Engine) reconcile(ctx context.Context, c claim, b stored[approvals.Batch]) error {
	seen, err := e.look(ctx, b.body.Waiting())
	if err != nil {
		return fmt.Errorf("look at servers: %w", err)
	}
	next := with(b.body)
	untouched, waiting := 0, false
	for i := range next.Results {
		r := &next.Results[i]
		if r.Outcome != "" {
			continue
		}
		s, known := seen[r.Server.ID]
		a := b.body.Action
		untouchedNow := a.Before(s) && s.Updated == r.Server.Updated
		switch {
		case !known:
			r.Outcome, r.Reason = approvals.NotKnown, "the cloud does not show it any more"
		case a.Has(s):
			r.Server, r.Outcome = s, a.Found()
		case a.Going(s):
			waiting = true
		case untouchedNow && b.body.JobID != "":
			// The call was accepted: it is not for us to say that it will have no
			// effect, and not to make it again.
			r.Outcome, r.Reason = approvals.NotKnown, runsOn(a)+" untouched, though its call was accepted: "+b.body.Trouble
		case untouchedNow && b.body.Lost >= lostCalls:
			r.Outcome, r.Reason = approvals.NotKnown, fmt.Sprintf("%d calls brought no clear answer", b.body.Lost)
		case untouchedNow:
			untouched++
		case a.Before(s):
			r.Outcome, r.Reason = approvals.NotKnown, undone(a)
		default:
			r.Outcome, r.Reason = approvals.NotKnown, "is "+seenAs(s)
		}
	}
	switch {
	case waiting:
		return e.waitOn(ctx, c, b)
	case untouched > 0:
		return e.again(ctx, c, b, next)
	}
	return e.endBatch(ctx, c, b, next, nil)
}

// runsOn says that nothing has happened to a server.
func runsOn(a approvals.Action) string {
	if a == approvals.Start {
		return "stays off"
	}
	return "runs on"
}

// undone says that a server is as before the call, and yet was changed since.
func undone(a approvals.Action) string {
	if a == approvals.Start {
		return "is off, and was changed after the call: perhaps started, and stopped again by somebody"
	}
	return "runs, and was changed after the call: perhaps stopped, and started again by somebody"
}

// waitOn looks again later at servers to which it is still being done. Past the
// deadline people are told, once; giving up is not ours.
func (e *Engine) waitOn(ctx context.Context, c claim, b stored[approvals.Batch]) error {
	if e.now().Sub(b.body.Intent) < e.JobDeadline || b.body.Late {
		e.release(ctx, c, jittered(10*e.RetryIn/3), false)
		return nil
	}
	next := b.body
	next.Late = true
	next, err := next.To(approvals.Reconciling)
	if err != nil {
		return err
	}
	_, err = e.commit(ctx, e.move(c, b, next, "late").done(10*e.RetryIn).
		tell(e.keys, next.Request, e.lateNote(next)))
	return err
}

// again puts the servers back in the queue that the lost call never reached.
func (e *Engine) again(ctx context.Context, c claim, b stored[approvals.Batch], next approvals.Batch) error {
	next, err := next.To(approvals.Queued)
	if err != nil {
		return err
	}
	_, err = e.commit(ctx, e.move(c, b, next, "requeued").done(0))
	return err
}

func (e *Engine) lateNote(b approvals.Batch) approvals.Note {
	return e.note(approvals.Note{
		ID: fmt.Sprintf("%s/late/%d/%d", b.Request, b.N, b.Attempt), Topic: approvals.TopicLate,
		Batch: b.N, Job: b.JobID, Count: len(b.Waiting()), Why: e.now().Sub(b.Intent).Round(time.Second).String(),
	})
}

// seenAs is a server's state in the cloud's own words.
func seenAs(s approvals.Server) string {
	if s.Task != "" {
		return s.Status + " (" + s.Task + ")"
	}
	return s.Status
}
