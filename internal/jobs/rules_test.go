package jobs

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/ecssim"
	"ecsbot/internal/store"
)

// underRules are a project with these rules.
func underRules(rules ...approvals.Rule) func(*Config) {
	return func(c *Config) { c.Projects[0].Policy.Rules = rules }
}

// setRules changes the rules of a running engine.
func setRules(e *Engine, rules ...approvals.Rule) {
	now := *e.projects.all()[0]
	now.Policy.Rules = rules
	e.projects.set([]Project{now.Project})
}

// notes is the outbox of a request.
func (w *world) notes(e *Engine, id string) []approvals.Note {
	w.t.Helper()
	notes, err := e.courier.outbox(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return notes
}

func topics(notes []approvals.Note) (all []approvals.Topic) {
	for _, n := range notes {
		all = append(all, n.Topic)
	}
	return all
}

// logged reports whether an entry of the audit log holds all the words.
func (w *world) logged(words ...string) bool {
	for _, m := range do(w, w.rdb.XRange(w.t.Context(), w.key("audit"), "-", "+")) {
		entry, _ := m.Values["d"].(string)
		if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(entry, word) }) {
			return true
		}
	}
	return false
}

func TestAnApproverLeavesServersOut(t *testing.T) {
	t.Parallel()
	w, e := alone(t, func(c *Config) { c.Projects[0].Policy.ApprovalsRequired = 2 })
	ids := w.fleet(4)
	r := w.ask(e, "op", ids...)
	w.approve(e, r, ben)
	if _, err := e.LeaveOut(t.Context(), r.ID, dora, ids[:1], "form1"); !isRefusal(err, approvals.NotApprover) {
		t.Errorf("somebody else leaves out: %v", err)
	}
	next, err := e.LeaveOut(t.Context(), r.ID, carla, ids[:2], "form2")
	if err != nil || next.Total != 2 || next.Approvals() != 1 || next.State != approvals.Pending || next.Digest == r.Digest {
		t.Fatalf("%s with %d servers and %d approvals: %v", next.State, next.Total, next.Approvals(), err)
	}
	// The same form again does nothing, and what is left out cannot be put back.
	again, err := e.LeaveOut(t.Context(), r.ID, carla, ids[:2], "form2")
	if err != nil || len(again.LeftOutBy()) != 1 {
		t.Errorf("the same form left out %d times: %v", len(again.LeftOutBy()), err)
	}
	if _, err := e.LeaveOut(t.Context(), r.ID, carla, ids[:2], "form3"); !isRefusal(err, approvals.NoneListed) {
		t.Errorf("the same servers again: %v", err)
	}
	list, err := e.ServerList(t.Context(), r.ID)
	if err != nil || len(list.Servers) != 2 || list.Digest(r.Project, r.Mode) != next.Digest || len(list.LeftOut) != 2 || list.LeftOut[0].Skip != approvals.SkipLeftOut {
		t.Errorf("the list is %+v: %v", list, err)
	}
	note := w.notes(e, r.ID)[2]
	if note.Topic != approvals.TopicLeftOut || note.By != carla.ID || note.Count != 2 || note.Rest != 2 || len(note.Names) != 2 || note.Names[0].First != "web-1" {
		t.Errorf("the note is %+v", note)
	}
	if !w.logged(`"leave_out"`, next.Digest, carla.ID, `"count":2`) {
		t.Error("the audit log does not tell")
	}
	// What was left out is free at once, the rest is not.
	if _, err := e.Ask(t.Context(), askOf("op2", ids[2])); !isRefusal(err, approvals.ServersTaken) {
		t.Errorf("a server that remains: %v", err)
	}
	w.ask(e, "op3", ids[0])
	next, err = e.Approve(t.Context(), r.ID, carla, "yes2", ben)
	if err != nil || next.State != approvals.Approved {
		t.Fatalf("%s, %v", next.State, err)
	}
	if _, err := e.LeaveOut(t.Context(), r.ID, ben, ids[2:3], "form4"); !isRefusal(err, approvals.AlreadyDecided) {
		t.Errorf("after the decision: %v", err)
	}
}

