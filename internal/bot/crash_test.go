package bot_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
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
	"post.posted/card", // the card stands, nobody knows where
	"post.said#1",
	"inbox.recorded#2", // the click is stored, not acknowledged
	"decision.committed",
	"inbox.handled#2",
	"plan.before",
	"plan.committed",
	"submit.looked",
	"submit.before",
	"submit.intended", // the intent stands, nothing was sent
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
	"post.posted/end", // the outcome was told, nobody has written it down
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
				return w.slack.Command(t.Context(), anna, ops, "/ecs-stop", "web-1 web-2 --reason night")
			}, func() bool { return len(w.slack.Messages(ops)) > 0 })
			card := w.card(0)
			w.insist(func() (slacksim.Answer, error) {
				return w.slack.Click(t.Context(), ben, ops, card.TS, "ecs_stop_approve")
			}, func() bool { return !strings.Contains(string(w.now(card).Blocks), "ecs_stop_approve") })
			w.reply(card, "<@UANNA>", "It took")
			w.within(10*time.Second, "kill", func() bool { return crashes.Load() == 1 })
			w.settled()
			for i, want := range []int{1, 1, 0} {
				if got := w.cloud.StopCount(ids[i]); got != want {
					t.Errorf("web-%d was stopped %d times, want %d", i+1, got, want)
				}
			}
			for i, want := range []string{"SHUTOFF", "SHUTOFF", "ACTIVE"} {
				if got := w.status(ids[i]); got != want {
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
	w.within(10*time.Second, "sockets", func() bool { return w.slack.Connections() == 2 })
	card := w.ask(anna, "web-1 web-2")
	w.click(ben, card, "ecs_stop_approve")
	if !p.wait(10*time.Second) || !p.killed() {
		t.Fatal("the bot was not killed")
	}
	w.within(5*time.Second, "web-1 and web-2 off", func() bool { return w.status(ids[0]) == "SHUTOFF" && w.status(ids[1]) == "SHUTOFF" })
	if err := w.cloud.StartByHand(ids[0]); err != nil {
		t.Fatal(err)
	}
	w.spawn()
	end := w.reply(card, "<@UANNA>", "I cannot say", "web-1", "web-2")
	for i, want := range []string{"ACTIVE", "SHUTOFF"} {
		if got := w.status(ids[i]); got != want {
			t.Errorf("web-%d is %s, want %s\n%s", i+1, got, want, end)
		}
		if got := w.cloud.StopCount(ids[i]); got != 1 {
			t.Errorf("web-%d was stopped %d times, want once", i+1, got)
		}
	}
}

// superviseBot runs one bot and starts it anew whenever it is killed, as a
// container's supervisor does. It counts how often that was.
func (w *world) superviseBot(env []string) *atomic.Int32 {
	w.t.Helper()
	var crashes atomic.Int32
	done := make(chan struct{})
	p := w.spawn(env...)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			case err := <-p.end:
				p.end <- err
				if p.killed() {
					crashes.Add(1)
				}
				p = w.spawn(env...)
			}
		}
	})
	w.t.Cleanup(func() {
		close(done)
		wg.Wait()
	})
	w.within(20*time.Second, "sockets", func() bool { return w.slack.Connections() == 2 })
	return &crashes
}

// settled waits until nothing is left to be done by anybody.
func (w *world) settled() {
	w.t.Helper()
	c := w.redis.Client()
	defer c.Close()
	w.within(40*time.Second, "end of all work", func() bool {
		return c.ZCard(w.t.Context(), "{p:"+w.env["HUAWEICLOUD_SDK_PROJECT_ID"]+"}:due").Val() == 0
	})
}

// insist does what a person does who gets no answer: the same again after a
// while, unless it has shown its effect.
func (w *world) insist(act func() (slacksim.Answer, error), effect func() bool) {
	w.t.Helper()
	for range 5 {
		a, err := act()
		if err != nil && !effect() {
			w.t.Fatal(err)
		}
		if a.Acked {
			return
		}
		deadline := time.Now().Add(4 * time.Second)
		for time.Now().Before(deadline) {
			if effect() {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	w.t.Fatal("the bot never answered")
}

// toldOnce checks that there is one card, and that nothing stands twice in its
// thread: each message tells the note that its metadata names.
func (w *world) toldOnce(card slacksim.Message) {
	w.t.Helper()
	if n := len(w.slack.Messages(ops)); n != 1 {
		w.t.Errorf("there are %d cards, want one\n%s", n, w.transcript())
	}
	seen := map[string]bool{}
	ends := 0
	for _, m := range w.slack.Thread(ops, card.TS) {
		var meta struct {
			Payload struct {
				ID string `json:"id"`
			} `json:"event_payload"`
		}
		json.Unmarshal(m.Metadata, &meta)
		if seen[meta.Payload.ID] {
			w.t.Errorf("%s was told twice\n%s", meta.Payload.ID, w.transcript())
		}
		seen[meta.Payload.ID] = true
		if strings.HasSuffix(meta.Payload.ID, "/end") {
			ends++
		}
	}
	if ends != 1 {
		w.t.Errorf("the outcome was told %d times, want once\n%s", ends, w.transcript())
	}
}
