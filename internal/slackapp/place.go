package slackapp

import (
	"context"
	"fmt"
	"strings"

	"ecsbot/internal/approvals"

	"github.com/slack-go/slack"
)

// place is what Slack says of a channel.
type place struct {
	Outside bool `json:"outside,omitempty"` // people of other workspaces read it, or are invited to
	Group   bool `json:"group,omitempty"`   // a conversation of some people, without a name
	Member  bool `json:"member,omitempty"`  // the bot is in it
}

// place asks Slack about a channel. A private one that the bot is not in does
// not exist for it: nothing can be posted there.
func (a *App) place(ctx context.Context, channel string) (place, error) {
	if direct(channel) {
		return place{Group: true}, nil
	}
	return lookUp(ctx, a.roles, channel, ageToLook, func(ctx context.Context) (place, error) {
		var c *slack.Channel
		err := a.call("conversations.info", func() (err error) {
			c, err = a.api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: channel})
			return err
		})
		if hasSlackCode(err, "channel_not_found") {
			return place{}, nil
		}
		if err != nil {
			return place{}, fmt.Errorf("conversations.info %s: %w", channel, err)
		}
		outside := c.IsExtShared || c.IsPendingExtShared || len(c.PendingShared) > 0
		return place{Outside: outside, Group: c.IsMpIM || c.IsIM, Member: c.IsMember}, nil
	})
}

// direct reports whether the channel is a conversation of two.
func direct(channel string) bool { return strings.HasPrefix(channel, "D") }

// noPlace says why the card of a request of p about a project cannot stand in the channel where
// it was asked for; empty if it can. A card names servers and addresses, so it
// is posted only where nobody from outside reads it; if Slack does not tell, it is
// not posted either. Somebody who may not ask gets that answer instead.
func (a *App) noPlace(ctx context.Context, p approvals.Person, project approvals.Project, channel string) string {
	if project.Channel != "" { // the settings name a channel for all cards
		return ""
	}
	if project.Policy.MayAsk(p) != nil && project.Policy.MayDecide(p) != nil { // an approver may try again
		return ""
	}
	there, err := a.place(ctx, channel)
	switch {
	case err != nil:
		a.log.WarnContext(ctx, "it could not be found out who reads a channel; no card is posted there", "channel", channel, "err", err)
		return sayPlaceUnknown
	case there.Outside:
		return sayPlaceOutside
	case there.Group:
		return sayPlaceGroup
	}
	return ""
}
