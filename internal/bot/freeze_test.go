package bot_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/slacksim"
)

// announced counts the channel's own messages that hold all the words.
func (w *world) announced(words ...string) int {
	n := 0
	for _, m := range w.slack.Messages(ops) {
		if holds(slacksim.PlainText(m), words...) {
			n++
		}
	}
	return n
}

// While it is frozen nothing is sent; people can ask and decide, and everything
// goes on by itself when the freeze is lifted.
func TestFreezeKeepsEverythingFromBeingSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(2)
	w.start(nil)
	w.start(nil)

	heard := w.hears(dora)
	w.command(dora, "freeze")
	heard("not an approver")
	heard = w.hears(ben)
	w.command(ben, "unfreeze")
	heard("Nothing is frozen")
	w.command(ben, "freeze release of <!channel>")
	heard("Frozen: no request is sent")
	w.within(10*time.Second, "announcement", func() bool { return w.announced("Frozen by <@UBEN>", "release of") > 0 })
	heard = w.hears(carla)
	w.command(carla, "freeze")
	heard("frozen already", "<@UBEN>", "release of")

	heard = w.hears(anna)
	card := w.ask(anna, "web-1 web-2")
	heard("Asked as", "it is frozen", "<@UBEN>")
	w.click(ben, card, approve)
	w.reply(card, "<@UBEN> has frozen everything", "call 1 of 1", "release of")
	heard = w.hears(dora)
	w.command(dora, "list")
	heard("<@UBEN> froze everything", requestID(card))
	time.Sleep(2 * time.Second)
	w.untouched(ids...)
	if n := w.count(card, "has frozen everything"); n != 1 {
		t.Errorf("the thread was told %d times that it is frozen", n)
	}

	heard = w.hears(carla)
	w.command(carla, "unfreeze")
	heard("The freeze is lifted")
	w.reply(card, "<@UANNA>", "2 servers stopped")
	w.stopped(ids...)
	w.settled()
	if frozen, thawed := w.announced("Frozen by"), w.announced("Not frozen any more", "<@UCARLA>"); frozen != 1 || thawed != 1 {
		t.Errorf("announced %d times that it is frozen and %d times that it is not\n%s", frozen, thawed, w.transcript())
	}
	heard = w.hears(carla)
	w.command(carla, "unfreeze")
	heard("Nothing is frozen")
}

// What was sent before a freeze goes on to its end; what was not, waits.
func TestFreezeLeavesRunningJobsAlone(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, ecssim.Options{MinJobTime: 2 * time.Second, MaxJobTime: 2 * time.Second}, quiet,
		"ECS_BATCH_SIZE", "1", "ECS_STOP_RATE", "1")
	ids := w.fleet(2)
	w.start(nil)
	card := w.ask(anna, "web-1 web-2")
	w.click(ben, card, approve)
	w.reply(card, "The cloud took call 1 of 2")
	w.command(ben, "freeze")
	w.reply(card, "has frozen everything", "call 2 of 2")
	w.within(10*time.Second, "web-1 off", func() bool { return w.status(ids[0]) == "SHUTOFF" })
	w.cardSays(card, "1 of 2")
	w.untouched(ids[1])
	w.command(ben, "unfreeze")
	w.reply(card, "<@UANNA>", "2 servers stopped")
	w.stopped(ids...)
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
			w.slack.FailNext("chat.postMessage", 1, fault)
			w.command(ben, "freeze")
			if _, err := w.slack.RedeliverOther(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.within(15*time.Second, "announcement", func() bool { return w.announced("Frozen by <@UBEN>") > 0 })
			w.settled()
			if n := w.announced("Frozen by"); n != 1 {
				t.Errorf("announced %d times\n%s", n, w.transcript())
			}
			for _, m := range w.slack.Private(ben) {
				if strings.Contains(slacksim.PlainText(m), "already") {
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
				return w.slack.Command(t.Context(), ben, ops, "/ecs-stop", "freeze release")
			}, func() bool { return w.announced("Frozen by") > 0 })
			w.within(20*time.Second, "announcement", func() bool { return w.announced("Frozen by <@UBEN>", "release") > 0 })
			w.within(10*time.Second, "kill", func() bool { return crashes.Load() == 1 })
			w.settled()
			if n := w.announced("Frozen by"); n != 1 {
				t.Errorf("announced %d times\n%s", n, w.transcript())
			}
		})
	}
}
