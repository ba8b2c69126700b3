package slackapp

import (
	"slices"
	"strings"
	"unicode/utf8"

	"ecsbot/internal/approvals"

	"github.com/slack-go/slack"
)

// Slack's limits of a data_table, without its header, and what else of it is ours.
const (
	tableRows  = 100
	tableChars = 10_000 // of all cells of a message
	tablePage  = 10     // rows shown at once
	tableWords = 120    // characters of the reason in a row
)

// outcomeTable is the outcome with its servers as a table: what went wrong comes
// first. What the table cannot hold is in the file that is shared for long outcomes,
// or in the status. The lines of other notes in the same message come before it.
func outcomeTable(m approvals.Message, before string) ([]slack.Block, string) {
	head, jobs := sayEnd(m.Request), strings.TrimSpace(sayJobs(m.Batches, 400))
	results := worstFirst(m.Batches)
	groups := outcomes(m.Batches)
	if len(groups) == 0 || len(groups) == 1 && saidByHead[groups[0].outcome] && groups[0].outcome != approvals.ActionFailed && len(results) > tablePage {
		return outcome(m, before) // its first line says it all
	}
	ids := !needsFile(m.Batches)
	table, shown := resultTable(results, ids, min(tableChars, maxBlocks-len(before)-len(head)-len(jobs)-500))
	var after []string
	if shown < len(results) {
		after = append(after, sayRowsLeft(len(results)-shown, needsFile(m.Batches)))
		if !needsFile(m.Batches) {
			after = append(after, sayRestInStatus(m.Request))
		}
	} else if needsFile(m.Batches) {
		after = append(after, sayResultsFollow)
	}
	lead := head
	if before != "" {
		lead = before + "\n" + head
	}
	blocks := append(paragraphs(lead), table)
	blocks = append(blocks, paragraphs(strings.Join(append(after, jobs), "\n"))...)
	// Screen readers and notifications get the rows from the text.
	rows := listing(results, len(results), maxFallback-len(before)-len(head)-50, func(r approvals.Result) string { return sayRow(r, ids) })
	return append(blocks, outcomeButtons(m)...), clip(head+"\n"+rows, maxFallback-len(before)-1)
}

// worstFirst are all results in the order in which a person wants to read them.
func worstFirst(batches []approvals.Batch) []approvals.Result {
	var all []approvals.Result
	for _, g := range outcomes(batches) {
		all = append(all, g.results...)
	}
	return all
}

// resultTable shows as many of the results as fit into budget characters, with the ids
// of servers that somebody will look for.
func resultTable(results []approvals.Result, ids bool, budget int) (table *slack.DataTableBlock, shown int) {
	table = slack.NewDataTableBlock(sayTableCaption, slack.DataTableBlockOptionBlockID("results"))
	header := make([]slack.DataTableCell, len(sayTableHeader))
	for i, h := range sayTableHeader {
		header[i] = slack.NewDataTableRawTextCell(h)
		budget -= len(h)
	}
	table.AddRow(header...)
	for _, r := range results[:min(tableRows, len(results))] {
		texts := rowOf(r, ids)
		row := make([]slack.DataTableCell, 0, len(texts)+1)
		size := 8 // of the seconds
		for _, s := range texts {
			row = append(row, slack.NewDataTableRawTextCell(s))
			size += utf8.RuneCountInString(escape(s)) // Slack counts entities
		}
		if size > budget && shown > 0 {
			break
		}
		if r.Seconds > 0 {
			row = append(row, slack.NewDataTableRawNumberCell(float64(r.Seconds)))
		} else {
			row = append(row, slack.NewDataTableRawTextCell(sayNothing))
		}
		table.AddRow(row...)
		budget -= size
		shown++
	}
	return table.WithPageSize(min(tablePage, max(1, shown))), shown
}

// rowOf are the texts of one server's row: server, result, code, reason.
func rowOf(r approvals.Result, ids bool) []string {
	row := []string{serverCell(r, ids), sayOutcome(r), r.Code, clipRunes(withoutControls(whyOf(r)), tableWords)}
	for i, s := range row {
		if row[i] = asCell(s); row[i] == "" {
			row[i] = sayNothing
		}
	}
	return row
}

// serverCell names a server, and one that did not end well with its id. Where many did
// not, the ids are in the file, and the table stays narrow.
func serverCell(r approvals.Result, ids bool) string {
	if ids && (r.Outcome == approvals.ActionFailed || r.Outcome == approvals.NotKnown) {
		return r.Server.Name + " (" + r.Server.ID + ")"
	}
	return r.Server.Name
}

// whyOf is why a server ended as it did: the cloud's word, what was seen, or why it
// was left out.
func whyOf(r approvals.Result) string {
	switch why := sayCause(r.Cause()); {
	case why != "":
		return why
	case r.Skip != "":
		return sayWhy(r.Skip)
	case r.Outcome == approvals.FoundOff, r.Outcome == approvals.FoundOn:
		return sayUnconfirmed
	}
	return ""
}

// asCell is foreign text for a cell. Slack does not document whether it looks for
// mentions in cells, so the brackets that make one are replaced.
func asCell(s string) string {
	return strings.NewReplacer("<", "‹", ">", "›").Replace(withoutControls(s))
}

// sayRow is a row of the table in one line of text.
func sayRow(r approvals.Result, ids bool) string {
	parts := slices.DeleteFunc([]string{sayOutcome(r), r.Code, whyOf(r)}, func(s string) bool { return s == "" })
	return "• " + escape(serverCell(r, ids)) + ": " + clip(escape(strings.Join(parts, ", ")), 300)
}
