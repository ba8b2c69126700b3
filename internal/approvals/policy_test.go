package approvals

import (
	"errors"
	"slices"
	"testing"
)

func TestWhoMayAsk(t *testing.T) {
	for _, test := range []struct {
		requesters []string
		p          Person
		want       RefusalKind
	}{
		{nil, ann, ""},
		{nil, eve, ""},
		{[]string{"UANN"}, ann, ""},
		{[]string{"UANN"}, bob, NotRequester},
		{[]string{"SDEV"}, eve, ""},
		{[]string{"SDEV"}, dan, ""},
		{[]string{"SDEV"}, cyd, NotRequester},
		{[]string{"SDEV", "UANN"}, ann, ""},
		{[]string{"uann", "UAN", "UANNA"}, ann, NotRequester},
	} {
		if got := refusal(Policy{Requesters: test.requesters}.MayAsk(test.p)); got != test.want {
			t.Errorf("requesters %v, %s asks: %q, want %q", test.requesters, test.p.ID, got, test.want)
		}
	}
}

func TestWhoMayDecide(t *testing.T) {
	for _, test := range []struct {
		approvers []string
		p         Person
		want      RefusalKind
	}{
		{nil, bob, NotApprover}, // nobody, and not everybody
		{[]string{"UBOB", "SOPS"}, bob, ""},
		{[]string{"UBOB", "SOPS"}, cyd, ""},
		{[]string{"UBOB", "SOPS"}, dan, ""},
		{[]string{"UBOB", "SOPS"}, ann, NotApprover},
		{[]string{"UBOB", "SOPS"}, eve, NotApprover},
		{[]string{"UBOB", "SOPS"}, Person{ID: "UCYD"}, NotApprover}, // left the group
	} {
		pol := Policy{Requesters: []string{"UANN", "UEVE"}, Approvers: test.approvers}
		if got := refusal(pol.MayDecide(test.p)); got != test.want {
			t.Errorf("approvers %v, %s decides: %q, want %q", test.approvers, test.p.ID, got, test.want)
		}
		r := asked(t, rules)
		pol.MaxServers = 1
		if _, err := r.Approve(test.p, pol, nil, "op", noon); refusal(err) != test.want {
			t.Errorf("approvers %v, %s approves: %v, want %q", test.approvers, test.p.ID, err, test.want)
		}
		if _, err := r.Deny(test.p, pol, "", "op", noon); refusal(err) != test.want {
			t.Errorf("approvers %v, %s denies: %v, want %q", test.approvers, test.p.ID, err, test.want)
		}
	}
}

func refusal(err error) RefusalKind {
	if err == nil {
		return ""
	}
	no, ok := errors.AsType[*Refusal](err)
	if !ok {
		return RefusalKind("not a refusal: " + err.Error())
	}
	return no.Kind
}

// Whoever is not a full, active, human member may do nothing, whatever lists
// they are on and whatever state the request is in.
func TestStrangersMayDoNothing(t *testing.T) {
	pol := rules
	pol.AllowSelfApproval = true
	for want, estrange := range map[RefusalKind]func(*Person){
		PersonDeactivated: func(p *Person) { p.Deactivated = true },
		PersonBot:         func(p *Person) { p.Bot = true },
		PersonGuest:       func(p *Person) { p.Guest = true },
		PersonForeign:     func(p *Person) { p.Foreign = true },
	} {
		requester, approver, member := ann, bob, cyd
		requester.Groups = []string{"SOPS"}
		for _, p := range []*Person{&requester, &approver, &member} {
			estrange(p)
		}
		check := func(act string, err error) {
			if got := refusal(err); got != want {
				t.Errorf("%s by a %s: %q", act, want, got)
			}
		}
		for _, p := range []Person{requester, approver, member} {
			check("ask", pol.MayAsk(p))
			check("ask by list", Policy{Requesters: []string{p.ID, "SOPS"}}.MayAsk(p))
			check("decide", pol.MayDecide(p))
			for name, r := range situations(t) {
				_, err := r.Approve(p, pol, nil, "op", noon)
				check("approve "+name, err)
				_, err = r.Deny(p, pol, "", "op", noon)
				check("deny "+name, err)
				_, err = r.Cancel(p, pol, "op", noon)
				check("cancel "+name, err)
			}
		}
	}
}

