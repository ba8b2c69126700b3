package bot_test

import (
	"strings"
	"testing"
	"time"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/jobs"
	"ecsbot/internal/slacksim"
)

// These stories are about two things that happen at the same time.

func TestACardThatIsFoundAgainShowsWhatWasDecidedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fleet(1)
	w.start(nil)
	w.Slack.FailNext("chat.postMessage", 1, slacksim.ResetAfter)
	w.Slack.FailNext("conversations.history", 3, slacksim.Status(503))
	card := w.Ask(anna, "web-1")
	w.Command(ben, "deny "+requestID(card)+" no")
	w.CardSays(card, "Denied", "<@UBEN>")
	w.settled()
	if n := len(w.Slack.Messages(ops)); n != 1 {
		t.Errorf("there are %d cards, want one", n)
	}
}

func TestNothingIsSentAfterACancelThatCameWhileTheServersWereLookedAt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(1)
	w.start(nil)
	card := w.Ask(anna, "web-1")
	id := requestID(card)
	w.Cloud.FailNext("list", 1, ecssim.Delay(2*time.Second))
	w.Click(ben, card, approve)
	w.Within(5*time.Second, "work", func() bool { return strings.Contains(slacksim.PlainText(w.Now(card)), "Stopping") })
	w.Command(anna, "cancel "+id)
	w.Reply(card, "<@UANNA>", id, "cancelled by", "before anything was sent")
	w.settled()
	if n := w.Cloud.StopCount(ids[0]); n != 0 {
		t.Errorf("web-1 was stopped %d times", n)
	}
}

// What somebody else is stopping is not said to be off: that may fail.
func TestAServerThatSomebodyElseIsStoppingIsNotCalledOff(t *testing.T) {
	t.Parallel()
	w := slow(t)
	ids := w.fleet(2)
	w.start(nil)
	card := w.Ask(anna, "web-1 web-2")
	w.Cloud.FailServer(ids[1], "Ecs.0999", "the guest does not answer")
	w.stopElsewhere(ids[1])
	w.Click(ben, card, approve)
	end := w.Reply(card, "<@UANNA>", requestID(card)+": ")
	if strings.Contains(end, "2 of 2 servers are stopped") || !holds(end, "already being stopped", "web-2") {
		t.Errorf("told %s", end)
	}
}

// Looks that take long must not make two requests push each other out of the
// queue endlessly.
func TestASlowCloudDoesNotKeepTwoRequestsFromEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(2)
	w.start(func(c *jobs.Config) { fast(c); c.RetryIn, c.Window = 3*time.Second, time.Minute })
	a, b := w.Ask(anna, "web-1"), w.Ask(anna, "web-2")
	w.Cloud.FailNext("list", 1000, ecssim.Delay(4*time.Second))
	w.Click(ben, a, approve)
	w.Click(ben, b, approve)
	w.Within(25*time.Second, "calls for both", func() bool { return w.Cloud.StopCount(ids[0]) == 1 && w.Cloud.StopCount(ids[1]) == 1 })
}

// A job that the cloud does not show yet is asked for again.
func TestAJobThatIsNotShownYetIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := slow(t)
	w.fleet(1)
	w.start(nil)
	w.Cloud.FailNext("job", 2, ecssim.Refuse(400, "Common.0011", "no such job"))
	card := w.Ask(anna, "web-1")
	w.Click(ben, card, approve)
	w.Reply(card, "<@UANNA>", "1 server stopped")
}

// Of an accepted call that shows no effect nobody can say that it will have none.
func TestAnAcceptedCallWithoutEffectIsNotCalledFailed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(1)
	w.start(func(c *jobs.Config) { fast(c); c.MaxJobAge, c.JobDeadline = 500*time.Millisecond, 300*time.Millisecond })
	w.Cloud.FailNext("stop", 1, ecssim.Status(202, `{"job_id":"0123456789abcdef0123456789abcdef"}`, nil))
	w.Cloud.FailNext("job", 1000, ecssim.Status(200, `{"job_id":"0123456789abcdef0123456789abcdef","status":"INIT"}`, nil))
	card := w.Ask(anna, "web-1")
	w.Click(ben, card, approve)
	end := w.Reply(card, "<@UANNA>", requestID(card)+": ")
	if !holds(end, "is unknown", "was not finished after", "0123456789abcdef") || strings.Contains(end, "no server was stopped") {
		t.Errorf("told %s", end)
	}
	if n := w.Cloud.StopCount(ids[0]); n != 0 {
		t.Errorf("a second call was made for a server whose call was accepted (%d)", n)
	}
}

// The answer to a call is not forgotten while Redis is away.
func TestTheJobIsKnownThoughRedisWasAwayWhenItWasToldOf(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(1)
	w.start(nil)
	w.Cloud.FailNext("stop", 1, ecssim.Delay(time.Second))
	card := w.Ask(anna, "web-1")
	w.Click(ben, card, approve)
	w.Within(10*time.Second, "server going off", func() bool { s, _ := w.Cloud.Server(ids[0]); return s.TaskState != "" || s.Status == "SHUTOFF" })
	w.redis.Kill()
	time.Sleep(6 * time.Second)
	w.redis.Restart()
	end := w.Reply(card, "<@UANNA>", "1 server stopped")
	if strings.Contains(end, "no job confirms") {
		t.Errorf("told %s", end)
	}
}
