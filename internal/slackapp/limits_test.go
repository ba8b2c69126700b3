package slackapp

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"ecsbot/internal/approvals"
	"ecsbot/internal/command"
	"ecsbot/internal/slacksim"

	"github.com/slack-go/slack"
)

// longName is a name of 64 characters, as many as the cloud allows: Latin,
// Cyrillic, Chinese, Arabic, Devanagari and Latin with combining marks, and
// what grows most when it is escaped.
func longName(i int) string {
	const length = 64
	scripts := []string{"prod-web-", "сервер-", "服务器", "خادم", "सर्वर", "e\u0301a\u0308o\u0323", "&<>"}
	end := fmt.Sprintf("-%04d", i)
	name := []rune(strings.Repeat(scripts[i%len(scripts)], length))
	return string(name[:length-len(end)]) + end
}

// crowd asks for n servers with long names, half as many left out, everything
// that there is a warning of, and a reason that grows when it is escaped.
func crowd(t *testing.T, n int, mode approvals.Mode) *scene {
	t.Helper()
	s := newScene(t, n)
	s.ask.Mode, s.ask.Reason, s.ask.Project = mode, strings.Repeat("<&>", command.MaxReason/3), longName(6)
	for i := range s.f.Servers {
		v := &s.f.Servers[i]
		v.Name, v.Address, v.Charge, v.Tags = longName(i), "100.100.100.100", "1", []string{"as-group=1"}
	}
	for i := range n / 2 {
		s.f.LeftOut = append(s.f.LeftOut, approvals.LeftOut{Server: s.f.Servers[n-1-i], Skip: approvals.SkipGoingOff})
	}
	return s
}

// failsDifferently is a failure like no other, in many words.
func failsDifferently(i int) approvals.Result {
	reason := fmt.Sprintf("server %d: <the host> & its disks cannot be reached. ", i)
	return approvals.Result{Outcome: approvals.ActionFailed, Code: fmt.Sprintf("Ecs.%04d", i%10_000), Detail: strings.Repeat(reason, 5)}
}

// keepsLimits checks a message, and returns its first line, or the headline and what
// is below, and small print.
func keepsLimits(t *testing.T, what string, blocks []slack.Block, fallback string) string {
	t.Helper()
	raw := drawn(t, slacksim.OnMessage, blocks)
	if n := slacksim.BlockText(raw); n > 12_000 {
		t.Errorf("%s: its blocks have %d characters", what, n)
	}
	shortEnough(t, what, fallback)
	if h, ok := blocks[0].(*slack.HeaderBlock); ok {
		section, ok := blocks[1].(*slack.SectionBlock)
		if !ok {
			t.Fatalf("%s: after its headline there is a %T", what, blocks[1])
		}
		return h.Text.Text + "\n" + section.Text.Text
	}
	section, ok := blocks[0].(*slack.SectionBlock)
	if !ok {
		t.Fatalf("%s: it begins with a %T", what, blocks[0])
	}
	line, _, _ := strings.Cut(section.Text.Text, "\n")
	next := min(1, len(blocks)-1)
	if _, ok := blocks[next].(*slack.PlanBlock); ok {
		next++
	}
	if small, ok := blocks[next].(*slack.ContextBlock); ok {
		line += "\n" + small.ContextElements.Elements[0].(*slack.TextBlockObject).Text
	}
	return line
}

// toldPrivately checks the blocks and the text of a private answer.
func toldPrivately(t *testing.T, what, text string) {
	t.Helper()
	keepsLimits(t, what+", the status", paragraphs(text), text)
}

func shortEnough(t *testing.T, what, text string) {
	t.Helper()
	if n := utf8.RuneCountInString(text); n == 0 || n > 4000 || !utf8.ValidString(text) {
		t.Errorf("%s: the text has %d characters: %.300q", what, n, text)
	}
}

// toldTogether is how many notes the engine tells in one message at most.
const toldTogether = 10

func TestNamesAreAsLongAsTheyMayBe(t *testing.T) {
	for i := range 7 {
		if n := utf8.RuneCountInString(longName(i)); n != 64 {
			t.Errorf("%q has %d characters", longName(i), n)
		}
	}
}

