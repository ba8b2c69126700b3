package slacksim

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Restore puts messages of an earlier workspace into this one, with the
// timestamps, metadata and files that they had: what an app remembers of them
// still exists. Their channels must have been added. Watchers are not notified.
func (w *Workspace) Restore(messages []Message, files []File) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range files {
		w.files = append(w.files, &f)
		w.uploads[f.ID] = &f
		w.serial = max(w.serial, serialOf(f.ID))
	}
	for _, m := range messages {
		w.lastTS = max(w.lastTS, microOf(m.TS))
		if m.EphemeralTo != "" {
			w.private = append(w.private, &m)
			continue
		}
		c := w.channels[m.Channel]
		c.messages = append(c.messages, &m)
	}
	for _, c := range w.channels {
		slices.SortStableFunc(c.messages, func(a, b *Message) int { return strings.Compare(a.TS, b.TS) })
	}
}

// RestoreResponse makes a response URL of an earlier workspace work for user in
// channel. id is the last part of its path.
func (w *Workspace) RestoreResponse(id, user, channel string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.responses[id] = &responseURL{id: id, user: user, channel: channel, issued: time.Now()}
}

// microOf is a timestamp in µs.
func microOf(ts string) int64 {
	n, _ := strconv.ParseInt(strings.ReplaceAll(ts, ".", ""), 10, 64)
	return n
}

// serialOf is the number in an id of nextID.
func serialOf(id string) int {
	_, digits, _ := strings.Cut(id, "0SIM")
	n, _ := strconv.Atoi(digits)
	return n
}

// RestoreView lays a modal of an earlier workspace on top of what its user has open.
func (w *Workspace) RestoreView(v View) {
	w.mu.Lock()
	defer w.mu.Unlock()
	v.Open = true
	w.views[v.ID] = &v
	w.stacks[v.User] = append(w.stacks[v.User], &v)
	w.serial = max(w.serial, serialOf(v.ID))
}
