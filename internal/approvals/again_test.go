package approvals

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestWhatMayBeStarted(t *testing.T) {
	protect := Protection{Servers: []string{"db-*"}}
	for _, test := range []struct {
		s    Server
		want SkipReason // empty: may be started
	}{
		{Server{Status: "SHUTOFF"}, ""},
		{Server{Name: "db-1", Status: "SHUTOFF"}, ""},
		{Server{Status: "SHUTOFF", Task: "powering-on"}, SkipGoingOn},
		{Server{Status: "SHUTOFF", Task: "powering-off"}, SkipBusy},
		{Server{Status: "SHUTOFF", Locked: true}, SkipLocked},
		{Server{Status: "ACTIVE"}, SkipOn},
		{Server{Status: "ACTIVE", Locked: true}, SkipOn},
		{Server{Status: "ACTIVE", Task: "powering-off"}, SkipBusy},
		{Server{Status: "SHUTOFF", BareMetal: true}, SkipBareMetal},
		{Server{Status: "ACTIVE", BareMetal: true}, SkipBareMetal},
		{Server{Status: "ERROR"}, SkipStartState},
		{Server{Status: ""}, SkipStartState},
	} {
		if why, ok := Start.Eligible(protect, test.s); why != test.want || ok != (test.want == "") {
			t.Errorf("%+v: %q, %t; want %q", test.s, why, ok, test.want)
		}
	}
	for _, name := range []string{"db-1", "web-1"} {
		s := Server{Name: name, Status: "ACTIVE"}
		why, ok := Stop.Eligible(protect, s)
		if want, may := protect.Eligible(s); why != want || ok != may {
			t.Errorf("stopping %s: %q, %t", name, why, ok)
		}
	}
}

// A stop and a start see the same server from two sides.
func TestActionsAreMirrors(t *testing.T) {
	for _, status := range []string{"ACTIVE", "SHUTOFF", "ERROR", ""} {
		for _, task := range []string{"", "powering-on", "powering-off", "rebooting"} {
			s := Server{Status: status, Task: task}
			if Stop.Satisfied(s) != Start.Untouched(s) || Start.Satisfied(s) != Stop.Untouched(s) {
				t.Errorf("%+v: what one wants is not what the other finds", s)
			}
			for _, a := range []Action{Stop, Start} {
				states := 0
				for _, is := range []bool{a.Satisfied(s), a.InProgress(s), a.Untouched(s)} {
					if is {
						states++
					}
				}
				if states > 1 {
					t.Errorf("%+v is several things at once to %q", s, a)
				}
			}
		}
	}
}

func TestActionsOfANewerVersionAreRefused(t *testing.T) {
	var a Action
	if err := a.UnmarshalText([]byte("reboot")); err == nil || a != Stop {
		t.Errorf("it is read as %q, %v", a, err)
	}
	for _, known := range []Action{Start, Stop} {
		if err := a.UnmarshalText([]byte(known)); err != nil || a != known {
			t.Errorf("%q is read as %q, %v", known, a, err)
		}
	}
}

func TestAStartEndsAsItsServersDid(t *testing.T) {
	for _, test := range []struct {
		outcomes []Outcome
		want     BatchState
	}{
		{[]Outcome{Started, FoundOn}, BatchSucceeded},
		{[]Outcome{Started, ActionFailed}, BatchPartiallyFailed},
		{[]Outcome{FoundOn, Skipped}, BatchPartiallyFailed},
		{[]Outcome{ActionFailed}, BatchFailed},
		{[]Outcome{Started, NotKnown}, BatchUnknown},
	} {
		next, err := batchWith(Running, test.outcomes...).Ended()
		if err != nil || next.State != test.want || next.Tally().Done() != len(test.outcomes) {
			t.Errorf("%q: %s, %v, %+v", test.outcomes, next.State, err, next.Tally())
		}
	}
	b := batchWith(Queued, Skipped)
	b.Results[0].Skip = SkipOn
	if next, err := b.Ended(); err != nil || next.State != BatchSucceeded || next.Tally().On != 1 {
		t.Errorf("one that runs already: %s, %v", next.State, err)
	}
}