var sizes = []int{1, 100, 1000, 5000}

func TestEverythingAboutARequestKeepsSlacksLimits(t *testing.T) {
	t.Parallel()
	for _, action := range []approvals.Action{approvals.Stop, approvals.Start} {
		for _, n := range sizes {
			if action == approvals.Start && n > 100 {
				continue // it differs in words only
			}
			t.Run(fmt.Sprintf("%s %d", toDo(action), n), func(t *testing.T) {
				t.Parallel()
				s := crowd(t, n, approvals.Hard)
				if action == approvals.Start {
					s.ask.Mode, s.ask.FollowUpOf, s.f.Action = "", "S-33333", action
				}
				testStatesAndEndings(t, s, n)
				s.newer = true
				testStatesAndEndings(t, s, n)
			})
		}
	}
}

func testStatesAndEndings(t *testing.T, s *scene, n int) {
	v := s.view()
	const link = "https://sim.slack.com/archives/COPS/p1700000000000100"
	good := approvals.Result{Outcome: s.f.Action.Confirmed()}
	ends := map[string]approvals.Message{
		"all done":  s.ended(false, all(good)),
		"all alike": s.ended(false, all(failsDifferently(1))),
		"half failed": s.ended(false, func(i int) approvals.Result {
			if i%2 == 0 {
				return failsDifferently(i)
			}
			return good
		}),
		"all not known": s.ended(false, all(isNotKnown)),
		"none sent":     s.ended(true, all(wasNotSent)),
		"of all kinds": s.ended(true, func(i int) approvals.Result {
			return inTurn(failsDifferently(i), isNotKnown, good, approvals.Result{Outcome: s.f.Action.Observed()}, wasLeftOut, wasNotSent)(i)
		}),
	}
	requests := map[string]approvals.Request{
		"pending": s.pending(), "one of two": s.oneYes(), "approved": s.approved(),
		"running": s.running(), "cancelled while it runs": s.cancelled(s.running()),
		"denied": s.denied(strings.Repeat("<&>", command.MaxReason/3)), "cancelled": s.cancelled(s.pending()), "expired": s.expired(), "withdrawn": s.withdrawn(),
	}
	unknown := ends["all not known"].Request
	requests["settled"] = s.must(unknown.Resolve(approvals.Person{ID: "UBEN"}, s.pol, true, strings.Repeat("<&>", command.MaxReason/3), "op4", after(30)))
	for name, m := range ends {
		requests[name] = m.Request
		blocks, fallback := v.reply(m)
		line := keepsLimits(t, name+", the outcome", blocks, fallback)
		if !strings.Contains(line, mention("UANNA")) || !strings.Contains(line, "S-22222") {
			t.Errorf("%s: the first line of the outcome is %q", name, line)
		}
		toldPrivately(t, name, v.sayStatus(m.Request, approvals.Freeze{}, m.Batches, link))
	}
	for name, r := range requests {
		blocks, fallback := v.card(r, approvals.Freeze{On: true, By: "UBEN", At: noon, Reason: strings.Repeat("<&>", command.MaxReason/3)})
		line := keepsLimits(t, name, blocks, fallback)
		project := bold(s.ask.Project)
		if r.State == approvals.Pending {
			project = s.ask.Project
		}
		for _, want := range []string{mention("UANNA"), thousands(n), project} {
			if !strings.Contains(line, want) {
				t.Errorf("%s: the card does not begin with %q: %q", name, want, line)
			}
		}
		toldPrivately(t, name, v.sayStatus(r, approvals.Freeze{}, nil, link))
	}
	notesKeepLimits(t, v, requests["running"])
	toldPrivately(t, "dry run", sayDryRun(s.pending()))
	toldPrivately(t, "asked", sayAsked(s.pending()))
	checkModal(t, previewOf(s.pending(), "{}"))
	pages := (len(s.f.Servers) + len(s.f.LeftOut) + perPage - 1) / perPage
	for _, page := range []int{0, pages / 2, pages - 1} {
		checkModal(t, serversPage(s.pending(), s.f, page))
	}
	for _, m := range ends {
		for _, page := range []int{-1, 0, len(s.f.Servers) / perPage, 10_000} {
			checkModal(t, resultsPage(m.Request, m.Batches, link, page))
		}
	}
}

