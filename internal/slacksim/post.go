package slacksim

import (
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of a message's text, in characters.
const (
	maxPostText     = 40000 // chat.postMessage cuts what is longer
	maxUpdateText   = 4000
	maxBlockText    = 13000 // of all blocks of one chat.* call together; not documented
	maxMetadataSize = 16 << 10
)

// Message is the current state of a message.
type Message struct {
	Channel         string          `json:"channel"`
	TS              string          `json:"ts"`
	ThreadTS        string          `json:"thread_ts,omitempty"` // of a reply: its parent's ts
	User            string          `json:"user"`
	BotID           string          `json:"bot_id,omitempty"`
	Text            string          `json:"text"`
	Blocks          json.RawMessage `json:"blocks,omitempty"` // nil if it has none
	Attachments     json.RawMessage `json:"attachments,omitempty"`
	Metadata        json.RawMessage `json:"metadata,omitempty"`
	Edited          int             `json:"edited"` // times it was updated
	Deleted         bool            `json:"deleted,omitempty"`
	EphemeralTo     string          `json:"ephemeral_to,omitempty"`
	Broadcast       bool            `json:"broadcast,omitempty"` // a reply that shows in the channel, too
	Posted          time.Time       `json:"posted"`
	ReplyCount      int             `json:"reply_count"`
	Reactions       []string        `json:"reactions,omitempty"`
	Files           []string        `json:"files,omitempty"` // ids
	FromResponseURL bool            `json:"from_response_url,omitempty"`

	response string // id of the response URL or command that made it
}

// content is what an app may write into a message.
type content struct {
	text        string
	blocks      json.RawMessage // nil: not given; "[]": none
	attachments json.RawMessage
	metadata    json.RawMessage
}

// readContent takes a message's content out of arguments and checks it.
// Block text of response URLs is not capped in total.
func readContent(a args, capped bool) (content, error) {
	c := content{text: a["text"]}
	for name, field := range map[string]*json.RawMessage{"blocks": &c.blocks, "attachments": &c.attachments} {
		if a[name] == "" {
			continue
		}
		var list []json.RawMessage
		if json.Unmarshal([]byte(a[name]), &list) != nil {
			return c, apiError("invalid_" + name + "_format")
		}
		if len(list) == 0 {
			*field = json.RawMessage("[]")
		} else {
			*field = json.RawMessage(a[name])
		}
	}
	if c.hasBlocks() {
		if err := checkBlocksAnswer(OnMessage, c.blocks, "invalid_blocks", "/blocks"); err != nil {
			return c, err
		}
		if capped && blockText(c.blocks) > maxBlockText {
			return c, apiError("msg_blocks_too_long")
		}
		c.blocks = withIDs(c.blocks)
	}
	if m := a["metadata"]; m != "" {
		if err := checkMetadata(m); err != nil {
			return c, err
		}
		c.metadata = json.RawMessage(m)
	}
	return c, nil
}

func (c content) hasBlocks() bool { return c.blocks != nil && string(c.blocks) != "[]" }

func (c content) empty() bool {
	return c.text == "" && !c.hasBlocks() && (c.attachments == nil || string(c.attachments) == "[]")
}

// put writes the content into a message.
func (c content) put(m *Message) {
	m.Text, m.Blocks = c.text, nil
	if c.hasBlocks() {
		m.Blocks = c.blocks
	}
	if c.attachments != nil {
		m.Attachments = c.attachments
	}
	if c.metadata != nil {
		m.Metadata = c.metadata
	}
}

// checkMetadata checks the shape: an event_type, and a payload of plain values
// or one level of objects and lists.
func checkMetadata(text string) error {
	var m struct {
		EventType    *string         `json:"event_type"`
		EventPayload json.RawMessage `json:"event_payload"`
	}
	if len(text) > maxMetadataSize {
		return apiError("metadata_too_large")
	}
	var fields map[string]any
	if json.Unmarshal([]byte(text), &m) != nil || m.EventType == nil || *m.EventType == "" ||
		json.Unmarshal(m.EventPayload, &fields) != nil || fields == nil {
		return apiError("invalid_metadata_format")
	}
	flat := func(v any) bool {
		switch v := v.(type) {
		case map[string]any:
			for _, x := range v {
				switch x.(type) {
				case map[string]any, []any:
					return false
				}
			}
		case []any:
			return false
		}
		return true
	}
	for _, v := range fields {
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		for _, x := range list {
			if !flat(x) {
				return apiError("invalid_metadata_schema")
			}
		}
	}
	return nil
}

// pace lets a few posts through at once, and then one each gap.
type pace struct {
	left float64
	last time.Time
}

const postBurst = 5

// mayPost takes one post from a channel's pace. The lock is held.
func (w *Workspace) mayPost(channel string, now time.Time) error {
	gap, burst := w.opt.PostGap, 1.0
	switch {
	case gap < 0:
		return nil
	case gap == 0:
		gap, burst = time.Second, postBurst
	}
	if w.opt.PostBurst > 0 {
		burst = float64(w.opt.PostBurst)
	}
	p := w.paces[channel]
	if p == nil {
		p = &pace{left: burst, last: now}
		w.paces[channel] = p
	}
	p.left = min(burst, p.left+float64(now.Sub(p.last))/float64(gap))
	p.last = now
	// Half a percent of slack: who waits exactly for the gap is not punished for rounding.
	if p.left < 0.995 {
		return &retryError{time.Duration(math.Ceil((1 - p.left) * float64(gap)))}
	}
	p.left = max(0, p.left-1)
	return nil
}

// mayWrite reports whether the bot can post in a channel.
func (w *Workspace) mayWrite(c *channel) error {
	switch {
	case c.Archived:
		return apiError("is_archived")
	case c.im != "" && w.opt.NoMessagesTab:
		return apiError("messages_tab_disabled")
	case !c.has(BotUserID) && (c.Private || !slices.Contains(w.opt.Scopes, "chat:write.public")):
		return apiError("not_in_channel")
	}
	return nil
}

func (w *Workspace) postMessage(a args) (object, error) {
	c, err := w.find(a["channel"])
	if err != nil {
		return nil, err
	}
	if err := w.mayWrite(c); err != nil {
		return nil, err
	}
	in, err := readContent(a, true)
	switch {
	case err != nil:
		return nil, err
	case in.empty():
		return nil, apiError("no_text")
	case !validThread(a["thread_ts"]):
		return nil, &detailedError{"invalid_thread_ts", []string{"[ERROR] " + a["thread_ts"] + " is not a valid thread_ts"}}
	}
	in.text = cut(in.text, maxPostText)
	now := time.Now()
	if err := w.mayPost(c.ID, now); err != nil {
		return nil, err
	}
	m := &Message{User: BotUserID, BotID: BotID, ThreadTS: a["thread_ts"], Broadcast: a.on("reply_broadcast")}
	in.put(m)
	w.add(c, m, now)
	return object{"channel": c.ID, "ts": m.TS, "message": w.messageObject(m, true)}, nil
}

// threadPattern is what Slack takes for a thread_ts. What looks like a number and
// is no message's ts makes no thread, but is no error either.
var threadPattern = regexp.MustCompile(`^\d*[1-9]\d*(\.\d+)?$`)

func validThread(ts string) bool { return ts == "" || threadPattern.MatchString(ts) }

// cut returns the first n characters of a text.
func cut(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n])
}

