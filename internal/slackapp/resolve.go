package slackapp

import (
	"context"
	"time"

	"ecsbot/internal/approvals"

	"github.com/slack-go/slack"
)

// Resolver takes a person's word for servers whose outcome is not known.
type Resolver interface {
	// Resolve records that the servers run, or else that they are off.
	Resolve(ctx context.Context, id string, p approvals.Person, run bool, reason, op string) (approvals.Request, error)
}

// resolveForm asks how the person knows what became of the servers.
const resolveForm = "ecs_stop_settle"

// openResolution shows the form, or says privately why this person cannot
// resolve the request.
func (a *App) openResolution(ctx context.Context, in interaction, cb slack.InteractionCallback) {
	a.openModal(ctx, in, cb.TriggerID, func(ctx context.Context) (slack.ModalViewRequest, error) {
		r, err := a.mayResolve(ctx, in)
		return resolveModal(r, in), err
	}, func(context.Context) string { return saySettleFailed(in.Request) })
}

// mayResolve returns a *approvals.Refusal if the person's word would have no
// effect. That is checked again when the form comes back.
func (a *App) mayResolve(ctx context.Context, in interaction) (approvals.Request, error) {
	r, err := a.desk.Find(ctx, in.Request)
	if err != nil {
		return r, err
	}
	pol := a.policyOf(r)
	p, err := a.roles.decider(ctx, in.User, r.Deciders(pol))
	if err != nil {
		return r, err
	}
	_, err = r.Resolve(p, pol, in.Action == actTheyRun, "", "", time.Now())
	return r, err
}

func resolveModal(r approvals.Request, in interaction) slack.ModalViewRequest {
	state := modalState{Request: in.Request, Channel: in.Channel, Response: in.Response, Action: in.Action}
	return slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: resolveForm, PrivateMetadata: state.String(),
		Title: plain(saySettleTitle(r.ID)), Submit: plain(saySettleSubmit), Close: plain(sayDenyClose),
		Blocks: slack.Blocks{BlockSet: []slack.Block{
			section(saySettleIntro(r, in.Action == actTheyRun)),
			reasonField(saySettleLabel, plain(saySettleHint), nil),
		}},
	}
}

// resolve acts on the submitted form. The thread shows the effect.
func (a *App) resolve(ctx context.Context, env approvals.Envelope, in interaction) error {
	r, pol, err := a.requestAndPolicy(ctx, in.Request)
	if err != nil {
		return err
	}
	p, err := a.roles.decider(ctx, in.User, r.Deciders(pol))
	if err != nil {
		return err
	}
	_, err = a.desk.Resolve(ctx, in.Request, p, in.Action == actTheyRun, in.Reason, env.ID)
	return a.answerOutcome(ctx, in, err, "")
}
