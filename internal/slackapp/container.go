package slackapp

import (
	"ecsbot/internal/approvals"

	"github.com/slack-go/slack"
)

// unfolded is up to how many lines a list stands on the card without a container.
const unfolded = 5

// folded is a list of n lines on the card: behind its title where it is long.
func (v view) folded(id, title string, n int, list string) slack.Block {
	if !v.Newer || n <= unfolded {
		return section(list)
	}
	return slack.NewContainerBlock(section(list)).WithBlockID(id).WithTitle(plain(title)).WithCollapsible(true, true)
}

// serverList are the servers on the card.
func (v view) serverList(r approvals.Request) slack.Block {
	return v.folded("servers", sayServersTitle(r), r.Total, sayServers(r, cardBudget))
}

// leftOutList is what was left out of the request, and why.
func (v view) leftOutList(r approvals.Request) slack.Block {
	return v.folded("leftout", sayLeftOutTitle(r), r.LeftOutCount, sayLeftOut(r.LeftOut, r.LeftOutCount, cardBudget))
}
