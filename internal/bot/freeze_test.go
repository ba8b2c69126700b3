package bot_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/slacksim"
)

// While it is frozen nothing is sent; people can ask and decide, and everything
// goes on by itself when the freeze is lifted.
func TestFreezeKeepsEverythingFromBeingSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(2)
	w.start(nil)
	w.start(nil)

	heard := w.Hears(dora)
	w.Command(dora, "freeze")
	heard("Only approvers")
	heard = w.Hears(ben)
	w.Command(ben, "unfreeze")
	heard("Nothing is frozen")
	w.Command(ben, "freeze release of <!channel>")
	heard("Sending is frozen")
	w.Within(10*time.Second, "announcement", func() bool { return w.Announced("frozen by <@UBEN>", "release of") > 0 })
	heard = w.Hears(carla)
	w.Command(carla, "freeze")
	heard("Already frozen", "<@UBEN>", "release of")

	heard = w.Hears(anna)
	card := w.Ask(anna, "web-1 web-2")
	heard("created", "Sending is frozen", "<@UBEN>")
	w.Click(ben, card, approve)
	w.Reply(card, "On hold: <@UBEN> froze sending", "release of")
	heard = w.Hears(dora)
	w.Command(dora, "list")
	heard("Sending is frozen by <@UBEN>", requestID(card))
	w.step("b:"+requestID(card)+":0", 10)
	w.step("t:"+requestID(card), 3)
	w.Untouched(ids...)
	if n := w.Count(card, "froze sending"); n != 1 {
		t.Errorf("%d messages say that it is frozen", n)
	}

	heard = w.Hears(carla)
	w.Command(carla, "unfreeze")
	heard("The freeze is lifted")
	w.Reply(card, "<@UANNA>", "2 servers stopped")
	w.Stopped(ids...)
	w.settled()
	if frozen, thawed := w.Announced("frozen by"), w.Announced("Freeze lifted", "<@UCARLA>"); frozen != 1 || thawed != 1 {
		t.Errorf("announced %d times that it is frozen and %d times that it is not\n%s", frozen, thawed, w.Transcript())
	}
	heard = w.Hears(carla)
	w.Command(carla, "unfreeze")
	heard("Nothing is frozen")
}

// What was sent before a freeze goes on to its end; what was not, waits.
func TestFreezeLeavesRunningJobsAlone(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, ecssim.Options{MinJobTime: 2 * time.Second, MaxJobTime: 2 * time.Second}, quiet,
		"ECS_BATCH_SIZE", "1", "ECS_STOP_RATE", "1")
	ids := w.fleet(2)
	w.start(nil)
	card := w.Ask(anna, "web-1 web-2")
	w.Click(ben, card, approve)
	w.Reply(card, "in batch 1 of 2")
	w.Command(ben, "freeze")
	w.Reply(card, "froze sending")
	w.Within(10*time.Second, "web-1 off", func() bool { return w.Status(ids[0]) == "SHUTOFF" })
	w.CardSays(card, "1 of 2")
	w.Untouched(ids[1])
	w.Command(ben, "unfreeze")
	w.Reply(card, "<@UANNA>", "2 servers stopped")
	w.Stopped(ids...)
}

// A freeze is announced once, also when Slack's answer to the post is lost, and
// also when Slack knows the same command twice.
func TestFreezeIsAnnouncedOnce(t *testing.T) {
	for name, fault := range map[string]slacksim.Fault{
		"answer lost": slacksim.ResetAfter, "never arrived": slacksim.ResetBefore, "internal error, done": slacksim.ErrorCode("internal_error", true),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.start(nil)
			w.Slack.FailNext("chat.postMessage", 1, fault)
			w.Command(ben, "freeze")
			if _, err := w.Slack.RedeliverOther(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.Within(15*time.Second, "announcement", func() bool { return w.Announced("frozen by <@UBEN>") > 0 })
			w.settled()
			if n := w.Announced("frozen by"); n != 1 {
				t.Errorf("announced %d times\n%s", n, w.Transcript())
			}
			for _, m := range w.Slack.Private(ben) {
				if strings.Contains(slacksim.PlainText(m), "Already frozen") {
					t.Errorf("the second delivery was answered: %s", slacksim.PlainText(m))
				}
			}
		})
	}
}

// Killed anywhere between the command and its announcement, the bot freezes and
// says so once.
func TestKilledWhileFreezing(t *testing.T) {
	botProgram(t)
	for _, point := range []string{
		"inbox.recorded#1", "freeze.committed", "inbox.handled#1",
		"post.before/frozen", "post.intended/frozen", "post.posted/frozen", "post.said#1",
	} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			crashes := w.superviseBot([]string{"ECSBOT_CRASH_AT=" + point, "ECSBOT_CRASH_ONCE=" + filepath.Join(t.TempDir(), "once")})
			w.insist(func() (slacksim.Answer, error) {
				return w.Slack.Command(t.Context(), ben, ops, "/ecs-stop", "freeze release")
			}, func() bool { return w.Announced("frozen by") > 0 })
			w.Within(20*time.Second, "announcement", func() bool { return w.Announced("frozen by <@UBEN>", "release") > 0 })
			w.Within(10*time.Second, "kill", func() bool { return crashes.Load() == 1 })
			w.settled()
			if n := w.Announced("frozen by"); n != 1 {
				t.Errorf("announced %d times\n%s", n, w.Transcript())
			}
		})
	}
}
