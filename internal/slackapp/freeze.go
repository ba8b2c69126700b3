package slackapp

import (
	"cmp"
	"context"
	"time"

	"ecsbot/internal/approvals"
)

// Freezer is what is asked of the engine about the freeze.
type Freezer interface {
	// Freeze keeps everything from being sent, and announces it in the channel. at
	// is when the person typed it: of two such acts the one typed later counts.
	Freeze(ctx context.Context, p approvals.Person, reason, channel, op string, at time.Time) (approvals.Freeze, error)
	// Unfreeze lets it go on.
	Unfreeze(ctx context.Context, p approvals.Person, op string, at time.Time) (approvals.Freeze, error)
	// FreezeState tells whether it is frozen now, and by whom.
	FreezeState(ctx context.Context) (approvals.Freeze, error)
}

func (a *App) freeze(ctx context.Context, env approvals.Envelope, in interaction) error {
	p, err := a.roles.brakeman(ctx, in.User, approvals.Request{}, a.anyApprover())
	if err != nil {
		return err
	}
	f, err := a.desk.Freeze(ctx, p, in.Reason, a.freezeChannel(in.Channel), env.ID, env.At)
	if err != nil {
		return a.answerOutcome(ctx, in, err, "")
	}
	if !f.On { // it was carried out before, and somebody has lifted the freeze since
		return a.answerOutcome(ctx, in, &approvals.Refusal{Kind: approvals.Overtaken, Freeze: f}, "")
	}
	// It holds. Only now is there time to find out whether others hear of it.
	return a.answerOutcome(ctx, in, nil, sayDidFreeze+a.unheard(ctx, f.Channel))
}

// freezeChannel is where a freeze is announced that was typed in a channel: in that of
// its project, or else there. The channels of all other projects get it, too.
func (a *App) freezeChannel(typedIn string) string {
	p, _ := a.desk.Projects().Choose("", typedIn)
	return cmp.Or(p.Channel, typedIn)
}

// unheard says that the freeze cannot be announced; empty if it can.
func (a *App) unheard(ctx context.Context, channel string) string {
	if a.desk.Projects().HaveChannel() {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if p, err := a.place(ctx, channel); err == nil && p.Member {
		return ""
	}
	return "\n" + sayUnheard
}

func (a *App) unfreeze(ctx context.Context, env approvals.Envelope, in interaction) error {
	p, err := a.roles.decider(ctx, in.User, a.anyApprover().Deciders())
	if err != nil {
		return err
	}
	f, err := a.desk.Unfreeze(ctx, p, env.ID, env.At)
	if err == nil && f.On {
		err = &approvals.Refusal{Kind: approvals.Overtaken, Freeze: f}
	}
	return a.answerOutcome(ctx, in, err, sayDidUnfreeze)
}

// freezeWarning adds to the answer to an ask that it is frozen, if it is.
func (po *poster) freezeWarning(ctx context.Context) string {
	f, err := po.desk.FreezeState(ctx)
	if err != nil {
		po.log.WarnContext(ctx, "it could not be found out whether it is frozen", "err", err)
	}
	if err != nil || !f.On {
		return ""
	}
	return "\n" + sayFrozenToo(f)
}