// Two people leave out at the same time: both count, and no server comes back.
func TestTwoLeaveOutAtOnce(t *testing.T) {
	t.Parallel()
	w, e := alone(t)
	ids := w.fleet(6)
	r := w.ask(e, "op", ids...)
	other := w.opened()
	done := make(chan error, 2)
	go func() { _, err := e.LeaveOut(t.Context(), r.ID, ben, ids[:2], "form1"); done <- err }()
	go func() { _, err := other.LeaveOut(t.Context(), r.ID, carla, ids[1:3], "form2"); done <- err }()
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	now, err := e.Find(t.Context(), r.ID)
	list, err2 := e.ServerList(t.Context(), r.ID)
	if err != nil || err2 != nil || now.Total != 3 || len(list.Servers) != 3 || now.Digest != list.Digest(r.Project, r.Mode) {
		t.Errorf("%d servers, list of %d: %v, %v", now.Total, len(list.Servers), err, err2)
	}
}

func TestOnlyWhatRemainsIsStopped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(3)
	e := w.opened()
	r := w.ask(e, "op", ids...)
	if _, err := e.LeaveOut(t.Context(), r.ID, ben, ids[1:2], "form"); err != nil {
		t.Fatal(err)
	}
	w.approve(e, r, ben)
	w.run(e, newMessenger())
	if r := w.ended(20*time.Second, e, r.ID); r.State != approvals.Succeeded || r.Tally.Stopped != 2 {
		t.Errorf("%s: %+v", r.State, r.Tally)
	}
	if n := w.cloud.StopCount(ids[1]); n != 0 {
		t.Errorf("what was left out is stopped %d times", n)
	}
}

func asText(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A rule lets it go at once; the card, the thread and the audit log name the rule.
func TestAutomaticRequestsRunAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(2)
	e := w.opened(underRules(approvals.Rule{Name: "dev", Servers: []string{"web-*"}, Auto: true}))
	r := w.ask(e, "op", ids...)
	if d := r.LastDecision(); r.State != approvals.Approved || d.Choice != approvals.ChoseAuto || d.By != "" || d.Reason != "dev" {
		t.Fatalf("%s by %+v", r.State, d)
	}
	if got := topics(w.notes(e, r.ID)); !slices.Equal(got, []approvals.Topic{approvals.TopicCard, approvals.TopicApproved}) {
		t.Errorf("the thread is owed %v", got)
	}
	if !w.logged(`"event":"auto"`, `"reason":"dev"`) {
		t.Error("the audit log does not name the rule")
	}
	f := newMessenger()
	w.run(e, f)
	if r := w.ended(20*time.Second, e, r.ID); r.State != approvals.Succeeded {
		t.Errorf("%s", r.State)
	}
	// To start them again is another matter: the rule is about both, HARD is not.
	hard := askOf("op2", ids[0])
	hard.Mode = approvals.Hard
	w.cloud.StartByHand(ids[0])
	if r, err := e.Ask(t.Context(), hard); err != nil || r.State != approvals.Pending {
		t.Errorf("a power off is %s: %v", r.State, err)
	}
}

// A rule that came after the approval, or whose hours began, keeps it from being sent.
func TestAnApprovedRequestThatIsDeniedMeanwhileIsNotSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(2)
	e := w.opened(underRules(approvals.Rule{Name: "any", Reason: true}))
	r := w.ask(e, "op", ids...)
	w.approve(e, r, ben)
	setRules(e, approvals.Rule{Name: "frozen", Deny: "release day"})
	w.run(e, newMessenger())
	got := w.ended(20*time.Second, e, r.ID)
	if d := got.LastDecision(); got.State != approvals.Cancelled || d.Choice != approvals.ChoseRule || d.Rule != "frozen" || d.Reason != "release day" {
		t.Errorf("%s by %+v", got.State, got.LastDecision())
	}
	if n := len(w.stops()); n != 0 {
		t.Errorf("%d calls were made", n)
	}
	if !w.logged(`"event":"rule"`, `"rule":"frozen"`) {
		t.Error("the audit log does not tell")
	}
	setRules(e)
	w.ask(e, "op2", ids...) // they are unlocked
}

func TestADenialByARuleAtTheClickChangesNothing(t *testing.T) {
	t.Parallel()
	w, e := alone(t)
	r := w.ask(e, "op", w.fleet(1)...)
	setRules(e, approvals.Rule{Name: "frozen", Deny: "release day"})
	if _, err := e.Approve(t.Context(), r.ID, ben, "yes"); !isRefusal(err, approvals.RuleDenies) {
		t.Errorf("the click: %v", err)
	}
	setRules(e)
	if next, err := e.Approve(t.Context(), r.ID, ben, "yes2"); err != nil || next.State != approvals.Approved {
		t.Errorf("after the window: %s, %v", next.State, err)
	}
}

