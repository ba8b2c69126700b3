package jobs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/ecssim"
	"ecsbot/internal/store"
)

// isOff waits until the cloud shows the server shut down and idle.
func (w *world) isOff(id string) {
	w.t.Helper()
	w.within(10*time.Second, id+" is off", func() bool {
		s, _ := w.cloud.Server(id)
		return s.Status == "SHUTOFF" && s.TaskState == ""
	})
}

// batch waits until the batch of r is as ok says.
func (w *world) batchIs(e *Engine, r approvals.Request, what string, ok func(approvals.Batch) bool) {
	w.t.Helper()
	w.within(10*time.Second, what, func() bool {
		b, err := store.Load[approvals.Batch](w.t.Context(), e.store, w.keys.batch(r.ID, 0))
		return err == nil && ok(b.Body)
	})
}

// startByHand is a person who needs the server.
func (w *world) startByHand(id string) {
	w.t.Helper()
	if err := w.cloud.StartByHand(id); err != nil {
		w.t.Fatal(err)
	}
}

// stepUntil does due steps of the kind, one at a time and nothing else, until
// ok holds.
func (w *world) stepUntil(e *Engine, kind, what string, ok func() bool) {
	w.t.Helper()
	w.within(5*time.Second, what, func() bool {
		if ok() {
			return true
		}
		for _, c := range w.claims(e, 1) {
			if strings.HasPrefix(c.Item, kind+":") {
				e.step(w.t.Context(), c)
			} else {
				e.release(w.t.Context(), c, 0, false)
			}
		}
		return ok()
	})
}

// copyData is what a power cut leaves of the store: everything up to now.
func (w *world) copyData() string {
	w.t.Helper()
	if err := w.rdb.Do(w.t.Context(), "WAITAOF", 1, 0, 1000).Err(); err != nil { // unknown before 7.2
		time.Sleep(50 * time.Millisecond)
	}
	copied := filepath.Join(w.t.TempDir(), "copy")
	if err := os.CopyFS(copied, os.DirFS(filepath.Join(w.redis.Dir(), "appendonlydir"))); err != nil {
		w.t.Fatal(err)
	}
	return copied
}

// powerCut puts an older copy of the data back.
func (w *world) powerCut(copied string) {
	w.t.Helper()
	data := filepath.Join(w.redis.Dir(), "appendonlydir")
	w.redis.Kill()
	if err := errors.Join(os.RemoveAll(data), os.CopyFS(data, os.DirFS(copied))); err != nil {
		w.t.Fatal(err)
	}
	w.redis.Restart()
}

// A power cut takes the last second: the plan, the intent and the answer, or
// even the approval. Afterwards a person starts the server. What is planned
// after the restart must not stop it a second time.
func TestALostSecondStopsNothingTwice(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		approved bool // the approval is not lost
		dies     bool // the bot dies, too
	}{
		{"the approval is kept, the bot dies, too", true, true},
		{"the approval is kept, the bot lives", true, false},
		{"the approval is lost and given again", false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.fleet(1)[0]
			e := w.opened()
			r := w.ask(e, "op", id)
			var copied string
			if !test.approved {
				copied = w.copyData()
			}
			if _, err := e.Approve(t.Context(), r.ID, ben, "click"); err != nil {
				t.Fatal(err)
			}
			if test.approved {
				copied = w.copyData()
			}
			stop := w.run(e, newMessenger())
			w.isOff(id)
			if test.dies {
				kill(e)
				defer stop()
			}
			w.powerCut(copied)
			w.startByHand(id)
			if test.dies {
				e = w.engine()
				w.run(e, newMessenger())
			}
			if !test.approved {
				w.within(5*time.Second, "a second click", func() bool {
					_, err := e.Approve(t.Context(), r.ID, ben, "click again")
					return err == nil
				})
			}
			end := w.ended(20*time.Second, e, r.ID)
			if n := w.cloud.StopCount(id); n != 1 {
				t.Errorf("stopped %d times, the last time after a person had started it (%s)", n, end.State)
			}
		})
	}
}

