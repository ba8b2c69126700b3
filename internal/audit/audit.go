// Package audit holds what is written down for ever about each move of a
// request. Entries are appended to a Redis stream in the same step as the move
// itself, so there is no move without an entry and no entry without its move.
//
// Entries carry ids, states and counts. They carry no tokens, and of free text
// only the reasons that people gave.
package audit

// Entry is one line of the audit log. The stream gives it its time and order.
type Entry struct {
	Event   string `json:"event"` // asked, approved, denied, planned, intent, accepted, …
	Request string `json:"request,omitempty"`
	Batch   *int   `json:"batch,omitempty"`
	By      string `json:"by,omitempty"` // Slack user id; empty for the bot itself
	From    string `json:"from,omitempty"`
	To      string `json:"to,omitempty"`
	Count   int    `json:"count,omitempty"` // servers
	Digest  string `json:"digest,omitempty"`
	Job     string `json:"job,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Worker  string `json:"worker,omitempty"` // the replica that made the move
}
