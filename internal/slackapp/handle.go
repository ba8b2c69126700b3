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
	var did act
	if err := json.Unmarshal(env.Body, &did); err != nil {
		return fmt.Errorf("read act: %w", err)
	}
	switch env.Kind {
	case kindCommand:
		return a.handleCommand(ctx, env, did)
	case kindClick:
		return a.handleClick(ctx, env, did)
	case kindDenial:
		return a.deny(ctx, env.ID, did, inHome)
	case kindWord:
		p, err := a.decider(ctx, did.User)
		if err != nil {
			return err
		}
		_, err = a.desk.Resolve(ctx, did.Request, p, did.Action == actTheyRun, did.Reason, env.ID)
		return a.refusedOr(ctx, did, err, "")
	case kindPreview:
		return a.preview(ctx, env, did)
	case kindDraft:
		return a.askDraft(ctx, env, did)
	}
	a.Log.ErrorContext(ctx, "an act of no known kind", "kind", env.Kind)
	return nil
}

// handleClick acts on a button of a card. Its value names the request and
// nothing else; whether the person may is found out here. What took effect is
// seen on the card by everybody, so only the Home has an answer.
func (a *App) handleClick(ctx context.Context, env approvals.Envelope, did act) error {
	switch did.Action {
	case actApprove:
		return a.approve(ctx, env.ID, did, inHome)
	case actRetry, actStartAgain:
		return a.askAgain(ctx, env.ID, did)
	case actCancel:
		return a.cancel(ctx, env.ID, did, inHome)
	}
	a.Log.WarnContext(ctx, "a click on an unknown button", "action", did.Action, "user", did.User)
	a.answer(ctx, did, sayUnknownButton)
	return nil
}

// everywhere tells what took effect to who has typed it.
func everywhere(_ act, text string) string { return text }

// approve counts somebody's yes. told picks the answer.
func (a *App) approve(ctx context.Context, op string, did act, told func(act, string) string) error {
	p, err := a.decider(ctx, did.User)
	if err != nil {
		return err
	}
	former, err := a.former(ctx, did.Request, did.User)
	if err != nil {
		return err
	}
	r, err := a.desk.Approve(ctx, did.Request, p, op, former...)
	return a.refusedOr(ctx, did, err, told(did, sayDidApprove(r)))
}

func (a *App) deny(ctx context.Context, op string, did act, told func(act, string) string) error {
	p, err := a.brakeman(ctx, did.User)
	if err != nil {
		return err
	}
	r, err := a.desk.Deny(ctx, did.Request, p, did.Reason, op)
	return a.refusedOr(ctx, did, err, told(did, sayDid(r, "denied")))
}

func (a *App) cancel(ctx context.Context, op string, did act, told func(act, string) string) error {
	p, err := a.canceller(ctx, did.User, did.Request)
	if err != nil {
		return err
	}
	r, err := a.desk.Cancel(ctx, did.Request, p, op)
	return a.refusedOr(ctx, did, err, told(did, sayDidCancel(r)))
}

// refusedOr answers a refusal privately, and otherwise with done if that is
// not empty. Other errors are returned: the act is tried again.
func (a *App) refusedOr(ctx context.Context, did act, err error, done string) error {
	var no *approvals.Refusal
	switch {
	case errors.As(err, &no):
		a.Metrics.refusals.WithLabelValues(string(no.Kind)).Inc()
		a.Log.InfoContext(ctx, "refused", "user", did.User, "why", no.Error(), "request", did.Request)
		a.answer(ctx, did, a.refusal(ctx, no))
	case err != nil:
		return err
	case done != "":
		a.answer(ctx, did, done)
	}
	return nil
}

