package store

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
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

// callers are the stores of those who call, each with a connection of its own.
func (r rush) callers(w *world) []*Store {
	w.t.Helper()
	all := make([]*Store, 16)
	for i := range all {
		all[i] = w.worker()
		all[i].keys = keysOf(r.name)
		w.open(all[i])
	}
	return all
}

// run returns the most servers that came within one window. It ends no test, as
// several run at the same time.
func (r rush) run(t testing.TB, callers []*Store) (most int) {
	const limit, window, guard = 1000, time.Second, 33 * time.Millisecond
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
	for caller, s := range callers {
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
					Limit: limit, Reserve: 100, Soon: 60, Run: s.redis.RunID(), Window: (window + guard).Milliseconds(), TTL: 3000,
				}
				if r.largest == 1 {
					p.Request = "S-ONE" // so small that the line would be the limit
				}
				if r.plain {
					p.TTL = window.Milliseconds()
				}
				for {
					ch := NewChange()
					ch.move.Permit = p
					_, err := s.Commit(t.Context(), ch)
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
				ch := NewChange()
				ch.move.StartWindow = &startWindow{p.ID, p.Window}
				if got, err := s.Commit(t.Context(), ch); err != nil || got.PermitMissing {
					t.Errorf("caller %d: settle: %v, missing %t", caller, err, got.PermitMissing)
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
		callers := r.callers(w)
		all.Go(func() {
			if most := r.run(t, callers); most > 1000 {
				t.Errorf("%s: %d servers came within one window", r.name, most)
			}
		})
	}
	// What cannot fail proves nothing: the same rush breaks the limit if permits
	// count from their grant on.
	plain := rush{name: "permits that count from their grant", servers: 5_000, largest: 100, late: 0.5, plain: true}
	callers := plain.callers(w)
	all.Go(func() {
		if most := plain.run(t, callers); most <= 1000 {
			t.Errorf("%s: only %d in any window", plain.name, most)
		}
	})
	all.Wait()
}

// full is a permit as jobs with the default settings ask for it.
func full(s *Store, request string, call, cost, rest int) *permit {
	return &permit{
		ID: fmt.Sprintf("%s/%d/1", request, call), Request: request, Cost: cost, Rest: rest, First: call == 0,
		Limit: 1000, Reserve: 100, Soon: 4000, Run: s.redis.RunID(), Window: 62_000, TTL: PermitLife.Milliseconds(),
	}
}

// acquire asks for p and returns what came of it.
func (w *world) acquire(s *Store, p *permit) (code string, wait int64) {
	w.t.Helper()
	ch := NewChange()
	ch.move.Permit = p
	_, err := s.Commit(w.t.Context(), ch)
	return answerOf(err)
}

func (w *world) startWindow(s *Store, p *permit, ms int64) {
	w.t.Helper()
	ch := NewChange()
	ch.move.StartWindow = &startWindow{p.ID, ms}
	if got := w.commit(s, ch); got.PermitMissing {
		w.t.Fatalf("%s was not in the log", p.ID)
	}
}

func (w *world) wantAnswer(s *Store, p *permit, want string) {
	w.t.Helper()
	if code, wait := w.acquire(s, p); code != want {
		w.t.Fatalf("%s: %s for %d ms, want %s", p.ID, code, wait, want)
	}
}

func TestALoneRequestMaySendAWholeWindowAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.opened()
	for call := range 10 {
		w.wantAnswer(s, full(s, "S-1", call, 100, 1000-100*call), "done")
	}
	w.wantAnswer(s, full(s, "S-2", 0, 1, 1), "full")
}

func TestAPermitGivenBackMakesRoomAndAnUnclearOneKeepsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.opened()
	unused, unclear := full(s, "S-1", 0, 500, 1000), full(s, "S-1", 1, 500, 500)
	w.wantAnswer(s, unused, "done")
	w.wantAnswer(s, unclear, "done")
	w.startWindow(s, unclear, 180_000+62_000)
	w.startWindow(s, unused, 0)
	w.wantAnswer(s, full(s, "S-2", 0, 500, 500), "done")
	w.shift(s.keys, 240_000) // the unclear one still counts
	w.wantAnswer(s, full(s, "S-3", 0, 1, 1), "full")
	w.shift(s.keys, 3_000)
	w.wantAnswer(s, full(s, "S-3", 0, 500, 500), "done")
}

func TestAnAskerThatStoppedAskingHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.opened()
	w.wantAnswer(s, full(s, "S-0", 0, 950, 950), "done")
	w.wantAnswer(s, full(s, "S-1", 0, 100, 100), "full")
	w.wantAnswer(s, full(s, "S-2", 0, 10, 10), "line")
	w.shift(s.keys, 2_900)
	w.wantAnswer(s, full(s, "S-2", 0, 10, 10), "line")
	w.shift(s.keys, 200)
	w.wantAnswer(s, full(s, "S-2", 0, 10, 10), "done")
}

func TestABlockIsNeverShortened(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.opened()
	if err := s.Block(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	s.Block(t.Context(), time.Second)
	ch := NewChange()
	ch.move.Block = 1000
	w.commit(s, ch)
	w.shift(w.keys, 58_000)
	if !w.blocked(s) {
		t.Error("a shorter block ended a longer one")
	}
	w.shift(w.keys, 2_000)
	if w.blocked(s) {
		t.Error("blocked for too long")
	}
}
