package slackapp

import (
	"slices"
	"strings"

	"ecsbot/internal/approvals"

	"github.com/slack-go/slack"
)

// reply is a message in a request's thread.
func (v view) reply(m approvals.Message) ([]slack.Block, string) {
	if m.Notes[0].Topic == approvals.TopicOutcome {
		if v.Newer {
			return outcomeTable(m)
		}
		return outcome(m)
	}
	text := sayNotes(m.Request, m.Notes)
	if m.Notes[0].Topic == approvals.TopicReminder {
		text = v.sayReminder(m.Request)
	}
	return paragraphs(text), clip(text, maxFallback)
}

// outcome is the last word: what has really happened, server by server as far
// as a message holds them; what went wrong comes first.
func outcome(m approvals.Message) ([]slack.Block, string) {
	head := sayEnd(m.Request)
	var body strings.Builder
	left := maxBlocks - len(head) - 500
	for _, group := range outcomes(m.Batches) {
		if left < 300 {
			body.WriteString("\n" + sayRestInStatus(m.Request) + "\n")
			break
		}
		text := sayOutcomes(group, left)
		left -= len(text)
		body.WriteString("\n" + text + "\n")
	}
	if needsFile(m.Batches) {
		body.WriteString("\n" + sayResultsFollow + "\n")
	}
	text := head + "\n" + body.String() + "\n" + sayJobs(m.Batches, 800)
	return append(paragraphs(text), outcomeButtons(m)...), clip(head, maxFallback)
}

// outcomeGroup is all servers with the same outcome.
type outcomeGroup struct {
	outcome approvals.Outcome
	why     approvals.SkipReason
	results []approvals.Result
}

// outcomes groups the servers of all batches: unknown and failed ones first.
func outcomes(batches []approvals.Batch) []outcomeGroup {
	order := []approvals.Outcome{approvals.NotKnown, approvals.ActionFailed, approvals.Skipped, approvals.NotSent, approvals.FoundOff, approvals.FoundOn, approvals.Stopped, approvals.Started}
	var groups []outcomeGroup
	for _, b := range batches {
		for _, r := range b.Results {
			i := slices.IndexFunc(groups, func(g outcomeGroup) bool { return g.outcome == r.Outcome && g.why == r.Skip })
			if i < 0 {
				groups = append(groups, outcomeGroup{outcome: r.Outcome, why: r.Skip})
				i = len(groups) - 1
			}
			groups[i].results = append(groups[i].results, r)
		}
	}
	slices.SortStableFunc(groups, func(x, y outcomeGroup) int {
		return slices.Index(order, x.outcome) - slices.Index(order, y.outcome)
	})
	return groups
}
