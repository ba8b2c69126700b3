package jobs

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"ecsbot/internal/approvals"
)

func isFull(err error) bool {
	var no *approvals.Refusal
	return errors.As(err, &no) && no.Kind == approvals.StoreFull
}

// What holds back works on a full Redis; what begins something is refused, with
// a reason that a person understands.
func TestAFullRedisTakesWhatHoldsBack(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		ids := w.fleet(4)
		e := w.opened()
		pending, other, third := w.ask(e, "op1", ids[0]), w.ask(e, "op2", ids[1]), w.ask(e, "op3", ids[2])
		w.beat(e)
		w.fill()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()

		_, err := e.Ask(ctx, askOf("op4", ids[3]))
		_, draft := e.Draft(ctx, askOf("op5", ids[3]))
		_, approve := e.Approve(ctx, third.ID, ben, "yes")
		_, record := e.Enqueue(ctx, approvals.Envelope{ID: "1", Kind: "command", At: time.Now()})
		for what, err := range map[string]error{"ask": err, "draft": draft, "approve": approve, "record": record} {
			if !isFull(err) {
				t.Errorf("%s: %v", what, err)
			}
		}

		if r, err := e.Deny(ctx, pending.ID, ben, "no", "deny"); err != nil || r.State != approvals.Denied {
			t.Errorf("deny: %s, %v", r.State, err)
		}
		if r, err := e.Cancel(ctx, other.ID, anna, "cancel"); err != nil || r.State != approvals.Cancelled {
			t.Errorf("cancel: %s, %v", r.State, err)
		}
		if f, err := e.Freeze(ctx, ben, "stop", "COPS", "freeze", time.Now()); err != nil || !f.On {
			t.Errorf("freeze: %+v, %v", f, err)
		}
		if fresh, err := e.Enqueue(ctx, approvals.Envelope{ID: "2", Kind: "command", At: time.Now(), Lane: approvals.LaneBrake}); err != nil || !fresh {
			t.Errorf("an act that holds back is not recorded: %v", err)
		}
		if _, err := e.Unfreeze(ctx, ben, "unfreeze", time.Now()); !isFull(err) {
			t.Errorf("unfreeze: %v", err)
		}
		w.beat(e)
		if got := w.claims(e, 100); len(got) == 0 {
			t.Error("nothing is worked on")
		} else {
			e.release(ctx, got[0], time.Hour, false)
			if do(w, w.rdb.HExists(ctx, w.key("claims"), got[0].Item)) {
				t.Error("a claim was not given back")
			}
		}
		if err := e.store.Block(ctx, e.cfg.window()); err != nil {
			t.Error(err)
		}
		// A bot that is started now works, too.
		if err := w.engine().Bind(ctx, "T1", "UBOT"); err != nil {
			t.Errorf("a new bot: %v", err)
		}
	})
}

// A request under way when Redis becomes full: nothing more is sent, what was
// sent gets its result, the thread says why it waits, and it goes on by
// itself when there is room.
func TestARequestOnAFullRedisKeepsItsResultsAndWaits(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		ids := w.fleet(4)
		e := w.opened(func(c *Config) { c.Projects[0].BatchSize = 2 })
		f := newMessenger()
		r := w.approved(e, "op", ids...)
		called := false
		w.called = func(req *http.Request) {
			if req.Method == "POST" && !called {
				called = true
				// Not w.fill: this is not the goroutine of the test.
				if err := w.rdb.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
					t.Error(err)
				}
			}
		}
		w.run(e, f)
		w.within(20*time.Second, "the thread says so", func() bool { return w.troubled(e, approvals.CauseStoreFull) })
		if n := len(w.stops()); n != 1 {
			t.Errorf("%d calls, want the one that was under way", n)
		}
		w.within(20*time.Second, "the first batch ends", func() bool {
			bs, err := e.Batches(t.Context(), mustFind(w, e, r.ID))
			return err == nil && len(bs) == 2 && bs[0].JobID != "" && bs[0].State.Final()
		})
		w.rdb.ConfigSet(t.Context(), "maxmemory", "0")
		if end := w.ended(20*time.Second, e, r.ID); end.State != approvals.Succeeded {
			t.Errorf("it is %s", end.State)
		}
	})
}

func mustFind(w *world, e *Engine, id string) approvals.Request {
	w.t.Helper()
	r, err := e.Find(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}
