package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/store"
)

// permits asks for room in a project's quota, and notes on a request that it waits for
// it.
type permits struct {
	*records
	project *project
}

// noteWaiting leaves a batch in the queue for its permit. If the batch has to wait for
// more than a moment, the request says so for the card to show, and from time to
// time the place in the queue. The note is for display only: if the request changes
// at the same time, the next attempt writes it.
func (q *permits) noteWaiting(ctx context.Context, lease store.Lease, r store.Stored[approvals.Request], b approvals.Batch, no *store.NoRoom) error {
	// Blocked permits are reported in the thread, not here.
	long := no.Full() && no.Wait >= q.queueWait(time.Hour) || no.Place > 1
	next := r.Body.NoteWaiting(b.Index, no.Place, q.now())
	same := next.WaitingBatch == r.Body.WaitingBatch && next.QueuePosition == r.Body.QueuePosition
	early := r.Body.WaitingBatch > 0 && q.now().Before(r.Body.QueueNotedAt.Add(q.cfg.Window/6))
	if !long || same || early || r.Body.State != approvals.Executing {
		q.release(ctx, lease, no.Wait, false)
		return nil
	}
	_, err := q.commitProgress(ctx, store.NewChange().FencedBy(lease).Release(no.Wait).
		Write(q.keys.request(next.ID), r.Ver, next).
		Wake(threadItem(next.ID), 0))
	if errors.Is(err, store.ErrConflict) {
		q.release(ctx, lease, no.Wait, false)
		return nil
	}
	return err
}

// clearWaiting removes what noteWaiting has written. If that fails, the end of the
// batch does it.
func (q *permits) clearWaiting(ctx context.Context, seen approvals.Request, b approvals.Batch) {
	if seen.WaitingBatch != b.Index+1 {
		return
	}
	r, err := q.loadRequest(ctx, seen.ID)
	if err == nil && r.Body.State == approvals.Executing && r.Body.WaitingBatch == b.Index+1 {
		next := r.Body.ClearWaiting()
		_, err = q.commitProgress(ctx, store.NewChange().
			Write(q.keys.request(next.ID), r.Ver, next).
			Wake(threadItem(next.ID), 0))
	}
	if err != nil && !errors.Is(err, store.ErrConflict) {
		q.cfg.Log.WarnContext(ctx, "could not clear the note that a request waits for the quota", "request", seen.ID, "batch", b.Index, "err", err)
	}
}

// room asks whether the batch would get a permit now: nil if it would, else how long
// to wait.
func (q *permits) room(ctx context.Context, b approvals.Batch) (*store.NoRoom, error) {
	b.Attempt++ // the attempt that would be made now
	no, err := q.store.Room(ctx, quotaName(b.ProjectID, b.Action), q.permit(b, len(b.WithoutOutcome())))
	if no != nil {
		no.Wait = q.queueWait(no.Wait)
	}
	return no, err
}

// queueWait bounds a wait for a permit to a second: calls that end early make room
// earlier than the log can tell.
func (q *permits) queueWait(wait time.Duration) time.Duration {
	return max(5*time.Millisecond, min(wait, q.cfg.Window/60))
}

func (q *permits) permit(b approvals.Batch, cost int) store.Permit {
	return store.Permit{
		ID: fmt.Sprintf("%s/%d/%d", b.Request, b.Index, b.Attempt),
		// Servers of this batch that will not be sent do not count.
		Request: b.Request, Cost: cost, Rest: b.Remaining - len(b.Results) + cost, First: b.Index == 0,
		Limit: q.project.Rate, Reserve: q.project.reserve(), Soon: q.cfg.soon(),
	}
}

// permitMissing blocks permits if the permit of a call is missing in the log: Redis
// has lost it, and perhaps others.
func (q *permits) permitMissing(ctx context.Context, b approvals.Batch) error {
	q.cfg.Log.ErrorContext(ctx, "the permit of a call is missing in the quota's log; permits are blocked and nothing is sent for one window", "permit", b.Permit)
	return q.store.Block(ctx, q.cfg.window())
}
