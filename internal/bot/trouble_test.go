package bot_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/slacksim"
)

// faults are the ways in which a post can fail without being refused.
var postFaults = []struct {
	name  string
	fault slacksim.Fault
}{
	{"too many posts", slacksim.RateLimited(time.Second)},
	{"an error of the server, not done", slacksim.Status(500)},
	{"an error of the server, done", slacksim.StatusAfter(502)},
	{"the connection breaks before", slacksim.ResetBefore},
	{"the connection breaks after", slacksim.ResetAfter},
	{"an internal error, not done", slacksim.ErrorCode("internal_error", false)},
	{"an internal error, done", slacksim.ErrorCode("internal_error", true)},
}

// TestEachMessageStandsOnceWhateverSlackAnswers makes the post of the card and
// that of the outcome fail, in a world for each fault.
func TestEachMessageStandsOnceWhateverSlackAnswers(t *testing.T) {
	t.Parallel()
	worlds := make([]*world, len(postFaults))
	ids := make([][]string, len(postFaults))
	cards := make([]slacksim.Message, len(postFaults))
	for i, f := range postFaults {
		w := newWorld(t)
		ids[i] = w.fleet(1)
		w.start(nil)
		w.slack.FailNext("chat.postMessage", 1, f.fault)
		w.command(anna, "web-1")
		worlds[i] = w
	}
	for i, w := range worlds {
		cards[i] = w.card(0)
		// Until this is taken back nobody learns how the job ended.
		w.cloud.FailNext("job", 1000, ecssim.HTML502)
		w.click(ben, cards[i], approve)
	}
	for i, w := range worlds {
		w.reply(cards[i], "The cloud took call 1 of 1")
		w.quiet(requestID(cards[i]))
		w.slack.FailNext("chat.postMessage", 1, postFaults[i].fault)
		w.cloud.ClearFaults()
	}
	for i, f := range postFaults {
		t.Run(f.name, func(t *testing.T) {
			w, card := worlds[i].in(t), cards[i]
			w.reply(card, "<@UANNA>", "1 server stopped")
			w.quiet(requestID(card))
			w.cardSays(card, "Done", "<@UBEN>")
			w.decided(card)
			w.stopped(ids[i]...)
			if n := len(w.slack.Messages(ops)); n != 1 {
				t.Errorf("%d cards, want 1:\n%s", n, w.transcript())
			}
			for _, words := range []string{"approved.", "The cloud took call", "1 server stopped"} {
				if n := w.count(card, words); n != 1 {
					t.Errorf("%d replies with %q, want 1: %q", n, words, w.replies(card))
				}
			}
			struck := 0
			for _, call := range w.slack.Calls("chat.postMessage") {
				if call.Fault != "" {
					struck++
				}
			}
			if n := len(w.replies(card)); n != 3 || struck != 2 {
				t.Errorf("%d replies after %d faults, want 3 after 2: %q", n, struck, w.replies(card))
			}
		})
	}
}

func TestCardThatCannotBePostedWithdrawsTheRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(1)
	w.start(nil)
	w.slack.Leave(ops, slacksim.BotUserID)
	heard := w.hears(anna)
	w.command(anna, "web-1")
	text := heard("could not post the card", "<#COPS>", "withdrawn", "/invite")
	_, id, _ := strings.Cut(text, "S-")
	id = "S-" + id[:5]
	heard = w.hears(anna)
	w.command(anna, "status "+id)
	heard(id, "Withdrawn", "could not be posted")
	heard = w.hears(ben)
	w.command(ben, "approve "+id)
	heard("was decided before", "could not be posted")
	if n := len(w.slack.Messages(ops)); n != 0 {
		t.Errorf("%d messages in a channel the bot is not in", n)
	}
	w.untouched(ids...)

	w.slack.Join(ops, slacksim.BotUserID)
	card := w.ask(anna, "web-1")
	w.click(ben, card, approve)
	w.reply(card, "<@UANNA>", "1 server stopped")
	w.stopped(ids...)

	w.slack.Archive(ops)
	w.cloud.StartByHand(ids[0])
	heard = w.hears(anna)
	w.command(anna, "web-1")
	heard("could not post the card", "withdrawn")
}

func TestPrivateAnswersArriveAnotherWayIfTheFirstIsClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fleet(1)
	w.start(nil)
	card := w.ask(anna, "web-1")
	for _, f := range []slacksim.Fault{slacksim.Status(500), slacksim.ResetBefore, slacksim.RateLimited(time.Second), slacksim.ErrorCode("used_url", false)} {
		heard := w.hears(dora)
		w.slack.FailNext("response_url", 1, f)
		w.click(dora, card, approve)
		heard("not an approver")
	}
}

func TestClicksCountAlthoughSlackCannotSayWhoClicked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(3)
	w.start(nil)
	for i, f := range []struct {
		method string
		times  int
		fault  slacksim.Fault
	}{
		{"users.info", 2, slacksim.Status(503)},
		{"usergroups.users.list", 1, slacksim.RateLimited(time.Second)},
		{"chat.update", 2, slacksim.ResetBefore},
	} {
		card := w.ask(anna, fmt.Sprintf("web-%d", i+1))
		w.slack.FailNext(f.method, f.times, f.fault)
		w.click(carla, card, approve)
		w.reply(card, "<@UANNA>", "1 server stopped")
		w.stopped(ids[i])
		w.cardSays(card, "Done", "<@UCARLA>")
		if n := w.count(card, "approved."); n != 1 {
			t.Errorf("after a fault of %s %d approvals are told", f.method, n)
		}
	}
}

