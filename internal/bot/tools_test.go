package bot_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/slacksim"
)

// Buttons of a card.
const (
	approve = "ecs_stop_approve"
	deny    = "ecs_stop_deny"
	cancel  = "ecs_stop_cancel"
)

// in is the same world, seen from a subtest.
func (w *world) in(t *testing.T) *world {
	sub := *w
	sub.t = t
	return &sub
}

// hears returns a function that waits for a private message to user which came
// after this call and holds all the words.
func (w *world) hears(user string) func(words ...string) string {
	before := len(w.slack.Private(user))
	return func(words ...string) string {
		w.t.Helper()
		found := ""
		w.within(15*time.Second, fmt.Sprintf("new private answer to %s with %q", user, words), func() bool {
			for _, m := range w.slack.Private(user)[before:] {
				if text := slacksim.PlainText(m); holds(text, words...) {
					found = text
					return true
				}
			}
			return false
		})
		return found
	}
}

// duty changes who is in the approvers' group, and waits until the bot knows.
func (w *world) duty(users ...string) {
	w.t.Helper()
	a, err := w.slack.ChangeGroup(w.t.Context(), "SDUTY", users...)
	if err != nil || !a.Acked {
		w.t.Fatalf("the change of the group was not acknowledged: %v", err)
	}
}

// forged is a click that Slack's own clients would not make (any more).
func (w *world) forged(user string, m slacksim.Message, action, value string) {
	w.t.Helper()
	if _, err := w.slack.ClickForged(w.t.Context(), user, m.Channel, m.TS, action, value); err != nil {
		w.t.Fatal(err)
	}
}

// cardSays waits until the card holds all the words and returns its text.
func (w *world) cardSays(m slacksim.Message, words ...string) string {
	w.t.Helper()
	text := ""
	w.within(15*time.Second, fmt.Sprintf("card with %q", words), func() bool {
		text = slacksim.PlainText(w.now(m))
		return holds(text, words...)
	})
	return text
}

// decided checks that nothing can be clicked on the card any more.
func (w *world) decided(m slacksim.Message) {
	w.t.Helper()
	if blocks := string(w.now(m).Blocks); strings.Contains(blocks, `"actions"`) || strings.Contains(blocks, `"button"`) {
		w.t.Errorf("a decided card has buttons: %s", blocks)
	}
}

// count tells in how many replies of the card's thread all the words stand.
func (w *world) count(m slacksim.Message, words ...string) int {
	n := 0
	for _, text := range w.replies(m) {
		if holds(text, words...) {
			n++
		}
	}
	return n
}

// stops are the calls that asked the cloud to stop something.
func (w *world) stops() []ecssim.Call {
	return slices.DeleteFunc(w.cloud.Calls(), func(c ecssim.Call) bool { return c.Op != "stop" })
}

// untouched checks that no stop ever named one of the servers.
func (w *world) untouched(ids ...string) {
	w.t.Helper()
	for _, id := range ids {
		if n := w.cloud.StopCount(id); n != 0 {
			w.t.Errorf("server %s was stopped %d times, want never", id, n)
		}
		for _, c := range w.stops() {
			if strings.Contains(c.Body, id) {
				w.t.Errorf("a call named %s: %s", id, c.Body)
			}
		}
	}
}

// stopped checks that exactly one stop named each of the servers, and that each
// is off.
func (w *world) stopped(ids ...string) {
	w.t.Helper()
	for _, id := range ids {
		if n := w.cloud.StopCount(id); n != 1 {
			w.t.Errorf("server %s was stopped %d times, want once", id, n)
		}
		if s := w.status(id); s != "SHUTOFF" {
			w.t.Errorf("server %s is %s, want SHUTOFF", id, s)
		}
	}
}

// keys lists the store's keys that fit the pattern.
func (w *world) keys(pattern string) []string {
	w.t.Helper()
	c := w.redis.Client()
	defer c.Close()
	keys, err := c.Keys(w.t.Context(), pattern).Result()
	if err != nil {
		w.t.Fatal(err)
	}
	return keys
}

// quiet waits until nothing is owed to the thread of a request any more.
func (w *world) quiet(id string) {
	w.t.Helper()
	w.within(15*time.Second, "thread to which nothing is owed", func() bool { return len(w.keys("{p:*}:o:"+id)) == 0 })
}

// server is a running server for [ecssim.Cloud.Add].
func server(n int, name string, tags ...string) ecssim.Server {
	return ecssim.Server{ID: uuid(n), Name: name, Address: fmt.Sprintf("10.9.%d.%d", n/250, n%250+1), Tags: tags}
}

func uuid(n int) string { return fmt.Sprintf("%08x-aaaa-4bbb-8ccc-%012x", n, n) }

// everything is all messages that the bot ever wrote and that still stand.
func (w *world) everything() []slacksim.Message {
	var all []slacksim.Message
	for _, c := range w.slack.Channels() {
		for _, m := range w.slack.Messages(c.ID) {
			all = append(all, m)
			for _, r := range w.slack.Thread(c.ID, m.TS) {
				if r.TS != m.TS {
					all = append(all, r)
				}
			}
		}
	}
	for _, u := range w.slack.Users() {
		all = append(all, w.slack.Private(u.ID)...)
	}
	return slices.DeleteFunc(all, func(m slacksim.Message) bool { return m.User != slacksim.BotUserID })
}

// wellFormed holds for every world at its end: whatever the bot has posted
// keeps Slack's limits, was taken with its blocks, and pings nobody but people
// of the workspace and the approvers' group.
func (w *world) wellFormed() {
	w.t.Helper()
	for _, call := range w.slack.Calls("") {
		switch call.Error() {
		case "invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "invalid_arguments", "no_text":
			if call.Fault == "" {
				w.t.Errorf("Slack refused %s: %s", call.Method, call.Answer)
			}
		}
	}
	for _, m := range w.everything() {
		if len(m.Blocks) > 0 {
			if err := slacksim.CheckBlocks(slacksim.OnMessage, m.Blocks); err != nil {
				w.t.Errorf("blocks break Slack's limits: %v\n%s", err, m.Blocks)
			}
			if n := slacksim.BlockText(m.Blocks); n > 12000 {
				w.t.Errorf("blocks hold %d characters of text", n)
			}
		}
		if n := len([]rune(m.Text)); n > 4000 {
			w.t.Errorf("a text has %d characters", n)
		}
		for _, s := range append(texts(w.t, m.Blocks), m.Text) {
			if p := w.pings(s); len(p) > 0 {
				w.t.Errorf("%q pings: %q", p, s)
			}
		}
	}
}

// texts are all strings in some JSON.
func texts(t *testing.T, raw json.RawMessage) []string {
	if len(raw) == 0 {
		return nil
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	var all []string
	var walk func(any)
	walk = func(v any) {
		switch x := v.(type) {
		case string:
			all = append(all, x)
		case []any:
			for _, y := range x {
				walk(y)
			}
		case map[string]any:
			for _, y := range x {
				walk(y)
			}
		}
	}
	walk(v)
	return all
}

var tagged = regexp.MustCompile(`<[!@][^>]*>?`)

// pings are the mentions in a text that nobody meant.
func (w *world) pings(text string) []string {
	return slices.DeleteFunc(tagged.FindAllString(text, -1), func(s string) bool {
		if strings.HasPrefix(s, "<!date^") || s == "<!subteam^SDUTY>" {
			return true
		}
		return slices.ContainsFunc(w.slack.Users(), func(u slacksim.User) bool { return s == "<@"+u.ID+">" })
	})
}
