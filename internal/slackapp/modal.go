package slackapp

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/command"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

// openWithin is how long a replica tries to use a trigger, of the three seconds
// that it lives. There is no time to hand it to another replica.
const openWithin = 2800 * time.Millisecond

// modalState is what a modal remembers in its private metadata: what it is
// about, and where to answer.
type modalState struct {
	Request  string `json:"request"`
	Channel  string `json:"channel"`
	Response string `json:"response,omitempty"`
	Home     bool   `json:"home,omitempty"`
	Action   string `json:"action,omitempty"`  // the button that opened it
	Draft    string `json:"draft,omitempty"`   // the draft that a preview shows
	Project  string `json:"project,omitempty"` // the project that is chosen in the form
}

func (s modalState) String() string {
	text, _ := json.Marshal(s) // strings and a bool: this cannot fail
	return string(text)
}

// noModal says why somebody cannot have a modal, as the answer to them.
type noModal struct{ answer string }

func (e noModal) Error() string { return e.answer }

// openModal opens the modal that build makes. If build returns a
// *approvals.Refusal or a noModal, the person gets that as a private answer; if
// the modal could not be opened in time, they get what late returns.
func (a *App) openModal(ctx context.Context, in interaction, trigger string, build func(context.Context) (slack.ModalViewRequest, error), late func(context.Context) string) {
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), openWithin)
	defer cancel()
	modal, err := build(within)
	if no, is := errors.AsType[noModal](err); is {
		a.poster.answer(within, in, no.answer)
		return
	}
	if no, is := errors.AsType[*approvals.Refusal](err); is {
		a.metrics.refusals.WithLabelValues(string(no.Kind)).Inc()
		a.poster.answer(within, in, a.view().sayRefusal(no))
		return
	}
	if err == nil {
		err = a.openInEitherForm(within, modal, func(modal slack.ModalViewRequest) error {
			_, err := a.api.OpenViewContext(within, trigger, modal)
			return err
		})
	}
	if err == nil || hasSlackCode(err, "exchanged_trigger_id") {
		return // the latter: Slack sent the click twice, and the first one has opened the modal
	}
	a.log.WarnContext(ctx, "a modal could not be opened", "action", in.Action, "request", in.Request, "user", in.User, "err", err)
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	a.poster.answer(after, in, late(after))
}

// submission is a form that was submitted.
type submission struct {
	slack.InteractionCallback
	envelope string
	state    modalState
}

// viewID names the submission. A view is submitted once: a second time means
// that Slack sent it twice.
func (s submission) viewID() string { return "sub:" + s.View.ID + ":" + s.View.Hash }

// interaction is what the person did, but for what they filled in.
func (s submission) interaction() interaction {
	return interaction{
		User: s.User.ID, Channel: s.state.Channel, Request: s.state.Request, Response: s.state.Response,
		Home: s.state.Home, Action: s.state.Action, Draft: s.state.Draft, Project: s.state.Project,
	}
}

// recordForm records a submitted form and acknowledges it.
func (s *sockets) recordForm(ctx context.Context, client *socketmode.Client, envelope string, cb slack.InteractionCallback) {
	form, known := forms[cb.View.CallbackID]
	if !known {
		s.ack(ctx, client, envelope, nil)
		s.log.WarnContext(ctx, "an unknown form was submitted", "form", cb.View.CallbackID)
		return
	}
	sub := submission{InteractionCallback: cb, envelope: envelope}
	if err := json.Unmarshal([]byte(cb.View.PrivateMetadata), &sub.state); err != nil {
		s.log.ErrorContext(ctx, "a form does not say what it is about", "form", cb.View.CallbackID, "err", err)
		s.ack(ctx, client, envelope, nil)
		return
	}
	id, in, wrong := form.read(s.view(), sub)
	if len(wrong) > 0 {
		s.ack(ctx, client, envelope, slack.NewErrorsViewSubmissionResponse(wrong))
		return
	}
	fresh, err := s.app.record(ctx, id, form.kind, form.lane, in)
	if err != nil {
		s.log.ErrorContext(ctx, "a form could not be recorded", "form", cb.View.CallbackID, "user", in.User, "err", err)
	}
	s.ack(ctx, client, envelope, form.answer(in, fresh, err))
}

// Names in the forms that ask for a reason and nothing else.
const (
	reasonBlock = "reason"
	reasonInput = "text"
)

// reasonField asks for a reason; hint and placeholder may be nil.
func reasonField(label string, hint, placeholder *slack.TextBlockObject) *slack.InputBlock {
	input := slack.NewPlainTextInputBlockElement(placeholder, reasonInput)
	input.Multiline, input.MaxLength = true, command.MaxReason
	return slack.NewInputBlock(reasonBlock, plain(label), hint, input)
}

func readReason(_ view, s submission) (id string, in interaction, wrong map[string]string) {
	in = s.interaction()
	if s.View.State != nil {
		in.Reason = s.View.State.Values[reasonBlock][reasonInput].Value
	}
	return s.viewID(), in, nil
}

func answerReason(_ interaction, _ bool, err error) any {
	if err != nil {
		return slack.NewErrorsViewSubmissionResponse(map[string]string{reasonBlock: plainly(sayUnkept(err))})
	}
	return nil
}

// infoModal is a modal that only tells something.
func infoModal(text string) slack.ModalViewRequest {
	return slack.ModalViewRequest{
		Type: slack.VTModal, Title: plain(sayFormTitle), Close: plain(sayFormBack),
		Blocks: slack.Blocks{BlockSet: paragraphs(text)},
	}
}
