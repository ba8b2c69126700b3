package jobs

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/audit"
	"ecsbot/internal/store"
)

// stepBatch does what a batch's state asks for.
func (e *Engine) stepBatch(ctx context.Context, c store.Lease, id string) error {
	request, number, _ := strings.Cut(id, ":")
	n, err := strconv.Atoi(number)
	if err != nil {
		return fmt.Errorf("item %q: %w", c.Item, store.ErrNotFound)
	}
	b, err := store.Load[approvals.Batch](ctx, e.store, e.keys.batch(request, n))
	if err != nil {
		return err
	}
	switch b.Body.State {
	case approvals.Queued:
		return e.submit(ctx, c, b)
	case approvals.Submitting:
		// The process that wrote the intent is gone: it may have been sent or not.
		return e.markAmbiguous(ctx, c, b, approvals.CauseSenderGone, "")
	case approvals.Ambiguous:
		return e.checkAmbiguous(ctx, c, b)
	case approvals.Reconciling:
		return e.reconcile(ctx, c, b)
	case approvals.Running:
		return e.poll(ctx, c, b)
	}
	e.release(ctx, c, never, false)
	return nil
}

// moveBatch is the change that takes batch b to next.
func (e *Engine) moveBatch(c store.Lease, b store.Stored[approvals.Batch], next approvals.Batch, event string) *store.Change {
	return e.writeBatch(store.NewChange().FencedBy(c), b, next).
		Log(e.batchEntry(b.Body, next, event))
}

// writeBatch adds to ch that batch b is next now. Servers that got their outcome are
// free for other requests.
func (e *Engine) writeBatch(ch *store.Change, b store.Stored[approvals.Batch], next approvals.Batch) *store.Change {
	return ch.Quota(quota(next.Action)).
		Unlock(next.Request, next.Decided(b.Body)...).
		Write(e.keys.batch(next.Request, next.Index), b.Ver, next)
}

func (e *Engine) batchEntry(b, next approvals.Batch, event string) audit.Entry {
	return audit.Entry{Event: event, Request: next.Request, Batch: &next.Index, From: string(b.State), To: string(next.State), Job: next.JobID, Worker: e.store.Worker()}
}

// recheckLater keeps what is known of a batch that has not ended, and has it
// looked at again after pause. Once the deadline is over, counted from since,
// people read that it takes longer.
func (e *Engine) recheckLater(ctx context.Context, c store.Lease, b store.Stored[approvals.Batch], next approvals.Batch, since time.Time, pause time.Duration) error {
	overdue := e.now().Sub(since) >= e.JobDeadline && !next.OverdueTold
	next.OverdueTold = next.OverdueTold || overdue
	if marshal(next) == marshal(b.Body) {
		e.release(ctx, c, pause, false)
		return nil
	}
	ch := e.writeBatch(store.NewChange().FencedBy(c), b, next).Release(pause)
	if overdue {
		ch.Log(e.batchEntry(b.Body, next, "late")).Also(tell(e.keys, next.Request, e.lateNote(next)))
	}
	_, err := e.commit(ctx, ch)
	return err
}

// wakeNext makes the batch after b due, if there is one.
func (e *Engine) wakeNext(ch *store.Change, b approvals.Batch) {
	if b.Remaining > len(b.Results) {
		ch.Wake(batchItem(b.Request, b.Index+1), 0)
	}
}

// endBatch ends b with the results that next carries, and with the last batch
// the request. Other batches of the request end at the same time, so the
// request may have moved on between reading and writing: then it is read anew.
func (e *Engine) endBatch(ctx context.Context, c store.Lease, b store.Stored[approvals.Batch], next approvals.Batch, extra func(*store.Change)) error {
	var err error
	if next.State != approvals.BatchCancelled {
		if next, err = next.Ended(); err != nil {
			return err
		}
	}
	for {
		r, err := e.loadRequest(ctx, next.Request)
		if err != nil {
			return err
		}
		done, err := r.Body.BatchEnded(next.Tally(), e.now())
		if err != nil {
			return err
		}
		if done.WaitingBatch == next.Index+1 {
			done = done.ClearWaiting()
		}
		ch := e.moveBatch(c, b, next, "ended").Release(never).
			Write(e.keys.request(done.ID), r.Ver, done).
			Wake(threadItem(done.ID), 0)
		if b.Body.State == approvals.Queued {
			e.wakeNext(ch, next)
		}
		if next.Permit != "" && e.Anchor == AnchorFinish {
			ch.StartWindow(next.Permit, e.window())
		}
		if n, failed := e.failureNote(next); failed {
			ch.Also(tell(e.keys, done.ID, n))
		}
		if extra != nil {
			extra(ch)
		}
		if done.State.Final() {
			if err := e.endRequest(ctx, ch, done); err != nil {
				return err
			}
			ch.Log(audit.Entry{Event: "finished", Request: done.ID, From: string(r.Body.State), To: string(done.State), Count: done.Total, Worker: e.store.Worker()}).
				Also(tell(e.keys, done.ID, e.note(approvals.Note{ID: done.ID + "/end", Topic: approvals.TopicOutcome})))
			if done.Tally.Long() {
				ch.Also(tell(e.keys, done.ID, e.note(approvals.Note{ID: done.ID + approvals.ResultsNote, Topic: approvals.TopicResults, Count: done.Total})))
			}
		}
		crashpoint("end.before")
		if done.State.Final() {
			_, err = e.commit(ctx, ch)
		} else {
			_, err = e.commitProgress(ctx, ch)
		}
		if errors.Is(err, store.ErrConflict) && e.unchanged(ctx, b, next) {
			continue
		}
		if err != nil {
			return err
		}
		crashpoint("end.committed")
		e.countOutcomes(next)
		if done.State.Final() {
			e.Metrics.moves.WithLabelValues(string(done.State)).Inc()
		}
		return nil
	}
}

// unchanged reports whether the batch still is as it was read, so that only the
// request can have caused a conflict.
func (e *Engine) unchanged(ctx context.Context, b store.Stored[approvals.Batch], next approvals.Batch) bool {
	now, err := store.Load[approvals.Batch](ctx, e.store, e.keys.batch(next.Request, next.Index))
	return err == nil && now.Ver == b.Ver
}

func (e *Engine) countOutcomes(b approvals.Batch) {
	for _, r := range b.Results {
		e.Metrics.servers.WithLabelValues(string(r.Outcome)).Inc()
	}
}

// patience is how long a batch is waited for.
func (e *Engine) patience() approvals.Patience {
	return approvals.Patience{Quarantine: e.Quarantine, GiveUp: e.GiveUp}
}

// jittered spreads d by a fifth to both sides, so that jobs that began
// together are not asked about together for ever.
func jittered(d time.Duration) time.Duration {
	return d + time.Duration((rand.Float64()*0.4-0.2)*float64(d))
}
