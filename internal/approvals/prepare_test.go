package approvals

import (
	"slices"
	"testing"
	"time"
)

// What a server may look like when it is looked at.
var (
	runs       = Server{ID: "a", Name: "web-1", Status: "ACTIVE", Updated: "1"}
	runsOther  = Server{ID: "a", Name: "web-1", Status: "ACTIVE", Updated: "2"} // changed meanwhile
	goesOff    = Server{ID: "a", Name: "web-1", Status: "ACTIVE", Task: "powering-off", Updated: "1"}
	isOff      = Server{ID: "a", Name: "web-1", Status: "SHUTOFF", Updated: "2"}
	isOffSame  = Server{ID: "a", Name: "web-1", Status: "SHUTOFF", Updated: "1"}
	goesOn     = Server{ID: "a", Name: "web-1", Status: "SHUTOFF", Task: "powering-on", Updated: "1"}
	locked     = Server{ID: "a", Name: "web-1", Status: "ACTIVE", Locked: true, Updated: "1"}
	reboots    = Server{ID: "a", Name: "web-1", Status: "ACTIVE", Task: "rebooting", Updated: "1"}
	broken     = Server{ID: "a", Name: "web-1", Status: "ERROR", Updated: "1"}
	protected  = Server{ID: "a", Name: "web-1", Status: "ACTIVE", Updated: "1", Tags: []string{"critical"}}
	vanished   = Server{}
	protection = Protection{Tags: []string{"critical"}}
)

// of is a batch of one server, as it was seen before.
func of(a Action, was Server) Batch {
	return Batch{
		Request: "S-23456", Action: a, State: Queued, Planned: noon,
		Results: []Result{{Server: was}},
	}
}

func sees(s Server) map[string]Server {
	if s.ID == "" {
		return nil
	}
	return map[string]Server{s.ID: s}
}

func TestPrepare(t *testing.T) {
	for _, test := range []struct {
		name     string
		action   Action
		was, now Server
		lost     bool // it was in a call whose answer was lost
		going    bool // and was seen on its way after it
		old      bool // the store has lost some of its past since the list was read
		send     bool
		want     Outcome
		why      SkipReason
	}{
		{name: "runs", was: runs, now: runs, send: true},
		{name: "runs, changed since the approval", was: runs, now: runsOther, send: true},
		{name: "is off", was: runs, now: isOff, want: Skipped, why: SkipOff},
		{name: "is being stopped by somebody", was: runs, now: goesOff, want: Skipped, why: SkipGoingOff},
		{name: "is locked", was: runs, now: locked, want: Skipped, why: SkipLocked},
		{name: "is busy", was: runs, now: reboots, want: Skipped, why: SkipBusy},
		{name: "is broken", was: runs, now: broken, want: Skipped, why: SkipStopState},
		{name: "is protected by now", was: runs, now: protected, want: Skipped, why: SkipProtected},
		{name: "has vanished", was: runs, now: vanished, want: Skipped, why: SkipVanished},

		{name: "after a loss: untouched", was: runs, now: runs, old: true, send: true},
		{name: "after a loss: started again by a person", was: runs, now: runsOther, old: true, want: Skipped, why: SkipChangedMeanwhile},
		{name: "after a loss: is off", was: runs, now: isOff, old: true, want: Skipped, why: SkipOff},
		{name: "after a loss: has vanished", was: runs, now: vanished, old: true, want: Skipped, why: SkipVanished},

		{name: "after an unclear call: untouched", was: runs, now: runs, lost: true, send: true},
		{name: "after an unclear call: started again by a person", was: runs, now: runsOther, lost: true, want: NotKnown},
		{name: "after an unclear call: untouched, though it was seen going off", was: runs, now: runs, lost: true, going: true, want: NotKnown},
		{name: "after an unclear call: goes off late", was: runs, now: goesOff, lost: true},
		{name: "after an unclear call: is off", was: runs, now: isOff, lost: true, want: FoundOff},
		{name: "after an unclear call: has vanished", was: runs, now: vanished, lost: true, want: NotKnown},
		{name: "after an unclear call: untouched and locked", was: runs, now: locked, lost: true, want: Skipped, why: SkipLocked},
		{name: "after an unclear call and a loss: started again", was: runs, now: runsOther, lost: true, old: true, want: NotKnown},

		{name: "start: is off", action: Start, was: isOff, now: isOff, send: true},
		{name: "start: runs", action: Start, was: isOff, now: runs, want: Skipped, why: SkipOn},
		{name: "start: is being started", action: Start, was: isOff, now: goesOn, want: Skipped, why: SkipGoingOn},
		{name: "start: what is protected may be started", action: Start, was: isOff, now: Server{ID: "a", Status: "SHUTOFF", Updated: "2", Tags: []string{"critical"}}, send: true},
		{name: "start, after an unclear call: runs", action: Start, was: isOff, now: runsOther, lost: true, want: FoundOn},
		{name: "start, after an unclear call: comes up late", action: Start, was: isOff, now: goesOn, lost: true},
		{name: "start, after an unclear call: stopped again", action: Start, was: isOff, now: isOffSame, lost: true, want: NotKnown},
	} {
		b := of(test.action, test.was)
		if test.lost {
			b.UnclearCalls, b.Results[0].Sent, b.Results[0].SeenInProgress = 1, true, test.going
		}
		var distrusted time.Time
		if test.old {
			distrusted = noon.Add(time.Millisecond)
		}
		before := imprintOf(b)
		next, send := b.Prepare(sees(test.now), protection, distrusted)
		if imprintOf(b) != before {
			t.Errorf("%s: the batch itself was changed", test.name)
		}
		r := next.Results[0]
		if sent := slices.Equal(send, []string{"a"}); sent != test.send || r.Outcome != test.want || r.Skip != test.why {
			t.Errorf("%s: sent %v, outcome %q, why %q", test.name, send, r.Outcome, r.Skip)
		}
		if test.send && r.Server.Updated != test.now.Updated {
			t.Errorf("%s: the snapshot is of %q, not of now", test.name, r.Server.Updated)
		}
	}
}

