package bot_test

import (
	"strings"
	"testing"
	"time"

	"ecsbot/internal/slacksim"
)

// An approver who may not request tries a request again in a channel that is
// shared with another company. Its card names servers, so it is not posted there.
func TestARetryPostsNoCardWhereOutsidersReadIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "APPROVAL_CHANNEL", "", "REQUESTERS", anna)
	ids := w.fleet(1)
	w.start(nil)
	w.Slack.AddChannel(slacksim.Channel{ID: "CSHARED", Name: "with-customer", Shared: true})
	w.Slack.Join("CSHARED", anna, ben, slacksim.BotUserID)
	w.Cloud.FailServer(ids[0], "Ecs.0611", "no")
	card := w.Ask(anna, "web-1")
	w.Click(ben, card, approve)
	w.outcome(card, "failed")
	heard := w.Hears(ben)
	if _, err := w.Slack.Command(t.Context(), ben, "CSHARED", "/ecs-stop", "retry "+requestID(card)); err != nil {
		t.Fatal(err)
	}
	heard("outside your workspace")
	for _, m := range w.Slack.Messages("CSHARED") {
		t.Errorf("in the shared channel: %s", slacksim.PlainText(m))
	}
}

// Redis and Slack were both away at the start. Once Redis is back, it is not
// named as the cause any more.
func TestReadinessNamesNoCauseThatIsOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.redis.Kill()
	w.Slack.Down(true)
	s := w.serve()
	s.notReady("Redis does not answer")
	w.redis.Restart()
	w.Within(10*time.Second, "another cause", func() bool {
		_, said := s.get("/readyz")
		return !strings.Contains(said, "Redis does not answer")
	})
	w.Slack.Down(false)
	s.ready()
}

// The card was given up while somebody approved by command; later the channel
// takes messages again. The card comes, and the outcome follows in its thread.
func TestAnOutcomeFollowsACardThatWasGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fleet(1)
	w.start(nil)
	w.Slack.FailNext("chat.postMessage", 1, slacksim.ErrorCode("a_code_that_nobody_knows", false)) // tried again later
	heard := w.Hears(anna)
	w.Command(anna, "web-1")
	_, rest, _ := strings.Cut(heard("created"), "S-")
	id := "S-" + rest[:5]
	w.Slack.FailNext("chat.postMessage", 3, slacksim.ErrorCode("not_in_channel", false)) // card, approved, sent
	w.Command(ben, "approve "+id)
	card := w.Card(0)
	w.Reply(card, "<@UANNA>", id, "1 server stopped")
}
