package slackapp

import (
	"context"
	"slices"

	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
)

// receiveEvent receives what Slack tells by the Events API. An event that could
// not be stored is not acknowledged: then Slack sends it again.
func (a *App) receiveEvent(ctx context.Context, client *socketmode.Client, envelope string, event slackevents.EventsAPIEvent) {
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordWithin)
	defer cancel()
	var err error
	switch e := event.InnerEvent.Data.(type) {
	case *slackevents.AppHomeOpenedEvent:
		if e.Tab == "home" {
			err = a.desk.HomeOpened(within, e.User)
		}
	case *slackevents.SubteamMembersChangedEvent:
		err = a.groupChanged(within, e.SubteamID)
	case *slackevents.SubteamUpdatedEvent:
		err = a.groupChanged(within, e.Subteam.ID)
	}
	if err != nil {
		a.log.ErrorContext(ctx, "an event could not be kept; Slack will send it again", "type", event.InnerEvent.Type, "err", err)
		return
	}
	a.ack(ctx, client, envelope, nil)
}

// groupChanged has the members of a group asked for again, by all replicas.
func (a *App) groupChanged(ctx context.Context, group string) error {
	if !slices.Contains(a.cfg.Policy.Groups(), group) {
		return nil
	}
	a.people.flights.Forget(group)
	return a.desk.Changed(ctx, group)
}
