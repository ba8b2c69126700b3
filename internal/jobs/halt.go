package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/audit"
	"ecsbot/internal/store"
)

// FreezeState tells whether a freeze keeps anything from being sent.
func (e *Engine) FreezeState(ctx context.Context) (approvals.Freeze, error) {
	f, err := e.loadFreeze(ctx)
	return f.Body, err
}

// loadFreeze reads the freeze. Every intent expects its version
// ([store.Change.Expect]), so that a batch cannot slip out while somebody puts it
// on.
func (e *Engine) loadFreeze(ctx context.Context) (store.Stored[approvals.Freeze], error) {
	f, err := store.Load[approvals.Freeze](ctx, e.store, e.keys.freeze())
	if errors.Is(err, store.ErrNotFound) {
		return store.Stored[approvals.Freeze]{}, nil
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
		if err != nil || f.Body.Knows(op) {
			return f.Body, err
		}
		next, refused := move(f.Body, e.now())
		ch := e.freezeChange(f, next)
		switch {
		case refused == nil:
			ch.Also(tell(e.keys, "@"+next.Channel, e.freezeNote(f, next)))
		case next.FreezeTypedAt.Equal(f.Body.FreezeTypedAt) && next.UnfreezeTypedAt.Equal(f.Body.UnfreezeTypedAt):
			return f.Body, refused
		}
		_, err = e.commit(ctx, ch)
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if err != nil {
			return f.Body, err
		}
		if refused != nil {
			return f.Body, refused
		}
		crashpoint("freeze.committed")
		return next, nil
	}
}

// freezeChange keeps next in the place of f. An act that has no effect is kept
// as well: it may be newer than one that is carried out later.
func (e *Engine) freezeChange(f store.Stored[approvals.Freeze], next approvals.Freeze) *store.Change {
	ch := store.NewChange().Write(e.keys.freeze(), f.Ver, next)
	if next.On || next.On == f.Body.On {
		ch.EvenIfFull() // a full store takes what holds back
	}
	if next.On == f.Body.On {
		return ch
	}
	event := "freeze"
	if !next.On {
		event = "unfreeze"
	}
	return ch.Log(audit.Entry{Event: event, By: next.By, Reason: next.Reason, Worker: e.store.Worker()})
}

func (e *Engine) freezeNote(f store.Stored[approvals.Freeze], next approvals.Freeze) approvals.Note {
	n := e.note(approvals.Note{ID: fmt.Sprintf("freeze/%d", f.Ver+1), Topic: approvals.TopicFrozen, By: next.By, Why: next.Reason})
	if !next.On {
		n.Topic = approvals.TopicUnfrozen
	}
	return n
}

// waitForUnfreeze leaves a batch in the queue while a freeze is on, and tells its
// thread, once for each freeze, however many batches wait.
func (e *Engine) waitForUnfreeze(ctx context.Context, c store.Lease, r store.Stored[approvals.Request], b approvals.Batch, f approvals.Freeze) error {
	if r.Body.FreezeTold == f.At.UnixMilli() {
		e.release(ctx, c, jittered(e.RetryIn), false)
		return nil
	}
	next := r.Body
	next.FreezeTold = f.At.UnixMilli()
	_, err := e.commitProgress(ctx, store.NewChange().FencedBy(c).Release(e.RetryIn).
		Write(e.keys.request(next.ID), r.Ver, next).
		Also(tell(e.keys, next.ID, e.note(approvals.Note{
			ID:    fmt.Sprintf("%s/held/%d", next.ID, next.FreezeTold),
			Topic: approvals.TopicFrozenBatch, Batch: b.Index, By: f.By, Why: f.Reason,
		}))))
	return err
}
