package slackapp

import (
	"fmt"
	"strings"

	"ecsbot/internal/approvals"
)

// Words for what could not be said where it belongs.

// sayElsewhere is what a person hears privately, and in their Home, since its
// channel did not take it.
func (v view) sayElsewhere(m approvals.Message) string {
	r, n := m.Request, m.Notes[0]
	switch {
	case n.Topic.Announces():
		return sayAnnouncement(n) + "\n" + fmt.Sprintf("I couldn't announce this in <#%s>. ", r.Channel) + sayMakeRoom(m.Refused)
	case r.State == "":
		return fmt.Sprintf(":warning: I couldn't post an update about %s in its channel, and its record is gone.", code(r.ID))
	case n.Topic == approvals.TopicCard && r.LastDecision().Choice == approvals.ChoseNoCard:
		return sayUnposted(r, m.Refused)
	case n.Topic == approvals.TopicCard:
		return fmt.Sprintf(":warning: I couldn't post the card of %s in <#%s>; it is decided already. Check it with %s. ", code(r.ID), r.Channel, code("/ecs-stop status "+r.ID)) + sayMakeRoom(m.Refused)
	case n.Topic == approvals.TopicOutcome:
		return sayEnd(r) + "\n" + sayNotThere(r, m.Refused)
	}
	return code(r.ID) + " " + v.sayNotes(r, m.Notes) + "\n" + sayNotThere(r, m.Refused)
}

func sayUnposted(r approvals.Request, refused string) string {
	return fmt.Sprintf(":x: I couldn't post the card of %s in <#%s>, so the request is cancelled. %s Then request it again.", code(r.ID), r.Channel, sayMakeRoom(refused))
}

func sayNotThere(r approvals.Request, refused string) string {
	return fmt.Sprintf("I couldn't post this in its thread in <#%s>. %s Details: %s.", r.Channel, sayMakeRoom(refused), code("/ecs-stop status "+r.ID))
}

// sayMakeRoom is what can be done about a channel that did not take a message.
func sayMakeRoom(refused string) string {
	switch {
	case refused == "not_in_channel" || refused == "channel_not_found":
		return "Type `/invite` in that channel to add me."
	case refused == "is_archived" || refused == "is_inactive":
		return "That channel is archived: restore it, or use another one."
	case strings.HasPrefix(refused, "restricted_action") || refused == "no_permission" || refused == "ekm_access_denied":
		return "The workspace restricts posting there: ask an admin to allow this app."
	case refused == "":
		return "Tell the people who run this bot."
	}
	return "Tell the people who run this bot that Slack says " + code(refused) + "."
}

// sayUnshared tells that a file could not be attached.
func sayUnshared(r approvals.Request, n approvals.Note) string {
	what, where := "the list of all servers", "Use *Show servers* on the card instead."
	if n.Why == string(approvals.TopicResults) {
		what, where = "the results of all servers", "Use "+code("/ecs-stop status "+r.ID)+" instead."
	}
	s := fmt.Sprintf(":warning: I couldn't attach %s: Slack did not accept the upload. %s", what, where)
	if n.Code != "" {
		s = fmt.Sprintf(":warning: I couldn't attach %s: Slack says %s. %s", what, code(n.Code), where)
	}
	return s
}
