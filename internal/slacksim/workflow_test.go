package slacksim_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"

	"ecsbot/internal/slacksim"
)

// steps are an app with one step.
var steps = slacksim.Options{Functions: map[string]slacksim.Function{"ask": {
	Title:   "Ask",
	Inputs:  map[string]slacksim.Parameter{"user": {Type: "slack#/types/user_id", Required: true}, "servers": {Type: "string"}},
	Outputs: map[string]slacksim.Parameter{"outcome": {Type: "string", Required: true}, "stopped": {Type: "number"}, "sure": {Type: "boolean"}},
}}}

// complete calls functions.completeSuccess with any JSON.
func (r *rig) complete(t *testing.T, body string) error {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", r.url+"/api/functions.completeSuccess", bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+botToken)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var a slack.SlackResponse
	json.NewDecoder(res.Body).Decode(&a)
	return a.Err()
}

func TestAStepIsRunAndEnds(t *testing.T) {
	r := newRig(t, steps)
	got := r.heard(t)
	id, a, err := r.RunStep(soon(t), "UANN", "ask", map[string]any{"user": "UBOB", "servers": "web-1"})
	if err != nil || !a.Acked {
		t.Fatal(a, err)
	}
	e, ok := (<-got).(*slackevents.FunctionExecutedEvent)
	if !ok || e.Function.CallbackID != "ask" || e.FunctionExecutionID != id || e.Inputs["user"] != "UBOB" || e.Inputs["servers"] != "web-1" || e.BotAccessToken == "" {
		t.Fatalf("%+v", e)
	}
	if strings.Contains(string(r.Deliveries()[0].Payload), "UANN") {
		t.Error("the event says who used the workflow")
	}
	for name, c := range map[string]struct{ body, want string }{
		"no id":              {`{"outputs":{}}`, "invalid_arguments"},
		"no outputs":         {`{"function_execution_id":"` + id + `"}`, "invalid_arguments"},
		"no such run":        {`{"function_execution_id":"Fx9","outputs":{}}`, "function_execution_not_found"},
		"a missing output":   {`{"function_execution_id":"` + id + `","outputs":{"stopped":1}}`, "parameter_validation_failed"},
		"an unknown output":  {`{"function_execution_id":"` + id + `","outputs":{"outcome":"x","why":"y"}}`, "parameter_validation_failed"},
		"a number as text":   {`{"function_execution_id":"` + id + `","outputs":{"outcome":"x","stopped":"1"}}`, "parameter_validation_failed"},
		"a truth as text":    {`{"function_execution_id":"` + id + `","outputs":{"outcome":"x","sure":"yes"}}`, "parameter_validation_failed"},
		"outputs are a list": {`{"function_execution_id":"` + id + `","outputs":[]}`, "invalid_arguments"},
	} {
		if got := code(r.complete(t, c.body)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if x := r.Executions(); len(x) != 1 || x[0].State != slacksim.StepRunning || x[0].User != "UANN" {
		t.Fatalf("%+v", x)
	}
	wantCode(t, r.complete(t, `{"function_execution_id":"`+id+`","outputs":{"outcome":"done","stopped":2}}`), "")
	if x := r.Executions()[0]; x.State != slacksim.StepCompleted || x.Outputs["outcome"] != "done" || x.Outputs["stopped"] != 2.0 {
		t.Errorf("%+v", x)
	}
	// A run ends once.
	wantCode(t, r.complete(t, `{"function_execution_id":"`+id+`","outputs":{"outcome":"again"}}`), "execution_not_in_running_state")
	wantCode(t, r.api.FunctionCompleteErrorContext(t.Context(), id, "no"), "execution_not_in_running_state")
	if x := r.Executions()[0]; x.Outputs["outcome"] != "done" {
		t.Errorf("%+v", x)
	}
}

// Who used the workflow reads the error from slackbot.
func TestAStepThatFails(t *testing.T) {
	r := newRig(t, steps)
	r.heard(t)
	id, _, err := r.RunStep(soon(t), "UANN", "ask", map[string]any{"user": "UBOB"})
	if err != nil {
		t.Fatal(err)
	}
	wantCode(t, r.api.FunctionCompleteErrorContext(t.Context(), id, ""), "invalid_arguments")
	wantCode(t, r.api.FunctionCompleteErrorContext(t.Context(), "Fx9", "no"), "function_execution_not_found")
	wantCode(t, r.api.FunctionCompleteErrorContext(t.Context(), id, "no such server"), "")
	if x := r.Executions()[0]; x.State != slacksim.StepFailed || x.Error != "no such server" {
		t.Errorf("%+v", x)
	}
	if said := r.Private("UANN"); len(said) != 1 || said[0].Text != "no such server" {
		t.Errorf("%+v", said)
	}
	wantCode(t, r.api.FunctionCompleteErrorContext(t.Context(), id, "no"), "execution_not_in_running_state")
}

func TestOnlyAStepOfTheManifestRuns(t *testing.T) {
	for name, c := range map[string]struct {
		opt              slacksim.Options
		user, step, want string
		inputs           map[string]any
	}{
		"no step":          {slacksim.Options{}, "UANN", "ask", "no function", map[string]any{"user": "UBOB"}},
		"another step":     {steps, "UANN", "tell", "no function", map[string]any{"user": "UBOB"}},
		"no such person":   {steps, "UNONE", "ask", "no user", map[string]any{"user": "UBOB"}},
		"a missing input":  {steps, "UANN", "ask", "missing required parameter user", nil},
		"an unknown input": {steps, "UANN", "ask", "unknown parameter why", map[string]any{"user": "UBOB", "why": "x"}},
		"not subscribed":   {slacksim.Options{Functions: steps.Functions, Events: []string{}}, "UANN", "ask", "subscribe", map[string]any{"user": "UBOB"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, c.opt)
			_, _, err := r.RunStep(soon(t), c.user, c.step, c.inputs)
			if err == nil || !strings.Contains(err.Error(), c.want) || len(r.Deliveries())+len(r.Executions()) != 0 {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func TestStepsOfAManifest(t *testing.T) {
	const functions = `"functions":{"ask":{"title":"Ask","input_parameters":{"user":{"type":"slack#/types/user_id","is_required":true}}}}`
	o, err := slacksim.Options{}.WithManifest(`{"settings":{"org_deploy_enabled":true,"function_runtime":"remote"},` + functions + `}`)
	if err != nil || !o.Functions["ask"].Inputs["user"].Required {
		t.Errorf("%+v %v", o.Functions, err)
	}
	for _, settings := range []string{`{}`, `{"org_deploy_enabled":true}`, `{"function_runtime":"remote"}`} {
		if _, err := (slacksim.Options{}).WithManifest(`{"settings":` + settings + `,` + functions + `}`); err == nil {
			t.Errorf("steps are taken with settings %s", settings)
		}
	}
}
