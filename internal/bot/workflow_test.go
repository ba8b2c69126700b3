package bot_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/ecssim"
	"ecsbot/internal/slackapp"
	"ecsbot/internal/slacksim"
)

// stepWorld is a world whose app has the step for Workflow Builder, which is on unless
// the settings say otherwise.
func stepWorld(t *testing.T, env ...string) *world {
	t.Helper()
	manifest, err := slackapp.StepManifestJSON()
	if err != nil {
		t.Fatal(err)
	}
	slack, err := quiet.WithManifest(manifest)
	if err != nil {
		t.Fatal(err)
	}
	return newWorldWith(t, ecssim.Options{MinJobTime: 100 * time.Millisecond, MaxJobTime: 300 * time.Millisecond, Seed: 1}, slack,
		append([]string{"SLACK_WORKFLOW_STEP", "true"}, env...)...)
}

// runStep has a person use the workflow, and returns the number of the run.
func (w *world) runStep(user string, inputs map[string]any) int {
	w.t.Helper()
	_, a, err := w.Slack.RunStep(w.t.Context(), user, "ask_to_stop_servers", inputs)
	if err != nil || !a.Acked {
		w.t.Fatalf("the step was run: %+v %v", a, err)
	}
	return len(w.Slack.Executions()) - 1
}

// stepEnds waits until a run of the step has ended.
func (w *world) stepEnds(run int) (x slacksim.Execution) {
	w.t.Helper()
	w.Within(w.Patience, "end of the step", func() bool {
		x = w.Slack.Executions()[run]
		return x.State != slacksim.StepRunning
	})
	return x
}

// completed checks that a run ended with these outputs.
func (w *world) completed(run int, id string, outcome approvals.State, stopped, failed, skipped float64) {
	w.t.Helper()
	x := w.stepEnds(run)
	link, _ := x.Outputs["link"].(string)
	if x.State != slacksim.StepCompleted || x.Outputs["outcome"] != string(outcome) || x.Outputs["request"] != id ||
		x.Outputs["stopped"] != stopped || x.Outputs["failed"] != failed || x.Outputs["skipped"] != skipped || !strings.HasPrefix(link, "https://") {
		w.t.Errorf("the step ended with %+v\n%s", x, w.Transcript())
	}
}

// ended counts the calls that ended a run or tried to.
func (w *world) ended() int {
	return len(w.Slack.Calls("functions.completeSuccess")) + len(w.Slack.Calls("functions.completeError"))
}

// A workflow asks, two people approve, and the workflow goes on with what came of it.
func TestAWorkflowAsksAndLearnsTheOutcome(t *testing.T) {
	t.Parallel()
	w := stepWorld(t)
	ids := w.fleet(3)
	w.start(nil)
	w.Cloud.FailServer(ids[1], "Ecs.0611", "no")
	run := w.runStep(anna, map[string]any{"user": anna, "servers": "web-1, web-2", "reason": "night"})
	card := w.Card(0)
	w.CardSays(card, "<@UANNA>", "night", "Needs 2 approvals", "Asked through a workflow", "one approval more")
	w.Click(ben, card, approve)
	w.CardSays(card, "Needs 1 more")
	if x := w.Slack.Executions()[run]; x.State != slacksim.StepRunning {
		t.Errorf("before the end the step has ended: %+v", x)
	}
	w.Click(carla, card, approve)
	w.outcome(card, "1 of 2 servers stopped")
	w.completed(run, requestID(card), approvals.PartiallyFailed, 1, 1, 0)
	w.settled()
	if n := w.ended(); n != 1 {
		t.Errorf("the step was ended %d times", n)
	}
}

// However it ends, the workflow goes on.
func TestAWorkflowLearnsThatNothingIsStopped(t *testing.T) {
	t.Parallel()
	w := stepWorld(t)
	w.fleet(2)
	w.start(nil)
	run := w.runStep(anna, map[string]any{"user": anna, "servers": "web-1"})
	card := w.Card(0)
	w.Command(ben, "deny "+requestID(card)+" not today")
	w.completed(run, requestID(card), approvals.Denied, 0, 0, 1)
	run = w.runStep(anna, map[string]any{"user": anna, "servers": "web-1 web-2"})
	card = w.Card(1)
	w.Click(anna, card, "ecs_stop_cancel")
	w.completed(run, requestID(card), approvals.Cancelled, 0, 0, 2)
}

