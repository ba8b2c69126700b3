package slackapp

import (
	"context"

	"ecsbot/internal/approvals"
)

// Decider decides requests that are open.
type Decider interface {
	// Approve counts p's approval; earlier are those who approved before, as they are
	// now.
	Approve(ctx context.Context, id string, p approvals.Person, op string, earlier ...approvals.Person) (approvals.Request, error)
	Deny(ctx context.Context, id string, p approvals.Person, reason, op string) (approvals.Request, error)
	Cancel(ctx context.Context, id string, p approvals.Person, op string) (approvals.Request, error)
}

// The handlers below, and deny in deny.go, are for the verb and for the button.
// The button's value names the request and nothing else; whether the person may
// decide is found out here.

func (a *App) approve(ctx context.Context, env approvals.Envelope, in interaction) error {
	r, pol, err := a.requestAndPolicy(ctx, in.Request)
	if err != nil {
		return err
	}
	p, err := a.roles.decider(ctx, in.User, r.Deciders(pol))
	if err != nil {
		return err
	}
	earlier, err := a.roles.earlier(ctx, r, pol, in.User)
	if err != nil {
		return err
	}
	r, err = a.desk.Approve(ctx, in.Request, p, env.ID, earlier...)
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
