package slackapp

import (
	"cmp"
	"context"

	"ecsbot/internal/approvals"
)

// Asker makes requests.
type Asker interface {
	// Ask makes a request, or with DryRun only returns what it would be.
	Ask(ctx context.Context, ask approvals.Ask) (approvals.Request, error)
}

// ask makes a request of the command, or shows what it would be.
func (a *App) ask(ctx context.Context, env approvals.Envelope, in interaction) error {
	p, err := a.roles.asker(ctx, in.User)
	if err != nil {
		return err
	}
	cmd := in.cmd
	if no := a.noPlace(ctx, p, in.Channel); no != "" && !cmd.DryRun {
		a.poster.answer(ctx, in, no)
		return nil
	}
	mode := approvals.Soft
	if cmd.Hard {
		mode = approvals.Hard
	}
	r, err := a.desk.Ask(ctx, approvals.Ask{
		OpID: env.ID, By: p, AskedIn: in.Channel, Channel: cmp.Or(a.cfg.Channel, in.Channel), ResponseURL: in.Response,
		Project: cmd.Project, Servers: cmd.Servers, Tags: cmd.Tags, Mode: mode, Reason: cmd.Reason, DryRun: cmd.DryRun,
	})
	switch {
	case err != nil:
		return a.answerOutcome(ctx, in, err, "")
	case cmd.DryRun:
		return a.answerOutcome(ctx, in, nil, sayDryRun(r))
	}
	return a.answerOutcome(ctx, in, nil, sayAsked(r)+a.poster.freezeWarning(ctx))
}
