package slackapp

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/slacksim"

	"github.com/slack-go/slack"
)

// The people of rules: a quiet approver, and those who are asked later.
var leads = approvals.Rule{
	Name: "production", Servers: []string{"web-*"}, Approvers: []string{"SLEADS"}, Quiet: []string{"UQUIET"}, Approvals: 2,
	Escalate: &approvals.Escalation{After: 15 * time.Minute, To: []string{"SONCALL"}},
}

var dba = approvals.Rule{Name: "databases", Servers: []string{"db-*"}, Approvers: []string{"SDBA"}, Reason: true}

// underRules is a scene with the servers web-1 to web-n and db-1.
func underRules(t *testing.T, n int, rules ...approvals.Rule) *scene {
	t.Helper()
	s := newScene(t, n)
	s.f.Servers = append(s.f.Servers, approvals.Server{ID: uuid, Name: "db-1", Status: "ACTIVE"})
	s.pol.Rules = rules
	s.ask.Ticket = "CHG-<12>"
	return s
}

func (s *scene) yes(r approvals.Request, id string, minute int, groups ...string) approvals.Request {
	s.t.Helper()
	list := s.f
	return s.must(r.Approve(approvals.Person{ID: id, Groups: groups}, s.pol, &list, "op"+id, after(minute)))
}

// leaveOut leaves out the first servers.
func (s *scene) leaveOut(r approvals.Request, by string, n int) approvals.Request {
	s.t.Helper()
	var ids []string
	for _, server := range s.f.Servers[:n] {
		ids = append(ids, server.ID)
	}
	r, short, err := r.LeaveOut(approvals.Person{ID: by}, s.pol, s.f, ids, "out"+by, after(3))
	s.f = short
	return s.must(r, err)
}

func (s *scene) escalated(r approvals.Request) approvals.Request {
	s.t.Helper()
	next, rules := r.Escalate(after(16))
	if !slices.Equal(rules, []string{"production"}) {
		s.t.Fatalf("escalated %v", rules)
	}
	return next
}

func TestRulesOnCards(t *testing.T) {
	both, one, auto := underRules(t, 3, leads, dba), underRules(t, 3, leads), underRules(t, 3, approvals.Rule{Name: "dev", Auto: true})
	one.f.Servers = one.f.Servers[:3]
	any := underRules(t, 3, approvals.Rule{Name: "tickets", Ticket: ".*", TTL: time.Minute})
	out := underRules(t, 9)
	shorter := out.leaveOut(out.oneYesOf("UBEN"), "UCARLA", 2)
	enough := underRules(t, 3, approvals.Rule{Name: "many", MoreThan: 2, Approvals: 3})
	forbidden := underRules(t, 3)
	list := forbidden.f
	denied := approvals.Policy{Approvers: forbidden.pol.Approvers, Rules: []approvals.Rule{{Name: "frozen", Deny: "release day, ask <Ben>"}}}
	cancelled, ok, err := forbidden.yes(forbidden.yes(forbidden.pending(), "UBEN", 1), "UCARLA", 2).Forbid(denied, list, after(4))
	if !ok {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		s    *scene
		r    approvals.Request
		want []string // in its text
		not  []string
	}{
		"two_groups": {both, both.pending(), []string{
			"*Needs 3 approvals*", "2 of <!subteam^SLEADS> (rule `production`)", "1 of <!subteam^SDBA> (rule `databases`)", "ticket `CHG-&lt;12&gt;`"}, []string{"UBEN", "UQUIET", "SONCALL"}},
		"two_groups_one_yes": {both, both.yes(both.pending(), "ULEAD", 1, "SLEADS"), []string{
			"*Needs 2 more approvals*", "(rule `production`): :white_check_mark: <@ULEAD>, 1 more"}, []string{"Approved so far"}},
		"two_groups_quiet_yes": {both, both.yes(both.pending(), "UQUIET", 1), []string{":white_check_mark: <@UQUIET>, 1 more"}, nil},
		"escalated":            {both, both.escalated(both.pending()), []string{"2 of <!subteam^SLEADS>, <!subteam^SONCALL> (rule `production`)"}, nil},
		"one_group":            {one, one.yes(one.pending(), "ULEAD", 1, "SLEADS"), []string{"*Needs* 2 of <!subteam^SLEADS> (rule `production`): :white_check_mark: <@ULEAD>, 1 more · expires"}, []string{"\n• "}},
		"no_slots":             {any, any.pending(), []string{"*Needs 2 approvals* from <@UBEN>", "rule `tickets`"}, nil},
		"automatic":            {auto, auto.pending(), []string{"Approved automatically by rule `dev`. Stopping now.", "approved automatically by rule `dev`"}, []string{"UBEN"}},
		"shortened":            {out, shorter, []string{"Stop 8 servers", "8 of 10 servers; 2 left out by <@UCARLA>", "*Needs 1 more approval*", "<@UCARLA>", "Skipped 2: left out by an approver (web-1, web-2)"}, nil},
		"enough":               {enough, enough.leaveOut(enough.yes(enough.yes(enough.pending(), "UBEN", 1), "UCARLA", 2), "UBEN", 2), []string{"*Needs one more click on Approve*"}, nil},
		"forbidden":            {forbidden, cancelled, []string{"Rule `frozen` doesn't allow it: release day, ask &lt;Ben&gt;", "Nothing was stopped."}, []string{"Expired"}},
		"two_groups_approved":  {both, both.yes(both.yes(both.yes(both.pending(), "ULEAD", 1, "SLEADS"), "UDBA", 1, "SDBA"), "UQUIET", 2), []string{"approved by <@ULEAD>", "rules `databases`, `production`"}, nil},
	} {
		bothForms(t, "rules_"+name, tt.s.view(), func(v view) ([]slack.Block, string) { return v.card(tt.r, approvals.Freeze{}) })
		blocks, text := tt.s.view().card(tt.r, approvals.Freeze{})
		said := slacksim.BlocksText([]byte(asJSON(t, blocks))) + text
		for _, want := range tt.want {
			if !strings.Contains(said, want) {
				t.Errorf("%s does not say %q:\n%s", name, want, said)
			}
		}
		for _, not := range tt.not {
			if strings.Contains(said, not) {
				t.Errorf("%s says %q:\n%s", name, not, said)
			}
		}
	}
}

