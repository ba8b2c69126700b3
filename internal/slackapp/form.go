package slackapp

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/command"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

// Names in the form that asks for servers to be stopped. It lies below its
// preview: whoever goes back finds the form as they have left it.
const (
	formShortcut = "ecs_stop_form" // the global shortcut
	requestForm  = "ecs_stop_request"

	pickBlock, pickInput = "pick", "ecs_stop_pick"
	namesBlock           = "names"
	tagsBlock            = "tags"
	howBlock             = "how"
	whyBlock             = "why"
	textInput            = "text" // in each of the others

	maxPicked    = 100 // servers chosen one by one
	maxNamesText = 3000
	maxTagsText  = 1000
)

// formInput is what was filled in, understood.
type formInput struct {
	Servers []string `json:"servers,omitempty"`
	Tags    []string `json:"tags,omitempty"`
	Hard    bool     `json:"hard,omitempty"`
	Reason  string   `json:"reason,omitempty"`
}

// openForm shows the form, or says why this person cannot have it. The trigger
// lives for three seconds only: there is no time to hand it to whoever is free.
func (a *App) openForm(ctx context.Context, who interaction, trigger string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2800*time.Millisecond)
	defer cancel()
	typed := who.Response != ""
	who.Channel = cmp.Or(who.Channel, a.Channel)
	no, err := a.formRefusal(ctx, who)
	switch {
	case no != "" && typed:
		a.answer(ctx, who, no)
		return
	case no != "":
		_, err = a.api.OpenViewContext(ctx, trigger, infoModal(no))
	case err == nil:
		a.desk.ReadAhead(ctx) // somebody will soon type a name
		about, _ := json.Marshal(modalState{Channel: who.Channel, Response: who.Response})
		_, err = a.api.OpenViewContext(ctx, trigger, a.form(string(about)))
	}
	if err == nil || hasSlackCode(err, "exchanged_trigger_id") {
		return // the latter: Slack sent it twice, and the first one has opened the form
	}
	a.Log.WarnContext(ctx, "the request form could not be opened", "user", who.User, "err", err)
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	a.answer(late, who, sayNoForm+"\n"+a.help(late, who.User, "/ecs-stop"))
}

// formRefusal says why somebody cannot have the form; empty if they can.
func (a *App) formRefusal(ctx context.Context, who interaction) (string, error) {
	if who.Channel == "" {
		return sayFormNeedsChannel, nil
	}
	if list := a.Policy.AllowedChannels; len(list) > 0 && !slices.Contains(list, who.Channel) {
		return sayNotHere(list), nil
	}
	p, err := a.asker(ctx, who.User)
	if err != nil {
		return "", err
	}
	var no *approvals.Refusal
	if errors.As(a.Policy.MayAsk(p), &no) {
		a.Metrics.refusals.WithLabelValues(string(no.Why)).Inc()
		return sayRefusal(no), nil
	}
	return a.noPlace(ctx, p, who.Channel), nil
}

// form is the empty form. about is what it remembers.
func (a *App) form(about string) slack.ModalViewRequest {
	pick := slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeExternal, plain(sayPickPlaceholder), pickInput).WithMinQueryLength(1)
	most := maxPicked
	pick.MaxSelectedItems = &most
	soft, hard := howOption(approvals.Soft, saySoftMeans), howOption(approvals.Hard, sayHardMeans)
	how := slack.NewRadioButtonsBlockElement(textInput, soft, hard)
	how.InitialOption = soft
	field := func(block, label, hint string, e slack.BlockElement, optional bool) slack.Block {
		var help *slack.TextBlockObject
		if hint != "" {
			help = plain(hint)
		}
		b := slack.NewInputBlock(block, plain(label), help, e)
		b.Optional = optional
		return b
	}
	text := func(placeholder string, most int, lines bool) *slack.PlainTextInputBlockElement {
		e := slack.NewPlainTextInputBlockElement(plain(placeholder), textInput)
		e.MaxLength, e.Multiline = most, lines
		return e
	}
	return slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: requestForm, PrivateMetadata: about,
		Title: plain(sayFormTitle), Submit: plain(sayFormSubmit), Close: plain(sayFormClose),
		Blocks: slack.Blocks{BlockSet: []slack.Block{
			field(pickBlock, sayPickLabel, sayPickHint, pick, true),
			field(namesBlock, sayNamesLabel, "", text(sayNamesPlaceholder, maxNamesText, true), true),
			field(tagsBlock, sayTagsLabel, sayTagsHint, text(sayTagsPlaceholder, maxTagsText, false), true),
			field(howBlock, sayHowLabel, "", how, false),
			field(whyBlock, sayWhyLabel, "", text(sayWhyPlaceholder, command.MaxReason, true), !a.Policy.ReasonRequired),
			contextBlock(sayFormFoot(a.Policy)),
		}},
	}
}

