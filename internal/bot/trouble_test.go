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
		w.Slack.FailNext("chat.postMessage", 1, f.fault)
		w.Command(anna, "web-1")
		worlds[i] = w
	}
	for i, w := range worlds {
		cards[i] = w.Card(0)
		// Until this is taken back nobody learns how the job ended.
		w.Cloud.FailNext("job", 1000, ecssim.HTML502)
		w.Click(ben, cards[i], approve)
	}
	for i, w := range worlds {
		w.Reply(cards[i], "Sent to Huawei Cloud")
		w.quiet(requestID(cards[i]))
		w.Slack.FailNext("chat.postMessage", 1, postFaults[i].fault)
		w.Cloud.ClearFaults()
	}
	for i, f := range postFaults {
		t.Run(f.name, func(t *testing.T) {
			w, card := worlds[i].in(t), cards[i]
			w.Reply(card, "<@UANNA>", "1 server stopped")
			w.quiet(requestID(card))
			w.CardSays(card, "Stopped", "<@UBEN>")
			w.decided(card)
			w.Stopped(ids[i]...)
			if n := len(w.Slack.Messages(ops)); n != 1 {
				t.Errorf("%d cards, want 1:\n%s", n, w.Transcript())
			}
			for _, words := range []string{"approved.", "Sent to Huawei Cloud", "1 of 1 server stopped"} {
				if n := w.Count(card, words); n != 1 {
					t.Errorf("%d replies with %q, want 1: %q", n, words, w.Replies(card))
				}
			}
			struck := 0
			for _, call := range w.Slack.Calls("chat.postMessage") {
				if call.Fault != "" {
					struck++
				}
			}
			if n := len(w.Replies(card)); n != 3 || struck != 2 {
				t.Errorf("%d replies after %d faults, want 3 after 2: %q", n, struck, w.Replies(card))
			}
		})
	}
}

func TestCardThatCannotBePostedWithdrawsTheRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(1)
	w.start(nil)
	w.Slack.Leave(ops, slacksim.BotUserID)
	heard := w.Hears(anna)
	w.Command(anna, "web-1")
	text := heard("couldn't post the card", "<#COPS>", "cancelled", "/invite")
	_, id, _ := strings.Cut(text, "S-")
	id = "S-" + id[:5]
	heard = w.Hears(anna)
	w.Command(anna, "status "+id)
	heard(id, "Cancelled", "could not be posted")
	heard = w.Hears(ben)
	w.Command(ben, "approve "+id)
	heard("already decided", "could not be posted")
	if n := len(w.Slack.Messages(ops)); n != 0 {
		t.Errorf("%d messages in a channel the bot is not in", n)
	}
	w.Untouched(ids...)

	w.Slack.Join(ops, slacksim.BotUserID)
	card := w.Ask(anna, "web-1")
	w.Click(ben, card, approve)
	w.Reply(card, "<@UANNA>", "1 server stopped")
	w.Stopped(ids...)

	w.Slack.Archive(ops)
	w.Cloud.StartByHand(ids[0])
	heard = w.Hears(anna)
	w.Command(anna, "web-1")
	heard("couldn't post the card", "cancelled")
}

