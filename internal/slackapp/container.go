package slackapp

import (
	"ecsbot/internal/approvals"

	"github.com/slack-go/slack"
)

// unfolded is up to how many lines a list stands on the card without a container.
const unfolded = 5

// serverList are the servers on the card.
func (v view) serverList(r approvals.Request) slack.Block {
	list := section(sayServers(r, cardBudget))
	if !v.Newer || r.Total <= unfolded {
		return list
	}
	return folded("servers", sayServersTitle(r), list)
}

// leftOutList is what was left out of the request, and why.
func (v view) leftOutList(r approvals.Request) slack.Block {
	if !v.Newer || r.LeftOutCount <= unfolded {
		return section(sayLeftOut(r.LeftOut, r.LeftOutCount, cardBudget))
	}
	return folded("leftout", sayLeftOutTitle(r), section(listing(r.LeftOut, r.LeftOutCount, cardBudget, sayOneLeftOut)))
}

// folded is a list behind its title, which a click opens.
func folded(id, title string, list slack.Block) slack.Block {
	return slack.NewContainerBlock(list).WithBlockID(id).WithTitle(plain(title)).WithCollapsible(true, true)
}