func TestNApprovalsAreNPeople(t *testing.T) {
	pol := rules
	pol.ApprovalsRequired = 3
	r := asked(t, pol)
	for _, step := range []struct {
		p    Person
		want RefusalKind
		yes  int
	}{
		{bob, "", 1}, {bob, YouApproved, 1}, {cyd, "", 2}, {bob, YouApproved, 2}, {cyd, YouApproved, 2},
		{ann, NotApprover, 2}, {dan, "", 3}, {dan, AlreadyDecided, 3},
	} {
		next, err := r.Approve(step.p, pol, nil, "op", noon)
		if got := refusal(err); got != step.want || next.Approvals() != step.yes {
			t.Fatalf("yes of %s: %q and %d approvals, want %q and %d", step.p.ID, got, next.Approvals(), step.want, step.yes)
		}
		if want := step.yes == 3; (next.State == Approved) != want {
			t.Fatalf("%s with %d of 3 approvals", next.State, step.yes)
		}
		r = next
	}
}

func TestWhoApprovedMayStillDeny(t *testing.T) {
	pol := rules
	pol.ApprovalsRequired = 2
	r := must(t)(asked(t, pol).Approve(bob, pol, nil, "1", noon))
	if r = must(t)(r.Deny(bob, pol, "second thoughts", "2", noon)); r.State != Denied {
		t.Errorf("%s", r.State)
	}
}

func TestOwnRequests(t *testing.T) {
	approver := Person{ID: ann.ID, Groups: []string{"SOPS"}}
	for _, test := range []struct {
		p       Person
		allowed bool
		want    RefusalKind
	}{
		{approver, false, OwnRequest},
		{approver, true, ""},
		{ann, true, NotApprover}, // allowed or not, it takes an approver
		{ann, false, NotApprover},
		{bob, false, ""},
	} {
		pol := rules
		pol.AllowSelfApproval = test.allowed
		next, err := asked(t, pol).Approve(test.p, pol, nil, "op", noon)
		if got := refusal(err); got != test.want || (next.State == Approved) != (err == nil) {
			t.Errorf("yes of %+v, self-approval %t: %q, %s; want %q", test.p, test.allowed, got, next.State, test.want)
		}
	}
	if next, err := asked(t, rules).Deny(approver, rules, "", "op", noon); err != nil || next.State != Denied {
		t.Errorf("no to one's own request: %s, %v", next.State, err)
	}
	pol := rules
	pol.AllowSelfApproval, pol.ApprovalsRequired = true, 2
	half := must(t)(asked(t, pol).Approve(approver, pol, nil, "op", noon))
	if _, err := half.Approve(approver, pol, nil, "op", noon); refusal(err) != YouApproved {
		t.Errorf("the second yes to one's own request: %v", err)
	}
}

// Approvers cancel what is approved, for its requester may be gone. What waits
// for a decision they deny.
func TestWhoMayCancel(t *testing.T) {
	running := []State{Approved, Executing}
	for name, r := range situations(t) {
		for _, p := range []Person{bob, cyd, eve} {
			next, err := r.Cancel(p, rules, "op", noon)
			switch {
			case rules.MayDecide(p) == nil && slices.Contains(running, r.State) && r.Cancellation == nil:
				if last := next.LastDecision(); err != nil || next.Cancellation == nil && last.Choice != ChoseCancel || next.Cancellation == nil && last.By != p.ID {
					t.Errorf("%s: %s cancels: %v, %+v", name, p.ID, err, next)
				}
			case refusal(err) != NotYours && refusal(err) != AlreadyDecided || next.State != r.State:
				t.Errorf("%s: %s cancels: %v, %s", name, p.ID, err, next.State)
			}
		}
	}
}

func TestGroupsOfThePolicy(t *testing.T) {
	pol := Policy{Requesters: []string{"UANN", "SDEV", ""}, Approvers: []string{"SOPS", "W1", "SDEV", "SOPS"}}
	if got, want := pol.Groups(), []string{"SDEV", "SOPS"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
