package slackapp

import (
	"context"
	"strings"
	"sync"

	"ecsbot/internal/approvals"

	"github.com/slack-go/slack"
)

// permalink leads to a request's card; empty if Slack does not tell it now, or
// if the card does not stand any more.
func (cl *client) permalink(ctx context.Context, r approvals.Request) string {
	return cl.links.link(ctx, cl, r)
}

// askPermalink asks Slack for the link to a card. known says that the answer
// will not change.
func (cl *client) askPermalink(ctx context.Context, r approvals.Request) (link string, known bool) {
	err := cl.call("chat.getPermalink", func() (err error) {
		link, err = cl.api.GetPermalinkContext(ctx, &slack.PermalinkParameters{Channel: r.Thread.Channel, Ts: r.Thread.TS})
		return err
	})
	switch {
	case hasSlackCode(err, "message_not_found"):
		cl.log.InfoContext(ctx, "a card does not stand any more, so there is no link to it", "request", r.ID)
		return "", true
	case err != nil:
		cl.log.WarnContext(ctx, "no link to a card", "request", r.ID, "err", clean(err))
		return "", false
	}
	return strings.TrimSpace(link), true
}

// linksTo are links to the cards of those requests that are still kept, for a view.
func (cl *client) linksTo(ctx context.Context, ids ...string) map[string]string {
	links := map[string]string{}
	for _, id := range ids {
		if id == "" {
			continue
		}
		r, err := cl.desk.Find(ctx, id)
		if err != nil {
			cl.log.InfoContext(ctx, "no link to a request", "request", id, "err", err)
			continue
		}
		if link := cl.permalink(ctx, r); link != "" {
			links[id] = link
		}
	}
	return links
}

// leadsTo are the requests to which a message about r leads.
func leadsTo(r approvals.Request, notes ...approvals.Note) []string {
	ids := []string{r.FollowUpOf, r.RetriedBy}
	for _, n := range notes {
		ids = append(ids, n.As)
	}
	return ids
}

// linkCache keeps the links to cards: each drawing of a Home needs them.
type linkCache struct {
	mu    sync.Mutex
	links map[string]string // channel and ts → permalink; empty if the card is gone
}

// maxLinks is how many links are kept before all are forgotten.
const maxLinks = 500

func (c *linkCache) link(ctx context.Context, cl *client, r approvals.Request) string {
	if r.Thread.TS == "" {
		return ""
	}
	key := r.Thread.Channel + "/" + r.Thread.TS
	c.mu.Lock()
	link, known := c.links[key]
	c.mu.Unlock()
	if known {
		return link
	}
	link, known = cl.askPermalink(ctx, r)
	if !known {
		return ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.links == nil || len(c.links) > maxLinks {
		c.links = map[string]string{}
	}
	c.links[key] = link
	return link
}
