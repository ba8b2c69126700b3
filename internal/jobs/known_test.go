package jobs

import (
	"testing"
	"time"
)

// What Slack said is known to all replicas, after a restart, too, and a change
// that one of them hears of is known to all.
func TestWhatIsKnownOfPeopleIsShared(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e, other := w.opened(), w.opened()
	var in []string
	if _, ok, err := e.KnownAnswer(t.Context(), "SDUTY", &in); ok || err != nil {
		t.Errorf("something is known before: %v", err)
	}
	if err := e.KeepAnswer(t.Context(), "SDUTY", []string{"UCARLA"}, 0); err != nil {
		t.Fatal(err)
	}
	known, ok, err := other.KnownAnswer(t.Context(), "SDUTY", &in)
	if err != nil || !ok || known.Changed || known.Age > 5*time.Second || len(in) != 1 {
		t.Errorf("%+v, %v, %t, %v", known, in, ok, err)
	}
	if err := other.Changed(t.Context(), "SDUTY"); err != nil {
		t.Fatal(err)
	}
	// An answer to a question of before the change is out of date, too.
	if err := e.KeepAnswer(t.Context(), "SDUTY", []string{"UCARLA"}, time.Second); err != nil {
		t.Fatal(err)
	}
	if known, ok, _ := e.KnownAnswer(t.Context(), "SDUTY", &in); !ok || !known.Changed {
		t.Errorf("after a change: %+v, %t", known, ok)
	}
	time.Sleep(2 * time.Millisecond)
	if err := e.KeepAnswer(t.Context(), "SDUTY", []string{"UDORA"}, 0); err != nil {
		t.Fatal(err)
	}
	if known, _, _ := other.KnownAnswer(t.Context(), "SDUTY", &in); known.Changed || in[0] != "UDORA" {
		t.Errorf("after it was asked for again: %+v, %v", known, in)
	}
	if ttl := do(w, w.rdb.TTL(t.Context(), w.keys.known("SDUTY"))); ttl <= 0 || ttl > knownFor {
		t.Errorf("it is kept for %v", ttl)
	}
}
