package jobs

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/audit"
	"ecsbot/internal/inventory"
	"ecsbot/internal/store"
)

// sender sends batches to the cloud and follows them to their end.
type sender struct {
	*records
	inventory *inventory.Inventory
	permits   *permits
	polls     *pacer
	suspended atomic.Pointer[approvals.Cause] // why nothing may be sent; nil: it may
}

// stepBatch does what a batch's state asks for.
func (s *sender) stepBatch(ctx context.Context, lease store.Lease, id string) error {
	request, number, _ := strings.Cut(id, ":")
	n, err := strconv.Atoi(number)
	if err != nil {
		return fmt.Errorf("item %q: %w", lease.Item, store.ErrNotFound)
	}
	b, err := store.Load[approvals.Batch](ctx, s.store, s.keys.batch(request, n))
	if err != nil {
		return err
	}
	switch b.Body.State {
	case approvals.Queued:
		return s.submit(ctx, lease, b)
	case approvals.Submitting:
		// The process that wrote the intent is gone: it may have been sent or not.
		return s.markAmbiguous(ctx, lease, b, approvals.CauseSenderGone, "")
	case approvals.Ambiguous:
		return s.checkAmbiguous(ctx, lease, b)
	case approvals.Reconciling:
		return s.reconcile(ctx, lease, b)
	case approvals.Running:
		return s.poll(ctx, lease, b)
	}
	s.release(ctx, lease, never, false)
	return nil
}

// moveBatch is the change that takes batch b to next.
func (s *sender) moveBatch(lease store.Lease, b store.Stored[approvals.Batch], next approvals.Batch, event string) *store.Change {
	return s.writeBatch(store.NewChange().FencedBy(lease), b, next).
		Log(s.batchEntry(b.Body, next, event))
}

// writeBatch adds to ch that batch b is next now. Servers that got their outcome are
// free for other requests.
func (s *sender) writeBatch(ch *store.Change, b store.Stored[approvals.Batch], next approvals.Batch) *store.Change {
	return ch.Quota(quotaName(next.Action)).
		Unlock(next.Request, next.Decided(b.Body)...).
		Write(s.keys.batch(next.Request, next.Index), b.Ver, next)
}

func (s *sender) batchEntry(b, next approvals.Batch, event string) audit.Entry {
	return audit.Entry{Event: event, Request: next.Request, Batch: &next.Index, From: string(b.State), To: string(next.State), Job: next.JobID, Worker: s.store.Worker()}
}

// recheckLater keeps what is known of a batch that has not ended, and has it
// looked at again after pause. Once the deadline is over, counted from since,
// people read that it takes longer.
func (s *sender) recheckLater(ctx context.Context, lease store.Lease, b store.Stored[approvals.Batch], next approvals.Batch, since time.Time, pause time.Duration) error {
	overdue := s.now().Sub(since) >= s.cfg.JobDeadline && !next.OverdueTold
	next.OverdueTold = next.OverdueTold || overdue
	if marshal(next) == marshal(b.Body) {
		s.release(ctx, lease, pause, false)
		return nil
	}
	ch := s.writeBatch(store.NewChange().FencedBy(lease), b, next).Release(pause)
	if overdue {
		ch.Log(s.batchEntry(b.Body, next, "late")).Also(tell(s.keys, next.Request, s.lateNote(next)))
	}
	_, err := s.commit(ctx, ch)
	return err
}

// wakeNext makes the batch after b due, if there is one.
func (s *sender) wakeNext(ch *store.Change, b approvals.Batch) {
	if b.Remaining > len(b.Results) {
		ch.Wake(batchItem(b.Request, b.Index+1), 0)
	}
}

