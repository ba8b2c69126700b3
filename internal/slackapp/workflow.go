package slackapp

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/command"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
)

// The step "Ask to stop servers" of Slack's Workflow Builder. Slack's pages on custom
// steps (docs.slack.dev: tools/bolt-js/concepts/custom-steps, reference/events/
// function_executed, reference/methods/functions.completeSuccess and .completeError)
// have what this file relies on:
//
//   - A run of the step arrives as the event function_executed and is in progress until
//     one of the two methods ends it. They need no scope.
//   - The second end of a run is refused with execution_not_in_running_state; an end of
//     one that Slack does not have any more with function_execution_not_found.
//   - The event does not say who ran the workflow, only what its author put into the
//     inputs. So the person is not trusted: see approvals.Policy.
//   - The token in the event expires after 15 minutes (slackapi/bolt-python#1075), and
//     an approval may take longer. It is not used and not stored; the bot token ends
//     the run.

// stepCallback names the step in the manifest (workflow.yaml). Workflows refer to it.
const stepCallback = "ask_to_stop_servers"

// stepInput is what a run of the step is given, as text.
type stepInput struct {
	Execution string `json:"execution"`
	Project   string `json:"project,omitempty"`
	Servers   string `json:"servers,omitempty"`
	Tags      string `json:"tags,omitempty"`
	Reason    string `json:"reason,omitempty"`
}

// recordStep records a run of the step, also where the step is off: it has to be ended.
func (s *sockets) recordStep(ctx context.Context, e *slackevents.FunctionExecutedEvent) error {
	if e.Function.CallbackID != stepCallback || e.FunctionExecutionID == "" {
		s.log.WarnContext(ctx, "a workflow runs a step that this bot does not have", "step", e.Function.CallbackID)
		return nil
	}
	text := func(name string) string { t, _ := e.Inputs[name].(string); return t }
	in := interaction{User: text("user"), Step: &stepInput{
		Execution: e.FunctionExecutionID, Project: text("project"), Servers: text("servers"), Tags: text("tag"), Reason: text("reason"),
	}}
	_, err := s.app.record(ctx, "step:"+e.FunctionExecutionID, kindStep, approvals.LaneSlow, in)
	return err
}

// askStep makes the request of a step, or ends the step with what is wrong.
func (a *App) askStep(ctx context.Context, env approvals.Envelope, in interaction) error {
	ask, wrong := a.readStep(in)
	if wrong != "" {
		return a.poster.tell(ctx, in, wrong)
	}
	err := a.askOfStep(ctx, env, in, ask)
	var no *approvals.Refusal
	if errors.As(err, &no) {
		a.metrics.refusals.WithLabelValues(string(no.Kind)).Inc()
		a.log.InfoContext(ctx, "refused", "user", in.User, "why", no.Error(), "step", in.Step.Execution)
		return a.poster.tell(ctx, in, a.poster.explain(ctx, no))
	}
	return err
}

// askOfStep asks for what a step wants in the project that it names. Its card needs a
// channel of the settings: a step runs in none.
func (a *App) askOfStep(ctx context.Context, env approvals.Envelope, in interaction, ask approvals.Ask) error {
	project, err := a.projectFor(ctx, in, in.Step.Project)
	if err != nil {
		return err
	}
	if project.Channel == "" {
		return a.poster.tell(ctx, in, sayStepNeedsChannel)
	}
	p, err := a.roles.asker(ctx, in.User, project.Policy)
	if err != nil {
		return err
	}
	ask.OpID, ask.By, ask.Project, ask.Channel = env.ID, p, project.Name, project.Channel
	_, err = a.desk.Ask(ctx, ask)
	return err
}

// readStep understands the inputs of a step as those of the form are.
func (a *App) readStep(in interaction) (ask approvals.Ask, wrong string) {
	switch {
	case !a.cfg.WorkflowStep:
		return ask, sayStepOff
	case in.User == "":
		return ask, sayStepNeedsPerson
	}
	servers, badServers := command.Servers(in.Step.Servers, nil)
	tags, badTags := command.Tags(in.Step.Tags)
	reason, badReason := command.Reason(in.Step.Reason)
	var all []string
	for _, field := range []struct {
		name     string
		mistakes command.Mistakes
	}{{sayNamesLabel, badServers}, {sayTagsLabel, badTags}, {sayWhyLabel, badReason}} {
		if len(field.mistakes) > 0 {
			all = append(all, field.name+": "+sayFieldMistakes(field.mistakes))
		}
	}
	if len(all) == 0 && len(servers)+len(tags) == 0 {
		all = append(all, sayStepNeedsServers)
	}
	return approvals.Ask{
		Servers: servers, Tags: tags, Mode: approvals.Soft, Reason: reason, Step: in.Step.Execution,
	}, strings.Join(all, "\n")
}

// failStep ends a run of the step with a sentence, which Slack shows to the person.
func (po *poster) failStep(ctx context.Context, execution, text string) error {
	return po.endedStep(ctx, execution, po.call("functions.completeError", func() error {
		return po.api.FunctionCompleteErrorContext(ctx, execution, plainly(text))
	}))
}

// CompleteStep gives the step that asked for r its outputs.
func (po *poster) CompleteStep(ctx context.Context, r approvals.Request) error {
	n := r.StepCounts()
	outputs := map[string]any{
		"outcome": string(r.State), "request": r.ID,
		"stopped": n.Done, "failed": n.Failed, "unknown": n.Unknown, "skipped": n.Skipped,
	}
	if link := po.permalink(ctx, r); link != "" {
		outputs["link"] = link
	}
	return po.endedStep(ctx, r.Step, po.call("functions.completeSuccess", func() error {
		return po.completeSuccess(ctx, r.Step, outputs)
	}))
}

// endedStep is nil if the run has ended, by this call or an earlier one.
func (po *poster) endedStep(ctx context.Context, execution string, err error) error {
	if hasSlackCode(err, "execution_not_in_running_state", "function_execution_not_found") {
		po.log.InfoContext(ctx, "a workflow step had ended before", "step", execution, "err", err)
		return nil
	}
	return clean(err)
}

// completeSuccess calls functions.completeSuccess. The library sends outputs as text
// only, and the counts are numbers.
func (po *poster) completeSuccess(ctx context.Context, execution string, outputs map[string]any) error {
	body, err := json.Marshal(map[string]any{"function_execution_id": execution, "outputs": outputs})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, cmp.Or(po.cfg.APIURL, slack.APIURL)+"functions.completeSuccess", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("Authorization", "Bearer "+po.cfg.BotToken.Reveal())
	resp, err := po.calls.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return &slack.RateLimitedError{RetryAfter: time.Duration(seconds) * time.Second}
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("functions.completeSuccess: %s", resp.Status)
	}
	var answer struct {
		OK    bool   `json:"ok"`
		Error string `json:"error"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return fmt.Errorf("functions.completeSuccess: %w", err)
	}
	if !answer.OK {
		return slack.SlackErrorResponse{Err: answer.Error}
	}
	return nil
}
