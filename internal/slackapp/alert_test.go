package slackapp

import (
	"strings"
	"testing"
	"unicode/utf8"

	"ecsbot/internal/approvals"
	"ecsbot/internal/slacksim"

	"github.com/slack-go/slack"
)

// bothModals compares both forms of a modal with their golden files.
func bothModals(t *testing.T, name string, modal slack.ModalViewRequest) {
	t.Helper()
	if !hasNewer(modal.Blocks.BlockSet) {
		t.Errorf("%s has no newer blocks", name)
	}
	goldenModal(t, "newer/"+name, modal)
	goldenModal(t, name, classicModal(modal))
}

// A dialog warns of the power cut and of everything that the list warns of, in both
// forms; who denies sees the same as who asks.
func TestDialogsWarnOfTheRisks(t *testing.T) {
	hard := crowd(t, 3, approvals.Hard)
	hard.f.Servers[0].Name = "prod-db-1"
	r := hard.pending()
	deny := denyModal(r, `{"request":"S-22222","channel":"COPS"}`)
	bothModals(t, "deny_risks", deny)
	bothModals(t, "preview_risks", previewOf(r, "{}"))
	for _, modal := range []slack.ModalViewRequest{deny, classicModal(deny), previewOf(r, "{}")} {
		text := slacksim.BlocksText([]byte(asJSON(t, modal.Blocks)))
		for _, want := range []string{"Power off:", "looks like production", "may be in Auto Scaling", "still billed while stopped", "prod-db-1"} {
			if !strings.Contains(text, want) {
				t.Errorf("a dialog does not say %q:\n%s", want, text)
			}
		}
	}
	soft := newScene(t, 3)
	if hasNewer(previewOf(soft.pending(), "{}").Blocks.BlockSet) {
		t.Error("without a risk there is an alert")
	}
	hard.new, hard.f.Action, hard.ask.Mode, hard.ask.FollowUpOf = nil, approvals.Start, "", "S-33333"
	if len(risks(hard.pending())) > 0 {
		t.Error("a start warns of stopping")
	}
}

func TestAlertsAreShortEnough(t *testing.T) {
	for _, h := range []approvals.Hazard{approvals.LooksLive, approvals.MayBeScaled, approvals.BilledOff} {
		for i := range 7 {
			w := approvals.Warning{Hazard: h, Count: 10_000, Names: []string{longName(i), longName(i + 7), longName(i + 14)}}
			said := sayRisk(w)
			if n := utf8.RuneCountInString(said); n > maxAlert {
				t.Errorf("%s: %d characters: %s", h, n, said)
			}
			if strings.Count(said, "`")%2 != 0 || !strings.HasSuffix(said, " more") {
				t.Errorf("%s: %s", h, said)
			}
		}
	}
	// Short names are all there.
	if said := sayRisk(approvals.Warning{Hazard: approvals.LooksLive, Count: 3, Names: []string{"a", "b", "c"}}); !strings.HasSuffix(said, ": a, b, c") {
		t.Errorf("it says %q", said)
	}
}
