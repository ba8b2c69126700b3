package store

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func itemsOf(claims []Lease) []string {
	var items []string
	for _, c := range claims {
		items = append(items, c.Item)
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
	s := w.opened()
	w.dueAt(map[string]int64{"a": 10, "b": 30, "c": 20, "d": 40, "later": -60_000})
	if got := itemsOf(w.claims(s, 3)); !slices.Equal(got, []string{"d", "b", "c"}) {
		t.Errorf("first %v", got)
	}
	got, next, err := s.Claim(t.Context(), Lanes{3, 3, 3})
	if err != nil || !slices.Equal(itemsOf(got), []string{"a"}) {
		t.Errorf("then %v, %v", got, err)
	}
	// The nearest time is the end of a lease.
	if next < s.cfg.Lease-5*time.Second || next > s.cfg.Lease {
		t.Errorf("next in %v, want the lease of %v", next, s.cfg.Lease)
	}
	empty := w.opened()
	empty.keys = keysOf("another")
	if _, next, _ := empty.Claim(t.Context(), Lanes{3, 3, 3}); next >= 0 {
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
		s := w.opened()
		wg.Go(func() {
			for {
				got, _, err := s.Claim(t.Context(), Lanes{7, 7, 7})
				if err != nil || len(got) == 0 {
					return
				}
				mu.Lock()
				for _, c := range got {
					given[c.Item]++
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
	s := w.opened(func(c *Config) { c.Lease = lease })
	w.dueAt(map[string]int64{"r:1": 0})
	began := time.Now()
	first := w.claims(s, 1)[0]
	var second []Lease
	w.within(2*time.Second, "the lease ends", func() bool {
		second = w.claims(s, 1)
		return len(second) == 1
	})
	if took := time.Since(began); took < lease-2*time.Millisecond {
		t.Errorf("handed out again after %v", took)
	}
	if first.Fence == second[0].Fence {
		t.Error("both claims have the same fence")
	}
	if first.Tries != 1 || second[0].Tries != 2 {
		t.Errorf("tries are %d and %d", first.Tries, second[0].Tries)
	}
	s.Release(t.Context(), second[0], 0, false)
	if c := w.claims(s, 1)[0]; c.Tries != 1 {
		t.Errorf("after it was given back it is try %d", c.Tries)
	} else {
		s.Release(t.Context(), c, 0, true)
	}
	if c := w.claims(s, 1)[0]; c.Tries != 2 {
		t.Errorf("the tries were to be kept, but it is try %d", c.Tries)
	}
}

func TestAFormerHolderCannotGiveBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	slow, quick := w.opened(func(c *Config) { c.Lease = time.Millisecond }), w.opened()
	w.dueAt(map[string]int64{"r:1": 0})
	old := w.claims(slow, 1)[0]
	w.within(2*time.Second, "the lease ends", func() bool { return len(w.claims(quick, 1)) == 1 })
	for _, in := range []time.Duration{0, Never} {
		slow.Release(t.Context(), old, in, false)
		if got := w.claims(slow, 1); len(got) != 0 {
			t.Error("the item was taken from the one who holds it")
		}
		if do(w, w.rdb.ZCard(t.Context(), w.keys.due())) != 1 {
			t.Error("the item was dropped although somebody holds it")
		}
	}
}

// silent makes a worker's last beat ms old.
func (w *world) silent(s *Store, ms int64) {
	w.t.Helper()
	now := do(w, w.rdb.Time(w.t.Context())).UnixMilli()
	w.rdb.ZAdd(w.t.Context(), w.keys.beats(), redis.Z{Score: float64(now - ms), Member: s.worker})
}

func (w *world) beat(s *Store) {
	w.t.Helper()
	if _, err := s.Beat(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// long is a beat so long that none is missed by chance in a test.
func long(c *Config) { c.Beat = 10 * time.Second }

func TestTheWorkOfTheDeadIsDueAtOnceAndThatOfTheLivingIsNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	judge, dead, alive := w.opened(long), w.opened(long), w.opened(long)
	for _, s := range []*Store{judge, dead, alive} {
		w.beat(s)
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
		t.Fatal("it took the work of others straight after its own silence")
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

func TestASignedOffWorkersItemsAreTakenUpAtTheNextBeat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stopping, other := w.opened(long), w.opened(long)
	w.beat(stopping)
	w.beat(other)
	w.dueAt(map[string]int64{"r:1": 0})
	w.claims(stopping, 1)
	if err := stopping.Deregister(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.beat(other)
	if got := w.claims(other, 1); len(got) != 1 {
		t.Error("it was not taken up")
	}
}