func TestWhatCanBeAskedForAgain(t *testing.T) {
	b := batchWith(BatchUnknown, Stopped, FoundOff, FoundOff, ActionFailed, NotSent, NotKnown, Skipped, Skipped, Skipped, Skipped, Started, "")
	b.Results[1].Sent = true // the other one was off, or was stopped by somebody else
	for i, why := range []SkipReason{SkipBusy, SkipLocked, SkipOff, SkipProtected} {
		b.Results[6+i].Skip = why
	}
	check := func(name string, got []Server, want ...int) {
		t.Helper()
		var ids []string
		for _, n := range want {
			ids = append(ids, b.Results[n].Server.ID)
		}
		var have []string
		for _, s := range got {
			have = append(have, s.ID)
		}
		if !slices.Equal(have, ids) {
			t.Errorf("%s: %v, want %v", name, have, ids)
		}
	}
	check("to start again", StoppedBy([]Batch{b}), 0, 1)
	check("to retry", FailedOf([]Batch{b}), 3, 4, 6, 7)
}

func TestWhoseClickRenewsAnApproval(t *testing.T) {
	ok := must(t)
	two, self := rules, rules
	two.ApprovalsRequired = 2
	self.AllowSelfApproval, self.Approvers = true, []string{"UANN", "UBOB"}
	ended := ok(ok(ok(asked(t, rules).Approve(bob, rules, nil, "op", after("30m"))).Execute(1, after("30m"))).BatchEnded(Tally{Failed: 10}, after("40m")))
	still := after("90m").Add(-time.Nanosecond)
	for _, test := range []struct {
		name string
		r    Request
		p    Person
		pol  Policy
		now  time.Time
		want bool
	}{
		{"an approver", ended, cyd, rules, after("41m"), true},
		{"who approved it", ended, bob, rules, after("41m"), true},
		{"just in time", ended, bob, rules, still, true},
		{"too late", ended, bob, rules, after("90m"), false},
		{"no approver", ended, eve, rules, after("41m"), false},
		{"who asked", ended, ann, rules, after("41m"), false},
		{"who asked, an approver", ended, Person{ID: "UANN", Groups: []string{"SOPS"}}, rules, after("41m"), false},
		{"who asked and may alone", ended, ann, self, after("41m"), true},
		{"two are needed", ended, bob, two, after("41m"), false},
		{"a guest", ended, Person{ID: "UBOB", Guest: true}, rules, after("41m"), false},
		{"never approved", ok(asked(t, rules).Cancel(ann, rules, "op", noon)), bob, rules, after("1m"), false},
	} {
		if got := test.r.CarriesApproval(test.p, test.pol, test.now); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
	}
}

func TestAPersonsWordAboutTheUnknown(t *testing.T) {
	for _, test := range []struct {
		action Action
		tally  Tally
		run    bool
		want   State
		after  Tally
	}{
		{Stop, Tally{Stopped: 1, Unknown: 2}, false, Succeeded, Tally{Stopped: 1, Off: 2}},
		{Stop, Tally{Stopped: 1, Unknown: 2}, true, PartiallyFailed, Tally{Stopped: 1, Failed: 2}},
		{Stop, Tally{Unknown: 2}, true, Failed, Tally{Failed: 2}},
		{Stop, Tally{Failed: 1, Unknown: 2}, false, PartiallyFailed, Tally{Failed: 1, Off: 2}},
		{Start, Tally{Started: 1, Unknown: 2}, true, Succeeded, Tally{Started: 1, On: 2}},
		{Start, Tally{Started: 1, Unknown: 2}, false, PartiallyFailed, Tally{Started: 1, Failed: 2}},
		{Start, Tally{Unknown: 2}, false, Failed, Tally{Failed: 2}},
	} {
		r := situations(t)["unknown"]
		r.Action, r.Tally = test.action, test.tally
		before := fmt.Sprintf("%+v", r)
		next, err := r.Resolve(bob, rules, test.run, "seen", "op9", late)
		if err != nil || next.State != test.want || next.Tally != test.after {
			t.Errorf("%q %+v, they run %t: %s, %+v, %v", test.action, test.tally, test.run, next.State, next.Tally, err)
		}
		if d, known := next.DecisionByOp("op9"); !known || d.By != "UBOB" || d.Reason != "seen" || next.LastDecision() != d {
			t.Errorf("the decision is %+v", d)
		}
		if fmt.Sprintf("%+v", r) != before {
			t.Error("the request itself was changed")
		}
		if _, err := next.Resolve(cyd, rules, test.run, "", "op10", late); !refusedFor(err, NotUnknown) {
			t.Errorf("a second word: %v", err)
		}
	}
	for name, r := range situations(t) {
		want := NotUnknown
		if !r.State.Final() {
			want = NotEnded
		}
		if next, err := r.Resolve(bob, rules, true, "", "op9", late); name != "unknown" && (!refusedFor(err, want) || next.State != r.State) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := r.Resolve(eve, rules, true, "", "op9", late); !refusedFor(err, NotApprover) {
			t.Errorf("%s, by no approver: %v", name, err)
		}
	}
}

