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
	"ecsbot/internal/store"
)

// senders are one sender for each project.
type senders struct {
	*records
	suspended atomic.Pointer[approvals.Cause] // why nothing may be sent; nil: sending is allowed
}

// sender sends a project's batches to the cloud and follows them until they end.
type sender struct {
	*senders
	*project
	permits *permits
}

// stepBatch does the next step of a batch.
func (ss *senders) stepBatch(ctx context.Context, lease store.Lease, id string) error {
	request, number, _ := strings.Cut(id, ":")
	n, err := strconv.Atoi(number)
	if err != nil {
		return fmt.Errorf("item %q: %w", lease.Item, store.ErrNotFound)
	}
	b, err := store.Load[approvals.Batch](ctx, ss.store, ss.keys.batch(request, n))
	if err != nil {
		return err
	}
	p := ss.projects.recorded(b.Body.ProjectID)
	if p == nil {
		return ss.waitForProject(ctx, lease, b)
	}
	end, ok := p.begin()
	if !ok {
		ss.release(ctx, lease, jittered(ss.cfg.RetryIn/3), false)
		return nil
	}
	defer end()
	return ss.of(p).step(ctx, lease, b)
}

// of is the sender of a project.
func (ss *senders) of(p *project) *sender {
	return &sender{senders: ss, project: p, permits: &permits{records: ss.records, project: p}}
}

// waitForProject leaves a batch alone whose project is not served any more. A batch that
// was to be sent says so in its thread, once.
func (ss *senders) waitForProject(ctx context.Context, lease store.Lease, b store.Stored[approvals.Batch]) error {
	ss.cfg.Log.WarnContext(ctx, "a batch has to wait: its project is not in the settings any more", "request", b.Body.Request, "batch", b.Body.Index, "project_id", b.Body.ProjectID)
	if b.Body.State == approvals.Queued {
		return ss.waitForCause(ctx, lease, b, b.Body, approvals.CauseProjectGone)
	}
	ss.release(ctx, lease, jittered(10*ss.cfg.RetryIn), false)
	return nil
}

