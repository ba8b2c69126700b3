package jobs

import (
	"testing"
	"time"

	"ecsbot/internal/approvals"
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
func (e *Engine) jump(by time.Duration) {
	e.clock.mu.Lock()
	defer e.clock.mu.Unlock()
	e.clock.most -= by
}

func TestAClockThatJumpsAheadFreezesThePermits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.opened()
	for range 5 {
		w.beat(e)
	}
	if w.frozen(e) {
		t.Fatal("frozen though nothing jumped")
	}
	e.jump(time.Second)
	w.beat(e)
	if !w.frozen(e) {
		t.Error("permits are granted by a clock that jumped ahead")
	}
	w.shift(w.keys, e.window().Milliseconds())
	w.beat(e)
	if w.frozen(e) {
		t.Error("frozen again by the same jump")
	}
}

func TestNoCallIsMadeOnAPermitOfAClockThatJumped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.opened(func(c *Config) { c.Beat = time.Hour }) // no beat sees it first
	ids := w.fleet(1)
	w.approved(e, "op", ids...)
	w.beat(e)
	e.jump(time.Second)
	w.run(e, newFace())
	// The first beat of Run deals with it, so it jumps again.
	w.within(5*time.Second, "a beat", func() bool { return w.frozen(e) })
	e.jump(time.Second)
	w.shift(w.keys, e.window().Milliseconds())
	w.within(10*time.Second, "the batch waits", func() bool { return w.troubled(e, "jumped") })
	if n := len(w.stops()); n != 0 {
		t.Errorf("%d calls were made", n)
	}
	if !w.frozen(e) {
		t.Error("other permits are granted on")
	}
}

// Redis's clock was an hour ahead for a moment. The permits must not wait for
// the real time to catch up.
func TestAClockThatWasAheadCostsOneWindow(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		e := w.opened()
		w.beat(e)
		ctx := t.Context()
		book := w.keys.book(approvals.Stop)
		now := do(w, w.rdb.Time(ctx))
		w.rdb.HSet(ctx, book, "#clock", now.Add(time.Hour).UnixMilli())
		ask := func(id string, cost int) string {
			code, _ := w.acquire(e, &permit{ID: id, Request: "S-" + id, Cost: cost, Rest: cost, First: true, Limit: 1000,
				Run: e.Redis.RunID(), Window: e.window().Milliseconds(), Hold: 600_000})
			return code
		}
		if code := ask("A", 1000); code != "frozen" {
			t.Fatalf("got %s: what was sent by the wrong clock may be still within its window", code)
		}
		w.shift(w.keys, e.window().Milliseconds())
		if code := ask("B", 1000); code != "done" {
			t.Fatalf("after a window: %s", code)
		}
		// A permit whose end was reckoned by the wrong clock.
		w.settle(e, &permit{ID: "B"}, e.window().Milliseconds())
		by := int64(3_600_000)
		w.rdb.HIncrBy(ctx, book, "#clock", by)
		w.rdb.ZIncrBy(ctx, w.keys.log(approvals.Stop), float64(by), "B")
		w.beat(e)
		if code := ask("C", 1); code != "frozen" {
			t.Errorf("got %s", code)
		}
		w.shift(w.keys, e.window().Milliseconds()+1)
		if code := ask("C", 1); code != "done" {
			t.Errorf("two windows later: %s", code)
		}
	})
}
