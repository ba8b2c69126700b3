package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/store"
)

// permits asks for room in the cloud's quota, and notes on requests that they wait
// for it.
type permits struct{ *records }

// noteWaiting leaves a batch in the line for its permit. The first time that
// a batch finds it has to wait for longer than a moment it notes so on the
// request, for the card to show, and from time to time which place it has got
// to. The note is only for show: if the request moves at the same time, the
// next try writes it.
func (q *permits) noteWaiting(ctx context.Context, lease store.Lease, r store.Stored[approvals.Request], b approvals.Batch, t *store.NoRoom) error {
	// A freeze is told in the thread, for what it is.
	long := t.Full() && t.Wait >= q.queueWait(time.Hour) || t.Place > 1
	next := r.Body.NoteWaiting(b.Index, t.Place, q.now())
	told := next.WaitingBatch == r.Body.WaitingBatch && next.QueuePosition == r.Body.QueuePosition
	early := r.Body.WaitingBatch > 0 && q.now().Before(r.Body.QueueNotedAt.Add(q.cfg.Window/6))
	if !long || told || early || r.Body.State != approvals.Executing {
		q.release(ctx, lease, t.Wait, false)
		return nil
	}
	_, err := q.commitProgress(ctx, store.NewChange().FencedBy(lease).Release(t.Wait).
		Write(q.keys.request(next.ID), r.Ver, next).
		Wake(threadItem(next.ID), 0))
	if errors.Is(err, store.ErrConflict) {
		q.release(ctx, lease, t.Wait, false)
		return nil
	}
	return err
}

// clearWaiting takes back what waitsForLimit has noted. If that fails, the end
// of the batch does it.
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
		q.cfg.Log.WarnContext(ctx, "a request still says that it waits", "request", seen.ID, "batch", b.Index, "err", err)
	}
}

// room asks for a permit for the batch: nil if it may go, else how long it has
// to wait.
func (q *permits) room(ctx context.Context, b approvals.Batch) (*store.NoRoom, error) {
	b.Attempt++ // the one that would be made now
	no, err := q.store.Room(ctx, quotaName(b.Action), q.permit(b, len(b.WithoutOutcome())))
	if no != nil {
		no.Wait = q.queueWait(no.Wait)
	}
	return no, err
}

// queueWait bounds a wait for a permit: calls that end early make room earlier than
// the log can tell, so it is asked again at least each second.
func (q *permits) queueWait(wait time.Duration) time.Duration {
	return max(5*time.Millisecond, min(wait, q.cfg.Window/60))
}

func (q *permits) permit(b approvals.Batch, cost int) store.Permit {
	return store.Permit{
		ID: fmt.Sprintf("%s/%d/%d", b.Request, b.Index, b.Attempt),
		// Those of this batch that are not sent do not count as still to come.
		Request: b.Request, Cost: cost, Rest: b.Remaining - len(b.Results) + cost, First: b.Index == 0,
		Limit: q.cfg.Rate, Reserve: q.cfg.reserve(), Soon: q.cfg.soon(),
	}
}

// permitMissing blocks the permits when one is missing that must be there: the
// log is not what it was.
func (q *permits) permitMissing(ctx context.Context, b approvals.Batch) error {
	q.cfg.Log.ErrorContext(ctx, "a permit under way is missing in the log; nothing is sent for one window", "permit", b.Permit)
	return q.store.Block(ctx, q.cfg.window())
}