func howOption(m approvals.Mode, means string) *slack.OptionBlockObject {
	return slack.NewOptionBlockObject(string(m), plain(string(m)), plain(means))
}

// infoModal is a modal that only tells something.
func infoModal(text string) slack.ModalViewRequest {
	return slack.ModalViewRequest{
		Type: slack.VTModal, Title: plain(sayFormTitle), Close: plain(sayFormBack),
		Blocks: slack.Blocks{BlockSet: paragraphs(text)},
	}
}

// readForm understands what was filled in. wrong says what is not right, by
// block.
func (a *App) readForm(v slack.View) (w formInput, wrong map[string]string) {
	if v.State == nil {
		v.State = &slack.ViewState{}
	}
	typed := func(block string) string { return v.State.Values[block][textInput].Value }
	wrong = map[string]string{}
	note := func(block string, mistakes command.Mistakes) {
		if len(mistakes) > 0 {
			wrong[block] = sayFieldMistakes(mistakes)
		}
	}
	var mistakes command.Mistakes
	for _, o := range v.State.Values[pickBlock][pickInput].SelectedOptions {
		w.Servers = append(w.Servers, o.Value)
	}
	w.Servers, mistakes = command.Servers(typed(namesBlock), w.Servers)
	note(namesBlock, mistakes)
	w.Tags, mistakes = command.Tags(typed(tagsBlock))
	note(tagsBlock, mistakes)
	w.Hard = v.State.Values[howBlock][textInput].SelectedOption.Value == string(approvals.Hard)
	w.Reason, mistakes = command.Reason(typed(whyBlock))
	note(whyBlock, mistakes)
	if a.Policy.ReasonRequired && w.Reason == "" {
		wrong[whyBlock] = sayFieldReason
	}
	if len(wrong) == 0 && len(w.Servers)+len(w.Tags) == 0 {
		wrong[pickBlock] = sayFieldServers
	}
	return w, wrong
}

// takeForm records what was filled in. Its preview lies on top of it and shows
// first that something is being done.
func (a *App) takeForm(ctx context.Context, client *socketmode.Client, envelope string, cb slack.InteractionCallback) {
	w, wrong := a.readForm(cb.View)
	if len(wrong) > 0 {
		a.ack(ctx, client, envelope, slack.NewErrorsViewSubmissionResponse(wrong))
		return
	}
	var about modalState
	if err := json.Unmarshal([]byte(cb.View.PrivateMetadata), &about); err != nil {
		a.Log.ErrorContext(ctx, "a form without its channel", "err", err)
	}
	id := cmp.Or(cb.TriggerID, envelope)
	in := interaction{User: cb.User.ID, Channel: about.Channel, Response: about.Response, Form: &w, View: "ecs-stop-" + id}
	env, err := envelopeOf("form:"+id, kindPreview, in)
	fresh := false
	if err == nil {
		fresh, err = a.record(ctx, env)
	}
	switch {
	case err != nil:
		a.Log.ErrorContext(ctx, "a form could not be recorded", "user", cb.User.ID, "err", err)
		a.ack(ctx, client, envelope, slack.NewErrorsViewSubmissionResponse(map[string]string{whyBlock: plainly(sayUnkept(err))}))
	case !fresh: // Slack sent it twice; an error on a field leaves everything as it is
		a.ack(ctx, client, envelope, slack.NewErrorsViewSubmissionResponse(map[string]string{whyBlock: sayHaveForm}))
	default:
		view := infoModal(sayLooking)
		view.ExternalID = in.View
		a.ack(ctx, client, envelope, slack.NewPushViewSubmissionResponse(&view))
	}
}

// Suggestions: Slack waits for three seconds and takes 20 KiB at most.
const (
	suggestions   = 20
	suggestWithin = 2300 * time.Millisecond
	maxOption     = 75 // characters
)

// takeSuggestion offers servers for what was typed so far. Only who may ask
// got the form; asking Slack about them at every letter would exceed its
// limits.
func (a *App) receiveSuggestion(ctx context.Context, client *socketmode.Client, envelope string, cb slack.InteractionCallback) {
	within, cancel := context.WithTimeout(ctx, suggestWithin)
	defer cancel()
	found, err := a.desk.Suggest(within, cb.Value, suggestions)
	if err != nil {
		a.Log.WarnContext(ctx, "no servers could be suggested", "err", err)
	}
	options := make([]*slack.OptionBlockObject, 0, suggestions)
	for _, s := range found {
		text := slack.NewTextBlockObject(slack.PlainTextType, sayOption(s), false, false)
		options = append(options, slack.NewOptionBlockObject(s.ID, text, nil))
	}
	// The library leaves out an empty list, and Slack wants one.
	a.ack(ctx, client, envelope, map[string]any{"options": options})
}

// plainly turns words for a message into words for a place that shows text as
// it is.
func plainly(s string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&", "`", `"`, "*", "").Replace(s)
}
