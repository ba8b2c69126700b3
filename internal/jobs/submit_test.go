package jobs

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/ecssim"
	"ecsbot/internal/store"
)

// approved asks for servers and has ben approve.
func (w *world) approved(e *Engine, op string, servers ...string) approvals.Request {
	w.t.Helper()
	r := w.ask(e, op, servers...)
	r, err := e.Approve(w.t.Context(), r.ID, ben, op+"/approve")
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// ended waits until the request has ended.
func (w *world) ended(d time.Duration, e *Engine, id string) approvals.Request {
	w.t.Helper()
	var r approvals.Request
	w.within(d, id+" ends", func() bool {
		var err error
		r, err = e.Find(w.t.Context(), id)
		return err == nil && r.State.Final()
	})
	return r
}

// stops are the stop calls that reached the cloud.
func (w *world) stops() []ecssim.Call {
	return slices.DeleteFunc(w.cloud.Calls(), func(c ecssim.Call) bool { return c.Op != "stop" })
}

// Redis comes back as another process while servers are looked at. The permit
// asked for then must not pass for one of the old process.
func TestNothingIsSentOnAPermitOfARestartedRedis(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(1)
	e := w.opened()
	r := w.approved(e, "op", ids...)
	due := func() store.Lease {
		var got []store.Lease
		w.within(5*time.Second, "an item", func() bool {
			got = w.claims(e, 1)
			return len(got) == 1
		})
		return got[0]
	}
	for c := due(); !strings.HasPrefix(c.Item, "b:"); c = due() {
		if strings.HasPrefix(c.Item, "r:") {
			e.step(t.Context(), c) // makes the batches
		}
	}
	w.rdb.ZAdd(t.Context(), w.key("due"), zNow(batchItem(r.ID, 0)))
	c := due()
	w.called = func(req *http.Request) {
		w.called = nil
		w.redis.Kill()
		w.redis.Restart()
	}
	e.step(t.Context(), c)
	if w.called != nil {
		t.Fatal("the servers were not looked at")
	}
	if n := len(w.stops()); n != 0 {
		t.Errorf("%d stop calls were made on a permit of a store that had just come back", n)
	}
}

// Whoever has nothing more to send must not stand in the line.
func TestARequestLeavesTheLineWithItsLastCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(5)
	e := w.engine(func(c *Config) { c.Projects[0].BatchSize = 3 })
	w.open(e)
	r := w.approved(e, "op", ids...)
	if err := w.cloud.StopByHand(ids[4]); err != nil { // found off, so it is left out of the last call
		t.Fatal(err)
	}
	w.run(e, newMessenger())
	if r := w.ended(10*time.Second, e, r.ID); r.State != approvals.Succeeded {
		t.Errorf("it is %s", r.State)
	}
	if line := do(w, w.rdb.ZRange(t.Context(), w.key("line"), 0, -1)); len(line) != 0 {
		t.Errorf("in the line: %v", line)
	}
}

// Engines die at random moments and new ones come, while the cloud loses
// answers; each server is stopped once, within the limit, and every thread is
// told everything once.
func TestARequestIsCarriedOutOnceWhateverDies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const servers, batch = 90, 10
	ids := w.fleet(servers)
	f := newMessenger()
	tune := func(c *Config) { c.Projects[0].BatchSize, c.Projects[0].Rate, c.Lease = batch, 60, 3*time.Second }
	asker := w.opened(tune)
	var requests []approvals.Request
	for n := range 3 {
		requests = append(requests, w.approved(asker, fmt.Sprint(n), ids[30*n:30*n+30]...))
	}
	w.cloud.FailNext("stop", 1, ecssim.ResetAfter)
	w.cloud.FailNext("stop", 1, ecssim.ResetBefore)
	w.cloud.FailNext("stop", 1, ecssim.HTML502)
	ended := func() bool {
		return !slices.ContainsFunc(requests, func(r approvals.Request) bool {
			now, err := asker.loadRequest(t.Context(), r.ID)
			return err != nil || !now.Body.State.Final()
		})
	}
	killed := 0
	for ; killed < 6; killed++ {
		first, second := w.engine(tune), w.engine(tune)
		w.run(first, f)
		w.run(second, f)
		time.Sleep(700 * time.Millisecond)
		if ended() {
			break // these two live on
		}
		kill(first)
		kill(second)
	}
	w.run(w.engine(tune), f)
	w.run(w.engine(tune), f)
	for _, r := range requests {
		if end := w.ended(25*time.Second, asker, r.ID); end.State != approvals.Succeeded {
			t.Errorf("%s is %s: %+v", r.ID, end.State, end.Tally)
		}
	}
	w.within(10*time.Second, "every note is posted", func() bool {
		for _, r := range requests {
			if do(w, w.rdb.Exists(t.Context(), w.keys.outbox(r.ID))) != 0 {
				return false
			}
		}
		return true
	})
	t.Log(killed, "times both engines were killed; stop calls:", len(w.stops()))
	for _, id := range ids {
		if n := w.cloud.StopCount(id); n != 1 {
			t.Errorf("%s was stopped %d times", id, n)
		}
	}
	if most := w.cloud.MaxInWindow(asker.cfg.Window); most > asker.only().Rate {
		t.Errorf("%d servers were accepted within one window", most)
	}
	for _, r := range requests {
		told := f.posted(r.ID)
		once := slices.Compact(slices.Sorted(slices.Values(told)))
		if len(once) != len(told) {
			t.Errorf("%s: something was posted twice: %v", r.ID, told)
		}
		if told[0] != r.ID+"/card" || told[len(told)-1] != r.ID+"/end" {
			t.Errorf("%s: the order is odd: %v", r.ID, told)
		}
	}
	if n := do(w, w.rdb.HLen(t.Context(), w.key("locks"))); n != 0 {
		t.Errorf("%d servers are still locked", n)
	}
}