func TestMorePeopleAreAskedOnceWhenNobodyDecides(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rule := underRules(approvals.Rule{
		Name: "prod", Approvers: []string{carla.ID},
		Escalate: &approvals.Escalation{After: 300 * time.Millisecond, To: []string{dora.ID}},
	})
	e := w.opened(rule, func(c *Config) { c.RemindGap = time.Hour })
	w.fleet(1)
	r := w.ask(e, "op", "web-1")
	if _, err := e.Approve(t.Context(), r.ID, ben, "yes1"); !isRefusal(err, approvals.NotApprover) {
		t.Errorf("one of the policy's approvers: %v", err)
	}
	f := newMessenger()
	stop := w.run(e, f)
	told := func() bool {
		now, err := e.Find(t.Context(), r.ID)
		return err == nil && !now.EscalatedAt.IsZero()
	}
	w.within(10*time.Second, "the escalation", told)
	stop()
	// Another replica does not tell it again.
	other := w.opened(rule)
	w.run(other, f)
	w.commit(other, store.NewChange().Wake(requestItem(r.ID), 0))
	w.beats(1, 4)
	if n := strings.Count(asText(t, do(w, w.rdb.XRange(t.Context(), w.key("audit"), "-", "+"))), `\"event\":\"escalated\"`); n != 1 {
		t.Errorf("escalated %d times", n)
	}
	if next, err := other.Approve(t.Context(), r.ID, dora, "yes2"); err != nil || next.State != approvals.Approved {
		t.Errorf("the one who was asked later: %s, %v", next.State, err)
	}
}

func TestExplainIsAboutServersAsTheyAre(t *testing.T) {
	t.Parallel()
	w, e := alone(t, underRules(
		approvals.Rule{Name: "many", MoreThan: 1, Approvals: 2},
		approvals.Rule{Name: "web", Servers: []string{"web-*"}, Reason: true}))
	ids := w.fleet(2)
	ex, missing, err := e.Explain(t.Context(), askOf("", "web-*", "nothing"))
	if err != nil || missing == nil || !slices.Equal(ex.Names(), []string{"many", "web"}) || ex.Approvals() != 2 {
		t.Errorf("%+v, %+v, %v", ex, missing, err)
	}
	w.cloud.StopByHand(ids[0]) // it would be skipped, so it is not many
	if ex, _, err := e.Explain(t.Context(), askOf("", "web-*")); err != nil || !slices.Equal(ex.Names(), []string{"web"}) {
		t.Errorf("%v, %v", ex.Names(), err)
	}
	w.cloud.StopByHand(ids[1])
	if ex, _, err := e.Explain(t.Context(), askOf("", "web-*")); err != nil || !slices.Equal(ex.Names(), []string{"many", "web"}) {
		t.Errorf("of stopped servers: %v, %v", ex.Names(), err)
	}
}

// Two projects have servers of the same name: an ask is about those of its own.
func TestServersOfTheSameNameInTwoProjects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(1)
	s := w.second(0)
	const other = "0000abcd-0000-4000-9000-000000000001"
	s.Add(ecssim.Server{ID: other, Name: "web-1", Status: "ACTIVE", VMState: "active"})
	e := w.opened(s.with(underRules(approvals.Rule{Name: "web", Servers: []string{"web-1"}, Approvers: []string{dora.ID}})))
	a, b := w.askIn(e, "demo", "a", "web-1"), w.askIn(e, "dev", "b", "web-1")
	if a.Project != "demo" || b.Project != "dev" || a.Digest == b.Digest || a.Sample[0].ID != ids[0] || b.Sample[0].ID != other {
		t.Errorf("%s with %s, %s with %s", a.Project, a.Sample[0].ID, b.Project, b.Sample[0].ID)
	}
	w.approve(e, b, dora)
	w.run(e, newMessenger())
	if r := w.ended(20*time.Second, e, b.ID); r.State != approvals.Succeeded || s.StopCount(other) != 1 || w.cloud.StopCount(ids[0]) != 0 {
		t.Errorf("%s, stopped %d and %d times", r.State, s.StopCount(other), w.cloud.StopCount(ids[0]))
	}
}
