package jobs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ecsbot/internal/approvals"

	"github.com/redis/go-redis/v9"
)

func itemsOf(claims []claim) []string {
	var items []string
	for _, c := range claims {
		items = append(items, c.item)
	}
	return items
}

// dueAt puts items into the list as due so many ms ago.
func (w *world) dueAt(ago map[string]int64) {
	w.t.Helper()
	now := do(w, w.rdb.Time(w.t.Context())).UnixMilli()
	for item, ms := range ago {
		w.rdb.ZAdd(w.t.Context(), w.keys.due(), redis.Z{Score: float64(now - ms), Member: item})
	}
}

func TestWorkIsHandedOutInTheOrderInWhichItIsDue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.opened()
	w.dueAt(map[string]int64{"a": 10, "b": 30, "c": 20, "d": 40, "later": -60_000})
	if got := itemsOf(w.claims(e, 3)); !slices.Equal(got, []string{"d", "b", "c"}) {
		t.Errorf("first %v", got)
	}
	got, next, err := e.claim(t.Context(), 3)
	if err != nil || !slices.Equal(itemsOf(got), []string{"a"}) {
		t.Errorf("then %v, %v", got, err)
	}
	// The nearest time is the end of a lease.
	if next < e.Lease-5*time.Second || next > e.Lease {
		t.Errorf("next in %v, want the lease of %v", next, e.Lease)
	}
	empty := w.opened()
	empty.keys = keysOf("another")
	if _, next, _ := empty.claim(t.Context(), 3); next >= 0 {
		t.Errorf("with nothing to do, next in %v", next)
	}
}

