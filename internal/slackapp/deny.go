package slackapp

import (
	"context"
	"time"

	"ecsbot/internal/approvals"

	"github.com/slack-go/slack"
)

// denyForm asks for the reason of a denial.
const denyForm = "ecs_stop_deny"

// openDenial shows the form, or says privately why this person cannot deny.
func (a *App) openDenial(ctx context.Context, in interaction, cb slack.InteractionCallback) {
	a.openModal(ctx, in, cb.TriggerID, func(ctx context.Context) (slack.ModalViewRequest, error) {
		state := modalState{Request: in.Request, Channel: in.Channel, Response: in.Response, Home: in.Home}
		r, err := a.mayDeny(ctx, in)
		return denyModal(r, state.String()), err
	}, func(context.Context) string { return sayFormFailed(in.Request) })
}

// mayDeny returns a *approvals.Refusal if the denial would have no effect. That
// is checked again when the form comes back.
func (a *App) mayDeny(ctx context.Context, in interaction) (approvals.Request, error) {
	r, err := a.desk.Find(ctx, in.Request)
	if err != nil {
		return r, err
	}
	pol := a.policyOf(r)
	p, err := a.roles.brakeman(ctx, in.User, r, pol)
	if err != nil {
		return r, err
	}
	_, err = r.Deny(p, pol, "", "", time.Now())
	return r, err
}

func denyModal(r approvals.Request, state string) slack.ModalViewRequest {
	reason := reasonField(sayDenyLabel, plain(sayDenyHint), nil)
	reason.Optional = true
	return slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: denyForm, PrivateMetadata: state,
		Title: plain(sayDenyTitle), Submit: plain(sayDenySubmit), Close: plain(sayDenyClose),
		Blocks: slack.Blocks{BlockSet: append([]slack.Block{section(sayDenyIntro(r))}, append(risks(r), reason)...)},
	}
}

// deny is the verb and the submitted form.
func (a *App) deny(ctx context.Context, env approvals.Envelope, in interaction) error {
	r, pol, err := a.requestAndPolicy(ctx, in.Request)
	if err != nil {
		return err
	}
	p, err := a.roles.brakeman(ctx, in.User, r, pol)
	if err != nil {
		return err
	}
	r, err = a.desk.Deny(ctx, in.Request, p, in.Reason, env.ID)
	return a.answerOutcome(ctx, in, err, unlessSeen(env, in, sayDid(r, "denied")))
}
