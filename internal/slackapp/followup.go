package slackapp

import (
	"cmp"
	"context"
	"errors"

	"ecsbot/internal/approvals"

	"github.com/slack-go/slack"
)

// FollowUps makes a new request of one that has ended. From the ask only who,
// where and the op count: the servers are those of the old request, and what
// they are now decides.
type FollowUps interface {
	// RetryFailed asks again for what failed or was not sent.
	RetryFailed(ctx context.Context, id string, ask approvals.Ask) (approvals.Request, error)
	// StartStopped asks for what the request stopped to be started.
	StartStopped(ctx context.Context, id string, ask approvals.Ask) (approvals.Request, error)
}

// Names of the buttons under the outcome. Their value is the id of the request.
const (
	actRetry      = "ecs_stop_retry"
	actStartAgain = "ecs_stop_start"
	actTheyAreOff = "ecs_stop_are_off"
	actTheyRun    = "ecs_stop_run"
)

// outcomeButtons are the buttons under the outcome; none if there is nothing to
// do.
func outcomeButtons(m approvals.Message) []slack.Block {
	r := m.Request
	var buttons []slack.BlockElement
	if r.State == approvals.Unknown {
		buttons = append(buttons,
			slack.NewButtonBlockElement(actTheyAreOff, r.ID, plain(sayTheyAreOff)),
			slack.NewButtonBlockElement(actTheyRun, r.ID, plain(sayTheyRun)))
	}
	if len(approvals.FailedOf(m.Batches)) > 0 {
		retry := slack.NewButtonBlockElement(actRetry, r.ID, plain(sayRetryOf(r)))
		buttons = append(buttons, retry.WithConfirm(slack.NewConfirmationBlockObject(
			plain(sayRetryTitle), plain(sayRetryText), plain(sayRetryYes), plain(sayConfirmNo))))
	}
	if r.Action == approvals.Stop && len(approvals.StoppedBy(m.Batches)) > 0 {
		buttons = append(buttons, slack.NewButtonBlockElement(actStartAgain, r.ID, plain(sayStartAgain)))
	}
	if r.Total > tablePage && r.Batches > 0 {
		buttons = append(buttons, resultsButton(r))
	}
	if len(buttons) == 0 {
		return nil
	}
	return []slack.Block{slack.NewActionBlock("afterwards", buttons...)}
}

// retry asks again for what failed. It may be approved by the same click.
func (a *App) retry(ctx context.Context, env approvals.Envelope, in interaction) error {
	r, pol, err := a.requestAndPolicy(ctx, in.Request)
	if err != nil {
		return err
	}
	by, err := a.roles.person(ctx, in.User, ageToLetGo, append(pol.Askers(), r.Deciders(pol)...)...)
	if err != nil {
		return err
	}
	requester, err := a.roles.requester(ctx, in.Request, by)
	if err != nil {
		return err
	}
	return a.followUp(ctx, env, in, approvals.Ask{By: by, PreviousRequester: requester}, a.desk.RetryFailed)
}

// startAgain asks for what was stopped to be started.
func (a *App) startAgain(ctx context.Context, env approvals.Envelope, in interaction) error {
	_, pol, err := a.requestAndPolicy(ctx, in.Request)
	if err != nil {
		return err
	}
	by, err := a.roles.asker(ctx, in.User, pol)
	if err != nil {
		return err
	}
	return a.followUp(ctx, env, in, approvals.Ask{By: by}, a.desk.StartStopped)
}

// followUp makes the new request by again, and answers with it.
func (a *App) followUp(ctx context.Context, env approvals.Envelope, in interaction, ask approvals.Ask, again func(context.Context, string, approvals.Ask) (approvals.Request, error)) error {
	old, err := a.desk.Find(ctx, in.Request)
	if err != nil {
		return a.answerOutcome(ctx, in, err, "")
	}
	p, served := a.desk.Projects().Of(old)
	if !served {
		return a.answerOutcome(ctx, in, &approvals.Refusal{Kind: approvals.ProjectGone, Request: old}, "")
	}
	if no := a.noPlace(ctx, ask.By, p, in.Channel); no != "" {
		a.poster.answer(ctx, in, no)
		return nil
	}
	ask.OpID, ask.AskedIn, ask.Channel, ask.ResponseURL = env.ID, in.Channel, cmp.Or(p.Channel, in.Channel), in.Response
	r, err := again(ctx, in.Request, ask)
	if err != nil {
		return a.answerOutcome(ctx, in, err, "")
	}
	return a.answerOutcome(ctx, in, nil, sayAsked(r)+a.poster.freezeWarning(ctx))
}

// requester is who made a request, as they are now. by is who asks.
func (ro *roles) requester(ctx context.Context, request string, by approvals.Person) (approvals.Person, error) {
	r, err := ro.desk.Find(ctx, request)
	if _, no := errors.AsType[*approvals.Refusal](err); no || r.Requester == by.ID {
		return by, nil
	}
	if err != nil {
		return approvals.Person{}, err
	}
	return ro.asker(ctx, r.Requester, ro.policyOf(r))
}
