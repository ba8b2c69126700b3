package bot_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"ecsbot/internal/jobs"
	"ecsbot/internal/slacksim"
)

func TestClicksWithoutRightHaveNoEffectButAnAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(3)
	w.crowd()
	w.start(nil)
	w.start(nil)
	card := w.Ask(ben, "web-1 --reason test") // ben is an approver, too
	other := w.Ask(anna, "web-2")
	before := w.Now(card)
	refusals := []struct {
		name, user, action string
		words              []string
		value              string // a forged one
	}{
		{name: "somebody who is no approver", user: dora, action: approve, words: []string{"Only approvers"}},
		{name: "the requester", user: ben, action: approve, words: []string{"your own request"}},
		{name: "a guest in the approvers' group", user: gus, action: approve, words: []string{"Guests"}},
		{name: "a guest of one channel", user: "USOLO", action: approve, words: []string{"Guests"}},
		{name: "a deactivated approver", user: "UEVE", action: approve, words: []string{"deactivated"}},
		{name: "an approver from another workspace", user: "UFAY", action: approve, words: []string{"Only members of this workspace"}},
		{name: "a bot", user: "UROBO", action: approve, words: []string{"Bots"}},
		{name: "denial by somebody who is no approver", user: dora, action: deny, words: []string{"Only approvers"}},
		{name: "denial by a guest", user: gus, action: deny, words: []string{"Guests"}},
		{name: "denial by a deactivated approver", user: "UEVE", action: deny, words: []string{"deactivated"}},
		{name: "denial by an approver from another workspace", user: "UFAY", action: deny, words: []string{"Only members of this workspace"}},
		{name: "somebody else's cancel", user: dora, action: cancel, words: []string{"Only <@UBEN>", "can cancel"}},
		{name: "an approver's cancel", user: carla, action: cancel, words: []string{"Only <@UBEN>", "deny"}},
		{name: "an unknown request", user: carla, action: approve, value: "S-22222", words: []string{"no request `S-22222`"}},
		{name: "a denial of an unknown request", user: carla, action: deny, value: "S-22222", words: []string{"no request `S-22222`"}},
		{name: "a cancel of an unknown request", user: ben, action: cancel, value: "S-22222", words: []string{"no request `S-22222`"}},
		{name: "a value that is no id", user: carla, action: approve, value: "*}:`<!here> x", words: []string{"no request", "&lt;!here&gt;"}},
		{name: "a button that does not exist", user: carla, action: "ecs_stop_everything", value: requestID(card), words: []string{"no longer works"}},
	}
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			w := w.in(t)
			heard, n := w.Hears(c.user), len(w.Slack.Private(c.user))
			if c.value != "" {
				w.forged(c.user, card, c.action, c.value)
			} else {
				w.Click(c.user, card, c.action)
			}
			heard(c.words...)
			if n = len(w.Slack.Private(c.user)) - n; n != 1 {
				t.Errorf("%d private answers, want 1", n)
			}
			if v, open := w.Slack.View(c.user); open {
				t.Errorf("a form opened for somebody without right: %s", slacksim.ViewText(v))
			}
		})
	}
	t.Run("an approver who was one until just now", func(t *testing.T) {
		w := w.in(t)
		w.duty(gus)
		heard := w.Hears(carla)
		w.Click(carla, card, approve)
		heard("Only approvers")
		w.duty(gus, carla)
	})
	t.Run("commands are refused like clicks", func(t *testing.T) {
		w := w.in(t)
		for user, words := range map[string]string{dora: "Only approvers", ben: "your own request", gus: "Guests", "UEVE": "deactivated", "UFAY": "Only members", "UROBO": "Bots"} {
			heard := w.Hears(user)
			w.Command(user, "approve "+requestID(card))
			heard(words)
		}
	})

	if after := w.Now(card); after.Edited != before.Edited || string(after.Blocks) != string(before.Blocks) {
		t.Errorf("the card was changed by clicks without effect:\n%s", slacksim.PlainText(after))
	}
	if replies := w.Replies(card); len(replies) != 0 {
		t.Errorf("the thread tells of clicks without effect: %q", replies)
	}
	if w.Untouched(ids...); len(w.Stops()) != 0 {
		t.Errorf("%d stops were sent", len(w.Stops()))
	}

	t.Run("another request's id decides on just that one", func(t *testing.T) {
		w := w.in(t)
		w.forged(carla, card, approve, requestID(other))
		w.Reply(other, "<@UANNA>", "1 server stopped")
		w.Stopped(ids[1])
		w.Untouched(ids[0], ids[2])
		if w.Now(card).Edited != before.Edited {
			t.Error("the card that was clicked changed, too")
		}
	})
	t.Run("the requester withdraws, and nobody can decide any more", func(t *testing.T) {
		w := w.in(t)
		w.Click(ben, card, cancel)
		w.CardSays(card, "Cancelled", "<@UBEN>")
		w.Reply(card, "<@UBEN> cancelled this request")
		w.decided(card)
		for _, action := range []string{approve, deny} {
			heard := w.Hears(carla)
			w.forged(carla, card, action, requestID(card))
			heard("already decided", "<@UBEN> cancelled it")
		}
		heard := w.Hears(ben)
		w.forged(ben, card, cancel, requestID(card))
		heard("already decided")
		w.Untouched(ids[0])
	})
}

func TestOneDecisionIsTheOnlyOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "SLACK_SOCKETS", "1")
	ids := w.fleet(7)
	w.start(nil)
	w.start(nil)

	t.Run("a click after the decision", func(t *testing.T) {
		w := w.in(t)
		card := w.Ask(anna, "web-1")
		w.Click(ben, card, approve)
		w.CardSays(card, "approved by <@UBEN>")
		for _, action := range []string{approve, deny} {
			heard := w.Hears(carla)
			w.forged(carla, card, action, requestID(card))
			heard("already decided", "Approved by <@UBEN>")
		}
		w.Reply(card, "<@UANNA>", "1 server stopped")
		heard := w.Hears(anna)
		w.forged(anna, card, cancel, requestID(card))
		heard("already decided")
		w.Stopped(ids[0])
		if n := w.Count(card, "approved."); n != 1 {
			t.Errorf("%d approvals are posted", n)
		}
	})

	t.Run("two approvers at once on two replicas", func(t *testing.T) {
		w := w.in(t)
		var cards []slacksim.Message
		for _, name := range []string{"web-2", "web-3", "web-4", "web-5"} {
			cards = append(cards, w.Ask(anna, name))
		}
		private := len(w.Slack.Private(ben)) + len(w.Slack.Private(carla))
		for _, card := range cards {
			id := requestID(card)
			var wg sync.WaitGroup
			for _, who := range []string{ben, carla} {
				wg.Go(func() {
					if _, err := w.Slack.ClickForged(t.Context(), who, ops, card.TS, approve, id); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		}
		for i, card := range cards {
			w.Reply(card, "<@UANNA>", "1 server stopped")
			w.Stopped(ids[1+i])
			text := w.CardSays(card, "Stopped", "approved by <@U")
			if strings.Contains(text, "<@UBEN>") == strings.Contains(text, "<@UCARLA>") {
				t.Errorf("not exactly one decision is shown: %s", text)
			}
			if n := w.Count(card, "approved."); n != 1 {
				t.Errorf("%d approvals are posted: %q", n, w.Replies(card))
			}
		}
		w.Within(5*time.Second, "answer to each second click", func() bool {
			return len(w.Slack.Private(ben))+len(w.Slack.Private(carla)) == private+len(cards)
		})
	})

	t.Run("the same click twice", func(t *testing.T) {
		w := w.in(t)
		card := w.Ask(anna, "web-6")
		private := len(w.Slack.Private(ben))
		w.Click(ben, card, approve)
		w.redeliver()
		w.Reply(card, "<@UANNA>", "1 server stopped")
		w.redeliver()
		w.Stopped(ids[5])
		w.quiet(requestID(card))
		if n := len(w.Replies(card)); n != 3 {
			t.Errorf("%d replies, want 3: %q", n, w.Replies(card))
		}
		if n := len(w.Slack.Private(ben)) - private; n != 0 {
			t.Errorf("%d private answers to a click that took effect", n)
		}
	})

	t.Run("the same command twice", func(t *testing.T) {
		w := w.in(t)
		cards, private := len(w.Slack.Messages(ops)), len(w.Slack.Private(anna))
		w.Command(anna, "web-7")
		w.redeliver()
		card := w.Card(cards)
		w.redeliver()
		w.Click(ben, card, approve)
		w.Reply(card, "<@UANNA>", "1 server stopped")
		w.Stopped(ids[6])
		if n := len(w.Slack.Messages(ops)); n != cards+1 {
			t.Errorf("%d cards for one command", n-cards)
		}
		// "Looking up" and the answer.
		if n := len(w.Slack.Private(anna)) - private; n != 2 {
			t.Errorf("%d private answers to one command, want 2", n)
		}
	})
}

// redeliver makes Slack send the last envelope twice more.
func (w *world) redeliver() {
	w.t.Helper()
	if _, err := w.Slack.Redeliver(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.Slack.RedeliverOther(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func TestTwoApprovalsAreOfTwoPeople(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "APPROVALS_REQUIRED", "2")
	ids := w.fleet(2)
	w.start(nil)
	w.start(nil)
	card := w.Ask(anna, "web-1")
	w.CardSays(card, "Needs 2 approvals")
	w.Click(ben, card, approve)
	w.redeliver()
	w.Reply(card, "<@UBEN> approved (1 of 2)")
	w.CardSays(card, "Needs 1 more approval*", "<@UBEN>")
	if n := len(w.Slack.Private(ben)); n != 0 {
		t.Errorf("a second delivery was answered: %v", w.Slack.Private(ben))
	}
	heard := w.Hears(ben)
	w.Click(ben, card, approve)
	heard("You already approved", "1 more")
	heard = w.Hears(ben)
	w.Command(ben, "approve "+requestID(card))
	heard("You already approved", "1 more")
	w.Untouched(ids...)
	w.Click(carla, card, approve)
	w.Reply(card, "<@UCARLA> approved")
	w.Reply(card, "<@UANNA>", "1 server stopped")
	w.Stopped(ids[0])
	w.CardSays(card, "Stopped", "<@UBEN>", "<@UCARLA>")
	w.decided(card)
	if n := w.Count(card, "approved"); n != 2 {
		t.Errorf("%d approvals are posted, want 2: %q", n, w.Replies(card))
	}
	// One no is enough, also after a yes.
	card = w.Ask(anna, "web-2")
	w.Click(ben, card, approve)
	w.Reply(card, "1 of 2")
	heard = w.Hears(carla)
	w.Command(carla, "deny "+requestID(card))
	heard("You denied")
	w.CardSays(card, "Denied", "<@UCARLA>")
	w.Untouched(ids[1])
}

func TestExpiredRequestsCannotBeDecided(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(1)
	w.start(func(c *jobs.Config) {
		fast(c)
		c.Projects[0].Policy.TTL = 1500 * time.Millisecond
	})
	card := w.Ask(anna, "web-1")
	w.Reply(card, "<@UANNA>", "was not approved in time")
	w.CardSays(card, "Expired", "Nothing was stopped")
	w.decided(card)
	id := requestID(card)
	heard := w.Hears(ben)
	w.forged(ben, card, approve, id)
	heard(id, "expired")
	heard = w.Hears(ben)
	w.forged(ben, card, deny, id)
	heard(id, "expired")
	heard = w.Hears(carla)
	w.Command(carla, "approve "+id)
	heard(id, "expired")
	w.Untouched(ids[0])
	if n := len(w.Replies(card)); n != 1 {
		t.Errorf("%d replies, want 1: %q", n, w.Replies(card))
	}
	// The server is free again.
	w.Click(ben, w.Ask(anna, "web-1"), approve)
	w.Within(15*time.Second, "stop", func() bool { return w.Cloud.StopCount(ids[0]) == 1 })
}

func TestDenialAsksForAReason(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(6)
	w.start(nil)
	w.start(nil)
	// form clicks Deny and returns the form that opens.
	form := func(w *world, who string, card slacksim.Message) slacksim.View {
		w.t.Helper()
		w.Click(who, card, deny)
		var v slacksim.View
		w.Within(10*time.Second, "form", func() (open bool) { v, open = w.Slack.View(who); return open })
		if text := slacksim.ViewText(v); !strings.Contains(text, requestID(card)) {
			w.t.Errorf("the form does not name the request: %s", text)
		}
		return v
	}
	submit := func(w *world, who string, v slacksim.View, reason string) {
		w.t.Helper()
		a, err := w.Slack.Submit(w.t.Context(), who, v.ID, map[string]map[string]any{"reason": {"text": reason}})
		if err != nil || !a.Acked {
			w.t.Fatalf("submitting the form: acknowledged %v, %v", a.Acked, err)
		}
	}

	t.Run("with a reason", func(t *testing.T) {
		w := w.in(t)
		card := w.Ask(anna, "web-1")
		v := form(w, ben, card)
		if text := slacksim.PlainText(w.Now(card)); !strings.Contains(text, "Needs 1 approval") {
			t.Errorf("the form alone decided: %s", text)
		}
		submit(w, ben, v, "not\ntoday <!here> & never")
		w.CardSays(card, "Denied", "<@UBEN>", "not today &lt;!here&gt; &amp; never")
		w.Reply(card, "<@UBEN> denied your request", "<@UANNA>", "not today &lt;!here&gt; &amp; never")
		w.decided(card)
		if v, open := w.Slack.View(ben); open {
			t.Errorf("the form is still open: %v", v.Errors)
		}
	})
	t.Run("without a reason, submitted twice", func(t *testing.T) {
		w := w.in(t)
		card := w.Ask(anna, "web-2")
		submit(w, carla, form(w, carla, card), "")
		private := len(w.Slack.Private(carla))
		w.redeliver()
		w.CardSays(card, "Denied", "<@UCARLA>")
		w.Reply(card, "<@UCARLA> denied your request")
		w.redeliver()
		w.quiet(requestID(card))
		if n := len(w.Replies(card)); n != 1 {
			t.Errorf("%d replies, want 1: %q", n, w.Replies(card))
		}
		if n := len(w.Slack.Private(carla)) - private; n != 0 {
			t.Errorf("%d private answers to a denial that took effect: %v", n, w.Transcript())
		}
	})
	t.Run("too late", func(t *testing.T) {
		w := w.in(t)
		card := w.Ask(anna, "web-3")
		v := form(w, ben, card)
		w.Click(carla, card, approve)
		w.CardSays(card, "approved by <@UCARLA>")
		heard := w.Hears(ben)
		submit(w, ben, v, "no")
		heard("already decided", "Approved by <@UCARLA>")
		w.Reply(card, "<@UANNA>", "1 server stopped")
		w.Stopped(ids[2])
	})
	t.Run("without the right that was there when the form opened", func(t *testing.T) {
		w := w.in(t)
		card := w.Ask(anna, "web-4")
		v := form(w, carla, card)
		w.duty(gus)
		heard := w.Hears(carla)
		submit(w, carla, v, "no")
		heard("Only approvers")
		w.duty(gus, carla)
		w.CardSays(card, "Needs 1 approval")
	})
	t.Run("clicked once and delivered twice", func(t *testing.T) {
		w := w.in(t)
		card, private := w.Ask(anna, "web-6"), len(w.Slack.Private(ben))
		v := form(w, ben, card)
		w.redeliver()
		w.Within(10*time.Second, "two more attempts to open the form", func() bool {
			n := 0
			for _, call := range w.Slack.Calls("views.open") {
				if call.Error() == "exchanged_trigger_id" {
					n++
				}
			}
			return n == 2
		})
		if now, _ := w.Slack.View(ben); now.ID != v.ID {
			t.Error("a second form opened")
		}
		submit(w, ben, v, "\u202eyadot ton")
		w.CardSays(card, "Denied", "> yadot ton")
		if n := len(w.Slack.Private(ben)) - private; n != 0 {
			t.Errorf("%d private answers to a click that opened the form: %v", n, w.Slack.Private(ben)[private:])
		}
	})
	t.Run("closed", func(t *testing.T) {
		w := w.in(t)
		card := w.Ask(anna, "web-5")
		v := form(w, ben, card)
		if _, err := w.Slack.CloseView(t.Context(), ben, v.ID); err != nil {
			t.Fatal(err)
		}
		w.CardSays(card, "Needs 1 approval")
		w.Click(ben, card, approve)
		w.Reply(card, "<@UANNA>", "1 server stopped")
	})
	t.Run("the form that Slack does not open", func(t *testing.T) {
		w := w.in(t)
		card := w.Ask(anna, "web-6")
		for _, f := range []slacksim.Fault{slacksim.ErrorCode("expired_trigger_id", false), slacksim.Status(503), slacksim.RateLimited(time.Second)} {
			heard := w.Hears(ben)
			w.Slack.FailNext("views.open", 1, f)
			w.Click(ben, card, deny)
			heard("nothing was denied", "/ecs-stop deny "+requestID(card))
		}
		w.CardSays(card, "Needs 1 approval")
	})
	w.Untouched(ids[0], ids[1], ids[3], ids[5])
}
