package approvals

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"
)

// ruledRequest is a pending request of Ann's for web-1, db-1 and dev-1.
func ruledRequest(t *testing.T, pol Policy) (Request, ServerList) {
	t.Helper()
	r, list, err := askUnder(pol, nil)
	return must(t)(r, err), list
}

func approvedBy(r Request) map[string][]string {
	by := map[string][]string{}
	for _, f := range r.Fillings() {
		by[f.Rule] = f.By
	}
	return by
}

func TestEachSlotIsAnotherPerson(t *testing.T) {
	pol := ruled(needsLead, Rule{Name: "zdb", Servers: []string{"db-*"}, Approvers: []string{"SDBA"}})
	r, list := ruledRequest(t, pol) // dev-1 falls to the policy's approvers
	if r.ApprovalsNeeded != 3 || r.Missing() != 3 {
		t.Errorf("it needs %d, of which %d are missing", r.ApprovalsNeeded, r.Missing())
	}
	dba := Person{ID: "UDBA", Groups: []string{"SDBA"}}
	both := Person{ID: "UBOTH", Groups: []string{"SLEAD", "SDBA"}}
	click := func(r Request, p Person, earlier ...Person) (Request, error) {
		return r.Approve(p, pol, &list, p.ID, noon, earlier...)
	}
	one := must(t)(click(r, both))
	for p, want := range map[*Person]RefusalKind{&both: YouApproved, &eve: NotApprover, &ann: NotApprover, {ID: "UANN", Groups: []string{"SLEAD"}}: OwnRequest} {
		if _, err := click(one, *p, both); refusal(err) != want {
			t.Errorf("%s: %v", p.ID, err)
		}
	}
	// The leads fill prod, and the one who can fill both moves to zdb.
	two := must(t)(click(one, lea, both))
	if want := map[string][]string{"": nil, "prod": {"ULEA"}, "zdb": {"UBOTH"}}; !reflect.DeepEqual(approvedBy(two), want) || two.Missing() != 1 {
		t.Errorf("filled by %v", approvedBy(two))
	}
	_, err := click(two, dba, both, lea)
	no, ok := errors.AsType[*Refusal](err)
	if !ok || no.Kind != NotNeeded || !reflect.DeepEqual(no.Open, []Slots{{Count: 1}}) {
		t.Errorf("all that the DBA fits is filled: %v", err)
	}
	done := must(t)(click(two, bob, both, lea))
	if done.State != Approved || done.Missing() != 0 || done.Approvals() != 3 {
		t.Errorf("%s by %v", done.State, done.Approvers())
	}
	if _, err := click(done, dba, both, lea, bob); refusal(err) != AlreadyDecided {
		t.Errorf("a late click: %v", err)
	}
	if _, err := done.Approve(dba, pol, nil, "op", noon); refusal(err) != AlreadyDecided {
		t.Errorf("a late click without the list: %v", err)
	}
}

func TestARequesterMayFillSomeSlots(t *testing.T) {
	may := true
	pol := ruled(Rule{Name: "own", Servers: []string{"web-*", "dev-*"}, Approvers: []string{"SLEAD"}, SelfApproval: &may}, Rule{Name: "db", Servers: []string{"db-*"}, Approvers: []string{"SLEAD"}})
	r, list := ruledRequest(t, pol)
	self := Person{ID: "UANN", Groups: []string{"SLEAD"}}
	half := must(t)(r.Approve(self, pol, &list, "op", noon))
	if want := map[string][]string{"own": {"UANN"}, "db": nil}; !reflect.DeepEqual(approvedBy(half), want) {
		t.Errorf("filled by %v", approvedBy(half))
	}
	if full := must(t)(half.Approve(lea, pol, &list, "op", noon, self)); full.State != Approved {
		t.Errorf("%s, missing %d", full.State, full.Missing())
	}
}

