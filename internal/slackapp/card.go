package slackapp

import (
	"strings"
	"time"

	"ecsbot/internal/approvals"

	"github.com/slack-go/slack"
)

// Names of the card's buttons. Their value is the request's id and nothing
// else: what is approved is the frozen list in the store.
const (
	actApprove = "ecs_stop_approve"
	actDeny    = "ecs_stop_deny"
	actCancel  = "ecs_stop_cancel"
)

// card is the request as people see it. It depends on the request and the freeze
// alone: the same ones look the same on every replica, at any time. Its length
// does not depend on the number of servers.
func (v view) card(r approvals.Request, f approvals.Freeze) ([]slack.Block, string) {
	text := fallback(r, v.sayStateIn(r, f))
	blocks := v.decidedCard(r, f)
	if r.State == approvals.Pending {
		blocks = v.pendingCard(r, f)
	}
	return blocks, beside(text, blocks)
}

// pendingCard has what people need to decide; what they should know before they
// click comes before the names.
func (v view) pendingCard(r approvals.Request, f approvals.Freeze) []slack.Block {
	blocks := []slack.Block{header(sayHeadline(r)), section(v.sayWish(r)), section(v.sayPending(r, f))}
	if warnings := sayWarnings(r); warnings != "" {
		blocks = append(blocks, section(warnings))
	}
	blocks = append(blocks, v.serverList(r)...)
	if r.LeftOutCount > 0 {
		blocks = append(blocks, v.skippedList(r))
	}
	return append(blocks, contextBlock(v.saySmall(r)), decideButtons(r, f))
}

// decidedCard is short: what has become of it, and what can still be done.
func (v view) decidedCard(r approvals.Request, f approvals.Freeze) []slack.Block {
	blocks := append(v.state(r, f), contextBlock(v.sayDecidedSmall(r)))
	var buttons []slack.BlockElement
	if r.State == approvals.Approved || r.State == approvals.Executing && r.Cancellation == nil {
		buttons = append(buttons, stopButton(r))
	}
	switch {
	case !r.State.Final():
		buttons = append(buttons, showButton(r))
	case r.Batches > 0: // else nothing was tried, and the list is not kept for long
		buttons = append(buttons, resultsButton(r))
	}
	if len(buttons) > 0 {
		blocks = append(blocks, slack.NewActionBlock("decided", buttons...))
	}
	return blocks
}

// fallback is what a notification shows and a screen reader reads.
func fallback(r approvals.Request, state string) string {
	return clip(sayWishShort(r)+" "+state, maxFallback)
}

func decideButtons(r approvals.Request, f approvals.Freeze) slack.Block {
	return slack.NewActionBlock("decide", approveButton(r, f), denyButton(r), cancelButton(r))
}

func approveButton(r approvals.Request, f approvals.Freeze) *slack.ButtonBlockElement {
	approve := slack.NewButtonBlockElement(actApprove, r.ID, plain(sayApprove)).WithStyle(slack.StylePrimary)
	return approve.WithConfirm(slack.NewConfirmationBlockObject(
		plain(sayConfirmTitle(r)), plain(sayConfirm(r, f)), plain(sayConfirmYes(r)), plain(sayConfirmNo)).WithStyle(slack.StyleDanger))
}

func denyButton(r approvals.Request) *slack.ButtonBlockElement {
	return slack.NewButtonBlockElement(actDeny, r.ID, plain(sayDeny))
}

func cancelButton(r approvals.Request) *slack.ButtonBlockElement {
	return slack.NewButtonBlockElement(actCancel, r.ID, plain(sayCancel))
}

// stopButton cancels a request that is on its way: the rest is not sent.
func stopButton(r approvals.Request) *slack.ButtonBlockElement {
	stop := slack.NewButtonBlockElement(actCancel, r.ID, plain(sayStopSending)).WithStyle(slack.StyleDanger)
	return stop.WithConfirm(slack.NewConfirmationBlockObject(
		plain(sayStopTitle(r)), plain(sayStopText(r)), plain(sayStopSending), plain(sayStopNo)).WithStyle(slack.StyleDanger))
}

// bar draws progress in eight steps.
func bar(done, total int) string {
	const width = 8
	full := 0
	if total > 0 {
		full = done * width / total
	}
	return strings.Repeat(":large_green_square:", full) + strings.Repeat(":white_large_square:", width-full)
}

// eta is how long the cloud's limit alone makes n servers take.
func eta(n, rate int) time.Duration {
	return time.Duration((n-1)/rate) * time.Minute
}
