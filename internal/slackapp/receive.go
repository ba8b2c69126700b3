package slackapp

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/command"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
)

// interaction is what a person did, as it is recorded: only what is needed to act on
// it, on any replica.
type interaction struct {
	User     string     `json:"user"`
	Channel  string     `json:"channel,omitempty"`
	Text     string     `json:"text,omitempty"`    // command: what was typed
	Action   string     `json:"action,omitempty"`  // click: which button
	Request  string     `json:"request,omitempty"` // click, form: which request
	Reason   string     `json:"reason,omitempty"`  // form
	Response string     `json:"response,omitempty"`
	Home     bool       `json:"home,omitempty"`  // it was done in the person's Home, so it is answered there
	Form     *formInput `json:"wish,omitempty"`  // request form: what was filled in
	Draft    string     `json:"draft,omitempty"` // request form: which preview is asked for
	View     string     `json:"view,omitempty"`  // request form: external id of the view that shows what comes of it
}

// Kinds of envelopes.
const (
	kindCommand    = "command"
	kindClick      = "click"
	kindDenial     = "denial"
	kindResolution = "word"    // what became of servers that were not known
	kindPreview    = "preview" // the request form was filled in
	kindDraft      = "draft"   // its preview was agreed to
)

// recordWithin leaves, of Slack's three seconds, time for the acknowledgement.
const recordWithin = 2 * time.Second

// receive takes one event off a socket. It never blocks: what takes time runs
// on its own, bounded in number, and Run waits for it.
func (a *App) receive(ctx context.Context, client *socketmode.Client, evt socketmode.Event) {
	take := func(slots chan struct{}) { // drainSlots waits for it
		defer func() { <-slots }()
		a.take(ctx, client, evt)
	}
	brakes := a.brakes
	if !holdsBack(evt) {
		brakes = nil // never ready
	}
	select {
	case a.slots <- struct{}{}:
		go take(a.slots)
		return
	default:
	}
	select {
	case brakes <- struct{}{}:
		go take(brakes)
	default:
		if !a.draining.Load() {
			a.Log.ErrorContext(ctx, "too much at once; an event was answered with 'busy'", "type", evt.Type)
		}
		a.refuseBusy(ctx, client, evt)
	}
}

// holdsBack reports whether somebody pulls the brake. For that there is room,
// however many slow things are under way.
func holdsBack(evt socketmode.Event) bool {
	switch data := evt.Data.(type) {
	case slack.SlashCommand:
		cmd, err := command.Parse(data.Text)
		return err == nil && laneOf(kindCommand, interaction{}, cmd) == approvals.LaneBrake
	case slack.InteractionCallback:
		if data.Type == slack.InteractionTypeViewSubmission {
			return data.View.CallbackID == denyForm
		}
		buttons := data.ActionCallback.BlockActions
		return len(buttons) > 0 && (buttons[0].ActionID == actDeny || buttons[0].ActionID == actCancel)
	}
	return false
}

// laneOf says how urgent an interaction is; cmd is what a command
// says.
func laneOf(kind string, in interaction, cmd command.Command) approvals.Lane {
	switch {
	case kind == kindDenial, kind == kindClick && in.Action == actCancel:
		return approvals.LaneBrake
	case kind == kindClick && (in.Action == actRetry || in.Action == actStartAgain), kind == kindPreview, kind == kindDraft:
		return approvals.LaneSlow
	case kind != kindCommand:
		return approvals.LaneUsual
	}
	switch cmd.Verb {
	case command.Freeze, command.Deny, command.Cancel:
		return approvals.LaneBrake
	case command.Ask, command.ShowServers, command.Retry, command.Start, command.List, command.Status, command.History:
		return approvals.LaneSlow
	}
	return approvals.LaneUsual
}

// refuseBusy tells whoever typed a command that there is no room for it. A
// click is left without acknowledgement: then Slack itself shows that it had no
// effect.
func (a *App) refuseBusy(ctx context.Context, client *socketmode.Client, evt socketmode.Event) {
	if evt.Type != socketmode.EventTypeSlashCommand || evt.Request == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 50*time.Millisecond) // the loop must not wait
	defer cancel()
	if err := client.AckCtx(ctx, evt.Request.EnvelopeID, private(sayBusy)); err != nil {
		a.Log.WarnContext(ctx, "could not acknowledge", "err", err)
	}
}