func TestQuietAndEscalated(t *testing.T) {
	rule := Rule{Name: "r", Approvers: []string{"SLEAD"}, Quiet: []string{"UBOB"}, Escalate: &Escalation{After: 15 * time.Minute, To: []string{"SOPS"}}}
	pol := ruled(rule)
	pol.Approvers = []string{"UNONE"}
	r, list := ruledRequest(t, pol)
	for _, test := range []struct {
		p    Person
		at   time.Duration
		want RefusalKind
	}{{lea, 0, ""}, {bob, 0, ""}, {cyd, 0, NotApprover}, {cyd, 15*time.Minute - 1, NotApprover}, {cyd, 15 * time.Minute, ""}, {eve, 15 * time.Minute, NotApprover}} {
		_, err := r.Approve(test.p, pol, &list, "op", noon.Add(test.at))
		_, deny := r.Deny(test.p, pol, "", "op", noon.Add(test.at))
		may := r.MayApprove(test.p, pol, noon.Add(test.at))
		if refusal(err) != test.want || refusal(deny) != test.want || refusal(may) != test.want {
			t.Errorf("%s after %v: %v, %v, %v", test.p.ID, test.at, err, deny, may)
		}
	}
	c := r.Slots[0].Circles[0]
	if !slices.Equal(c.Mentioned(0), []string{"SLEAD"}) || !slices.Equal(c.Mentioned(time.Hour), []string{"SLEAD", "SOPS"}) || !slices.Equal(c.All(time.Hour), []string{"SLEAD", "UBOB", "SOPS"}) {
		t.Errorf("mentioned are %v and %v of %v", c.Mentioned(0), c.Mentioned(time.Hour), c.All(time.Hour))
	}
	if got := pol.Groups(); !slices.Equal(got, []string{"SLEAD", "SOPS"}) {
		t.Errorf("the groups of the policy are %v", got)
	}
	if got := GroupsOf(r.Deciders(ruled())...); !slices.Equal(got, []string{"SOPS", "SLEAD"}) {
		t.Errorf("the groups of the request are %v", got)
	}
	pol.Rules[0].Requesters = []string{"SDEV"}
	if got := slices.Concat(pol.Askers()...); !slices.Equal(got, []string{"SDEV"}) {
		t.Errorf("askers are %v", got)
	}
}

func TestTheStricterOfThenAndNow(t *testing.T) {
	rule := func(change func(*Rule)) Policy {
		r := Rule{Name: "r", Approvers: []string{"SLEAD"}}
		if change != nil {
			change(&r)
		}
		return ruled(r)
	}
	no, yes := false, true
	self := Person{ID: "UANN", Groups: []string{"SLEAD", "SDBA"}}
	own := rule(func(r *Rule) { r.SelfApproval = &yes })
	forbidden := ruled(own.Rules[0], Rule{Name: "s", SelfApproval: &no})
	two := rule(func(r *Rule) { r.Approvals = 2 })
	dba := rule(func(r *Rule) { r.Approvers = []string{"SDBA"} })
	both := Person{ID: "UBOTH", Groups: []string{"SLEAD", "SDBA"}}
	for name, test := range map[string]struct {
		then, now Policy
		p         Person
		want      RefusalKind
		state     State
	}{
		"the same":            {rule(nil), rule(nil), lea, "", Approved},
		"more now":            {rule(nil), two, lea, "", Pending},
		"fewer now":           {two, rule(nil), lea, "", Pending},
		"others now":          {rule(nil), dba, lea, NotApprover, Pending},
		"in both":             {rule(nil), dba, both, "", Approved},
		"gone now":            {rule(nil), ruled(), lea, "", Pending}, // and one of the policy's
		"new":                 {ruled(), rule(nil), bob, "", Pending},
		"denied now":          {rule(nil), rule(func(r *Rule) { r.Deny = "later" }), lea, RuleDenies, Pending},
		"own":                 {own, own, self, "", Approved},
		"own, not now":        {own, rule(nil), self, OwnRequest, Pending},
		"own, not then":       {rule(nil), own, self, OwnRequest, Pending},
		"own forbidden now":   {own, forbidden, self, OwnRequest, Pending},
		"own forbidden then":  {forbidden, own, self, OwnRequest, Pending},
		"own, elsewhere":      {ruled(Rule{Name: "s", SelfApproval: &no}), own, self, OwnRequest, Pending},
		"without rules as is": {ruled(), ruled(), bob, "", Approved},
	} {
		r, list := ruledRequest(t, test.then)
		next, err := r.Approve(test.p, test.now, &list, "op", noon)
		if refusal(err) != test.want || next.State != test.state {
			t.Errorf("%s: %s, %v", name, next.State, err)
		}
	}
	// An approval counts for a slot that is demanded later, too, if its person fits it.
	r, list := ruledRequest(t, ruled())
	pol := ruled(needsLead)
	bobLeads := Person{ID: "UBOB", Groups: []string{"SLEAD"}}
	half := must(t)(r.Approve(bobLeads, pol, &list, "op", noon))
	if want := map[string][]string{"UBOB": {"", "prod"}}; !maps.EqualFunc(half.Fits, want, slices.Equal) || half.Missing() != 1 {
		t.Errorf("fits are %v, %d missing", half.Fits, half.Missing())
	}
	if full := must(t)(half.Approve(cyd, pol, &list, "op", noon, bobLeads)); full.State != Approved {
		t.Errorf("%s by %v", full.State, approvedBy(full))
	}
	// Who has left both groups has no say any more.
	again := must(t)(half.Approve(cyd, pol, &list, "op", noon, Person{ID: "UBOB", Deactivated: true}))
	if again.State != Pending || !again.Decisions[0].Void || again.Approvals() != 1 {
		t.Errorf("%s by %+v", again.State, again.Decisions)
	}
	// Hours hold for the ask and for the click.
	morning := ruled(Rule{Name: "r", Approvers: []string{"SLEAD"}, Hours: []Hours{{From: 12 * 60, To: 12*60 + 30}}})
	r, list = ruledRequest(t, morning)
	if next, _ := r.Approve(bob, morning, &list, "op", noon.Add(40*time.Minute)); next.State != Pending || next.ApprovalsNeeded != 2 {
		t.Errorf("%s, it needs %d: the rule held at the ask, the policy's approvers do now", next.State, next.ApprovalsNeeded)
	}
}

