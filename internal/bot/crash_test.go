package bot_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/slacksim"
)

// crashPoints are the named steps of a request's life on which the only
// replica is killed. NAME#N is the N-th time that the process comes by.
var crashPoints = []string{
	"inbox.recorded#1", // the command is stored, not acknowledged
	"inbox.handled#1",  // the request is made, the person answered
	"post.before/card",
	"post.intended/card",
	"post.posted/card", // the card is posted, its place is not stored
	"post.said#1",
	"inbox.recorded#2", // the click is stored, not acknowledged
	"decision.committed",
	"inbox.handled#2",
	"plan.before",
	"plan.committed",
	"submit.looked",
	"submit.before",
	"submit.intended", // the intent is written, nothing was sent
	"submit.called",   // the cloud has answered, nobody has written it down
	"submit.accepted",
	"post.intended/approved",
	"post.posted/approved",
	"post.posted/sent",
	"poll.asked",
	"settle.looked",
	"end.before",
	"end.committed",
	"post.before/end",
	"post.intended/end",
	"post.posted/end", // the outcome was posted, but that is not stored
}

func TestKilledAnywhereOneStopOneOutcome(t *testing.T) {
	botProgram(t)
	for _, point := range crashPoints {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ids := w.fleet(3)
			once := filepath.Join(t.TempDir(), "once")
			crash := []string{"ECSBOT_CRASH_AT=" + point, "ECSBOT_CRASH_ONCE=" + once}
			crashes := w.superviseBot(crash)

			w.insist(func() (slacksim.Answer, error) {
				return w.Slack.Command(t.Context(), anna, ops, "/ecs-stop", "web-1 web-2 --reason night")
			}, func() bool { return len(w.Slack.Messages(ops)) > 0 })
			card := w.Card(0)
			w.insist(func() (slacksim.Answer, error) {
				return w.Slack.Click(t.Context(), ben, ops, card.TS, "ecs_stop_approve")
			}, func() bool { return !strings.Contains(string(w.Now(card).Blocks), "ecs_stop_approve") })
			w.Reply(card, "<@UANNA>", requestID(card)+": ")
			w.Within(10*time.Second, "kill", func() bool { return crashes.Load() == 1 })
			w.settled()
			for i, want := range []int{1, 1, 0} {
				if got := w.Cloud.StopCount(ids[i]); got != want {
					t.Errorf("web-%d was stopped %d times, want %d", i+1, got, want)
				}
			}
			for i, want := range []string{"SHUTOFF", "SHUTOFF", "ACTIVE"} {
				if got := w.Status(ids[i]); got != want {
					t.Errorf("web-%d is %s, want %s", i+1, got, want)
				}
			}
			w.toldOnce(card)
		})
	}
}

// A server that a person started again after a stop whose answer was lost is
// left alone: it is the one thing that must never happen twice.
func TestKilledAfterTheCallLeavesARestartedServerAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(2)
	once := filepath.Join(t.TempDir(), "once")
	p := w.spawn("ECSBOT_CRASH_AT=submit.called", "ECSBOT_CRASH_ONCE="+once)
	w.Within(10*time.Second, "sockets", func() bool { return w.Slack.Connections() == 2 })
	card := w.Ask(anna, "web-1 web-2")
	w.Click(ben, card, "ecs_stop_approve")
	if !p.wait(10*time.Second) || !p.killed() {
		t.Fatal("the bot was not killed")
	}
	w.Within(5*time.Second, "web-1 and web-2 off", func() bool { return w.Status(ids[0]) == "SHUTOFF" && w.Status(ids[1]) == "SHUTOFF" })
	if err := w.Cloud.StartByHand(ids[0]); err != nil {
		t.Fatal(err)
	}
	w.spawn()
	end := w.Reply(card, "<@UANNA>", "is unknown", "web-1", "web-2")
	for i, want := range []string{"ACTIVE", "SHUTOFF"} {
		if got := w.Status(ids[i]); got != want {
			t.Errorf("web-%d is %s, want %s\n%s", i+1, got, want, end)
		}
		if got := w.Cloud.StopCount(ids[i]); got != 1 {
			t.Errorf("web-%d was stopped %d times, want once", i+1, got)
		}
	}
}
