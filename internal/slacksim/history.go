package slacksim

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
)

// messageObject is a message as the Web API shows it.
func (w *Workspace) messageObject(m *Message, allMetadata bool) object {
	o := object{"type": "message", "user": m.User, "ts": m.TS, "text": m.Text, "team": w.opt.TeamID}
	if m.BotID != "" {
		o["bot_id"], o["app_id"] = m.BotID, AppID
		o["bot_profile"] = object{"id": BotID, "app_id": AppID, "name": w.opt.BotName, "team_id": w.opt.TeamID, "deleted": false}
	}
	if m.Blocks != nil {
		o["blocks"] = m.Blocks
	}
	if m.Attachments != nil {
		o["attachments"] = m.Attachments
	}
	if m.Edited > 0 && m.Blocks == nil {
		o["edited"] = object{"user": m.User, "ts": m.TS}
	}
	if m.Broadcast {
		o["subtype"] = "thread_broadcast"
	}
	if m.Metadata != nil {
		o["metadata"] = m.Metadata
		if !allMetadata {
			var short struct {
				EventType string `json:"event_type"`
			}
			json.Unmarshal(m.Metadata, &short)
			o["metadata"] = short
		}
	}
	if len(m.Reactions) > 0 {
		list := []object{}
		for _, name := range m.Reactions {
			list = append(list, object{"name": name, "count": 1, "users": []string{BotUserID}})
		}
		o["reactions"] = list
	}
	if len(m.Files) > 0 {
		list := []object{}
		for _, id := range m.Files {
			list = append(list, w.fileObject(w.uploads[id]))
		}
		o["files"], o["upload"] = list, false
	}
	switch {
	case m.ThreadTS != "":
		o["thread_ts"] = m.ThreadTS
		if c := w.channels[m.Channel]; c != nil {
			if parent := c.message(m.ThreadTS); parent != nil {
				o["parent_user_id"] = parent.User
			}
		}
	case m.ReplyCount > 0:
		o["thread_ts"], o["reply_count"] = m.TS, m.ReplyCount
		users := []string{}
		for _, r := range w.channels[m.Channel].messages {
			if r.ThreadTS == m.TS && !r.Deleted {
				o["latest_reply"] = r.TS
				if !slices.Contains(users, r.User) {
					users = append(users, r.User)
				}
			}
		}
		o["reply_users"], o["reply_users_count"] = users, len(users)
	}
	return o
}

// span is the part of time that a history call asks for.
type span struct {
	oldest, latest int64 // µs; latest 0: now
	inclusive      bool
}

var tsPattern = regexp.MustCompile(`^(\d{1,12})(?:\.(\d{1,6}))?$`)

// parseTS returns a ts in µs.
func parseTS(ts string) (int64, bool) {
	parts := tsPattern.FindStringSubmatch(ts)
	if parts == nil {
		return 0, false
	}
	seconds, _ := strconv.ParseInt(parts[1], 10, 64)
	micro, _ := strconv.ParseInt((parts[2] + "000000")[:6], 10, 64)
	return seconds*1e6 + micro, true
}

func readSpan(a args) (span, error) {
	s := span{inclusive: a.on("inclusive")}
	var ok bool
	if a["oldest"] != "" {
		if s.oldest, ok = parseTS(a["oldest"]); !ok {
			return s, apiError("invalid_ts_oldest")
		}
	}
	if a["latest"] != "" && a["latest"] != "now" {
		if s.latest, ok = parseTS(a["latest"]); !ok {
			return s, apiError("invalid_ts_latest")
		}
	}
	return s, nil
}

func (s span) has(m *Message) bool {
	t, _ := parseTS(m.TS)
	switch {
	case s.inclusive && (t == s.oldest || t == s.latest):
		return true
	case t <= s.oldest && s.oldest != 0:
		return false
	}
	return s.latest == 0 || t < s.latest
}

// readable finds the channel of a history call. The answer is for the case of an
// error.
func (w *Workspace) readable(a args) (*channel, object, error) {
	c, err := w.find(a["channel"])
	if err != nil {
		return nil, nil, err
	}
	if answer, err := w.allows(c.kind(), "history"); err != nil {
		return nil, answer, err
	}
	if !c.has(BotUserID) {
		return nil, nil, apiError("not_in_channel")
	}
	return c, nil, nil
}

// conversationsHistory lists a channel without its threads, the youngest first.
func (w *Workspace) conversationsHistory(a args) (object, error) {
	c, answer, err := w.readable(a)
	if err != nil {
		return answer, err
	}
	s, err := readSpan(a)
	if err != nil {
		return nil, err
	}
	var list []*Message
	for _, m := range slices.Backward(c.messages) {
		if !m.Deleted && (m.ThreadTS == "" || m.Broadcast) && s.has(m) {
			list = append(list, m)
		}
	}
	return w.historyPage(list, a, 100, 999)
}

// conversationsReplies lists a thread, the oldest first. The parent is always in it.
func (w *Workspace) conversationsReplies(a args) (object, error) {
	c, answer, err := w.readable(a)
	if err != nil {
		return answer, err
	}
	s, err := readSpan(a)
	if err != nil {
		return nil, err
	}
	parent := c.message(a["ts"])
	if parent == nil {
		return nil, apiError("thread_not_found")
	}
	list := []*Message{parent}
	for _, m := range c.messages {
		if m.ThreadTS == parent.TS && !m.Deleted && s.has(m) {
			list = append(list, m)
		}
	}
	return w.historyPage(list, a, 1000, 1000)
}

func (w *Workspace) historyPage(list []*Message, a args, limit, most int) (object, error) {
	list, next, err := page(list, a, limit, most)
	if err != nil {
		return nil, err
	}
	messages := []object{}
	for _, m := range list {
		messages = append(messages, w.messageObject(m, a.on("include_all_metadata")))
	}
	o := object{"messages": messages, "has_more": next != ""}
	if next != "" {
		o["response_metadata"] = object{"next_cursor": next}
	}
	return o, nil
}
