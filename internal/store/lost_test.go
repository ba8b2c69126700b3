package store

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// blocked reports whether permits are blocked, as a worker sees them.
func (w *world) blocked(s *Store) bool {
	w.t.Helper()
	code, _ := w.acquire(s, &permit{ID: "probe", Request: "S-PROBE", Cost: 1, Rest: 1, First: true, Limit: 1000, Run: s.redis.RunID(), Window: s.cfg.Window.Milliseconds(), TTL: 1})
	return code == "blocked"
}

// beatAgain beats until Redis answers: connections to a process that died fail
// once each.
func (w *world) beatAgain(s *Store) {
	w.t.Helper()
	w.within(5*time.Second, "a beat", func() bool {
		_, err := s.Beat(w.t.Context())
		return err == nil
	})
}

func TestARestartedRedisBlocksThePermitsForAWindow(t *testing.T) {
	onEach(t, aRestartBlocksThePermits)
}

func aRestartBlocksThePermits(t *testing.T, w *world) {
	s := w.opened()
	w.beat(s)
	if w.blocked(s) {
		t.Fatal("blocked from the start")
	}
	w.redis.Kill()
	w.redis.Restart()
	w.within(5*time.Second, "a connection", func() bool { return s.rdb.Ping(t.Context()).Err() == nil })
	if !w.blocked(s) {
		t.Error("a permit was granted straight after the restart")
	}
	w.beat(s)
	if s.loss.Load() == 0 {
		t.Error("the worker trusts the past")
	}
	w.shift(w.keys, s.cfg.Window.Milliseconds())
	if w.blocked(s) {
		t.Error("still blocked after a window")
	}
}

func TestAnEmptiedRedisBlocksThePermits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.opened()
	w.beat(s)
	first := *s.instance.Load()
	w.redis.Empty()
	w.within(5*time.Second, "the loss is noticed", func() bool {
		w.beatAgain(s)
		return *s.instance.Load() != first
	})
	if !w.blocked(s) {
		t.Error("an empty store was taken for one in which nothing was sent")
	}
	w.beat(s)
	if s.loss.Load() == 0 {
		t.Error("the worker trusts the past")
	}
	// Another worker made the empty store its own before this one looked.
	w.redis.Empty()
	quick := w.opened()
	second := *quick.instance.Load()
	w.within(5*time.Second, "the exchange is noticed", func() bool {
		w.beatAgain(s)
		return *s.instance.Load() == second
	})
	if !w.blocked(s) {
		t.Error("a store that another worker made is trusted")
	}
}

func TestAnEmptyStoreAtTheFirstStartIsFine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.opened()
	w.beat(s)
	if w.blocked(s) || s.loss.Load() != 0 {
		t.Error("a new store is distrusted")
	}
	w.beat(w.opened())
	if w.blocked(s) {
		t.Error("a second worker blocks the permits")
	}
}

// An older copy of the data comes back, as after a power cut or a failover.
func TestARolledBackRedisIsNoticed(t *testing.T) {
	onEach(t, aRollBackIsNoticed)
}

func aRollBackIsNoticed(t *testing.T, w *world) {
	s := w.opened()
	w.commit(s, NewChange())
	data, copied := filepath.Join(w.redis.Dir(), "appendonlydir"), filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(copied, os.DirFS(data)); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		w.commit(s, NewChange())
	}
	w.beat(s)
	w.redis.Kill()
	if err := errors.Join(os.RemoveAll(data), os.CopyFS(data, os.DirFS(copied))); err != nil {
		t.Fatal(err)
	}
	w.redis.Restart()
	w.beatAgain(s)
	w.beatAgain(s)
	if s.seq.Load() >= 6 {
		t.Fatalf("seq is %d: nothing was rolled back", s.seq.Load())
	}
	if !w.blocked(s) || s.loss.Load() == 0 {
		t.Errorf("blocked %t, since %d", w.blocked(s), s.loss.Load())
	}
}

// The count of changes tells a loss even where the process is the same.
func TestALowerCountOfChangesIsALoss(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.opened()
	for range 5 {
		w.commit(s, NewChange())
	}
	w.beat(s)
	w.rdb.HSet(t.Context(), w.keys.meta(), "seq", 4)
	w.beat(s)
	w.beat(s)
	if !w.blocked(s) || s.loss.Load() == 0 {
		t.Errorf("blocked %t, since %d", w.blocked(s), s.loss.Load())
	}
}

// Changes made while a beat's answer travels are not a loss.
func TestABusyStoreIsNotTakenForARolledBackOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.opened()
	var wg sync.WaitGroup
	stop := make(chan bool)
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					s.Commit(t.Context(), NewChange())
				}
			}
		})
	}
	for range 300 {
		w.beat(s)
	}
	close(stop)
	wg.Wait()
	if w.blocked(s) || s.loss.Load() != 0 {
		t.Error("changes of its own made the worker distrust the store")
	}
}
