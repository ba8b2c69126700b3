package jobs

import (
	"fmt"
	"testing"
	"time"

	"ecsbot/internal/approvals"

	"github.com/redis/go-redis/v9"
)

// opens makes n open requests of a person, the k-th at k seconds, without
// anything that belongs to them.
func (w *world) opens(user string, from, n int) {
	w.t.Helper()
	base := time.UnixMilli(1_700_000_000_000)
	_, err := w.rdb.Pipelined(w.t.Context(), func(p redis.Pipeliner) error {
		for k := from; k < from+n; k++ {
			r := approvals.Request{ID: fmt.Sprintf("S-%05d", k), State: approvals.Pending, Asked: approvals.Asked{Requester: user, Created: base.Add(time.Duration(k) * time.Second)}}
			p.HSet(w.t.Context(), w.keys.request(r.ID), "ver", "1", "body", marshal(r))
			p.HSet(w.t.Context(), w.keys.thread(r.ID), "ver", "1", "body", marshal(thread{Channel: "C" + r.ID, TS: "1"}))
			z := redis.Z{Score: float64(r.Created.UnixMilli()), Member: r.ID}
			p.ZAdd(w.t.Context(), w.keys.open(), z)
			p.ZAdd(w.t.Context(), w.keys.own(user), z)
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// However many are open, the newest are listed, the oldest, and one's own; how
// many are not is said.
func TestTheListOfOpenRequestsSaysWhatItLeavesOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.opened()
	w.opens("UX", 0, 150)
	w.opens("UANNA", 150, 1)
	w.opens("UX", 151, 149)
	listing := func(user string) (ids map[string]bool, more int) {
		t.Helper()
		open, more, err := e.OpenRequests(t.Context(), user)
		if err != nil {
			t.Fatal(err)
		}
		ids = map[string]bool{}
		for i, r := range open {
			ids[r.ID] = true
			if i > 0 && r.Created.Before(open[i-1].Created) {
				t.Errorf("%s stands after %s", r.ID, open[i-1].ID)
			}
			if r.Thread.Channel != "C"+r.ID {
				t.Errorf("%s has the thread in %s", r.ID, r.Thread.Channel)
			}
		}
		return ids, more
	}
	ids, more := listing("UANNA")
	for _, want := range []string{"S-00000", "S-00150", "S-00299"} {
		if !ids[want] {
			t.Errorf("%s is not listed", want)
		}
	}
	if len(ids) != 201 || more != 99 {
		t.Errorf("%d are listed and %d more told, want 201 and 99", len(ids), more)
	}
	if ids, more := listing("UDORA"); len(ids)+more != 300 {
		t.Errorf("to somebody else %d and %d", len(ids), more)
	}
}

// A record that is missing must not move the others to strangers' threads.
func TestARequestIsShownWithItsOwnThread(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.opened()
	w.opens("UX", 0, 4)
	w.rdb.Del(t.Context(), w.keys.request("S-00001"), w.keys.thread("S-00002"))
	open, _, err := e.OpenRequests(t.Context(), "UX")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, r := range open {
		got[r.ID] = r.Thread.Channel
	}
	want := map[string]string{"S-00000": "CS-00000", "S-00002": "", "S-00003": "CS-00003"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("threads %v, want %v", got, want)
	}
}
