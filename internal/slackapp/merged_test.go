package slackapp

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"ecsbot/internal/approvals"
	"ecsbot/internal/slacksim"
)

// A message of several notes has the words of each in order, and the outcome with its
// buttons last.
func TestAMessageOfManyTellsEachOfThem(t *testing.T) {
	for _, newer := range []bool{false, true} {
		tellsEachOfThem(t, view{Newer: newer})
	}
}

func tellsEachOfThem(t *testing.T, v view) {
	t.Helper()
	m := ending(t, approvals.Stop, "", approvals.Stopped, approvals.ActionFailed)
	end := m.Notes[0]
	owed := []approvals.Note{
		{ID: "1", Topic: approvals.TopicApproved, By: "UBEN", Count: 1},
		{ID: "2", Topic: approvals.TopicSent, Batch: 0, Count: 2, Job: "job1"},
		{ID: "3", Topic: approvals.TopicSent, Batch: 0, Count: 2, Job: "job2"},
		approvals.Note{ID: "4", Topic: approvals.TopicTrouble}.Because(approvals.CauseCloudBusy),
	}
	want := []string{
		view{}.sayNotes(m.Request, owed[:1]), view{}.sayNotes(m.Request, owed[1:3]), view{}.sayNotes(m.Request, owed[3:]),
	}

	m.Notes = owed
	blocks, text := v.reply(m)
	drawn(t, slacksim.OnMessage, blocks)
	if all := strings.Join(want, "\n"); text != all {
		t.Errorf("without the outcome it tells %s, want %s", text, all)
	}

	m.Notes = append(slices.Clone(owed), end)
	blocks, text = v.reply(m)
	drawn(t, slacksim.OnMessage, blocks)
	shown, at := asJSON(t, blocks), 0
	for _, line := range append(want, sayEnd(m.Request)) {
		i := strings.Index(shown[at:], strings.Trim(asJSON(t, line), `"`))
		if i < 0 {
			t.Fatalf("%s is not told, or not in its place: %s", line, shown)
		}
		at += i
	}
	if !strings.HasPrefix(text, sayEnd(m.Request)) || !strings.Contains(text, want[0]) {
		t.Errorf("a notification says %s", text)
	}
	if !strings.Contains(shown[at:], `"`+actRetry+`"`) {
		t.Error("the outcome has lost its buttons")
	}
}

// However many notes a message tells, Slack takes it.
func TestAMessageOfManyIsNotTooLong(t *testing.T) {
	m := ending(t, approvals.Stop, "", slices.Repeat([]approvals.Outcome{approvals.ActionFailed}, 40)...)
	end := m.Notes[0]
	for i := range m.Batches[0].Results {
		m.Batches[0].Results[i].Server.Name = strings.Repeat("long-", 50)
	}
	m.Notes = nil
	for i := range 9 {
		m.Notes = append(m.Notes, approvals.Note{ID: fmt.Sprint(i), Topic: approvals.TopicTrouble, Batch: i, Why: "3 servers wait, " + strings.Repeat("& more & ", 100)})
	}
	m.Notes = append(m.Notes, end)
	for _, newer := range []bool{false, true} {
		blocks, text := view{Newer: newer}.reply(m)
		raw := drawn(t, slacksim.OnMessage, blocks)
		if n := slacksim.BlockText(raw); n > maxBlocks+500 || len(text) > maxFallback {
			t.Errorf("%d characters in blocks, %d bytes of text", n, len(text))
		}
		if !strings.Contains(text, "3 servers wait") {
			t.Errorf("the text does not have the notes before the outcome: %s", text)
		}
		if !strings.Contains(asJSON(t, blocks), `"`+actRetry+`"`) {
			t.Error("the outcome has lost its buttons")
		}
	}
}
