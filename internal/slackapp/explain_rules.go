package slackapp

import (
	"cmp"
	"context"

	"ecsbot/internal/approvals"
)

// Explainer tells which rules apply to servers.
type Explainer interface {
	// Explain makes no request; missing names the words that name no server.
	Explain(ctx context.Context, ask approvals.Ask) (e approvals.Explanation, missing *approvals.Refusal, err error)
}

// explainRules tells the caller which rules apply to servers as they are now.
func (a *App) explainRules(ctx context.Context, _ approvals.Envelope, in interaction) error {
	project, err := a.projectFor(ctx, in, in.cmd.Project)
	if err != nil {
		return a.answerOutcome(ctx, in, err, "")
	}
	p, err := a.roles.asker(ctx, in.User, project.Policy)
	if err != nil {
		return err
	}
	mode := approvals.Soft
	if in.cmd.Hard {
		mode = approvals.Hard
	}
	e, missing, err := a.desk.Explain(ctx, approvals.Ask{By: p, Project: project.Name, Servers: in.cmd.Servers, Tags: in.cmd.Tags, Mode: mode})
	project.Channel = cmp.Or(e.Channel(), project.Channel)
	return a.answerOutcome(ctx, in, err, sayExplained(e, missing, project, mode))
}