// add appends a message to a channel. A reply whose parent is not there becomes
// a message of its own. The lock is held.
func (w *Workspace) add(c *channel, m *Message, now time.Time) {
	m.Channel, m.Posted, m.TS = c.ID, now, w.nextTS(now)
	if m.ThreadTS != "" {
		if parent := c.message(m.ThreadTS); parent != nil && parent.ThreadTS == "" {
			parent.ReplyCount++
		} else {
			m.ThreadTS = ""
		}
	}
	m.Broadcast = m.Broadcast && m.ThreadTS != ""
	c.messages = append(c.messages, m)
	w.tell(MessagePosted, m)
}

// tell reports what happened to a message. The lock is held.
func (w *Workspace) tell(kind string, m *Message) {
	now := *m
	w.happened(Event{Kind: kind, Channel: m.Channel, TS: m.TS, User: m.EphemeralTo, Message: &now})
}

// message returns a message that was not deleted, or nil.
func (c *channel) message(ts string) *Message {
	for _, m := range c.messages {
		if m.TS == ts && !m.Deleted {
			return m
		}
	}
	return nil
}

func (w *Workspace) postEphemeral(a args) (object, error) {
	c, err := w.find(a["channel"])
	if err != nil {
		return nil, err
	}
	if err := w.mayWrite(c); err != nil {
		return nil, err
	}
	if w.users[a["user"]] == nil || !c.has(a["user"]) {
		return nil, apiError("user_not_in_channel")
	}
	in, err := readContent(a, true)
	switch {
	case err != nil:
		return nil, err
	case utf8.RuneCountInString(in.text) > maxPostText:
		return nil, apiError("msg_too_long")
	case in.empty():
		return nil, apiError("no_text")
	}
	m := &Message{Channel: c.ID, User: BotUserID, BotID: BotID, EphemeralTo: a["user"], ThreadTS: a["thread_ts"]}
	in.put(m)
	w.addPrivate(m)
	return object{"message_ts": m.TS}, nil
}

// addPrivate shows a message to one user. The lock is held.
func (w *Workspace) addPrivate(m *Message) {
	m.Posted = time.Now()
	m.TS = w.nextTS(m.Posted)
	w.private = append(w.private, m)
	w.tell(EphemeralShown, m)
}

