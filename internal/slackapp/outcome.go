package slackapp

import (
	"slices"
	"strings"

	"ecsbot/internal/approvals"

	"github.com/slack-go/slack"
)

// reply is a message in a request's thread.
func (v view) reply(m approvals.Message) ([]slack.Block, string) {
	if last := len(m.Notes) - 1; m.Notes[last].Topic == approvals.TopicOutcome {
		before := v.sayBefore(m.Request, m.Notes[:last])
		draw := outcome
		if v.Newer {
			draw = outcomeTable
		}
		blocks, text := draw(m, before)
		return blocks, clip(strings.TrimSpace(text+"\n"+before), maxFallback)
	}
	text := v.sayTogether(m.Request, m.Notes)
	if m.Notes[0].Topic == approvals.TopicReminder {
		text = v.sayReminder(m.Request)
	}
	return paragraphs(text), clip(text, maxFallback)
}

// outcome is the last word: what has really happened, server by server as far
// as a message holds them; what went wrong comes first. The lines of
// other notes in the same message come before it.
func outcome(m approvals.Message, before string) ([]slack.Block, string) {
	head := sayEnd(m.Request)
	var body strings.Builder
	left := maxBlocks - len(before) - len(head) - 500
	groups := outcomes(m.Batches)
	for _, group := range groups {
		if left < 300 {
			body.WriteString(sayRestInStatus(m.Request) + "\n")
			break
		}
		text := sayOutcomes(group, left)
		if len(groups) == 1 && saidByHead[group.outcome] {
			text = strings.TrimSpace(sayOutcomeServers(group, left))
		}
		left -= len(text)
		body.WriteString(text + "\n")
	}
	body.WriteString(sayJobs(m.Batches, 400))
	if needsFile(m.Batches) {
		body.WriteString(sayResultsFollow + "\n")
	}
	text := head + "\n" + body.String()
	if before != "" {
		text = before + "\n" + text
	}
	return append(paragraphs(text), outcomeButtons(m)...), clip(head, maxFallback)
}

// saidByHead are the outcomes that the first line tells in full, if all servers have
// them.
var saidByHead = map[approvals.Outcome]bool{approvals.Stopped: true, approvals.Started: true, approvals.ActionFailed: true}

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
