package jobs

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"ecsbot/internal/approvals"
)

// frozen reports whether permits are frozen, as an engine sees them.
func (w *world) frozen(e *Engine) bool {
	w.t.Helper()
	code, _ := w.acquire(e, &permit{ID: "probe", Request: "S-PROBE", Cost: 1, Rest: 1, First: true, Limit: 1000, Run: e.Redis.RunID(), Window: e.window().Milliseconds(), Hold: 1})
	return code == "frozen"
}

// beatAgain beats until Redis answers: connections to a process that died fail
// once each.
func (w *world) beatAgain(e *Engine) {
	w.t.Helper()
	w.within(5*time.Second, "a beat", func() bool { return e.beat(w.t.Context()) == nil })
}

func TestARestartedRedisFreezesThePermitsForAWindow(t *testing.T) {
	onEach(t, aRestartFreezesThePermits)
}

func aRestartFreezesThePermits(t *testing.T, w *world) {
	e := w.opened()
	w.beat(e)
	if w.frozen(e) {
		t.Fatal("frozen from the start")
	}
	w.redis.Kill()
	w.redis.Restart()
	w.within(5*time.Second, "a connection", func() bool { return e.rdb.Ping(t.Context()).Err() == nil })
	if !w.frozen(e) {
		t.Error("a permit was granted straight after the restart")
	}
	w.beat(e)
	if e.since.Load() == 0 {
		t.Error("the engine trusts the past")
	}
	w.shift(w.keys, e.window().Milliseconds())
	if w.frozen(e) {
		t.Error("still frozen after a window")
	}
}

func TestAnEmptiedRedisFreezesThePermits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.opened()
	w.beat(e)
	first := *e.instance.Load()
	w.redis.Empty()
	w.within(5*time.Second, "the loss is noticed", func() bool {
		w.beatAgain(e)
		return *e.instance.Load() != first
	})
	if !w.frozen(e) {
		t.Error("an empty store was taken for one in which nothing was sent")
	}
	w.beat(e)
	if e.since.Load() == 0 {
		t.Error("the engine trusts the past")
	}
	// Another engine made the empty store its own before this one looked.
	w.redis.Empty()
	quick := w.opened()
	second := *quick.instance.Load()
	w.within(5*time.Second, "the exchange is noticed", func() bool {
		w.beatAgain(e)
		return *e.instance.Load() == second
	})
	if !w.frozen(e) {
		t.Error("a store made anew by another engine is trusted")
	}
}

func TestAnEmptyStoreAtTheFirstStartIsFine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.opened()
	w.beat(e)
	if w.frozen(e) || e.since.Load() != 0 {
		t.Error("a new store is distrusted")
	}
	w.beat(w.opened())
	if w.frozen(e) {
		t.Error("a second engine freezes the store")
	}
}

// An older copy of the data comes back, as after a power cut or a failover.
func TestARolledBackRedisIsNoticed(t *testing.T) {
	onEach(t, aRollBackIsNoticed)
}

func aRollBackIsNoticed(t *testing.T, w *world) {
	e := w.opened()
	w.commit(e, newChange())
	data, copied := filepath.Join(w.redis.Dir(), "appendonlydir"), filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(copied, os.DirFS(data)); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		w.commit(e, newChange())
	}
	w.beat(e)
	w.redis.Kill()
	if err := errors.Join(os.RemoveAll(data), os.CopyFS(data, os.DirFS(copied))); err != nil {
		t.Fatal(err)
	}
	w.redis.Restart()
	w.beatAgain(e)
	w.beatAgain(e)
	if e.seq.Load() >= 6 {
		t.Fatalf("seq is %d: nothing was rolled back", e.seq.Load())
	}
	if !w.frozen(e) || e.since.Load() == 0 {
		t.Errorf("frozen %t, since %d", w.frozen(e), e.since.Load())
	}
}

// The count of changes tells a loss even where the process is the same.
func TestALowerCountOfChangesIsALoss(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.opened()
	for range 5 {
		w.commit(e, newChange())
	}
	w.beat(e)
	w.rdb.HSet(t.Context(), w.keys.meta(), "seq", 4)
	w.beat(e)
	w.beat(e)
	if !w.frozen(e) || e.since.Load() == 0 {
		t.Errorf("frozen %t, since %d", w.frozen(e), e.since.Load())
	}
}

// Changes made while a beat's answer travels are not a loss.
func TestABusyStoreIsNotTakenForARolledBackOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.opened()
	var wg sync.WaitGroup
	stop := make(chan bool)
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					e.commit(t.Context(), newChange())
				}
			}
		})
	}
	for range 300 {
		w.beat(e)
	}
	close(stop)
	wg.Wait()
	if w.frozen(e) || e.since.Load() != 0 {
		t.Error("changes of its own made the engine distrust the store")
	}
}

// The store lost what was done about a note, so it is owed once more. It stands
// in the thread and is not posted again.
func TestANoteOfALostPastIsNotPostedTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.fleet(1)[0]
	e := w.opened()
	f := newFace()
	w.run(e, f)
	r := w.ask(e, "op", id)
	owe := func() {
		n := e.note(approvals.Note{ID: r.ID + "/approved/1", Topic: approvals.TopicApproved, By: ben.ID, Count: 1})
		if _, err := e.commit(t.Context(), newChange().tell(e.keys, r.ID, n)); err != nil {
			t.Fatal(err)
		}
		w.within(5*time.Second, "nothing is owed", func() bool { return do(w, w.rdb.Exists(t.Context(), w.keys.owed(r.ID))) == 0 })
	}
	owe()
	time.Sleep(2 * time.Millisecond) // the loss comes after the request was made
	w.rdb.HSet(t.Context(), w.keys.book(approvals.Stop), "#since", do(w, w.rdb.Time(t.Context())).UnixMilli())
	w.within(5*time.Second, "the loss is noticed", func() bool { return e.since.Load() > 0 })
	owe()
	if got := f.posted(r.ID); len(got) != 2 {
		t.Errorf("posted %v", got)
	}
}

// The store comes back as another process, with less than it had. Nothing is
// posted before a heartbeat has found out.
func TestNothingIsPostedBeforeALossIsNoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.fleet(1)[0]
	e := w.opened(func(c *Config) { c.Beat = time.Hour })
	w.beat(e)
	f := newFace()
	e.face = f
	r := w.ask(e, "op", id)
	w.redis.Kill()
	w.redis.Restart()
	w.within(5*time.Second, "a connection", func() bool { return e.rdb.Ping(t.Context()).Err() == nil })
	c := w.hold(e, threadItem(r.ID))
	if err := e.stepThread(t.Context(), c, r.ID); err != nil {
		t.Fatal(err)
	}
	if got := f.posted(r.ID); len(got) != 0 {
		t.Errorf("posted %v", got)
	}
	w.beatAgain(e)
	if err := e.stepThread(t.Context(), w.hold(e, threadItem(r.ID)), r.ID); err != nil {
		t.Fatal(err)
	}
	if got := f.posted(r.ID); len(got) != 1 {
		t.Errorf("after the heartbeat: %v", got)
	}
}
