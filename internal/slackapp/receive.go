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
func (s *sockets) receive(ctx context.Context, client *socketmode.Client, evt socketmode.Event) {
	one := func(slots chan struct{}) { // drainSlots waits for it
		defer func() { <-slots }()
		s.receiveOne(ctx, client, evt)
	}
	brakes := s.brakes
	if !holdsBack(evt) {
		brakes = nil // never ready
	}
	select {
	case s.slots <- struct{}{}:
		go one(s.slots)
		return
	default:
	}
	select {
	case brakes <- struct{}{}:
		go one(brakes)
	default:
		if !s.draining.Load() {
			s.log.ErrorContext(ctx, "too much at once; an event was answered with 'busy'", "type", evt.Type)
		}
		s.refuseBusy(ctx, client, evt)
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
func (s *sockets) refuseBusy(ctx context.Context, client *socketmode.Client, evt socketmode.Event) {
	if evt.Type != socketmode.EventTypeSlashCommand || evt.Request == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 50*time.Millisecond) // the loop must not wait
	defer cancel()
	if err := client.AckCtx(ctx, evt.Request.EnvelopeID, private(sayBusy)); err != nil {
		s.log.WarnContext(ctx, "could not acknowledge", "err", err)
	}
}

// receiveOne records what came and acknowledges it.
func (s *sockets) receiveOne(ctx context.Context, client *socketmode.Client, evt socketmode.Event) {
	s.metrics.received.WithLabelValues(string(evt.Type)).Inc()
	switch data := evt.Data.(type) {
	case slack.SlashCommand:
		s.receiveCommand(ctx, client, evt.Request.EnvelopeID, data)
	case slack.InteractionCallback:
		s.receiveInteraction(ctx, client, evt.Request.EnvelopeID, data)
	case slackevents.EventsAPIEvent:
		s.receiveEvent(ctx, client, evt.Request.EnvelopeID, data)
	case *socketmode.ErrorBadMessage:
		s.log.ErrorContext(ctx, "a frame could not be read", "err", data.Cause)
		s.answerUnread(ctx, client, data.Message)
	default:
		if evt.Request != nil && evt.Request.EnvelopeID != "" {
			s.ack(ctx, client, evt.Request.EnvelopeID, nil)
		}
	}
}

// answerUnread answers a frame that the library could not read. Who typed a
// command gets an answer. A click or a form is not acknowledged: then Slack itself
// shows that it had no effect, and the form stays open. An event is acknowledged,
// since Slack would only send it again.
func (s *sockets) answerUnread(ctx context.Context, client *socketmode.Client, frame json.RawMessage) {
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
		s.ack(ctx, client, head.EnvelopeID, private(sayUnread))
	default:
		s.ack(ctx, client, head.EnvelopeID, nil)
	}
}

// ack answers an envelope. The library's plain Ack has no timeout.
func (s *sockets) ack(ctx context.Context, client *socketmode.Client, id string, payload any) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2500*time.Millisecond)
	defer cancel()
	if err := client.AckCtx(ctx, id, payload); err != nil {
		s.log.WarnContext(ctx, "could not acknowledge", "envelope", id, "err", err)
	}
}

// private is the answer to a command within its acknowledgement.
func private(text string) any {
	return map[string]any{"response_type": "ephemeral", "text": text}
}

// receiveCommand answers at once what needs nobody else, and records the rest.
func (s *sockets) receiveCommand(ctx context.Context, client *socketmode.Client, envelope string, cmd slack.SlashCommand) {
	parsed, err := command.Parse(cmd.Text)
	switch {
	case err != nil:
		s.ack(ctx, client, envelope, private(sayMistakes(cmd.Command, err)))
		return
	case parsed.Verb == command.Help:
		s.ack(ctx, client, envelope, private(s.app.help(ctx, cmd.UserID, cmd.Command)))
		return
	case parsed.Verb == command.Form:
		s.ack(ctx, client, envelope, nil)
		s.app.openForm(ctx, interaction{User: cmd.UserID, Channel: cmd.ChannelID, Response: cmd.ResponseURL}, cmd.TriggerID)
		return
	}
	in := interaction{User: cmd.UserID, Channel: cmd.ChannelID, Text: cmd.Text, Response: cmd.ResponseURL}
	verb := verbs[parsed.Verb]
	fresh, err := s.app.record(ctx, "cmd:"+cmp.Or(cmd.TriggerID, envelope), kindCommand, verb.lane, in)
	switch {
	case err != nil:
		s.log.ErrorContext(ctx, "a command could not be recorded", "user", cmd.UserID, "err", err)
		s.ack(ctx, client, envelope, private(sayUnkept(err)))
	case fresh && verb.ack != "":
		s.ack(ctx, client, envelope, private(verb.ack))
	default: // also if Slack sent it twice: the first one is answered
		s.ack(ctx, client, envelope, nil)
	}
}

// receiveInteraction receives what people do in messages, modals and Homes.
func (s *sockets) receiveInteraction(ctx context.Context, client *socketmode.Client, envelope string, cb slack.InteractionCallback) {
	switch {
	case cb.Type == slack.InteractionTypeBlockActions && len(cb.ActionCallback.BlockActions) > 0:
		s.receiveClick(ctx, client, envelope, cb)
	case cb.Type == slack.InteractionTypeViewSubmission:
		s.recordForm(ctx, client, envelope, cb)
	case cb.Type == slack.InteractionTypeBlockSuggestion && cb.ActionID == pickInput:
		s.receiveSuggestion(ctx, client, envelope, cb)
	case cb.Type == slack.InteractionTypeBlockSuggestion && cb.ActionID == leaveInput:
		s.receiveLeaveSuggestion(ctx, client, envelope, cb)
	case cb.Type == slack.InteractionTypeShortcut && cb.CallbackID == formShortcut:
		s.ack(ctx, client, envelope, nil)
		s.app.openForm(ctx, interaction{User: cb.User.ID}, cb.TriggerID)
	default:
		s.ack(ctx, client, envelope, nil)
		s.log.DebugContext(ctx, "an interaction that nothing handles", "type", cb.Type)
	}
}

// receiveClick opens what a button opens, or records the click. A button that is
// not known here is recorded, too: another replica may know it.
func (s *sockets) receiveClick(ctx context.Context, client *socketmode.Client, envelope string, cb slack.InteractionCallback) {
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
		s.ack(ctx, client, envelope, nil)
		button.open(s.app, ctx, in, cb)
		return
	}
	_, err := s.app.record(ctx, "act:"+cmp.Or(cb.TriggerID, envelope), kindClick, button.lane, in)
	s.ack(ctx, client, envelope, nil)
	if err != nil {
		s.log.ErrorContext(ctx, "a click could not be recorded", "user", in.User, "err", err)
		s.poster.answer(ctx, in, sayUnkept(err))
	}
}
