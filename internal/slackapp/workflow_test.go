package slackapp

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"ecsbot/internal/approvals"
)

func TestReadStep(t *testing.T) {
	on := Config{WorkflowStep: true}
	for name, c := range map[string]struct {
		cfg           Config
		user          string
		in            stepInput
		servers, tags []string
		reason        string
		wrong         []string
	}{
		"servers":            {on, "UANN", stepInput{Servers: "web-1, web-2", Reason: " night\nshift "}, []string{"web-1", "web-2"}, nil, "night shift", nil},
		"a tag":              {on, "UANN", stepInput{Tags: "env=dev"}, nil, []string{"env=dev"}, "", nil},
		"off":                {Config{}, "UANN", stepInput{Servers: "web-1"}, nil, nil, "", []string{"switched off", "SLACK_WORKFLOW_STEP"}},
		"nobody":             {on, "", stepInput{Servers: "web-1"}, nil, nil, "", []string{"does not say who asks"}},
		"nothing":            {on, "UANN", stepInput{Reason: "night"}, nil, nil, "", []string{"at least one server"}},
		"mistakes of fields": {on, "UANN", stepInput{Servers: "web-1 --hard", Tags: "dev"}, nil, nil, "", []string{sayNamesLabel + ": ", "--hard", sayTagsLabel + ": ", "dev"}},
	} {
		t.Run(name, func(t *testing.T) {
			c.in.Execution = "Fx1"
			a := &App{client: &client{cfg: c.cfg}}
			ask, wrong := a.readStep(interaction{User: c.user, Step: &c.in})
			for _, word := range c.wrong {
				if !strings.Contains(wrong, word) {
					t.Errorf("%q does not say %q", wrong, word)
				}
			}
			if len(c.wrong) > 0 {
				return
			}
			if wrong != "" || !slices.Equal(ask.Servers, c.servers) || !slices.Equal(ask.Tags, c.tags) || ask.Reason != c.reason ||
				ask.Step != "Fx1" || ask.Mode != approvals.Soft {
				t.Errorf("%+v %q", ask, wrong)
			}
		})
	}
}

// The plain manifest has no step: Slack takes steps only on paid plans.
func TestTheStepIsInItsOwnManifest(t *testing.T) {
	type manifest struct {
		Functions map[string]struct {
			Title   string                    `json:"title"`
			Inputs  map[string]map[string]any `json:"input_parameters"`
			Outputs map[string]map[string]any `json:"output_parameters"`
		} `json:"functions"`
		Settings struct {
			OrgReady bool   `json:"org_deploy_enabled"`
			Runtime  string `json:"function_runtime"`
			Events   struct {
				Bot []string `json:"bot_events"`
			} `json:"event_subscriptions"`
		} `json:"settings"`
	}
	read := func(text string, err error) (m manifest) {
		t.Helper()
		if err == nil {
			err = json.Unmarshal([]byte(text), &m)
		}
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	plain, step := read(ManifestJSON()), read(StepManifestJSON())
	if len(plain.Functions) != 0 || plain.Settings.OrgReady || plain.Settings.Runtime != "" || slices.Contains(plain.Settings.Events.Bot, "function_executed") {
		t.Errorf("the plain manifest has %+v", plain)
	}
	f, has := step.Functions[stepCallback]
	if !has || len(step.Functions) != 1 || f.Title != "Ask to stop servers" || !step.Settings.OrgReady || step.Settings.Runtime != "remote" || !slices.Contains(step.Settings.Events.Bot, "function_executed") {
		t.Errorf("the step's manifest has %+v", step)
	}
	for _, all := range []map[string]map[string]any{f.Inputs, f.Outputs} {
		for name, p := range all {
			if p["name"] != name || p["title"] == nil || p["description"] == nil || p["is_required"] == nil {
				t.Errorf("%s is %v", name, p)
			}
		}
	}
	if want := append([]string{"function_executed"}, plain.Settings.Events.Bot...); !slices.Equal(step.Settings.Events.Bot, want) {
		t.Errorf("the events are %v, want %v", step.Settings.Events.Bot, want)
	}
}

// The card says why it needs an approval more than other cards do.
func TestTheCardOfAStepSaysWhyItNeedsMore(t *testing.T) {
	r := approvals.Request{State: approvals.Pending, Decided: approvals.Decided{ApprovalsNeeded: 2}}
	if said := (view{}).sayPending(r, approvals.Freeze{}); strings.Contains(said, "workflow") {
		t.Error(said)
	}
	r.Step = "Fx1"
	if said := (view{}).sayPending(r, approvals.Freeze{}); !strings.Contains(said, "one approval more") {
		t.Error(said)
	}
	self := viewOf(approvals.Policy{AllowSelfApproval: true})
	if said := self.sayPending(r, approvals.Freeze{}); !strings.Contains(said, "workflow") || strings.Contains(said, "one approval more") {
		t.Error(said)
	}
}
