package slackapp

import (
	"cmp"
	"context"
	"errors"
	"time"

	"ecsbot/internal/approvals"

	"github.com/slack-go/slack"
)

// previewForm shows what would be asked for; to submit it is to ask.
const previewForm = "ecs_stop_preview"

// Drafter keeps what a preview shows until the person asks for it.
type Drafter interface {
	// Draft keeps what the ask would make a request of, under its op.
	Draft(ctx context.Context, ask approvals.Ask) (approvals.Request, error)
	// AskDraft makes the request of a draft, once.
	AskDraft(ctx context.Context, draft string, p approvals.Person) (approvals.Request, error)
}

// preview shows what a filled-in form would ask for, or what is wrong with it.
func (a *App) preview(ctx context.Context, env approvals.Envelope, in interaction) error {
	project, err := a.projectFor(ctx, in, in.Form.Project)
	if no, is := errors.AsType[*approvals.Refusal](err); is {
		a.showRefusal(ctx, env, in, no)
		return nil
	}
	if err != nil {
		return err
	}
	p, err := a.roles.asker(ctx, in.User, project.Policy)
	if err != nil {
		return err
	}
	if a.showNoPlace(ctx, env, in, p, project) {
		return nil
	}
	mode := approvals.Soft
	if in.Form.Hard {
		mode = approvals.Hard
	}
	r, err := a.desk.Draft(ctx, approvals.Ask{
		OpID: env.ID, By: p, AskedIn: in.Channel, Channel: cmp.Or(project.Channel, in.Channel), ResponseURL: in.Response,
		Project: project.Name, Servers: in.Form.Servers, Tags: in.Form.Tags, Mode: mode, Reason: in.Form.Reason,
	})
	var no *approvals.Refusal
	if errors.As(err, &no) {
		a.showRefusal(ctx, env, in, no)
		return nil
	}
	if err != nil {
		return err
	}
	state := modalState{Channel: in.Channel, Response: in.Response, Home: in.Home, Draft: env.ID, Project: project.Name}
	a.show(ctx, env, in, previewOf(r, state.String()), sayDryRun(r))
	return nil
}

func previewOf(r approvals.Request, state string) slack.ModalViewRequest {
	blocks := []slack.Block{header(sayHeadline(r)), section(view{}.sayWish(r))}
	blocks = append(blocks, risks(r)...)
	blocks = append(blocks, section(sayRequestNames(r)))
	if r.LeftOutCount > 0 {
		blocks = append(blocks, section(sayRequestSkipped(r)))
	}
	blocks = append(blocks, contextBlock(sayPreviewFoot(r)))
	return slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: previewForm, PrivateMetadata: state,
		Title: plain(sayPreviewTitle), Submit: plain(sayPreviewSubmit), Close: plain(sayFormBack),
		Blocks: slack.Blocks{BlockSet: blocks},
	}
}

// readDraft reads the submitted preview.
func readDraft(_ view, s submission) (id string, in interaction, wrong map[string]string) {
	in = s.interaction()
	in.View = s.View.ExternalID
	return s.viewID(), in, nil
}

// answerDraft closes the preview and the form below it, or leaves both as they are
// and pushes on top of them why nothing more is done.
func answerDraft(_ interaction, fresh bool, err error) any {
	modal := infoModal(sayHaveForm)
	switch {
	case err != nil:
		modal = infoModal(sayUnkept(err))
	case fresh:
		return slack.NewClearViewSubmissionResponse()
	}
	return slack.NewPushViewSubmissionResponse(&modal)
}

// askDraft makes the request that was shown, and answers privately: the form is
// closed by then. However often it is submitted, the draft makes one request.
func (a *App) askDraft(ctx context.Context, env approvals.Envelope, in interaction) error {
	project, err := a.projectFor(ctx, in, in.Project)
	if err != nil {
		return a.answerOutcome(ctx, in, err, "")
	}
	p, err := a.roles.asker(ctx, in.User, project.Policy)
	if err != nil {
		return err
	}
	if no := a.noPlace(ctx, p, project, in.Channel); no != "" {
		a.answer(ctx, in, no)
		return nil
	}
	r, err := a.desk.AskDraft(ctx, in.Draft, p)
	if err != nil {
		return a.answerOutcome(ctx, in, err, "")
	}
	return a.answerOutcome(ctx, in, nil, sayAsked(r)+a.poster.freezeWarning(ctx))
}

// showNoPlace tells the person if the card could not stand in their channel.
func (a *App) showNoPlace(ctx context.Context, env approvals.Envelope, in interaction, p approvals.Person, project approvals.Project) bool {
	no := a.noPlace(ctx, p, project, in.Channel)
	if no != "" {
		a.show(ctx, env, in, infoModal(no), no)
	}
	return no != ""
}

func (a *App) showRefusal(ctx context.Context, env approvals.Envelope, in interaction, no *approvals.Refusal) {
	a.metrics.refusals.WithLabelValues(string(no.Kind)).Inc()
	a.log.InfoContext(ctx, "refused", "user", in.User, "why", no.Error())
	said := a.poster.explain(ctx, no)
	a.show(ctx, env, in, infoModal(said), said)
}

// ackTravel is how long after a submission the view that its acknowledgement
// pushes may not be there yet.
const ackTravel = 3 * time.Second

// show replaces the modal that the interaction left open, or tells the person
// privately what it would say if that one is closed.
func (a *App) show(ctx context.Context, env approvals.Envelope, in interaction, modal slack.ModalViewRequest, otherwise string) {
	modal.ExternalID = in.View
	for {
		err := a.openInEitherForm(ctx, modal, func(modal slack.ModalViewRequest) error {
			_, err := a.api.UpdateViewContext(ctx, modal, in.View, "", "")
			return err
		})
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
		a.log.InfoContext(ctx, "a view could not be updated; answering privately", "user", in.User, "err", err)
		a.poster.answer(ctx, in, otherwise)
		return
	}
}
