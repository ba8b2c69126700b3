package slackapp

import (
	"context"
	"slices"
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
func (a *App) viewNow(ctx context.Context) view {
	v := a.view
	v.Newer = !a.cfg.ClassicBlocks && !a.refusesNewer(ctx)
	return v
}

// refusesNewer reports whether Slack refused the newer blocks within the last day.
func (a *App) refusesNewer(ctx context.Context) bool {
	now := time.Now()
	a.form.mu.Lock()
	defer a.form.mu.Unlock()
	if now.Before(a.form.classic) {
		return true
	}
	if now.Sub(a.form.asked) < askFormEach {
		return false
	}
	a.form.asked = now
	var why refusedForm
	known, ok, err := a.desk.KnownAnswer(ctx, knownForm, &why)
	if err != nil {
		a.log.WarnContext(ctx, "whether Slack takes the newer blocks is not known; they are tried", "err", err)
		return false
	}
	if ok && known.Age < classicFor {
		a.form.classic = now.Add(classicFor - known.Age)
		return true
	}
	return false
}

// noteRefusal remembers that the workspace refuses the newer blocks, for all replicas.
func (a *App) noteRefusal(ctx context.Context, code string) {
	a.form.mu.Lock()
	a.form.classic = time.Now().Add(classicFor)
	a.form.mu.Unlock()
	a.log.WarnContext(ctx, "Slack refuses the newer blocks; this workspace gets classic ones for a day", "code", code)
	if err := a.desk.KeepAnswer(ctx, knownForm, refusedForm{code}, 0); err != nil {
		a.log.WarnContext(ctx, "that Slack refuses the newer blocks could not be kept for other replicas", "err", err)
	}
}

// inEitherForm sends a message in the form that the workspace takes. If Slack
// refuses the newer blocks, nothing was posted, and the classic ones are sent at once.
func (a *App) inEitherForm(ctx context.Context, draw func(view) ([]slack.Block, string), send func([]slack.Block, string) approvals.Delivery) approvals.Delivery {
	v := a.viewNow(ctx)
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
		a.noteRefusal(ctx, code)
	}
	return d
}

// openInEitherForm opens or updates a view in the form that the workspace takes.
func (a *App) openInEitherForm(ctx context.Context, modal slack.ModalViewRequest, send func(slack.ModalViewRequest) error) error {
	if !hasNewer(modal.Blocks.BlockSet) {
		return send(modal)
	}
	if v := a.viewNow(ctx); !v.Newer {
		return send(classicModal(modal))
	}
	err := send(modal)
	if !hasSlackCode(err, refusedBlocks...) {
		return err
	}
	code := codeOf(err)
	if err = send(classicModal(modal)); !hasSlackCode(err, refusedBlocks...) {
		a.noteRefusal(ctx, code)
	}
	return err
}

// hasNewer reports whether one of the blocks may be refused for its kind.
func hasNewer(blocks []slack.Block) bool {
	return slices.ContainsFunc(blocks, func(b slack.Block) bool { return slices.Contains(newerBlocks, b.BlockType()) })
}

// classicModal shows what the alerts of a modal say in sections.
func classicModal(modal slack.ModalViewRequest) slack.ModalViewRequest {
	blocks := slices.Clone(modal.Blocks.BlockSet)
	for i, b := range blocks {
		if alert, is := b.(*slack.AlertBlock); is {
			sign := ":warning: "
			if alert.Level == slack.AlertLevelInfo {
				sign = ":information_source: "
			}
			blocks[i] = section(sign + alert.Text.Text)
		}
	}
	modal.Blocks = slack.Blocks{BlockSet: blocks}
	return modal
}