func (s *scene) oneYesOf(id string) approvals.Request {
	s.t.Helper()
	return s.yes(s.pending(), id, 1)
}

func TestRulesInThreads(t *testing.T) {
	s := underRules(t, 3, leads, dba)
	auto := underRules(t, 3, approvals.Rule{Name: "dev", Auto: true})
	one := func(r approvals.Request, n approvals.Note) approvals.Message {
		return approvals.Message{Request: r, Notes: []approvals.Note{n}}
	}
	for name, m := range map[string]approvals.Message{
		"escalated": one(s.escalated(s.pending()), approvals.Note{Topic: approvals.TopicEscalated, Rule: "production"}),
		"left_out":  one(s.pending(), approvals.Note{Topic: approvals.TopicLeftOut, By: "UBEN", Count: 2, Rest: 8, Names: []approvals.NameRun{{First: "web-1", Count: 1}, {First: "<web>", Count: 1}}}),
		"forbidden": one(s.pending(), approvals.Note{Topic: approvals.TopicForbidden, Rule: "frozen", Why: "release <day>"}),
		"automatic": one(auto.pending(), approvals.Note{Topic: approvals.TopicApproved, Why: "dev"}),
		"reminder":  one(s.pending(), approvals.Note{Topic: approvals.TopicReminder}),
	} {
		bothForms(t, "rules_thread_"+name, s.view(), func(v view) ([]slack.Block, string) { return v.reply(m) })
	}
	// A rule that has gone since still says something.
	if said := s.view().sayEscalated(s.pending(), approvals.Note{Rule: "gone"}); !strings.Contains(said, "`gone`") {
		t.Error(said)
	}
}

func TestRulesInFormsAndHomes(t *testing.T) {
	s := underRules(t, 3, leads, dba)
	auto := underRules(t, 3, approvals.Rule{Name: "dev", Auto: true})
	goldenModal(t, "rules_preview", previewOf(s.pending(), "{}"))
	goldenModal(t, "rules_preview_automatic", previewOf(auto.pending(), "{}"))
	ticket := viewOf(approvals.Policy{Approvers: []string{"UBEN"}, MaxServers: 10, Rules: []approvals.Rule{{Name: "changes", Ticket: "CHG-[0-9]+"}}})
	goldenModal(t, "rules_form_ticket", ticket.form(modalState{Channel: "COPS"}))
	goldenModal(t, "leave_out", leaveModal(s.pending(), s.f, "{}"))
	many := newScene(t, 150)
	goldenModal(t, "leave_out_many", leaveModal(many.pending(), many.f, "{}"))
	link := func(approvals.Request) string { return "" }
	lead := approvals.Person{ID: "ULEAD", Groups: []string{"SLEADS"}}
	goldenBlocks(t, slacksim.OnHome, "rules_home", s.view().home(home{person: lead, now: noon, link: link, open: []approvals.Request{s.pending()}}))
}

