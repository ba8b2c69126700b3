package bot_test

import (
	"strings"
	"testing"
	"time"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/slacksim"
)

// An app that was installed before the history scopes were asked for loses the
// answer to a post, and cannot search for the message.
func TestOutcomeIsToldAlthoughTheThreadCannotBeRead(t *testing.T) {
	t.Parallel()
	slack := quiet
	slack.Scopes = []string{"commands", "chat:write", "files:write", "users:read", "usergroups:read"}
	w := newWorldWith(t, ecssim.Options{MinJobTime: 100 * time.Millisecond, MaxJobTime: 300 * time.Millisecond, Seed: 1}, slack)
	ids := w.fleet(1)
	w.start(nil)
	card := w.Ask(anna, "web-1")
	w.Slack.FailNext("chat.postMessage", 1, slacksim.ResetBefore)
	w.Click(ben, card, approve)
	w.Reply(card, "<@UBEN> approved")
	w.Reply(card, "<@UANNA>", "1 server stopped")
	w.Stopped(ids...)
}

// Slack limits chat.update alone; cards and outcomes of others are posted.
func TestALimitOfDrawingHoldsUpNoPost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fleet(2)
	w.start(nil)
	first := w.Ask(anna, "web-1")
	w.Slack.FailNext("chat.update", 1, slacksim.RateLimited(12*time.Second))
	w.Click(anna, first, cancel)
	w.Within(5*time.Second, "the 429", func() bool {
		for _, c := range w.Slack.Calls("chat.update") {
			if c.Status == 429 {
				return true
			}
		}
		return false
	})
	limited := time.Now()
	second := w.Ask(anna, "web-2")
	w.Click(ben, second, approve)
	w.Reply(second, "<@UANNA>", "1 server stopped")
	w.Reply(first, "cancelled this request")
	if took := time.Since(limited); took > 10*time.Second {
		t.Errorf("the outcome came %v after the limit of another method", took)
	}
	if n := len(w.Slack.Calls("chat.update")); n != 1 {
		t.Errorf("chat.update was called %d times within its Retry-After", n)
	}
	w.CardSays(first, "Cancelled")
	w.CardSays(second, "Stopped")
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
			w.Slack.FailNext("chat.postMessage", 2, slacksim.ErrorCode(code, false))
			card := w.Ask(anna, "web-1")
			w.Click(ben, card, approve)
			w.Reply(card, "<@UANNA>", "1 server stopped")
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
			w.Slack.FailNext("upload", 1000, fault)
			card := w.Ask(anna, "web-*")
			began := time.Now()
			w.Click(ben, card, approve)
			w.Reply(card, "60 servers stopped")
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("the outcome came after %v", took)
			}
			if strings.HasPrefix(name, "forbidden") {
				w.Reply(card, "couldn't attach")
				if n := len(w.Slack.Calls("upload")); n != 1 {
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
	pending := w.Ask(anna, "web-1")
	approved := w.Ask(anna, "web-2")
	w.Command(ben, "freeze release")
	w.CardSays(pending, "Sending is frozen", "<@UBEN>", "release")
	if blocks := string(w.Now(pending).Blocks); !strings.Contains(blocks, "nothing happens until it is lifted") {
		t.Errorf("the confirm dialog does not mention the freeze: %s", blocks)
	}
	w.Click(ben, w.Now(approved), approve)
	w.CardSays(approved, "On hold", "approved by <@UBEN>", "release")
	asked := w.Ask(anna, "web-3") // its first picture shows it
	if text := slacksim.PlainText(asked); !strings.Contains(text, "Sending is frozen") {
		t.Errorf("a card posted during the freeze does not tell of it: %s", text)
	}
	w.Untouched(ids...)
	// The first attempts to draw it away are lost.
	w.Slack.FailNext("chat.update", 2, slacksim.ResetBefore)
	w.Command(ben, "unfreeze")
	w.Reply(approved, "<@UANNA>", "1 server stopped")
	for _, card := range []slacksim.Message{pending, asked} {
		w.Within(15*time.Second, "a card that is not on hold", func() bool { return !strings.Contains(slacksim.PlainText(w.Now(card)), "frozen") })
	}
}

// What a cancelled run has not sent is no progress.
func TestACancelledRunShowsWhatItHasDone(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, ecssim.Options{MinJobTime: 100 * time.Millisecond, MaxJobTime: 300 * time.Millisecond, Seed: 1}, quiet,
		"ECS_BATCH_SIZE", "1", "ECS_STOP_RATE", "1")
	w.fleet(4)
	w.start(nil)
	card := w.Ask(anna, "web-*")
	w.Click(ben, card, approve)
	w.CardSays(card, "1 of 4")
	w.Command(anna, "cancel "+requestID(card))
	w.Reply(card, "<@UANNA>", "not sent")
	text := w.CardSays(card, "Cancelled", "<@UANNA>", "of 4")
	if strings.Contains(text, "4 of 4") || strings.Contains(text, strings.Repeat("█", 20)) {
		t.Errorf("a cancelled run looks complete: %s", text)
	}
}