func TestNothingIsLostWhileSocketsBreak(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(8)
	w.start(nil)
	w.start(nil)
	var broken []int // sockets that are about to go
	whole := func() {
		w.t.Helper()
		w.within(20*time.Second, "four good sockets", func() bool {
			open := w.slack.OpenConnections()
			return len(open) == 4 && !slices.ContainsFunc(open, func(n int) bool { return slices.Contains(broken, n) })
		})
		broken = nil
	}
	breakings := []struct {
		all bool
		how func(sockets ...int)
	}{
		{false, func(s ...int) { w.slack.Disconnect("refresh_requested", s...) }},
		{true, func(s ...int) { w.slack.Disconnect("warning", s...) }},
		{false, func(s ...int) { w.slack.CutSockets(s...) }},
		{true, func(s ...int) { w.slack.Disconnect("refresh_requested", s...) }},
		{true, func(s ...int) { w.slack.CutSockets(s...) }},
		{false, func(s ...int) { w.slack.Disconnect("link_disabled", s...) }},
	}
	asked := map[string]bool{} // by a command that was acknowledged
	for i := range ids {
		whole()
		how := breakings[i%len(breakings)]
		broken = w.slack.OpenConnections()
		if !how.all {
			broken = broken[:1+i/len(breakings)]
		}
		how.how(broken...)
		name := fmt.Sprintf("web-%d", i+1)
		a, err := w.slack.Command(t.Context(), anna, ops, "/ecs-stop", name)
		switch {
		case err != nil:
			t.Fatal(err)
		case a.Acked:
			asked[name] = true
		case !how.all:
			t.Errorf("%s was not acknowledged although there were sockets", name)
		}
	}
	if len(asked) < len(ids)/2 {
		t.Errorf("only %d of %d commands were acknowledged", len(asked), len(ids))
	}
	w.within(15*time.Second, "card for each command", func() bool { return len(w.slack.Messages(ops)) >= len(asked) })
	whole()
	for i, card := range w.slack.Messages(ops) {
		w.click(ben, card, approve)
		if i%4 == 1 { // the work goes on without any socket
			broken = w.slack.OpenConnections()
			w.slack.CutSockets()
			whole()
		}
	}
	for _, card := range w.slack.Messages(ops) {
		w.reply(card, "<@UANNA>", "1 server stopped")
		if n := len(w.replies(card)); n != 3 {
			t.Errorf("%d replies, want 3: %q", n, w.replies(card))
		}
	}
	var stopped []string
	for i, id := range ids {
		if asked[fmt.Sprintf("web-%d", i+1)] {
			stopped = append(stopped, id)
		}
	}
	w.stopped(stopped...)
	if n := len(w.slack.Messages(ops)); n < len(asked) {
		t.Errorf("%d cards for %d acknowledged commands", n, len(asked))
	}
	w.within(10*time.Second, "end of everything that was recorded", func() bool { return len(w.keys("{p:*}:i:*")) == 0 })
}

func TestOutcomeIsToldAlthoughTheCardWasDeleted(t *testing.T) {
	t.Parallel()
	w := slow(t)
	ids := w.fleet(1)
	w.start(nil)
	card := w.ask(anna, "web-1")
	w.click(ben, card, approve)
	w.reply(card, "The cloud took call")
	w.slack.DeleteMessage(ops, card.TS)
	w.within(15*time.Second, "outcome", func() bool {
		return slices.ContainsFunc(w.everything(), func(m slacksim.Message) bool {
			return m.EphemeralTo == "" && holds(slacksim.PlainText(m), "<@UANNA>", "1 server stopped")
		})
	})
	w.stopped(ids...)
}

func TestWorkGoesOnWhileSlackIsDown(t *testing.T) {
	t.Parallel()
	w := slow(t)
	ids := w.fleet(1)
	w.start(nil)
	card := w.ask(anna, "web-1")
	w.click(ben, card, approve)
	w.within(10*time.Second, "stop", func() bool { return w.cloud.StopCount(ids[0]) == 1 })
	w.slack.Down(true)
	w.within(10*time.Second, "server off", func() bool { return w.status(ids[0]) == "SHUTOFF" })
	w.slack.Down(false)
	w.reply(card, "<@UANNA>", "1 server stopped")
	w.cardSays(card, "Done")
	w.quiet(requestID(card))
	if n := len(w.replies(card)); n != 3 {
		t.Errorf("%d replies, want 3: %q", n, w.replies(card))
	}
}

// A bot that is removed from the channel while it works still tells the
// requester what became of the servers.
func TestOutcomeIsToldAsideWhenTheChannelIsClosedToTheBot(t *testing.T) {
	t.Parallel()
	w := slow(t)
	w.fleet(1)
	w.start(nil)
	card := w.ask(anna, "web-1")
	w.click(ben, card, approve)
	w.reply(card, "The cloud took call")
	heard := w.hears(anna)
	w.slack.Leave(ops, slacksim.BotUserID)
	heard("1 server stopped", "Invite me there")
	w.openHome(anna, "1 server stopped", "could not say this")
	w.settled()
}
