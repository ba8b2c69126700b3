package jobs

import (
	"slices"
	"testing"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/ecssim"
	"ecsbot/internal/store"
)

// Approved on Monday, frozen, thawed on Friday: what people approved then is
// not what they see now. They are asked again.
func TestAnOldApprovalIsNotActedOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(2)
	e := w.opened(func(c *Config) { c.Projects[0].BatchSize = 1 })
	if _, err := e.Freeze(t.Context(), ben, "x", "COPS", "f1", time.Now()); err != nil {
		t.Fatal(err)
	}
	r := w.approved(e, "op", ids...)
	f := newMessenger()
	w.run(e, f)
	w.within(5*time.Second, "it is planned and waits", func() bool {
		got, err := e.Find(t.Context(), r.ID)
		return err == nil && got.FreezeTold != 0
	})
	w.within(5*time.Second, "four days go by", func() bool {
		got, err := e.loadRequest(t.Context(), r.ID)
		if err != nil {
			t.Fatal(err)
		}
		old := got.Body
		old.Decisions = slices.Clone(old.Decisions)
		old.Decisions[0].At = old.Decisions[0].At.Add(-4 * 24 * time.Hour)
		_, err = e.commit(t.Context(), store.NewChange().Write(e.keys.request(r.ID), got.Ver, old))
		return err == nil
	})
	if _, err := e.Unfreeze(t.Context(), ben, "f2", time.Now()); err != nil {
		t.Fatal(err)
	}
	end := w.ended(10*time.Second, e, r.ID)
	if n := len(w.stops()); n != 0 {
		t.Errorf("%d calls were made by an approval that is four days old", n)
	}
	if end.State != approvals.Cancelled || end.Cancellation == nil || end.Cancellation.Choice != approvals.ChoseLapse {
		t.Errorf("it ended %s, %+v", end.State, end.Cancellation)
	}
	w.within(5*time.Second, "people hear of it", func() bool { return slices.Contains(f.posted(r.ID), r.ID+"/lapsed") })
	again, err := e.RetryFailed(t.Context(), r.ID, approvals.Ask{OpID: "again", By: anna, AskedIn: "COPS", Channel: "COPS"})
	if err != nil || again.State != approvals.Pending || again.Total != 2 {
		t.Errorf("asked again it is %s with %d servers, %v", again.State, again.Total, err)
	}
}

// A first try that was certainly not accepted does not keep an approval fresh.
func TestAnOldApprovalIsNotActedOnAfterATry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.fleet(1)[0]
	e := w.opened()
	w.cloud.FailNext("stop", 1, ecssim.Refuse(400, "Ecs.0603", "busy"))
	r := w.approved(e, "op", id)
	w.run(e, newMessenger())
	w.within(5*time.Second, "the first call", func() bool { return len(w.stops()) >= 1 })
	w.cloud.FailNext("stop", 100000, ecssim.Refuse(400, "Ecs.0603", "busy"))
	if _, err := e.Freeze(t.Context(), ben, "x", "COPS", "f1", time.Now()); err != nil {
		t.Fatal(err)
	}
	w.batchIs(e, r, "it is queued again", func(b approvals.Batch) bool { return b.State == approvals.Queued && b.Attempt >= 1 })
	w.cloud.ClearFaults()
	w.within(5*time.Second, "four days go by", func() bool {
		got, err := e.loadRequest(t.Context(), r.ID)
		if err != nil {
			t.Fatal(err)
		}
		old := got.Body
		old.Decisions = slices.Clone(old.Decisions)
		old.Decisions[0].At = old.Decisions[0].At.Add(-4 * 24 * time.Hour)
		b, err := store.Load[approvals.Batch](t.Context(), e.store, e.keys.batch(r.ID, 0))
		if err != nil {
			t.Fatal(err)
		}
		sent := b.Body
		sent.IntentAt = sent.IntentAt.Add(-4 * 24 * time.Hour)
		_, err = e.commit(t.Context(), store.NewChange().Write(e.keys.request(r.ID), got.Ver, old).
			Write(e.keys.batch(r.ID, 0), b.Ver, sent).Wake(batchItem(r.ID, 0), 0))
		return err == nil
	})
	if _, err := e.Unfreeze(t.Context(), ben, "f2", time.Now()); err != nil {
		t.Fatal(err)
	}
	end := w.ended(20*time.Second, e, r.ID)
	if n := w.cloud.StopCount(id); n != 0 {
		t.Errorf("stopped %d times by an approval that is four days old; %s", n, end.State)
	}
}
