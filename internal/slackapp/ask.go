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
	cmd := in.cmd
	project, err := a.projectFor(ctx, in, cmd.Project)
	if err != nil {
		return a.answerOutcome(ctx, in, err, "")
	}
	p, err := a.roles.asker(ctx, in.User, project.Policy)
	if err != nil {
		return err
	}
	if no := a.noPlace(ctx, p, project, in.Channel); no != "" && !cmd.DryRun {
		a.poster.answer(ctx, in, no)
		return nil
	}
	mode := approvals.Soft
	if cmd.Hard {
		mode = approvals.Hard
	}
	r, err := a.desk.Ask(ctx, approvals.Ask{
		OpID: env.ID, By: p, AskedIn: in.Channel, Channel: cmp.Or(project.Channel, in.Channel), ResponseURL: in.Response,
		Project: project.Name, Servers: cmd.Servers, Tags: cmd.Tags, Mode: mode, Reason: cmd.Reason, DryRun: cmd.DryRun,
	})
	switch {
	case err != nil:
		return a.answerOutcome(ctx, in, err, "")
	case cmd.DryRun:
		return a.answerOutcome(ctx, in, nil, sayDryRun(r))
	}
	return a.answerOutcome(ctx, in, nil, sayAsked(r)+a.poster.freezeWarning(ctx))
}
