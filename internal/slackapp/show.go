package slackapp

import (
	"context"

	"ecsbot/internal/approvals"
	"ecsbot/internal/command"
)

// lookAt shows servers as they are now, to the caller alone.
func (a *App) lookAt(ctx context.Context, in interaction, cmd command.Command) error {
	p, err := a.asker(ctx, in.User)
	if err != nil {
		return err
	}
	found, missing, err := a.desk.Servers(ctx, approvals.Ask{By: p, Project: cmd.Project, Servers: cmd.Servers, Tags: cmd.Tags})
	return a.answerOutcome(ctx, in, err, sayFound(found, missing))
}
