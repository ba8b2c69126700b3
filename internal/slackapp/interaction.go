package slackapp

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/command"
)

// Recorder stores what people do before it is acknowledged: Slack does not send
// a click again.
type Recorder interface {
	// Enqueue stores an envelope; fresh is false if it was stored before.
	Enqueue(ctx context.Context, env approvals.Envelope) (fresh bool, err error)
}

// interaction is what a person did, as it is recorded: only what is needed to
// act on it, on any replica.
type interaction struct {
	User     string     `json:"user"`
	Channel  string     `json:"channel,omitempty"`
	Text     string     `json:"text,omitempty"`    // command: what was typed
	Action   string     `json:"action,omitempty"`  // click: which button
	Request  string     `json:"request,omitempty"` // click, form: which request
	Reason   string     `json:"reason,omitempty"`  // form
	Response string     `json:"response,omitempty"`
	Thread   string     `json:"thread,omitempty"`  // click on a reply: the thread in which it is answered
	Home     bool       `json:"home,omitempty"`    // it was done in the person's Home, so it is answered there
	Step     *stepInput `json:"step,omitempty"`    // a step of a workflow; its private answer ends it
	Form     *formInput `json:"wish,omitempty"`    // request form: what was filled in
	Draft    string     `json:"draft,omitempty"`   // request form: which preview is asked for
	Project  string     `json:"project,omitempty"` // request form: the project that was chosen
	View     string     `json:"view,omitempty"`    // request form: external id of the view that shows the result

	cmd command.Command // what Text says; set when it is handled
}

// Kinds of envelopes. They are stored, so the values stay.
const (
	kindCommand    = "command"
	kindClick      = "click"
	kindDenial     = "denial"
	kindResolution = "word"    // what became of servers that were not known
	kindPreview    = "preview" // the request form was filled in
	kindDraft      = "draft"   // its preview was agreed to
	kindStep       = "step"    // a workflow runs the step
)

// recordWithin leaves, of Slack's three seconds, time for the acknowledgement.
const recordWithin = 2 * time.Second

// record stores an interaction with the engine, within the time Slack gives.
func (a *App) record(ctx context.Context, id, kind string, lane approvals.Lane, in interaction) (fresh bool, err error) {
	body, err := json.Marshal(in)
	if err != nil {
		return false, fmt.Errorf("record %s: %w", kind, err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordWithin)
	defer cancel()
	return a.desk.Enqueue(ctx, approvals.Envelope{ID: id, Kind: kind, At: time.Now().UTC(), Body: body, By: in.User, Lane: lane})
}
