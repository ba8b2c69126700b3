package bot_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/slacksim"
)

// Buttons under an outcome.
const (
	retryFailed = "ecs_stop_retry"
	startAgain  = "ecs_stop_start"
	theyAreOff  = "ecs_stop_are_off"
	theyRun     = "ecs_stop_run"
)

func (w *world) has(m slacksim.Message, action string) bool {
	return strings.Contains(string(m.Blocks), `"`+action+`"`)
}

// stopAll has the first n of web-1 … stopped and returns the outcome.
func (w *world) stopAll(n int) slacksim.Message {
	w.t.Helper()
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("web-%d", i+1)
	}
	card := w.Ask(anna, strings.Join(names, " "))
	w.Click(ben, card, approve)
	return w.outcome(card, fmt.Sprintf("%d servers stopped", n))
}

func TestStartAgainStartsOnlyWhatWasStoppedAndStillIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "PROTECTED_SERVERS", "nobody")
	ids := w.fleet(5)
	w.Cloud.StopByHand(ids[4]) // off before, and not by us
	w.start(nil)
	card := w.Ask(anna, "web-1 web-2 web-3 web-5")
	w.Click(ben, card, approve)
	end := w.outcome(card, "3 servers stopped")
	w.Cloud.StartByHand(ids[1])

	// Slack delivers the click twice; it makes one request.
	w.Click(anna, end, startAgain)
	if _, err := w.Slack.RedeliverOther(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := w.Card(1)
	if text := slacksim.PlainText(again); !holds(text, "Start 2 servers", "Requested by <@UANNA>", "servers of <https://", "|"+requestID(card)+">", "already running", "[Approve]") || holds(text, "shutdown") {
		t.Errorf("the card says %s", text)
	}
	if !holds(string(again.Blocks), "Start 2 servers?", "begins as soon as you confirm") {
		t.Errorf("the dialog does not say that servers are started: %s", again.Blocks)
	}
	w.Cloud.StartByHand(ids[2]) // and one while the card waits
	w.step("r:"+requestID(again), 3)
	if n := len(w.Starts()); n != 0 {
		t.Fatalf("%d start calls before anybody approved", n)
	}
	w.Click(ben, again, approve)
	done := w.outcome(again, "2 of 2 servers are running", "1 started", "1 found running")
	if text := slacksim.PlainText(done); !holds(text, "web-1 | started |", "web-3 | found running | – | already running") {
		t.Errorf("the outcome says %s", text)
	}
	if w.has(done, startAgain) || w.has(done, retryFailed) {
		t.Error("there is nothing to start or to try again after this")
	}
	w.settled()
	for i, want := range []int{1, 0, 0, 0, 0} {
		if got := w.StartsOf(ids[i]); got != want {
			t.Errorf("web-%d was started %d times, want %d", i+1, got, want)
		}
	}
	if calls := w.Starts(); len(calls) != 1 || calls[0].Body != `{"os-start":{"servers":[{"id":"`+ids[0]+`"}]}}` {
		t.Errorf("the calls were %v", calls)
	}
	for i, want := range []string{"ACTIVE", "ACTIVE", "ACTIVE", "ACTIVE", "SHUTOFF"} {
		if got := w.Status(ids[i]); got != want {
			t.Errorf("web-%d is %s, want %s", i+1, got, want)
		}
	}
	heard := w.Hears(anna)
	w.Command(anna, "start "+requestID(card))
	heard("Nothing to start", "already running")
	w.Command(anna, "start "+requestID(again))
	heard("stopped no server")
	if n := len(w.Slack.Messages(ops)); n != 2 {
		t.Errorf("%d cards, want 2\n%s", n, w.Transcript())
	}
}

// Whatever the cloud answers to the start call, each server is started once.
func TestLostAnswersOfStartCalls(t *testing.T) {
	for name, test := range map[string]struct {
		fault ecssim.Fault
		calls int
		end   string
	}{
		"reset after":  {ecssim.ResetAfter, 1, "2 of 2 servers are running"},
		"reset before": {ecssim.ResetBefore, 2, "2 servers started"},
		"no job id":    {ecssim.NoJobID, 2, "2 servers started"},
		"taken late":   {ecssim.AcceptLate(time.Second), 1, "2 of 2 servers are running"},
		"too much":     {ecssim.Throttle(time.Second), 2, "2 servers started"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ids := w.fleet(2)
			w.start(nil)
			end := w.stopAll(2)
			w.Cloud.FailNext("start", 1, test.fault)
			w.Click(anna, end, startAgain)
			again := w.Card(1)
			w.Click(ben, again, approve)
			w.outcome(again, test.end)
			w.settled()
			if n := len(w.Starts()); n != test.calls {
				t.Errorf("%d start calls, want %d", n, test.calls)
			}
			for _, id := range ids {
				if s := w.Status(id); s != "ACTIVE" {
					t.Errorf("%s is %s", id, s)
				}
			}
		})
	}
}

