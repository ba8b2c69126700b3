package slackapp

import (
	"ecsbot/internal/approvals"

	"github.com/slack-go/slack"
)

// unfolded is up to how many lines a list stands on the card without a container.
const unfolded = 5

// foldedBudget is the room for the lines of a folded list.
const foldedBudget = 1500

// serverList are the servers on the card, with the buttons that show all of them and
// leave some out. A folded list has their ids and states; its title names them, so that nobody needs to
// open it in order to decide.
func (v view) serverList(r approvals.Request) []slack.Block {
	names := section(sayRequestNames(r))
	switch {
	case r.Total == 1: // there is nothing to leave out
		return []slack.Block{withButton(sayRequestNames(r), showButton(r))}
	case v.Newer && r.Total > unfolded:
		names = folded("servers", sayServersTitle(r), section(listing(r.Sample, r.Total, foldedBudget, serverLine)))
	}
	return []slack.Block{names, slack.NewActionBlock("show", showButton(r), leaveOutButton(r))}
}

// skippedList is what the request skips, and why.
func (v view) skippedList(r approvals.Request) slack.Block {
	if !v.Newer || r.LeftOutCount <= unfolded {
		return contextBlock(sayRequestSkipped(r))
	}
	return folded("skipped", saySkippedTitle(r), section(sayRequestSkipped(r)))
}

// folded is a list behind its title, which a click opens.
func folded(id, title string, list slack.Block) slack.Block {
	return slack.NewContainerBlock(list).WithBlockID(id).WithTitle(plain(title)).WithCollapsible(true, true)
}