// notesKeepLimits says everything that is said in a thread, as many notes
// together as are owed together, and with as long a reason as there may be.
func notesKeepLimits(t *testing.T, v view, r approvals.Request) {
	t.Helper()
	for _, topic := range []approvals.Topic{
		approvals.TopicApproved, approvals.TopicDenied, approvals.TopicCancelled, approvals.TopicExpired, approvals.TopicSent,
		approvals.TopicUnclear, approvals.TopicOverdue, approvals.TopicPaused, approvals.TopicTrouble, approvals.TopicFrozenBatch,
		approvals.TopicResolved, approvals.TopicBatchFailed, approvals.TopicReminder, approvals.TopicUnshared,
	} {
		notes := make([]approvals.Note, 1)
		if topic.Merges() {
			notes = make([]approvals.Note, toldTogether)
		}
		for i := range notes {
			notes[i] = approvals.Note{Topic: topic, By: "UBEN", Count: 100, Batch: i, Job: strings.Repeat("f", 32), Code: "Ecs.0100", Why: strings.Repeat("<&>", command.MaxReason/3)}
		}
		blocks, fallback := v.reply(approvals.Message{Request: r, Notes: notes})
		keepsLimits(t, "thread, "+string(topic), blocks, fallback)
		toldPrivately(t, "elsewhere, "+string(topic), clip(view{}.sayElsewhere(approvals.Message{Request: r, Notes: notes, Refused: "restricted_action"}), maxFallback))
	}
}

func TestAHomeOfAHundredRequestsKeepsSlacksLimits(t *testing.T) {
	t.Parallel()
	for _, n := range sizes {
		s := crowd(t, n, approvals.Hard)
		pending, running := s.pending(), s.running()
		ended := s.ended(false, inTurn(wasStopped, failsDifferently(1), isNotKnown, wasNotSent)).Request
		v := s.view()
		for _, who := range []string{"UBEN", "UANNA", "UDORA"} {
			h := home{person: approvals.Person{ID: who}, now: noon, link: func(approvals.Request) string { return "https://sim.slack.com/archives/COPS/p1700000000000100" }}
			for i := range 100 {
				r := []approvals.Request{pending, running}[i%2]
				r.ID = fmt.Sprintf("S-%05d", i)
				h.open = append(h.open, r)
			}
			for range homeResults {
				h.ended = append(h.ended, ended)
			}
			blocks := v.home(h)
			raw, err := json.Marshal(slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: blocks}})
			if err != nil {
				t.Fatal(err)
			}
			if err := slacksim.CheckView(raw); err != nil {
				t.Errorf("%d servers, %s: %v", n, who, err)
			}
			if size := slacksim.BlockText(drawn(t, slacksim.OnHome, blocks)); size > 12_000 {
				t.Errorf("%d servers, %s: %d characters", n, who, size)
			}
		}
	}
}

// However many servers a message does not name, it says how many.
func TestALongOutcomeSaysWhatItLeavesOut(t *testing.T) {
	t.Parallel()
	const n = 1000
	s := crowd(t, n, approvals.Soft)
	for name, is := range map[string]approvals.Result{"stopped": wasStopped, "failed": didFail, "unknown": isNotKnown, "skipped": wasLeftOut} {
		results := make([]approvals.Result, n)
		for i := range results {
			results[i] = is
			results[i].Server = s.f.Servers[i]
		}
		for _, budget := range []int{400, 1000, 3000, 9000} {
			said := sayOutcomes(outcomeGroup{is.Outcome, is.Skip, results}, budget)
			named := 0
			for _, run := range approvals.NameRuns(s.f.Servers) {
				if strings.Contains(said, sayRun(run)) {
					named += run.Count
				}
			}
			if len(said) > budget || !strings.Contains(said, "(1,000)") || named < n && !strings.Contains(said, thousands(n-named)+" more") && named > 0 {
				t.Errorf("%s: of %d servers, in %d bytes, %d are named:\n%s", name, n, budget, named, said)
			}
		}
	}
}