// A server that a person stops again while the bot does not know what became of
// its start call is not started a second time.
func TestServerStoppedByHandIsNotStartedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(2)
	w.start(nil)
	end := w.stopAll(2)
	w.Cloud.StickServer(ids[1]) // keeps the batch from being settled at once
	w.Cloud.FailNext("start", 1, ecssim.ResetAfter)
	w.Click(anna, end, startAgain)
	again := w.Card(1)
	w.Click(ben, again, approve)
	w.Within(5*time.Second, "web-1 on", func() bool { return w.Status(ids[0]) == "ACTIVE" })
	w.Cloud.StopByHand(ids[0])
	w.Cloud.StartByHand(ids[1])
	w.outcome(again, "is unknown", "web-1", "someone may have stopped it again")
	w.settled()
	if n := w.StartsOf(ids[0]); n != 1 || w.Status(ids[0]) != "SHUTOFF" {
		t.Errorf("web-1 was started %d times and is %s, want once and SHUTOFF", n, w.Status(ids[0]))
	}
}

// Retrying sends only what failed. Who may approve does so by the click, as
// long as the old approval holds; for others there is a card.
func TestRetrySendsOnlyWhatFailed(t *testing.T) {
	for name, test := range map[string]struct {
		who    string
		env    []string
		atOnce bool
	}{
		"an approver":                  {ben, nil, true},
		"the requester":                {anna, nil, false},
		"an approver, two are needed":  {ben, []string{"APPROVALS_REQUIRED", "2"}, false},
		"the requester, who may alone": {anna, []string{"ALLOW_SELF_APPROVAL", "true", "APPROVERS", anna + "," + ben}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, test.env...)
			ids := w.fleet(3)
			w.Cloud.FailServer(ids[1], "Ecs.0100", "it <!here> will not")
			w.start(nil)
			card := w.Ask(anna, "web-1 web-2 web-3 --hard --reason night")
			w.Click(ben, card, approve)
			if len(test.env) > 0 && test.env[0] == "APPROVALS_REQUIRED" {
				w.Click(carla, card, approve)
			}
			end := w.outcome(card, "2 of 3 servers stopped", "1 failed", "Ecs.0100")
			w.Reply(card, "| failed | Ecs.0100 | it ‹!here› will not")
			if n := w.Count(card, "Ecs.0100"); n != 1 {
				t.Errorf("the failed batch was posted %d times", n)
			}
			w.Cloud.FailServer(ids[1], "", "")

			heard := w.Hears(test.who)
			w.Click(test.who, end, retryFailed)
			heard("created", "stop 1 server")
			again := w.Card(1)
			w.Reply(card, "Retried as <https://", "|"+requestID(again)+"> by <@"+test.who+">")
			w.CardSays(card, "retried as <https://", "|"+requestID(again)+">")
			if !test.atOnce {
				if text := slacksim.PlainText(again); !holds(text, "Stop 1 server", "Requested by <@"+test.who+">", "power off", "retry of <https://", "|"+requestID(card)+">", "night", "[Approve]") {
					t.Errorf("the card says %s", text)
				}
				for _, by := range []string{ben, carla} {
					if by != test.who || test.who == ben {
						w.Click(by, again, approve)
					}
					if w.env["APPROVALS_REQUIRED"] == "" {
						break
					}
				}
			}
			if test.who == anna || test.atOnce {
				w.outcome(again, "1 server stopped")
				if text := w.CardSays(again, "Stopped 1 server", "Requested by <@UANNA>", "retry of"); test.atOnce && !holds(text, "approved by <@"+test.who+">") {
					t.Errorf("the card says %s", text)
				}
			} else if w.env["APPROVALS_REQUIRED"] != "" {
				w.CardSays(again, "Needs 2 approvals") // one's own does not count
			}
			w.Within(10*time.Second, "stop", func() bool { return !test.atOnce && test.who == ben || w.Cloud.StopCount(ids[1]) == 2 })
			for i, id := range ids {
				if n := w.Cloud.StopCount(id); i != 1 && n != 1 {
					t.Errorf("web-%d was stopped %d times, want once", i+1, n)
				}
			}
		})
	}
}

