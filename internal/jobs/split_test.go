package jobs

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/ecssim"
	"ecsbot/internal/store"
)

// An operator lowers the rate while a batch waits that is larger than the new
// one. It goes out in parts, and keeps nobody else from going.
func TestABatchLargerThanANewRateGoesOutInParts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(12)
	old := w.opened(func(c *Config) { c.Projects[0].BatchSize, c.Projects[0].Rate = 10, 10 })
	if _, err := old.Freeze(t.Context(), ben, "x", "COPS", "f1", time.Now()); err != nil {
		t.Fatal(err)
	}
	large := w.approved(old, "op1", ids[:10]...)
	stop := w.run(old, newMessenger())
	w.within(5*time.Second, "it is planned", func() bool {
		r, _ := old.Find(t.Context(), large.ID)
		return r.State == approvals.Executing
	})
	stop()
	e := w.opened(func(c *Config) { c.Projects[0].BatchSize, c.Projects[0].Rate = 5, 5 })
	if _, err := e.Unfreeze(t.Context(), ben, "f2", time.Now()); err != nil {
		t.Fatal(err)
	}
	small := w.approved(e, "op2", ids[10], ids[11])
	w.run(e, newMessenger())
	for _, id := range []string{small.ID, large.ID} {
		if r := w.ended(30*time.Second, e, id); r.State != approvals.Succeeded {
			t.Errorf("%s is %s, %+v", id, r.State, r.Tally)
		}
	}
	for _, id := range ids {
		if n := w.cloud.StopCount(id); n != 1 {
			t.Errorf("%s was stopped %d times", id, n)
		}
	}
	if most := w.cloud.MaxInWindow(e.cfg.Window); most > 5 {
		t.Errorf("%d servers were accepted within one window, the limit is 5", most)
	}
}

// A permit that can never be granted keeps no place in the line.
func TestAPermitLargerThanTheLimitHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.opened()
	w.beat(e)
	ask := func(id string, cost int) string {
		p := store.Permit{ID: id, Request: "S-" + id, Cost: cost, Rest: cost, First: true, Limit: 5}
		_, err := e.store.Commit(t.Context(), store.NewChange().Permit(p))
		if err == nil {
			return "done"
		}
		return refused(err)
	}
	if got := ask("LARGE", 6); got != "full" {
		t.Fatalf("6 of 5: %s", got)
	}
	if got := ask("SMALL", 1); got != "done" {
		t.Errorf("the one after it: %s", got)
	}
}

// A batch of 1,000 where a page of 100 servers takes 1.2 s to be read (all is
// ten times quicker here).
func TestALargeBatchOnASlowListGoesOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(1000)
	e := w.opened(func(c *Config) { c.Projects[0].BatchSize, c.Lease = 1000, 3*time.Second })
	r := w.approved(e, "op", ids...)
	w.cloud.FailNext("list", 1000000, ecssim.Delay(150*time.Millisecond))
	w.run(e, newMessenger())
	if end := w.ended(60*time.Second, e, r.ID); end.State != approvals.Succeeded || end.Tally.Stopped != 1000 {
		t.Errorf("it ended %s, %+v", end.State, end.Tally)
	}
}

// Two batches of one request wait for the same freeze at the same time. The
// thread hears of it once.
func TestAFreezeIsToldOnceHoweverManyBatchesWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(4)
	old := w.opened(func(c *Config) { c.Projects[0].BatchSize, c.Projects[0].Rate = 4, 4 })
	if _, err := old.Freeze(t.Context(), ben, "x", "COPS", "f1", time.Now()); err != nil {
		t.Fatal(err)
	}
	r := w.approved(old, "op", ids...)
	w.stepUntil(old, "r", "it is planned", func() bool {
		got, err := old.Find(t.Context(), r.ID)
		return err == nil && got.State == approvals.Executing
	})
	stored, err := old.loadRequest(t.Context(), r.ID)
	if err != nil {
		t.Fatal(err)
	}
	b, err := store.Load[approvals.Batch](t.Context(), old.store, old.keys.batch(r.ID, 0))
	if err != nil {
		t.Fatal(err)
	}
	if err := old.only().split(t.Context(), w.hold(old, batchItem(r.ID, 0)), stored, b, 1); err != nil {
		t.Fatal(err)
	}
	for n := range 4 { // the freeze holds each, whichever process wakes it
		w.commit(old, store.NewChange().Wake(batchItem(r.ID, n), 0))
	}
	if err := old.store.Deregister(t.Context()); err != nil { // what it still holds is taken up
		t.Fatal(err)
	}
	f := newMessenger()
	w.run(w.engine(func(c *Config) { c.Projects[0].BatchSize, c.Projects[0].Rate = 1, 4 }), f)
	w.within(5*time.Second, "the thread hears of the freeze", func() bool {
		return slices.ContainsFunc(f.posted(r.ID), func(id string) bool { return strings.Contains(id, "/held/") })
	})
	for n := range 4 {
		w.redis.Step(string(w.keys), batchItem(r.ID, n), 5)
	}
	w.within(5*time.Second, "nothing is owed", func() bool { return do(w, w.rdb.Exists(t.Context(), w.keys.outbox(r.ID))) == 0 })
	told := 0
	for _, id := range f.posted(r.ID) {
		if strings.Contains(id, "/held/") {
			told++
		}
	}
	if told != 1 {
		t.Errorf("told %d times: %v", told, f.posted(r.ID))
	}
}
