package slackapp

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"ecsbot/internal/approvals"

	"github.com/slack-go/slack"
)

// What people see has two forms. The newer one uses Slack's blocks of 2026: a table
// for the outcome, a plan for progress, containers that fold, alerts in dialogs. The
// classic one uses sections alone. Which one is drawn is up to view.Newer; buttons
// that decide are actions blocks in both, so a workspace that cannot draw the newer
// blocks can still decide.

// newerBlocks are the blocks that a workspace or a client may not know.
var newerBlocks = []slack.MessageBlockType{slack.MBTDataTable, slack.MBTPlan, slack.MBTContainer, slack.MBTAlert}

// refusedBlocks are Slack's codes for blocks that it does not take: of a message the
// first two, of a view the third.
var refusedBlocks = []string{"invalid_blocks", "invalid_blocks_format", "invalid_arguments"}

// classicFor is how long a workspace that refused the newer blocks gets classic ones.
const classicFor = 24 * time.Hour

// askFormEach is how often a replica looks whether another one was refused.
const askFormEach = time.Minute

// knownForm is the id under which all replicas keep that the newer blocks were
// refused. Ids of people and groups begin with a capital letter.
const knownForm = "blocks"

// blockForm remembers that the workspace refuses the newer blocks.
type blockForm struct {
	mu      sync.Mutex
	classic time.Time // until then; guarded by mu
	asked   time.Time // when the desk was asked last; guarded by mu
}

// refusedForm is what is kept of a refusal.
type refusedForm struct {
	Code string `json:"code"`
}

// viewNow is the view in the form that the workspace takes.
func (cl *client) viewNow(ctx context.Context) view {
	v := cl.view()
	v.Newer = !cl.cfg.ClassicBlocks && !cl.refusesNewer(ctx)
	return v
}

// refusesNewer reports whether Slack refused the newer blocks within the last day.
func (cl *client) refusesNewer(ctx context.Context) bool {
	now := time.Now()
	cl.form.mu.Lock()
	defer cl.form.mu.Unlock()
	if now.Before(cl.form.classic) {
		return true
	}
	if now.Sub(cl.form.asked) < askFormEach {
		return false
	}
	cl.form.asked = now
	var why refusedForm
	known, ok, err := cl.desk.KnownAnswer(ctx, knownForm, &why)
	if err != nil {
		cl.log.WarnContext(ctx, "whether Slack takes the newer blocks is not known; they are tried", "err", err)
		return false
	}
	if ok && known.Age < classicFor {
		cl.form.classic = now.Add(classicFor - known.Age)
		return true
	}
	return false
}

// noteRefusal remembers that the workspace refuses the newer blocks, for all replicas.
func (cl *client) noteRefusal(ctx context.Context, code string) {
	cl.form.mu.Lock()
	cl.form.classic = time.Now().Add(classicFor)
	cl.form.mu.Unlock()
	cl.log.WarnContext(ctx, "Slack refuses the newer blocks; this workspace gets classic ones for a day", "code", code)
	if err := cl.desk.KeepAnswer(ctx, knownForm, refusedForm{code}, 0); err != nil {
		cl.log.WarnContext(ctx, "that Slack refuses the newer blocks could not be kept for other replicas", "err", err)
	}
}

// inEitherForm sends a message in the form that the workspace takes. If Slack
// refuses the newer blocks, nothing was posted, and the classic ones are sent at once.
func (cl *client) inEitherForm(ctx context.Context, draw func(view) ([]slack.Block, string), send func([]slack.Block, string) approvals.Delivery) approvals.Delivery {
	v := cl.viewNow(ctx)
	blocks, text := draw(v)
	d := send(blocks, text)
	if !hasNewer(blocks) || !hasSlackCode(d.Err, append(refusedBlocks, "msg_blocks_too_long")...) {
		return d
	}
	code := d.Code
	v.Newer = false
	d = send(draw(v))
	// A message that is refused in both forms, or is only too long, says nothing of
	// what the workspace takes.
	if slices.Contains(refusedBlocks, code) && !hasSlackCode(d.Err, refusedBlocks...) {
		cl.noteRefusal(ctx, code)
	}
	return d
}

// openInEitherForm opens or updates a view in the form that the workspace takes.
func (cl *client) openInEitherForm(ctx context.Context, modal slack.ModalViewRequest, send func(slack.ModalViewRequest) error) error {
	if !hasNewer(modal.Blocks.BlockSet) {
		return send(modal)
	}
	if v := cl.viewNow(ctx); !v.Newer {
		return send(classicModal(modal))
	}
	err := send(modal)
	if !hasSlackCode(err, refusedBlocks...) {
		return err
	}
	code := codeOf(err)
	if err = send(classicModal(modal)); !hasSlackCode(err, refusedBlocks...) {
		cl.noteRefusal(ctx, code)
	}
	return err
}

// hasNewer reports whether one of the blocks may be refused for its kind.
func hasNewer(blocks []slack.Block) bool {
	return slices.ContainsFunc(blocks, func(b slack.Block) bool { return slices.Contains(newerBlocks, b.BlockType()) })
}

// classicModal shows what the alerts of a modal say in a section.
func classicModal(modal slack.ModalViewRequest) slack.ModalViewRequest {
	var blocks []slack.Block
	var warnings []string // next to each other: one section, as on the card
	flush := func() {
		if len(warnings) > 0 {
			blocks = append(blocks, section(strings.Join(warnings, "\n")))
		}
		warnings = nil
	}
	for _, b := range modal.Blocks.BlockSet {
		if alert, is := b.(*slack.AlertBlock); is {
			warnings = append(warnings, ":warning: "+alert.Text.Text)
			continue
		}
		flush()
		blocks = append(blocks, b)
	}
	flush()
	modal.Blocks = slack.Blocks{BlockSet: blocks}
	return modal
}