func TestUnsentForgetsNoLostCall(t *testing.T) {
	for lost, want := range map[int]bool{0: false, 1: true, 2: true} {
		b := of(Stop, runs)
		b.State, b.UnclearCalls, b.Results[0].Sent = Submitting, lost, true
		if got := b.Unsent().Results[0].Sent; got != want {
			t.Errorf("after %d lost calls and one that was not accepted a server is marked as sent: %v", lost, got)
		}
	}
}

func TestCancelledBatch(t *testing.T) {
	for _, test := range []struct {
		name string
		lost bool
		now  Server
		want Outcome
		wait bool
	}{
		{name: "never sent", want: NotSent},
		{name: "never sent, and goes off", now: goesOff, want: NotSent},
		{name: "unclear call, is off", lost: true, now: isOff, want: FoundOff},
		{name: "unclear call, goes off", lost: true, now: goesOff, wait: true},
		{name: "unclear call, runs untouched", lost: true, now: runs, want: NotKnown},
		{name: "unclear call, runs and was changed", lost: true, now: runsOther, want: NotKnown},
		{name: "unclear call, vanished", lost: true, now: vanished, want: NotKnown},
	} {
		b := of(Stop, runs)
		b.Results = append(b.Results, Result{Server: Server{ID: "b"}, Outcome: Stopped})
		if test.lost {
			b.UnclearCalls, b.Results[0].Sent = 1, true
		}
		next, wait := b.Cancel(sees(test.now))
		if got := next.Results[0].Outcome; got != test.want || wait != test.wait {
			t.Errorf("%s: %q, wait %v", test.name, got, wait)
		}
		if next.Results[1].Outcome != Stopped {
			t.Errorf("%s: what was known is %q now", test.name, next.Results[1].Outcome)
		}
	}
}

func TestDecidedAreThoseWithANewOutcome(t *testing.T) {
	before := batchWith(Running, Stopped, "", "")
	next := before.clone()
	next.Results[2].Outcome = ActionFailed
	if got, want := next.Decided(before), []string{next.Results[2].Server.ID}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// FuzzNothingTwice holds every way to sort servers against the law on which
// everything hangs: one that bears another stamp than when it was first in an
// unclear call, or that has an outcome, is never sent.
func FuzzNothingTwice(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 1, 1, 2, 2, 2})
	f.Add([]byte{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8})
	looks := []Server{runs, runsOther, goesOff, isOff, isOffSame, goesOn, locked, reboots, broken, protected, vanished}
	outcomes := []Outcome{"", "", "", Stopped, FoundOff, Skipped, ActionFailed, NotKnown, NotSent}
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) < 4 || len(in) > 300 {
			return
		}
		b := Batch{Request: "S-23456", State: Queued, Planned: noon, IntentAt: noon, UnclearCalls: int(in[0] % 4)}
		if in[1]%2 == 1 {
			b.Action = Start
		}
		seen := map[string]Server{}
		for i, x := range in[3:] {
			id := string(rune('A'+i%26)) + string(rune('a'+i/26))
			was := Server{ID: id, Status: "ACTIVE", Updated: "1"}
			if b.Action == Start {
				was.Status = "SHUTOFF"
			}
			b.Results = append(b.Results, Result{
				Server: was, Outcome: outcomes[int(x)%len(outcomes)],
				Sent: b.UnclearCalls > 0, SeenInProgress: x&64 != 0,
			})
			if s := looks[int(x/3)%len(looks)]; s.ID != "" {
				s.ID = id
				seen[id] = s
			}
		}
		now := noon.Add(time.Duration(in[2]) * time.Second)
		next, send := b.Prepare(seen, protection, now.Add(-time.Minute))
		mayNotBeSent(t, b, seen, send)
		if again, do := b.Reconcile(seen, Patience{Quarantine: time.Minute, GiveUp: time.Hour}, now); do == RequeueBatch {
			if now.Sub(b.IntentAt) < time.Minute {
				t.Errorf("sent again %v after the intent", now.Sub(b.IntentAt))
			}
			mayNotBeSent(t, b, seen, again.WithoutOutcome())
		}
		for i, r := range next.Results {
			if was := b.Results[i].Outcome; was != "" && r.Outcome != was {
				t.Errorf("an outcome went from %q to %q", was, r.Outcome)
			}
		}
	})
}

func mayNotBeSent(t *testing.T, b Batch, seen map[string]Server, send []string) {
	t.Helper()
	for _, r := range b.Results {
		if !slices.Contains(send, r.Server.ID) {
			continue
		}
		s, there := seen[r.Server.ID]
		switch {
		case r.Outcome != "":
			t.Errorf("a server with the outcome %q is sent", r.Outcome)
		case !there || !b.Action.Untouched(s):
			t.Errorf("a server is sent that shows %+v", s)
		case r.Sent && s.Updated != r.Server.Updated:
			t.Errorf("a server is sent again that was changed after an unclear call")
		}
	}
}
