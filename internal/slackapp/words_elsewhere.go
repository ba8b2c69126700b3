package slackapp

import (
	"fmt"
	"strings"

	"ecsbot/internal/approvals"
)

// Words for what could not be said where it belongs.

// sayElsewhere is what a person hears privately, and in their Home, since its
// channel did not take it.
func sayElsewhere(m approvals.Message) string {
	r, n := m.Request, m.Notes[0]
	switch {
	case n.Topic.Announces():
		return sayAnnouncement(n) + "\n" + fmt.Sprintf("I could not announce this in <#%s>. ", r.Channel) + sayMakeRoom(m.Refused)
	case r.State == "":
		return fmt.Sprintf(":warning: I could not say something about %s in its channel, and its record is gone.", code(r.ID))
	case n.Topic == approvals.TopicCard && r.LastDecision().Choice == approvals.ChoseNoCard:
		return sayUnposted(r, m.Refused)
	case n.Topic == approvals.TopicCard:
		return fmt.Sprintf(":warning: I could not post the card of %s in <#%s>; it is decided already. %s tells how it stands. ", code(r.ID), r.Channel, code("/ecs-stop status "+r.ID)) + sayMakeRoom(m.Refused)
	case n.Topic == approvals.TopicOutcome:
		return sayEnd(r) + "\n" + sayNotThere(r, m.Refused)
	}
	return code(r.ID) + " " + sayNotes(r, m.Notes) + "\n" + sayNotThere(r, m.Refused)
}

func sayUnposted(r approvals.Request, refused string) string {
	return fmt.Sprintf(":x: I could not post the card of %s in <#%s>, so the request is withdrawn. %s Then ask again.", code(r.ID), r.Channel, sayMakeRoom(refused))
}

func sayNotThere(r approvals.Request, refused string) string {
	return fmt.Sprintf("I could not say this in its thread in <#%s>. %s %s tells the rest.", r.Channel, sayMakeRoom(refused), code("/ecs-stop status "+r.ID))
}

// sayMakeRoom is what can be done about a channel that did not take a message.
func sayMakeRoom(refused string) string {
	switch {
	case refused == "not_in_channel" || refused == "channel_not_found":
		return "Invite me there (type `/invite` in that channel)."
	case refused == "is_archived" || refused == "is_inactive":
		return "That channel is archived: bring it back, or use another one."
	case strings.HasPrefix(refused, "restricted_action") || refused == "no_permission" || refused == "ekm_access_denied":
		return "The workspace restricts who may post there: ask its admins to let this app post."
	case refused == "":
		return "Tell the people who run this bot."
	}
	return "Tell the people who run this bot that Slack says " + code(refused) + "."
}

// sayUnshared tells that a file could not be attached.
func sayUnshared(r approvals.Request, n approvals.Note) string {
	what, where := "the list of all servers", "*Show servers* on the card has it."
	if n.Why == string(approvals.TopicResults) {
		what, where = "the results of all servers", code("/ecs-stop status "+r.ID)+" tells the most of it."
	}
	s := fmt.Sprintf(":page_facing_up: I could not attach %s: Slack's file store does not take it from here. %s", what, where)
	if n.Code != "" {
		s = fmt.Sprintf(":page_facing_up: I could not attach %s: Slack says %s. %s", what, code(n.Code), where)
	}
	return s
}
