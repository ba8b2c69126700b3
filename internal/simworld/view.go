package simworld

import (
	"encoding/json"
	"fmt"
	"strings"

	"ecsbot/internal/slacksim"
)

// View waits until the modal that user has on top holds all the words, and checks
// it against Slack's limits.
func (p *People) View(user string, words ...string) slacksim.View {
	p.T.Helper()
	var v slacksim.View
	p.appears(fmt.Sprintf("view of %s with %q", user, words), func() bool {
		var open bool
		v, open = p.Slack.View(user)
		return open && Holds(slacksim.ViewText(v), words...)
	})
	p.checkView(v.Raw)
	return v
}

// Fields fills in a form; pairs are of a block and a text.
func Fields(pairs ...string) map[string]map[string]any {
	v := map[string]map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v[pairs[i]] = map[string]any{"text": pairs[i+1]}
	}
	return v
}

// Submit submits the modal that user has on top.
func (p *People) Submit(user string, values map[string]map[string]any) slacksim.Answer {
	p.T.Helper()
	a, err := p.Slack.Submit(p.T.Context(), user, "", values)
	if err != nil {
		p.T.Fatalf("%s submitted a form: %v", user, err)
	}
	if !a.Acked {
		p.T.Fatalf("the form was not acknowledged")
	}
	return a
}

// PickBlock is the id of the block with the form's search for servers. It names the
// project if there are several.
func (p *People) PickBlock(user string) string {
	p.T.Helper()
	v, _ := p.Slack.View(user)
	var form struct {
		Blocks []struct {
			ID string `json:"block_id"`
		}
	}
	if err := json.Unmarshal(v.Raw, &form); err != nil {
		p.T.Fatalf("the form of %s: %v", user, err)
	}
	for _, b := range form.Blocks {
		if b.ID == "pick" || strings.HasPrefix(b.ID, "pick:") {
			return b.ID
		}
	}
	p.T.Fatalf("the view of %s has no search for servers", user)
	return ""
}

// Suggest types into the form's search for servers.
func (p *People) Suggest(user, text string) []slacksim.Option {
	p.T.Helper()
	found, err := p.Slack.Suggest(p.T.Context(), user, "", p.PickBlock(user), "ecs_stop_pick", text)
	if err != nil {
		p.T.Fatalf("%s searched for %q: %v", user, text, err)
	}
	return found
}

// OpenHome opens the person's Home and waits until it holds all the words.
func (p *People) OpenHome(user string, words ...string) string {
	p.T.Helper()
	a, err := p.Slack.OpenHome(p.T.Context(), user)
	if err != nil || !a.Acked {
		p.T.Fatalf("the opened Home was not acknowledged: %v", err)
	}
	return p.HomeSays(user, words...)
}

// HomeSays waits until the person's Home holds all the words, and checks it
// against Slack's limits.
func (p *People) HomeSays(user string, words ...string) string {
	p.T.Helper()
	text := ""
	p.appears(fmt.Sprintf("Home of %s with %q; it was\n%s", user, words, p.HomeText(user)), func() bool {
		text = p.HomeText(user)
		return Holds(text, words...)
	})
	raw, _ := p.Slack.Home(user)
	p.checkView(raw)
	return text
}

// HomeText is what the person's Home shows.
func (p *People) HomeText(user string) string {
	v, ok := p.Slack.HomeView(user)
	if !ok {
		return ""
	}
	return slacksim.ViewText(v)
}

// ClickHome clicks a button of the person's Home. The request tells buttons apart
// that do the same; it may be empty.
func (p *People) ClickHome(user, action, request string) {
	p.T.Helper()
	v, _ := p.Slack.HomeView(user)
	a, err := p.Slack.ClickInView(p.T.Context(), user, v.ID, action, request)
	if err != nil || !a.Acked {
		p.T.Fatalf("a click in the Home failed: %v", err)
	}
}
