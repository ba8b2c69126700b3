package jobs

import (
	"context"
	"fmt"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/audit"
	"ecsbot/internal/store"
)

// markAmbiguous marks a batch whose call may have been made or not. Until the
// quarantine is over it is only looked at; the permit counts on that long.
func (s *sender) markAmbiguous(ctx context.Context, lease store.Lease, b store.Stored[approvals.Batch], why approvals.Cause, cloudID string) error {
	next, err := b.Body.To(approvals.Ambiguous)
	if err != nil {
		return err
	}
	next.Rechecks = 0
	next.UnclearCalls++
	ch := s.moveBatch(lease, b, next, audit.Unclear).Release(s.cfg.RetryIn / 2).
		Also(tell(s.keys, next.Request, s.note(approvals.Note{ID: next.Permit + "/unclear", Topic: approvals.TopicUnclear, Batch: next.Index}.Because(why))))
	ch.StartWindow(next.Permit, s.cfg.Quarantine+s.cfg.window())
	s.cfg.Log.WarnContext(ctx, "it is not clear whether a batch was accepted", "request", next.Request, "batch", next.Index, "why", why, "cloud_request", cloudID)
	_, err = s.commit(ctx, ch)
	return err
}

// checkAmbiguous looks at the servers of an unclear batch. If every one of them is
// as it should be or on its way there, that is evidence enough; otherwise the end of the
// quarantine is waited for, since a late call may still arrive.
func (s *sender) checkAmbiguous(ctx context.Context, lease store.Lease, b store.Stored[approvals.Batch]) error {
	next := b.Body
	if left := b.Body.IntentAt.Add(s.cfg.Quarantine).Sub(s.now()); left > 0 {
		seen, err := s.inventory.Read(ctx, b.Body.WithoutOutcome())
		if err != nil {
			return fmt.Errorf("look at servers: %w", err)
		}
		var all bool
		if next, all = b.Body.ShowsEffect(seen); !all {
			// Look again from time to time: the sooner the evidence is seen, the
			// sooner people know.
			return s.recheckLater(ctx, lease, b, next, next.IntentAt, min(left, 5*s.cfg.RetryIn))
		}
	}
	next, err := next.To(approvals.Reconciling)
	if err != nil {
		return err
	}
	_, err = s.commit(ctx, s.moveBatch(lease, b, next, audit.Reconcile).Release(0))
	return err
}

// reconcile lets the servers tell what became of a batch that no job tells of
// ([approvals.Batch.Reconcile]).
func (s *sender) reconcile(ctx context.Context, lease store.Lease, b store.Stored[approvals.Batch]) error {
	seen, err := s.inventory.Read(ctx, b.Body.WithoutOutcome())
	if err != nil {
		return fmt.Errorf("look at servers: %w", err)
	}
	switch next, do := b.Body.Reconcile(seen, s.patience(), s.now()); do {
	case approvals.WaitLonger:
		return s.recheckLater(ctx, lease, b, next, next.IntentAt, jittered(10*s.cfg.RetryIn/3))
	case approvals.RequeueBatch:
		return s.requeue(ctx, lease, b, next)
	default:
		return s.endBatch(ctx, lease, b, next, nil)
	}
}

// requeue puts the servers back in the queue that the lost call never reached.
func (s *sender) requeue(ctx context.Context, lease store.Lease, b store.Stored[approvals.Batch], next approvals.Batch) error {
	next, err := next.To(approvals.Queued)
	if err != nil {
		return err
	}
	_, err = s.commit(ctx, s.moveBatch(lease, b, next, audit.Requeued).Release(0))
	return err
}

func (s *sender) lateNote(b approvals.Batch) approvals.Note {
	return s.note(approvals.Note{
		ID: fmt.Sprintf("%s/late/%d/%d", b.Request, b.Index, b.Attempt), Topic: approvals.TopicOverdue,
		Batch: b.Index, Job: b.JobID, Count: len(b.WithoutOutcome()), Why: s.now().Sub(b.IntentAt).Round(time.Second).String(),
	})
}
