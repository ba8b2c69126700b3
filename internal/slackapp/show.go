package slackapp

import (
	"cmp"
	"context"

	"ecsbot/internal/approvals"
)

// Reader reads what is stored of requests.
type Reader interface {
	Find(ctx context.Context, id string) (approvals.Request, error)
	// ServerList is the list of servers that a request is about.
	ServerList(ctx context.Context, id string) (approvals.ServerList, error)
	Batches(ctx context.Context, r approvals.Request) ([]approvals.Batch, error)
	// OpenRequests lists open requests; more are besides.
	OpenRequests(ctx context.Context, user string) (open []approvals.Request, more int, err error)
	// EndedRequests lists the last n requests that have ended.
	EndedRequests(ctx context.Context, n int) ([]approvals.Request, error)
}

// The handlers below change nothing: their answer is for the caller alone.

// servers shows servers as they are now.
func (a *App) servers(ctx context.Context, _ approvals.Envelope, in interaction) error {
	project, err := a.projectFor(ctx, in, in.cmd.Project)
	if err != nil {
		return a.answerOutcome(ctx, in, err, "")
	}
	p, err := a.roles.asker(ctx, in.User, project.Policy)
	if err != nil {
		return err
	}
	found, missing, err := a.desk.Servers(ctx, approvals.Ask{By: p, Project: project.Name, Servers: in.cmd.Servers, Tags: in.cmd.Tags})
	return a.answerOutcome(ctx, in, err, sayFound(found, missing))
}

func (a *App) status(ctx context.Context, _ approvals.Envelope, in interaction) error {
	r, err := a.desk.Find(ctx, in.Request)
	if err != nil {
		return a.answerOutcome(ctx, in, err, "")
	}
	batches, err := a.desk.Batches(ctx, r)
	if err != nil {
		return err
	}
	f, err := a.desk.FreezeState(ctx)
	if err != nil {
		return err
	}
	v := a.view()
	v.links = a.linksTo(ctx, leadsTo(r)...)
	a.poster.answer(ctx, in, v.sayStatus(r, f, batches, a.permalink(ctx, r)))
	return nil
}

func (a *App) list(ctx context.Context, _ approvals.Envelope, in interaction) error {
	open, more, err := a.desk.OpenRequests(ctx, in.User)
	if err != nil {
		return err
	}
	f, err := a.desk.FreezeState(ctx)
	if err != nil {
		return err
	}
	text := sayList(open, more)
	if f.On {
		text = ":snowflake: " + sayFreeze(f) + "\n" + text
	}
	a.poster.answer(ctx, in, text)
	return nil
}

// historyLength is how many finished requests are shown unless the person says.
const historyLength = 10

func (a *App) history(ctx context.Context, _ approvals.Envelope, in interaction) error {
	ended, err := a.desk.EndedRequests(ctx, cmp.Or(in.cmd.N, historyLength))
	if err != nil {
		return err
	}
	a.poster.answer(ctx, in, sayHistory(ended))
	return nil
}
