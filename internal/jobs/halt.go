package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/audit"
)

// Freezing tells whether a freeze keeps anything from being sent.
func (e *Engine) Freezing(ctx context.Context) (approvals.Freeze, error) {
	f, err := e.loadFreeze(ctx)
	return f.body, err
}

// loadFreeze reads the freeze. Its version goes into every intent ([same]), so
// that a batch cannot slip out while somebody puts it on.
func (e *Engine) loadFreeze(ctx context.Context) (stored[approvals.Freeze], error) {
	f, err := load[approvals.Freeze](ctx, e, e.keys.halt())
	if errors.Is(err, errNoRecord) {
		return stored[approvals.Freeze]{}, nil
	}
	return f, err
}

// Freeze keeps anything from being sent until [Engine.Unfreeze], and announces
// that in the channel, once. at is when the person typed it.
func (e *Engine) Freeze(ctx context.Context, p approvals.Person, reason, channel, op string, at time.Time) (approvals.Freeze, error) {
	return e.setFreeze(ctx, op, func(f approvals.Freeze, now time.Time) (approvals.Freeze, error) {
		return f.Put(p, e.Policy, reason, channel, op, at, now)
	})
}

// Unfreeze lets batches be sent again. It is announced where the freeze was.
func (e *Engine) Unfreeze(ctx context.Context, p approvals.Person, op string, at time.Time) (approvals.Freeze, error) {
	return e.setFreeze(ctx, op, func(f approvals.Freeze, now time.Time) (approvals.Freeze, error) {
		return f.Lift(p, e.Policy, op, at, now)
	})
}

func (e *Engine) setFreeze(ctx context.Context, op string, move func(approvals.Freeze, time.Time) (approvals.Freeze, error)) (approvals.Freeze, error) {
	for {
		f, err := e.loadFreeze(ctx)
		if err != nil || f.body.Knows(op) {
			return f.body, err
		}
		next, refused := move(f.body, e.now())
		ch := e.freezeChange(f, next)
		switch {
		case refused == nil:
			ch.tell(e.keys, "@"+next.Channel, e.freezeNote(f, next))
		case next.PutAt.Equal(f.body.PutAt) && next.LiftAt.Equal(f.body.LiftAt):
			return f.body, refused
		}
		_, err = e.commit(ctx, ch)
		if errors.Is(err, errConflict) {
			continue
		}
		if err != nil {
			return f.body, err
		}
		if refused != nil {
			return f.body, refused
		}
		crashpoint("freeze.committed")
		return next, nil
	}
}

// freezeChange keeps next in the place of f. An act that has no effect is kept
// as well: it may be newer than one that is carried out later.
func (e *Engine) freezeChange(f stored[approvals.Freeze], next approvals.Freeze) *change {
	ch := newChange().write(e.keys.halt(), f.ver, next)
	if next.On || next.On == f.body.On {
		ch.keep() // a full store takes what holds back
	}
	if next.On == f.body.On {
		return ch
	}
	event := "freeze"
	if !next.On {
		event = "unfreeze"
	}
	return ch.log(audit.Entry{Event: event, By: next.By, Reason: next.Reason, Worker: e.worker})
}

func (e *Engine) freezeNote(f stored[approvals.Freeze], next approvals.Freeze) approvals.Note {
	n := e.note(approvals.Note{ID: fmt.Sprintf("freeze/%d", f.ver+1), Topic: approvals.TopicFrozen, By: next.By, Why: next.Reason})
	if !next.On {
		n.Topic = approvals.TopicThawed
	}
	return n
}

// waitForThaw leaves a batch in the queue while a freeze is on, and tells its
// thread, once for each freeze, however many batches wait.
func (e *Engine) waitForThaw(ctx context.Context, c claim, r stored[approvals.Request], b approvals.Batch, f approvals.Freeze) error {
	if r.body.Held == f.At.UnixMilli() {
		e.release(ctx, c, jittered(e.RetryIn), false)
		return nil
	}
	next := r.body
	next.Held = f.At.UnixMilli()
	_, err := e.commit(ctx, newChange().under(c).done(e.RetryIn).asProgress().
		write(e.keys.request(next.ID), r.ver, next).
		tell(e.keys, next.ID, e.note(approvals.Note{
			ID:    fmt.Sprintf("%s/held/%d", next.ID, next.Held),
			Topic: approvals.TopicHeld, Batch: b.N, By: f.By, Why: f.Reason,
		})))
	return err
}
