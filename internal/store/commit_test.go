package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"
)

// body is a record that only a test can tell apart.
type body struct {
	Text string `json:"text"`
}

// note and entry are what a list and the audit log may hold.
type (
	note  struct{ ID string }
	entry struct{ Event string }
)

// commit makes ch, which must succeed.
func (w *world) commit(s *Store, ch *Change) Receipt {
	w.t.Helper()
	got, err := s.Commit(w.t.Context(), ch)
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

// refused makes ch, which must be refused with want.
func (w *world) refused(s *Store, ch *Change, want error) {
	w.t.Helper()
	if _, err := s.Commit(w.t.Context(), ch); !errors.Is(err, want) {
		w.t.Fatalf("got %v, want %v", err, want)
	}
}

// hold makes item due and claims it.
func (w *world) hold(s *Store, item string) Lease {
	w.t.Helper()
	w.due(item, 0)
	for _, c := range w.claims(s, 100) {
		if c.Item == item {
			return c
		}
	}
	w.t.Fatalf("%s was not handed out", item)
	return Lease{}
}

// due makes item due in d.
func (w *world) due(item string, d time.Duration) {
	w.t.Helper()
	w.commit(w.opened(), NewChange().Wake(item, d))
}

func (w *world) claims(s *Store, n int) []Lease {
	w.t.Helper()
	got, _, err := s.Claim(w.t.Context(), Lanes{n, n, n})
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

func (w *world) version(key string) string { return do(w, w.rdb.HGet(w.t.Context(), key, "ver")) }

func TestAChangeOfAnOldVersionIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.opened()
	key := w.key("r:S-1")
	w.refused(s, NewChange().Write(key, 1, body{"there is none yet"}), ErrConflict)
	w.commit(s, NewChange().Write(key, 0, body{"one"}))
	w.refused(s, NewChange().Write(key, 0, body{"made again"}), ErrConflict)
	w.commit(s, NewChange().Write(key, 1, body{"two"}))
	w.refused(s, NewChange().Write(key, 1, body{"too late"}), ErrConflict)
	// The second of two records counts as much as the first.
	w.refused(s, NewChange().Write(w.key("r:S-2"), 0, body{"new"}).Write(key, 1, body{"too late"}), ErrConflict)
	got, err := Load[body](t.Context(), s, key)
	if err != nil || got.Body.Text != "two" || got.Ver != 2 {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := Load[body](t.Context(), s, w.key("r:S-2")); !errors.Is(err, ErrNotFound) {
		t.Errorf("a refused change left a record: %v", err)
	}
}

// The version alone does not protect a record: nothing has changed it since the
// slow worker read it.
func TestAWorkerWhoseLeaseEndedCannotCommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	slow, quick := w.opened(func(c *Config) { c.Lease = time.Millisecond }), w.opened()
	key := w.key("r:S-1")
	w.commit(slow, NewChange().Write(key, 0, body{"one"}).Wake("r:S-1", 0))
	old := w.claims(slow, 1)
	var next []Lease
	w.within(2*time.Second, "the lease ends", func() bool {
		next = w.claims(quick, 1)
		return len(next) == 1
	})
	w.refused(slow, NewChange().FencedBy(old[0]).Write(key, 1, body{"by the slow one"}).Release(Never), ErrLost)
	w.commit(quick, NewChange().FencedBy(next[0]).Write(key, 1, body{"by the quick one"}).Release(Never))
	w.refused(quick, NewChange().FencedBy(next[0]).Write(key, 2, body{"given back already"}), ErrLost)
	if s, _ := Load[body](t.Context(), slow, key); s.Body.Text != "by the quick one" {
		t.Errorf("the record says %q", s.Body.Text)
	}
}

func TestTheSameChangeTwiceIsMadeOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.opened()
	c := w.hold(s, "r:S-1")
	before := w.seq()
	ch := NewChange().FencedBy(c).Release(Never).Write(w.key("r:S-1"), 0, body{"one"}).
		Log(entry{"asked"}).Push(w.key("o:S-1"), note{"S-1/card"}).Wake("t:S-1", 0)
	for range 3 {
		w.commit(s, ch)
	}
	w.wantEffects("S-1", 1, 1, "1")
	if got := w.seq() - before; got != 1 {
		t.Errorf("%d changes were counted", got)
	}
}