// A call whose answer was lost may still arrive. Only when the quarantine is
// over may its servers, on and untouched, be sent again.
func TestALateCallIsWaitedForBeforeAnotherOneIsMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(3)
	e := w.engine(func(c *Config) { c.Quarantine = 600 * time.Millisecond })
	w.open(e)
	w.cloud.FailNext("stop", 1, ecssim.AcceptLate(300*time.Millisecond))
	w.run(e, newMessenger())
	r := w.approved(e, "op", ids...)
	if r := w.ended(10*time.Second, e, r.ID); r.State != approvals.Succeeded {
		t.Errorf("it is %s", r.State)
	}
	for _, id := range ids {
		if n := w.cloud.StopCount(id); n != 1 {
			t.Errorf("%s was stopped %d times", id, n)
		}
	}
}

// One that never arrives is made again.
func TestALostCallIsMadeAgainAfterTheQuarantine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(3)
	e := w.engine()
	w.open(e)
	w.cloud.FailNext("stop", 1, ecssim.ResetBefore)
	w.run(e, newMessenger())
	began := time.Now()
	r := w.approved(e, "op", ids...)
	if r := w.ended(10*time.Second, e, r.ID); r.State != approvals.Succeeded {
		t.Errorf("it is %s", r.State)
	}
	if took := time.Since(began); took < e.cfg.Quarantine {
		t.Errorf("it took %v, less than the quarantine", took)
	}
	if n := len(w.stops()); n != 2 {
		t.Errorf("%d calls were made", n)
	}
}

// A permit that is missing when its call comes back tells that the log is not
// what it was.
func TestAPermitMissingAfterItsCallFreezesTheRest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(1)
	e := w.engine()
	w.open(e)
	w.called = func(req *http.Request) {
		if req.Method == http.MethodPost {
			book := do(w, w.rdb.HKeys(t.Context(), w.key("book")))
			w.rdb.HDel(t.Context(), w.key("book"), slices.DeleteFunc(book, func(f string) bool { return !strings.Contains(f, "/") })...)
		}
	}
	w.run(e, newMessenger())
	r := w.approved(e, "op", ids...)
	w.ended(10*time.Second, e, r.ID)
	frozen, _ := w.rdb.HGet(t.Context(), w.key("book"), "#frozen").Int64()
	if frozen <= do(w, w.rdb.Time(t.Context())).UnixMilli()-e.cfg.window().Milliseconds() || frozen == 0 {
		t.Error("permits are granted on as if nothing had happened")
	}
}

// Nobody has to ask for a permit for a restart to be noticed.
func TestABeatNoticesARestart(t *testing.T) {
	onEach(t, aBeatNoticesARestart)
}

func aBeatNoticesARestart(t *testing.T, w *world) {
	e := w.opened()
	w.beat(e)
	w.redis.Kill()
	w.redis.Restart()
	w.beatAgain(e)
	w.beatAgain(e)
	frozen, _ := w.rdb.HGet(t.Context(), w.key("book"), "#frozen").Int64()
	if frozen <= do(w, w.rdb.Time(t.Context())).UnixMilli() || e.store.LastLoss().UnixMilli() == 0 {
		t.Errorf("frozen until %d, since %d", frozen, e.store.LastLoss().UnixMilli())
	}
}
