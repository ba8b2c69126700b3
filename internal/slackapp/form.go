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

// Inventory is what the engine knows of the servers in the cloud.
type Inventory interface {
	// Servers reads servers as they are now; missing names the words that name
	// none.
	Servers(ctx context.Context, ask approvals.Ask) (found []approvals.Server, missing *approvals.Refusal, err error)
	// Suggest finds up to n servers of a project for what was typed so far.
	Suggest(ctx context.Context, project, typed string, n int) ([]approvals.Server, error)
	// WarmSuggestions fetches the list for suggestions, and does not wait for it.
	WarmSuggestions(ctx context.Context, project string)
}

// Names in the form that asks for servers to be stopped. It lies below its
// preview: who goes back finds the form as they left it.
const (
	formShortcut = "ecs_stop_form" // the global shortcut
	actRequest   = "ecs_stop_new"  // the button of the Home
	requestForm  = "ecs_stop_request"

	projectBlock, projectInput = "project", "ecs_stop_project"
	pickBlock, pickInput       = "pick", "ecs_stop_pick" // with several projects, the block's id ends with ":" and the project
	namesBlock                 = "names"
	tagsBlock                  = "tags"
	howBlock                   = "how"
	whyBlock                   = "why"
	textInput                  = "text" // in each of the others

	maxPicked    = 100 // servers chosen one by one
	maxNamesText = 3000
	maxTagsText  = 1000
)

// formInput is what was filled in, understood.
type formInput struct {
	Project string   `json:"project,omitempty"`
	Servers []string `json:"servers,omitempty"`
	Tags    []string `json:"tags,omitempty"`
	Hard    bool     `json:"hard,omitempty"`
	Reason  string   `json:"reason,omitempty"`
}

// openForm shows the form, or says why this person cannot have it: as a private
// answer to the person who typed the command, else in a modal.
func (a *App) openForm(ctx context.Context, in interaction, trigger string) {
	projects := a.desk.Projects()
	if len(projects) == 1 {
		in.Channel = cmp.Or(in.Channel, projects[0].Channel)
	}
	project, _ := projects.Choose("", in.Channel) // else it is chosen in the form
	a.openModal(ctx, in, trigger, func(ctx context.Context) (slack.ModalViewRequest, error) {
		no, err := a.formRefusal(ctx, in, project)
		switch typed := in.Response != ""; {
		case err != nil:
			return slack.ModalViewRequest{}, err
		case no != "" && typed:
			return slack.ModalViewRequest{}, noModal{no}
		case no != "":
			return infoModal(no), nil
		}
		if project.Name != "" {
			a.desk.WarmSuggestions(ctx, project.Name) // somebody will soon type a name
		}
		return a.view().form(modalState{Channel: in.Channel, Response: in.Response, Home: in.Home, Project: project.Name}), nil
	}, func(ctx context.Context) string { return sayNoForm + "\n" + a.help(ctx, in.User, "/ecs-stop") })
}

// openFormFromHome shows the form to the person who clicked in their Home.
func (a *App) openFormFromHome(ctx context.Context, in interaction, cb slack.InteractionCallback) {
	a.openForm(ctx, in, cb.TriggerID)
}

// formRefusal says why somebody cannot have the form; empty if they can.
func (a *App) formRefusal(ctx context.Context, in interaction, project approvals.Project) (string, error) {
	if in.Channel == "" && len(a.desk.Projects()) == 1 {
		return sayFormNeedsChannel, nil
	}
	if list := a.cfg.AllowedChannels; in.Channel != "" && len(list) > 0 && !slices.Contains(list, in.Channel) {
		return sayNotHere(list), nil
	}
	p, err := a.roles.asker(ctx, in.User, project.Policy)
	if err != nil {
		return "", err
	}
	var no *approvals.Refusal
	if errors.As(project.Policy.MayAsk(p), &no) {
		a.metrics.refusals.WithLabelValues(string(no.Kind)).Inc()
		return a.view().sayRefusal(no), nil
	}
	if project.Name == "" {
		return "", nil // that depends on the project
	}
	return a.noPlace(ctx, p, project, in.Channel), nil
}

// form is the empty form. state is what it remembers.
func (v view) form(state modalState) slack.ModalViewRequest {
	pol := v.policyNamed(state.Project)
	pick := slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeExternal, plain(sayPickPlaceholder), pickInput).WithMinQueryLength(1)
	most := maxPicked
	pick.MaxSelectedItems = &most
	soft, hard := howOption(approvals.Soft, saySoft, saySoftMeans), howOption(approvals.Hard, sayHard, sayHardMeans)
	how := slack.NewRadioButtonsBlockElement(howInput, soft, hard)
	how.InitialOption = soft
	field := func(block, label, hint string, e slack.BlockElement, optional bool) *slack.InputBlock {
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
		Type: slack.VTModal, CallbackID: requestForm, PrivateMetadata: state.String(),
		Title: plain(sayFormTitle), Submit: plain(sayFormSubmit), Close: plain(sayFormClose),
		Blocks: slack.Blocks{BlockSet: append(v.projectField(state.Project),
			field(v.pickBlock(state.Project), sayPickLabel, sayPickHint, pick, true),
			field(namesBlock, sayNamesLabel, "", text(sayNamesPlaceholder, maxNamesText, true), true),
			field(tagsBlock, sayTagsLabel, sayTagsHint, text(sayTagsPlaceholder, maxTagsText, false), true),
			field(howBlock, sayHowLabel, "", how, false).WithDispatchAction(true),
			field(whyBlock, sayWhyLabel, "", text(sayWhyPlaceholder, command.MaxReason, true), !pol.ReasonRequired),
			contextBlock(v.sayFormFoot(state.Project)),
		)},
	}
}