// wantEffects checks what is in the audit log, is owed to the request's
// thread, and which version its record has.
func (w *world) wantEffects(id string, entries, notes int64, ver string) {
	w.t.Helper()
	if n := do(w, w.rdb.XLen(w.t.Context(), w.keys.audit())); n != entries {
		w.t.Errorf("%d audit entries, want %d", n, entries)
	}
	if n := do(w, w.rdb.LLen(w.t.Context(), w.key("o:"+id))); n != notes {
		w.t.Errorf("%d notes owed to %s, want %d", n, id, notes)
	}
	if v := w.version(w.key("r:" + id)); v != ver {
		w.t.Errorf("version of %s is %q, want %q", id, v, ver)
	}
}

func (w *world) seq() int64 {
	n, _ := w.rdb.HGet(w.t.Context(), w.keys.meta(), "seq").Int64()
	return n
}

// Each of 200 changes is carried out, and its answer is lost.
func TestALostAnswerMakesNothingTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := commitScript.Load(t.Context(), w.rdb).Err(); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	c := newCutter(w, func(command string) bool {
		_, op, ok := strings.Cut(command, `"op":"`)
		if !ok || seen[op[:26]] {
			return false
		}
		seen[op[:26]] = true
		return true
	})
	s := w.workerAt(c.URL)
	w.open(s)
	before := w.seq()
	const workers, each = 20, 10
	var wg sync.WaitGroup
	for n := range workers {
		wg.Go(func() {
			id := fmt.Sprintf("S-%d", n)
			for ver := range uint64(each) {
				_, err := s.Commit(t.Context(), NewChange().Write(w.key("r:"+id), ver, body{"x"}).
					Log(entry{"x"}).Push(w.key("o:"+id), note{"x"}).Wake("t:"+id, 0))
				if err != nil {
					t.Errorf("%s from version %d: %v", id, ver, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if c.Cuts != workers*each {
		t.Errorf("%d answers were lost, want %d", c.Cuts, workers*each)
	}
	for n := range workers {
		w.wantEffects(fmt.Sprintf("S-%d", n), workers*each, each, fmt.Sprint(each))
	}
	if got := w.seq() - before; got != workers*each {
		t.Errorf("%d changes were counted", got)
	}
}

// refusals are all ways in which a change is not made, each on a store that
// sayNo has prepared: record S-1 at version 1, server s-9 with request S-9, a
// permit of 100 of 100 given to S-9.
var refusals = []struct {
	name   string
	spoil  func(*Change)
	permit bool // refused by the permits, whose clock and line have moved then
	check  func(error) bool
}{
	{"first record has another version", func(ch *Change) { ch.move.Write[0].Ver = 7 }, false, isErr(ErrConflict)},
	{"second record has another version", func(ch *Change) { ch.move.Write[1].Ver = 7 }, false, isErr(ErrConflict)},
	{"claim is not held", func(ch *Change) { ch.move.Lease.Fence = "0" }, false, isErr(ErrLost)},
	{"past the deadline", func(ch *Change) { ch.move.Before = 1 }, false, isErr(ErrLate)},
	{"server taken", func(ch *Change) { ch.move.Lock = append(ch.move.Lock, "s-9") }, false, func(err error) bool {
		var taken Taken
		return errors.As(err, &taken) && maps.Equal(taken, Taken{"s-9": "S-9"})
	}},
	{"no room", func(ch *Change) { ch.move.Permit.Cost = 1 }, true, isNoPermit("full")},
	{"others come first", func(ch *Change) { ch.move.Permit.Request = "S-Z" }, true, isNoPermit("line")},
	{"store was restarted", func(ch *Change) { ch.move.Permit.Run = "another" }, true, isNoPermit("blocked")},
}

func isErr(want error) func(error) bool {
	return func(err error) bool { return errors.Is(err, want) }
}

func isNoPermit(why string) func(error) bool {
	return func(err error) bool {
		no := new(NoRoom)
		return errors.As(err, &no) && no.why == permitAnswer(why) && no.Wait > 0
	}
}

func TestARefusedChangeChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.opened()
	for _, tt := range refusals {
		t.Run(tt.name, func(t *testing.T) {
			ctx := t.Context()
			w.rdb.FlushDB(ctx)
			w.open(s)
			w.prepare(s)
			if tt.name == "others come first" {
				w.inLine(s, "S-A")
			}
			ch := w.everything(s)
			tt.spoil(ch)
			before := w.state(tt.permit)
			if _, err := s.Commit(ctx, ch); !tt.check(err) {
				t.Fatalf("got %v", err)
			}
			if after := w.state(tt.permit); !maps.Equal(before, after) {
				for key := range after {
					if before[key] != after[key] {
						t.Errorf("%s has changed:\n%q\n%q", key, before[key], after[key])
					}
				}
				for key := range before {
					if _, ok := after[key]; !ok {
						t.Errorf("%s is gone", key)
					}
				}
			}
		})
	}
	t.Run("nothing is wrong", func(t *testing.T) {
		w.rdb.FlushDB(t.Context())
		w.open(s)
		w.prepare(s)
		ch := w.everything(s)
		ch.move.Permit.Limit = 1000
		before := w.state(false)
		w.commit(s, ch)
		same := 0
		for key, value := range w.state(false) {
			// One change is about one action's quota; it is a stop here.
			if before[key] == value && key != w.keys.book("start") {
				same++
				t.Logf("as before: %s", key)
			}
		}
		if same > 0 {
			t.Errorf("%d keys are as before: what the refusals are tried on is not everything", same)
		}
	})
}

// prepare fills the store with what the refusals need.
func (w *world) prepare(s *Store) {
	w.t.Helper()
	w.commit(s, NewChange().Write(w.key("r:S-1"), 0, body{"one"}).Wake("r:S-1", 0))
	ch := NewChange().Write(w.key("r:S-9"), 0, body{"other"}).Wake("x", time.Hour)
	ch.move.Request, ch.move.Lock = "S-9", []string{"s-9"}
	ch.move.Put = []put{{w.key("s:S-1"), "old"}, {w.key("s:S-9"), "dropped"}}
	ch.move.Push = []put{{w.key("o:S-1"), "first"}}
	ch.move.Index = []index{{Key: w.key("open"), Member: "S-1", Score: 1}, {Key: w.key("ended"), Member: "S-1", Score: 1}}
	ch.move.Permit = permitFor(s, "S-9", "S-9/0/1", 100)
	w.commit(s, ch)
}

// permitFor is a small request's permit for its only call, under a limit of 100.
func permitFor(s *Store, request, id string, cost int) *permit {
	return &permit{
		ID: id, Request: request, Cost: cost, Rest: cost, First: true, Limit: 100, Reserve: 10, Soon: 200,
		Run: s.redis.RunID(), Window: s.cfg.Window.Milliseconds(), TTL: PermitLife.Milliseconds(),
	}
}

// inLine puts a request into the line by letting it ask for more than there is.
func (w *world) inLine(s *Store, request string) {
	w.t.Helper()
	ch := NewChange()
	ch.move.Permit = permitFor(s, request, request+"/0/1", 50)
	if _, err := s.Commit(w.t.Context(), ch); !isNoPermit("full")(err) {
		w.t.Fatalf("got %v", err)
	}
}

// everything is a change that does all that a change can do.
func (w *world) everything(s *Store) *Change {
	w.t.Helper()
	ch := NewChange().FencedBy(w.claims(s, 1)[0]).
		Write(w.key("r:S-1"), 1, body{"two"}).Write(w.key("b:S-1:0"), 0, body{"new"}).
		Log(entry{"x"}).Push(w.key("o:S-1"), note{"n"}).Wake("t:S-1", 0).Wake("y", 0).Release(time.Minute)
	ch.move.Request, ch.move.Lock, ch.move.Unlock = "S-1", []string{"s-1"}, []string{"s-2"}
	ch.move.Put = []put{{w.key("s:S-1"), "new"}}
	ch.move.Drop = []string{w.key("s:S-9")}
	ch.move.Pop = &pop{w.key("o:S-1"), 1}
	ch.move.Index = []index{{Key: w.key("open"), Member: "S-2", Score: 5}, {Key: w.key("ended"), Member: "S-1", Out: true}}
	ch.move.Expire = []expire{{w.key("r:S-9"), 60}}
	ch.move.StartWindow = &startWindow{"S-9/0/1", 1000}
	ch.move.Block = 1000
	ch.move.Permit = permitFor(s, "S-1", "S-1/0/1", 1)
	return ch
}

// state is all that Redis holds. With permits the clock of the permits and the
// place in their line are left out: asking moves them.
func (w *world) state(permits bool) map[string]string {
	w.t.Helper()
	ctx := w.t.Context()
	all := map[string]string{}
	for _, key := range do(w, w.rdb.Keys(ctx, "*")) {
		if permits && key == w.keys.line("") {
			continue
		}
		if permits && key == w.keys.book("") {
			book := do(w, w.rdb.HGetAll(ctx, key))
			for f := range book {
				if f == "#clock" || f == "#run" || f == "#frozen" || f == "#since" || f == "#n" || strings.HasPrefix(f, "a:") || strings.HasPrefix(f, "f:") {
					delete(book, f)
				}
			}
			all[key] = fmt.Sprint(book) // maps are printed in order
			continue
		}
		all[key] = fmt.Sprintf("%x, expires: %t", do(w, w.rdb.Dump(ctx, key)), do(w, w.rdb.PTTL(ctx, key)) > 0)
	}
	return all
}

func TestTheLastWordOnLatenessIsRedisClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.opened()
	now := do(w, w.rdb.Time(t.Context()))
	ch := NewChange().Write(w.key("r:S-1"), 0, body{"one"})
	ch.move.Before = now.UnixMilli()
	w.refused(s, ch, ErrLate)
	ch.move.Before = now.Add(time.Minute).UnixMilli()
	w.commit(s, ch)
}

func TestALockIsHeldByOneRequestAndReleasedByItAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.opened()
	lock := func(request string, ids ...string) *Change {
		ch := NewChange()
		ch.move.Request, ch.move.Lock = request, ids
		return ch
	}
	unlock := func(request string, ids ...string) *Change {
		ch := NewChange()
		ch.move.Request, ch.move.Unlock = request, ids
		return ch
	}
	w.commit(s, lock("S-1", "a", "b"))
	w.commit(s, lock("S-1", "b", "c")) // its own is no obstacle
	_, err := s.Commit(t.Context(), lock("S-2", "c", "d", "a"))
	var taken Taken
	if !errors.As(err, &taken) || !maps.Equal(taken, Taken{"a": "S-1", "c": "S-1"}) {
		t.Fatalf("got %v %v", err, taken)
	}
	w.commit(s, unlock("S-2", "a", "b", "c", "never"))
	w.commit(s, lock("S-2", "d"))
	w.commit(s, unlock("S-1", "a"))
	want := map[string]string{"b": "S-1", "c": "S-1", "d": "S-2"}
	if got := do(w, w.rdb.HGetAll(t.Context(), w.keys.locks())); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestManyTakenServersAreNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.opened()
	ch := NewChange()
	ch.move.Request = "S-1"
	for n := range 1000 {
		ch.move.Lock = append(ch.move.Lock, fmt.Sprint(n))
	}
	w.commit(s, ch)
	again := NewChange()
	again.move.Request, again.move.Lock = "S-2", ch.move.Lock
	_, err := s.Commit(t.Context(), again)
	var taken Taken
	if !errors.As(err, &taken) || len(taken) < 100 {
		t.Fatalf("got %v", err)
	}
}

// Whatever somebody wants done to an item while it is worked on is done when
// it is given back: by a change or without one, even if it was thought done.
func TestAWakeOfAHeldItemWaitsForItsReturnAndIsNotLost(t *testing.T) {
	t.Parallel()
	for name, giveBack := range map[string]func(*world, *Store, Lease){
		"finished for good":  func(w *world, s *Store, c Lease) { w.commit(s, NewChange().FencedBy(c).Release(Never)) },
		"finished for later": func(w *world, s *Store, c Lease) { w.commit(s, NewChange().FencedBy(c).Release(time.Hour)) },
		"released for good":  func(w *world, s *Store, c Lease) { s.Release(w.t.Context(), c, Never, false) },
		"released for later": func(w *world, s *Store, c Lease) { s.Release(w.t.Context(), c, time.Hour, false) },
		"with tries kept":    func(w *world, s *Store, c Lease) { s.Release(w.t.Context(), c, time.Hour, true) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			s, other := w.opened(), w.opened()
			c := w.hold(s, "t:S-1")
			w.commit(other, NewChange().Wake("t:S-1", 0))
			if got := w.claims(other, 10); len(got) != 0 {
				t.Fatalf("the item was taken from its worker: %v", got)
			}
			giveBack(w, s, c)
			if got := w.claims(other, 10); len(got) != 1 {
				t.Fatal("the wake was lost")
			}
			if again := w.claims(other, 10); len(again) != 0 {
				t.Error("the item was handed out twice")
			}
		})
	}
}

func TestAFinishedItemIsForgottenOrDueAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.opened()
	c := w.hold(s, "r:S-1")
	now := w.commit(s, NewChange().FencedBy(c).Release(time.Minute)).Now
	if due := do(w, w.rdb.ZScore(t.Context(), w.keys.due(), "r:S-1")); int64(due) != now.Add(time.Minute).UnixMilli() {
		t.Errorf("due at %v, want a minute from %v", due, now.UnixMilli())
	}
	c = w.hold(s, "r:S-1")
	w.commit(s, NewChange().FencedBy(c).Release(Never))
	for _, key := range []string{w.keys.due(), w.keys.claims(), w.keys.owners(), w.keys.tries(), w.keys.woken()} {
		if do(w, w.rdb.Exists(t.Context(), key)) != 0 {
			t.Errorf("something of it is left in %s", key)
		}
	}
}

func TestIndexesAndExpiriesAreKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.opened()
	ch := NewChange().Write(w.key("r:S-1"), 0, body{"one"})
	const at = 1_800_000_000_123 // a time in ms must survive Lua's numbers to the last digit
	ch.move.Index = []index{{Key: w.key("open"), Member: "S-1", Score: at}}
	w.commit(s, ch)
	if got := do(w, w.rdb.ZScore(t.Context(), w.key("open"), "S-1")); got != at {
		t.Errorf("the score is %v", got)
	}
	ch = NewChange().Write(w.key("r:S-1"), 1, body{"two"})
	ch.move.Index = []index{{Key: w.key("open"), Member: "S-1", Out: true}, {Key: w.key("ended"), Member: "S-1", Score: at}}
	ch.move.Expire = []expire{{w.key("r:S-1"), 100}}
	w.commit(s, ch)
	if do(w, w.rdb.ZCard(t.Context(), w.key("open"))) != 0 || do(w, w.rdb.ZCard(t.Context(), w.key("ended"))) != 1 {
		t.Error("the request is not in the right list")
	}
	if ttl := do(w, w.rdb.TTL(t.Context(), w.key("r:S-1"))); ttl <= 90*time.Second || ttl > 100*time.Second {
		t.Errorf("the record goes in %v", ttl)
	}
}

func TestNotesArePushedAtTheEndAndPoppedAtTheHead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.opened()
	key := w.key("o:S-1")
	w.commit(s, &Change{move: move{Op: "1", Push: []put{{key, "a"}, {key, "b"}, {key, "c"}}}})
	w.commit(s, &Change{move: move{Op: "2", Push: []put{{key, "d"}}, Pop: &pop{key, 2}}})
	if got := fmt.Sprint(do(w, w.rdb.LRange(t.Context(), key, 0, -1))); got != "[c d]" {
		t.Errorf("owed: %s", got)
	}
}

func TestACommitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.opened()
	w.redis.Kill()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := s.Commit(ctx, NewChange()); err == nil || time.Since(began) > time.Second {
		t.Errorf("got %v after %v", err, time.Since(began))
	}
}