func TestAGroupThatCannotBeRead(t *testing.T) {
	pol := ruled(needsLead)
	pol.Requesters = []string{"SDEV", "UBOB"}
	dark := func(id string, groups ...string) Person { return Person{ID: id, UnknownGroups: groups} }
	for name, test := range map[string]struct {
		err  error
		want RefusalKind
	}{
		"asks":           {pol.MayAsk(dark("UEVE", "SDEV")), CannotTell},
		"asks by id":     {pol.MayAsk(dark("UBOB", "SDEV")), ""},
		"asks, clear":    {pol.MayAsk(dark("UEVE", "SOPS")), NotRequester},
		"decides":        {pol.MayDecide(dark("UEVE", "SOPS")), CannotTell},
		"decides by id":  {pol.MayDecide(dark("UBOB", "SOPS")), ""},
		"decides, clear": {pol.MayDecide(dark("UEVE", "SLEAD")), NotApprover},
		"outsider":       {pol.MayDecide(Person{ID: "UEVE", Guest: true, UnknownGroups: []string{"SOPS"}}), PersonGuest},
	} {
		if refusal(test.err) != test.want {
			t.Errorf("%s: %v", name, test.err)
		}
	}
	r, list := ruledRequest(t, pol)
	try := func(r Request, p Person, earlier ...Person) (Request, RefusalKind) {
		next, err := r.Approve(p, pol, &list, "op", noon, earlier...)
		return next, refusal(err)
	}
	if _, no := try(r, dark("UEVE", "SLEAD")); no != CannotTell {
		t.Errorf("whether Eve is a lead: %q", no)
	}
	if _, no := try(r, dark("UEVE", "SDEV")); no != NotApprover {
		t.Errorf("a group that nothing depends on: %q", no)
	}
	one, no := try(r, Person{ID: "ULEA", Groups: []string{"SLEAD"}, UnknownGroups: []string{"SOPS"}})
	if no != "" || one.Missing() != 1 {
		t.Errorf("a lead, and perhaps more: %q", no)
	}
	// Whether the lead is one still would decide.
	next, err := one.Approve(bob, pol, &list, "op", noon, dark("ULEA", "SLEAD"))
	if refused, ok := errors.AsType[*Refusal](err); !ok || refused.Kind != CannotTell || !slices.Equal(refused.Groups, []string{"SLEAD"}) || !reflect.DeepEqual(next, one) {
		t.Errorf("%s: %v", next.State, err)
	}
	if full, no := try(one, bob, lea); no != "" || full.State != Approved {
		t.Errorf("%s: %q", full.State, no)
	}
	// It does not decide while another slot is open.
	more := pol
	more.ApprovalsRequired = 2
	half, err := one.Approve(bob, more, &list, "op", noon, dark("ULEA", "SLEAD"))
	if err != nil || half.State != Pending || half.Decisions[0].Void || !slices.Equal(half.Fits["ULEA"], []string{"prod"}) {
		t.Errorf("%s by %+v, %v: %v", half.State, half.Decisions, half.Fits, err)
	}
	if _, err := r.Deny(dark("UEVE", "SLEAD"), pol, "", "op", noon); refusal(err) != CannotTell {
		t.Errorf("a denial: %v", err)
	}
	if _, err := r.Cancel(dark("UEVE", "SLEAD"), pol, "op", noon); refusal(err) != NotYours {
		t.Errorf("a cancellation: %v", err)
	}
	running := must(t)(must(t)(try2(try(one, bob, lea))).Execute(1, noon))
	if _, err := running.Cancel(dark("UEVE", "SLEAD"), pol, "op", noon); refusal(err) != CannotTell {
		t.Errorf("a cancellation of what runs: %v", err)
	}
	if _, err := running.Cancel(lea, pol, "op", noon); err != nil {
		t.Errorf("a lead cancels: %v", err)
	}
	if _, err := running.Cancel(eve, pol, "op", noon); refusal(err) != NotYours {
		t.Errorf("somebody else cancels: %v", err)
	}
	unknown := must(t)(running.BatchEnded(Tally{Unknown: 3}, noon))
	if _, err := unknown.Resolve(lea, ruled(), true, "", "op", noon); err != nil {
		t.Errorf("a lead knows: %v", err)
	}
	if _, err := unknown.Resolve(eve, ruled(), true, "", "op", noon); refusal(err) != NotApprover {
		t.Errorf("somebody else knows: %v", err)
	}
}

