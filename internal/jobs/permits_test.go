package jobs

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"ecsbot/internal/approvals"
)

// permitLog is the permits as they ought to be: the rules of lua/permits.lua, written
// down a second time. Its times are Redis's, in ms.
type permitLog struct {
	ends   map[string]int64 // permit → ms at which it stops counting
	costs  map[string]int
	line   []place
	asked  map[string]int64 // request → ms until which it keeps its place unasked
	full   map[string]int64 // request → ms since which it is first and finds no room
	v      int              // what the last request served had been granted
	came   int              // places taken so far
	clock  int64
	frozen int64
	run    string
}

// place is a request's place in the line. The first one is the one that was
// granted least, and of equals the one that came first.
type place struct {
	request       string
	granted, came int
}

func newPermitLog() *permitLog {
	return &permitLog{ends: map[string]int64{}, costs: map[string]int{}, asked: map[string]int64{}, full: map[string]int64{}}
}

func (l *permitLog) sum() int {
	sum := 0
	for _, c := range l.costs {
		sum += c
	}
	return sum
}

func (l *permitLog) drop(id string) {
	delete(l.ends, id)
	delete(l.costs, id)
}

// byEnd lists the permits, those that end first at the front.
func (l *permitLog) byEnd() []string {
	return slices.SortedFunc(maps.Keys(l.ends), func(a, b string) int {
		return cmp.Or(cmp.Compare(l.ends[a], l.ends[b]), cmp.Compare(a, b))
	})
}

func (l *permitLog) leave(request string) {
	l.line = slices.DeleteFunc(l.line, func(p place) bool { return p.request == request })
	delete(l.asked, request)
	delete(l.full, request)
}

// acquire says what the script has to answer at real time now.
func (l *permitLog) acquire(p *permit, real int64) (code string, wait int64) {
	now := max(real, l.clock)
	if l.run != p.Run {
		l.run, l.clock, l.frozen = p.Run, now, max(now+p.Window, l.frozen)
	}
	if l.frozen > now {
		return "frozen", l.frozen - now
	}
	l.clock = now
	if _, known := l.costs[p.ID]; known {
		return "done", 0
	}
	if !slices.ContainsFunc(l.line, func(q place) bool { return q.request == p.Request }) {
		l.came++
		start := l.v
		if len(l.line) > 0 {
			if since, waits := l.full[l.line[0].request]; waits && now-since > p.Window {
				start = max(start, l.line[0].granted+1)
			}
		}
		l.line = append(l.line, place{p.Request, start, l.came})
		l.sort()
	}
	l.asked[p.Request] = now + 3000
	for l.line[0].request != p.Request {
		if now <= l.asked[l.line[0].request] {
			return "line", 200
		}
		l.leave(l.line[0].request)
	}
	for _, id := range l.byEnd() {
		if l.ends[id] <= now {
			l.drop(id)
		}
	}
	limit := p.Limit
	small := p.First && p.Cost <= p.Reserve
	fits := p.Rest <= p.Limit-l.sum()
	if !small && !fits && l.sum() > 0 {
		soonFree := 0
		for id, end := range l.ends {
			if end <= now+p.Soon {
				soonFree += l.costs[id]
			}
		}
		limit = min(p.Limit, p.Limit-p.Reserve+soonFree)
	}
	if l.sum()+p.Cost > limit {
		if _, waits := l.full[p.Request]; !waits {
			l.full[p.Request] = now
		}
		at, freed := now+1000, 0
		for _, id := range l.byEnd() {
			at = l.ends[id]
			if freed += l.costs[id]; freed >= l.sum()+p.Cost-limit {
				break
			}
		}
		return "full", max(1, at-now)
	}
	l.asked[p.Request] = now + p.Busy
	l.ends[p.ID], l.costs[p.ID] = now+p.Hold, p.Cost
	l.v = l.line[0].granted
	if p.Rest <= p.Cost {
		l.leave(p.Request)
	} else {
		l.line[0].granted += p.Cost
		delete(l.full, p.Request)
		l.sort()
	}
	return "done", 0
}

