package slackapp

import (
	"slices"
	"strings"

	"ecsbot/internal/approvals"
)

// Words of a message that tells several things at once, in a channel that is behind.

// mostTogether is how long the lines before an outcome may be.
const mostTogether = 2000

// sayTogether has the words of each note, in the order in which things happened.
func (v view) sayTogether(r approvals.Request, notes []approvals.Note) string {
	var lines []string
	for len(notes) > 0 {
		n := 1
		for n < len(notes) && notes[n].Topic == notes[0].Topic && notes[0].Topic.Merges() {
			n++
		}
		lines = append(lines, v.sayNotes(r, notes[:n]))
		notes = notes[n:]
	}
	return strings.Join(lines, "\n")
}

// sayBefore is what stands before the outcome in its message.
func (v view) sayBefore(r approvals.Request, notes []approvals.Note) string {
	// What failed is told by the outcome itself.
	notes = slices.DeleteFunc(slices.Clone(notes), func(n approvals.Note) bool { return n.Topic == approvals.TopicBatchFailed })
	parts := cutLines(v.sayTogether(r, notes), mostTogether)
	switch len(parts) {
	case 0:
		return ""
	case 1:
		return parts[0]
	}
	return parts[0] + "\n…"
}
