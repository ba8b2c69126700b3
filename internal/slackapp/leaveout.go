package slackapp

import (
	"context"
	"encoding/json"
	"strings"

	"ecsbot/internal/approvals"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

// Names of the button with which an approver leaves servers out, and of its form.
const (
	actLeaveOut = "ecs_stop_leave"
	leaveForm   = "ecs_stop_leave_form"
	leaveBlock  = "leave"
	leaveInput  = "ecs_stop_leave_pick"

	maxListed = 100 // options that a list of Slack's takes; of more servers some are searched for
)

// Shortener leaves servers out of requests.
type Shortener interface {
	LeaveOut(ctx context.Context, id string, p approvals.Person, servers []string, op string) (approvals.Request, error)
}

func leaveOutButton(r approvals.Request) *slack.ButtonBlockElement {
	return slack.NewButtonBlockElement(actLeaveOut, r.ID, plain(sayLeaveOut))
}

// openLeaveOut shows the form, or says privately why this person cannot leave out: who
// may deny a request may make it smaller.
func (a *App) openLeaveOut(ctx context.Context, in interaction, cb slack.InteractionCallback) {
	a.openModal(ctx, in, cb.TriggerID, func(ctx context.Context) (slack.ModalViewRequest, error) {
		r, err := a.mayDeny(ctx, in)
		if err != nil {
			return slack.ModalViewRequest{}, err
		}
		list, err := a.desk.ServerList(ctx, r.ID)
		state := modalState{Request: r.ID, Channel: in.Channel, Response: in.Response, Home: in.Home}
		return leaveModal(r, list, state.String()), err
	}, func(context.Context) string { return sayLeaveFailed(in.Request) })
}

// leaveModal lets choose servers of the request, but never all.
func leaveModal(r approvals.Request, list approvals.ServerList, state string) slack.ModalViewRequest {
	pick := slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeStatic, plain(sayLeavePick), leaveInput, leaveOptions(list.Servers)...)
	if len(list.Servers) > maxListed {
		pick = slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeExternal, plain(sayLeavePick), leaveInput).WithMinQueryLength(1)
	}
	most := max(1, min(maxPicked, len(list.Servers)-1))
	pick.MaxSelectedItems = &most
	return slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: leaveForm, PrivateMetadata: state,
		Title: plain(sayLeaveTitle), Submit: plain(sayLeaveSubmit), Close: plain(sayDenyClose),
		Blocks: slack.Blocks{BlockSet: []slack.Block{
			section(sayLeaveIntro(r)),
			slack.NewInputBlock(leaveBlock, plain(sayLeaveLabel), nil, pick),
		}},
	}
}

// leaveOptions are the first of the servers, to choose from.
func leaveOptions(servers []approvals.Server) []*slack.OptionBlockObject {
	options := make([]*slack.OptionBlockObject, 0, maxListed)
	for _, s := range servers[:min(maxListed, len(servers))] {
		text := slack.NewTextBlockObject(slack.PlainTextType, sayOption(s, false), false, false)
		options = append(options, slack.NewOptionBlockObject(s.ID, text, nil))
	}
	return options
}

// receiveLeaveSuggestion offers servers of the request for what was typed so far.
func (s *sockets) receiveLeaveSuggestion(ctx context.Context, client *socketmode.Client, envelope string, cb slack.InteractionCallback) {
	within, cancel := context.WithTimeout(ctx, suggestWithin)
	defer cancel()
	var state modalState
	if err := json.Unmarshal([]byte(cb.View.PrivateMetadata), &state); err != nil {
		s.log.ErrorContext(ctx, "a form does not say what it is about", "err", err)
	}
	list, err := s.desk.ServerList(within, state.Request)
	if err != nil {
		s.log.WarnContext(ctx, "no servers of a request could be suggested", "request", state.Request, "err", err)
	}
	options := leaveOptions(matching(list.Servers, cb.Value, suggestions))
	s.ack(ctx, client, envelope, map[string]any{"options": options})
}

// matching are the first n servers whose name or address holds what was typed, or whose id
// begins with it.
func matching(servers []approvals.Server, typed string, n int) []approvals.Server {
	typed = strings.ToLower(strings.TrimSpace(typed))
	var found []approvals.Server
	for _, s := range servers {
		fits := strings.Contains(strings.ToLower(s.Name+"\n"+s.Address), typed) || strings.HasPrefix(s.ID, typed)
		if fits && len(found) < n {
			found = append(found, s)
		}
	}
	return found
}

// readLeaveOut reads the submitted form.
func readLeaveOut(_ view, s submission) (id string, in interaction, wrong map[string]string) {
	in = s.interaction()
	if s.View.State != nil {
		for _, o := range s.View.State.Values[leaveBlock][leaveInput].SelectedOptions {
			in.Servers = append(in.Servers, o.Value)
		}
	}
	if len(in.Servers) == 0 {
		wrong = map[string]string{leaveBlock: sayFieldLeaveNone}
	}
	return s.viewID(), in, wrong
}

// answerLeaveOut closes the form, or keeps it open if it could not be recorded.
func answerLeaveOut(_ interaction, _ bool, err error) any {
	if err != nil {
		return slack.NewErrorsViewSubmissionResponse(map[string]string{leaveBlock: plainly(sayUnkept(err))})
	}
	return nil
}

// leaveOut acts on the submitted form.
func (a *App) leaveOut(ctx context.Context, env approvals.Envelope, in interaction) error {
	r, pol, err := a.requestAndPolicy(ctx, in.Request)
	if err != nil {
		return err
	}
	p, err := a.roles.brakeman(ctx, in.User, r, pol)
	if err != nil {
		return err
	}
	r, err = a.desk.LeaveOut(ctx, in.Request, p, in.Servers, env.ID)
	return a.answerOutcome(ctx, in, err, unlessSeen(env, in, sayDidLeaveOut(r)))
}