func (l *permitLog) sort() {
	slices.SortFunc(l.line, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.granted, b.granted), cmp.Compare(a.came, b.came))
	})
}

func (l *permitLog) settle(id string, ms, real int64) (unsettled bool) {
	switch _, known := l.ends[id]; {
	case !known:
		return true
	case ms == 0:
		l.drop(id)
	default:
		l.ends[id] = max(real, l.clock) + ms
	}
	return false
}

func (l *permitLog) pass(ms int64) {
	for id := range l.ends {
		l.ends[id] -= ms
	}
	for r := range l.asked {
		l.asked[r] -= ms
		if _, waits := l.full[r]; waits {
			l.full[r] -= ms
		}
	}
	for _, at := range []*int64{&l.clock, &l.frozen} {
		if *at != 0 {
			*at -= ms
		}
	}
}

// compare says how the store differs from the model, or "".
func (l *permitLog) compare(w *world, k keys) string {
	ctx := w.t.Context()
	ends := map[string]int64{}
	for _, z := range do(w, w.rdb.ZRangeWithScores(ctx, k.log(approvals.Stop), 0, -1)) {
		ends[z.Member.(string)] = int64(z.Score)
	}
	if !maps.Equal(ends, l.ends) {
		return fmt.Sprintf("log %v, want %v", ends, l.ends)
	}
	book := do(w, w.rdb.HGetAll(ctx, k.book(approvals.Stop)))
	if got := book["#sum"]; got != fmt.Sprint(l.sum()) && l.sum()+len(got) > 0 {
		return fmt.Sprintf("sum %s, want %d", got, l.sum())
	}
	for id, cost := range l.costs {
		if book[id] != fmt.Sprint(cost) {
			return fmt.Sprintf("cost of %s is %s, want %d", id, book[id], cost)
		}
	}
	var line []string
	for _, p := range l.line {
		line = append(line, p.request)
		if book["a:"+p.request] != fmt.Sprint(l.asked[p.request]) {
			return fmt.Sprintf("%s asked at %s, want %d", p.request, book["a:"+p.request], l.asked[p.request])
		}
	}
	if got := do(w, w.rdb.ZRange(ctx, k.line(approvals.Stop), 0, -1)); !slices.Equal(got, line) {
		return fmt.Sprintf("line %v, want %v", got, line)
	}
	return ""
}

// answerOf is a commit's answer in the model's words.
func answerOf(err error) (code string, wait int64) {
	no := new(errNoPermit)
	switch {
	case err == nil:
		return "done", 0
	case errors.As(err, &no):
		return no.why, no.wait.Milliseconds()
	}
	return err.Error(), 0
}

func TestPermitsAreGrantedAsTheModelSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const sequences, steps = 300, 50
	var wg sync.WaitGroup
	todo := make(chan uint64, sequences)
	for seed := range uint64(sequences) {
		todo <- seed
	}
	close(todo)
	seen := struct {
		sync.Mutex
		codes map[string]int
	}{codes: map[string]int{}}
	for range 4 {
		e := w.opened()
		wg.Go(func() {
			for seed := range todo {
				e.keys = keysOf(fmt.Sprint("model", seed))
				codes := w.playPermits(e, seed, steps)
				seen.Lock()
				for code, n := range codes {
					seen.codes[code] += n
				}
				seen.Unlock()
			}
		})
	}
	wg.Wait()
	t.Log(seen.codes)
	for _, code := range []string{"done", "full", "line", "frozen"} {
		if seen.codes[code] < sequences {
			t.Errorf("%q came up %d times only", code, seen.codes[code])
		}
	}
}

