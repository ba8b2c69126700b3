package jobs

import (
	"context"
	"fmt"

	"ecsbot/internal/approvals"
	"ecsbot/internal/audit"
)

// stepRequest reminds people of a pending request, lets it expire, and cuts an
// approved one into batches.
func (e *Engine) stepRequest(ctx context.Context, c claim, id string) error {
	r, err := e.loadRequest(ctx, id)
	if err != nil {
		return err
	}
	switch r.body.State {
	case approvals.Pending:
		return e.expire(ctx, c, r)
	case approvals.Approved:
		return e.plan(ctx, c, r)
	}
	e.release(ctx, c, never, false)
	return nil
}

func (e *Engine) expire(ctx context.Context, c claim, r stored[approvals.Request]) error {
	now := e.now()
	next, over := r.body.Expire(now)
	if !over {
		return e.remind(ctx, c, r, now)
	}
	ch, err := e.decision(ctx, r, next)
	if err != nil {
		return err
	}
	if _, err := e.commit(ctx, ch.under(c).done(never)); err != nil {
		return err
	}
	e.Metrics.moves.WithLabelValues(string(next.State)).Inc()
	return nil
}

// plan makes the batches of an approved request. Only the first is due: each
// one wakes the next as soon as it has got its permit, so that no more than
// one batch of a request stands in the line.
func (e *Engine) plan(ctx context.Context, c claim, r stored[approvals.Request]) error {
	frozen, err := e.loadFrozen(ctx, r.body.ID)
	if err != nil {
		return err
	}
	crashpoint("plan.before")
	batches := approvals.Plan(r.body, frozen, e.BatchSize)
	next, err := r.body.Execute(len(batches), e.now())
	if err != nil {
		return err
	}
	k := e.keys
	ch := newChange().under(c).begins().done(never).
		write(k.request(next.ID), r.ver, next).
		log(audit.Entry{Event: "planned", Request: next.ID, From: string(r.body.State), To: string(next.State), Count: next.Total, Reason: fmt.Sprintf("%d batches", len(batches)), Worker: e.worker}).
		wake(batchItem(next.ID, 0), 0).
		wake(threadItem(next.ID), 0)
	for _, b := range batches {
		ch.write(k.batch(next.ID, b.N), 0, b)
	}
	if _, err := e.commit(ctx, ch); err != nil {
		return err
	}
	crashpoint("plan.committed")
	e.Metrics.moves.WithLabelValues(string(next.State)).Inc()
	return nil
}