// An outcome that is not known is an end: the workflow goes on with it, and is not told
// what a person finds out later.
func TestAWorkflowIsToldTheFirstEnd(t *testing.T) {
	t.Parallel()
	w := stepWorld(t)
	ids := w.fleet(2)
	w.Cloud.StickServer(ids[1])
	w.start(nil)
	w.Cloud.FailNext("stop", 1, ecssim.ResetAfter)
	run := w.runStep(anna, map[string]any{"user": anna, "servers": "web-1 web-2"})
	card := w.Card(0)
	w.Click(ben, card, approve)
	w.Click(carla, card, approve)
	w.Within(5*time.Second, "web-1 off", func() bool { return w.Status(ids[0]) == "SHUTOFF" })
	w.Cloud.StartByHand(ids[0])
	w.Cloud.StopByHand(ids[1])
	end := w.outcome(card, "is unknown")
	w.completed(run, requestID(card), approvals.Unknown, 1, 0, 0)
	w.Click(ben, end, theyRun)
	w.Within(5*time.Second, "form", func() bool { _, open := w.Slack.View(ben); return open })
	if _, err := w.Slack.Submit(t.Context(), ben, "", map[string]map[string]any{"reason": {"text": "seen"}}); err != nil {
		t.Fatal(err)
	}
	w.Reply(card, "<@UBEN> marked")
	w.settled()
	if n := w.ended(); n != 1 {
		t.Errorf("the step was ended %d times", n)
	}
}

// What is wrong ends the step with the sentence that a command would get, and makes
// no request.
func TestAWorkflowWithAMistakeFails(t *testing.T) {
	t.Parallel()
	w := stepWorld(t, "REQUESTERS", anna+","+gus, "REASON_REQUIRED", "false")
	w.fleet(1)
	w.start(nil)
	w.Slack.AddUser(slacksim.User{ID: "UOUT", Name: "out", Stranger: true, TeamID: "TOTHER"})
	for name, c := range map[string]struct {
		inputs map[string]any
		want   string
	}{
		"a flag":            {map[string]any{"user": anna, "servers": "web-1 --hard"}, "--hard"},
		"a bad tag":         {map[string]any{"user": anna, "tag": "dev"}, "is not a tag"},
		"nothing":           {map[string]any{"user": anna}, "at least one server"},
		"no such server":    {map[string]any{"user": anna, "servers": "web-9"}, "web-9"},
		"not a requester":   {map[string]any{"user": dora, "servers": "web-1"}, "REQUESTERS"},
		"a guest":           {map[string]any{"user": gus, "servers": "web-1"}, "Guests"},
		"an outsider":       {map[string]any{"user": "UOUT", "servers": "web-1"}, "members of this workspace"},
		"no such person":    {map[string]any{"user": "UNONE", "servers": "web-1"}, "members of this workspace"},
		"the person is bot": {map[string]any{"user": slacksim.BotUserID, "servers": "web-1"}, "Bots"},
		"nobody":            {map[string]any{"user": "", "servers": "web-1"}, "does not say who asks"},
	} {
		if x := w.stepEnds(w.runStep(dora, c.inputs)); x.State != slacksim.StepFailed || !strings.Contains(x.Error, c.want) || strings.Contains(x.Error, "`") {
			t.Errorf("%s: %+v, want %q", name, x, c.want)
		}
	}
	if cards := w.Slack.Messages(ops); len(cards) > 0 || len(w.keys("r:*")) > 0 {
		t.Errorf("a request was made\n%s", w.Transcript())
	}
	w.Private(dora, "REQUESTERS") // slackbot tells whoever used the workflow
}

// An approver runs the workflow in somebody else's name: alone they still approve
// nothing.
func TestAWorkflowIsNoWayAroundTheSecondPerson(t *testing.T) {
	t.Parallel()
	w := stepWorld(t)
	ids := w.fleet(1)
	w.start(nil)
	w.runStep(ben, map[string]any{"user": anna, "servers": "web-1"})
	card := w.Card(0)
	w.Click(ben, card, approve)
	w.CardSays(card, "Needs 1 more")
	w.Command(ben, "approve "+requestID(card))
	w.Private(ben, "already approved")
	if n := w.Cloud.StopCount(ids[0]); n != 0 {
		t.Errorf("the server was stopped %d times", n)
	}
}