func TestPrivateAnswersArriveAnotherWayIfTheFirstIsClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fleet(1)
	w.start(nil)
	card := w.Ask(anna, "web-1")
	for _, f := range []slacksim.Fault{slacksim.Status(500), slacksim.ResetBefore, slacksim.RateLimited(time.Second), slacksim.ErrorCode("used_url", false)} {
		heard := w.Hears(dora)
		w.Slack.FailNext("response_url", 1, f)
		w.Click(dora, card, approve)
		heard("Only approvers")
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
		card := w.Ask(anna, fmt.Sprintf("web-%d", i+1))
		w.Slack.FailNext(f.method, f.times, f.fault)
		w.Click(carla, card, approve)
		w.Reply(card, "<@UANNA>", "1 server stopped")
		w.Stopped(ids[i])
		w.CardSays(card, "Stopped", "<@UCARLA>")
		if n := w.Count(card, "approved."); n != 1 {
			t.Errorf("after a fault of %s %d approvals are posted", f.method, n)
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
		w.Within(20*time.Second, "four good sockets", func() bool {
			open := w.Slack.OpenConnections()
			return len(open) == 4 && !slices.ContainsFunc(open, func(n int) bool { return slices.Contains(broken, n) })
		})
		broken = nil
	}
	breakings := []struct {
		all bool
		how func(sockets ...int)
	}{
		{false, func(s ...int) { w.Slack.Disconnect("refresh_requested", s...) }},
		{true, func(s ...int) { w.Slack.Disconnect("warning", s...) }},
		{false, func(s ...int) { w.Slack.CutSockets(s...) }},
		{true, func(s ...int) { w.Slack.Disconnect("refresh_requested", s...) }},
		{true, func(s ...int) { w.Slack.CutSockets(s...) }},
		{false, func(s ...int) { w.Slack.Disconnect("link_disabled", s...) }},
	}
	asked := map[string]bool{} // by a command that was acknowledged
	for i := range ids {
		whole()
		how := breakings[i%len(breakings)]
		broken = w.Slack.OpenConnections()
		if !how.all {
			broken = broken[:1+i/len(breakings)]
		}
		how.how(broken...)
		name := fmt.Sprintf("web-%d", i+1)
		a, err := w.Slack.Command(t.Context(), anna, ops, "/ecs-stop", name)
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
	w.Within(15*time.Second, "card for each command", func() bool { return len(w.Slack.Messages(ops)) >= len(asked) })
	whole()
	for i, card := range w.Slack.Messages(ops) {
		w.Click(ben, card, approve)
		if i%4 == 1 { // the work goes on without any socket
			broken = w.Slack.OpenConnections()
			w.Slack.CutSockets()
			whole()
		}
	}
	for _, card := range w.Slack.Messages(ops) {
		w.Reply(card, "<@UANNA>", "1 server stopped")
		if n := len(w.Replies(card)); n != 3 {
			t.Errorf("%d replies, want 3: %q", n, w.Replies(card))
		}
	}
	var stopped []string
	for i, id := range ids {
		if asked[fmt.Sprintf("web-%d", i+1)] {
			stopped = append(stopped, id)
		}
	}
	w.Stopped(stopped...)
	if n := len(w.Slack.Messages(ops)); n < len(asked) {
		t.Errorf("%d cards for %d acknowledged commands", n, len(asked))
	}
	w.Within(10*time.Second, "end of everything that was recorded", func() bool { return len(w.keys("{p:*}:i:*")) == 0 })
}

func TestOutcomeIsToldAlthoughTheCardWasDeleted(t *testing.T) {
	t.Parallel()
	w := slow(t)
	ids := w.fleet(1)
	w.start(nil)
	card := w.Ask(anna, "web-1")
	w.Click(ben, card, approve)
	w.Reply(card, "Sent to Huawei Cloud")
	w.Slack.DeleteMessage(ops, card.TS)
	w.Within(15*time.Second, "outcome", func() bool {
		return slices.ContainsFunc(w.Everything(), func(m slacksim.Message) bool {
			return m.EphemeralTo == "" && holds(slacksim.PlainText(m), "<@UANNA>", "1 server stopped")
		})
	})
	w.Stopped(ids...)
}

func TestWorkGoesOnWhileSlackIsDown(t *testing.T) {
	t.Parallel()
	w := slow(t)
	ids := w.fleet(1)
	w.start(nil)
	card := w.Ask(anna, "web-1")
	w.Click(ben, card, approve)
	w.Within(10*time.Second, "stop", func() bool { return w.Cloud.StopCount(ids[0]) == 1 })
	w.Slack.Down(true)
	w.Within(10*time.Second, "server off", func() bool { return w.Status(ids[0]) == "SHUTOFF" })
	w.Slack.Down(false)
	w.Reply(card, "<@UANNA>", "1 server stopped")
	w.CardSays(card, "Stopped")
	w.quiet(requestID(card))
	if n := len(w.Replies(card)); n != 3 {
		t.Errorf("%d replies, want 3: %q", n, w.Replies(card))
	}
}

// A bot that is removed from the channel while it works still tells the
// requester what became of the servers.
func TestOutcomeIsToldAsideWhenTheChannelIsClosedToTheBot(t *testing.T) {
	t.Parallel()
	w := slow(t)
	w.fleet(1)
	w.start(nil)
	card := w.Ask(anna, "web-1")
	w.Click(ben, card, approve)
	w.Reply(card, "Sent to Huawei Cloud")
	heard := w.Hears(anna)
	w.Slack.Leave(ops, slacksim.BotUserID)
	heard("1 server stopped", "add me")
	w.OpenHome(anna, "1 server stopped", "couldn't post this")
	w.settled()
}