func (a *App) handleCommand(ctx context.Context, env approvals.Envelope, did act) error {
	cmd, err := command.Parse(did.Text)
	if err != nil {
		return fmt.Errorf("a command that was understood is not any more: %w", err)
	}
	holdsBack := cmd.Verb == command.Freeze || cmd.Verb == command.Deny || cmd.Verb == command.Cancel // from anywhere
	if list := a.Policy.AllowedChannels; len(list) > 0 && !slices.Contains(list, did.Channel) && !holdsBack {
		a.answer(ctx, did, sayNotHere(list))
		return nil
	}
	about := act{User: did.User, Channel: did.Channel, Response: did.Response, Request: cmd.ID, Reason: cmd.Reason}
	switch cmd.Verb {
	case command.Ask:
		return a.ask(ctx, env.ID, did, cmd)
	case command.Approve:
		return a.approve(ctx, env.ID, about, everywhere)
	case command.Deny:
		return a.deny(ctx, env.ID, about, everywhere)
	case command.Cancel:
		return a.cancel(ctx, env.ID, about, everywhere)
	case command.Status, command.List, command.History:
		if err := a.mayView(ctx, did.User); err != nil {
			return a.refusedOr(ctx, did, err, "")
		}
		return a.view(ctx, did, cmd)
	case command.Freeze:
		return a.freeze(ctx, env, did, cmd.Reason)
	case command.Unfreeze:
		return a.unfreeze(ctx, env, did)
	case command.Retry:
		about.Action = actRetry
		return a.askAgain(ctx, env.ID, about)
	case command.Start:
		about.Action = actStartAgain
		return a.askAgain(ctx, env.ID, about)
	case command.ShowServers:
		return a.lookAt(ctx, did, cmd)
	}
	a.answer(ctx, did, a.help(ctx, did.User, "/ecs-stop"))
	return nil
}

// view shows what there is, to a member of the workspace.
func (a *App) view(ctx context.Context, did act, cmd command.Command) error {
	switch cmd.Verb {
	case command.Status:
		return a.status(ctx, did, cmd.ID)
	case command.List:
		return a.list(ctx, did)
	}
	return a.history(ctx, did, cmd.N)
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
func (a *App) ask(ctx context.Context, op string, did act, cmd command.Command) error {
	p, err := a.asker(ctx, did.User)
	if err != nil {
		return err
	}
	if no := a.noPlace(ctx, p, did.Channel); no != "" && !cmd.DryRun {
		a.answer(ctx, did, no)
		return nil
	}
	mode := approvals.Soft
	if cmd.Hard {
		mode = approvals.Hard
	}
	r, err := a.desk.Ask(ctx, approvals.Ask{
		OpID: op, By: p, AskedIn: did.Channel, Channel: cmp.Or(a.Channel, did.Channel), ResponseURL: did.Response,
		Project: cmd.Project, Servers: cmd.Servers, Tags: cmd.Tags, Mode: mode, Reason: cmd.Reason, DryRun: cmd.DryRun,
	})
	if cmd.DryRun {
		return a.refusedOr(ctx, did, err, a.sayDryRun(r))
	}
	return a.refusedOr(ctx, did, err, sayAsked(r)+a.frozenToo(ctx))
}

func (a *App) status(ctx context.Context, did act, id string) error {
	r, err := a.desk.Find(ctx, id)
	if err != nil {
		return a.refusedOr(ctx, did, err, "")
	}
	batches, err := a.desk.Batches(ctx, r)
	if err != nil {
		return err
	}
	f, err := a.desk.FreezeState(ctx)
	if err != nil {
		return err
	}
	a.answer(ctx, did, a.sayStatus(r, f, batches, a.permalink(ctx, r)))
	return nil
}

func (a *App) list(ctx context.Context, did act) error {
	open, more, err := a.desk.OpenRequests(ctx, did.User)
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
	a.answer(ctx, did, text)
	return nil
}

// historyLength is how many finished requests are shown unless the person says.
const historyLength = 10

func (a *App) history(ctx context.Context, did act, n int) error {
	if n == 0 {
		n = historyLength
	}
	ended, err := a.desk.EndedRequests(ctx, n)
	if err != nil {
		return err
	}
	a.answer(ctx, did, sayHistory(ended))
	return nil
}
