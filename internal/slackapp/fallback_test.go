package slackapp

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"ecsbot/internal/approvals"

	"github.com/slack-go/slack"
)

// notes is a desk that keeps what Slack said, and does nothing else.
type notes struct {
	Desk
	at    time.Time
	body  []byte
	asked int
}

func (notes) Projects() approvals.Projects { return nil }

func (n *notes) KnownAnswer(_ context.Context, id string, body any) (approvals.Known, bool, error) {
	n.asked++
	if n.at.IsZero() || id != knownForm {
		return approvals.Known{}, false, nil
	}
	return approvals.Known{Age: time.Since(n.at)}, true, json.Unmarshal(n.body, body)
}

func (n *notes) KeepAnswer(_ context.Context, _ string, body any, _ time.Duration) (err error) {
	n.at = time.Now()
	n.body, err = json.Marshal(body)
	return err
}

func replica(t *testing.T, desk Desk) *client {
	return &client{desk: desk, log: slog.New(slog.NewTextHandler(t.Output(), nil))}
}

func TestARefusalOfTheNewerBlocksIsForgottenAfterADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		desk := &notes{}
		one, other := replica(t, desk), replica(t, desk)
		newer := func(a *client) bool { return a.viewNow(t.Context()).Newer }
		if !newer(one) || !newer(other) {
			t.Fatal("the newer blocks are not tried")
		}
		one.noteRefusal(t.Context(), "invalid_blocks")
		if newer(one) {
			t.Error("the refusal is forgotten at once")
		}
		time.Sleep(askFormEach + time.Second)
		if newer(other) {
			t.Error("another replica does not learn of the refusal")
		}
		time.Sleep(classicFor - 2*askFormEach)
		if newer(one) || newer(other) || newer(replica(t, desk)) {
			t.Error("the refusal is forgotten before a day has passed")
		}
		time.Sleep(3 * askFormEach)
		if !newer(one) || !newer(other) {
			t.Error("the refusal is not forgotten after a day")
		}
		before := desk.asked
		for range 100 {
			newer(one)
		}
		if n := desk.asked - before; n > 0 {
			t.Errorf("the store is asked %d times within a minute", n)
		}
		one.cfg.ClassicBlocks = true
		if newer(one) {
			t.Error("SLACK_BLOCKS=classic has no effect")
		}
	})
}

// What is sent depends on what Slack says of each form. Only a refusal of the newer
// blocks alone is remembered.
func TestWhatSlackRefusesIsSentInClassicBlocks(t *testing.T) {
	draw := func(v view) ([]slack.Block, string) {
		if v.Newer {
			return []slack.Block{slack.NewPlanBlock("p")}, "text"
		}
		return []slack.Block{section("p")}, "text"
	}
	for _, c := range []struct {
		newer, classic string // Slack's answers
		sent           int
		remembered     bool
	}{
		{"", "", 1, false},
		{"invalid_blocks", "", 2, true},
		{"invalid_blocks_format", "", 2, true},
		{"invalid_blocks", "invalid_blocks", 2, false},
		{"msg_blocks_too_long", "", 2, false},
		{"channel_not_found", "", 1, false},
		{"internal_error", "", 1, false}, // it may be there
	} {
		desk := &notes{}
		a := replica(t, desk)
		sent := 0
		d := a.inEitherForm(t.Context(), draw, func(blocks []slack.Block, text string) approvals.Delivery {
			sent++
			code := c.classic
			if hasNewer(blocks) {
				code = c.newer
			}
			if code == "" {
				return approvals.Delivery{Status: approvals.Posted}
			}
			return fateOf(fmt.Errorf("chat.postMessage: %w", slack.SlackErrorResponse{Err: code}))
		})
		last := c.newer
		if c.sent == 2 {
			last = c.classic
		}
		if sent != c.sent || d.Code != last || !desk.at.IsZero() != c.remembered {
			t.Errorf("%q, then %q: sent %d times, the last answer is %q, remembered: %v", c.newer, c.classic, sent, d.Code, !desk.at.IsZero())
		}
	}
}

// A view whose alerts are refused is shown with sections.
func TestAModalIsOpenedInClassicBlocks(t *testing.T) {
	desk := &notes{}
	a := replica(t, desk)
	modal := slack.ModalViewRequest{Blocks: slack.Blocks{BlockSet: []slack.Block{slack.NewAlertBlock(plain("power")), section("x")}}}
	var shown []string
	open := func() error {
		return a.openInEitherForm(t.Context(), modal, func(m slack.ModalViewRequest) error {
			shown = append(shown, asJSON(t, m.Blocks))
			if hasNewer(m.Blocks.BlockSet) {
				return slack.SlackErrorResponse{Err: "invalid_arguments"}
			}
			return nil
		})
	}
	if err := open(); err != nil || len(shown) != 2 {
		t.Fatalf("%v, shown %q", err, shown)
	}
	if err := open(); err != nil || len(shown) != 3 || desk.at.IsZero() {
		t.Errorf("it is not remembered: %v, shown %q", err, shown)
	}
	if want := asJSON(t, slack.Blocks{BlockSet: []slack.Block{section(":warning: power"), section("x")}}); shown[2] != want {
		t.Errorf("it shows %s, want %s", shown[2], want)
	}
	if !hasNewer(modal.Blocks.BlockSet) {
		t.Error("the modal itself was changed")
	}
}