// endBatch ends b with the results that next carries, and with the last batch
// the request. Other batches of the request end at the same time, so the
// request may have moved on between reading and writing: then it is read again.
func (s *sender) endBatch(ctx context.Context, lease store.Lease, b store.Stored[approvals.Batch], next approvals.Batch, extra func(*store.Change)) error {
	var err error
	if next.State != approvals.BatchCancelled {
		if next, err = next.Ended(); err != nil {
			return err
		}
	}
	for {
		r, err := s.loadRequest(ctx, next.Request)
		if err != nil {
			return err
		}
		done, err := r.Body.BatchEnded(next.Tally(), s.now())
		if err != nil {
			return err
		}
		if done.WaitingBatch == next.Index+1 {
			done = done.ClearWaiting()
		}
		ch := s.moveBatch(lease, b, next, "ended").Release(never).
			Write(s.keys.request(done.ID), r.Ver, done).
			Wake(threadItem(done.ID), 0)
		if b.Body.State == approvals.Queued {
			s.wakeNext(ch, next)
		}
		if next.Permit != "" && s.cfg.Anchor == AnchorFinish {
			ch.StartWindow(next.Permit, s.cfg.window())
		}
		if n, failed := s.failureNote(next); failed {
			ch.Also(tell(s.keys, done.ID, n))
		}
		if extra != nil {
			extra(ch)
		}
		if done.State.Final() {
			if err := s.endRequest(ctx, ch, done); err != nil {
				return err
			}
			ch.Log(audit.Entry{Event: "finished", Request: done.ID, From: string(r.Body.State), To: string(done.State), Count: done.Total, Worker: s.store.Worker()}).
				Also(tell(s.keys, done.ID, s.note(approvals.Note{ID: done.ID + "/end", Topic: approvals.TopicOutcome})))
			if done.Tally.Long() {
				ch.Also(tell(s.keys, done.ID, s.note(approvals.Note{ID: done.ID + approvals.ResultsNote, Topic: approvals.TopicResults, Count: done.Total})))
			}
		}
		crashpoint("end.before")
		if done.State.Final() {
			_, err = s.commit(ctx, ch)
		} else {
			_, err = s.commitProgress(ctx, ch)
		}
		if errors.Is(err, store.ErrConflict) && s.unchanged(ctx, b, next) {
			continue
		}
		if err != nil {
			return err
		}
		crashpoint("end.committed")
		s.countOutcomes(next)
		if done.State.Final() {
			s.cfg.Metrics.moves.WithLabelValues(string(done.State)).Inc()
		}
		return nil
	}
}

// unchanged reports whether the batch still is as it was read, so that only the
// request can have caused a conflict.
func (s *sender) unchanged(ctx context.Context, b store.Stored[approvals.Batch], next approvals.Batch) bool {
	now, err := store.Load[approvals.Batch](ctx, s.store, s.keys.batch(next.Request, next.Index))
	return err == nil && now.Ver == b.Ver
}

func (s *sender) countOutcomes(b approvals.Batch) {
	for _, r := range b.Results {
		s.cfg.Metrics.servers.WithLabelValues(string(r.Outcome)).Inc()
	}
}

// patience is how long a batch is waited for.
func (s *sender) patience() approvals.Patience {
	return approvals.Patience{Quarantine: s.cfg.Quarantine, GiveUp: s.cfg.GiveUp}
}

// jittered spreads d by a fifth to both sides, so that jobs that began
// together are not asked about together forever.
func jittered(d time.Duration) time.Duration {
	return d + time.Duration((rand.Float64()*0.4-0.2)*float64(d))
}

// failureNote tells of the servers of a batch that failed; the first one's code
// and reason stand for all, the outcome has each.
func (s *sender) failureNote(b approvals.Batch) (n approvals.Note, failed bool) {
	n = s.note(approvals.Note{
		ID: fmt.Sprintf("%s/%d/failed", b.Request, b.Index), Topic: approvals.TopicBatchFailed, Batch: b.Index, Job: b.JobID,
	})
	for _, r := range b.Results {
		if r.Outcome != approvals.ActionFailed {
			continue
		}
		if n.Count == 0 {
			n.Code, n.Why = r.Code, r.Detail
		}
		n.Count++
	}
	return n, n.Count > 0
}
