package slackapp

import (
	"context"

	"ecsbot/internal/approvals"
)

// look reads the servers of the verb that only shows them: named as for a
// request, but nothing that says how or why to stop them.
func (p *commandParser) look() {
	p.ask()
	switch {
	case p.howSaid != "":
		p.unexpected(p.howSaid)
	case p.cmd.Reason != "":
		p.unexpected("--reason")
	case p.cmd.DryRun:
		p.unexpected("--dry-run")
	}
}

// lookAt shows servers as they are now, to the caller alone.
func (a *App) lookAt(ctx context.Context, did act, cmd Command) error {
	p, err := a.asker(ctx, did.User)
	if err != nil {
		return err
	}
	found, missing, err := a.desk.Servers(ctx, approvals.Ask{By: p, Project: cmd.Project, Servers: cmd.Servers, Tags: cmd.Tags})
	return a.refusedOr(ctx, did, err, sayFound(found, missing))
}
