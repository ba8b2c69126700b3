package slacksim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Steps of Workflow Builder, as Slack's pages on custom steps, on the event
// function_executed and on functions.completeSuccess and .completeError have them. That
// an output which the manifest does not name is refused is this simulation's opinion.

// Function is a step that the app's manifest defines.
type Function struct {
	Title       string               `json:"title"`
	Description string               `json:"description"`
	Inputs      map[string]Parameter `json:"input_parameters"`
	Outputs     map[string]Parameter `json:"output_parameters"`
}

// Parameter is an input or output of a step.
type Parameter struct {
	Type        string `json:"type"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Required    bool   `json:"is_required"`
}

// ExecutionState is how far a run of a step is.
type ExecutionState string

const (
	StepRunning   ExecutionState = "running"
	StepCompleted ExecutionState = "completed"
	StepFailed    ExecutionState = "failed"
)

// Execution is one run of a step.
type Execution struct {
	ID         string         `json:"id"`
	CallbackID string         `json:"callback_id"`
	User       string         `json:"user"` // who used the workflow; the app does not learn it
	State      ExecutionState `json:"state"`
	Outputs    map[string]any `json:"outputs,omitempty"`
	Error      string         `json:"error,omitempty"`
}

// errNotReady is what an app with steps lacks.
var errNotReady = errors.New("slacksim: manifest: functions need org_deploy_enabled and function_runtime remote")

// RunStep has a person use a workflow whose one step is the app's function, with the
// inputs that the workflow's author filled in. It returns the id of the run once the
// event was acknowledged or Slack gave up; how the run ends is in Executions.
func (w *Workspace) RunStep(ctx context.Context, user, callbackID string, inputs map[string]any) (string, Answer, error) {
	w.mu.Lock()
	f, known := w.opt.Functions[callbackID]
	switch {
	case w.users[user] == nil:
		w.mu.Unlock()
		return "", Answer{}, fmt.Errorf("slacksim: no user %q", user)
	case !known:
		w.mu.Unlock()
		return "", Answer{}, fmt.Errorf("slacksim: the app has no function %q", callbackID)
	case !w.subscribed("function_executed"):
		w.mu.Unlock()
		return "", Answer{}, errors.New("slacksim: the app does not subscribe to function_executed")
	}
	if err := checkParameters(f.Inputs, inputs); err != nil {
		w.mu.Unlock()
		return "", Answer{}, fmt.Errorf("slacksim: inputs: %w", err)
	}
	x := &Execution{ID: w.nextID("Fx"), CallbackID: callbackID, User: user, State: StepRunning}
	w.executions = append(w.executions, x)
	event := object{
		"type": "function_executed",
		"function": object{
			"id": "Fn0SIM", "callback_id": callbackID, "title": f.Title, "description": f.Description, "type": "app", "app_id": AppID,
			"input_parameters": described(f.Inputs), "output_parameters": described(f.Outputs),
			"date_created": groupsCreated, "date_updated": groupsCreated, "date_deleted": 0,
		},
		"inputs": inputs, "function_execution_id": x.ID, "workflow_execution_id": w.nextID("Wx"),
		"event_ts": formatTS(time.Now().UnixMicro()), "bot_access_token": "xwfp-sim",
	}
	w.mu.Unlock()
	answer, err := w.SendEvent(ctx, event)
	return x.ID, answer, err
}

// Executions returns every run of a step so far, in order.
func (w *Workspace) Executions() []Execution {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := make([]Execution, len(w.executions))
	for i, x := range w.executions {
		list[i] = *x
	}
	return list
}

// described is how an event shows parameters.
func described(parameters map[string]Parameter) []object {
	list := []object{}
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		p := parameters[name]
		list = append(list, object{"name": name, "type": p.Type, "title": p.Title, "description": p.Description, "is_required": p.Required})
	}
	return list
}

// checkParameters checks values against what the manifest says.
func checkParameters(parameters map[string]Parameter, values map[string]any) error {
	for name, p := range parameters {
		if _, given := values[name]; p.Required && !given {
			return fmt.Errorf("missing required parameter %s", name)
		}
	}
	for name, value := range values {
		p, known := parameters[name]
		if !known {
			return fmt.Errorf("unknown parameter %s", name)
		}
		ok := true
		switch p.Type {
		case "string", "slack#/types/user_id":
			_, ok = value.(string)
		case "number", "integer":
			_, ok = value.(float64)
		case "boolean":
			_, ok = value.(bool)
		}
		if !ok {
			return fmt.Errorf("%s is not of type %s", name, p.Type)
		}
	}
	return nil
}

// running finds the run that a call wants to end. The lock is held.
func (w *Workspace) running(a args) (*Execution, error) {
	id := a["function_execution_id"]
	if id == "" {
		return nil, missingArgument("function_execution_id")
	}
	i := slices.IndexFunc(w.executions, func(x *Execution) bool { return x.ID == id })
	if i < 0 {
		return nil, apiError("function_execution_not_found")
	}
	if w.executions[i].State != StepRunning {
		return nil, apiError("execution_not_in_running_state")
	}
	return w.executions[i], nil
}

func missingArgument(name string) error {
	return &detailedError{"invalid_arguments", []string{"[ERROR] missing required field: " + name}}
}

func (w *Workspace) completeSuccess(a args) (object, error) {
	if a["outputs"] == "" {
		return nil, missingArgument("outputs")
	}
	x, err := w.running(a)
	if err != nil {
		return nil, err
	}
	var outputs map[string]any
	if json.Unmarshal([]byte(a["outputs"]), &outputs) != nil {
		return nil, &detailedError{"invalid_arguments", []string{"[ERROR] must be a valid object [json-pointer:/outputs]"}}
	}
	if err := checkParameters(w.opt.Functions[x.CallbackID].Outputs, outputs); err != nil {
		return nil, &detailedError{"parameter_validation_failed", []string{"[ERROR] " + err.Error()}}
	}
	x.State, x.Outputs = StepCompleted, outputs
	return nil, nil
}

// completeError ends a run, and slackbot tells the person who used the workflow.
func (w *Workspace) completeError(a args) (object, error) {
	if a["error"] == "" {
		return nil, missingArgument("error")
	}
	x, err := w.running(a)
	if err != nil {
		return nil, err
	}
	x.State, x.Error = StepFailed, a["error"]
	w.complain(x.User, "", x.Error)
	return nil, nil
}
