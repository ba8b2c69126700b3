package slacksim

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// trigger is the right to open one modal, once and for a short time.
type trigger struct {
	user   string
	issued time.Time
	used   bool
	view   string // the view in which it was made, if any
}

func (w *Workspace) newTrigger(user, view string) string {
	w.serial++
	id := fmt.Sprintf("%d.%d.%x", time.Now().UnixMilli(), w.serial, newUUID()[:8])
	w.triggers[id] = &trigger{user: user, issued: time.Now(), view: view}
	return id
}

// place checks who acts where. The lock is held.
func (w *Workspace) place(user, channel string) (*User, *channel, error) {
	u, c := w.users[user], w.channels[channel]
	switch {
	case u == nil:
		return nil, nil, fmt.Errorf("slacksim: no user %q", user)
	case c == nil:
		return nil, nil, fmt.Errorf("slacksim: no channel %q", channel)
	case c.Private && !c.has(user):
		return nil, nil, fmt.Errorf("slacksim: %s is not in the private channel %s", user, channel)
	}
	return u, c, nil
}

// Command types a slash command. It returns when the ack came or Slack gave up. In
// the latter case slackbot sends the user operation_timeout, or dispatch_failed if
// there was no connection at all. An ack's message shows in
// Private or, if it is in_channel, in Messages.
func (w *Workspace) Command(ctx context.Context, user, channel, command, text string) (Answer, error) {
	w.mu.Lock()
	u, c, err := w.place(user, channel)
	if err != nil {
		w.mu.Unlock()
		return Answer{}, err
	}
	typed := strings.TrimSpace(command + " " + text)
	if !w.opt.RawCommands {
		text = w.escape(text)
	}
	name := c.Name
	if c.im != "" {
		name = "directmessage"
	}
	r := w.newResponseURL(&responseURL{user: user, channel: channel})
	payload := map[string]string{
		"token": "sim", "command": command, "text": text,
		"user_id": user, "user_name": u.Name, "channel_id": channel, "channel_name": name,
		"team_id": u.TeamID, "team_domain": w.opt.TeamDomain, "is_enterprise_install": "false",
		"api_app_id": AppID, "response_url": w.base + "/response/" + r.id, "trigger_id": w.newTrigger(user, ""),
	}
	w.mu.Unlock()

	answer, err := w.deliver(ctx, "slash_commands", payload, func(ack json.RawMessage) { w.showAck(r, typed, ack) })
	if !answer.Acked && err == nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		problem := "operation_timeout"
		if answer.Connection == 0 {
			problem = "dispatch_failed"
		}
		w.complain(user, channel, fmt.Sprintf("%s failed with the error %q", command, problem))
	}
	return answer, err
}

// complain lets slackbot send a user what went wrong. The lock is held.
func (w *Workspace) complain(user, channel, text string) {
	w.addPrivate(&Message{Channel: channel, User: "slackbot", EphemeralTo: user, Text: text})
}

// showAck shows the message that came with the ack of a command. The lock is held.
func (w *Workspace) showAck(r *responseURL, typed string, ack json.RawMessage) {
	if len(ack) == 0 {
		return
	}
	a, err := jsonArgs(ack)
	if err == nil && a["response_type"] == "in_channel" {
		w.add(w.channels[r.channel], &Message{User: r.user, Text: typed}, time.Now())
	}
	if err == nil && a["text"] == "" && a["blocks"] == "" && a["attachments"] == "" {
		return
	}
	if err == nil {
		err = w.respond(r, a)
	}
	if err != nil {
		command, _, _ := strings.Cut(typed, " ")
		w.complain(r.user, r.channel, fmt.Sprintf("%s failed with the error %q", command, err.Error()))
	}
}

var (
	mention = regexp.MustCompile(`(^|[\s,;:("'])([@#])([a-zA-Z0-9][a-zA-Z0-9._-]*)`)
	link    = regexp.MustCompile(`https?://[^\s<>]+`)
	host    = regexp.MustCompile(`(^|[\s,;])((?:[a-z0-9-]+\.)+(?:com|net|org|io|de|eu|cn|dev))\b`)
)

// escape turns what a person typed into what should_escape delivers: entities,
// links, and ids for the names of users, groups and channels. The lock is held.
func (w *Workspace) escape(text string) string {
	text = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
	text = link.ReplaceAllString(text, "<$0>")
	if w.opt.AutoLink {
		text = host.ReplaceAllString(text, "$1<http://$2|$2>")
	}
	return mention.ReplaceAllStringFunc(text, func(s string) string {
		m := mention.FindStringSubmatch(s)
		// A full stop or a dash at the end may belong to the sentence: try without it.
		for name := m[3]; name != ""; name = name[:len(name)-1] {
			if id := w.named(m[2], name); id != "" {
				return m[1] + id + m[3][len(name):]
			}
			if !strings.ContainsAny(name[len(name)-1:], "._-") {
				break
			}
		}
		return s
	})
}

// named returns the escaped form of a user's, group's or channel's name.
func (w *Workspace) named(sign, name string) string {
	if sign == "#" {
		for _, c := range w.channels {
			switch {
			case c.Name != name:
			case c.Private:
				return "<#" + c.ID + "|>"
			default:
				return "<#" + c.ID + "|" + c.Name + ">"
			}
		}
		return ""
	}
	for _, u := range w.users {
		if u.Name == name {
			return "<@" + u.ID + ">"
		}
	}
	for _, g := range w.groups {
		if g.Handle == name {
			return "<!subteam^" + g.ID + "|@" + g.Handle + ">"
		}
	}
	return ""
}
