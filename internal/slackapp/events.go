package slackapp

import (
	"context"
	"slices"

	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
)

// receiveEvent receives what Slack tells by the Events API. An event that could
// not be stored is not acknowledged: then Slack sends it again.
func (s *sockets) receiveEvent(ctx context.Context, client *socketmode.Client, envelope string, event slackevents.EventsAPIEvent) {
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordWithin)
	defer cancel()
	var err error
	switch e := event.InnerEvent.Data.(type) {
	case *slackevents.AppHomeOpenedEvent:
		if e.Tab == "home" {
			err = s.desk.HomeOpened(within, e.User)
		}
	case *slackevents.FunctionExecutedEvent:
		err = s.recordStep(within, e)
	case *slackevents.SubteamMembersChangedEvent:
		err = s.roles.groupChanged(within, e.SubteamID)
	case *slackevents.SubteamUpdatedEvent:
		err = s.roles.groupChanged(within, e.Subteam.ID)
	}
	if err != nil {
		s.log.ErrorContext(ctx, "an event could not be kept; Slack will send it again", "type", event.InnerEvent.Type, "err", err)
		return
	}
	s.ack(ctx, client, envelope, nil)
}

// groupChanged has the members of a group asked for again, by all replicas.
func (ro *roles) groupChanged(ctx context.Context, group string) error {
	if !slices.Contains(ro.desk.Projects().Groups(), group) {
		return nil
	}
	ro.flights.Forget(group)
	return ro.desk.Changed(ctx, group)
}
