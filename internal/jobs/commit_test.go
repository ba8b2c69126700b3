package jobs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/audit"
)

// body is a record that only a test can tell apart.
type body struct {
	Text string `json:"text"`
}

// commit makes ch, which must succeed.
func (w *world) commit(e *Engine, ch *change) committed {
	w.t.Helper()
	got, err := e.commit(w.t.Context(), ch)
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

// refused makes ch, which must be refused with want.
func (w *world) refused(e *Engine, ch *change, want error) {
	w.t.Helper()
	if _, err := e.commit(w.t.Context(), ch); !errors.Is(err, want) {
		w.t.Fatalf("got %v, want %v", err, want)
	}
}

// hold makes item due and claims it.
func (w *world) hold(e *Engine, item string) claim {
	w.t.Helper()
	w.due(item, 0)
	for _, c := range w.claims(e, 100) {
		if c.item == item {
			return c
		}
	}
	w.t.Fatalf("%s was not handed out", item)
	return claim{}
}

// due makes item due in d.
func (w *world) due(item string, d time.Duration) {
	w.t.Helper()
	w.commit(w.opened(), newChange().wake(item, d))
}

func (w *world) claims(e *Engine, n int) []claim {
	w.t.Helper()
	got, _, err := e.claim(w.t.Context(), n)
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

func (w *world) version(key string) string { return do(w, w.rdb.HGet(w.t.Context(), key, "ver")) }

func TestAChangeOfAnOldVersionIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.opened()
	key := w.keys.request("S-1")
	w.refused(e, newChange().write(key, 1, body{"there is none yet"}), errConflict)
	w.commit(e, newChange().write(key, 0, body{"one"}))
	w.refused(e, newChange().write(key, 0, body{"made again"}), errConflict)
	w.commit(e, newChange().write(key, 1, body{"two"}))
	w.refused(e, newChange().write(key, 1, body{"too late"}), errConflict)
	// The second of two records counts as much as the first.
	w.refused(e, newChange().write(w.keys.request("S-2"), 0, body{"new"}).write(key, 1, body{"too late"}), errConflict)
	s, err := load[body](t.Context(), e, key)
	if err != nil || s.body.Text != "two" || s.ver != 2 {
		t.Errorf("got %+v, %v", s, err)
	}
	if _, err := load[body](t.Context(), e, w.keys.request("S-2")); !errors.Is(err, errNoRecord) {
		t.Errorf("a refused change left a record: %v", err)
	}
}

// The version alone does not protect a record: nothing has changed it since the
// slow worker read it.
func TestAWorkerWhoseLeaseEndedCannotCommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	slow, quick := w.opened(func(c *Config) { c.Lease = time.Millisecond }), w.opened()
	key := w.keys.request("S-1")
	w.commit(slow, newChange().write(key, 0, body{"one"}).wake("r:S-1", 0))
	old := w.claims(slow, 1)
	var anew []claim
	w.within(2*time.Second, "the lease ends", func() bool {
		anew = w.claims(quick, 1)
		return len(anew) == 1
	})
	w.refused(slow, newChange().under(old[0]).write(key, 1, body{"by the slow one"}).done(never), errLost)
	w.commit(quick, newChange().under(anew[0]).write(key, 1, body{"by the quick one"}).done(never))
	w.refused(quick, newChange().under(anew[0]).write(key, 2, body{"given back already"}), errLost)
	if s, _ := load[body](t.Context(), slow, key); s.body.Text != "by the quick one" {
		t.Errorf("the record says %q", s.body.Text)
	}
}

func TestTheSameChangeTwiceIsMadeOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.opened()
	c := w.hold(e, "r:S-1")
	before := w.seq()
	ch := newChange().under(c).done(never).write(w.keys.request("S-1"), 0, body{"one"}).
		log(audit.Entry{Event: "asked"}).tell(w.keys, "S-1", approvals.Note{ID: "S-1/card"})
	for range 3 {
		w.commit(e, ch)
	}
	w.wantEffects("S-1", 1, 1, "1")
	if got := w.seq() - before; got != 1 {
		t.Errorf("%d changes were counted", got)
	}
}

