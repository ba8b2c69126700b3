package approvals

import (
	"encoding/json"
	"slices"
	"testing"
	"time"
)

func TestPlanCutsTheListInOrder(t *testing.T) {
	r := asked(t, rules)
	for _, test := range []struct {
		servers, size int
		want          []int // servers in each batch
	}{
		{0, 3, nil},
		{1, 3, []int{1}},
		{3, 3, []int{3}},
		{4, 3, []int{3, 1}},
		{10, 1, []int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1}},
		{10, 4, []int{4, 4, 2}},
		{10, 10, []int{10}},
		{10, 1000, []int{10}},
		{2, 0, []int{1, 1}}, // slow, but not endlessly
	} {
		frozen := ServerList{At: late, Servers: serverList(test.servers), LeftOut: r.LeftOut}
		batches := PlanBatches(r, frozen, test.size)
		var sizes []int
		var ids []string
		for i, b := range batches {
			sizes = append(sizes, len(b.Results))
			if b.Remaining != test.servers-len(ids) || b.Index != i || b.Request != r.ID || b.State != Queued || !b.Planned.Equal(late) {
				t.Errorf("%d by %d: batch %d is %+v", test.servers, test.size, i, b)
			}
			ids = append(ids, b.WithoutOutcome()...)
		}
		if !slices.Equal(sizes, test.want) {
			t.Errorf("%d by %d: batches of %v, want %v", test.servers, test.size, sizes, test.want)
		}
		want := slices.Collect(func(yield func(string) bool) {
			for _, s := range frozen.Servers {
				if !yield(s.ID) {
					return
				}
			}
		})
		if !slices.Equal(ids, want) {
			t.Errorf("%d by %d: %v, want %v", test.servers, test.size, ids, want)
		}
	}
}

// batchWith is a batch in a state, with one server for each outcome.
func batchWith(s BatchState, outcomes ...Outcome) Batch {
	b := Batch{Request: "S-23456", State: s, Planned: noon}
	for i, server := range serverList(len(outcomes)) {
		b.Results = append(b.Results, Result{Server: server, Outcome: outcomes[i]})
	}
	return b
}

// imprintOf is all that can be seen of b, also behind the end of its results.
func imprintOf(b Batch) string {
	text, err := json.Marshal([]any{b, b.Results[:cap(b.Results)]})
	if err != nil {
		panic(err)
	}
	return string(text)
}

func TestEveryMoveOfABatch(t *testing.T) {
	for _, from := range batchStates {
		for _, to := range batchStates {
			b := batchWith(from, "", Stopped)
			before := imprintOf(b)
			next, err := b.To(to)
			legal := slices.Contains(drawnForBatches[from], to)
			if (err == nil) != legal || legal && next.State != to || !legal && next.State != from {
				t.Errorf("from %s to %s: %s, %v", from, to, next.State, err)
			}
			if next.State = from; imprintOf(b) != before || imprintOf(next) != before {
				t.Errorf("from %s to %s: more than the state has changed", from, to)
			}
		}
	}
}

func TestABatchEndsAsItsServersDid(t *testing.T) {
	for _, test := range []struct {
		outcomes []Outcome
		want     BatchState // empty: it cannot end
	}{
		{[]Outcome{Stopped}, BatchSucceeded},
		{[]Outcome{Stopped, FoundOff}, BatchSucceeded},
		{[]Outcome{Stopped, ActionFailed}, BatchPartiallyFailed},
		{[]Outcome{FoundOff, Skipped}, BatchPartiallyFailed},
		{[]Outcome{ActionFailed, Skipped}, BatchFailed},
		{[]Outcome{NotSent}, BatchFailed},
		{[]Outcome{Stopped, NotKnown}, BatchUnknown},
		{[]Outcome{ActionFailed, NotKnown, Stopped}, BatchUnknown},
		{[]Outcome{""}, ""},
		{[]Outcome{Stopped, "", NotKnown}, ""},
	} {
		for _, from := range batchStates {
			b := batchWith(from, test.outcomes...)
			before := imprintOf(b)
			next, err := b.Ended()
			want := test.want
			if !slices.Contains(drawnForBatches[from], want) {
				want = ""
			}
			if want == "" && (err == nil || imprintOf(next) != before) || want != "" && (err != nil || next.State != want) {
				t.Errorf("%s with %q: %s, %v; want %q", from, test.outcomes, next.State, err, want)
			}
			if imprintOf(b) != before {
				t.Errorf("%s with %q: the batch itself was changed", from, test.outcomes)
			}
		}
	}
}

