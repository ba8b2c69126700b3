package jobs

import (
	"context"
	"errors"
	"time"

	"ecsbot/internal/approvals"
)

// waitsForLimit leaves a batch in the line for its permit. The first time that
// a batch finds it has to wait for longer than a moment it notes so on the
// request, for the card to show, and from time to time which place it has got
// to. The note is only for show: if the request moves at the same time, the
// next try writes it.
func (e *Engine) waitsForLimit(ctx context.Context, c claim, r stored[approvals.Request], b approvals.Batch, t turn) error {
	// A freeze is told in the thread, for what it is.
	long := t.why == "full" && t.wait >= e.turn(time.Hour) || t.place > 1
	next := r.body.WaitsAt(b.N, t.place, e.now())
	told := next.Waiting == r.body.Waiting && next.Place == r.body.Place
	early := r.body.Waiting > 0 && e.now().Before(r.body.Placed.Add(e.Window/6))
	if !long || told || early || r.body.State != approvals.Executing {
		e.release(ctx, c, t.wait, false)
		return nil
	}
	_, err := e.commit(ctx, newChange().under(c).done(t.wait).asProgress().
		write(e.keys.request(next.ID), r.ver, next).
		wake(threadItem(next.ID), 0))
	if errors.Is(err, errConflict) {
		e.release(ctx, c, t.wait, false)
		return nil
	}
	return err
}

// waitsNoMore takes back what waitsForLimit has noted. If that fails, the end
// of the batch does it.
func (e *Engine) waitsNoMore(ctx context.Context, seen approvals.Request, b approvals.Batch) {
	if seen.Waiting != b.N+1 {
		return
	}
	r, err := e.loadRequest(ctx, seen.ID)
	if err == nil && r.body.State == approvals.Executing && r.body.Waiting == b.N+1 {
		next := r.body.WaitsNoMore()
		_, err = e.commit(ctx, newChange().asProgress().
			write(e.keys.request(next.ID), r.ver, next).
			wake(threadItem(next.ID), 0))
	}
	if err != nil && !errors.Is(err, errConflict) {
		e.Log.WarnContext(ctx, "a request still says that it waits", "request", seen.ID, "batch", b.N, "err", err)
	}
}
