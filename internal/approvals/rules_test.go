package approvals

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	lea = Person{ID: "ULEA", Groups: []string{"SLEAD"}}

	needsLead = Rule{Name: "prod", Servers: []string{"WEB-*"}, Approvers: []string{"SLEAD"}}
	autoDev   = Rule{Name: "dev", Tags: []string{"env=dev"}, Auto: true}
)

func ruled(rules ...Rule) Policy {
	return Policy{Approvers: []string{"UBOB", "SOPS"}, ApprovalsRequired: 1, TTL: time.Hour, MaxServers: 100, Rules: rules}
}

func server(name string, tags ...string) Server {
	return Server{ID: "id-" + name, Name: name, Status: "ACTIVE", Tags: tags}
}

func TestWhichRulesMatch(t *testing.T) {
	web, db := server("web-1", "env=dev"), server("db-1", "env=prod", "owner=")
	dark := Server{ID: "id-dark", Name: "dark", TagsUnknown: true}
	monday := func(clock string) time.Time {
		at, err := time.Parse(time.DateTime, "2026-03-09 "+clock)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	office := []Hours{{Days: []time.Weekday{time.Monday}, From: 9 * 60, To: 17 * 60, Zone: "Asia/Singapore"}}
	night := []Hours{{Days: []time.Weekday{time.Sunday}, From: 22 * 60, To: 6 * 60}}
	for name, test := range map[string]struct {
		rule Rule
		s    Subject
		at   time.Time
		want bool
	}{
		"all":                  {Rule{}, Subject{Servers: []Server{web}}, noon, true},
		"a name":               {Rule{Servers: []string{"x", "WEB-1"}}, Subject{Servers: []Server{web}}, noon, true},
		"a pattern":            {Rule{Servers: []string{"W*-1"}}, Subject{Servers: []Server{db, web}}, noon, true},
		"an id":                {Rule{Servers: []string{"ID-web-1"}}, Subject{Servers: []Server{web}}, noon, true},
		"another name":         {Rule{Servers: []string{"web"}}, Subject{Servers: []Server{web}}, noon, false},
		"a tag":                {Rule{Tags: []string{"env=dev"}}, Subject{Servers: []Server{web}}, noon, true},
		"a key":                {Rule{Tags: []string{"env", "owner"}}, Subject{Servers: []Server{db}}, noon, true},
		"not all tags":         {Rule{Tags: []string{"env=dev", "owner"}}, Subject{Servers: []Server{web}}, noon, false},
		"tags of two servers":  {Rule{Tags: []string{"env=dev", "owner"}}, Subject{Servers: []Server{web, db}}, noon, false},
		"name and tag":         {Rule{Servers: []string{"web-*"}, Tags: []string{"env=prod"}}, Subject{Servers: []Server{web, db}}, noon, false},
		"unknown tags":         {Rule{Tags: []string{"env=dev"}}, Subject{Servers: []Server{dark}}, noon, true},
		"unknown, auto":        {Rule{Tags: []string{"env=dev"}, Auto: true}, Subject{Servers: []Server{dark}}, noon, false},
		"unknown, name":        {Rule{Tags: []string{"env=dev"}, Servers: []string{"web*"}}, Subject{Servers: []Server{dark}}, noon, false},
		"stop":                 {Rule{Actions: []Action{Stop}}, Subject{Servers: []Server{web}}, noon, true},
		"no start":             {Rule{Actions: []Action{Start}}, Subject{Servers: []Server{web}}, noon, false},
		"start":                {Rule{Actions: []Action{Start}}, Subject{Action: Start, Servers: []Server{web}}, noon, true},
		"hard":                 {Rule{Hard: true}, Subject{Mode: Hard, Servers: []Server{web}}, noon, true},
		"soft":                 {Rule{Hard: true}, Subject{Mode: Soft, Servers: []Server{web}}, noon, false},
		"a start is not hard":  {Rule{Hard: true}, Subject{Action: Start, Mode: Hard, Servers: []Server{web}}, noon, false},
		"more than one":        {Rule{MoreThan: 1}, Subject{Servers: []Server{web, db}}, noon, true},
		"one":                  {Rule{MoreThan: 1}, Subject{Servers: []Server{web}}, noon, false},
		"more, of those":       {Rule{MoreThan: 1, Servers: []string{"web*"}}, Subject{Servers: []Server{web, db}}, noon, false},
		"more, with unknown":   {Rule{MoreThan: 1, Tags: []string{"env=dev"}}, Subject{Servers: []Server{web, dark}}, noon, true},
		"office hours":         {Rule{Hours: office}, Subject{Servers: []Server{web}}, monday("01:00:00"), true},
		"office hours end":     {Rule{Hours: office}, Subject{Servers: []Server{web}}, monday("09:00:00"), false},
		"before office hours":  {Rule{Hours: office}, Subject{Servers: []Server{web}}, monday("00:59:59"), false},
		"night":                {Rule{Hours: night}, Subject{Servers: []Server{web}}, monday("05:59:59"), true},
		"night ends":           {Rule{Hours: night}, Subject{Servers: []Server{web}}, monday("06:00:00"), false},
		"one of the hours":     {Rule{Hours: slices.Concat(office, night)}, Subject{Servers: []Server{web}}, monday("05:00:00"), true},
		"unknown zone":         {Rule{Hours: []Hours{{Zone: "No/Where"}}}, Subject{Servers: []Server{web}}, noon, true},
		"unknown zone, auto":   {Rule{Hours: []Hours{{Zone: "No/Where"}}, Auto: true}, Subject{Servers: []Server{web}}, noon, false},
		"no servers, no match": {Rule{}, Subject{}, noon, false},
	} {
		test.rule.Name = "r"
		if got := len(ruled(test.rule).Demand(test.s, test.at).Rules) == 1; got != test.want {
			t.Errorf("%s: it matches: %v", name, got)
		}
	}
}

func TestWhichApprovalsAreNeeded(t *testing.T) {
	web, db, dev := server("web-1"), server("db-1"), server("dev-1", "env=dev")
	yes, no := true, false
	defaults := func(n int) Slots { return Slots{Count: n} }
	of := func(rule string, n int, who ...string) Slots {
		return Slots{Rule: rule, Count: n, Circles: []Circle{{Approvers: who}}}
	}
	self := func(s Slots) Slots { s.Self = true; return s }
	two := ruled(needsLead)
	two.ApprovalsRequired, two.AllowSelfApproval = 2, true
	strict := ruled(needsLead, Rule{Name: "no-self", SelfApproval: &no})
	strict.AllowSelfApproval = true
	for name, test := range map[string]struct {
		pol  Policy
		s    Subject
		want []Slots
		auto bool
	}{
		"no rules":                    {ruled(), Subject{Servers: []Server{web}}, []Slots{defaults(1)}, false},
		"a rule takes":                {ruled(needsLead), Subject{Servers: []Server{web}}, []Slots{of("prod", 1, "SLEAD")}, false},
		"a rule takes some":           {two, Subject{Servers: []Server{web, db}}, []Slots{self(defaults(2)), of("prod", 1, "SLEAD")}, false},
		"two rules":                   {ruled(needsLead, Rule{Name: "db", Servers: []string{"db*"}, Approvers: []string{"SDBA"}, Approvals: 2}), Subject{Servers: []Server{web, db}}, []Slots{of("db", 2, "SDBA"), of("prod", 1, "SLEAD")}, false},
		"more only":                   {ruled(Rule{Name: "r", Approvals: 3}), Subject{Servers: []Server{web}}, []Slots{defaults(3)}, false},
		"fewer is not less":           {Policy{Approvers: []string{"UBOB"}, ApprovalsRequired: 2, Rules: []Rule{{Name: "r", Approvals: 1}}}, Subject{Servers: []Server{web}}, []Slots{defaults(2)}, false},
		"more, and a rule takes":      {ruled(needsLead, Rule{Name: "r", Approvals: 2}), Subject{Servers: []Server{web}}, []Slots{defaults(2), of("prod", 1, "SLEAD")}, false},
		"many servers add":            {ruled(Rule{Name: "many", MoreThan: 1, Approvers: []string{"SLEAD"}}), Subject{Servers: []Server{web, db}}, []Slots{defaults(1), of("many", 1, "SLEAD")}, false},
		"a reason takes nothing":      {ruled(Rule{Name: "r", Reason: true}), Subject{Servers: []Server{web}}, []Slots{defaults(1)}, false},
		"self":                        {ruled(Rule{Name: "r", Approvers: []string{"SLEAD"}, SelfApproval: &yes}), Subject{Servers: []Server{web}}, []Slots{self(of("r", 1, "SLEAD"))}, false},
		"no self anywhere":            {strict, Subject{Servers: []Server{web, db}}, []Slots{defaults(1), of("prod", 1, "SLEAD")}, false},
		"quiet alone":                 {ruled(Rule{Name: "r", Quiet: []string{"SLEAD"}}), Subject{Servers: []Server{web}}, []Slots{{Rule: "r", Count: 1, Circles: []Circle{{Quiet: []string{"SLEAD"}}}}}, false},
		"auto":                        {ruled(autoDev), Subject{Servers: []Server{dev}}, nil, true},
		"auto, and another":           {ruled(autoDev), Subject{Servers: []Server{dev, db}}, []Slots{defaults(1)}, false},
		"auto, and another's rule":    {ruled(autoDev, needsLead), Subject{Servers: []Server{dev, web}}, []Slots{of("prod", 1, "SLEAD")}, false},
		"auto, but a demand":          {ruled(autoDev, Rule{Name: "r", Reason: true}), Subject{Servers: []Server{dev}}, []Slots{defaults(1)}, false},
		"auto is not hard":            {ruled(autoDev), Subject{Mode: Hard, Servers: []Server{dev}}, []Slots{defaults(1)}, false},
		"auto hard":                   {ruled(Rule{Name: "dev", Auto: true, AutoHard: true}), Subject{Mode: Hard, Servers: []Server{dev}}, nil, true},
		"a hard start is none":        {ruled(autoDev), Subject{Action: Start, Mode: Hard, Servers: []Server{dev}}, nil, true},
		"auto of many is none":        {ruled(Rule{Name: "dev", MoreThan: 1, Auto: true}), Subject{Servers: []Server{dev, web}}, []Slots{defaults(1)}, false},
		"unknown tags take nothing":   {ruled(Rule{Name: "r", Tags: []string{"env=dev"}, Approvers: []string{"SDEV"}}), Subject{Servers: []Server{{ID: "x", TagsUnknown: true}}}, []Slots{defaults(1), of("r", 1, "SDEV")}, false},
		"unknown tags, auto by name":  {ruled(Rule{Name: "dev", Servers: []string{"x"}, Auto: true}), Subject{Servers: []Server{{ID: "x", TagsUnknown: true}}}, nil, true},
		"unknown tags are not dev":    {ruled(autoDev), Subject{Servers: []Server{{ID: "x", TagsUnknown: true}}}, []Slots{defaults(1)}, false},
		"unknown, dev by another tag": {ruled(autoDev, Rule{Name: "prod", Tags: []string{"env=prod"}, Reason: true}), Subject{Servers: []Server{{ID: "x", TagsUnknown: true}}}, []Slots{defaults(1)}, false},
	} {
		d := test.pol.Demand(test.s, noon)
		if !reflect.DeepEqual(d.Slots, test.want) || d.Automatic != test.auto {
			t.Errorf("%s: automatic %v, %+v", name, d.Automatic, d.Slots)
		}
	}
}

// askUnder makes a request of Ann's for web-1, db-1 and dev-1.
func askUnder(pol Policy, change func(*Ask)) (Request, ServerList, error) {
	ask := Ask{OpID: "E1", By: ann, Project: "main", Channel: "C1", Mode: Soft}
	if change != nil {
		change(&ask)
	}
	list := ServerList{Servers: []Server{server("web-1"), server("db-1"), server("dev-1", "env=dev")}}
	r, err := New("S-23456", ask, list, pol, noon)
	return r, list, err
}

func TestWhatARuleDemandsOfAnAsk(t *testing.T) {
	ticket := Rule{Name: "chg", Ticket: "CHG-[0-9]+|INC"}
	for name, test := range map[string]struct {
		rules []Rule
		ask   func(*Ask)
		want  Refusal
	}{
		"denied":            {[]Rule{{Name: "z", Deny: "later"}, {Name: "b", Deny: "year end"}, {Name: "a"}}, nil, Refusal{Kind: RuleDenies, Rule: "b", Sentence: "year end"}},
		"denied elsewhere":  {[]Rule{{Name: "b", Servers: []string{"x"}, Deny: "year end"}}, nil, Refusal{}},
		"who asks":          {[]Rule{{Name: "r", Requesters: []string{"SDEV"}}}, nil, Refusal{Kind: NotRuleRequester, Rule: "r"}},
		"in one list only":  {[]Rule{{Name: "q", Requesters: []string{"UANN"}}, {Name: "r", Requesters: []string{"SDEV"}}}, nil, Refusal{Kind: NotRuleRequester, Rule: "r"}},
		"in both":           {[]Rule{{Name: "q", Requesters: []string{"UANN"}}, {Name: "r", Requesters: []string{"SDEV"}}}, func(a *Ask) { a.By.Groups = []string{"SDEV"} }, Refusal{}},
		"auto asks, too":    {[]Rule{{Name: "r", Auto: true, Requesters: []string{"SDEV"}}}, nil, Refusal{Kind: NotRuleRequester, Rule: "r"}},
		"cannot tell":       {[]Rule{{Name: "r", Requesters: []string{"SDEV", "SOPS"}}}, func(a *Ask) { a.By.UnknownGroups = []string{"SDEV"} }, Refusal{Kind: CannotTell, Rule: "r", Groups: []string{"SDEV"}}},
		"can tell":          {[]Rule{{Name: "r", Requesters: []string{"SDEV", "UANN"}}}, func(a *Ask) { a.By.UnknownGroups = []string{"SDEV"} }, Refusal{}},
		"a no is clear":     {[]Rule{{Name: "q", Requesters: []string{"SDEV"}}, {Name: "r", Requesters: []string{"SOPS"}}}, func(a *Ask) { a.By.UnknownGroups = []string{"SDEV"} }, Refusal{Kind: NotRuleRequester, Rule: "r"}},
		"reason":            {[]Rule{{Name: "r", Reason: true}}, nil, Refusal{Kind: NoReason, Rule: "r"}},
		"a reason":          {[]Rule{{Name: "r", Reason: true}}, func(a *Ask) { a.Reason = "night" }, Refusal{}},
		"an earlier one":    {[]Rule{{Name: "r", Reason: true}}, func(a *Ask) { a.FollowUpOf = "S-22222" }, Refusal{}},
		"ticket":            {[]Rule{ticket}, nil, Refusal{Kind: NoTicket, Rule: "chg", Pattern: ticket.Ticket}},
		"a ticket":          {[]Rule{ticket}, func(a *Ask) { a.Ticket = "CHG-12" }, Refusal{}},
		"another ticket":    {[]Rule{ticket}, func(a *Ask) { a.Ticket = "INC" }, Refusal{}},
		"a part of it":      {[]Rule{ticket}, func(a *Ask) { a.Ticket = "CHG-12 " }, Refusal{Kind: TicketDoesNotFit, Rule: "chg", Pattern: ticket.Ticket, Ticket: "CHG-12 "}},
		"a line of it":      {[]Rule{{Name: "r", Ticket: "(?m)^CHG$"}}, func(a *Ask) { a.Ticket = "CHG\nx" }, Refusal{Kind: TicketDoesNotFit, Rule: "r", Pattern: "(?m)^CHG$", Ticket: "CHG\nx"}},
		"the longest":       {[]Rule{{Name: "r", Ticket: "C|CHG"}}, func(a *Ask) { a.Ticket = "CHG" }, Refusal{}},
		"all patterns":      {[]Rule{ticket, {Name: "inc", Ticket: "INC"}}, func(a *Ask) { a.Ticket = "CHG-1" }, Refusal{Kind: TicketDoesNotFit, Rule: "inc", Pattern: "INC", Ticket: "CHG-1"}},
		"no pattern at all": {[]Rule{{Name: "r", Ticket: "("}}, func(a *Ask) { a.Ticket = "(" }, Refusal{Kind: TicketDoesNotFit, Rule: "r", Pattern: "(", Ticket: "("}},
		"none needs none":   {[]Rule{{Name: "r", Ticket: ".*"}}, nil, Refusal{Kind: NoTicket, Rule: "r", Pattern: ".*"}},
	} {
		_, _, err := askUnder(ruled(test.rules...), test.ask)
		var got Refusal
		if no, ok := err.(*Refusal); ok {
			got = *no
		}
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestWhereAndHowLong(t *testing.T) {
	rules := []Rule{
		{Name: "z", Channel: "CZ", TTL: 50 * time.Minute}, {Name: "b", Channel: "CB", TTL: 30 * time.Minute}, {Name: "a", TTL: 2 * time.Hour},
		{Name: "0", Channel: "C0", TTL: time.Minute, Servers: []string{"none"}},
	}
	r, _, err := askUnder(ruled(rules...), func(a *Ask) { a.Ticket = "CHG-1" })
	if err != nil || r.Channel != "CB" || r.Expires != noon.Add(30*time.Minute) || r.Ticket != "CHG-1" {
		t.Errorf("in %s until %v for %s: %v", r.Channel, r.Expires, r.Ticket, err)
	}
	var names []string
	for _, rule := range r.Rules {
		names = append(names, rule.Name)
	}
	if !slices.Equal(names, []string{"a", "b", "z"}) {
		t.Errorf("the rules %v are stored", names)
	}
	if r, _, _ = askUnder(ruled(), nil); r.Channel != "C1" || r.Expires != noon.Add(time.Hour) {
		t.Errorf("without rules in %s until %v", r.Channel, r.Expires)
	}
}

func TestAutomaticRequests(t *testing.T) {
	r, list, err := askUnder(ruled(Rule{Name: "b", Auto: true}, Rule{Name: "a", Auto: true}), nil)
	want := Decision{Choice: ChoseAuto, At: noon, Reason: "a, b"}
	if err != nil || r.State != Approved || r.LastDecision() != want || len(r.Decisions) != 1 || r.Approvals() != 0 || r.Missing() != 0 {
		t.Errorf("%s by %+v, %d missing: %v", r.State, r.Decisions, r.Missing(), err)
	}
	// Its approval is as old as the decision.
	running := must(t)(r.Execute(len(PlanBatches(r, list, 1)), noon))
	if _, lapsed := running.Lapse(time.Time{}, noon.Add(r.ApprovalLife()-1)); lapsed {
		t.Error("it lapsed too early")
	}
	if _, lapsed := running.Lapse(time.Time{}, noon.Add(r.ApprovalLife())); !lapsed {
		t.Error("it does not lapse")
	}
	if over := must(t)(running.BatchEnded(Tally{Failed: 3}, noon)); over.CarriesApproval(bob, ruled(), noon) {
		t.Error("nobody has approved it, and that carries over")
	}
}

// A policy without rules stores what it always did.
func TestWithoutRulesNothingMoreIsStored(t *testing.T) {
	elsewhere := ruled(Rule{Name: "r", Servers: []string{"none"}, Approvers: []string{"SLEAD"}, Ticket: "x"})
	elsewhere.ApprovalsRequired = 2
	plain := elsewhere
	plain.Rules = nil
	r, list, err := askUnder(elsewhere, nil)
	r = must(t)(r, err)
	half := must(t)(r.Approve(bob, elsewhere, &list, "op1", noon, cyd))
	full := must(t)(half.Approve(cyd, elsewhere, &list, "op2", noon, bob))
	old := must(t)(must(t)(must(t)(asked(t, plain), nil).Approve(bob, plain, nil, "op1", noon)).Approve(cyd, plain, nil, "op2", noon))
	if full.State != Approved || old.State != Approved {
		t.Errorf("%s and %s", full.State, old.State)
	}
	for _, r := range []Request{r, half, full, old} {
		for _, field := range []string{"rules", "need_default", "slots", "fits", "ticket", "original"} {
			if record := marshal(t, r); strings.Contains(record, `"`+field+`"`) {
				t.Errorf("%s is stored: %s", field, record)
			}
		}
	}
	dark := Server{ID: "x", TagsUnknown: true}
	for _, v := range []any{Ask{By: ann}, server("web-1"), dark.brief()} {
		if b, _ := json.Marshal(v); strings.Contains(strings.ToLower(string(b)), "unknown") || strings.Contains(string(b), "Ticket") {
			t.Errorf("stored as %s", b)
		}
	}
}