// Where the truth cannot be known a person decides, once, with a reason.
func TestAPersonDecidesWhatIsNotKnown(t *testing.T) {
	for _, test := range []struct {
		action, says, card string
	}{
		{theyRun, "running", "1 failed"},
		{theyAreOff, "stopped", "are stopped"},
	} {
		t.Run(test.says, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ids := w.fleet(2)
			w.Cloud.StickServer(ids[1])
			w.start(nil)
			w.Cloud.FailNext("stop", 1, ecssim.ResetAfter)
			card := w.Ask(anna, "web-1 web-2")
			w.Click(ben, card, approve)
			w.Within(5*time.Second, "web-1 off", func() bool { return w.Status(ids[0]) == "SHUTOFF" })
			w.Cloud.StartByHand(ids[0])
			w.Cloud.StopByHand(ids[1])
			end := w.outcome(card, "is unknown")

			heard := w.Hears(anna)
			w.Click(anna, end, test.action)
			heard("Only approvers")
			w.Click(ben, end, test.action)
			w.Within(5*time.Second, "form", func() bool { _, open := w.Slack.View(ben); return open })
			v, _ := w.Slack.View(ben)
			if text := slacksim.ViewText(v); !holds(text, "1 unknown server", requestID(card)) {
				t.Errorf("the form says %s", text)
			}
			reason := map[string]map[string]any{"reason": {"text": "seen in the console <!here>"}}
			if a, err := w.Slack.Submit(t.Context(), ben, "", reason); err != nil || !a.Acked {
				t.Fatalf("%v, acknowledged %t", err, a.Acked)
			}
			if _, err := w.Slack.RedeliverOther(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.Reply(card, "<@UBEN> marked", test.says, "seen in the console")
			w.CardSays(card, test.card, "<@UBEN> marked", "seen in the console")
			heard = w.Hears(carla)
			w.Click(carla, end, theyRun)
			heard("no unknown servers", "<@UBEN> marked")
			w.settled()
			if n := w.Count(card, "marked"); n != 1 {
				t.Errorf("told %d times\n%s", n, w.Transcript())
			}
			c := w.redis.Client()
			defer c.Close()
			decided := 0
			for _, entry := range c.XRange(t.Context(), w.keys("{p:*}:audit")[0], "-", "+").Val() {
				if d := fmt.Sprint(entry.Values["d"]); holds(d, "seen in the console", `"by":"UBEN"`, `"from":"unknown"`) {
					decided++
				}
			}
			if decided != 1 {
				t.Errorf("%d audit entries of the decision, want one", decided)
			}
		})
	}
}

// Killed around the start call or the click for it, the bot makes one request
// and starts each server once.
func TestKilledWhileStartingAgain(t *testing.T) {
	botProgram(t)
	for _, point := range []string{
		"inbox.recorded#3", "inbox.handled#3", "submit.before#2", "submit.intended#2", "submit.called#2", "submit.accepted#2", "settle.looked#2", "post.posted/end#2",
	} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ids := w.fleet(2)
			crashes := w.superviseBot([]string{"ECSBOT_CRASH_AT=" + point, "ECSBOT_CRASH_ONCE=" + filepath.Join(t.TempDir(), "once")})
			end := w.stopAll(2)
			// A click that is lost on the way is made again; the servers being part
			// of a request already, it makes no second one.
			w.insist(func() (slacksim.Answer, error) {
				return w.Slack.Click(t.Context(), anna, ops, end.TS, startAgain)
			}, func() bool { return len(w.Slack.Messages(ops)) > 1 })
			again := w.Card(1)
			w.insist(func() (slacksim.Answer, error) {
				return w.Slack.Click(t.Context(), ben, ops, again.TS, approve)
			}, func() bool { return !strings.Contains(string(w.Now(again).Blocks), approve) })
			w.outcome(again, requestID(again)+": ")
			w.Within(10*time.Second, "kill", func() bool { return crashes.Load() == 1 })
			w.settled()
			for i, id := range ids {
				if n := w.StartsOf(id); n != 1 || w.Status(id) != "ACTIVE" {
					t.Errorf("web-%d was started %d times and is %s", i+1, n, w.Status(id))
				}
			}
			if n := len(w.Slack.Messages(ops)); n != 2 {
				t.Errorf("%d cards, want 2\n%s", n, w.Transcript())
			}
			ends := 0
			for _, text := range w.Replies(again) {
				if holds(text, requestID(again)+": ") {
					ends++
				}
			}
			if ends != 1 {
				t.Errorf("the outcome was posted %d times", ends)
			}
		})
	}
}

