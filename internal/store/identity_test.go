package store

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/redistest"
)

// infoChanged is a [cutter] that changes what INFO says: old becomes with, as it
// is by a server that has another word for it.
func infoChanged(w *world, old, with string) *redistest.Cutter {
	w.t.Helper()
	c := &redistest.Cutter{Say: func(answer []byte) []byte {
		head, body, ok := bytes.Cut(answer, []byte("\r\n"))
		if !ok || len(head) == 0 || head[0] != '$' && head[0] != '=' || !bytes.Contains(body, []byte(old)) {
			return answer
		}
		body = bytes.ReplaceAll(body, []byte(old), []byte(with))
		return fmt.Appendf(nil, "%c%d\r\n%s", head[0], len(body)-2, body)
	}}
	return c.Start(w.t, w.redis)
}

// Valkey 8 calls its mode server_mode. What it is called must not decide whether
// a restart is noticed.
func TestAServerThatCallsItsModeOtherwiseIsWatched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.workerAt(infoChanged(w, "redis_mode:", "server_mode:").URL)
	w.open(s)
	w.beat(s)
	if faults, err := s.redis.Check(t.Context()); err != nil || len(faults) != 0 {
		t.Fatal(faults, err)
	}
	w.redis.Kill()
	w.redis.Restart()
	w.within(5*time.Second, "a connection", func() bool { return s.rdb.Ping(t.Context()).Err() == nil })
	if !w.blocked(s) {
		t.Error("a permit was granted straight after the restart")
	}
}

func TestAStoreThatDoesNotSayWhichProcessItIsIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.workerAt(infoChanged(w, "run_id:", "run_no:").URL)
	faults, err := s.redis.Check(t.Context())
	if err != nil || len(faults) != 1 || faults[0].Passing || faults[0].Loss || faults[0].Warning || !strings.Contains(faults[0].What, "run_id") {
		t.Errorf("got %+v, %v", faults, err)
	}
	if err := s.Join(t.Context()); !errors.As(err, new(Fault)) {
		t.Errorf("it was opened: %v", err)
	}
	if n := do(w, w.rdb.DBSize(t.Context())); n != 0 {
		t.Errorf("%d keys were written", n)
	}
}

// Two replicas, one restart of the store: the second one must not take the new
// process for the old one and back.
func TestARestartIsNoticedOnceByAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second := w.opened(), w.opened()
	w.beat(first)
	w.beat(second)
	w.redis.Kill()
	w.redis.Restart()
	w.beatAgain(first)
	w.beatAgain(first)
	book := func(field string) string {
		return do(w, w.rdb.HGet(t.Context(), w.keys.book(""), field))
	}
	since, run := book("#since"), book("#run")
	if since == "" {
		t.Fatal("the restart was not noticed")
	}
	for range 5 {
		w.beatAgain(second)
		if book("#since") != since || book("#run") != run {
			t.Fatalf("noticed at %s and at %s, run %s and %s", since, book("#since"), run, book("#run"))
		}
	}
}

// A volume may be lost while all bots are restarted: an empty store is never
// one from which nothing was sent.
func TestAnEmptyStoreIsBlockedForAWindow(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		s := w.opened(func(c *Config) { c.TrustEmpty = false })
		w.beat(s)
		if !w.blocked(s) {
			t.Error("an empty store was taken for one from which nothing was sent")
		}
		if s.loss.Load() != 0 {
			t.Error("it counts as a restart, which the threads would be told of")
		}
		w.shift(w.keys, s.cfg.Window.Milliseconds())
		if w.blocked(s) {
			t.Error("still blocked after a window")
		}
		w.opened(func(c *Config) { c.TrustEmpty = false })
		if w.blocked(s) {
			t.Error("blocked again by the next bot")
		}
	})
}

func TestAStoreBelongsToOneBot(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		// One that was made before stores knew their team.
		w.opened()
		first := w.worker()
		if err := first.Bind(t.Context(), "T1", "UBOT1"); err != nil {
			t.Fatal(err)
		}
		if err := w.worker().Bind(t.Context(), "T1", "UBOT1"); err != nil {
			t.Errorf("a second replica: %v", err)
		}
		before := w.redis.Dump(t.Context(), "*")
		for _, other := range [][2]string{{"T2", "UBOT1"}, {"T1", "UBOT2"}, {"T2", "UBOT2"}} {
			s := w.worker()
			err := s.Bind(t.Context(), other[0], other[1])
			var f Fault
			if !errors.As(err, &f) || !strings.Contains(f.What, "T1") || !strings.Contains(f.What, other[1]) || f.Fix == "" {
				t.Errorf("%v: got %v", other, err)
			}
			if err := s.Join(t.Context()); !errors.As(err, &f) {
				t.Errorf("%v joins: %v", other, err)
			}
		}
		if after := w.redis.Dump(t.Context(), "*"); !maps.Equal(after, before) {
			t.Errorf("the others changed the store:\n%v\n%v", before, after)
		}
	})
}