// playPermits plays one random sequence against model and script, and counts
// the answers.
func (w *world) playPermits(e *Engine, seed uint64, steps int) map[string]int {
	t, ctx := w.t, w.t.Context()
	draw := rand.New(rand.NewPCG(seed, 7))
	model := newPermitLog()
	run := "run0"
	requests := []string{"S-D", "S-A", "S-C", "S-B"}
	var known []string
	rest := map[string]int{}
	codes := map[string]int{}
	for step := range steps {
		ch := newChange()
		what := ""
		switch n := draw.IntN(20); {
		case n < 11:
			p := &permit{
				ID: fmt.Sprint("p", step), Request: requests[draw.IntN(4)], Cost: 1 + draw.IntN(40), First: draw.IntN(4) == 0,
				Limit: 100, Reserve: 10, Soon: 200, Run: run, Window: 1000, Hold: 10_000,
			}
			if draw.IntN(3) == 0 {
				p.Cost = 1 + draw.IntN(10)
			}
			if rest[p.Request] <= 0 {
				rest[p.Request] = p.Cost + draw.IntN(3)*draw.IntN(200)
			}
			p.Rest = max(rest[p.Request], p.Cost)
			if len(known) > 0 && draw.IntN(10) == 0 {
				p.ID = known[draw.IntN(len(known))] // asks again for what it may have got
			}
			ch.Permit = p
			what = fmt.Sprintf("acquire %+v", *p)
		case n < 15 && len(known) > 0:
			ch.Settle = &settle{known[draw.IntN(len(known))], []int64{0, 1000, 1000, 4000}[draw.IntN(4)]}
			what = fmt.Sprintf("settle %+v", *ch.Settle)
		case n == 15 && draw.IntN(3) == 0:
			ch.Freeze = int64(1 + draw.IntN(1500))
			what = fmt.Sprint("freeze ", ch.Freeze)
		case n == 16 && draw.IntN(3) == 0:
			run = fmt.Sprint("run", step)
			continue
		case n == 17 && draw.IntN(3) == 0:
			w.shift(e.keys, -700) // a clock that was set back
			model.pass(-700)
			continue
		default:
			ms := []int64{50, 150, 400, 1000, 1100, 3100}[draw.IntN(6)]
			w.shift(e.keys, ms)
			model.pass(ms)
			continue
		}
		got, err := e.commit(ctx, ch)
		code, wait := answerOf(err)
		real := got.now.UnixMilli()
		want, wantWait := "done", int64(0)
		unsettled := false
		switch {
		case ch.Permit != nil:
			want, wantWait = model.acquire(ch.Permit, real)
			if want == "done" {
				known = append(known, ch.Permit.ID)
				rest[ch.Permit.Request] -= ch.Permit.Cost
			}
		case ch.Settle != nil:
			unsettled = model.settle(ch.Settle.ID, ch.Settle.MS, real)
		default:
			model.frozen = max(model.frozen, real+ch.Freeze)
		}
		codes[code]++
		differs := ""
		if code != want || wait != wantWait || got.unsettled != unsettled {
			differs = fmt.Sprintf("%s for %d (unsettled %t), want %s for %d (%t)", code, wait, got.unsettled, want, wantWait, unsettled)
		} else if model.sum() > 100 {
			differs = fmt.Sprintf("%d servers in the log", model.sum())
		} else if step%8 == 0 || step == steps-1 {
			differs = model.compare(w, e.keys)
		}
		if differs != "" {
			t.Errorf("seed %d, step %d, %s: %s", seed, step, what, differs)
			break
		}
	}
	return codes
}

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

// asker is one request whose calls go one after the other.
type asker struct {
	request    string
	cost, rest int
	call       int
	began      int64 // virtual ms
	next       int64 // when it asks again
}