// A call is lost; the next one cannot be made, or is put off. The first one
// arrives late, and a person starts the server again.
func TestALostCallIsRemembered(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		next func(w *world, e *Engine, r approvals.Request) // what becomes of the second call
	}{
		{"the next call is put off by a freeze", func(w *world, e *Engine, r approvals.Request) {
			if _, err := e.Freeze(w.t.Context(), ben, "x", "COPS", "f1", time.Now()); err != nil {
				w.t.Fatal(err)
			}
		}},
		{"the next call cannot be made", func(w *world, e *Engine, r approvals.Request) {
			w.cloud.FailNext("stop", 1, ecssim.Unreachable)
			w.batchIs(e, r, "the call is taken back", func(b approvals.Batch) bool {
				return b.State == approvals.Queued && b.Attempt >= 2
			})
			w.cloud.FailNext("*", 100000, ecssim.Unreachable)
		}},
		{"no call can be made, but servers can be read", func(w *world, e *Engine, r approvals.Request) {
			w.cloud.FailNext("stop", 100000, ecssim.Unreachable)
		}},
		{"the next call is refused", func(w *world, e *Engine, r approvals.Request) {
			w.cloud.FailNext("stop", 100000, ecssim.Refuse(429, "APIGW.0308", "too much"))
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.fleet(1)[0]
			e := w.opened()
			w.cloud.FailNext("stop", 1, ecssim.AcceptLate(1500*time.Millisecond)) // the quarantine is 300 ms here
			r := w.approved(e, "op", id)
			w.run(e, newMessenger())
			w.within(5*time.Second, "the first call", func() bool { return len(w.stops()) >= 1 })
			test.next(w, e, r)
			w.isOff(id)
			w.startByHand(id)
			w.cloud.ClearFaults()
			if f, _ := e.FreezeState(t.Context()); f.On {
				if _, err := e.Unfreeze(t.Context(), ben, "f2", time.Now()); err != nil {
					t.Fatal(err)
				}
			}
			end := w.ended(20*time.Second, e, r.ID)
			if n := w.cloud.StopCount(id); n != 1 {
				t.Errorf("stopped %d times, the last time after a person had started it", n)
			}
			batches, err := e.Batches(t.Context(), end)
			if err != nil {
				t.Fatal(err)
			}
			if got := batches[0].Results[0]; got.Skip == approvals.SkipGoingOff || end.State == approvals.Failed {
				t.Errorf("our own stop is reported as %q, the request as %s", got.Skip, end.State)
			}
		})
	}
}

// A request is cancelled after a call was lost: nobody may say that nothing was
// sent.
func TestCancelledAfterALostCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.fleet(1)[0]
	e := w.opened()
	w.cloud.FailNext("stop", 1, ecssim.AcceptLate(2*time.Second)) // the quarantine is 300 ms here
	r := w.approved(e, "op", id)
	w.run(e, newMessenger())
	w.within(5*time.Second, "the first call", func() bool { return len(w.stops()) >= 1 })
	if _, err := e.Freeze(t.Context(), ben, "x", "COPS", "f1", time.Now()); err != nil {
		t.Fatal(err)
	}
	w.batchIs(e, r, "queued again", func(b approvals.Batch) bool { return b.State == approvals.Queued && b.Attempt == 1 })
	if _, err := e.Cancel(t.Context(), r.ID, anna, "c"); err != nil {
		t.Fatal(err)
	}
	end := w.ended(5*time.Second, e, r.ID)
	if end.State != approvals.Unknown || end.Tally.NotSent != 0 {
		t.Errorf("a call was made and its answer lost; the request is %s, %+v", end.State, end.Tally)
	}
	w.isOff(id) // by the late call
}

// Calls take long, and many are under way. What people do meanwhile is recorded
// all the same: a call in the air holds no connection to the store.
func TestCallsInTheAirHoldNoConnection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const calls = 30
	ids := w.fleet(calls)
	e := w.opened(func(c *Config) { c.Window = time.Minute })
	w.cloud.FailNext("stop", calls, ecssim.Delay(6*time.Second))
	for i, id := range ids {
		w.approved(e, fmt.Sprint("op", i), id)
	}
	w.run(e, newMessenger())
	w.within(10*time.Second, "many calls", func() bool { return len(w.stops()) >= 20 })
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second) // far less than a call takes
	defer cancel()
	if _, err := e.Enqueue(ctx, approvals.Envelope{ID: "brake", Kind: "x", At: time.Now(), Lane: approvals.LaneBrake}); err != nil {
		t.Errorf("with %d calls in the air: %v", len(w.stops()), err)
	}
}

// What was seen on its way after an unclear call is remembered, also while the
// others show nothing.
func TestAServerSeenOnItsWayIsRemembered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(2)
	e := w.opened(func(c *Config) { c.Quarantine, c.RetryIn = time.Hour, 300*time.Millisecond }) // the other one is back then
	w.cloud.FailNext("stop", 1, ecssim.ResetAfter)
	if err := errors.Join(w.cloud.StickServer(ids[0]), w.cloud.FailServer(ids[1], "Ecs.0001", "no")); err != nil {
		t.Fatal(err)
	}
	r := w.approved(e, "op", ids...)
	w.run(e, newMessenger())
	w.batchIs(e, r, "it is remembered", func(b approvals.Batch) bool {
		return b.State == approvals.Ambiguous && b.Results[0].SeenInProgress
	})
}
