package bot_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/slacksim"
)

// inBothForms runs a story with the blocks of 2026 and without them.
func inBothForms(t *testing.T, story func(t *testing.T, form string)) {
	for _, form := range []string{"auto", "classic"} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			story(t, form)
		})
	}
}

// newer are the blocks of 2026 that the bot uses.
var newer = []string{`"data_table"`, `"plan"`, `"container"`, `"alert"`}

func hasNewer(m slacksim.Message) bool {
	return slices.ContainsFunc(newer, func(kind string) bool { return strings.Contains(string(m.Blocks), `"type":`+kind) })
}

// refusals counts the messages that Slack refused for their blocks.
func (w *world) refusals() (n int) {
	for _, c := range w.Slack.Calls("") {
		if c.Error() == "invalid_blocks" {
			n++
		}
	}
	return n
}

// The outcome is a table: what failed comes first, with id, code and the cloud's own
// words; each server has a row.
func TestTheOutcomeIsATable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(3)
	w.Cloud.FailServer(ids[1], "Ecs.0810", "The guest did not shut down <in time> & was left running.")
	w.start(nil)
	card := w.Ask(anna, "web-1 web-2 web-3")
	w.Click(ben, card, approve)
	end := w.outcome(card, "2 of 3 servers stopped", "1 failed")
	text := slacksim.PlainText(end)
	rows := strings.Split(text[strings.Index(text, "Server | "):], "\n")
	if !hasNewer(end) || !holds(rows[1], "web-2 ("+ids[1]+") | failed | Ecs.0810 | The guest did not shut down ‹in time› & was left running.") {
		t.Errorf("the outcome is\n%s", text)
	}
	for i, want := range []string{"web-1 | stopped", "web-3 | stopped"} {
		if !strings.HasPrefix(rows[i+2], want) {
			t.Errorf("row %d is %q, want %q", i+2, rows[i+2], want)
		}
	}
	if !holds(end.Text, "web-2", "Ecs.0810", "web-1: stopped", "web-3: stopped") {
		t.Errorf("the text beside the table is %s", end.Text)
	}
	if w.refusals() != 0 {
		t.Error("Slack refused blocks")
	}
}

// A workspace without the blocks of 2026 refuses one message; its classic form
// stands there at once, and from then on every replica, also one that starts later,
// makes only classic ones.
func TestAWorkspaceThatRefusesNewerBlocksGetsClassicOnes(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, ecssim.Options{MinJobTime: time.Millisecond, MaxJobTime: 20 * time.Millisecond, Seed: 1}, quiet)
	w.fleet(6)
	w.Slack.RefuseNewerBlocks(true)
	stop := w.start(nil)
	done := func(servers string) slacksim.Message {
		t.Helper()
		card := w.Ask(anna, servers)
		w.Click(ben, card, approve)
		w.outcome(card, "stopped")
		return card
	}
	done("web-1")
	if n := w.refusals(); n != 1 {
		t.Errorf("Slack refused %d messages, want the first one with newer blocks", n)
	}
	done("web-2")
	stop()
	w.start(nil)
	done("web-3")
	if n := w.refusals(); n != 1 {
		t.Errorf("after it was known that Slack refuses them, newer blocks were sent %d times", n-1)
	}
	for _, m := range w.Everything() {
		if hasNewer(m) || len(m.Blocks) == 0 && m.EphemeralTo == "" {
			t.Errorf("this has newer blocks, or none at all: %s %s", m.Text, m.Blocks)
		}
	}
}

func TestClassicBlocksCanBeChosen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "SLACK_BLOCKS", "classic")
	w.fleet(1)
	w.Slack.RefuseNewerBlocks(true)
	w.start(nil)
	card := w.Ask(anna, "web-1 --hard")
	w.Click(ben, card, approve)
	if end := w.outcome(card, "stopped"); hasNewer(end) || w.refusals() != 0 {
		t.Errorf("newer blocks were sent: %s", end.Blocks)
	}
}
