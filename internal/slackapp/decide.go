package slackapp

import (
	"context"

	"ecsbot/internal/approvals"
)

// Decider decides requests that are open.
type Decider interface {
	// Approve counts p's approval; former are earlier approvers who may not
	// approve any more.
	Approve(ctx context.Context, id string, p approvals.Person, op string, former ...string) (approvals.Request, error)
	Deny(ctx context.Context, id string, p approvals.Person, reason, op string) (approvals.Request, error)
	Cancel(ctx context.Context, id string, p approvals.Person, op string) (approvals.Request, error)
}

// The handlers below, and deny in deny.go, are for the verb and for the button.
// The button's value names the request and nothing else; whether the person may
// decide is found out here.

func (a *App) approve(ctx context.Context, env approvals.Envelope, in interaction) error {
	pol, err := a.policyFor(ctx, in.Request)
	if err != nil {
		return err
	}
	p, err := a.roles.decider(ctx, in.User, pol)
	if err != nil {
		return err
	}
	former, err := a.roles.former(ctx, in.Request, in.User)
	if err != nil {
		return err
	}
	r, err := a.desk.Approve(ctx, in.Request, p, env.ID, former...)
	return a.answerOutcome(ctx, in, err, unlessSeen(env, in, sayDidApprove(r)))
}

func (a *App) cancel(ctx context.Context, env approvals.Envelope, in interaction) error {
	p, err := a.roles.canceller(ctx, in.User, in.Request)
	if err != nil {
		return err
	}
	r, err := a.desk.Cancel(ctx, in.Request, p, env.ID)
	return a.answerOutcome(ctx, in, err, unlessSeen(env, in, sayDidCancel(r)))
}

// unlessSeen is the answer to what took effect. Everybody sees it on the card,
// so only those get it who typed a command or clicked in their Home.
func unlessSeen(env approvals.Envelope, in interaction, text string) string {
	if env.Kind == kindCommand || in.Home {
		return text
	}
	return ""
}