// queue plays many requests for ms of virtual time, in which each call is
// answered after half a second and each one told to wait asks again after a
// second at most, as engines do. Done ones are handed to done.
func (w *world) queue(e *Engine, ms int64, come func(now int64) []*asker, done func(*asker, int64)) {
	w.t.Helper()
	const tick = 200
	var waiting []*asker
	answers := map[int64][]*permit{}
	for now := int64(0); now < ms; now += tick {
		w.shift(e.keys, tick)
		for _, p := range answers[now] {
			w.settle(e, p, 62_000)
		}
		waiting = append(waiting, come(now)...)
		for _, a := range slices.Clone(waiting) {
			for a.next <= now && a.rest > 0 {
				p := full(e, a.request, a.call, min(a.cost, a.rest), a.rest)
				code, wait := w.acquire(e, p)
				if code != "done" {
					a.next = now + min(max(wait, tick), 1000)
					break
				}
				answers[now+400] = append(answers[now+400], p)
				a.rest -= p.Cost
				a.call++
				done(a, now)
			}
		}
		waiting = slices.DeleteFunc(waiting, func(a *asker) bool { return a.rest == 0 })
	}
}

func TestASmallRequestIsServedSoonBesideAHugeOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.opened()
	draw := rand.New(rand.NewPCG(5, 5))
	huge, sent, n := "S-AAAAA", 0, 0
	next := int64(3000)
	var worst int64
	const span = 420_000
	w.queue(e, span, func(now int64) []*asker {
		if now == 0 {
			return []*asker{{request: huge, cost: 100, rest: 5000}}
		}
		if now < next {
			return nil
		}
		n++
		next += 62_000 + int64(draw.IntN(10_000))
		return []*asker{{request: fmt.Sprintf("S-Z%d", n), cost: 1 + draw.IntN(100), rest: 10_000, began: now}}[:1]
	}, func(a *asker, now int64) {
		if a.request == huge {
			sent += a.cost
			return
		}
		worst = max(worst, now-a.began)
		a.rest = 0 // it was small
	})
	if limit := int64(4000 + 1000 + 200); n < 5 || worst > limit {
		t.Errorf("of %d small requests one waited %d ms, want at most %d", n, worst, limit)
	}
	if sent < 5000 {
		t.Errorf("the huge one has sent %d only", sent)
	}
	t.Logf("%d small requests waited %d ms at most; the huge one sent %d of 5000 in %d s", n, worst, sent, span/1000)
}

// Newcomers are no reason to let the one wait that came first.
func TestAChunkIsNotStarvedByManySmallRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.opened()
	const came = 20_000
	n, waiting := 0, 0
	var served int64
	w.queue(e, 150_000, func(now int64) []*asker {
		var all []*asker
		for ; waiting < 12; waiting++ { // there are always some
			n++
			all = append(all, &asker{request: fmt.Sprintf("S-A%04d", n), cost: 20, rest: 20, began: now})
		}
		if now == came {
			all = append(all, &asker{request: "S-ZZZZZ", cost: 100, rest: 100, began: now})
		}
		return all
	}, func(a *asker, now int64) {
		if a.request == "S-ZZZZZ" {
			served = now
			return
		}
		waiting--
	})
	if served == 0 {
		t.Fatalf("of %d requests, the large one that came after 20 s was not served in 150 s", n)
	}
	if served-came > 70_000 {
		t.Errorf("it waited %d ms", served-came)
	}
	t.Logf("it waited %d ms", served-came)
}

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
	t.Parallel()
	w := newWorld(t)
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
	t.Parallel()
	w := newWorld(t)
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

func TestAFreezeIsNeverShortened(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.opened()
	if err := e.freeze(t.Context(), approvals.Stop, time.Minute); err != nil {
		t.Fatal(err)
	}
	e.freeze(t.Context(), approvals.Stop, time.Second)
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
		{"Redis is ahead", committed{now: now.Add(3 * time.Second), replicas: true}, now, now, false},
		{"Redis is behind", committed{now: now.Add(-3 * time.Second), replicas: true}, now, now, false},
		{"slept", committed{now: now, replicas: true}, now.Add(-3 * time.Second), now, false},
		// The monotonic clock stands still while a virtual machine is suspended.
		{"was suspended", committed{now: now, replicas: true}, now, now.Add(-3 * time.Second), false},
		{"no replica has it", committed{now: now}, now, now, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if why := e.unfit(tt.got, tt.began, tt.wall.Round(0)); (why == "") != tt.fit {
				t.Errorf("got %q", why)
			}
		})
	}
}