func TestPlanKnowsWhenItsServersWereRead(t *testing.T) {
	r := asked(t, rules)
	read := r.Created.Add(-5 * time.Second)
	if b := PlanBatches(r, ServerList{At: read, Servers: serverList(1)}, 1)[0]; !b.Planned.Equal(read) {
		t.Errorf("a batch of servers read at %v says %v", read, b.Planned)
	}
	if b := PlanBatches(r, ServerList{Servers: serverList(1)}, 1)[0]; !b.Planned.Equal(r.Created) {
		t.Errorf("a batch of an old list, without the time of its reading, says %v, want that of the request, %v", b.Planned, r.Created)
	}
}

func TestBatchesKeepNoTags(t *testing.T) {
	s := serverList(1)[0]
	s.Tags, s.Flavor, s.Charge = []string{"env=dev", "team=a"}, "s6.large.2", "0"
	got := PlanBatches(asked(t, rules), ServerList{Servers: []Server{s}}, 1)[0].Results[0].Server
	if got.Tags != nil || got.Flavor != "" || got.Charge != "" {
		t.Errorf("a batch keeps %+v", got)
	}
	if got.ID != s.ID || got.Name != s.Name || got.Updated != s.Updated || got.Status != s.Status {
		t.Errorf("a batch keeps %+v of %+v", got, s)
	}
}

func TestSplitLosesNoServer(t *testing.T) {
	for _, test := range []struct {
		outcomes []Outcome
		size     int
		kept     int   // servers left in the batch
		moved    []int // servers in each new one
	}{
		{[]Outcome{"", "", "", "", ""}, 2, 2, []int{2, 1}},
		{[]Outcome{"", "", "", ""}, 2, 2, []int{2}},
		{[]Outcome{"", "", ""}, 3, 3, nil},
		{[]Outcome{"", "", ""}, 0, 1, []int{1, 1}},
		{[]Outcome{Stopped, "", NotKnown, "", "", Skipped}, 1, 4, []int{1, 1}},
	} {
		b := batchWith(Queued, test.outcomes...)
		b.Index, b.Remaining, b.UnclearCalls, b.Permit, b.Trouble = 3, len(test.outcomes)+7, 1, "S-23456/3/1", CauseCloudBusy
		before := imprintOf(b)
		kept, moved := b.Split(test.size, 9)
		if imprintOf(b) != before {
			t.Error("the batch itself was changed")
		}
		var sizes []int
		open, all := len(kept.WithoutOutcome()), len(kept.Results)
		for i, m := range moved {
			sizes = append(sizes, len(m.Results))
			open, all = open+len(m.WithoutOutcome()), all+len(m.Results)
			if m.Index != 9+i || m.UnclearCalls != 1 || m.State != Queued || m.Permit != "" {
				t.Errorf("new batch %d is %+v", i, m)
			}
			if last := i == len(moved)-1; (m.Remaining > len(m.Results)) == last {
				t.Errorf("new batch %d has %d servers and %d to come: it would wake the wrong one", i, len(m.Results), m.Remaining)
			}
		}
		if kept.Index != 3 || len(kept.Results) != test.kept || !slices.Equal(sizes, test.moved) {
			t.Errorf("%q by %d: %d kept, %v moved", test.outcomes, test.size, len(kept.Results), sizes)
		}
		if all != len(b.Results) || open != len(b.WithoutOutcome()) || kept.Remaining-len(kept.Results) != 7 {
			t.Errorf("%q by %d: %d servers (%d open) after, %d (%d) before; %d come after", test.outcomes, test.size, all, open, len(b.Results), len(b.WithoutOutcome()), kept.Remaining-len(kept.Results))
		}
	}
}

