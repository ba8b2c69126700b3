package store

import (
	"testing"
	"time"
)

func reading(offset, took time.Duration, at time.Time) clockReading {
	return clockReading{now: at.Add(took / 2).Add(offset).Truncate(time.Millisecond), sent: at, got: at.Add(took)}
}

func TestAJumpOfTheClockIsToldFromASlowAnswer(t *testing.T) {
	t.Parallel()
	start := time.Now()
	const window = time.Minute
	for _, tt := range []struct {
		name  string
		next  clockReading
		ahead bool
	}{
		{"a second later", reading(0, time.Millisecond, start.Add(time.Second)), false},
		{"a slow answer", reading(0, 2*time.Second, start.Add(time.Second)), false},
		{"drift", reading(30*time.Millisecond, time.Millisecond, start.Add(50*time.Second)), false},
		{"half a second ahead", reading(500*time.Millisecond, time.Millisecond, start.Add(time.Second)), true},
		{"a minute ahead in a slow answer", reading(time.Minute, 2*time.Second, start.Add(time.Second)), true},
		{"set back, which the permits' own clock deals with", reading(-time.Hour, time.Millisecond, start.Add(time.Second)), false},
		{"other wall clocks all the time", reading(0, time.Millisecond, start.Add(time.Second)), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var c redisClock
			c.follow(reading(0, time.Millisecond, start), window)
			if by := c.ahead(tt.next); (by > clockJump) != tt.ahead {
				t.Errorf("ahead by %v", by)
			}
			c.follow(tt.next, window)
			if by := c.ahead(tt.next); by > clockJump {
				t.Errorf("still ahead by %v when it is known", by)
			}
		})
	}
	// Small steps of a clock that runs fast add up within a window.
	var c redisClock
	c.follow(reading(0, time.Millisecond, start), window)
	found := false
	for n := range 50 {
		r := reading(time.Duration(n)*20*time.Millisecond, time.Millisecond, start.Add(time.Duration(n)*time.Second))
		found = found || c.ahead(r) > clockJump
		c.follow(r, window)
	}
	if !found {
		t.Error("a second in fifty was not noticed")
	}
}

// jump makes Redis's clock look as if it had just jumped ahead.
func jump(s *Store, by time.Duration) {
	s.clock.mu.Lock()
	defer s.clock.mu.Unlock()
	s.clock.most -= by
}

func TestAClockThatJumpsAheadBlocksThePermits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.opened()
	for range 5 {
		w.beat(s)
	}
	if w.blocked(s) {
		t.Fatal("blocked though nothing jumped")
	}
	jump(s, time.Second)
	w.beat(s)
	if !w.blocked(s) {
		t.Error("permits are granted by a clock that jumped ahead")
	}
	w.shift(w.keys, s.cfg.Window.Milliseconds())
	w.beat(s)
	if w.blocked(s) {
		t.Error("blocked again by the same jump")
	}
}

// Redis's clock was an hour ahead for a moment. The permits must not wait for
// the real time to catch up.
func TestAClockThatWasAheadCostsOneWindow(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		s := w.opened()
		w.beat(s)
		ctx := t.Context()
		book := w.keys.book("")
		now := do(w, w.rdb.Time(ctx))
		w.rdb.HSet(ctx, book, "#clock", now.Add(time.Hour).UnixMilli())
		ask := func(id string, cost int) string {
			code, _ := w.acquire(s, &permit{ID: id, Request: "S-" + id, Cost: cost, Rest: cost, First: true, Limit: 1000,
				Run: s.redis.RunID(), Window: s.cfg.Window.Milliseconds(), TTL: 600_000})
			return code
		}
		if code := ask("A", 1000); code != "blocked" {
			t.Fatalf("got %s: what was sent by the wrong clock may be still within its window", code)
		}
		w.shift(w.keys, s.cfg.Window.Milliseconds())
		if code := ask("B", 1000); code != "done" {
			t.Fatalf("after a window: %s", code)
		}
		// A permit whose end was reckoned by the wrong clock.
		w.startWindow(s, &permit{ID: "B"}, s.cfg.Window.Milliseconds())
		by := int64(3_600_000)
		w.rdb.HIncrBy(ctx, book, "#clock", by)
		w.rdb.ZIncrBy(ctx, w.keys.log(""), float64(by), "B")
		w.beat(s)
		if code := ask("C", 1); code != "blocked" {
			t.Errorf("got %s", code)
		}
		w.shift(w.keys, s.cfg.Window.Milliseconds()+100) // it was reckoned in some steps
		if code := ask("C", 1); code != "done" {
			t.Errorf("two windows later: %s", code)
		}
	})
}
