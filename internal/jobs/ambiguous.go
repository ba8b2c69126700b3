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
// quarantine is over its servers are only read, and the permit keeps counting.
func (s *sender) markAmbiguous(ctx context.Context, lease store.Lease, b store.Stored[approvals.Batch], cause approvals.Cause, cloudID string) error {
	next, err := b.Body.To(approvals.Ambiguous)
	if err != nil {
		return err
	}
	next.Rechecks = 0
	next.UnclearCalls++
	ch := s.moveBatch(lease, b, next, audit.Unclear).Release(s.cfg.RetryIn / 2).
		Also(tell(s.keys, next.Request, s.note(approvals.Note{ID: next.Permit + "/unclear", Topic: approvals.TopicUnclear, Batch: next.Index}.Because(cause))))
	ch.StartWindow(next.Permit, s.cfg.Quarantine+s.cfg.window())
	s.cfg.Log.WarnContext(ctx, "batch is ambiguous: it is unknown whether the cloud accepted its call", "request", next.Request, "batch", next.Index, "cause", cause, "cloud_request", cloudID)
	_, err = s.commit(ctx, ch)
	return err
}

// checkAmbiguous reads the servers of an ambiguous batch. If the action is done or in
// progress on every one of them, the call was accepted; otherwise the batch waits for
// the end of the quarantine, because a late call may still arrive.
func (s *sender) checkAmbiguous(ctx context.Context, lease store.Lease, b store.Stored[approvals.Batch]) error {
	next := b.Body
	if left := b.Body.IntentAt.Add(s.cfg.Quarantine).Sub(s.now()); left > 0 {
		seen, err := s.inventory.Read(ctx, b.Body.WithoutOutcome())
		if err != nil {
			return fmt.Errorf("read servers: %w", err)
		}
		var all bool
		if next, all = b.Body.ShowsEffect(seen); !all {
			// Read them again from time to time: people learn of the evidence sooner.
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

// reconcile finds the outcome of a batch without a job from its servers
// ([approvals.Batch.Reconcile]).
func (s *sender) reconcile(ctx context.Context, lease store.Lease, b store.Stored[approvals.Batch]) error {
	seen, err := s.inventory.Read(ctx, b.Body.WithoutOutcome())
	if err != nil {
		return fmt.Errorf("read servers: %w", err)
	}
	switch next, step := b.Body.Reconcile(seen, s.patience(), s.now()); step {
	case approvals.WaitLonger:
		return s.recheckLater(ctx, lease, b, next, next.IntentAt, jittered(10*s.cfg.RetryIn/3))
	case approvals.RequeueBatch:
		return s.requeue(ctx, lease, b, next)
	default:
		return s.endBatch(ctx, lease, b, next, nil)
	}
}

// requeue puts servers that the unclear call never reached back in the queue.
func (s *sender) requeue(ctx context.Context, lease store.Lease, b store.Stored[approvals.Batch], next approvals.Batch) error {
	next, err := next.To(approvals.Queued)
	if err != nil {
		return err
	}
	_, err = s.commit(ctx, s.moveBatch(lease, b, next, audit.Requeued).Release(0))
	return err
}

// overdueNote says that a batch takes longer than the deadline.
func (s *sender) overdueNote(b approvals.Batch) approvals.Note {
	return s.note(approvals.Note{
		ID: fmt.Sprintf("%s/late/%d/%d", b.Request, b.Index, b.Attempt), Topic: approvals.TopicOverdue,
		Batch: b.Index, Job: b.JobID, Count: len(b.WithoutOutcome()), Why: s.now().Sub(b.IntentAt).Round(time.Second).String(),
	})
}