// A group that cannot be read does not take their Home from those who ask.
func TestAHomeOfSomebodyInAnUnreadableGroup(t *testing.T) {
	s := newScene(t, 2)
	anna := approvals.Person{ID: "UANNA", UnknownGroups: []string{"SDUTY"}}
	text := asJSON(t, s.view().home(home{person: anna, now: noon, link: func(approvals.Request) string { return "" }, open: []approvals.Request{s.pending()}}))
	for _, want := range []string{"can't tell right now", "Your requests", "S-22222"} {
		if !strings.Contains(text, want) {
			t.Errorf("the Home does not say %q: %s", want, text)
		}
	}
}

func TestWhatIsSaidPrivatelyOfRules(t *testing.T) {
	s := underRules(t, 3, leads, dba)
	auto := underRules(t, 3, approvals.Rule{Name: "dev", Auto: true})
	v := s.view()
	for name, tt := range map[string]struct {
		said string
		want []string
	}{
		"dry run":       {sayDryRun(s.pending()), []string{"Rules `databases`, `production`: it needs 1 of <!subteam^SDBA> (rule `databases`), 2 of <!subteam^SLEADS> (rule `production`)."}},
		"dry run, auto": {sayDryRun(auto.pending()), []string{"Rule `dev`: it needs no approval."}},
		"asked, auto":   {sayAsked(auto.pending()), []string{"Approved automatically by rule `dev`: it starts now."}},
		"status":        {v.sayStatus(s.yes(s.pending(), "ULEAD", 1, "SLEADS"), approvals.Freeze{}, nil, ""), []string{"<@ULEAD>, 1 more", "rules `databases`, `production`", "ticket `CHG-&lt;12&gt;`"}},
		"too late":      {v.sayRefusal(&approvals.Refusal{Kind: approvals.AlreadyDecided, Request: auto.pending()}), []string{"automatically by rule `dev`"}},
		"approved":      {sayDidApprove(s.yes(s.pending(), "ULEAD", 1, "SLEADS")), []string{"needs 2 more"}},
	} {
		for _, want := range tt.want {
			if !strings.Contains(tt.said, want) {
				t.Errorf("%s does not say %q:\n%s", name, want, tt.said)
			}
		}
		toldPrivately(t, name, tt.said)
	}
}

// Where there are several projects, each line of a list names its own.
func TestListsNameTheProject(t *testing.T) {
	s := newScene(t, 2)
	one, two := s.view(), s.view()
	two.Projects = append(two.Projects, approvals.Project{Name: "dev"})
	r := []approvals.Request{s.pending()}
	for name, said := range map[string][2]string{
		"list": {one.sayList(r, 0), two.sayList(r, 0)}, "history": {one.sayHistory(r), two.sayHistory(r)}, "holder": {one.sayHolder(r[0], ""), two.sayHolder(r[0], "")},
	} {
		if strings.Contains(said[0], "*main*") || !strings.Contains(said[1], "*main*") {
			t.Errorf("%s: with one project %q, with two %q", name, said[0], said[1])
		}
	}
}

