package store

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"ecsbot/internal/redistest"
)

// permitLog is the permits as they ought to be: the rules of lua/permits.lua, written
// down a second time. Its times are Redis's, in ms.
type permitLog struct {
	ends    map[string]int64 // permit → ms at which it stops counting
	costs   map[string]int
	line    []place
	asked   map[string]int64 // request → ms until which it keeps its place unasked
	full    map[string]int64 // request → ms since which it is first and finds no room
	v       int              // what the last request served had been granted
	came    int              // places taken so far
	clock   int64
	blocked int64
	run     string
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
	l.rewind(p.Window, real)
	now := max(real, l.clock)
	if l.run != p.Run {
		l.run, l.clock, l.blocked = p.Run, now, max(now+p.Window, l.blocked)
	}
	if l.blocked > now {
		return "blocked", l.blocked - now
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
	l.ends[p.ID], l.costs[p.ID] = now+p.TTL, p.Cost
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

// rewind corrects times of a clock that was ahead by more than a window.
func (l *permitLog) rewind(window, real int64) {
	by := l.clock - real
	if by <= window {
		return
	}
	for id := range l.ends {
		l.ends[id] = max(l.ends[id]-by, real+window)
	}
	for r := range l.asked {
		l.asked[r] = min(l.asked[r], real+3000)
	}
	for r := range l.full {
		l.full[r] = min(l.full[r], real)
	}
	l.clock, l.blocked = real, max(l.blocked-by, real+window)
}

func (l *permitLog) sort() {
	slices.SortFunc(l.line, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.granted, b.granted), cmp.Compare(a.came, b.came))
	})
}

func (l *permitLog) startWindow(id string, ms, real int64) (missing bool) {
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
	for _, at := range []*int64{&l.clock, &l.blocked} {
		if *at != 0 {
			*at -= ms
		}
	}
}

// compare says how the store differs from the model, or "". It ends no test, as
// it runs on other goroutines; what cannot be read differs.
func (l *permitLog) compare(w *world, k keys) string {
	ctx := w.t.Context()
	ends := map[string]int64{}
	for _, z := range w.rdb.ZRangeWithScores(ctx, k.log(""), 0, -1).Val() {
		ends[z.Member.(string)] = int64(z.Score)
	}
	if !maps.Equal(ends, l.ends) {
		return fmt.Sprintf("log %v, want %v", ends, l.ends)
	}
	book := w.rdb.HGetAll(ctx, k.book("")).Val()
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
	if got := w.rdb.ZRange(ctx, k.line(""), 0, -1).Val(); !slices.Equal(got, line) {
		return fmt.Sprintf("line %v, want %v", got, line)
	}
	return ""
}

// answerOf is a commit's answer in the model's words.
func answerOf(err error) (code string, wait int64) {
	no := new(NoRoom)
	switch {
	case err == nil:
		return "done", 0
	case errors.As(err, &no):
		return string(no.why), no.Wait.Milliseconds()
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
		s := w.opened()
		wg.Go(func() {
			for seed := range todo {
				s.keys = keysOf(fmt.Sprint("model", seed))
				codes := w.playPermits(s, seed, steps)
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
	for _, code := range []string{"done", "full", "line", "blocked"} {
		if seen.codes[code] < sequences {
			t.Errorf("%q came up %d times only", code, seen.codes[code])
		}
	}
}

// playPermits plays one random sequence against model and script, and counts
// the answers.
func (w *world) playPermits(s *Store, seed uint64, steps int) map[string]int {
	t, ctx := w.t, w.t.Context()
	draw := rand.New(rand.NewPCG(seed, 7))
	model := newPermitLog()
	run := "run0"
	requests := []string{"S-D", "S-A", "S-C", "S-B"}
	var known []string
	rest := map[string]int{}
	codes := map[string]int{}
	pass := func(ms int64) { // not w.shift: this is not the goroutine of the test
		if err := redistest.Shift(ctx, w.rdb, s.keys.log(""), s.keys.book(""), ms); err != nil {
			t.Error(err)
		}
		model.pass(ms)
	}
	for step := range steps {
		ch := NewChange()
		what := ""
		switch n := draw.IntN(20); {
		case n < 11:
			p := &permit{
				ID: fmt.Sprint("p", step), Request: requests[draw.IntN(4)], Cost: 1 + draw.IntN(40), First: draw.IntN(4) == 0,
				Limit: 100, Reserve: 10, Soon: 200, Run: run, Window: 1000, TTL: 10_000,
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
			ch.move.Permit = p
			what = fmt.Sprintf("acquire %+v", *p)
		case n < 15 && len(known) > 0:
			ch.move.StartWindow = &startWindow{known[draw.IntN(len(known))], []int64{0, 1000, 1000, 4000}[draw.IntN(4)]}
			what = fmt.Sprintf("start window %+v", *ch.move.StartWindow)
		case n == 15 && draw.IntN(3) == 0:
			ch.move.Block = int64(1 + draw.IntN(1500))
			what = fmt.Sprint("block ", ch.move.Block)
		case n == 16 && draw.IntN(3) == 0:
			run = fmt.Sprint("run", step)
			continue
		case n == 17 && draw.IntN(3) == 0:
			pass(-700) // a clock that was set back
			continue
		default:
			pass([]int64{50, 150, 400, 1000, 1100, 3100}[draw.IntN(6)])
			continue
		}
		got, err := s.Commit(ctx, ch)
		code, wait := answerOf(err)
		real := got.Now.UnixMilli()
		want, wantWait := "done", int64(0)
		missing := false
		switch {
		case ch.move.Permit != nil:
			want, wantWait = model.acquire(ch.move.Permit, real)
			if want == "done" {
				known = append(known, ch.move.Permit.ID)
				rest[ch.move.Permit.Request] -= ch.move.Permit.Cost
			}
		case ch.move.StartWindow != nil:
			missing = model.startWindow(ch.move.StartWindow.ID, ch.move.StartWindow.MS, real)
		default:
			model.blocked = max(model.blocked, real+ch.move.Block)
		}
		codes[code]++
		differs := ""
		if code != want || wait != wantWait || got.PermitMissing != missing {
			differs = fmt.Sprintf("%s for %d (missing %t), want %s for %d (%t)", code, wait, got.PermitMissing, want, wantWait, missing)
		} else if model.sum() > 100 {
			differs = fmt.Sprintf("%d servers in the log", model.sum())
		} else if step%8 == 0 || step == steps-1 {
			differs = model.compare(w, s.keys)
		}
		if differs != "" {
			t.Errorf("seed %d, step %d, %s: %s", seed, step, what, differs)
			break
		}
	}
	return codes
}
