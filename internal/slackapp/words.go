package slackapp

import (
	"errors"
	"fmt"
	"strings"

	"ecsbot/internal/approvals"
)

// Every sentence that people read is in the files words*.go: here what is said
// everywhere, and beside it the words of the card, of the thread, of forms and
// Home, for causes, and what is said privately. Each says what happened and, where
// there is something to do, what to do. Foreign text in them is escaped.

const (
	sayBusy          = ":warning: I'm overloaded and did not process this. Please try again in a minute."
	sayLooking       = ":hourglass_flowing_sand: Looking up the servers …"
	sayStoreAway     = ":warning: I can't reach my database, so this may not have been saved. Wait a minute and check `/ecs-stop list` before you repeat it."
	sayStale         = ":warning: This was delayed by more than ten minutes, so I ignored it. Please do it again if you still want it."
	sayUnknownButton = ":x: This button no longer works. Nothing was changed."
	sayHardRisk      = ":warning: *Power off:* unsaved data is lost, file systems may be damaged."

	sayApprove    = "Approve"
	sayDeny       = "Deny"
	sayCancel     = "Cancel request"
	sayConfirmNo  = "Not yet"
	sayDenyTitle  = "Deny request"
	sayDenySubmit = "Deny"
	sayDenyClose  = "Back"
	sayDenyLabel  = "Reason"
	sayDenyHint   = "Shown in the channel."
)

// sayUnkept tells why an interaction could not be recorded.
func sayUnkept(err error) string {
	var no *approvals.Refusal
	if errors.As(err, &no) {
		return view{}.sayRefusal(no)
	}
	return sayStoreAway
}

// sayDenyIntro says which request is about to be denied.
func sayDenyIntro(r approvals.Request) string {
	return fmt.Sprintf("%s %s in %s, requested by %s (%s).", upper(toDo(r.Action)), count(r.Total, "server"), bold(r.Project), mention(r.Requester), code(r.ID))
}

func sayFormFailed(id string) string {
	return fmt.Sprintf(":warning: I couldn't open the form in time; nothing was denied. Click again or type %s.", code("/ecs-stop deny "+id+" reason"))
}

// Words for stops and starts.

func toDo(a approvals.Action) string {
	if a == approvals.Start {
		return "start"
	}
	return "stop"
}

func doing(a approvals.Action) string {
	if a == approvals.Start {
		return "Starting"
	}
	return "Stopping"
}

func pastTense(a approvals.Action) string {
	if a == approvals.Start {
		return "started"
	}
	return "stopped"
}

func upper(word string) string { return strings.ToUpper(word[:1]) + word[1:] }

// sayHow is how the servers are stopped; a start has only one way.
func sayHow(r approvals.Request) string {
	switch {
	case r.Action == approvals.Start:
		return ""
	case r.Mode == approvals.Hard:
		return " · *power off*"
	}
	return " · graceful shutdown"
}

func sayTotal(r approvals.Request) string {
	if r.Action == approvals.Start {
		return count(r.Total, "server") + " to start"
	}
	return count(r.Total, "server")
}

// Words of the freeze.

// quoted is a reason after a whole sentence.
func quoted(reason string) string {
	if reason == "" {
		return ""
	}
	return "\n> " + escape(reason)
}

func sayFreeze(f approvals.Freeze) string {
	return fmt.Sprintf("Sending is frozen by %s since %s, until an approver types %s.", mention(f.By), clock(f.At), code("/ecs-stop unfreeze")) + quoted(f.Reason)
}

// sayFrozenToo goes with the answer to an ask.
func sayFrozenToo(f approvals.Freeze) string {
	return ":snowflake: " + sayFreeze(f) + "\nIt can be approved now; it is sent when the freeze is lifted."
}

const (
	sayDidFreeze   = ":snowflake: Sending is frozen until an approver types `/ecs-stop unfreeze`. Anything already sent will finish."
	sayDidUnfreeze = ":white_check_mark: The freeze is lifted. Approved requests are being sent."
)

const (
	sayUnheard      = ":warning: I couldn't announce this here: I am not in this channel, or it is a direct message. Tell the others yourself. To have it announced, invite me here or set APPROVAL_CHANNEL."
	sayPlaceOutside = ":x: People outside your workspace can read this channel and would see your servers. No request was created. Use an internal channel."
	sayPlaceGroup   = ":x: Requests don't work in direct messages. No request was created. Use a channel that I am in."
	sayPlaceUnknown = ":warning: I can't tell who can read this conversation. No request was created. Use a channel that I am in, or try again in a minute."
	sayUnread       = ":x: I couldn't read that. Nothing was changed. Please retype it."
)

// sayAnnouncement is a channel's own message.
func sayAnnouncement(n approvals.Note) string {
	if n.Topic == approvals.TopicUnfrozen {
		return fmt.Sprintf(":white_check_mark: *Freeze lifted by %s.* Approved requests are being sent.", mention(n.By))
	}
	return fmt.Sprintf(":snowflake: *Sending frozen by %s* until an approver types %s. Anything already sent will finish; you can still request and approve.", mention(n.By), code("/ecs-stop unfreeze")) + quoted(n.Why)
}

// sayHolder is a request that holds servers which somebody else wants.
func sayHolder(r approvals.Request, link string) string {
	id := code(r.ID)
	if link != "" {
		id = "<" + link + "|" + r.ID + ">"
	}
	return fmt.Sprintf("%s %s · %s · %s · %s", id, sayStateWord(r), count(r.Total, "server"), mention(r.Requester), clock(r.Created))
}
