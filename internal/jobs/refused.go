package jobs

import (
	"context"
	"ecsbot/internal/approvals"
	"ecsbot/internal/audit"
	"ecsbot/internal/ecsclient"
	"ecsbot/internal/store"
	"errors"
	"time"
)

// refuse deals with a certain no. Servers that turn out to be unfit meanwhile
// explain it: they are left out, and the others go back to the queue. If none
// is, the cloud's own words are the result of each.
func (s *sender) refuse(ctx context.Context, lease store.Lease, b store.Stored[approvals.Batch], next approvals.Batch, refused error) error {
	api := new(ecsclient.Error)
	errors.As(refused, &api)
	again := false
	if api.Verdict == ecsclient.Refused {
		next, again = s.explained(ctx, next)
	}
	settled := func(ch *store.Change) {
		if next.Permit != "" {
			ch.StartWindow(next.Permit, s.cfg.window())
		}
	}
	if again {
		next, err := next.Unsent().To(approvals.Queued)
		if err != nil {
			return err
		}
		ch := s.moveBatch(lease, b, next, audit.Requeued).Release(s.cfg.RetryIn)
		settled(ch)
		_, err = s.commit(ctx, ch)
		return err
	}
	return s.endBatch(ctx, lease, b, next.Refused(api.Code, api.Message), settled)
}

// explained looks at the servers of a refused call. Those that cannot be sent
// as they are now get that as their outcome. again reports that this explains
// the refusal, or that some are on their way by an earlier call: the others may
// be sent again.
func (s *sender) explained(ctx context.Context, b approvals.Batch) (next approvals.Batch, again bool) {
	seen, err := s.inventory.Read(ctx, b.WithoutOutcome())
	if err != nil {
		s.cfg.Log.WarnContext(ctx, "servers could not be looked at after a refusal", "request", b.Request, "batch", b.Index, "err", err)
		return b, false
	}
	next, toSend := b.Unsent().Prepare(seen, s.cfg.Policy.Protection, time.Time{})
	open := len(next.WithoutOutcome())
	return next, open > 0 && (open < len(b.WithoutOutcome()) || len(toSend) < open)
}
