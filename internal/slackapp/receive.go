package slackapp

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/command"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
)

// receive takes one event off a socket. It never blocks: what takes time runs
// on its own, bounded in number, and Run waits for it.
func (a *App) receive(ctx context.Context, client *socketmode.Client, evt socketmode.Event) {
	one := func(slots chan struct{}) { // drainSlots waits for it
		defer func() { <-slots }()
		a.receiveOne(ctx, client, evt)
	}
	brakes := a.brakes
	if !holdsBack(evt) {
		brakes = nil // never ready
	}
	select {
	case a.slots <- struct{}{}:
		go one(a.slots)
		return
	default:
	}
	select {
	case brakes <- struct{}{}:
		go one(brakes)
	default:
		if !a.draining.Load() {
			a.log.ErrorContext(ctx, "too much at once; an event was answered with 'busy'", "type", evt.Type)
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
		return err == nil && verbs[cmd.Verb].lane == approvals.LaneBrake
	case slack.InteractionCallback:
		if data.Type == slack.InteractionTypeViewSubmission {
			return forms[data.View.CallbackID].lane == approvals.LaneBrake
		}
		clicked := data.ActionCallback.BlockActions
		return len(clicked) > 0 && buttons[clicked[0].ActionID].lane == approvals.LaneBrake
	}
	return false
}

// refuseBusy tells the person who typed a command that there is no room for it. A
// click is left without acknowledgement: then Slack itself shows that it had no
// effect.
func (a *App) refuseBusy(ctx context.Context, client *socketmode.Client, evt socketmode.Event) {
	if evt.Type != socketmode.EventTypeSlashCommand || evt.Request == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 50*time.Millisecond) // the loop must not wait
	defer cancel()
	if err := client.AckCtx(ctx, evt.Request.EnvelopeID, private(sayBusy)); err != nil {
		a.log.WarnContext(ctx, "could not acknowledge", "err", err)
	}
}

// receiveOne records what came and acknowledges it.
func (a *App) receiveOne(ctx context.Context, client *socketmode.Client, evt socketmode.Event) {
	a.metrics.received.WithLabelValues(string(evt.Type)).Inc()
	switch data := evt.Data.(type) {
	case slack.SlashCommand:
		a.receiveCommand(ctx, client, evt.Request.EnvelopeID, data)
	case slack.InteractionCallback:
		a.receiveInteraction(ctx, client, evt.Request.EnvelopeID, data)
	case slackevents.EventsAPIEvent:
		a.receiveEvent(ctx, client, evt.Request.EnvelopeID, data)
	case *socketmode.ErrorBadMessage:
		a.log.ErrorContext(ctx, "a frame could not be read", "err", data.Cause)
		a.answerUnread(ctx, client, data.Message)
	default:
		if evt.Request != nil && evt.Request.EnvelopeID != "" {
			a.ack(ctx, client, evt.Request.EnvelopeID, nil)
		}
	}
}

// answerUnread answers a frame that the library could not read. Who typed a
// command gets an answer. A click or a form is not acknowledged: then Slack itself
// shows that it had no effect, and the form stays open. An event is acknowledged,
// since Slack would only send it again.
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

// ack answers an envelope. The library's plain Ack has no timeout.
func (a *App) ack(ctx context.Context, client *socketmode.Client, id string, payload any) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2500*time.Millisecond)
	defer cancel()
	if err := client.AckCtx(ctx, id, payload); err != nil {
		a.log.WarnContext(ctx, "could not acknowledge", "envelope", id, "err", err)
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
	in := interaction{User: cmd.UserID, Channel: cmd.ChannelID, Text: cmd.Text, Response: cmd.ResponseURL}
	verb := verbs[parsed.Verb]
	fresh, err := a.record(ctx, "cmd:"+cmp.Or(cmd.TriggerID, envelope), kindCommand, verb.lane, in)
	switch {
	case err != nil:
		a.log.ErrorContext(ctx, "a command could not be recorded", "user", cmd.UserID, "err", err)
		a.ack(ctx, client, envelope, private(sayUnkept(err)))
	case fresh && verb.ack != "":
		a.ack(ctx, client, envelope, private(verb.ack))
	default: // also if Slack sent it twice: the first one is answered
		a.ack(ctx, client, envelope, nil)
	}
}

// receiveInteraction receives what people do in messages, modals and Homes.
func (a *App) receiveInteraction(ctx context.Context, client *socketmode.Client, envelope string, cb slack.InteractionCallback) {
	switch {
	case cb.Type == slack.InteractionTypeBlockActions && len(cb.ActionCallback.BlockActions) > 0:
		a.receiveClick(ctx, client, envelope, cb)
	case cb.Type == slack.InteractionTypeViewSubmission:
		a.recordForm(ctx, client, envelope, cb)
	case cb.Type == slack.InteractionTypeBlockSuggestion && cb.ActionID == pickInput:
		a.receiveSuggestion(ctx, client, envelope, cb)
	case cb.Type == slack.InteractionTypeShortcut && cb.CallbackID == formShortcut:
		a.ack(ctx, client, envelope, nil)
		a.openForm(ctx, interaction{User: cb.User.ID}, cb.TriggerID)
	default:
		a.ack(ctx, client, envelope, nil)
		a.log.DebugContext(ctx, "an interaction that nothing handles", "type", cb.Type)
	}
}

// receiveClick opens what a button opens, or records the click. A button that is
// not known here is recorded, too: another replica may know it.
func (a *App) receiveClick(ctx context.Context, client *socketmode.Client, envelope string, cb slack.InteractionCallback) {
	clicked := cb.ActionCallback.BlockActions[0]
	in := interaction{
		User: cb.User.ID, Channel: cmp.Or(cb.Channel.ID, cb.Container.ChannelID),
		Action: clicked.ActionID, Request: clicked.Value, Response: cb.ResponseURL,
		Home: cb.View.Type == slack.VTHomeTab,
	}
	if t := cmp.Or(cb.Container.ThreadTs, cb.Message.ThreadTimestamp); t != cmp.Or(cb.Container.MessageTs, cb.Message.Timestamp) {
		in.Thread = t
	}
	button := buttons[in.Action]
	if button.open != nil {
		a.ack(ctx, client, envelope, nil)
		button.open(a, ctx, in, cb)
		return
	}
	_, err := a.record(ctx, "act:"+cmp.Or(cb.TriggerID, envelope), kindClick, button.lane, in)
	a.ack(ctx, client, envelope, nil)
	if err != nil {
		a.log.ErrorContext(ctx, "a click could not be recorded", "user", in.User, "err", err)
		a.answer(ctx, in, sayUnkept(err))
	}
}
