package slackapp

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/command"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

// Afterwards is what is asked of the engine about a request that has ended.
// From the ask only who, where and the op count: the servers are those of the
// old request, and what they are now decides.
type Afterwards interface {
	// Retry asks again for what failed or was not sent.
	Retry(ctx context.Context, id string, ask approvals.Ask) (approvals.Request, error)
	// StartAgain asks for what the request stopped to be started.
	StartAgain(ctx context.Context, id string, ask approvals.Ask) (approvals.Request, error)
	// Settle takes p's word for the servers of which it was not found out.
	Settle(ctx context.Context, id string, p approvals.Person, run bool, reason, op string) (approvals.Request, error)
}

// Names of the buttons under the outcome. Their value is the id of the request.
const (
	actRetry      = "ecs_stop_retry"
	actStartAgain = "ecs_stop_start"
	actTheyAreOff = "ecs_stop_are_off"
	actTheyRun    = "ecs_stop_run"
)

// settleForm asks for the reason of a word about servers that are not known.
const resolveForm = "ecs_stop_settle"

// afterwards are the buttons under the outcome; none if there is nothing to do.
func afterwards(m approvals.Message) []slack.Block {
	r := m.Request
	var buttons []slack.BlockElement
	if r.State == approvals.Unknown {
		buttons = append(buttons,
			slack.NewButtonBlockElement(actTheyAreOff, r.ID, plain(sayTheyAreOff)),
			slack.NewButtonBlockElement(actTheyRun, r.ID, plain(sayTheyRun)))
	}
	if len(approvals.FailedOf(m.Batches)) > 0 {
		retry := slack.NewButtonBlockElement(actRetry, r.ID, plain(sayRetry))
		buttons = append(buttons, retry.WithConfirm(slack.NewConfirmationBlockObject(
			plain(sayRetryTitle), plain(sayRetryText), plain(sayRetryYes), plain(sayConfirmNo))))
	}
	if r.Action == approvals.Stop && len(approvals.StoppedBy(m.Batches)) > 0 {
		buttons = append(buttons, slack.NewButtonBlockElement(actStartAgain, r.ID, plain(sayStartAgain)))
	}
	if len(buttons) == 0 {
		return nil
	}
	return []slack.Block{slack.NewActionBlock("afterwards", buttons...)}
}

// askAgain makes a new request of an old one, as a button or a verb says.
func (a *App) askAgain(ctx context.Context, op string, in interaction) error {
	again := a.desk.StartAgain
	ask := approvals.Ask{Op: op, From: in.Channel, Channel: cmp.Or(a.Channel, in.Channel), Answer: in.Response}
	var err error
	if in.Action == actStartAgain {
		ask.By, err = a.asker(ctx, in.User)
	} else {
		// A retry may be approved by the same click.
		again = a.desk.Retry
		if ask.By, err = a.person(ctx, in.User, ageToLetGo, a.Policy.Requesters, a.Policy.Approvers); err == nil {
			ask.Again, err = a.requester(ctx, in.Request, ask.By)
		}
	}
	if err != nil {
		return err
	}
	if no := a.noPlace(ctx, ask.By, in.Channel); no != "" {
		a.answer(ctx, in, no)
		return nil
	}
	r, err := again(ctx, in.Request, ask)
	return a.answerOutcome(ctx, in, err, sayAsked(r)+a.freezeWarning(ctx))
}

// requester is who made a request, as they are now. by is who asks.
func (a *App) requester(ctx context.Context, request string, by approvals.Person) (approvals.Person, error) {
	r, err := a.desk.Find(ctx, request)
	if _, no := errors.AsType[*approvals.Refusal](err); no || r.Requester == by.ID {
		return by, nil
	}
	if err != nil {
		return approvals.Person{}, err
	}
	return a.asker(ctx, r.Requester)
}

// wordAbout is what the form remembers.
type wordAbout struct {
	modalState
	Action string `json:"action"` // the button that opened it
}

// openSettlement shows the form, or says privately why this person's word would
// not count.
func (a *App) openResolution(ctx context.Context, click interaction, trigger string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2800*time.Millisecond)
	defer cancel()
	r, err := a.mayResolve(ctx, click)
	var no *approvals.Refusal
	if errors.As(err, &no) {
		a.Metrics.refusals.WithLabelValues(string(no.Why)).Inc()
		a.answer(ctx, click, sayRefusal(no))
		return
	}
	if err == nil {
		_, err = a.api.OpenViewContext(ctx, trigger, resolveModal(r, click))
	}
	if hasSlackCode(err, "exchanged_trigger_id") {
		return // Slack sent the click twice; the first one has opened the form
	}
	if err != nil {
		a.Log.WarnContext(ctx, "the form about an outcome could not be opened", "request", click.Request, "user", click.User, "err", err)
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
		defer cancel()
		a.answer(late, click, saySettleFailed(click.Request))
	}
}

// maySettle returns a *approvals.Refusal if a word would have no effect. It is
// asked again when the form comes back.
func (a *App) mayResolve(ctx context.Context, click interaction) (approvals.Request, error) {
	r, err := a.desk.Find(ctx, click.Request)
	if err != nil {
		return r, err
	}
	p, err := a.decider(ctx, click.User)
	if err != nil {
		return r, err
	}
	_, err = r.Settle(p, a.Policy, click.Action == actTheyRun, "", "", time.Now())
	return r, err
}

func resolveModal(r approvals.Request, click interaction) slack.ModalViewRequest {
	about, _ := json.Marshal(wordAbout{modalState{Request: click.Request, Channel: click.Channel, Response: click.Response}, click.Action})
	input := slack.NewPlainTextInputBlockElement(nil, reasonInput)
	input.Multiline, input.MaxLength = true, command.MaxReason
	return slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: resolveForm, PrivateMetadata: string(about),
		Title: plain(saySettleTitle(r.ID)), Submit: plain(saySettleSubmit), Close: plain(sayDenyClose),
		Blocks: slack.Blocks{BlockSet: []slack.Block{
			section(saySettleIntro(r, click.Action == actTheyRun)),
			slack.NewInputBlock(reasonBlock, plain(saySettleLabel), plain(saySettleHint), input),
		}},
	}
}

// takeWord records what a person says became of the servers.
func (a *App) takeWord(ctx context.Context, client *socketmode.Client, envelope string, cb slack.InteractionCallback) {
	var about wordAbout
	if err := json.Unmarshal([]byte(cb.View.PrivateMetadata), &about); err != nil {
		a.Log.ErrorContext(ctx, "a form without its request", "err", err)
		a.ack(ctx, client, envelope, nil)
		return
	}
	env, err := envelopeOf("sub:"+cb.View.ID+":"+cb.View.Hash, kindResolution, interaction{
		User: cb.User.ID, Channel: about.Channel, Request: about.Request, Response: about.Response,
		Action: about.Action, Reason: formReason(cb.View),
	})
	if err == nil {
		_, err = a.record(ctx, env)
	}
	if err != nil {
		a.Log.ErrorContext(ctx, "a word about an outcome could not be recorded", "user", cb.User.ID, "err", err)
		a.ack(ctx, client, envelope, slack.NewErrorsViewSubmissionResponse(map[string]string{reasonBlock: plainly(sayUnkept(err))}))
		return
	}
	a.ack(ctx, client, envelope, nil)
}