// wantEffects checks what stands in the audit log, is owed to the request's
// thread, and which version its record has.
func (w *world) wantEffects(id string, entries, notes int64, ver string) {
	w.t.Helper()
	if n := do(w, w.rdb.XLen(w.t.Context(), w.keys.audit())); n != entries {
		w.t.Errorf("%d audit entries, want %d", n, entries)
	}
	if n := do(w, w.rdb.LLen(w.t.Context(), w.keys.owed(id))); n != notes {
		w.t.Errorf("%d notes owed to %s, want %d", n, id, notes)
	}
	if v := w.version(w.keys.request(id)); v != ver {
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
	e := w.engineAt(c.url)
	w.open(e)
	before := w.seq()
	const workers, each = 20, 10
	var wg sync.WaitGroup
	for n := range workers {
		wg.Go(func() {
			id := fmt.Sprintf("S-%d", n)
			for ver := range uint64(each) {
				_, err := e.commit(t.Context(), newChange().write(w.keys.request(id), ver, body{"x"}).
					log(audit.Entry{Event: "x"}).tell(w.keys, id, approvals.Note{ID: "x"}))
				if err != nil {
					t.Errorf("%s from version %d: %v", id, ver, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if c.cuts != workers*each {
		t.Errorf("%d answers were lost, want %d", c.cuts, workers*each)
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
	spoil  func(*change)
	permit bool // refused by the permits, whose clock and line have moved then
	check  func(error) bool
}{
	{"first record has another version", func(ch *change) { ch.Write[0].Ver = 7 }, false, isErr(errConflict)},
	{"second record has another version", func(ch *change) { ch.Write[1].Ver = 7 }, false, isErr(errConflict)},
	{"claim is not held", func(ch *change) { ch.Hold.Fence = "0" }, false, isErr(errLost)},
	{"past the deadline", func(ch *change) { ch.Before = 1 }, false, isErr(errLate)},
	{"server taken", func(ch *change) { ch.Lock = append(ch.Lock, "s-9") }, false, func(err error) bool {
		var taken errTaken
		return errors.As(err, &taken) && maps.Equal(taken, errTaken{"s-9": "S-9"})
	}},
	{"no room", func(ch *change) { ch.Permit.Cost = 1 }, true, isNoPermit("full")},
	{"others come first", func(ch *change) { ch.Permit.Request = "S-Z" }, true, isNoPermit("line")},
	{"store was restarted", func(ch *change) { ch.Permit.Run = "another" }, true, isNoPermit("frozen")},
}

func isErr(want error) func(error) bool {
	return func(err error) bool { return errors.Is(err, want) }
}

func isNoPermit(why string) func(error) bool {
	return func(err error) bool {
		no := new(errNoPermit)
		return errors.As(err, &no) && no.why == why && no.wait > 0
	}
}

func TestARefusedChangeChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.opened()
	for _, tt := range refusals {
		t.Run(tt.name, func(t *testing.T) {
			ctx := t.Context()
			w.rdb.FlushDB(ctx)
			w.open(e)
			w.prepare(e)
			if tt.name == "others come first" {
				w.inLine(e, "S-A")
			}
			ch := w.everything(e)
			tt.spoil(ch)
			before := w.state(tt.permit)
			if _, err := e.commit(ctx, ch); !tt.check(err) {
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
		w.open(e)
		w.prepare(e)
		ch := w.everything(e)
		ch.Permit.Limit = 1000
		before := w.state(false)
		w.commit(e, ch)
		same := 0
		for key, value := range w.state(false) {
			// One change is about one action's quota; it is a stop here.
			if before[key] == value && key != w.keys.book(approvals.Start) {
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
func (w *world) prepare(e *Engine) {
	w.t.Helper()
	k := w.keys
	w.commit(e, newChange().write(k.request("S-1"), 0, body{"one"}).wake("r:S-1", 0))
	ch := newChange().write(k.request("S-9"), 0, body{"other"}).wake("x", time.Hour)
	ch.Request, ch.Lock = "S-9", []string{"s-9"}
	ch.Put = []put{{k.frozen("S-1"), "old"}, {k.frozen("S-9"), "dropped"}}
	ch.Push = []put{{k.owed("S-1"), "first"}}
	ch.Index = []index{{Key: k.open(), Member: "S-1", Score: 1}, {Key: k.ended(), Member: "S-1", Score: 1}}
	ch.Permit = e.permitFor("S-9", "S-9/0/1", 100)
	w.commit(e, ch)
}

// permitFor is a small request's permit for its only call, under a limit of 100.
func (e *Engine) permitFor(request, id string, cost int) *permit {
	return &permit{
		ID: id, Request: request, Cost: cost, Rest: cost, First: true, Limit: 100, Reserve: 10, Soon: 200,
		Run: e.Redis.RunID(), Window: e.window().Milliseconds(), Hold: permitHold.Milliseconds(),
	}
}

// inLine puts a request into the line by letting it ask for more than there is.
func (w *world) inLine(e *Engine, request string) {
	w.t.Helper()
	ch := newChange()
	ch.Permit = e.permitFor(request, request+"/0/1", 50)
	if _, err := e.commit(w.t.Context(), ch); !isNoPermit("full")(err) {
		w.t.Fatalf("got %v", err)
	}
}

// everything is a change that does all that a change can do.
func (w *world) everything(e *Engine) *change {
	w.t.Helper()
	k := w.keys
	ch := newChange().under(w.claims(e, 1)[0]).
		write(k.request("S-1"), 1, body{"two"}).write(k.batch("S-1", 0), 0, body{"new"}).
		log(audit.Entry{Event: "x"}).tell(k, "S-1", approvals.Note{ID: "n"}).wake("y", 0).done(time.Minute)
	ch.Request, ch.Lock, ch.Unlock = "S-1", []string{"s-1"}, []string{"s-2"}
	ch.Put = []put{{k.frozen("S-1"), "new"}}
	ch.Drop = []string{k.frozen("S-9")}
	ch.Pop = &pop{k.owed("S-1"), 1}
	ch.Index = []index{{Key: k.open(), Member: "S-2", Score: 5}, {Key: k.ended(), Member: "S-1", Out: true}}
	ch.Expire = []expire{{k.request("S-9"), 60}}
	ch.Settle = &settle{"S-9/0/1", 1000}
	ch.Freeze = 1000
	ch.Permit = e.permitFor("S-1", "S-1/0/1", 1)
	return ch
}

// state is all that Redis holds. With permits the clock of the permits and the
// place in their line are left out: asking moves them.
func (w *world) state(permits bool) map[string]string {
	w.t.Helper()
	ctx := w.t.Context()
	all := map[string]string{}
	for _, key := range do(w, w.rdb.Keys(ctx, "*")) {
		if permits && key == w.keys.line(approvals.Stop) {
			continue
		}
		if permits && key == w.keys.book(approvals.Stop) {
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
	e := w.opened()
	now := do(w, w.rdb.Time(t.Context()))
	ch := newChange().write(w.keys.request("S-1"), 0, body{"one"})
	ch.Before = now.UnixMilli()
	w.refused(e, ch, errLate)
	ch.Before = now.Add(time.Minute).UnixMilli()
	w.commit(e, ch)
}

func TestALockIsHeldByOneRequestAndReleasedByItAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.opened()
	lock := func(request string, ids ...string) *change {
		ch := newChange()
		ch.Request, ch.Lock = request, ids
		return ch
	}
	unlock := func(request string, ids ...string) *change {
		ch := newChange()
		ch.Request, ch.Unlock = request, ids
		return ch
	}
	w.commit(e, lock("S-1", "a", "b"))
	w.commit(e, lock("S-1", "b", "c")) // its own is no obstacle
	_, err := e.commit(t.Context(), lock("S-2", "c", "d", "a"))
	var taken errTaken
	if !errors.As(err, &taken) || !maps.Equal(taken, errTaken{"a": "S-1", "c": "S-1"}) {
		t.Fatalf("got %v %v", err, taken)
	}
	w.commit(e, unlock("S-2", "a", "b", "c", "never"))
	w.commit(e, lock("S-2", "d"))
	w.commit(e, unlock("S-1", "a"))
	want := map[string]string{"b": "S-1", "c": "S-1", "d": "S-2"}
	if got := do(w, w.rdb.HGetAll(t.Context(), w.keys.locks())); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestManyTakenServersAreNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.opened()
	ch := newChange()
	ch.Request = "S-1"
	for n := range 1000 {
		ch.Lock = append(ch.Lock, fmt.Sprint(n))
	}
	w.commit(e, ch)
	again := newChange()
	again.Request, again.Lock = "S-2", ch.Lock
	_, err := e.commit(t.Context(), again)
	var taken errTaken
	if !errors.As(err, &taken) || len(taken) < 100 {
		t.Fatalf("got %v", err)
	}
}

// Whatever somebody wants done to an item while it is worked on is done when
// it is given back: by a change or without one, even if it was thought done.
func TestAWakeOfAHeldItemWaitsForItsReturnAndIsNotLost(t *testing.T) {
	t.Parallel()
	for name, giveBack := range map[string]func(*world, *Engine, claim){
		"finished for ever":  func(w *world, e *Engine, c claim) { w.commit(e, newChange().under(c).done(never)) },
		"finished for later": func(w *world, e *Engine, c claim) { w.commit(e, newChange().under(c).done(time.Hour)) },
		"released for ever":  func(w *world, e *Engine, c claim) { e.release(w.t.Context(), c, never, false) },
		"released for later": func(w *world, e *Engine, c claim) { e.release(w.t.Context(), c, time.Hour, false) },
		"with tries kept":    func(w *world, e *Engine, c claim) { e.release(w.t.Context(), c, time.Hour, true) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			e, other := w.opened(), w.opened()
			c := w.hold(e, "t:S-1")
			w.commit(other, newChange().wake("t:S-1", 0))
			if got := w.claims(other, 10); len(got) != 0 {
				t.Fatalf("the item was taken from its worker: %v", got)
			}
			giveBack(w, e, c)
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
	e := w.opened()
	c := w.hold(e, "r:S-1")
	now := w.commit(e, newChange().under(c).done(time.Minute)).now
	if due := do(w, w.rdb.ZScore(t.Context(), w.keys.due(), "r:S-1")); int64(due) != now.Add(time.Minute).UnixMilli() {
		t.Errorf("due at %v, want a minute from %v", due, now.UnixMilli())
	}
	c = w.hold(e, "r:S-1")
	w.commit(e, newChange().under(c).done(never))
	for _, key := range []string{w.keys.due(), w.keys.claims(), w.keys.owners(), w.keys.tries(), w.keys.woken()} {
		if do(w, w.rdb.Exists(t.Context(), key)) != 0 {
			t.Errorf("something of it is left in %s", key)
		}
	}
}

func TestIndexesAndExpiriesAreKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.opened()
	k := w.keys
	ch := newChange().write(k.request("S-1"), 0, body{"one"})
	const at = 1_800_000_000_123 // a time in ms must survive Lua's numbers to the last digit
	ch.Index = []index{{Key: k.open(), Member: "S-1", Score: at}}
	w.commit(e, ch)
	if got := do(w, w.rdb.ZScore(t.Context(), k.open(), "S-1")); got != at {
		t.Errorf("the score is %v", got)
	}
	ch = newChange().write(k.request("S-1"), 1, body{"two"})
	ch.Index = []index{{Key: k.open(), Member: "S-1", Out: true}, {Key: k.ended(), Member: "S-1", Score: at}}
	ch.Expire = []expire{{k.request("S-1"), 100}}
	w.commit(e, ch)
	if do(w, w.rdb.ZCard(t.Context(), k.open())) != 0 || do(w, w.rdb.ZCard(t.Context(), k.ended())) != 1 {
		t.Error("the request is not in the right list")
	}
	if ttl := do(w, w.rdb.TTL(t.Context(), k.request("S-1"))); ttl <= 90*time.Second || ttl > 100*time.Second {
		t.Errorf("the record goes in %v", ttl)
	}
}

func TestNotesArePushedAtTheEndAndPoppedAtTheHead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.opened()
	key := w.keys.owed("S-1")
	w.commit(e, &change{Op: "1", Push: []put{{key, "a"}, {key, "b"}, {key, "c"}}})
	w.commit(e, &change{Op: "2", Push: []put{{key, "d"}}, Pop: &pop{key, 2}})
	if got := fmt.Sprint(do(w, w.rdb.LRange(t.Context(), key, 0, -1))); got != "[c d]" {
		t.Errorf("owed: %s", got)
	}
}

func TestACommitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.opened()
	w.redis.Kill()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := e.commit(ctx, newChange()); err == nil || time.Since(began) > time.Second {
		t.Errorf("got %v after %v", err, time.Since(began))
	}
}
