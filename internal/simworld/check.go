package simworld

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"ecsbot/internal/slacksim"
)

// Check holds for every world at its end: whatever the bot has posted keeps
// Slack's limits, was taken with its blocks, and pings nobody but people of the
// workspace and groups of approvers.
func (p *People) Check() {
	p.T.Helper()
	for _, call := range p.Slack.Calls("") {
		switch call.Error() {
		case "invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "invalid_arguments", "no_text":
			if call.Fault == "" && !strings.Contains(string(call.Answer), slacksim.NewerRefused) {
				p.T.Errorf("Slack refused %s: %s", call.Method, call.Answer)
			}
		}
	}
	for _, m := range p.Everything() {
		if len(m.Blocks) > 0 {
			if err := slacksim.CheckBlocks(slacksim.OnMessage, m.Blocks); err != nil {
				p.T.Errorf("blocks break Slack's limits: %v\n%s", err, m.Blocks)
			}
			if n := slacksim.BlockText(m.Blocks); n > 12000 {
				p.T.Errorf("blocks hold %d characters of text", n)
			}
		}
		if n := len([]rune(m.Text)); n > 4000 {
			p.T.Errorf("a text has %d characters", n)
		}
		p.checkPings(append(p.Texts(m.Blocks), m.Text))
	}
}

// Everything is all messages of the bot that are still there.
func (p *People) Everything() []slacksim.Message {
	var all []slacksim.Message
	for _, c := range p.Slack.Channels() {
		for _, m := range p.Slack.Messages(c.ID) {
			all = append(append(all, m), p.thread(m)...)
		}
	}
	for _, u := range p.Slack.Users() {
		all = append(all, p.Slack.Private(u.ID)...)
	}
	return slices.DeleteFunc(all, func(m slacksim.Message) bool { return m.User != slacksim.BotUserID })
}

// checkView holds a modal or a Home to Slack's limits.
func (p *People) checkView(raw json.RawMessage) {
	p.T.Helper()
	if err := slacksim.CheckView(raw); err != nil {
		p.T.Errorf("the view breaks Slack's limits: %v\n%s", err, raw)
	}
	p.checkPings(p.Texts(raw))
}

func (p *People) checkPings(texts []string) {
	p.T.Helper()
	for _, s := range texts {
		if pings := p.pings(s); len(pings) > 0 {
			p.T.Errorf("%q pings: %q", pings, s)
		}
	}
}

var tagged = regexp.MustCompile(`<[!@][^>]*>?`)

// pings are the mentions in a text that nobody meant.
func (p *People) pings(text string) []string {
	return slices.DeleteFunc(tagged.FindAllString(text, -1), func(s string) bool {
		if strings.HasPrefix(s, "<!date^") {
			return true
		}
		if group, isGroup := strings.CutPrefix(s, "<!subteam^"); isGroup {
			group = strings.TrimSuffix(group, ">")
			return group == p.Group || slices.Contains(p.Groups, group)
		}
		return slices.ContainsFunc(p.Slack.Users(), func(u slacksim.User) bool { return s == "<@"+u.ID+">" })
	})
}

// Texts are all strings in some JSON.
func (p *People) Texts(raw json.RawMessage) []string {
	if len(raw) == 0 {
		return nil
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		p.T.Fatalf("%v in %s", err, raw)
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