func TestExplainedRules(t *testing.T) {
	yes, no := true, false
	pol := approvals.Policy{Approvers: []string{"UBEN"}, Requesters: []string{"SDEV"}, ApprovalsRequired: 1, TTL: time.Hour, Rules: []approvals.Rule{
		leads, dba,
		{Name: "asks", Requesters: []string{"UANNA"}, SelfApproval: &yes, Channel: "CX", TTL: 10 * time.Minute, Ticket: "CHG-.*"},
		{Name: "hours", Hours: []approvals.Hours{{Days: []time.Weekday{time.Monday, time.Friday}, From: 8 * 60, To: 18*60 + 30, Zone: "UTC"}, {From: 0, To: 1440}}, SelfApproval: &no, Approvals: 2},
		{Name: "quiet", Servers: []string{"mail-*"}, Quiet: []string{"UQUIET"}},
		{Name: "dev", Servers: []string{"dev-*"}, Auto: true},
		{Name: "frozen", Servers: []string{"pay-*"}, Deny: "ask <finance>"},
		{Name: "many", MoreThan: 1},
	}}
	p := approvals.Project{Name: "main", Policy: pol}
	explain := func(mode approvals.Mode, names ...string) string {
		s := approvals.Subject{Mode: mode}
		for _, name := range names {
			s.Servers = append(s.Servers, approvals.Server{ID: name, Name: name})
		}
		return sayExplained(pol.Explain(s, noon), nil, p, mode)
	}
	all := explain(approvals.Soft, "web-1", "web-2", "db-1", "mail-1", "other-1")
	for _, want := range []string{
		"in* *main* · graceful shutdown", "Rule `production` (web-1, web-2): 2 approvals of <!subteam^SLEADS>; after 15 min also of <!subteam^SONCALL>",
		"Rule `databases` (db-1): 1 approval of <!subteam^SDBA>; a reason", "only <@UANNA> may ask; a ticket like `CHG-.*`; card in <#CX>; decided within 10 min", "the requester may approve;",
		"at least 2 approvals; the requester may approve nothing; applies Mon Fri 08:00–18:30 UTC, daily 00:00–24:00 UTC", "Rule `quiet` (mail-1): 1 approval\n", "applies to more than 1 server",
		"*By default* (other-1): 2 approvals of <@UBEN>", "<!subteam^SDEV> may ask", "*It needs 6 approvals* by different people, within 10 min.",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("it does not say %q:\n%s", want, all)
		}
	}
	if strings.Contains(all, "UQUIET") {
		t.Errorf("a quiet approver is mentioned:\n%s", all)
	}
	if said := explain(approvals.Soft, "pay-1"); !strings.Contains(said, "*not allowed*: ask &lt;finance&gt;") || !strings.Contains(said, "refused now* by rule `frozen`") {
		t.Error(said)
	}
	pol.Rules = pol.Rules[5:6]
	if said := explain(approvals.Soft, "dev-1"); !strings.Contains(said, "Rule `dev` (dev-1): *no approval*") || !strings.Contains(said, "starts at once") {
		t.Error(said)
	}
	if said := explain(approvals.Hard, "dev-1"); !strings.Contains(said, "not for a power off") || !strings.Contains(said, "*It needs 1 approval*") {
		t.Error(said)
	}
	toldPrivately(t, "explained", all)
	// Of very many rules it names the first ones.
	pol.Rules = nil
	for i := range 200 {
		pol.Rules = append(pol.Rules, approvals.Rule{Name: fmt.Sprintf("rule-%03d", i), Reason: true, Ticket: strings.Repeat("x", 100)})
	}
	long := explain(approvals.Soft, "web-1")
	toldPrivately(t, "200 rules", long)
	if len(long) > maxFallback || !strings.Contains(long, "more.") {
		t.Errorf("%d bytes: %s", len(long), long)
	}
}

// However many rules there are, a card keeps Slack's limits.
func TestACardWithManyRulesKeepsTheLimits(t *testing.T) {
	var rules []approvals.Rule
	var people []string
	for i := range 60 {
		people = append(people, fmt.Sprintf("UPERSON%04d", i))
	}
	for i := range 60 {
		rules = append(rules, approvals.Rule{Name: fmt.Sprintf("%02d-%s", i, strings.Repeat("<", 50)), Approvers: people, Approvals: 2, Quiet: people})
	}
	s := underRules(t, 3, rules...)
	r := s.pending()
	for _, newer := range []bool{false, true} {
		blocks, text := inForm(s.view(), newer).card(r, approvals.Freeze{})
		drawn(t, slacksim.OnMessage, blocks)
		if len(text) > maxFallback {
			t.Errorf("%d bytes of text", len(text))
		}
	}
	checkModal(t, previewOf(r, "{}"))
	toldPrivately(t, "dry run", sayDryRun(r))
	toldPrivately(t, "status", s.view().sayStatus(r, approvals.Freeze{}, nil, ""))
}

func TestOptionsOfWhatCanBeLeftOut(t *testing.T) {
	s := newScene(t, 150)
	for typed, want := range map[string]int{"WEB-15": 2, "10.0.0.7": 11, s.f.Servers[3].ID[:8]: 1, "zzz": 0, "": 20} {
		if got := matching(s.f.Servers, typed, suggestions); len(got) != want {
			t.Errorf("for %q there are %d, want %d", typed, len(got), want)
		}
	}
	empty := submission{}
	if _, _, wrong := readLeaveOut(view{}, empty); wrong[leaveBlock] == "" {
		t.Error("nothing chosen is taken")
	}
}