// projectField is the choice of a project, if there are several.
func (v view) projectField(chosen string) []slack.Block {
	if len(v.Projects) < 2 {
		return nil
	}
	var options []*slack.OptionBlockObject
	for _, name := range v.Projects.Names() {
		options = append(options, slack.NewOptionBlockObject(name, plain(name), nil))
	}
	choice := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, plain(sayProjectPlaceholder), projectInput, options...)
	for _, o := range options {
		if o.Value == chosen {
			choice.InitialOption = o
		}
	}
	return []slack.Block{slack.NewInputBlock(projectBlock, plain(sayProjectLabel), nil, choice).WithDispatchAction(true)}
}

// pickBlock is the id of the block in which servers are chosen. Another project has
// another one: its servers are others.
func (v view) pickBlock(project string) string {
	if len(v.Projects) < 2 {
		return pickBlock
	}
	return pickBlock + ":" + project
}

func howOption(m approvals.Mode, label, means string) *slack.OptionBlockObject {
	return slack.NewOptionBlockObject(string(m), plain(label), plain(means))
}

// readForm understands what was filled in. wrong says what is not right, by
// block.
func (v view) readForm(submitted slack.View, state modalState) (in formInput, wrong map[string]string) {
	if submitted.State == nil {
		submitted.State = &slack.ViewState{}
	}
	typed := func(block string) string { return submitted.State.Values[block][textInput].Value }
	wrong = map[string]string{}
	note := func(block string, mistakes command.Mistakes) {
		if len(mistakes) > 0 {
			wrong[block] = sayFieldMistakes(mistakes)
		}
	}
	var mistakes command.Mistakes
	in.Project = cmp.Or(submitted.State.Values[projectBlock][projectInput].SelectedOption.Value, state.Project)
	picked := v.pickBlock(in.Project)
	for _, o := range submitted.State.Values[picked][pickInput].SelectedOptions {
		in.Servers = append(in.Servers, o.Value)
	}
	in.Servers, mistakes = command.Servers(typed(namesBlock), in.Servers)
	note(namesBlock, mistakes)
	in.Tags, mistakes = command.Tags(typed(tagsBlock))
	note(tagsBlock, mistakes)
	how := submitted.State.Values[howBlock] // in a form of an older version under another name
	in.Hard = cmp.Or(how[howInput].SelectedOption.Value, how[textInput].SelectedOption.Value) == string(approvals.Hard)
	in.Reason, mistakes = command.Reason(typed(whyBlock))
	note(whyBlock, mistakes)
	if v.policyNamed(in.Project).ReasonRequired && in.Reason == "" {
		wrong[whyBlock] = sayFieldReason
	}
	if len(wrong) == 0 && len(in.Servers)+len(in.Tags) == 0 {
		wrong[picked] = sayFieldServers
	}
	return in, wrong
}

// readRequest reads the submitted form. The same view may be submitted again,
// after a look at its preview, so each click counts.
func readRequest(v view, s submission) (id string, in interaction, wrong map[string]string) {
	click := cmp.Or(s.TriggerID, s.envelope)
	input, wrong := v.readForm(s.View, s.state)
	in = s.interaction()
	in.Form, in.View = &input, "ecs-stop-"+click
	return "form:" + click, in, wrong
}

// answerRequest puts the preview on top of the form. At first it shows only that
// something is being done.
func answerRequest(in interaction, fresh bool, err error) any {
	switch {
	case err != nil:
		return slack.NewErrorsViewSubmissionResponse(map[string]string{whyBlock: plainly(sayUnkept(err))})
	case !fresh: // an error on a field leaves everything as it is
		return slack.NewErrorsViewSubmissionResponse(map[string]string{whyBlock: sayHaveForm})
	}
	modal := infoModal(sayLooking)
	modal.ExternalID = in.View
	return slack.NewPushViewSubmissionResponse(&modal)
}

// Suggestions: Slack waits for three seconds and takes 20 KiB at most.
const (
	suggestions   = 20
	suggestWithin = 2300 * time.Millisecond
	maxOption     = 75 // characters
)

// receiveSuggestion offers servers for what was typed so far. Only who may ask
// got the form; asking Slack about them at every letter would exceed its
// limits.
func (s *sockets) receiveSuggestion(ctx context.Context, client *socketmode.Client, envelope string, cb slack.InteractionCallback) {
	within, cancel := context.WithTimeout(ctx, suggestWithin)
	defer cancel()
	var state modalState
	if err := json.Unmarshal([]byte(cb.View.PrivateMetadata), &state); err != nil {
		s.log.ErrorContext(ctx, "a form does not say what it is about", "err", err)
	}
	pol := s.view().policyNamed(state.Project)
	found, err := s.desk.Suggest(within, state.Project, cb.Value, suggestions)
	if err != nil {
		s.log.WarnContext(ctx, "no servers could be suggested", "err", err)
	}
	options := make([]*slack.OptionBlockObject, 0, suggestions)
	for _, server := range found {
		text := slack.NewTextBlockObject(slack.PlainTextType, sayOption(server, pol.Protection.Covers(server)), false, false)
		options = append(options, slack.NewOptionBlockObject(server.ID, text, nil))
	}
	// The library leaves out an empty list, and Slack wants one.
	s.ack(ctx, client, envelope, map[string]any{"options": options})
}

// plainly turns words for a message into words for a place that shows text as
// it is.
func plainly(s string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&", "`", `"`, "*", "").Replace(s)
}