// own returns a message of the bot's own, or the error with the given code.
func (w *Workspace) own(a args, ts, otherwise string) (*channel, *Message, error) {
	c, err := w.find(a["channel"])
	if err != nil {
		return nil, nil, err
	}
	m := c.message(a[ts])
	switch {
	case m == nil:
		return nil, nil, apiError("message_not_found")
	case m.BotID != BotID:
		return nil, nil, apiError(otherwise)
	}
	return c, m, nil
}

func (w *Workspace) updateMessage(a args) (object, error) {
	c, m, err := w.own(a, "ts", "cant_update_message")
	if err != nil {
		return nil, err
	}
	if c.Archived {
		return nil, apiError("is_inactive")
	}
	in, err := readContent(a, true)
	switch {
	case err != nil:
		return nil, err
	case utf8.RuneCountInString(in.text) > maxUpdateText:
		return nil, apiError("msg_too_long")
	case in.empty() && in.blocks == nil && in.attachments == nil:
		return nil, apiError("no_text")
	}
	in.put(m)
	m.Edited++
	w.tell(MessageUpdated, m)
	return object{"channel": c.ID, "ts": m.TS, "text": m.Text, "message": w.messageObject(m, true)}, nil
}

func (w *Workspace) deleteMessage(a args) (object, error) {
	c, m, err := w.own(a, "ts", "cant_delete_message")
	if err != nil {
		return nil, err
	}
	w.drop(c, m)
	return object{"channel": c.ID, "ts": m.TS}, nil
}

// drop deletes a message. The lock is held.
func (w *Workspace) drop(c *channel, m *Message) {
	m.Deleted = true
	if parent := c.message(m.ThreadTS); parent != nil {
		parent.ReplyCount--
	}
	w.tell(MessageDeleted, m)
}

func (w *Workspace) getPermalink(a args) (object, error) {
	c, err := w.find(a["channel"])
	if err != nil {
		return nil, err
	}
	m := c.message(a["message_ts"])
	if m == nil {
		return nil, apiError("message_not_found")
	}
	link := "https://" + w.opt.TeamDomain + ".slack.com/archives/" + c.ID + "/p" + strings.ReplaceAll(m.TS, ".", "")
	if m.ThreadTS != "" {
		link += "?thread_ts=" + m.ThreadTS + "&cid=" + c.ID
	}
	return object{"channel": c.ID, "permalink": link}, nil
}

func (w *Workspace) addReaction(a args) (object, error) {
	c, err := w.find(a["channel"])
	if err != nil {
		return nil, err
	}
	m := c.message(a["timestamp"])
	switch {
	case m == nil:
		return nil, apiError("message_not_found")
	case a["name"] == "":
		return nil, apiError("invalid_name")
	case slices.Contains(m.Reactions, a["name"]):
		return nil, apiError("already_reacted")
	}
	m.Reactions = append(m.Reactions, a["name"])
	w.tell(MessageUpdated, m)
	return object{}, nil
}

// Say posts as a person, in a thread if thread is the ts of a message. It
// returns the ts of the new message, or "" if there is no such channel.
func (w *Workspace) Say(user, channel, text, thread string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.channels[channel]
	if c == nil {
		return ""
	}
	m := &Message{User: user, Text: text, ThreadTS: thread}
	w.add(c, m, time.Now())
	return m.TS
}

// DeleteMessage deletes any message, as an administrator or a retention policy does.
func (w *Workspace) DeleteMessage(channel, ts string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := w.channels[channel]; c != nil {
		if m := c.message(ts); m != nil {
			w.drop(c, m)
		}
	}
}

// Messages returns the root messages of a channel in order, the deleted ones
// included.
func (w *Workspace) Messages(channel string) []Message {
	return w.list(channel, func(m *Message) bool { return m.ThreadTS == "" })
}

// Thread returns the replies to a message in order, the deleted ones included.
func (w *Workspace) Thread(channel, ts string) []Message {
	return w.list(channel, func(m *Message) bool { return m.ThreadTS == ts && ts != "" })
}

func (w *Workspace) list(channel string, want func(*Message) bool) []Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []Message
	if c := w.channels[channel]; c != nil {
		for _, m := range c.messages {
			if want(m) {
				list = append(list, m.copied())
			}
		}
	}
	return list
}

func (m *Message) copied() Message {
	c := *m
	c.Reactions, c.Files = slices.Clone(m.Reactions), slices.Clone(m.Files)
	return c
}

// Private returns what only this user saw, in order, in all channels: ephemeral
// messages, answers to commands, answers by response URL, and Slack's own
// complaints (User "slackbot"). What was replaced shows its last content, what
// was deleted is marked.
func (w *Workspace) Private(user string) []Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []Message
	for _, m := range w.private {
		if m.EphemeralTo == user {
			list = append(list, m.copied())
		}
	}
	return list
}
