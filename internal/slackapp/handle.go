package slackapp

import (
	"cmp"
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
		return fmt.Errorf("read act: %w", err)
	}
	switch env.Kind {
	case kindCommand:
		return a.handleCommand(ctx, env, in)
	case kindClick:
		return a.handleClick(ctx, env, in)
	case kindDenial:
		return a.deny(ctx, env.ID, in, ifInHome)
	case kindResolution:
		p, err := a.decider(ctx, in.User)
		if err != nil {
			return err
		}
		_, err = a.desk.Settle(ctx, in.Request, p, in.Action == actTheyRun, in.Reason, env.ID)
		return a.answerOutcome(ctx, in, err, "")
	case kindPreview:
		return a.preview(ctx, env, in)
	case kindDraft:
		return a.askDraft(ctx, env, in)
	}
	a.Log.ErrorContext(ctx, "an act of no known kind", "kind", env.Kind)
	return nil
}

// handleClick acts on a button of a card. Its value names the request and
// nothing else; whether the person may is found out here. What took effect is
// seen on the card by everybody, so only the Home has an answer.
func (a *App) handleClick(ctx context.Context, env approvals.Envelope, in interaction) error {
	switch in.Action {
	case actApprove:
		return a.approve(ctx, env.ID, in, ifInHome)
	case actRetry, actStartAgain:
		return a.askAgain(ctx, env.ID, in)
	case actCancel:
		return a.cancel(ctx, env.ID, in, ifInHome)
	}
	a.Log.WarnContext(ctx, "a click on an unknown button", "action", in.Action, "user", in.User)
	a.answer(ctx, in, sayUnknownButton)
	return nil
}

// everywhere tells what took effect to who has typed it.
func everywhere(_ interaction, text string) string { return text }

// approve counts somebody's yes. told picks the answer.
func (a *App) approve(ctx context.Context, op string, in interaction, told func(interaction, string) string) error {
	p, err := a.decider(ctx, in.User)
	if err != nil {
		return err
	}
	former, err := a.former(ctx, in.Request, in.User)
	if err != nil {
		return err
	}
	r, err := a.desk.Approve(ctx, in.Request, p, op, former...)
	return a.answerOutcome(ctx, in, err, told(in, sayDidApprove(r)))
}

func (a *App) deny(ctx context.Context, op string, in interaction, told func(interaction, string) string) error {
	p, err := a.brakeman(ctx, in.User)
	if err != nil {
		return err
	}
	r, err := a.desk.Deny(ctx, in.Request, p, in.Reason, op)
	return a.answerOutcome(ctx, in, err, told(in, sayDid(r, "denied")))
}

func (a *App) cancel(ctx context.Context, op string, in interaction, told func(interaction, string) string) error {
	p, err := a.canceller(ctx, in.User, in.Request)
	if err != nil {
		return err
	}
	r, err := a.desk.Cancel(ctx, in.Request, p, op)
	return a.answerOutcome(ctx, in, err, told(in, sayDidCancel(r)))
}

// answerOutcome answers a refusal privately, and otherwise with done if that is
// not empty. Other errors are returned: it is tried again.
func (a *App) answerOutcome(ctx context.Context, in interaction, err error, done string) error {
	var no *approvals.Refusal
	switch {
	case errors.As(err, &no):
		a.Metrics.refusals.WithLabelValues(string(no.Why)).Inc()
		a.Log.InfoContext(ctx, "refused", "user", in.User, "why", no.Error(), "request", in.Request)
		a.answer(ctx, in, a.explain(ctx, no))
	case err != nil:
		return err
	case done != "":
		a.answer(ctx, in, done)
	}
	return nil
}

