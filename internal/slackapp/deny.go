package slackapp

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/command"

	"github.com/slack-go/slack"
)

// Names in the form that asks for the reason of a denial.
const (
	denyForm    = "ecs_stop_deny"
	reasonBlock = "reason"
	reasonInput = "text"
)

// modalState is what the form remembers: the request and where to answer.
type modalState struct {
	Request  string `json:"request"`
	Channel  string `json:"channel"`
	Response string `json:"response,omitempty"`
	Home     bool   `json:"home,omitempty"`
}

// openDenial shows the form, or says privately why this person cannot deny.
func (a *App) openDenial(ctx context.Context, click interaction, trigger string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2800*time.Millisecond)
	defer cancel()
	err := a.mayDeny(ctx, click)
	var no *approvals.Refusal
	if errors.As(err, &no) {
		a.Metrics.refusals.WithLabelValues(string(no.Why)).Inc()
		a.answer(ctx, click, sayRefusal(no))
		return
	}
	if err == nil {
		about, _ := json.Marshal(modalState{Request: click.Request, Channel: click.Channel, Response: click.Response, Home: click.Home})
		_, err = a.api.OpenViewContext(ctx, trigger, denyModal(click.Request, string(about)))
	}
	if hasSlackCode(err, "exchanged_trigger_id") {
		return // Slack sent the click twice; the first one has opened the form
	}
	if err != nil {
		a.Log.WarnContext(ctx, "the denial form could not be opened", "request", click.Request, "user", click.User, "err", err)
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
		defer cancel()
		a.answer(late, click, sayFormFailed(click.Request))
	}
}

// mayDeny returns a *approvals.Refusal if the denial would have no effect. It
// is asked again when the form comes back.
func (a *App) mayDeny(ctx context.Context, click interaction) error {
	r, err := a.desk.Find(ctx, click.Request)
	if err != nil {
		return err
	}
	p, err := a.brakeman(ctx, click.User)
	if err != nil {
		return err
	}
	_, err = r.Deny(p, a.Policy, "", "", time.Now())
	return err
}

func denyModal(request, about string) slack.ModalViewRequest {
	input := slack.NewPlainTextInputBlockElement(plain(sayDenyPlaceholder), reasonInput)
	input.Multiline, input.MaxLength = true, command.MaxReason
	block := slack.NewInputBlock(reasonBlock, plain(sayDenyLabel), nil, input)
	block.Optional = true
	return slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: denyForm, PrivateMetadata: about,
		Title: plain(sayDenyTitle(request)), Submit: plain(sayDenySubmit), Close: plain(sayDenyClose),
		Blocks: slack.Blocks{BlockSet: []slack.Block{block}},
	}
}

func formReason(v slack.View) string {
	if v.State == nil {
		return ""
	}
	return v.State.Values[reasonBlock][reasonInput].Value
}