// step does the next step of a batch, by its state.
func (s *sender) step(ctx context.Context, lease store.Lease, b store.Stored[approvals.Batch]) error {
	switch b.Body.State {
	case approvals.Queued:
		return s.submit(ctx, lease, b)
	case approvals.Submitting:
		// The process that wrote the intent has died: the call may have been made or not.
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

// moveBatch is the change from batch b to next, with its audit entry.
func (s *sender) moveBatch(lease store.Lease, b store.Stored[approvals.Batch], next approvals.Batch, event audit.Event) *store.Change {
	return s.writeBatch(store.NewChange().FencedBy(lease), b, next).
		Log(s.batchEntry(b.Body, next, event))
}

// writeBatch adds to ch that batch b becomes next. Servers that got an outcome are
// unlocked.
func (ss *senders) writeBatch(ch *store.Change, b store.Stored[approvals.Batch], next approvals.Batch) *store.Change {
	return ch.Quota(quotaName(next.ProjectID, next.Action)).
		Unlock(next.Request, next.Decided(b.Body)...).
		Write(ss.keys.batch(next.Request, next.Index), b.Ver, next)
}

func (s *sender) batchEntry(b, next approvals.Batch, event audit.Event) audit.Entry {
	return audit.Entry{Event: event, Request: next.Request, Batch: &next.Index, From: string(b.State), To: string(next.State), Job: next.JobID, Worker: s.store.Worker()}
}

// recheckLater stores what is known of a batch that has not ended, and makes it due
// after pause. Past the deadline, counted from since, the thread says that the batch
// is overdue, once.
func (s *sender) recheckLater(ctx context.Context, lease store.Lease, b store.Stored[approvals.Batch], next approvals.Batch, since time.Time, pause time.Duration) error {
	overdue := s.now().Sub(since) >= s.cfg.JobDeadline && !next.OverdueTold
	next.OverdueTold = next.OverdueTold || overdue
	if marshal(next) == marshal(b.Body) {
		s.release(ctx, lease, pause, false)
		return nil
	}
	change := func(next approvals.Batch) *store.Change {
		ch := s.writeBatch(store.NewChange().FencedBy(lease), b, next).Release(pause)
		if overdue {
			ch.Log(s.batchEntry(b.Body, next, audit.Overdue)).Also(tell(s.keys, next.Request, s.overdueNote(next)))
		}
		return ch
	}
	if early := next.Tally(); early != next.Noted {
		// The card shows servers that are done although others of their batch are not.
		// If the request changes at the same time, the next look at the batch notes them.
		r, err := s.loadRequest(ctx, next.Request)
		if err != nil {
			return err
		}
		if r.Body.State == approvals.Executing {
			noted := next
			noted.Noted = early
			shown := r.Body.NoteEarly(next.Noted, early)
			_, err = s.commitProgress(ctx, change(noted).Write(s.keys.request(shown.ID), r.Ver, shown).Wake(threadItem(shown.ID), 0))
			if !errors.Is(err, store.ErrConflict) {
				return err
			}
		}
	}
	_, err := s.commit(ctx, change(next))
	return err
}

// wakeNext makes the batch after b due, if there is one.
func (s *sender) wakeNext(ch *store.Change, b approvals.Batch) {
	if b.Remaining > len(b.Results) {
		ch.Wake(batchItem(b.Request, b.Index+1), 0)
	}
}

// endBatch ends b with the results of next, and the request with its last batch.
// Other batches of the request may end at the same time and change the request
// between read and commit: then it is read again.
func (s *sender) endBatch(ctx context.Context, lease store.Lease, b store.Stored[approvals.Batch], next approvals.Batch, extra func(*store.Change)) error {
	var err error
	next.Noted = approvals.Tally{}
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
		done, err := r.Body.NoteEarly(b.Body.Noted, approvals.Tally{}).BatchEnded(next.Tally(), s.now())
		if err != nil {
			return err
		}
		if done.WaitingBatch == next.Index+1 {
			done = done.ClearWaiting()
		}
		ch := s.moveBatch(lease, b, next, audit.Ended).Release(never).
			Write(s.keys.request(done.ID), r.Ver, done).
			Wake(threadItem(done.ID), 0)
		if b.Body.State == approvals.Queued {
			s.wakeNext(ch, next)
		}
		if next.Permit != "" && s.Anchor == AnchorFinish {
			ch.StartWindow(next.Permit, s.cfg.window())
		}
		if n, failed := s.failureNote(next); failed && !done.State.Final() { // else the outcome tells it
			ch.Also(tell(s.keys, done.ID, n))
		}
		if extra != nil {
			extra(ch)
		}
		if done.State.Final() {
			if err := s.endRequest(ctx, ch, done); err != nil {
				return err
			}
			ch.Log(audit.Entry{Event: audit.Finished, Request: done.ID, From: string(r.Body.State), To: string(done.State), Count: done.Total, Worker: s.store.Worker()}).
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

// unchanged reports whether the batch still has the version that was read, so that
// only the request can have caused a conflict.
func (s *sender) unchanged(ctx context.Context, b store.Stored[approvals.Batch], next approvals.Batch) bool {
	now, err := store.Load[approvals.Batch](ctx, s.store, s.keys.batch(next.Request, next.Index))
	return err == nil && now.Ver == b.Ver
}

func (s *sender) countOutcomes(b approvals.Batch) {
	for _, r := range b.Results {
		s.cfg.Metrics.servers.WithLabelValues(string(r.Outcome)).Inc()
	}
}

// patience is how long to wait for a batch.
func (s *sender) patience() approvals.Patience {
	return approvals.Patience{Quarantine: s.cfg.Quarantine, GiveUp: s.cfg.GiveUp}
}

// jittered varies d by up to a fifth, so that jobs that began together are not polled
// together every time.
func jittered(d time.Duration) time.Duration {
	return d + time.Duration((rand.Float64()*0.4-0.2)*float64(d))
}

// failureNote reports the failed servers of a batch, with the code and reason of the
// first one. The outcome has those of each.
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