func (a *App) handleCommand(ctx context.Context, env approvals.Envelope, in interaction) error {
	cmd, err := command.Parse(in.Text)
	if err != nil {
		return fmt.Errorf("a command that was understood is not any more: %w", err)
	}
	holdsBack := cmd.Verb == command.Freeze || cmd.Verb == command.Deny || cmd.Verb == command.Cancel // from anywhere
	if list := a.Policy.AllowedChannels; len(list) > 0 && !slices.Contains(list, in.Channel) && !holdsBack {
		a.answer(ctx, in, sayNotHere(list))
		return nil
	}
	about := interaction{User: in.User, Channel: in.Channel, Response: in.Response, Request: cmd.ID, Reason: cmd.Reason}
	switch cmd.Verb {
	case command.Ask:
		return a.ask(ctx, env.ID, in, cmd)
	case command.Approve:
		return a.approve(ctx, env.ID, about, everywhere)
	case command.Deny:
		return a.deny(ctx, env.ID, about, everywhere)
	case command.Cancel:
		return a.cancel(ctx, env.ID, about, everywhere)
	case command.Status, command.List, command.History:
		if err := a.mayView(ctx, in.User); err != nil {
			return a.answerOutcome(ctx, in, err, "")
		}
		return a.view(ctx, in, cmd)
	case command.Freeze:
		return a.freeze(ctx, env, in, cmd.Reason)
	case command.Unfreeze:
		return a.unfreeze(ctx, env, in)
	case command.Retry:
		about.Action = actRetry
		return a.askAgain(ctx, env.ID, about)
	case command.Start:
		about.Action = actStartAgain
		return a.askAgain(ctx, env.ID, about)
	case command.ShowServers:
		return a.lookAt(ctx, in, cmd)
	}
	a.answer(ctx, in, a.help(ctx, in.User, "/ecs-stop"))
	return nil
}

// view shows what there is, to a member of the workspace.
func (a *App) view(ctx context.Context, in interaction, cmd command.Command) error {
	switch cmd.Verb {
	case command.Status:
		return a.status(ctx, in, cmd.ID)
	case command.List:
		return a.list(ctx, in)
	}
	return a.history(ctx, in, cmd.N)
}

// helpWithin leaves, of Slack's three seconds, time for the acknowledgement.
const helpWithin = 1500 * time.Millisecond

// help explains the command. Who approves is named to members only.
func (a *App) help(ctx context.Context, user, slash string) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), helpWithin)
	defer cancel()
	pol := a.Policy
	if err := a.mayView(ctx, user); err != nil {
		pol.Approvers = nil
	}
	return sayHelp(slash, pol)
}

// ask makes a request of the command, or shows what it would be.
func (a *App) ask(ctx context.Context, op string, in interaction, cmd command.Command) error {
	p, err := a.asker(ctx, in.User)
	if err != nil {
		return err
	}
	if no := a.noPlace(ctx, p, in.Channel); no != "" && !cmd.DryRun {
		a.answer(ctx, in, no)
		return nil
	}
	mode := approvals.Soft
	if cmd.Hard {
		mode = approvals.Hard
	}
	r, err := a.desk.Ask(ctx, approvals.Ask{
		Op: op, By: p, From: in.Channel, Channel: cmp.Or(a.Channel, in.Channel), Answer: in.Response,
		Project: cmd.Project, Servers: cmd.Servers, Tags: cmd.Tags, Mode: mode, Reason: cmd.Reason, DryRun: cmd.DryRun,
	})
	if cmd.DryRun {
		return a.answerOutcome(ctx, in, err, a.sayDryRun(r))
	}
	return a.answerOutcome(ctx, in, err, sayAsked(r)+a.freezeWarning(ctx))
}

func (a *App) status(ctx context.Context, in interaction, id string) error {
	r, err := a.desk.Find(ctx, id)
	if err != nil {
		return a.answerOutcome(ctx, in, err, "")
	}
	batches, err := a.desk.Batches(ctx, r)
	if err != nil {
		return err
	}
	f, err := a.desk.Freezing(ctx)
	if err != nil {
		return err
	}
	a.answer(ctx, in, a.sayStatus(r, f, batches, a.permalink(ctx, r)))
	return nil
}

func (a *App) list(ctx context.Context, in interaction) error {
	open, more, err := a.desk.Open(ctx, in.User)
	if err != nil {
		return err
	}
	f, err := a.desk.Freezing(ctx)
	if err != nil {
		return err
	}
	text := sayList(open, more)
	if f.On {
		text = ":snowflake: " + sayFreeze(f) + "\n" + text
	}
	a.answer(ctx, in, text)
	return nil
}

// historyLength is how many finished requests are shown unless the person says.
const historyLength = 10

func (a *App) history(ctx context.Context, in interaction, n int) error {
	if n == 0 {
		n = historyLength
	}
	ended, err := a.desk.Ended(ctx, n)
	if err != nil {
		return err
	}
	a.answer(ctx, in, sayHistory(ended))
	return nil
}
