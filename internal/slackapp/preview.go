package slackapp

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"time"

	"ecsbot/internal/approvals"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

// previewForm shows what would be asked for; to submit it is to ask.
const previewForm = "ecs_stop_preview"

// previewAbout is what a preview remembers.
type previewAbout struct {
	formAbout
	Draft string `json:"draft"`
}

// preview shows what a filled-in form would ask for, or what is wrong with it.
func (a *App) preview(ctx context.Context, env approvals.Envelope, did act) error {
	p, err := a.asker(ctx, did.User)
	if err != nil {
		return err
	}
	if a.showNoPlace(ctx, env, did, p) {
		return nil
	}
	mode := approvals.Soft
	if did.Wish.Hard {
		mode = approvals.Hard
	}
	r, err := a.desk.Draft(ctx, approvals.Ask{
		OpID: env.ID, By: p, AskedIn: did.Channel, Channel: cmp.Or(a.Channel, did.Channel), ResponseURL: did.Response,
		Servers: did.Wish.Servers, Tags: did.Wish.Tags, Mode: mode, Reason: did.Wish.Reason,
	})
	var no *approvals.Refusal
	if errors.As(err, &no) {
		a.showRefusal(ctx, env, did, no)
		return nil
	}
	if err != nil {
		return err
	}
	about, _ := json.Marshal(previewAbout{formAbout{Channel: did.Channel, Response: did.Response}, env.ID})
	a.show(ctx, env, did, previewOf(r, string(about)), a.sayDryRun(r))
	return nil
}

func previewOf(r approvals.Request, about string) slack.ModalViewRequest {
	blocks := []slack.Block{section(sayWish(r)), section(sayServers(r, cardBudget))}
	if r.LeftOutCount > 0 {
		blocks = append(blocks, section(sayLeftOut(r.LeftOut, r.LeftOutCount, cardBudget)))
	}
	if r.Mode == approvals.Hard {
		blocks = append(blocks, section(sayHardRisk))
	}
	blocks = append(blocks, small(sayPreviewFoot(r)))
	return slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: previewForm, PrivateMetadata: about,
		Title: plain(sayPreviewTitle), Submit: plain(sayPreviewSubmit), Close: plain(sayFormBack),
		Blocks: slack.Blocks{BlockSet: blocks},
	}
}

// takePreview records that somebody asks for what they were shown.
func (a *App) takePreview(ctx context.Context, client *socketmode.Client, envelope string, cb slack.InteractionCallback) {
	var about previewAbout
	if err := json.Unmarshal([]byte(cb.View.PrivateMetadata), &about); err != nil {
		a.Log.ErrorContext(ctx, "a preview without its draft", "err", err)
		a.ack(ctx, client, envelope, nil)
		return
	}
	did := act{User: cb.User.ID, Channel: about.Channel, Response: about.Response, Draft: about.Draft, View: cb.View.ExternalID}
	env, err := envelopeOf("sub:"+cb.View.ID+":"+cb.View.Hash, kindDraft, did)
	fresh := false
	if err == nil {
		fresh, err = a.record(ctx, env)
	}
	// What is pushed on top leaves the preview as it is.
	view, answer := notice(sayHaveForm), slack.NewPushViewSubmissionResponse
	switch {
	case err != nil:
		a.Log.ErrorContext(ctx, "a request could not be recorded", "user", cb.User.ID, "err", err)
		view = notice(sayUnkept(err))
	case fresh:
		view, answer = notice(sayAsking), slack.NewUpdateViewSubmissionResponse
		view.ExternalID = did.View
	}
	a.ack(ctx, client, envelope, answer(&view))
}

// askDraft makes the request that was shown. However often it is submitted,
// the draft makes one request.
func (a *App) askDraft(ctx context.Context, env approvals.Envelope, did act) error {
	p, err := a.asker(ctx, did.User)
	if err != nil {
		return err
	}
	if a.showNoPlace(ctx, env, did, p) {
		return nil
	}
	r, err := a.desk.AskDraft(ctx, did.Draft, p)
	var no *approvals.Refusal
	if errors.As(err, &no) {
		a.showRefusal(ctx, env, did, no)
		return nil
	}
	if err != nil {
		return err
	}
	said := sayAsked(r) + a.frozenToo(ctx)
	view := notice(said)
	view.Close, view.ClearOnClose = plain(sayFormDone), true // with the form below
	a.show(ctx, env, did, view, said)
	return nil
}

// showNoPlace tells the person if the card could not stand in their channel.
func (a *App) showNoPlace(ctx context.Context, env approvals.Envelope, did act, p approvals.Person) bool {
	no := a.noPlace(ctx, p, did.Channel)
	if no != "" {
		a.show(ctx, env, did, notice(no), no)
	}
	return no != ""
}

func (a *App) showRefusal(ctx context.Context, env approvals.Envelope, did act, no *approvals.Refusal) {
	a.Metrics.refusals.WithLabelValues(string(no.Kind)).Inc()
	a.Log.InfoContext(ctx, "refused", "user", did.User, "why", no.Error())
	said := a.refusal(ctx, no)
	a.show(ctx, env, did, notice(said), said)
}

// ackTravel is how long after a submission the view that its acknowledgement
// pushes may not be there yet.
const ackTravel = 3 * time.Second

// show puts view in the place of the one that did left behind, or tells the
// person privately what it would say if that one is closed.
func (a *App) show(ctx context.Context, env approvals.Envelope, did act, view slack.ModalViewRequest, otherwise string) {
	view.ExternalID = did.View
	for {
		_, err := a.api.UpdateViewContext(ctx, view, did.View, "", "")
		if err == nil {
			return
		}
		if hasSlackCode(err, "not_found") && time.Since(env.At) < ackTravel {
			select {
			case <-ctx.Done():
			case <-time.After(200 * time.Millisecond):
				continue
			}
		}
		a.Log.InfoContext(ctx, "a view could not be updated; answering privately", "user", did.User, "err", err)
		a.answer(ctx, did, otherwise)
		return
	}
}
