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
	modalState
	Draft string `json:"draft"`
}

// preview shows what a filled-in form would ask for, or what is wrong with it.
func (a *App) preview(ctx context.Context, env approvals.Envelope, in interaction) error {
	p, err := a.asker(ctx, in.User)
	if err != nil {
		return err
	}
	if a.showNoPlace(ctx, env, in, p) {
		return nil
	}
	mode := approvals.Soft
	if in.Form.Hard {
		mode = approvals.Hard
	}
	r, err := a.desk.Draft(ctx, approvals.Ask{
		Op: env.ID, By: p, From: in.Channel, Channel: cmp.Or(a.Channel, in.Channel), Answer: in.Response,
		Servers: in.Form.Servers, Tags: in.Form.Tags, Mode: mode, Reason: in.Form.Reason,
	})
	var no *approvals.Refusal
	if errors.As(err, &no) {
		a.showRefusal(ctx, env, in, no)
		return nil
	}
	if err != nil {
		return err
	}
	about, _ := json.Marshal(previewAbout{modalState{Channel: in.Channel, Response: in.Response}, env.ID})
	a.show(ctx, env, in, previewOf(r, string(about)), a.sayDryRun(r))
	return nil
}

func previewOf(r approvals.Request, about string) slack.ModalViewRequest {
	blocks := []slack.Block{section(sayWish(r)), section(sayServers(r, cardBudget))}
	if r.OutSum > 0 {
		blocks = append(blocks, section(sayLeftOut(r.Out, r.OutSum, cardBudget)))
	}
	if r.Mode == approvals.Hard {
		blocks = append(blocks, section(sayHardRisk))
	}
	blocks = append(blocks, contextBlock(sayPreviewFoot(r)))
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
	in := interaction{User: cb.User.ID, Channel: about.Channel, Response: about.Response, Draft: about.Draft, View: cb.View.ExternalID}
	env, err := envelopeOf("sub:"+cb.View.ID+":"+cb.View.Hash, kindDraft, in)
	fresh := false
	if err == nil {
		fresh, err = a.record(ctx, env)
	}
	// What is pushed on top leaves the preview as it is.
	view, answer := infoModal(sayHaveForm), slack.NewPushViewSubmissionResponse
	switch {
	case err != nil:
		a.Log.ErrorContext(ctx, "a request could not be recorded", "user", cb.User.ID, "err", err)
		view = infoModal(sayUnkept(err))
	case fresh:
		view, answer = infoModal(sayAsking), slack.NewUpdateViewSubmissionResponse
		view.ExternalID = in.View
	}
	a.ack(ctx, client, envelope, answer(&view))
}

// askDraft makes the request that was shown. However often it is submitted,
// the draft makes one request.
func (a *App) askDraft(ctx context.Context, env approvals.Envelope, in interaction) error {
	p, err := a.asker(ctx, in.User)
	if err != nil {
		return err
	}
	if a.showNoPlace(ctx, env, in, p) {
		return nil
	}
	r, err := a.desk.AskDraft(ctx, in.Draft, p)
	var no *approvals.Refusal
	if errors.As(err, &no) {
		a.showRefusal(ctx, env, in, no)
		return nil
	}
	if err != nil {
		return err
	}
	said := sayAsked(r) + a.freezeWarning(ctx)
	view := infoModal(said)
	view.Close, view.ClearOnClose = plain(sayFormDone), true // with the form below
	a.show(ctx, env, in, view, said)
	return nil
}

// showNoPlace tells the person if the card could not stand in their channel.
func (a *App) showNoPlace(ctx context.Context, env approvals.Envelope, in interaction, p approvals.Person) bool {
	no := a.noPlace(ctx, p, in.Channel)
	if no != "" {
		a.show(ctx, env, in, infoModal(no), no)
	}
	return no != ""
}

func (a *App) showRefusal(ctx context.Context, env approvals.Envelope, in interaction, no *approvals.Refusal) {
	a.Metrics.refusals.WithLabelValues(string(no.Why)).Inc()
	a.Log.InfoContext(ctx, "refused", "user", in.User, "why", no.Error())
	said := a.explain(ctx, no)
	a.show(ctx, env, in, infoModal(said), said)
}

// ackTravel is how long after a submission the view that its acknowledgement
// pushes may not be there yet.
const ackTravel = 3 * time.Second

// show puts view in the place of the one that did left behind, or tells the
// person privately what it would say if that one is closed.
func (a *App) show(ctx context.Context, env approvals.Envelope, in interaction, view slack.ModalViewRequest, otherwise string) {
	view.ExternalID = in.View
	for {
		_, err := a.api.UpdateViewContext(ctx, view, in.View, "", "")
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
		a.Log.InfoContext(ctx, "a view could not be updated; answering privately", "user", in.User, "err", err)
		a.answer(ctx, in, otherwise)
		return
	}
}
