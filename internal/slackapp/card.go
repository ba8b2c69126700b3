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
// alone: the same ones look the same on every replica, at any time.
func (v view) card(r approvals.Request, f approvals.Freeze) ([]slack.Block, string) {
	state := v.sayStateIn(r, f)
	blocks := []slack.Block{section(sayWish(r)), section(state)}
	sent := r.Batches > 0 && r.State != approvals.Cancelled // of a cancelled one nothing was
	if r.State == approvals.Executing || r.State.Final() && sent {
		blocks = append(blocks, v.progress(r, f))
	}
	blocks = append(blocks, v.serverList(r))
	if r.LeftOutCount > 0 {
		blocks = append(blocks, v.leftOutList(r))
	}
	if longerThanCard(r) {
		blocks = append(blocks, showButton(r))
	}
	if warnings := sayWarnings(r); warnings != "" {
		blocks = append(blocks, section(warnings))
	}
	blocks = append(blocks, contextBlock(v.saySmall(r)))
	if r.State == approvals.Pending {
		blocks = append(blocks, decideButtons(r, f))
	}
	return blocks, beside(fallback(r, state), blocks)
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

// bar draws progress in twenty steps.
func bar(done, total int) string {
	const width = 20
	full := 0
	if total > 0 {
		full = done * width / total
	}
	return strings.Repeat("█", full) + strings.Repeat("░", width-full)
}

// eta is how long the cloud's limit alone makes n servers take.
func eta(n, rate int) time.Duration {
	return time.Duration((n-1)/rate) * time.Minute
}

// nameLine is one server by name and id.
func nameLine(s approvals.Server) string { return "• " + bold(s.Name) + " " + code(s.ID) }

// serverLine is one server with what was seen of it.
func serverLine(s approvals.Server) string {
	line := nameLine(s) + " " + escape(s.Status)
	if s.Task != "" {
		line += " (" + escape(s.Task) + ")"
	}
	if s.Address != "" {
		line += " " + escape(s.Address)
	}
	return line
}