// take records what came and acknowledges it.
func (a *App) take(ctx context.Context, client *socketmode.Client, evt socketmode.Event) {
	a.Metrics.received.WithLabelValues(string(evt.Type)).Inc()
	switch data := evt.Data.(type) {
	case slack.SlashCommand:
		a.receiveCommand(ctx, client, evt.Request.EnvelopeID, data)
	case slack.InteractionCallback:
		a.receiveInteraction(ctx, client, evt.Request.EnvelopeID, data)
	case slackevents.EventsAPIEvent:
		a.receiveEvent(ctx, client, evt.Request.EnvelopeID, data)
	case *socketmode.ErrorBadMessage:
		a.Log.ErrorContext(ctx, "a frame could not be read", "err", data.Cause)
		a.answerUnread(ctx, client, data.Message)
	default:
		if evt.Request != nil && evt.Request.EnvelopeID != "" {
			a.ack(ctx, client, evt.Request.EnvelopeID, nil)
		}
	}
}

// takeUnread answers a frame that the library could not read. Who typed
// gets an answer. A click or a form is not acknowledged: then Slack itself shows that it
// had no effect, and the form stays open. An event would only be sent again.
func (a *App) answerUnread(ctx context.Context, client *socketmode.Client, frame json.RawMessage) {
	var head struct {
		EnvelopeID string `json:"envelope_id"`
		Type       string `json:"type"`
	}
	if json.Unmarshal(frame, &head) != nil || head.EnvelopeID == "" {
		return
	}
	switch head.Type {
	case "interactive":
	case "slash_commands":
		a.ack(ctx, client, head.EnvelopeID, private(sayUnread))
	default:
		a.ack(ctx, client, head.EnvelopeID, nil)
	}
}

// ack answers an envelope. The library's plain Ack may block for ever.
func (a *App) ack(ctx context.Context, client *socketmode.Client, id string, payload any) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2500*time.Millisecond)
	defer cancel()
	if err := client.AckCtx(ctx, id, payload); err != nil {
		a.Log.WarnContext(ctx, "could not acknowledge", "envelope", id, "err", err)
	}
}

// private is the answer to a command within its acknowledgement.
func private(text string) any {
	return map[string]any{"response_type": "ephemeral", "text": text}
}

// takeCommand answers at once what needs nobody else, and records the rest.
func (a *App) receiveCommand(ctx context.Context, client *socketmode.Client, envelope string, cmd slack.SlashCommand) {
	parsed, err := command.Parse(cmd.Text)
	switch {
	case err != nil:
		a.ack(ctx, client, envelope, private(sayMistakes(cmd.Command, err)))
		return
	case parsed.Verb == command.Help:
		a.ack(ctx, client, envelope, private(a.help(ctx, cmd.UserID, cmd.Command)))
		return
	case parsed.Verb == command.Form:
		a.ack(ctx, client, envelope, nil)
		a.openForm(ctx, interaction{User: cmd.UserID, Channel: cmd.ChannelID, Response: cmd.ResponseURL}, cmd.TriggerID)
		return
	}
	env, err := envelopeOf("cmd:"+cmp.Or(cmd.TriggerID, envelope), kindCommand,
		interaction{User: cmd.UserID, Channel: cmd.ChannelID, Text: cmd.Text, Response: cmd.ResponseURL})
	fresh := false
	if err == nil {
		fresh, err = a.record(ctx, env)
	}
	switch {
	case err != nil:
		a.Log.ErrorContext(ctx, "a command could not be recorded", "user", cmd.UserID, "err", err)
		a.ack(ctx, client, envelope, private(sayUnkept(err)))
	case !fresh: // Slack sent it twice; the first one is answered
		a.ack(ctx, client, envelope, nil)
	case parsed.Verb == command.Ask || parsed.Verb == command.ShowServers:
		a.ack(ctx, client, envelope, private(sayLooking))
	default:
		a.ack(ctx, client, envelope, nil)
	}
}

