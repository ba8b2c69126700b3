package jobs

import (
	"context"
	"errors"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/store"
)

// noteWaiting leaves a batch in the line for its permit. The first time that
// a batch finds it has to wait for longer than a moment it notes so on the
// request, for the card to show, and from time to time which place it has got
// to. The note is only for show: if the request moves at the same time, the
// next try writes it.
func (e *Engine) noteWaiting(ctx context.Context, c store.Lease, r store.Stored[approvals.Request], b approvals.Batch, t *store.NoRoom) error {
	// A freeze is told in the thread, for what it is.
	long := t.Full() && t.Wait >= e.queueWait(time.Hour) || t.Place > 1
	next := r.Body.NoteWaiting(b.Index, t.Place, e.now())
	told := next.WaitingBatch == r.Body.WaitingBatch && next.QueuePosition == r.Body.QueuePosition
	early := r.Body.WaitingBatch > 0 && e.now().Before(r.Body.QueueNotedAt.Add(e.Window/6))
	if !long || told || early || r.Body.State != approvals.Executing {
		e.release(ctx, c, t.Wait, false)
		return nil
	}
	_, err := e.commitProgress(ctx, store.NewChange().FencedBy(c).Release(t.Wait).
		Write(e.keys.request(next.ID), r.Ver, next).
		Wake(threadItem(next.ID), 0))
	if errors.Is(err, store.ErrConflict) {
		e.release(ctx, c, t.Wait, false)
		return nil
	}
	return err
}

// clearWaiting takes back what waitsForLimit has noted. If that fails, the end
// of the batch does it.
func (e *Engine) clearWaiting(ctx context.Context, seen approvals.Request, b approvals.Batch) {
	if seen.WaitingBatch != b.Index+1 {
		return
	}
	r, err := e.loadRequest(ctx, seen.ID)
	if err == nil && r.Body.State == approvals.Executing && r.Body.WaitingBatch == b.Index+1 {
		next := r.Body.ClearWaiting()
		_, err = e.commitProgress(ctx, store.NewChange().
			Write(e.keys.request(next.ID), r.Ver, next).
			Wake(threadItem(next.ID), 0))
	}
	if err != nil && !errors.Is(err, store.ErrConflict) {
		e.Log.WarnContext(ctx, "a request still says that it waits", "request", seen.ID, "batch", b.Index, "err", err)
	}
}
