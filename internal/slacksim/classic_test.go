package slacksim_test

import (
	"strings"
	"testing"

	"github.com/slack-go/slack"

	"ecsbot/internal/slacksim"
)

// A workspace without the blocks of 2026 refuses each of them everywhere, and
// nothing else; with them again it takes them.
func TestAWorkspaceMayRefuseTheNewerBlocks(t *testing.T) {
	r := newRig(t, slacksim.Options{PostGap: -1})
	ts := r.post(t, slack.MsgOptionText("root", false))
	plan := slack.MsgOptionBlocks(slack.NewPlanBlock("p"))
	alert := slack.ModalViewRequest{Type: slack.VTModal, Title: slack.NewTextBlockObject("plain_text", "t", false, false),
		Blocks: slack.Blocks{BlockSet: []slack.Block{slack.NewAlertBlock(slack.NewTextBlockObject("plain_text", "a", false, false))}}}
	home := slack.PublishViewContextRequest{UserID: "UANN", View: slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: []slack.Block{
		slack.NewCarouselBlock()}}}}
	tries := map[string]func() error{
		"invalid_blocks post":      func() error { _, _, err := r.api.PostMessageContext(t.Context(), "COPS", plan); return err },
		"invalid_blocks ephemeral": func() error { _, err := r.api.PostEphemeralContext(t.Context(), "COPS", "UANN", plan); return err },
		"invalid_blocks update":    func() error { _, _, _, err := r.api.UpdateMessageContext(t.Context(), "COPS", ts, plan); return err },
		"invalid_arguments modal":  func() error { _, err := r.api.OpenViewContext(t.Context(), "none", alert); return err },
		"invalid_arguments home":   func() error { _, err := r.api.PublishViewContext(t.Context(), home); return err },
	}
	r.RefuseNewerBlocks(true)
	for what, try := range tries {
		code, _, _ := strings.Cut(what, " ")
		if err := try(); err == nil || err.Error() != code {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, c := range r.Calls("chat.update") {
		if !strings.Contains(string(c.Answer), slacksim.NewerRefused) {
			t.Errorf("the answer does not say why: %s", c.Answer)
		}
	}
	r.post(t, slack.MsgOptionText("x", false), slack.MsgOptionBlocks(button("go", "1", "Go")))

	r.RefuseNewerBlocks(false)
	for what, try := range tries {
		if err := try(); strings.Contains(what, "invalid_blocks") && err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}
