package jobs

import (
	"context"
	"fmt"

	"ecsbot/internal/approvals"
	"ecsbot/internal/audit"
	"ecsbot/internal/store"
)

// stepRequest reminds people of a pending request, lets it expire, and cuts an
// approved one into batches.
func (e *Engine) stepRequest(ctx context.Context, c store.Lease, id string) error {
	r, err := e.loadRequest(ctx, id)
	if err != nil {
		return err
	}
	switch r.Body.State {
	case approvals.Pending:
		return e.expire(ctx, c, r)
	case approvals.Approved:
		return e.plan(ctx, c, r)
	}
	e.release(ctx, c, never, false)
	return nil
}

func (e *Engine) expire(ctx context.Context, c store.Lease, r store.Stored[approvals.Request]) error {
	now := e.now()
	next, over := r.Body.Expire(now)
	if !over {
		return e.remind(ctx, c, r, now)
	}
	ch, err := e.decision(ctx, r, next)
	if err != nil {
		return err
	}
	if _, err := e.commit(ctx, ch.FencedBy(c).Release(never)); err != nil {
		return err
	}
	e.Metrics.moves.WithLabelValues(string(next.State)).Inc()
	return nil
}

// plan makes the batches of an approved request. Only the first is due: each
// one wakes the next as soon as it has got its permit, so that no more than
// one batch of a request stands in the line.
func (e *Engine) plan(ctx context.Context, c store.Lease, r store.Stored[approvals.Request]) error {
	frozen, err := e.loadFrozen(ctx, r.Body.ID)
	if err != nil {
		return err
	}
	crashpoint("plan.before")
	batches := approvals.PlanBatches(r.Body, frozen, e.BatchSize)
	next, err := r.Body.Execute(len(batches), e.now())
	if err != nil {
		return err
	}
	k := e.keys
	ch := store.NewChange().FencedBy(c).NewWork().Release(never).
		Write(k.request(next.ID), r.Ver, next).
		Log(audit.Entry{Event: "planned", Request: next.ID, From: string(r.Body.State), To: string(next.State), Count: next.Total, Reason: fmt.Sprintf("%d batches", len(batches)), Worker: e.store.Worker()}).
		Wake(batchItem(next.ID, 0), 0).
		Wake(threadItem(next.ID), 0)
	for _, b := range batches {
		ch.Write(k.batch(next.ID, b.Index), 0, b)
	}
	if _, err := e.commit(ctx, ch); err != nil {
		return err
	}
	crashpoint("plan.committed")
	e.Metrics.moves.WithLabelValues(string(next.State)).Inc()
	return nil
}