func TestAnItemIsHandedOutToOneWorker(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const items, workers = 300, 6
	ago := map[string]int64{}
	for n := range items {
		ago[fmt.Sprintf("r:%d", n)] = int64(n)
	}
	w.dueAt(ago)
	var mu sync.Mutex
	given := map[string]int{}
	var wg sync.WaitGroup
	for range workers {
		e := w.opened()
		wg.Go(func() {
			for {
				got, _, err := e.claim(t.Context(), 7)
				if err != nil || len(got) == 0 {
					return
				}
				mu.Lock()
				for _, c := range got {
					given[c.item]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(given) != items {
		t.Errorf("%d of %d items were handed out", len(given), items)
	}
	for item, n := range given {
		if n != 1 {
			t.Errorf("%s was handed out %d times", item, n)
		}
	}
}

func TestAClaimIsDueAgainWhenItsLeaseEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const lease = 80 * time.Millisecond
	e := w.opened(func(c *Config) { c.Lease = lease })
	w.dueAt(map[string]int64{"r:1": 0})
	began := time.Now()
	first := w.claims(e, 1)[0]
	var second []claim
	w.within(2*time.Second, "the lease ends", func() bool {
		second = w.claims(e, 1)
		return len(second) == 1
	})
	if took := time.Since(began); took < lease-2*time.Millisecond {
		t.Errorf("handed out again after %v", took)
	}
	if first.fence == second[0].fence {
		t.Error("both claims have the same fence")
	}
	if first.tries != 1 || second[0].tries != 2 {
		t.Errorf("tries are %d and %d", first.tries, second[0].tries)
	}
	e.release(t.Context(), second[0], 0, false)
	if c := w.claims(e, 1)[0]; c.tries != 1 {
		t.Errorf("after it was given back it is try %d", c.tries)
	} else {
		e.release(t.Context(), c, 0, true)
	}
	if c := w.claims(e, 1)[0]; c.tries != 2 {
		t.Errorf("the tries were to be kept, but it is try %d", c.tries)
	}
}

func TestAFormerHolderCannotGiveBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	slow, quick := w.opened(func(c *Config) { c.Lease = time.Millisecond }), w.opened()
	w.dueAt(map[string]int64{"r:1": 0})
	old := w.claims(slow, 1)[0]
	w.within(2*time.Second, "the lease ends", func() bool { return len(w.claims(quick, 1)) == 1 })
	for _, in := range []time.Duration{0, never} {
		slow.release(t.Context(), old, in, false)
		if got := w.claims(slow, 1); len(got) != 0 {
			t.Error("the item was taken from the one who holds it")
		}
		if do(w, w.rdb.ZCard(t.Context(), w.keys.due())) != 1 {
			t.Error("the item was dropped although somebody holds it")
		}
	}
}

// silent makes a worker's last beat ms old.
func (w *world) silent(e *Engine, ms int64) {
	w.t.Helper()
	now := do(w, w.rdb.Time(w.t.Context())).UnixMilli()
	w.rdb.ZAdd(w.t.Context(), w.keys.beats(), redis.Z{Score: float64(now - ms), Member: e.worker})
}

func (w *world) beat(e *Engine) {
	w.t.Helper()
	if err := e.beat(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// long is a beat so long that none is missed by chance in a test.
func long(c *Config) { c.Beat = 10 * time.Second }

func TestTheWorkOfTheDeadIsDueAtOnceAndThatOfTheLivingIsNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	judge, dead, alive := w.opened(long), w.opened(long), w.opened(long)
	for _, e := range []*Engine{judge, dead, alive} {
		w.beat(e)
	}
	w.dueAt(map[string]int64{"dead's": 0})
	w.claims(dead, 1)
	w.dueAt(map[string]int64{"alive's": 0})
	w.claims(alive, 1)
	w.dueAt(map[string]int64{"judge's": 0})
	w.claims(judge, 1)

	w.silent(dead, 29_000)
	w.silent(alive, 29_000)
	w.beat(judge)
	if got := w.claims(judge, 9); len(got) != 0 {
		t.Fatalf("after less than three beats %v were taken", itemsOf(got))
	}
	w.silent(dead, 30_001)
	w.beat(judge)
	if got := itemsOf(w.claims(judge, 9)); !slices.Equal(got, []string{"dead's"}) {
		t.Errorf("taken up: %v", got)
	}
}

// After the store hung everybody seems to have been silent.
func TestAWorkerThatWasSilentItselfDoesNotJudgeOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	judge, other := w.opened(long), w.opened(long)
	w.beat(judge)
	w.beat(other)
	w.dueAt(map[string]int64{"other's": 0})
	w.claims(other, 1)
	w.silent(judge, 31_000)
	w.silent(other, 31_000)
	w.beat(judge)
	if got := w.claims(judge, 9); len(got) != 0 {
		t.Fatal("it took up the work of others straight after its own silence")
	}
	w.beat(judge)
	if got := w.claims(judge, 9); len(got) != 1 {
		t.Error("it does not judge although it has lived for a beat since")
	}
	newcomer := w.opened(long)
	w.dueAt(map[string]int64{"other's": 0})
	w.claims(other, 1)
	w.silent(other, 31_000)
	w.beat(newcomer)
	if got := w.claims(newcomer, 9); len(got) != 0 {
		t.Error("it judged with its very first beat")
	}
}

// handler is a face that only acts on envelopes.
type handler struct {
	Face
	f func(approvals.Envelope) error
}

func (h handler) Stale(context.Context, approvals.Envelope) {}

func (h handler) Handle(_ context.Context, env approvals.Envelope) error { return h.f(env) }

func TestTheWorkOfAKilledEngineGoesOnWithinFiveSeconds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	usual := func(c *Config) { c.Beat, c.Lease = 0, 0 } // the defaults
	first, second := w.engine(usual), w.engine(usual)
	begun, end := make(chan bool, 9), make(chan bool)
	w.run(first, handler{f: func(approvals.Envelope) error {
		begun <- true
		<-end
		return nil
	}})
	defer close(end)
	if _, err := first.Record(t.Context(), approvals.Envelope{ID: "1", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	<-begun
	handled := make(chan string, 9)
	w.run(second, handler{f: func(env approvals.Envelope) error {
		handled <- env.ID
		return nil
	}})
	w.within(5*time.Second, "the second engine lives", func() bool {
		return w.rdb.ZScore(t.Context(), w.keys.beats(), second.worker).Err() == nil
	})
	if first.Beat != time.Second || first.Lease != 30*time.Second {
		t.Fatalf("beat %v, lease %v: not the defaults", first.Beat, first.Lease)
	}
	kill(first)
	killed := time.Now()
	select {
	case <-handled:
		t.Logf("taken up after %v", time.Since(killed))
	case <-time.After(5 * time.Second):
		t.Error("after 5 s nobody had taken up the work")
	}
}

// What an engine holds when it is stopped it may finish; nobody takes it for
// dead meanwhile, and begins anew what is on its way.
func TestAStoppingEngineBeatsUntilItsLastStepIsOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	quick := func(c *Config) { c.Beat = 50 * time.Millisecond }
	first, second := w.engine(quick), w.engine(quick)
	begun, goOn := make(chan bool, 9), make(chan bool)
	stop := w.run(first, handler{f: func(approvals.Envelope) error {
		begun <- true
		<-goOn
		return nil
	}})
	if _, err := second.Record(t.Context(), approvals.Envelope{ID: "1", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	<-begun
	w.run(second, handler{f: func(approvals.Envelope) error {
		t.Error("the other engine took up what was still being worked on")
		return nil
	}})
	stopped := make(chan bool)
	go func() {
		stop()
		close(stopped)
	}()
	time.Sleep(8 * first.Beat) // time enough to be taken for dead
	close(goOn)
	<-stopped
	w.within(5*time.Second, "the work is done", func() bool { return do(w, w.rdb.ZCard(t.Context(), w.keys.due())) == 0 })
}

func TestASignedOffWorkersItemsAreTakenUpAtTheNextBeat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stopping, other := w.opened(long), w.opened(long)
	w.beat(stopping)
	w.beat(other)
	w.dueAt(map[string]int64{"r:1": 0})
	w.claims(stopping, 1)
	if err := stopping.leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.beat(other)
	if got := w.claims(other, 1); len(got) != 1 {
		t.Error("it was not taken up")
	}
}

// Whoever claims must be known to live: nobody would ever find it dead.
func TestAnEngineBeatsBeforeItClaims(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var order []string
	c := newCutter(w, func(command string) bool {
		for name, hash := range map[string]string{"beat": beatScript.Hash(), "claim": claimScript.Hash()} {
			if strings.Contains(command, hash) && !slices.Contains(order, name) {
				order = append(order, name)
			}
		}
		return false
	})
	for range 10 {
		stop := w.run(w.engineAt(c.url), handler{})
		w.within(5*time.Second, "a beat and a claim", func() bool {
			c.mu.Lock()
			defer c.mu.Unlock()
			return len(order) == 2
		})
		stop()
		if order[0] != "beat" {
			t.Fatal("it claimed before anybody knew that it lives")
		}
		c.mu.Lock()
		order = nil
		c.mu.Unlock()
	}
}

func TestAnItemThatKillsItsWorkersIsPutAside(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.opened(func(c *Config) { c.Lease = time.Millisecond })
	e.face = handler{f: func(approvals.Envelope) error {
		t.Error("it was worked on once more")
		return nil
	}}
	if _, err := e.Record(t.Context(), approvals.Envelope{ID: "1", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	var c claim
	w.within(5*time.Second, "too many claims", func() bool {
		for _, got := range w.claims(e, 1) {
			c = got
		}
		return c.tries > crashes
	})
	e.Lease = time.Minute
	e.step(t.Context(), c)
	now := do(w, w.rdb.Time(t.Context())).UnixMilli()
	due := int64(do(w, w.rdb.ZScore(t.Context(), w.keys.due(), "i:1")))
	if due < now+59*60_000 {
		t.Errorf("it is due in %d ms, want about an hour", due-now)
	}
}

func TestAPanicInAStepIsOneMoreTry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tries := 0
	done := make(chan bool)
	e := w.engine()
	w.run(e, handler{f: func(approvals.Envelope) error {
		if tries++; tries < 3 {
			panic("odd record")
		}
		close(done)
		return nil
	}})
	if _, err := w.opened().Record(t.Context(), approvals.Envelope{ID: "1", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Error("it was not tried again")
	}
}

func TestWorkWithoutARecordIsDropped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.engine()
	w.dueAt(map[string]int64{"i:no": 0, "r:no": 0, "b:no:1": 0, "b:no:x": 0, "t:no": 0, "z:no": 0, "": 0})
	w.run(e, handler{})
	w.within(5*time.Second, "all are dropped", func() bool {
		return do(w, w.rdb.ZCard(t.Context(), w.keys.due())) == 0 && do(w, w.rdb.HLen(t.Context(), w.keys.claims())) == 0
	})
}

// zNow makes item due now, whoever holds it.
func zNow(item string) redis.Z { return redis.Z{Score: 0, Member: item} }