// Starts keep a quota of their own, and do not wait for stops.
func TestManyStartsKeepTheirQuota(t *testing.T) {
	t.Parallel()
	const window = 3 * time.Second
	w := newWorldWith(t, ecssim.Options{MinJobTime: 100 * time.Millisecond, MaxJobTime: 300 * time.Millisecond, Window: window, Limit: 20}, quiet,
		"ECS_STOP_RATE", "20", "ECS_BATCH_SIZE", "10")
	ids := w.fleet(50)
	w.start(nil)
	w.start(nil)
	card := w.Ask(anna, "web-*")
	w.Click(ben, card, approve)
	end := w.outcome(card, "50 servers stopped")
	w.Click(anna, end, startAgain)
	again := w.Card(1)
	w.Click(ben, again, approve)
	w.outcome(again, "50 servers started")
	if most := w.Cloud.MaxStartsInWindow(window); most > 20 {
		t.Errorf("%d servers were started in one window, at most 20 are allowed", most)
	}
	for _, id := range ids {
		if n := w.StartsOf(id); n != 1 {
			t.Errorf("%s was started %d times, want once", id, n)
		}
	}
}

// What its requester has withdrawn is not brought back by an approver alone.
func TestRetryOfWhatWasCancelledNeedsAnotherApproval(t *testing.T) {
	t.Parallel()
	w := slow(t, "ECS_STOP_RATE", "1", "ECS_BATCH_SIZE", "1")
	ids := w.fleet(2)
	w.start(nil)
	card := w.Ask(anna, "web-1 web-2")
	w.Click(ben, card, approve)
	w.Reply(card, "in batch 1 of 2")
	w.Command(anna, "cancel "+requestID(card))
	end := w.outcome(card, requestID(card)+": ")
	n := len(w.Slack.Messages(ops))
	w.Click(ben, end, retryFailed)
	again := w.Card(n)
	w.CardSays(again, "Requested by <@UBEN>", "Needs 1 approval")
	if got := w.Cloud.StopCount(ids[1]); got != 0 {
		t.Errorf("web-2 was stopped %d times", got)
	}
}

// A second click on Retry, however late, stops nothing that a person started.
func TestTheRestIsRetriedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(1)
	w.start(nil)
	w.Cloud.FailServer(ids[0], "Ecs.0611", "no")
	card := w.Ask(anna, "web-1")
	w.Click(ben, card, approve)
	end := w.outcome(card, "failed")
	w.Cloud.FailServer(ids[0], "", "")
	w.Click(ben, end, retryFailed)
	again := w.Card(1)
	w.Reply(again, "<@UANNA>", "1 server stopped")
	w.Cloud.StartByHand(ids[0])
	sent := w.Cloud.StopCount(ids[0])
	heard := w.Hears(carla)
	w.Click(carla, end, retryFailed)
	heard("already retried as")
	w.settled()
	if got := w.Cloud.StopCount(ids[0]); got != sent || w.Status(ids[0]) != "ACTIVE" {
		t.Errorf("web-1 was sent %d times more and is %s", got-sent, w.Status(ids[0]))
	}
}

// An approver's click renews the wish of the requester only while that person
// may still ask; else it is a wish of the approver's own, which needs approval.
func TestARetryIsNotTheWishOfSomebodyWhoIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(1)
	w.Cloud.FailServer(ids[0], "Ecs.0100", "it will not")
	w.start(nil)
	card := w.Ask(anna, "web-1")
	w.Click(ben, card, approve)
	end := w.outcome(card, "failed", "Ecs.0100")
	w.Cloud.FailServer(ids[0], "", "")
	w.Slack.Deactivate(anna)
	w.forgetful(time.Minute)
	w.Click(ben, end, retryFailed)
	again := w.Card(1)
	if text := w.CardSays(again, "Stop 1 server", "Requested by <@UBEN>", "retry of"); !holds(text, "Needs 1 approval") {
		t.Errorf("the card says %s", text)
	}
	w.Click(carla, again, approve)
	w.Reply(again, "<@UBEN>", "1 server stopped")
}