func try2(r Request, no RefusalKind) (Request, error) {
	if no != "" {
		return r, errors.New(string(no))
	}
	return r, nil
}

func TestTheListThatIsApproved(t *testing.T) {
	pol := ruled(needsLead)
	r, list := ruledRequest(t, pol)
	if _, err := r.Approve(lea, pol, nil, "op", noon); err == nil || refusal(err) == NotApprover {
		t.Errorf("without a list: %v", err)
	}
	other := list.without([]string{"id-web-1"})
	if _, err := r.Approve(lea, pol, &other, "op", noon); !errors.Is(err, ErrOtherList) {
		t.Errorf("with another list: %v", err)
	}
	plain, _ := ruledRequest(t, ruled())
	if !r.NeedsList(ruled()) || !plain.NeedsList(pol) || plain.NeedsList(ruled()) {
		t.Error("the list is needed if there are rules then or now")
	}
}

func TestARetryUnderRules(t *testing.T) {
	pol := ruled(Rule{Name: "all", Approvers: []string{"SLEAD"}})
	r, list := ruledRequest(t, pol)
	over := func(r Request) Request {
		return must(t)(must(t)(r.Execute(1, noon)).BatchEnded(Tally{Failed: 3}, noon))
	}
	failed := over(must(t)(r.Approve(lea, pol, &list, "op", noon)))
	for _, test := range []struct {
		p    Person
		want bool
	}{{lea, true}, {bob, false}, {Person{ID: "UANN", Groups: []string{"SLEAD"}}, false}, {Person{ID: "UEVE", UnknownGroups: []string{"SLEAD"}}, false}} {
		if got := failed.CarriesApproval(test.p, pol, noon); got != test.want {
			t.Errorf("%s: %v", test.p.ID, got)
		}
	}
	pol = ruled(needsLead)
	r, list = ruledRequest(t, pol)
	failed = over(must(t)(must(t)(r.Approve(lea, pol, &list, "op", noon)).Approve(bob, pol, &list, "op", noon, lea)))
	if failed.CarriesApproval(lea, pol, noon) || failed.CarriesApproval(bob, pol, noon) {
		t.Error("one click carried two approvals")
	}
}
