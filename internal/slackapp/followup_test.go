package slackapp

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/slacksim"

	"github.com/slack-go/slack"
)

// ending is a request with one batch of servers with these outcomes.
func ending(t *testing.T, action approvals.Action, of string, outcomes ...approvals.Outcome) approvals.Message {
	t.Helper()
	noon := time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC)
	pol := approvals.Policy{Approvers: []string{"UBEN"}, MaxServers: 100, TTL: time.Hour}
	f := approvals.ServerList{Action: action}
	for range outcomes {
		f.Servers = append(f.Servers, approvals.Server{ID: uuid, Name: "web-1", Status: "SHUTOFF", Address: "10.0.0.1"})
	}
	mode := approvals.Soft
	if action == approvals.Start {
		mode = ""
	}
	step := func(r approvals.Request, err error) approvals.Request {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := step(approvals.New("S-22222", approvals.Ask{By: approvals.Person{ID: "UANNA"}, Channel: "COPS", Project: "main", Mode: mode, FollowUpOf: of}, f, pol, noon))
	if outcomes[0] == "" {
		return approvals.Message{Request: r}
	}
	r = step(r.Approve(approvals.Person{ID: "UBEN"}, pol, nil, "op", noon.Add(time.Minute)))
	b := approvals.PlanBatches(r, f, 100)[0]
	r = step(r.Execute(1, noon.Add(time.Minute)))
	b.State, b.JobID = approvals.Running, "ff80808270f5b0ab0170f5c3a3d80001"
	for i, o := range outcomes {
		b.Results[i].Outcome, b.Results[i].Sent = o, true
		switch o {
		case approvals.ActionFailed:
			b.Results[i].Code, b.Results[i].Detail = "Ecs.0100", "it <!here> will not"
		case approvals.NotKnown:
			b.Results[i].Detail = "runs, and was changed after the call"
		}
	}
	b, err := b.Ended()
	if err != nil {
		t.Fatal(err)
	}
	return approvals.Message{
		Request: step(r.BatchEnded(b.Tally(), noon.Add(3*time.Minute))), Batches: []approvals.Batch{b},
		Notes: []approvals.Note{{ID: "S-22222/end", Topic: approvals.TopicOutcome}},
	}
}

func TestOutcomesOfferWhatMakesSense(t *testing.T) {
	for _, test := range []struct {
		name    string
		m       approvals.Message
		buttons string
	}{
		{"end_stopped", ending(t, approvals.Stop, "", approvals.Stopped), actStartAgain},
		{"end_in_part", ending(t, approvals.Stop, "", approvals.Stopped, approvals.ActionFailed), actRetry + " " + actStartAgain},
		{"end_unknown", ending(t, approvals.Stop, "", approvals.NotKnown), actTheyAreOff + " " + actTheyRun},
		{"end_started", ending(t, approvals.Start, "S-33333", approvals.Started, approvals.FoundOn), ""},
		{"end_start_failed", ending(t, approvals.Start, "S-33333", approvals.ActionFailed), actRetry},
	} {
		bothForms(t, test.name, view{}, func(v view) ([]slack.Block, string) { return v.reply(test.m) })
		var have []string
		for _, b := range outcomeButtons(test.m) {
			for _, id := range []string{actTheyAreOff, actTheyRun, actRetry, actStartAgain} {
				if strings.Contains(asJSON(t, b), `"`+id+`"`) {
					have = append(have, id)
				}
			}
		}
		if got := strings.Join(have, " "); got != test.buttons {
			t.Errorf("%s: buttons %q, want %q", test.name, got, test.buttons)
		}
	}
}

func TestStartsAndFreezesLookAsTheyDid(t *testing.T) {
	v := viewOf(approvals.Policy{Approvers: []string{"UBEN"}})
	start := ending(t, approvals.Start, "S-33333", "", "").Request
	bothForms(t, "card_start", v, func(v view) ([]slack.Block, string) { return v.card(start, approvals.Freeze{}) })
	if text := asJSON(t, first(v.card(start, approvals.Freeze{}))); strings.Contains(strings.ToLower(strings.ReplaceAll(text, "ecs_stop", "")), "stop") {
		t.Errorf("the card of a start speaks of stopping: %s", text)
	}
	noon := time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC)
	goldenBlocks(t, slacksim.OnMessage, "frozen", paragraphs(sayAnnouncement(approvals.Note{Topic: approvals.TopicFrozen, At: noon, By: "UBEN", Why: "release <!channel>"})))
	goldenBlocks(t, slacksim.OnMessage, "thawed", paragraphs(sayAnnouncement(approvals.Note{Topic: approvals.TopicUnfrozen, At: noon, By: "UBEN"})))
	stop := ending(t, approvals.Stop, "", approvals.Stopped, approvals.NotKnown).Request
	goldenBlocks(t, slacksim.OnMessage, "held", paragraphs(view{}.sayNotes(stop, []approvals.Note{{Topic: approvals.TopicFrozenBatch, By: "UBEN", Why: "release"}})))
	goldenBlocks(t, slacksim.OnMessage, "batch_failed", paragraphs(view{}.sayNotes(stop, []approvals.Note{
		{Topic: approvals.TopicBatchFailed, Batch: 0, Count: 2, Code: "Ecs.0100", Why: "it <!here> will not"},
		{Topic: approvals.TopicBatchFailed, Batch: 0, Count: 1, Code: "Ecs.0605"},
	})))
	goldenModal(t, "settle", resolveModal(stop, interaction{Request: stop.ID, Action: actTheyRun, Channel: "COPS"}))
	settled, err := stop.Resolve(approvals.Person{ID: "UBEN"}, v.Projects[0].Policy, true, "seen in the console", "op2", noon.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	bothForms(t, "card_settled", v, func(v view) ([]slack.Block, string) { return v.card(settled, approvals.Freeze{}) })
	goldenBlocks(t, slacksim.OnMessage, "settled", paragraphs(view{}.sayNotes(settled, []approvals.Note{{Topic: approvals.TopicResolved, By: "UBEN", Count: 1, Why: "seen in the console"}})))
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
