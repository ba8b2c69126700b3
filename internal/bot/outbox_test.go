package bot_test

import (
	"strings"
	"testing"
	"time"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/slacksim"
)

// An app that was installed before the history scopes were asked for loses the
// answer to a post, and cannot look whether the message stands.
func TestOutcomeIsToldAlthoughTheThreadCannotBeRead(t *testing.T) {
	t.Parallel()
	slack := quiet
	slack.Scopes = []string{"commands", "chat:write", "files:write", "users:read", "usergroups:read"}
	w := newWorldWith(t, ecssim.Options{MinJobTime: 100 * time.Millisecond, MaxJobTime: 300 * time.Millisecond, Seed: 1}, slack)
	ids := w.fleet(1)
	w.start(nil)
	card := w.ask(anna, "web-1")
	w.slack.FailNext("chat.postMessage", 1, slacksim.ResetBefore)
	w.click(ben, card, approve)
	w.reply(card, "<@UBEN> approved")
	w.reply(card, "<@UANNA>", "1 server stopped")
	w.stopped(ids...)
}

// Slack limits chat.update alone; cards and outcomes of others are posted.
func TestALimitOfDrawingHoldsUpNoPost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fleet(2)
	w.start(nil)
	first := w.ask(anna, "web-1")
	w.slack.FailNext("chat.update", 1, slacksim.RateLimited(12*time.Second))
	w.click(anna, first, cancel)
	w.within(5*time.Second, "the 429", func() bool {
		for _, c := range w.slack.Calls("chat.update") {
			if c.Status == 429 {
				return true
			}
		}
		return false
	})
	limited := time.Now()
	second := w.ask(anna, "web-2")
	w.click(ben, second, approve)
	w.reply(second, "<@UANNA>", "1 server stopped")
	w.reply(first, "withdrew this")
	if took := time.Since(limited); took > 10*time.Second {
		t.Errorf("the outcome came %v after the limit of another method", took)
	}
	if n := len(w.slack.Calls("chat.update")); n != 1 {
		t.Errorf("chat.update was called %d times within its Retry-After", n)
	}
	w.cardSays(first, "Cancelled")
	w.cardSays(second, "Done")
}

// A code of which nobody knows whether it passes is no reason to withdraw.
func TestAnUnknownRefusalWithdrawsNothing(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"team_added_to_org", "a_code_of_next_year"} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.fleet(1)
			w.start(nil)
			w.slack.FailNext("chat.postMessage", 2, slacksim.ErrorCode(code, false))
			card := w.ask(anna, "web-1")
			w.click(ben, card, approve)
			w.reply(card, "<@UANNA>", "1 server stopped")
		})
	}
}

// The file of a long list goes to another host, which a company's proxy may
// refuse. What else is said in the thread does not wait for it.
func TestAFileThatIsRefusedHoldsNothingUp(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]slacksim.Fault{"forbidden by a proxy": slacksim.Status(403), "no host answers": slacksim.ResetBefore} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.fleet(60)
			w.start(nil)
			w.slack.FailNext("upload", 1000, fault)
			card := w.ask(anna, "web-*")
			began := time.Now()
			w.click(ben, card, approve)
			w.reply(card, "60 servers stopped")
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("the outcome came after %v", took)
			}
			if strings.HasPrefix(name, "forbidden") {
				w.reply(card, "could not attach")
				if n := len(w.slack.Calls("upload")); n != 1 {
					t.Errorf("a certain no was asked for %d times", n)
				}
			}
		})
	}
}

// A freeze is seen where people decide: on the card and before they confirm.
func TestCardsTellOfTheFreeze(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(3)
	w.start(nil)
	pending := w.ask(anna, "web-1")
	approved := w.ask(anna, "web-2")
	w.command(ben, "freeze release")
	w.cardSays(pending, "On hold", "<@UBEN>", "release")
	if blocks := string(w.now(pending).Blocks); !strings.Contains(blocks, "Sending is paused") {
		t.Errorf("the confirm dialog does not mention the freeze: %s", blocks)
	}
	w.click(ben, w.now(approved), approve)
	w.cardSays(approved, "Sending is paused", "approved by <@UBEN>", "release")
	asked := w.ask(anna, "web-3") // its first picture shows it
	if text := slacksim.PlainText(asked); !strings.Contains(text, "On hold") {
		t.Errorf("a card posted during the freeze does not tell of it: %s", text)
	}
	w.untouched(ids...)
	// The first attempts to draw it away are lost.
	w.slack.FailNext("chat.update", 2, slacksim.ResetBefore)
	w.command(ben, "unfreeze")
	w.reply(approved, "<@UANNA>", "1 server stopped")
	for _, card := range []slacksim.Message{pending, asked} {
		w.within(15*time.Second, "a card that is not on hold", func() bool { return !strings.Contains(slacksim.PlainText(w.now(card)), "On hold") })
	}
}

// What a cancelled run has not sent is no progress.
func TestACancelledRunShowsWhatItHasDone(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, ecssim.Options{MinJobTime: 100 * time.Millisecond, MaxJobTime: 300 * time.Millisecond, Seed: 1}, quiet,
		"ECS_BATCH_SIZE", "1", "ECS_STOP_RATE", "1")
	w.fleet(4)
	w.start(nil)
	card := w.ask(anna, "web-*")
	w.click(ben, card, approve)
	w.cardSays(card, "1 of 4")
	w.command(anna, "cancel "+requestID(card))
	w.reply(card, "<@UANNA>", "not sent")
	text := w.cardSays(card, "Cancelled", "<@UANNA>", "of 4")
	if strings.Contains(text, "4 of 4") || strings.Contains(text, strings.Repeat("█", 20)) {
		t.Errorf("a cancelled run looks complete: %s", text)
	}
}
