package slackapp

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/slacksim"

	"github.com/slack-go/slack"
)

// worst is a request with the longest names the cloud allows, in several
// scripts, and a reason that grows when it is escaped.
func worst(t *testing.T, n, servers int) approvals.Request {
	t.Helper()
	var f approvals.ServerList
	for i := range servers {
		name := strings.Repeat([]string{"名", "ж", "ü", "a"}[i%4], 56) + fmt.Sprintf("-prod-%d", i%100)
		f.Servers = append(f.Servers, approvals.Server{ID: fmt.Sprintf("%08d-0000-4000-8000-000000000000", i), Name: name, Status: "ACTIVE", Address: "10.100.100.100", Charge: "1", Tags: []string{"as-group=1"}})
		f.LeftOut = append(f.LeftOut, approvals.LeftOut{Server: f.Servers[i], Skip: approvals.SkipLocked})
	}
	r, err := approvals.New(fmt.Sprintf("S-%05d", n), approvals.Ask{By: approvals.Person{ID: "UANNA"}, Channel: "COPS", Project: strings.Repeat("p", 64), Mode: approvals.Hard, Reason: strings.Repeat("<&>", 166)},
		f, approvals.Policy{MaxServers: 10000, TTL: time.Hour}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r.Thread = approvals.Thread{Channel: "COPS", TS: "1700000000.000100"}
	return r
}

func drawn(t *testing.T, surface slacksim.Surface, blocks []slack.Block) json.RawMessage {
	t.Helper()
	raw, err := json.Marshal(blocks)
	if err != nil {
		t.Fatal(err)
	}
	if err := slacksim.CheckBlocks(surface, raw); err != nil {
		t.Errorf("%v\n%s", err, raw)
	}
	return raw
}

func TestTheHomeKeepsSlacksLimits(t *testing.T) {
	v := viewOf(approvals.Policy{Approvers: []string{"UBEN"}, TTL: time.Hour})
	model, ended := worst(t, 1, 1000), worst(t, 1, 5000)
	ended.State, ended.Batches, ended.Finished = approvals.PartiallyFailed, 50, time.Now()
	ended.Tally = approvals.Tally{Stopped: 1000, Off: 1000, Failed: 1000, LeftOut: 1000, Unknown: 500, NotSent: 500}
	for _, n := range []int{0, 1, 8, 9, 100} {
		h := home{person: approvals.Person{ID: "UBEN"}, told: strings.Repeat("told ", 700), now: time.Now(),
			freeze: approvals.Freeze{On: true, By: "UBEN", At: time.Now(), Reason: strings.Repeat("<", 500)},
			link:   func(approvals.Request) string { return "https://sim.slack.com/archives/COPS/p1700000000000100" }}
		for i := range n {
			theirs, mine, running := model, model, model
			theirs.ID = fmt.Sprintf("S-%05d", i)
			mine.Requester = "UBEN"
			running.State, running.Batches, running.WaitingBatch = approvals.Executing, 10, 3
			h.open = append(h.open, theirs, mine, running)
		}
		for range min(n, homeResults) {
			h.ended = append(h.ended, ended)
		}
		blocks := v.home(h)
		raw := drawn(t, slacksim.OnHome, blocks)
		if len(blocks) > 100 || slacksim.BlockText(raw) > 13000 {
			t.Errorf("with %d requests it has %d blocks and %d characters", n, len(blocks), slacksim.BlockText(raw))
		}
	}
}

func TestTheCardWithWarningsKeepsSlacksLimits(t *testing.T) {
	v := viewOf(approvals.Policy{Approvers: []string{"UBEN", "SDUTY"}})
	for _, n := range []int{1, 100, 1000, 5000} {
		r := worst(t, 1, n)
		blocks, _ := v.card(r, approvals.Freeze{})
		raw := drawn(t, slacksim.OnMessage, blocks)
		if got := slacksim.BlockText(raw); got > 12000 {
			t.Errorf("%d servers: %d characters", n, got)
		}
		for _, word := range []string{"production", "Auto Scaling", "still billed", "unsaved data is lost"} {
			if !strings.Contains(string(raw), word) {
				t.Errorf("%d servers: no word of %q", n, word)
			}
		}
	}
}

// However long names and reasons are, the dialog ends with what the click does.
func TestAConfirmDialogEndsWithWhatTheClickDoes(t *testing.T) {
	for _, n := range []int{1, 2, 5000} {
		for f, end := range map[bool]string{false: "This begins as soon as you confirm.", true: "until it is lifted."} {
			r := worst(t, 1, n)
			text := sayConfirm(r, approvals.Freeze{On: f})
			if len([]rune(text)) > maxConfirm || !strings.HasSuffix(text, end) || !strings.Contains(text, "POWER OFF") || strings.ContainsAny(text, "<>`") {
				t.Errorf("%d servers: %s", n, text)
			}
		}
	}
}

func TestAReminderNamesWhoMayStillDecide(t *testing.T) {
	v := viewOf(approvals.Policy{Approvers: []string{"UBEN", "UANNA", "UCARLA", "SDUTY"}})
	r := approvals.Request{
		State:   approvals.Pending,
		Asked:   approvals.Asked{Requester: "UANNA"},
		Decided: approvals.Decided{ApprovalsNeeded: 2, Decisions: []approvals.Decision{{Choice: approvals.ChoseApprove, By: "UBEN"}}},
	}
	if got := v.sayReminder(r); !strings.HasPrefix(got, ":hourglass_flowing_sand: <@UCARLA>, <!subteam^SDUTY> Reminder: this request expires") {
		t.Error(got)
	}
	v.Projects[0].Policy.Approvers = []string{"UBEN"}
	if got := v.sayReminder(r); !strings.HasPrefix(got, ":hourglass_flowing_sand: Reminder: this request expires") {
		t.Error(got)
	}
}