func refusedFor(err error, why RefusalKind) bool {
	var no *Refusal
	return errors.As(err, &no) && no.Kind == why
}

func TestFreezeIsPutOnAndLiftedOnce(t *testing.T) {
	var f Freeze
	if _, err := f.Lift(bob, rules, "op0", noon, noon); !refusedFor(err, NotFrozen) {
		t.Errorf("lifted what is not on: %v", err)
	}
	if _, err := f.Put(eve, rules, "", "C2", "op0", noon, noon); !refusedFor(err, NotApprover) {
		t.Errorf("put on by no approver: %v", err)
	}
	on, err := f.Put(bob, rules, "release", "C2", "op1", noon, noon)
	if err != nil || !on.On || on.By != "UBOB" || on.Reason != "release" || !on.Knows("op1") || f.On {
		t.Errorf("put on: %+v, %v", on, err)
	}
	if _, err := on.Put(cyd, rules, "", "C3", "op2", noon, noon); !refusedFor(err, IsFrozen) {
		t.Errorf("put on twice: %v", err)
	}
	if _, err := on.Lift(eve, rules, "op2", late, late); !refusedFor(err, NotApprover) {
		t.Errorf("lifted by no approver: %v", err)
	}
	off, err := on.Lift(cyd, rules, "op2", late, late)
	if err != nil || off.On || off.By != "UCYD" || off.Channel != "C2" || !off.Knows("op1") || !off.Knows("op2") || off.Knows("op3") || off.Knows("") {
		t.Errorf("lifted: %+v, %v", off, err)
	}
	for n := range 3 * rememberedOps {
		at := late.Add(time.Duration(n) * time.Hour)
		if off, err = off.Put(bob, rules, "", "C2", fmt.Sprint(n), at, at); err != nil {
			t.Fatal(err)
		}
		if off, err = off.Lift(bob, rules, fmt.Sprint(n, "!"), at.Add(1), at); err != nil {
			t.Fatal(err)
		}
	}
	if len(off.Ops) != rememberedOps || !off.Knows(fmt.Sprint(3*rememberedOps-1)) {
		t.Errorf("%d acts are remembered: %v", len(off.Ops), off.Ops)
	}
}

func TestAFollowerSaysWhatItFollows(t *testing.T) {
	pol := rules
	pol.ReasonRequired = true
	ask := Ask{OpID: "E2", By: ann, Action: Start, FollowUpOf: "S-23456", Project: "main"}
	r, err := New("S-ABCDE", ask, ServerList{Action: Start, Servers: serverList(1)}, pol, noon)
	if err != nil || r.Action != Start || r.FollowUpOf != "S-23456" {
		t.Fatalf("%+v, %v", r, err)
	}
	if b := PlanBatches(r, ServerList{Action: Start, Servers: serverList(1)}, 1); b[0].Action != Start {
		t.Errorf("the batch is %+v", b[0])
	}
}
