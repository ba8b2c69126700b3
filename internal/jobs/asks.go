package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/store"
)

// askLife is how long an ask counts towards its person's limit.
const askLife = time.Hour

// countAsk counts an ask of a person, once, and returns a *approvals.Refusal if that
// exceeds the limit. It comes before the cloud is read, which the limit protects.
func (d *desk) countAsk(ctx context.Context, pol approvals.Policy, ask approvals.Ask) error {
	most := pol.MaxAsksPerHour
	if most == 0 {
		return nil
	}
	wait, err := d.store.Count(ctx, d.keys.asks(ask.By.ID), ask.OpID, askLife, most)
	if errors.Is(err, store.ErrFull) {
		return &approvals.Refusal{Kind: approvals.StoreFull}
	}
	if err != nil {
		return fmt.Errorf("count an ask: %w", err)
	}
	if wait > 0 {
		return &approvals.Refusal{Kind: approvals.TooManyAsks, Limit: most, RetryAt: d.now().Add(wait)}
	}
	return nil
}

// roomForOpen refuses if a person has as many open requests as they may have. The
// commit checks the limit again (see countOpen).
func (d *desk) roomForOpen(ctx context.Context, pol approvals.Policy, user string) error {
	most := pol.MaxOpenRequests
	if most == 0 {
		return nil
	}
	own := d.keys.own(user)
	members, err := d.store.Range(ctx, own, 0, -1)
	if err != nil {
		return fmt.Errorf("read a person's open requests: %w", err)
	}
	if len(members) < most {
		return nil
	}
	// A replica of an older version does not remove requests that have ended.
	ids := store.Names(members)
	isOpen, err := d.store.Has(ctx, d.keys.open(), ids...)
	if err != nil {
		return fmt.Errorf("read open requests: %w", err)
	}
	open := 0
	for i, id := range ids {
		if isOpen[i] {
			open++
		} else if err := d.store.Forget(ctx, []string{id}, []string{own}, nil); err != nil {
			return fmt.Errorf("forget an ended request: %w", err)
		}
	}
	if open >= most {
		return tooManyOpen(pol)
	}
	return nil
}

func tooManyOpen(pol approvals.Policy) error {
	return &approvals.Refusal{Kind: approvals.TooManyOpen, Limit: pol.MaxOpenRequests}
}

// countOpen adds r to its requester's open requests, and bounds their number. A retry
// that carries its approval is not bounded: an approver started it, not the
// requester.
func (d *desk) countOpen(ch *store.Change, pol approvals.Policy, r approvals.Request) {
	own := d.keys.own(r.Requester)
	if n := pol.MaxOpenRequests; n > 0 && r.State == approvals.Pending {
		ch.AtMost(own, n)
	}
	ch.Add(own, r.ID, r.Created.UnixMilli()).Expire(own, keepRecords)
}