// Off, which is the default, or without a channel for its cards the step fails and
// says what to do: a workflow that waits in vain helps nobody.
func TestAStepThatCannotAskSaysSo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env  []string
		want string
	}{
		"off":        {[]string{"SLACK_WORKFLOW_STEP", ""}, "SLACK_WORKFLOW_STEP=true"},
		"no channel": {[]string{"APPROVAL_CHANNEL", ""}, "APPROVAL_CHANNEL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := stepWorld(t, c.env...)
			w.fleet(1)
			w.start(nil)
			if x := w.stepEnds(w.runStep(anna, map[string]any{"user": anna, "servers": "web-1"})); x.State != slacksim.StepFailed || !strings.Contains(x.Error, c.want) {
				t.Errorf("%+v, want %q", x, c.want)
			}
			if len(w.keys("r:*")) > 0 {
				t.Error("a request was made")
			}
		})
	}
}

// Slack is slow, deaf or has answered already: the step ends once, and is not asked
// for ever.
func TestAStepEndsThoughSlackFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault slacksim.Fault
		times int
		state slacksim.ExecutionState
	}{
		"server error":        {slacksim.Status(500), 2, slacksim.StepCompleted},
		"rate limit":          {slacksim.RateLimited(time.Second), 1, slacksim.StepCompleted},
		"the answer was lost": {slacksim.ResetAfter, 1, slacksim.StepCompleted},
		"an odd code":         {slacksim.ErrorCode("a_code_that_nobody_knows", false), 2, slacksim.StepCompleted},
		"Slack forgot it":     {slacksim.ErrorCode("function_execution_not_found", false), 1, slacksim.StepRunning},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := stepWorld(t)
			w.fleet(1)
			w.start(nil)
			run := w.runStep(anna, map[string]any{"user": anna, "servers": "web-1"})
			card := w.Card(0)
			w.Slack.FailNext("functions.completeSuccess", c.times, c.fault)
			w.Command(ben, "deny "+requestID(card))
			w.Within(w.Patience, "calls", func() bool { return w.ended() > 0 })
			if c.state == slacksim.StepCompleted {
				w.completed(run, requestID(card), approvals.Denied, 0, 0, 1)
			}
			w.settled()
			if x := w.Slack.Executions()[run]; x.State != c.state {
				t.Errorf("%+v", x)
			}
			if n := w.ended(); n > c.times+1 {
				t.Errorf("it was tried %d times", n)
			}
		})
	}
}

// A process dies between the end of the request and that of its step, or with the
// run only recorded.
func TestKilledAnywhereTheStepEndsOnce(t *testing.T) {
	botProgram(t)
	for _, point := range []string{"inbox.recorded#1", "inbox.handled#1", "end.committed", "step.before", "step.completed"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			w := stepWorld(t, "ALLOW_SELF_APPROVAL", "true")
			w.fleet(1)
			crashes := w.superviseBot([]string{"ECSBOT_CRASH_AT=" + point, "ECSBOT_CRASH_ONCE=" + filepath.Join(t.TempDir(), "once")})
			w.Within(10*time.Second, "sockets", func() bool { return w.Slack.Connections() > 0 })
			// Slack delivers an event again that was not acknowledged.
			if _, _, err := w.Slack.RunStep(t.Context(), anna, "ask_to_stop_servers", map[string]any{"user": anna, "servers": "web-1"}); err != nil {
				t.Fatal(err)
			}
			card := w.Card(0)
			w.insist(func() (slacksim.Answer, error) {
				return w.Slack.Click(t.Context(), ben, ops, card.TS, approve)
			}, func() bool { return !strings.Contains(string(w.Now(card).Blocks), approve) })
			w.completed(0, requestID(card), approvals.Succeeded, 1, 0, 0)
			w.Within(10*time.Second, "kill", func() bool { return crashes.Load() == 1 })
			w.settled()
			if n := len(w.Slack.Messages(ops)); n != 1 {
				t.Errorf("%d requests were made", n)
			}
			for i, c := range w.Slack.Calls("functions.completeSuccess") {
				if want := []string{"", "execution_not_in_running_state"}[min(i, 1)]; c.Error() != want {
					t.Errorf("call %d was answered %q, want %q", i+1, c.Error(), want)
				}
			}
		})
	}
}