func TestWaitingAreThoseWithoutOutcome(t *testing.T) {
	b := batchWith(Queued, Stopped, "", NotKnown, "", NotSent)
	want := []string{b.Results[1].Server.ID, b.Results[3].Server.ID}
	if got := b.WithoutOutcome(); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestTallyCountsEveryOutcome(t *testing.T) {
	b := batchWith(Running,
		Stopped, FoundOff, FoundOff, Skipped, Skipped, Skipped, ActionFailed, ActionFailed, ActionFailed, ActionFailed,
		NotKnown, NotKnown, NotKnown, NotKnown, NotKnown, NotSent, NotSent, NotSent, NotSent, NotSent, NotSent, "", "")
	b.Results[3].Skip, b.Results[4].Skip, b.Results[5].Skip = SkipOff, SkipBusy, SkipVanished
	b.Results[1].Skip = SkipBusy // says nothing where the server is off
	want := Tally{Stopped: 1, Off: 3, LeftOut: 2, Failed: 4, Unknown: 5, NotSent: 6}
	if got := b.Tally(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if want.Done() != 21 {
		t.Errorf("%d of 21 done", want.Done())
	}
	sum := want.Plus(Tally{10, 20, 7, 8, 30, 40, 50, 60})
	if sum != (Tally{11, 23, 7, 8, 32, 44, 55, 66}) || sum != (Tally{10, 20, 7, 8, 30, 40, 50, 60}).Plus(want) {
		t.Errorf("the sum is %+v", sum)
	}
}

func TestTheEndIsWhatTheTallySays(t *testing.T) {
	for _, test := range []struct {
		tally           Tally
		want, cancelled State // as it ends by itself, and if it was cancelled
	}{
		{Tally{}, Succeeded, Cancelled},
		{Tally{Stopped: 2}, Succeeded, Succeeded},
		{Tally{Off: 2}, Succeeded, Succeeded},
		{Tally{Stopped: 1, Off: 1}, Succeeded, Succeeded},
		{Tally{Failed: 1}, Failed, Failed},
		{Tally{LeftOut: 1}, Failed, Failed},
		{Tally{LeftOut: 1, Failed: 1, NotSent: 1}, Failed, Failed},
		{Tally{NotSent: 2}, Failed, Cancelled},
		{Tally{Stopped: 1, Failed: 1}, PartiallyFailed, PartiallyFailed},
		{Tally{Off: 1, LeftOut: 1}, PartiallyFailed, PartiallyFailed},
		{Tally{Stopped: 1, NotSent: 1}, PartiallyFailed, PartiallyFailed},
		{Tally{Stopped: 1, Off: 1, Failed: 1}, PartiallyFailed, PartiallyFailed},
		{Tally{Stopped: 1, LeftOut: 1, Failed: 1}, PartiallyFailed, PartiallyFailed},
		{Tally{Off: 2, Failed: 1, NotSent: 1}, PartiallyFailed, PartiallyFailed},
		{Tally{Unknown: 1}, Unknown, Unknown},
		{Tally{Stopped: 1, Off: 1, LeftOut: 1, Failed: 1, Unknown: 1, NotSent: 1}, Unknown, Unknown},
		{Tally{Unknown: 1, NotSent: 1}, Unknown, Unknown},
	} {
		if got := test.tally.end(false); got != test.want {
			t.Errorf("%+v: %s, want %s", test.tally, got, test.want)
		}
		if got := test.tally.end(true); got != test.cancelled {
			t.Errorf("%+v, cancelled: %s, want %s", test.tally, got, test.cancelled)
		}
	}
}

func TestOnlyABadEndIsLong(t *testing.T) {
	for tally, long := range map[Tally]bool{
		{Stopped: 2000, Off: 100}:   false,
		{Stopped: 2000, Failed: 20}: false,
		{Failed: 21}:                true,
		{Started: 9, LeftOut: 6, Failed: 5, Unknown: 5, NotSent: 5}: true,
	} {
		if tally.Long() != long {
			t.Errorf("%+v: long is %t", tally, !long)
		}
	}
}
