package slackapp

import (
	"context"

	"ecsbot/internal/approvals"
	"ecsbot/internal/command"

	"github.com/slack-go/slack"
)

// The tables of this file say what every verb, button and form does. A new one
// is a line here and its function.

// handler acts on a recorded interaction. It is called again if it returns an
// error or if the process died: what it asks of the engine carries the
// envelope's id, so that only answers can be repeated.
type handler func(*App, context.Context, approvals.Envelope, interaction) error

// verbRoute is what happens for a verb of the command.
type verbRoute struct {
	lane   approvals.Lane // LaneBrake: allowed in every channel
	ack    string         // shown at once where the answer takes a while
	handle handler
}

// verbs has all verbs but help and the form, which are answered at once
// ([sockets.receiveCommand]). One that shows what the bot knows is membersOnly; bot
// TestOutsidersAreShownNothing types it. A replica of the version before takes an
// unknown verb for a server.
var verbs = map[command.Verb]verbRoute{
	command.Ask:         {lane: approvals.LaneSlow, ack: sayLooking, handle: (*App).ask},
	command.ShowServers: {lane: approvals.LaneSlow, ack: sayLooking, handle: (*App).servers},
	command.Status:      {lane: approvals.LaneSlow, handle: membersOnly((*App).status)},
	command.List:        {lane: approvals.LaneSlow, handle: membersOnly((*App).list)},
	command.History:     {lane: approvals.LaneSlow, handle: membersOnly((*App).history)},
	command.Approve:     {handle: (*App).approve},
	command.Deny:        {lane: approvals.LaneBrake, handle: (*App).deny},
	command.Cancel:      {lane: approvals.LaneBrake, handle: (*App).cancel},
	command.Retry:       {lane: approvals.LaneSlow, handle: (*App).retry},
	command.Start:       {lane: approvals.LaneSlow, handle: (*App).startAgain},
	command.Freeze:      {lane: approvals.LaneBrake, handle: (*App).freeze},
	command.Unfreeze:    {handle: (*App).unfreeze},
}

// buttonRoute is what happens for a click: one of its two functions.
type buttonRoute struct {
	lane approvals.Lane
	// open shows something at once, by the replica that receives the click: it
	// changes nothing, and its trigger lives for three seconds only.
	open func(*App, context.Context, interaction, slack.InteractionCallback)
	// handle acts on the click after it was recorded, on any replica.
	handle handler
}

// buttons is by action id.
var buttons = map[string]buttonRoute{
	actApprove:    {handle: (*App).approve},
	actDeny:       {lane: approvals.LaneBrake, open: (*App).openDenial},
	actCancel:     {lane: approvals.LaneBrake, handle: (*App).cancel},
	actRetry:      {lane: approvals.LaneSlow, handle: (*App).retry},
	actStartAgain: {lane: approvals.LaneSlow, handle: (*App).startAgain},
	actTheyAreOff: {open: (*App).openResolution},
	actTheyRun:    {open: (*App).openResolution},
	actRequest:    {open: (*App).openFormFromHome},
	actShow:       {open: (*App).openServers},
	actPrev:       {open: (*App).turnPage},
	actNext:       {open: (*App).turnPage},
	actResults:    {open: (*App).openResults},

	actResultsPrev: {open: (*App).turnResults},
	actResultsNext: {open: (*App).turnResults},

	howInput:     {open: (*App).redrawForm},
	projectInput: {open: (*App).redrawForm},
}

// formRoute is what happens when a form is submitted: it is read, recorded and
// answered ([sockets.recordForm]), and then acted on.
type formRoute struct {
	kind string // of its envelope
	lane approvals.Lane
	// read makes an interaction of the form; wrong says what is wrong with it,
	// by block. The id is the same if Slack sends the form twice.
	read func(view, submission) (id string, in interaction, wrong map[string]string)
	// answer is the acknowledgement, nil to close the form. fresh is false if it
	// was recorded before; err is why it could not be recorded.
	answer func(in interaction, fresh bool, err error) any
	handle handler
}

// forms is by callback id of the view.
var forms = map[string]formRoute{
	denyForm:    {kind: kindDenial, lane: approvals.LaneBrake, read: readReason, answer: answerReason, handle: (*App).deny},
	resolveForm: {kind: kindResolution, read: readReason, answer: answerReason, handle: (*App).resolve},
	requestForm: {kind: kindPreview, lane: approvals.LaneSlow, read: readRequest, answer: answerRequest, handle: (*App).preview},
	previewForm: {kind: kindDraft, lane: approvals.LaneSlow, read: readDraft, answer: answerDraft, handle: (*App).askDraft},
}

// membersOnly lets members of the workspace have the answer of a handler.
func membersOnly(h handler) handler {
	return func(a *App, ctx context.Context, env approvals.Envelope, in interaction) error {
		if err := a.roles.mayView(ctx, in.User); err != nil {
			return a.answerOutcome(ctx, in, err, "")
		}
		return h(a, ctx, env, in)
	}
}
