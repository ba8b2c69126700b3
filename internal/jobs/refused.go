package jobs

import (
	"context"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/audit"
	"ecsbot/internal/ecsclient"
	"ecsbot/internal/store"
)

// refuse handles a call that the cloud refused. Servers that have become ineligible
// explain the refusal: they are skipped, and the others are requeued. If there are
// none, the cloud's code and message are the result of each server.
func (s *sender) refuse(ctx context.Context, lease store.Lease, b store.Stored[approvals.Batch], next approvals.Batch, refused error) error {
	api := apiError(refused)
	requeue := false
	if api.Verdict == ecsclient.Refused {
		next, requeue = s.explained(ctx, next)
	}
	startWindow := func(ch *store.Change) {
		if next.Permit != "" {
			ch.StartWindow(next.Permit, s.cfg.window())
		}
	}
	if requeue {
		next, err := next.Unsent().To(approvals.Queued)
		if err != nil {
			return err
		}
		ch := s.moveBatch(lease, b, next, audit.Requeued).Release(s.cfg.RetryIn)
		startWindow(ch)
		_, err = s.commit(ctx, ch)
		return err
	}
	return s.endBatch(ctx, lease, b, next.Refused(api.Code, api.Message), startWindow)
}

// explained reads the servers of a refused call. Servers that are not eligible any
// more are skipped. requeue reports that this explains the refusal, or that an
// earlier call is in progress on some of them: the others may be sent again.
func (s *sender) explained(ctx context.Context, b approvals.Batch) (next approvals.Batch, requeue bool) {
	seen, err := s.inventory.Read(ctx, b.WithoutOutcome())
	if err != nil {
		s.cfg.Log.WarnContext(ctx, "servers could not be read after the cloud refused their call", "request", b.Request, "batch", b.Index, "err", err)
		return b, false
	}
	next, toSend := b.Unsent().Prepare(seen, s.Policy.Protection, time.Time{})
	open := len(next.WithoutOutcome())
	return next, open > 0 && (open < len(b.WithoutOutcome()) || len(toSend) < open)
}
