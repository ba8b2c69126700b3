package slackapp

import (
	"cmp"
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"unicode/utf8"

	"ecsbot/internal/approvals"

	"github.com/slack-go/slack"
)

// maxAlert is how many characters an alert holds.
const maxAlert = 200

// risks are what somebody should see before they ask for this or decide about it:
// the power cut, and what the list warns of. In classic blocks they are sections.
func risks(r approvals.Request) []slack.Block {
	if r.Action != approvals.Stop {
		return nil
	}
	var alerts []slack.Block
	if r.Mode == approvals.Hard {
		alerts = append(alerts, alert(slack.AlertLevelError, sayHardRisk))
	}
	for _, w := range r.Warnings {
		level := slack.AlertLevelWarning
		if w.Hazard == approvals.BilledOff {
			level = slack.AlertLevelInfo
		}
		alerts = append(alerts, alert(level, sayRisk(w)))
	}
	return alerts
}

// alert is a notice of a level. Slack shows a sign for that, so the text has none.
func alert(level slack.AlertLevel, text string) slack.Block {
	return slack.NewAlertBlock(mrkdwn(leadingSign.ReplaceAllString(text, "")), slack.AlertBlockOptionLevel(level))
}

var leadingSign = regexp.MustCompile(`^:[a-z_]+: `)

// sayRisk is a warning in the room of an alert: as many names as there is room for.
func sayRisk(w approvals.Warning) string {
	for _, longest := range []int{maxAlert, 24, 12} {
		for n := len(w.Names); n > 0; n-- {
			short := approvals.Warning{Hazard: w.Hazard, Count: w.Count}
			for _, hint := range w.By[:min(len(w.By), longest/12)] {
				short.By = append(short.By, clipRunes(withoutControls(hint), max(longest/2, 12)))
			}
			for _, name := range w.Names[:n] {
				short.Names = append(short.Names, clipRunes(withoutControls(name), longest))
			}
			if said := sayWarning(short); utf8.RuneCountInString(said) <= maxAlert {
				return said
			}
		}
	}
	return sayWarning(approvals.Warning{Hazard: w.Hazard, Count: w.Count, Names: []string{sayNothing}})
}

// howInput is the choice between a graceful shutdown and a power off. It has an action
// id of its own, since Slack sends the app each choice at once.
const howInput = "ecs_stop_how"

// withRisk is the form with what a power off means below that choice, if it is made.
func withRisk(form slack.ModalViewRequest, how string) slack.ModalViewRequest {
	blocks := form.Blocks.BlockSet
	at := slices.IndexFunc(blocks, func(b slack.Block) bool { return b.ID() == howBlock })
	if how == string(approvals.Hard) && at >= 0 {
		form.Blocks.BlockSet = slices.Insert(slices.Clone(blocks), at+1, alert(slack.AlertLevelError, sayHardRisk))
	}
	return form
}

// redrawForm draws the form for what was chosen in it: what a power off means, and the
// servers of the project. What was filled in stays, since blocks and elements keep
// their ids.
func (a *App) redrawForm(ctx context.Context, in interaction, cb slack.InteractionCallback) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), openWithin)
	defer cancel()
	var state modalState
	if err := json.Unmarshal([]byte(cb.View.PrivateMetadata), &state); err != nil {
		a.log.ErrorContext(ctx, "a form does not say what it is about", "err", err)
		return
	}
	chosen := map[string]string{}
	if cb.View.State != nil {
		for _, inputs := range cb.View.State.Values {
			for action, input := range inputs {
				chosen[action] = input.SelectedOption.Value
			}
		}
	}
	for _, act := range cb.ActionCallback.BlockActions {
		chosen[act.ActionID] = act.SelectedOption.Value
	}
	state.Project = cmp.Or(chosen[projectInput], state.Project)
	form := withRisk(a.view().form(state), chosen[howInput])
	err := a.openInEitherForm(ctx, form, func(form slack.ModalViewRequest) error {
		_, err := a.api.UpdateViewContext(ctx, form, "", cb.View.Hash, cb.View.ID)
		return err
	})
	if err != nil && !hasSlackCode(err, "hash_conflict") { // two choices came together
		a.log.WarnContext(ctx, "the form could not be drawn for what was chosen in it", "user", in.User, "err", err)
	}
}
