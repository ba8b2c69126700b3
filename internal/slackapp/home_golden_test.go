package slackapp

import (
	"testing"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/slacksim"

	"github.com/slack-go/slack"
)

func TestHomesAndProgressLookAsTheyDid(t *testing.T) {
	noon := time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC)
	pol := approvals.Policy{Approvers: []string{"UBEN", "SDUTY"}, MaxServers: 1000, TTL: time.Hour}
	v := viewOf(pol)
	ask := func(id, by string, n int) approvals.Request {
		t.Helper()
		var f approvals.ServerList
		for i := range n {
			f.Servers = append(f.Servers, approvals.Server{ID: uuid, Name: []string{"prod-web-1", "as-config-7", "web-3"}[i%3], Status: "ACTIVE", Address: "10.0.0.1", Flavor: "d3.xlarge.8"})
		}
		r, err := approvals.New(id, approvals.Ask{By: approvals.Person{ID: by}, Channel: "COPS", Project: "main", Mode: approvals.Hard, Reason: "night"}, f, pol, noon)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	done := func(r approvals.Request, err error) approvals.Request {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	ben := approvals.Person{ID: "UBEN"}
	approved := done(ask("S-44444", "UANNA", 1000).Approve(ben, pol, nil, "op", noon.Add(time.Minute)))
	running := done(done(approved.Execute(10, noon.Add(time.Minute))).BatchEnded(approvals.Tally{Stopped: 98, Failed: 2}, noon.Add(2*time.Minute)))
	running.WaitingBatch = 2
	ended := done(done(approved.Execute(1, noon)).BatchEnded(approvals.Tally{Stopped: 1000}, noon.Add(3*time.Minute)))
	ended.ID = "S-55555"
	denied := done(ask("S-66666", "UANNA", 1).Deny(ben, pol, "not now", "op", noon.Add(time.Minute)))

	bothForms(t, "card_warnings", v, func(v view) ([]slack.Block, string) { return v.card(ask("S-22222", "UANNA", 3), approvals.Freeze{}) })
	bothForms(t, "card_waits_for_limit", v, func(v view) ([]slack.Block, string) { return v.card(running, approvals.Freeze{}) })
	goldenBlocks(t, slacksim.OnMessage, "reminder", paragraphs(v.sayReminder(ask("S-22222", "UANNA", 3))))

	link := func(approvals.Request) string { return "https://sim.slack.com/archives/COPS/p1700000000000100" }
	goldenBlocks(t, slacksim.OnHome, "home_approver", v.home(home{
		person: ben, now: noon.Add(5 * time.Minute), link: link,
		open:  []approvals.Request{ask("S-22222", "UANNA", 3), ask("S-33333", "UBEN", 1), running},
		ended: []approvals.Request{ended, denied},
	}))
	goldenBlocks(t, slacksim.OnHome, "home_frozen", v.home(home{
		person: ben, now: noon, link: link, told: sayDidApprove(approved),
		freeze: approvals.Freeze{On: true, By: "UBEN", At: noon, Reason: "release"},
	}))
	goldenBlocks(t, slacksim.OnHome, "home_guest", v.home(home{
		person: approvals.Person{ID: "UGUS", Guest: true}, now: noon, link: link,
		open: []approvals.Request{running},
	}))
}

func first(blocks []slack.Block, _ string) []slack.Block { return blocks }
