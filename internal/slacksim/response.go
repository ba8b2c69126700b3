package slacksim

import (
	"encoding/json"
	"net/http"
	"time"
)

// A response URL accepts a limited number of posts for a limited time.
const (
	responsePosts = 5
	responseLife  = 30 * time.Minute
)

// responseURL lets an app answer one command or click.
type responseURL struct {
	id      string
	user    string
	channel string
	thread  string
	message string // ts of the message that was clicked; empty for a command
	ephem   bool   // that message is an ephemeral one
	issued  time.Time
	posts   int
}

func (w *Workspace) newResponseURL(r *responseURL) *responseURL {
	r.id, r.issued = newUUID(), time.Now()
	w.responses[r.id] = r
	return r
}

// jsonArgs reads a JSON object as arguments; what is no string stays JSON text.
func jsonArgs(body []byte) (args, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return nil, apiError("invalid_payload")
	}
	a := args{}
	for k, v := range fields {
		var s string
		switch {
		case string(v) == "null":
		case json.Unmarshal(v, &s) == nil:
			a[k] = s
		default:
			a[k] = string(v)
		}
	}
	return a, nil
}

func (w *Workspace) serveResponse(rw http.ResponseWriter, r *http.Request) {
	a, err := readArgs(r)
	call := w.begin(r, "response_url", a)
	fault := w.takeFault("response_url")
	if w.faultBefore(rw, r, call, fault) {
		return
	}
	w.mu.Lock()
	res := w.responses[r.PathValue("id")]
	status := http.StatusOK
	switch {
	case res == nil || time.Since(res.issued) > responseLife:
		status, err = http.StatusNotFound, apiError("expired_url")
	case res.posts >= responsePosts:
		status, err = http.StatusNotFound, apiError("used_url")
	case err == nil:
		res.posts++
		err = w.respond(res, a)
	}
	w.mu.Unlock()
	if fault.done {
		w.strike(rw, r, call, fault)
		return
	}
	w.finish(rw, call, status, envelopeAnswer(nil, err))
}

// respond posts, replaces or deletes what a response URL or an ack's message
// asks for. No membership is needed. The lock is held.
func (w *Workspace) respond(r *responseURL, a args) error {
	delete(a, "metadata") // clients always send one, often empty; it has no effect here
	c := w.channels[r.channel]
	if err := w.takesBlocks(json.RawMessage(a["blocks"]), "invalid_blocks"); err != nil {
		return err
	}
	if a.on("delete_original") || a.on("replace_original") {
		m := w.original(r)
		if m == nil {
			return apiError("no_original_message")
		}
		if a.on("delete_original") {
			m.Deleted = true
			w.tell(kindFor(m, MessageDeleted), m)
			return nil
		}
		in, err := readContent(a, false)
		if err != nil {
			return err
		}
		if in.empty() {
			return apiError("no_text")
		}
		in.put(m)
		m.Edited++
		m.FromResponseURL = true
		w.tell(kindFor(m, MessageUpdated), m)
		return nil
	}

	in, err := readContent(a, false)
	if err != nil {
		return err
	}
	if in.empty() {
		return apiError("no_text")
	}
	m := &Message{Channel: r.channel, User: BotUserID, BotID: BotID, ThreadTS: a["thread_ts"], FromResponseURL: true, response: r.id}
	in.put(m)
	switch {
	case a["response_type"] != "in_channel":
		m.EphemeralTo = r.user
		w.addPrivate(m)
	case c.Archived:
		return apiError("is_archived")
	default:
		w.add(c, m, time.Now())
	}
	return nil
}

func kindFor(m *Message, kind string) string {
	if m.EphemeralTo != "" {
		return EphemeralShown
	}
	return kind
}

// original is the message that replace_original means: the one that was clicked,
// or the last answer to the command.
func (w *Workspace) original(r *responseURL) *Message {
	if r.message != "" && !r.ephem {
		return w.channels[r.channel].message(r.message)
	}
	for i := len(w.private) - 1; i >= 0; i-- {
		m := w.private[i]
		if !m.Deleted && (r.ephem && m.TS == r.message || !r.ephem && m.response == r.id) {
			return m
		}
	}
	return nil
}
