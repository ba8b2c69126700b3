package bot_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"ecsbot/internal/jobs"
	"ecsbot/internal/slacksim"
)

// crowd adds approvers who must not decide, by one way or another.
func (w *world) crowd() {
	for _, u := range []slacksim.User{
		{ID: "UEVE", Name: "eve"}, {ID: "UFAY", Name: "fay", Stranger: true, TeamID: "TOTHER"},
		{ID: "UROBO", Name: "robo", Bot: true}, {ID: "USOLO", Name: "solo", SingleGuest: true},
	} {
		w.slack.AddUser(u)
		w.slack.Join(ops, u.ID)
	}
	w.slack.SetGroup("SDUTY", carla, gus, "UEVE", "UFAY", "UROBO", "USOLO")
	w.slack.Deactivate("UEVE")
}

func TestClicksWithoutRightHaveNoEffectButAnAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(3)
	w.crowd()
	w.start(nil)
	w.start(nil)
	card := w.ask(ben, "web-1 --reason test") // ben is an approver, too
	other := w.ask(anna, "web-2")
	before := w.now(card)
	refusals := []struct {
		name, user, action string
		words              []string
		value              string // a forged one
	}{
		{name: "somebody who is no approver", user: dora, action: approve, words: []string{"not an approver"}},
		{name: "the requester", user: ben, action: approve, words: []string{"your own request"}},
		{name: "a guest in the approvers' group", user: gus, action: approve, words: []string{"Guests"}},
		{name: "a guest of one channel", user: "USOLO", action: approve, words: []string{"Guests"}},
		{name: "a deactivated approver", user: "UEVE", action: approve, words: []string{"deactivated"}},
		{name: "an approver from another workspace", user: "UFAY", action: approve, words: []string{"Only members of this workspace"}},
		{name: "a bot", user: "UROBO", action: approve, words: []string{"Bots"}},
		{name: "denial by somebody who is no approver", user: dora, action: deny, words: []string{"not an approver"}},
		{name: "denial by a guest", user: gus, action: deny, words: []string{"Guests"}},
		{name: "denial by a deactivated approver", user: "UEVE", action: deny, words: []string{"deactivated"}},
		{name: "denial by an approver from another workspace", user: "UFAY", action: deny, words: []string{"Only members of this workspace"}},
		{name: "somebody else's cancel", user: dora, action: cancel, words: []string{"Only <@UBEN>", "can cancel"}},
		{name: "an approver's cancel", user: carla, action: cancel, words: []string{"Only <@UBEN>", "deny"}},
		{name: "an unknown request", user: carla, action: approve, value: "S-22222", words: []string{"no request `S-22222`"}},
		{name: "a denial of an unknown request", user: carla, action: deny, value: "S-22222", words: []string{"no request `S-22222`"}},
		{name: "a cancel of an unknown request", user: ben, action: cancel, value: "S-22222", words: []string{"no request `S-22222`"}},
		{name: "a value that is no id", user: carla, action: approve, value: "*}:`<!here> x", words: []string{"no request", "&lt;!here&gt;"}},
		{name: "a button that does not exist", user: carla, action: "ecs_stop_everything", value: requestID(card), words: []string{"do not know this button"}},
	}
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			w := w.in(t)
			heard, n := w.hears(c.user), len(w.slack.Private(c.user))
			if c.value != "" {
				w.forged(c.user, card, c.action, c.value)
			} else {
				w.click(c.user, card, c.action)
			}
			heard(c.words...)
			if n = len(w.slack.Private(c.user)) - n; n != 1 {
				t.Errorf("%d private answers, want 1", n)
			}
			if v, open := w.slack.View(c.user); open {
				t.Errorf("a form opened for somebody without right: %s", slacksim.ViewText(v))
			}
		})
	}
	t.Run("an approver who was one until just now", func(t *testing.T) {
		w := w.in(t)
		w.duty(gus)
		heard := w.hears(carla)
		w.click(carla, card, approve)
		heard("not an approver")
		w.duty(gus, carla)
	})
	t.Run("commands are refused like clicks", func(t *testing.T) {
		w := w.in(t)
		for user, words := range map[string]string{dora: "not an approver", ben: "your own request", gus: "Guests", "UEVE": "deactivated", "UFAY": "Only members", "UROBO": "Bots"} {
			heard := w.hears(user)
			w.command(user, "approve "+requestID(card))
			heard(words)
		}
	})

	if after := w.now(card); after.Edited != before.Edited || string(after.Blocks) != string(before.Blocks) {
		t.Errorf("the card was changed by clicks without effect:\n%s", slacksim.PlainText(after))
	}
	if replies := w.replies(card); len(replies) != 0 {
		t.Errorf("the thread tells of clicks without effect: %q", replies)
	}
	if w.untouched(ids...); len(w.stops()) != 0 {
		t.Errorf("%d stops were sent", len(w.stops()))
	}

	t.Run("another request's id decides on just that one", func(t *testing.T) {
		w := w.in(t)
		w.forged(carla, card, approve, requestID(other))
		w.reply(other, "<@UANNA>", "1 server stopped")
		w.stopped(ids[1])
		w.untouched(ids[0], ids[2])
		if w.now(card).Edited != before.Edited {
			t.Error("the card that was clicked changed, too")
		}
	})
	t.Run("the requester withdraws, and nobody can decide any more", func(t *testing.T) {
		w := w.in(t)
		w.click(ben, card, cancel)
		w.cardSays(card, "Cancelled", "<@UBEN>")
		w.reply(card, "<@UBEN> withdrew this")
		w.decided(card)
		for _, action := range []string{approve, deny} {
			heard := w.hears(carla)
			w.forged(carla, card, action, requestID(card))
			heard("was decided before", "<@UBEN> withdrew it")
		}
		heard := w.hears(ben)
		w.forged(ben, card, cancel, requestID(card))
		heard("was decided before")
		w.untouched(ids[0])
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
		card := w.ask(anna, "web-1")
		w.click(ben, card, approve)
		w.cardSays(card, "approved by <@UBEN>")
		for _, action := range []string{approve, deny} {
			heard := w.hears(carla)
			w.forged(carla, card, action, requestID(card))
			heard("was decided before", "approved by <@UBEN>")
		}
		w.reply(card, "<@UANNA>", "1 server stopped")
		heard := w.hears(anna)
		w.forged(anna, card, cancel, requestID(card))
		heard("was decided before")
		w.stopped(ids[0])
		if n := w.count(card, "approved."); n != 1 {
			t.Errorf("%d approvals are told", n)
		}
	})

	t.Run("two approvers at once on two replicas", func(t *testing.T) {
		w := w.in(t)
		var cards []slacksim.Message
		for _, name := range []string{"web-2", "web-3", "web-4", "web-5"} {
			cards = append(cards, w.ask(anna, name))
		}
		private := len(w.slack.Private(ben)) + len(w.slack.Private(carla))
		for _, card := range cards {
			id := requestID(card)
			var wg sync.WaitGroup
			for _, who := range []string{ben, carla} {
				wg.Go(func() {
					if _, err := w.slack.ClickForged(t.Context(), who, ops, card.TS, approve, id); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		}
		for i, card := range cards {
			w.reply(card, "<@UANNA>", "1 server stopped")
			w.stopped(ids[1+i])
			text := w.cardSays(card, "Done", "approved by <@U")
			if strings.Contains(text, "<@UBEN>") == strings.Contains(text, "<@UCARLA>") {
				t.Errorf("not exactly one decision is shown: %s", text)
			}
			if n := w.count(card, "approved."); n != 1 {
				t.Errorf("%d approvals are told: %q", n, w.replies(card))
			}
		}
		w.within(5*time.Second, "answer to each second click", func() bool {
			return len(w.slack.Private(ben))+len(w.slack.Private(carla)) == private+len(cards)
		})
	})

	t.Run("the same click twice", func(t *testing.T) {
		w := w.in(t)
		card := w.ask(anna, "web-6")
		private := len(w.slack.Private(ben))
		w.click(ben, card, approve)
		w.redeliver()
		w.reply(card, "<@UANNA>", "1 server stopped")
		w.redeliver()
		w.stopped(ids[5])
		w.quiet(requestID(card))
		if n := len(w.replies(card)); n != 3 {
			t.Errorf("%d replies, want 3: %q", n, w.replies(card))
		}
		if n := len(w.slack.Private(ben)) - private; n != 0 {
			t.Errorf("%d private answers to a click that took effect", n)
		}
	})

	t.Run("the same command twice", func(t *testing.T) {
		w := w.in(t)
		cards, private := len(w.slack.Messages(ops)), len(w.slack.Private(anna))
		w.command(anna, "web-7")
		w.redeliver()
		card := w.card(cards)
		w.redeliver()
		w.click(ben, card, approve)
		w.reply(card, "<@UANNA>", "1 server stopped")
		w.stopped(ids[6])
		if n := len(w.slack.Messages(ops)); n != cards+1 {
			t.Errorf("%d cards for one command", n-cards)
		}
		// "Looking up" and the answer.
		if n := len(w.slack.Private(anna)) - private; n != 2 {
			t.Errorf("%d private answers to one command, want 2", n)
		}
	})
}

// redeliver makes Slack send the last envelope twice more.
func (w *world) redeliver() {
	w.t.Helper()
	if _, err := w.slack.Redeliver(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.slack.RedeliverOther(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func TestTwoApprovalsAreOfTwoPeople(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "APPROVALS_REQUIRED", "2")
	ids := w.fleet(2)
	w.start(nil)
	w.start(nil)
	card := w.ask(anna, "web-1")
	w.cardSays(card, "Waiting for 2 approvals")
	w.click(ben, card, approve)
	w.redeliver()
	w.reply(card, "<@UBEN> approved (1 of 2)")
	w.cardSays(card, "Waiting for 1 approval*", "<@UBEN>")
	if n := len(w.slack.Private(ben)); n != 0 {
		t.Errorf("a second delivery was answered: %v", w.slack.Private(ben))
	}
	heard := w.hears(ben)
	w.click(ben, card, approve)
	heard("You have approved", "1 more")
	heard = w.hears(ben)
	w.command(ben, "approve "+requestID(card))
	heard("You have approved", "1 more")
	w.untouched(ids...)
	w.click(carla, card, approve)
	w.reply(card, "<@UCARLA> approved")
	w.reply(card, "<@UANNA>", "1 server stopped")
	w.stopped(ids[0])
	w.cardSays(card, "Done", "<@UBEN>", "<@UCARLA>")
	w.decided(card)
	if n := w.count(card, "approved"); n != 2 {
		t.Errorf("%d approvals are told, want 2: %q", n, w.replies(card))
	}
	// One no is enough, also after a yes.
	card = w.ask(anna, "web-2")
	w.click(ben, card, approve)
	w.reply(card, "1 of 2")
	heard = w.hears(carla)
	w.command(carla, "deny "+requestID(card))
	heard("You denied")
	w.cardSays(card, "Denied", "<@UCARLA>")
	w.untouched(ids[1])
}

func TestExpiredRequestsCannotBeDecided(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(1)
	w.start(func(c *jobs.Config) {
		fast(c)
		c.Policy.TTL = 1500 * time.Millisecond
	})
	card := w.ask(anna, "web-1")
	w.reply(card, "<@UANNA>", "nobody decided in time")
	w.cardSays(card, "Expired", "Nothing was stopped")
	w.decided(card)
	id := requestID(card)
	heard := w.hears(ben)
	w.forged(ben, card, approve, id)
	heard(id, "expired")
	heard = w.hears(ben)
	w.forged(ben, card, deny, id)
	heard(id, "expired")
	heard = w.hears(carla)
	w.command(carla, "approve "+id)
	heard(id, "expired")
	w.untouched(ids[0])
	if n := len(w.replies(card)); n != 1 {
		t.Errorf("%d replies, want 1: %q", n, w.replies(card))
	}
	// The server is free again.
	w.click(ben, w.ask(anna, "web-1"), approve)
	w.within(15*time.Second, "stop", func() bool { return w.cloud.StopCount(ids[0]) == 1 })
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
		w.click(who, card, deny)
		var v slacksim.View
		w.within(10*time.Second, "form", func() (open bool) { v, open = w.slack.View(who); return open })
		if text := slacksim.ViewText(v); !strings.Contains(text, requestID(card)) {
			w.t.Errorf("the form does not name the request: %s", text)
		}
		return v
	}
	submit := func(w *world, who string, v slacksim.View, reason string) {
		w.t.Helper()
		a, err := w.slack.Submit(w.t.Context(), who, v.ID, map[string]map[string]any{"reason": {"text": reason}})
		if err != nil || !a.Acked {
			w.t.Fatalf("submitting the form: acknowledged %v, %v", a.Acked, err)
		}
	}

	t.Run("with a reason", func(t *testing.T) {
		w := w.in(t)
		card := w.ask(anna, "web-1")
		v := form(w, ben, card)
		if text := slacksim.PlainText(w.now(card)); !strings.Contains(text, "Waiting for 1 approval") {
			t.Errorf("the form alone decided: %s", text)
		}
		submit(w, ben, v, "not\ntoday <!here> & never")
		w.cardSays(card, "Denied", "<@UBEN>", "not today &lt;!here&gt; &amp; never")
		w.reply(card, "<@UBEN> denied this", "<@UANNA>", "not today &lt;!here&gt; &amp; never")
		w.decided(card)
		if v, open := w.slack.View(ben); open {
			t.Errorf("the form is still open: %v", v.Errors)
		}
	})
	t.Run("without a reason, submitted twice", func(t *testing.T) {
		w := w.in(t)
		card := w.ask(anna, "web-2")
		submit(w, carla, form(w, carla, card), "")
		private := len(w.slack.Private(carla))
		w.redeliver()
		w.cardSays(card, "Denied", "<@UCARLA>")
		w.reply(card, "<@UCARLA> denied this")
		w.redeliver()
		w.quiet(requestID(card))
		if n := len(w.replies(card)); n != 1 {
			t.Errorf("%d replies, want 1: %q", n, w.replies(card))
		}
		if n := len(w.slack.Private(carla)) - private; n != 0 {
			t.Errorf("%d private answers to a denial that took effect: %v", n, w.transcript())
		}
	})
	t.Run("too late", func(t *testing.T) {
		w := w.in(t)
		card := w.ask(anna, "web-3")
		v := form(w, ben, card)
		w.click(carla, card, approve)
		w.cardSays(card, "approved by <@UCARLA>")
		heard := w.hears(ben)
		submit(w, ben, v, "no")
		heard("was decided before", "approved by <@UCARLA>")
		w.reply(card, "<@UANNA>", "1 server stopped")
		w.stopped(ids[2])
	})
	t.Run("without the right that was there when the form opened", func(t *testing.T) {
		w := w.in(t)
		card := w.ask(anna, "web-4")
		v := form(w, carla, card)
		w.duty(gus)
		heard := w.hears(carla)
		submit(w, carla, v, "no")
		heard("not an approver")
		w.duty(gus, carla)
		w.cardSays(card, "Waiting for 1 approval")
	})
	t.Run("clicked once and delivered twice", func(t *testing.T) {
		w := w.in(t)
		card, private := w.ask(anna, "web-6"), len(w.slack.Private(ben))
		v := form(w, ben, card)
		w.redeliver()
		w.within(10*time.Second, "two more attempts to open the form", func() bool {
			n := 0
			for _, call := range w.slack.Calls("views.open") {
				if call.Error() == "exchanged_trigger_id" {
					n++
				}
			}
			return n == 2
		})
		if now, _ := w.slack.View(ben); now.ID != v.ID {
			t.Error("a second form opened")
		}
		submit(w, ben, v, "\u202eyadot ton")
		w.cardSays(card, "Denied", "> yadot ton")
		if n := len(w.slack.Private(ben)) - private; n != 0 {
			t.Errorf("%d private answers to a click that opened the form: %v", n, w.slack.Private(ben)[private:])
		}
	})
	t.Run("closed", func(t *testing.T) {
		w := w.in(t)
		card := w.ask(anna, "web-5")
		v := form(w, ben, card)
		if _, err := w.slack.CloseView(t.Context(), ben, v.ID); err != nil {
			t.Fatal(err)
		}
		w.cardSays(card, "Waiting for 1 approval")
		w.click(ben, card, approve)
		w.reply(card, "<@UANNA>", "1 server stopped")
	})
	t.Run("the form that Slack does not open", func(t *testing.T) {
		w := w.in(t)
		card := w.ask(anna, "web-6")
		for _, f := range []slacksim.Fault{slacksim.ErrorCode("expired_trigger_id", false), slacksim.Status(503), slacksim.RateLimited(time.Second)} {
			heard := w.hears(ben)
			w.slack.FailNext("views.open", 1, f)
			w.click(ben, card, deny)
			heard("nothing was decided", "/ecs-stop deny "+requestID(card))
		}
		w.cardSays(card, "Waiting for 1 approval")
	})
	w.untouched(ids[0], ids[1], ids[3], ids[5])
}
