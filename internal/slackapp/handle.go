package slackapp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/command"
)

// Handle acts on something a person did. It is called again if it returns an
// error or if the process died meanwhile; what it asks of the engine carries
// the envelope's id, so that only answers can be repeated.
func (a *App) Handle(ctx context.Context, env approvals.Envelope) error {
	var in interaction
	if err := json.Unmarshal(env.Body, &in); err != nil {
		return fmt.Errorf("read interaction: %w", err)
	}
	switch env.Kind {
	case kindCommand:
		return a.handleCommand(ctx, env, in)
	case kindClick:
		if button := buttons[in.Action]; button.handle != nil {
			return button.handle(a, ctx, env, in)
		}
		a.log.WarnContext(ctx, "a click on an unknown button", "action", in.Action, "user", in.User)
		a.poster.answer(ctx, in, sayUnknownButton)
		return nil
	case kindStep:
		return a.askStep(ctx, env, in)
	}
	for _, form := range forms {
		if form.kind == env.Kind {
			return form.handle(a, ctx, env, in)
		}
	}
	a.log.ErrorContext(ctx, "an interaction of an unknown kind", "kind", env.Kind)
	return nil
}

func (a *App) handleCommand(ctx context.Context, env approvals.Envelope, in interaction) error {
	cmd, err := command.Parse(in.Text)
	if err != nil {
		return fmt.Errorf("a command that was understood is not any more: %w", err)
	}
	verb := verbs[cmd.Verb]
	if list := a.cfg.AllowedChannels; len(list) > 0 && !slices.Contains(list, in.Channel) && verb.lane != approvals.LaneBrake {
		a.poster.answer(ctx, in, sayNotHere(list))
		return nil
	}
	if verb.handle == nil {
		a.poster.answer(ctx, in, a.help(ctx, in.User, "/ecs-stop"))
		return nil
	}
	in.cmd, in.Request, in.Reason = cmd, cmd.ID, cmd.Reason
	return verb.handle(a, ctx, env, in)
}

// answerOutcome answers a refusal privately, and otherwise with done if that is
// not empty. Other errors are returned: it is tried again.
func (a *App) answerOutcome(ctx context.Context, in interaction, err error, done string) error {
	var no *approvals.Refusal
	switch {
	case errors.As(err, &no):
		a.metrics.refusals.WithLabelValues(string(no.Kind)).Inc()
		a.log.InfoContext(ctx, "refused", "user", in.User, "why", no.Error(), "request", in.Request)
		a.poster.answer(ctx, in, a.poster.explain(ctx, no))
	case err != nil:
		return err
	case done != "":
		a.poster.answer(ctx, in, done)
	}
	return nil
}

// helpWithin leaves, of Slack's three seconds, time for the acknowledgement.
const helpWithin = 1500 * time.Millisecond

// help explains the command. Projects and approvers are named to members only.
func (a *App) help(ctx context.Context, user, slash string) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), helpWithin)
	defer cancel()
	var projects approvals.Projects
	if err := a.roles.mayView(ctx, user); err == nil {
		projects = a.desk.Projects()
	}
	return sayHelp(slash, projects)
}
