package jobs

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"ecsbot/internal/approvals"
)

// arrivals is what the cloud counts: how many servers came, and when.
type arrivals struct {
	mu sync.Mutex
	at []time.Time
	n  []int
}

func (a *arrivals) come(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at, a.n = append(a.at, time.Now()), append(a.n, n)
}

// most is the most that came within any stretch of time shorter than window.
func (a *arrivals) most(window time.Duration) int {
	most, sum, from := 0, 0, 0
	for i, n := range a.n {
		sum += n
		for a.at[i].Sub(a.at[from]) >= window {
			sum -= a.n[from]
			from++
		}
		most = max(most, sum)
	}
	return most
}

// rush lets 16 callers send servers in calls of a random size as fast as the
// permits let them, on a clock sixty times quicker than the real one: 1,000 in
// any second. Calls take some 6 ms, and some of them 300 ms more.
type rush struct {
	name    string
	servers int
	largest int     // call
	late    float64 // share of calls that arrive or are answered late
	deaths  float64 // share of callers that die without settling
	plain   bool    // a plain sliding log: the permit counts from its grant on
}

func (r rush) run(w *world) (most int) {
	const limit, window, guard, callers = 1000, time.Second, 33 * time.Millisecond, 16
	t := w.t
	var left sync.Mutex
	servers := r.servers
	take := func(n int) int {
		left.Lock()
		defer left.Unlock()
		n = min(n, servers)
		servers -= n
		return n
	}
	cloud := &arrivals{}
	began := time.Now()
	var wg sync.WaitGroup
	for caller := range callers {
		e := w.engine()
		e.keys = keysOf(r.name)
		w.open(e)
		wg.Go(func() {
			draw := rand.New(rand.NewPCG(uint64(caller), 3))
			travel := func() {
				d := time.Duration(draw.ExpFloat64() * float64(3*time.Millisecond))
				if draw.Float64() < r.late/2 {
					d += 300 * time.Millisecond
				}
				time.Sleep(d)
			}
			for call := 0; ; call++ {
				n := take(1 + draw.IntN(r.largest))
				if n == 0 {
					return
				}
				p := &permit{
					ID: fmt.Sprintf("%d/%d", caller, call), Request: fmt.Sprintf("S-%d/%d", caller, call), Cost: n, Rest: n, First: true,
					Limit: limit, Reserve: 100, Soon: 60, Run: e.Redis.RunID(), Window: (window + guard).Milliseconds(), Hold: 3000,
				}
				if r.largest == 1 {
					p.Request = "S-ONE" // so small that the line would be the limit
				}
				if r.plain {
					p.Hold = window.Milliseconds()
				}
				for {
					ch := newChange()
					ch.Permit = p
					_, err := e.commit(t.Context(), ch)
					if err == nil {
						break
					}
					code, wait := answerOf(err)
					if code != "full" && code != "line" {
						t.Errorf("caller %d: %v", caller, err)
						return
					}
					time.Sleep(min(time.Duration(wait)*time.Millisecond, window/60))
				}
				dies := draw.Float64() < r.deaths
				if dies && draw.IntN(2) == 0 {
					continue // before its call
				}
				travel()
				cloud.come(n)
				travel()
				if dies || r.plain {
					continue
				}
				ch := newChange()
				ch.Settle = &settle{p.ID, p.Window}
				if got, err := e.commit(t.Context(), ch); err != nil || got.unsettled {
					t.Errorf("caller %d: settle: %v, unsettled %t", caller, err, got.unsettled)
					return
				}
			}
		})
	}
	wg.Wait()
	most = cloud.most(window)
	t.Logf("%s: %d servers, at most %d of %d in any window, %.0f in one on average",
		r.name, r.servers, most, limit, float64(r.servers)/time.Since(began).Seconds()*window.Seconds())
	return most
}

func TestNeverMoreThanTheLimitInAnyWindow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var all sync.WaitGroup
	for _, r := range []rush{
		{name: "calls of one", servers: 10_000, largest: 1, late: 0.01},
		{name: "calls of up to a hundred", servers: 10_000, largest: 100, late: 0.01},
		{name: "one caller in twenty dies", servers: 5_000, largest: 100, late: 0.01, deaths: 0.05},
		{name: "many late ones", servers: 5_000, largest: 100, late: 0.2},
	} {
		all.Go(func() {
			if most := r.run(w); most > 1000 {
				t.Errorf("%s: %d servers came within one window", r.name, most)
			}
		})
	}
	// What cannot fail proves nothing: the same rush breaks the limit if permits
	// count from their grant on.
	all.Go(func() {
		r := rush{name: "permits that count from their grant", servers: 5_000, largest: 100, late: 0.5, plain: true}
		if most := r.run(w); most <= 1000 {
			t.Errorf("%s: only %d in any window", r.name, most)
		}
	})
	all.Wait()
}