// takeInteraction handles clicks and filled-in forms.
func (a *App) receiveInteraction(ctx context.Context, client *socketmode.Client, envelope string, cb slack.InteractionCallback) {
	switch {
	case cb.Type == slack.InteractionTypeBlockActions && len(cb.ActionCallback.BlockActions) > 0:
		a.receiveClick(ctx, client, envelope, cb)
	case cb.Type == slack.InteractionTypeViewSubmission && cb.View.CallbackID == denyForm:
		a.takeDenial(ctx, client, envelope, cb)
	case cb.Type == slack.InteractionTypeViewSubmission && cb.View.CallbackID == resolveForm:
		a.takeWord(ctx, client, envelope, cb)
	case cb.Type == slack.InteractionTypeViewSubmission && cb.View.CallbackID == requestForm:
		a.takeForm(ctx, client, envelope, cb)
	case cb.Type == slack.InteractionTypeViewSubmission && cb.View.CallbackID == previewForm:
		a.takePreview(ctx, client, envelope, cb)
	case cb.Type == slack.InteractionTypeBlockSuggestion && cb.ActionID == pickInput:
		a.receiveSuggestion(ctx, client, envelope, cb)
	case cb.Type == slack.InteractionTypeShortcut && cb.CallbackID == formShortcut:
		a.ack(ctx, client, envelope, nil)
		a.openForm(ctx, interaction{User: cb.User.ID}, cb.TriggerID)
	default:
		a.ack(ctx, client, envelope, nil)
		a.Log.DebugContext(ctx, "an interaction nobody waits for", "type", cb.Type)
	}
}

func (a *App) receiveClick(ctx context.Context, client *socketmode.Client, envelope string, cb slack.InteractionCallback) {
	button := cb.ActionCallback.BlockActions[0]
	click := interaction{
		User: cb.User.ID, Channel: cmp.Or(cb.Channel.ID, cb.Container.ChannelID),
		Action: button.ActionID, Request: button.Value, Response: cb.ResponseURL,
		Home: cb.View.Type == slack.VTHomeTab,
	}
	if button.ActionID == actDeny {
		// The form changes nothing yet, and its trigger lives for three seconds
		// only: no time to hand it to whoever is free.
		a.ack(ctx, client, envelope, nil)
		a.openDenial(ctx, click, cb.TriggerID)
		return
	}
	if button.ActionID == actShow || button.ActionID == actPrev || button.ActionID == actNext {
		a.ack(ctx, client, envelope, nil)
		a.showServers(ctx, click, cb)
		return
	}
	if button.ActionID == actTheyRun || button.ActionID == actTheyAreOff {
		a.ack(ctx, client, envelope, nil)
		a.openResolution(ctx, click, cb.TriggerID)
		return
	}
	env, err := envelopeOf("act:"+cmp.Or(cb.TriggerID, envelope), kindClick, click)
	if err == nil {
		_, err = a.record(ctx, env)
	}
	a.ack(ctx, client, envelope, nil)
	if err != nil {
		a.Log.ErrorContext(ctx, "a click could not be recorded", "user", click.User, "err", err)
		a.answer(ctx, click, sayUnkept(err))
	}
}

func (a *App) takeDenial(ctx context.Context, client *socketmode.Client, envelope string, cb slack.InteractionCallback) {
	var about modalState
	if err := json.Unmarshal([]byte(cb.View.PrivateMetadata), &about); err != nil {
		a.Log.ErrorContext(ctx, "a form without its request", "err", err)
		a.ack(ctx, client, envelope, nil)
		return
	}
	env, err := envelopeOf("sub:"+cb.View.ID+":"+cb.View.Hash, kindDenial, interaction{
		User: cb.User.ID, Channel: about.Channel, Request: about.Request, Response: about.Response, Home: about.Home,
		Reason: formReason(cb.View),
	})
	if err == nil {
		_, err = a.record(ctx, env)
	}
	if err != nil {
		a.Log.ErrorContext(ctx, "a denial could not be recorded", "user", cb.User.ID, "err", err)
		a.ack(ctx, client, envelope, slack.NewErrorsViewSubmissionResponse(map[string]string{reasonBlock: plainly(sayUnkept(err))}))
		return
	}
	a.ack(ctx, client, envelope, nil)
}

// record keeps an envelope with the engine, within the time Slack gives.
func (a *App) record(ctx context.Context, env approvals.Envelope) (bool, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordWithin)
	defer cancel()
	return a.desk.Record(ctx, env)
}

func envelopeOf(id, kind string, what interaction) (approvals.Envelope, error) {
	var cmd command.Command
	if kind == kindCommand {
		cmd, _ = command.Parse(what.Text) // else it would not have come so far
	}
	body, err := json.Marshal(what)
	if err != nil {
		return approvals.Envelope{}, fmt.Errorf("record %s: %w", kind, err)
	}
	return approvals.Envelope{ID: id, Kind: kind, At: time.Now().UTC(), Body: body, By: what.User, Lane: laneOf(kind, what, cmd)}, nil
}
