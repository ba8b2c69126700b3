package slackapp

import (
	"context"

	"ecsbot/internal/approvals"
)

// Freezer is what is asked of the engine about the freeze.
type Freezer interface {
	// Freeze keeps everything from being sent, and announces it in the channel.
	Freeze(ctx context.Context, p approvals.Person, reason, channel, op string) (approvals.Freeze, error)
	// Unfreeze lets it go on.
	Unfreeze(ctx context.Context, p approvals.Person, op string) (approvals.Freeze, error)
	// Freezing tells whether it is frozen now, and by whom.
	Freezing(ctx context.Context) (approvals.Freeze, error)
}

func (a *App) freeze(ctx context.Context, op string, did act, p approvals.Person, reason string) error {
	_, err := a.desk.Freeze(ctx, p, reason, orElse(a.Channel, did.Channel), op)
	return a.refusedOr(ctx, did, p, err, sayDidFreeze)
}

func (a *App) unfreeze(ctx context.Context, op string, did act, p approvals.Person) error {
	_, err := a.desk.Unfreeze(ctx, p, op)
	return a.refusedOr(ctx, did, p, err, sayDidUnfreeze)
}

// frozenToo adds to the answer to an ask that it is frozen, if it is.
func (a *App) frozenToo(ctx context.Context) string {
	f, err := a.desk.Freezing(ctx)
	if err != nil {
		a.Log.WarnContext(ctx, "it could not be found out whether it is frozen", "err", err)
	}
	if err != nil || !f.On {
		return ""
	}
	return "\n" + sayFrozenToo(f)
}