// full is a permit as an engine with the default settings asks for it.
func full(e *Engine, request string, call, cost, rest int) *permit {
	return &permit{
		ID: fmt.Sprintf("%s/%d/1", request, call), Request: request, Cost: cost, Rest: rest, First: call == 0,
		Limit: 1000, Reserve: 100, Soon: 4000, Run: e.Redis.RunID(), Window: 62_000, Hold: permitHold.Milliseconds(),
	}
}

// acquire asks for p and returns what came of it.
func (w *world) acquire(e *Engine, p *permit) (code string, wait int64) {
	w.t.Helper()
	ch := newChange()
	ch.Permit = p
	_, err := e.commit(w.t.Context(), ch)
	return answerOf(err)
}

func (w *world) settle(e *Engine, p *permit, ms int64) {
	w.t.Helper()
	ch := newChange()
	ch.Settle = &settle{p.ID, ms}
	if got := w.commit(e, ch); got.unsettled {
		w.t.Fatalf("%s was not in the log", p.ID)
	}
}

func (w *world) wantAnswer(e *Engine, p *permit, want string) {
	w.t.Helper()
	if code, wait := w.acquire(e, p); code != want {
		w.t.Fatalf("%s: %s for %d ms, want %s", p.ID, code, wait, want)
	}
}

func TestALoneRequestMaySendAWholeWindowAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.opened()
	for call := range 10 {
		w.wantAnswer(e, full(e, "S-1", call, 100, 1000-100*call), "done")
	}
	w.wantAnswer(e, full(e, "S-2", 0, 1, 1), "full")
}

func TestAPermitGivenBackMakesRoomAndAnUnclearOneKeepsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.opened()
	unused, unclear := full(e, "S-1", 0, 500, 1000), full(e, "S-1", 1, 500, 500)
	w.wantAnswer(e, unused, "done")
	w.wantAnswer(e, unclear, "done")
	w.settle(e, unclear, 180_000+62_000)
	w.settle(e, unused, 0)
	w.wantAnswer(e, full(e, "S-2", 0, 500, 500), "done")
	w.shift(e.keys, 240_000) // the unclear one still counts
	w.wantAnswer(e, full(e, "S-3", 0, 1, 1), "full")
	w.shift(e.keys, 3_000)
	w.wantAnswer(e, full(e, "S-3", 0, 500, 500), "done")
}

func TestAnAskerThatStoppedAskingHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.opened()
	w.wantAnswer(e, full(e, "S-0", 0, 950, 950), "done")
	w.wantAnswer(e, full(e, "S-1", 0, 100, 100), "full")
	w.wantAnswer(e, full(e, "S-2", 0, 10, 10), "line")
	w.shift(e.keys, 2_900)
	w.wantAnswer(e, full(e, "S-2", 0, 10, 10), "line")
	w.shift(e.keys, 200)
	w.wantAnswer(e, full(e, "S-2", 0, 10, 10), "done")
}

func TestAFreezeIsNeverShortened(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.opened()
	if err := e.freeze(t.Context(), approvals.Stop, time.Minute, "0"); err != nil {
		t.Fatal(err)
	}
	e.freeze(t.Context(), approvals.Stop, time.Second, "0")
	ch := newChange()
	ch.Freeze = 1000
	w.commit(e, ch)
	w.shift(w.keys, 58_000)
	if !w.frozen(e) {
		t.Error("a shorter freeze ended a longer one")
	}
	w.shift(w.keys, 2_000)
	if w.frozen(e) {
		t.Error("frozen for too long")
	}
}

func TestACallIsNotMadeWhenItsIntentMayBeStale(t *testing.T) {
	t.Parallel()
	e := newWorld(t).engine()
	now := time.Now()
	for _, tt := range []struct {
		name  string
		got   committed
		began time.Time // by the monotonic clock
		wall  time.Time
		fit   bool
	}{
		{"all is well", committed{now: now, replicas: true}, now, now, true},
		{"half a second of difference", committed{now: now.Add(500 * time.Millisecond), replicas: true}, now, now, true},
		{"Redis is far ahead", committed{now: now.Add(12 * time.Second), replicas: true}, now, now, false},
		{"Redis is far behind", committed{now: now.Add(-12 * time.Second), replicas: true}, now, now, false},
		{"slept", committed{now: now, replicas: true}, now.Add(-3 * time.Second), now, false},
		// The monotonic clock stands still while a virtual machine is suspended.
		{"was suspended", committed{now: now, replicas: true}, now, now.Add(-3 * time.Second), false},
		{"no replica has it", committed{now: now}, now, now, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.got.sent, tt.got.got = now, now
			if why := e.unfit(tt.got, tt.began, tt.wall.Round(0)); (why == "") != tt.fit {
				t.Errorf("got %q", why)
			}
		})
	}
}
