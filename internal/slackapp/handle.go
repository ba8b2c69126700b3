package slackapp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"ecsbot/internal/approvals"
)

// Handle acts on something a person did. It is called again if it returns an
// error or if the process died meanwhile; what it asks of the engine carries
// the envelope's id, so that only answers can be repeated.
func (a *App) Handle(ctx context.Context, env approvals.Envelope) error {
	var did act
	if err := json.Unmarshal(env.Body, &did); err != nil {
		return fmt.Errorf("read act: %w", err)
	}
	p, err := a.person(ctx, did.User)
	if err != nil {
		return err
	}
	switch env.Kind {
	case kindCommand:
		return a.handleCommand(ctx, env.ID, did, p)
	case kindClick:
		return a.handleClick(ctx, env.ID, did, p)
	case kindDenial:
		r, err := a.desk.Deny(ctx, did.Request, p, did.Reason, env.ID)
		return a.refusedOr(ctx, did, p, err, inHome(did, sayDid(r, "denied")))
	case kindWord:
		_, err := a.desk.Settle(ctx, did.Request, p, did.Action == actTheyRun, did.Reason, env.ID)
		return a.refusedOr(ctx, did, p, err, "")
	case kindPreview:
		return a.preview(ctx, env, did, p)
	case kindDraft:
		return a.askDraft(ctx, env, did, p)
	}
	a.Log.ErrorContext(ctx, "an act of no known kind", "kind", env.Kind)
	return nil
}

// handleClick acts on a button of a card. Its value names the request and
// nothing else; whether the person may is found out here.
func (a *App) handleClick(ctx context.Context, op string, did act, p approvals.Person) error {
	var r approvals.Request
	var err error
	done := ""
	switch did.Action {
	case actApprove:
		r, err = a.desk.Approve(ctx, did.Request, p, op)
		done = inHome(did, sayDidApprove(r))
	case actRetry, actStartAgain:
		return a.askAgain(ctx, op, did, p)
	case actCancel:
		r, err = a.desk.Cancel(ctx, did.Request, p, op)
		done = inHome(did, sayDidCancel(r))
	default:
		a.Log.WarnContext(ctx, "a click on an unknown button", "action", did.Action, "user", did.User)
		a.answer(ctx, did, sayUnknownButton)
		return nil
	}
	// What took effect is seen on the card by everybody.
	return a.refusedOr(ctx, did, p, err, done)
}

// refusedOr answers a refusal privately, and otherwise with done if that is
// not empty. Other errors are returned: the act is tried again.
func (a *App) refusedOr(ctx context.Context, did act, p approvals.Person, err error, done string) error {
	var no *approvals.Refusal
	switch {
	case errors.As(err, &no):
		a.Metrics.refusals.WithLabelValues(string(no.Why)).Inc()
		a.Log.InfoContext(ctx, "refused", "user", p.ID, "why", no.Error(), "request", did.Request)
		a.answer(ctx, did, a.refusal(ctx, no))
	case err != nil:
		return err
	case done != "":
		a.answer(ctx, did, done)
	}
	return nil
}

func (a *App) handleCommand(ctx context.Context, op string, did act, p approvals.Person) error {
	cmd, err := Parse(did.Text)
	if err != nil {
		return fmt.Errorf("a command that was understood is not any more: %w", err)
	}
	if list := a.Policy.AllowedChannels; len(list) > 0 && !slices.Contains(list, did.Channel) {
		a.answer(ctx, did, sayNotHere(list))
		return nil
	}
	switch cmd.Verb {
	case Ask:
		return a.ask(ctx, op, did, p, cmd)
	case Approve:
		r, err := a.desk.Approve(ctx, cmd.ID, p, op)
		return a.refusedOr(ctx, did, p, err, sayDidApprove(r))
	case Deny:
		r, err := a.desk.Deny(ctx, cmd.ID, p, cmd.Reason, op)
		return a.refusedOr(ctx, did, p, err, sayDid(r, "denied"))
	case Cancel:
		r, err := a.desk.Cancel(ctx, cmd.ID, p, op)
		return a.refusedOr(ctx, did, p, err, sayDidCancel(r))
	case Status:
		return a.status(ctx, did, p, cmd.ID)
	case List:
		return a.list(ctx, did)
	case Freeze:
		return a.freeze(ctx, op, did, p, cmd.Reason)
	case Unfreeze:
		return a.unfreeze(ctx, op, did, p)
	case Retry:
		return a.askAgain(ctx, op, act{User: did.User, Channel: did.Channel, Response: did.Response, Request: cmd.ID, Action: actRetry}, p)
	case Start:
		return a.askAgain(ctx, op, act{User: did.User, Channel: did.Channel, Response: did.Response, Request: cmd.ID, Action: actStartAgain}, p)
	case Servers:
		return a.lookAt(ctx, did, p, cmd)
	case History:
		return a.history(ctx, did, cmd.N)
	}
	a.answer(ctx, did, sayHelp("/ecs-stop", a.Policy))
	return nil
}

// ask makes a request of the command, or shows what it would be.
func (a *App) ask(ctx context.Context, op string, did act, p approvals.Person, cmd Command) error {
	mode := approvals.Soft
	if cmd.Hard {
		mode = approvals.Hard
	}
	r, err := a.desk.Ask(ctx, approvals.Ask{
		Op: op, By: p, From: did.Channel, Channel: orElse(a.Channel, did.Channel), Answer: did.Response,
		Project: cmd.Project, Servers: cmd.Servers, Tags: cmd.Tags, Mode: mode, Reason: cmd.Reason, DryRun: cmd.DryRun,
	})
	if cmd.DryRun {
		return a.refusedOr(ctx, did, p, err, a.sayDryRun(r))
	}
	return a.refusedOr(ctx, did, p, err, sayAsked(r)+a.frozenToo(ctx))
}

func (a *App) status(ctx context.Context, did act, p approvals.Person, id string) error {
	r, err := a.desk.Find(ctx, id)
	if err != nil {
		return a.refusedOr(ctx, did, p, err, "")
	}
	batches, err := a.desk.Batches(ctx, r)
	if err != nil {
		return err
	}
	a.answer(ctx, did, a.sayStatus(r, batches, a.permalink(ctx, r)))
	return nil
}

func (a *App) list(ctx context.Context, did act) error {
	open, err := a.desk.Open(ctx)
	if err != nil {
		return err
	}
	f, err := a.desk.Freezing(ctx)
	if err != nil {
		return err
	}
	text := sayList(open)
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
	ended, err := a.desk.Ended(ctx, n)
	if err != nil {
		return err
	}
	a.answer(ctx, did, sayHistory(ended))
	return nil
}
