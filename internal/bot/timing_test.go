package bot_test

import (
	"strings"
	"testing"
	"time"

	"ecsbot/internal/ecsclient"
	"ecsbot/internal/ecssim"
	"ecsbot/internal/jobs"
	"ecsbot/internal/secret"
	"ecsbot/internal/slacksim"
)

// These stories are about two things that happen at the same time.

func TestACardThatIsFoundAgainShowsWhatWasDecidedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fleet(1)
	w.start(nil)
	w.slack.FailNext("chat.postMessage", 1, slacksim.ResetAfter)
	w.slack.FailNext("conversations.history", 3, slacksim.Status(503))
	card := w.ask(anna, "web-1")
	w.command(ben, "deny "+requestID(card)+" no")
	w.cardSays(card, "Denied", "<@UBEN>")
	w.settled()
	if n := len(w.slack.Messages(ops)); n != 1 {
		t.Errorf("there are %d cards, want one", n)
	}
}

func TestNothingIsSentAfterACancelThatCameWhileTheServersWereLookedAt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(1)
	w.start(nil)
	card := w.ask(anna, "web-1")
	id := requestID(card)
	w.cloud.FailNext("list", 1, ecssim.Delay(2*time.Second))
	w.click(ben, card, approve)
	w.within(5*time.Second, "work", func() bool { return strings.Contains(slacksim.PlainText(w.now(card)), "Stopping") })
	w.command(anna, "cancel "+id)
	w.reply(card, "<@UANNA>", id, "was cancelled by", "before anything was sent")
	w.settled()
	if n := w.cloud.StopCount(ids[0]); n != 0 {
		t.Errorf("web-1 was stopped %d times", n)
	}
}

// What somebody else is stopping is not said to be off: that may fail.
func TestAServerThatSomebodyElseIsStoppingIsNotCalledOff(t *testing.T) {
	t.Parallel()
	w := slow(t)
	ids := w.fleet(2)
	w.start(nil)
	card := w.ask(anna, "web-1 web-2")
	w.cloud.FailServer(ids[1], "Ecs.0999", "the guest does not answer")
	w.stopElsewhere(ids[1])
	w.click(ben, card, approve)
	end := w.reply(card, "<@UANNA>", "It took")
	if strings.Contains(end, "all 2 servers are off") || !holds(end, "being stopped by somebody else", "web-2") {
		t.Errorf("told %s", end)
	}
}

// stopElsewhere stops a server as somebody with a key of their own would.
func (w *world) stopElsewhere(id string) {
	w.t.Helper()
	c, err := ecsclient.New(ecsclient.Config{
		Endpoint: w.env["ECS_ENDPOINT"], ProjectID: w.env["HUAWEICLOUD_SDK_PROJECT_ID"],
		Credentials: ecsclient.Credentials{AccessKey: w.env["HUAWEICLOUD_SDK_AK"], SecretKey: secret.New(w.env["HUAWEICLOUD_SDK_SK"])},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	slot, err := c.Slot(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := slot.Stop(w.t.Context(), []string{id}, ecsclient.Soft, time.Now().Add(time.Minute)); err != nil {
		w.t.Fatal(err)
	}
}

// Looks that take long must not make two requests push each other out of the
// line for ever.
func TestASlowCloudDoesNotKeepTwoRequestsFromEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(2)
	w.start(func(c *jobs.Config) { fast(c); c.RetryIn, c.Window = 3*time.Second, time.Minute })
	a, b := w.ask(anna, "web-1"), w.ask(anna, "web-2")
	w.cloud.FailNext("list", 1000, ecssim.Delay(4*time.Second))
	w.click(ben, a, approve)
	w.click(ben, b, approve)
	w.within(25*time.Second, "calls for both", func() bool { return w.cloud.StopCount(ids[0]) == 1 && w.cloud.StopCount(ids[1]) == 1 })
}

// A job that the cloud does not show yet is asked for again.
func TestAJobThatIsNotShownYetIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := slow(t)
	w.fleet(1)
	w.start(nil)
	w.cloud.FailNext("job", 2, ecssim.Refuse(400, "Common.0011", "no such job"))
	card := w.ask(anna, "web-1")
	w.click(ben, card, approve)
	w.reply(card, "<@UANNA>", "1 server stopped")
}

// Of an accepted call that shows no effect nobody can say that it will have none.
func TestAnAcceptedCallWithoutEffectIsNotCalledFailed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(1)
	w.start(func(c *jobs.Config) { fast(c); c.MaxJobAge, c.JobDeadline = 500*time.Millisecond, 300*time.Millisecond })
	w.cloud.FailNext("stop", 1, ecssim.Status(202, `{"job_id":"0123456789abcdef0123456789abcdef"}`, nil))
	w.cloud.FailNext("job", 1000, ecssim.Status(200, `{"job_id":"0123456789abcdef0123456789abcdef","status":"INIT"}`, nil))
	card := w.ask(anna, "web-1")
	w.click(ben, card, approve)
	end := w.reply(card, "<@UANNA>", "It took")
	if !holds(end, "I cannot say", "was not done after", "0123456789abcdef") || strings.Contains(end, "no server was stopped") {
		t.Errorf("told %s", end)
	}
	if n := w.cloud.StopCount(ids[0]); n != 0 {
		t.Errorf("a second call was made for a server whose call was accepted (%d)", n)
	}
}

// The answer to a call is not forgotten while Redis is away.
func TestTheJobIsKnownThoughRedisWasAwayWhenItWasToldOf(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(1)
	w.start(nil)
	w.cloud.FailNext("stop", 1, ecssim.Delay(time.Second))
	card := w.ask(anna, "web-1")
	w.click(ben, card, approve)
	w.within(10*time.Second, "server going off", func() bool { s, _ := w.cloud.Server(ids[0]); return s.TaskState != "" || s.Status == "SHUTOFF" })
	w.redis.Kill()
	time.Sleep(6 * time.Second)
	w.redis.Restart()
	end := w.reply(card, "<@UANNA>", "1 server stopped")
	if strings.Contains(end, "No job of the cloud is known") {
		t.Errorf("told %s", end)
	}
}
