package simworld

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"ecsbot/internal/slacksim"
)

// T reports what is wrong: a *testing.T, or the player of a script.
type T interface {
	Helper()
	Context() context.Context
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any) // does not return
}

// People type, click and read in a world. What they wait for in vain ends the
// test or the script.
type People struct {
	*World
	T        T
	Ops      string        // the channel in which the cards are
	Group    string        // the approvers' user group, which may be pinged; may be empty
	Groups   []string      // groups of rules, which may be pinged, too
	Patience time.Duration // bounds each wait of theirs
	Pause    func()        // if set, called when something new is there to be read
}

// In is the same people, in another test.
func (p *People) In(t T) *People {
	other := *p
	other.T = t
	return &other
}

// Within waits until ok holds.
func (p *People) Within(d time.Duration, what string, ok func() bool) {
	p.T.Helper()
	ctx, cancel := context.WithTimeout(p.T.Context(), d)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			p.T.Fatalf("after %v there is no %s: %v\n%s", d, what, context.Cause(ctx), p.Transcript())
		case <-tick.C:
		}
	}
}

// appears waits until ok holds, and lets people read what is new.
func (p *People) appears(what string, ok func() bool) {
	p.T.Helper()
	p.Within(p.Patience, what, ok)
	if p.Pause != nil {
		p.Pause()
	}
}

// Command types after /ecs-stop and returns the text of the acknowledgement.
func (p *People) Command(user, text string) string {
	p.T.Helper()
	a, err := p.Slack.Command(p.T.Context(), user, p.Ops, "/ecs-stop", text)
	if err != nil {
		p.T.Fatalf("%s typed /ecs-stop %s: %v", user, text, err)
	}
	if !a.Acked {
		p.T.Fatalf("/ecs-stop %s was not acknowledged", text)
	}
	var m struct{ Text string }
	if len(a.Payload) > 0 {
		json.Unmarshal(a.Payload, &m)
	}
	return m.Text
}

// Click clicks a button of a message.
func (p *People) Click(user string, m slacksim.Message, action string) {
	p.T.Helper()
	if _, err := p.Slack.Click(p.T.Context(), user, m.Channel, m.TS, action); err != nil {
		p.T.Fatalf("%s clicked %s: %v", user, action, err)
	}
}

// Private waits for a private answer to user that holds all the words.
func (p *People) Private(user string, words ...string) string {
	p.T.Helper()
	return p.heard(user, 0, words)
}

// Hears returns a function that waits for a private answer to user which came
// after this call and holds all the words.
func (p *People) Hears(user string) func(words ...string) string {
	before := len(p.Slack.Private(user))
	return func(words ...string) string {
		p.T.Helper()
		return p.heard(user, before, words)
	}
}

// heard waits for a private answer that is not one of the first so many.
func (p *People) heard(user string, before int, words []string) (text string) {
	p.T.Helper()
	p.appears(fmt.Sprintf("private answer to %s with %q", user, words), func() bool {
		for _, m := range p.Slack.Private(user)[before:] {
			if text = slacksim.PlainText(m); Holds(text, words...) {
				return true
			}
		}
		return false
	})
	return text
}

// Transcript is everything that can be read in the channel and in private.
func (p *People) Transcript() string {
	var b strings.Builder
	for _, m := range p.Slack.Messages(p.Ops) {
		fmt.Fprintf(&b, "CARD %s\n", slacksim.PlainText(m))
		for _, text := range p.Replies(m) {
			fmt.Fprintf(&b, "  REPLY %s\n", text)
		}
	}
	for _, u := range p.Slack.Users() {
		for _, m := range p.Slack.Private(u.ID) {
			fmt.Fprintf(&b, "PRIVATE to %s: %s\n", u.ID, slacksim.PlainText(m))
		}
	}
	return b.String()
}

// Holds reports whether all the words are in a text.
func Holds(text string, words ...string) bool {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}
