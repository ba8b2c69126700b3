package slackapp

import (
	"errors"
	"fmt"
	"strings"

	"ecsbot/internal/approvals"
)

// Every sentence that people read is in the files words*.go: here what is said
// everywhere, and beside it the words of the card, of the thread, of forms and
// Home, for causes, and what is told privately. Each says what happened and, where
// there is something to do, what to do. Foreign text in them is escaped.

const (
	sayBusy          = ":hourglass_flowing_sand: I have too much to do right now, and did nothing about this. Please try again in a minute."
	sayLooking       = ":mag: Looking up the servers …"
	sayStoreAway     = ":warning: I cannot reach my store right now, so I may not have got this. In a minute, look at `/ecs-stop list` before you repeat it."
	sayStale         = ":warning: I got to this only after ten minutes, so I did nothing about it. Please do it again if it is still wanted."
	sayUnknownButton = ":grey_question: I do not know this button; nothing was done."
	sayHardRisk      = ":warning: *HARD cuts the power.* Unsaved data is lost, and a file system may be damaged."

	sayApprove         = "Approve"
	sayDeny            = "Deny"
	sayCancel          = "Cancel request"
	sayConfirmNo       = "Not yet"
	sayDenySubmit      = "Deny"
	sayDenyClose       = "Back"
	sayDenyLabel       = "Why not? (shown in the channel)"
	sayDenyPlaceholder = "Optional"
)

// sayUnkept tells why an interaction could not be recorded.
func sayUnkept(err error) string {
	var no *approvals.Refusal
	if errors.As(err, &no) {
		return sayRefusal(no)
	}
	return sayStoreAway
}

func sayDenyTitle(id string) string { return "Deny " + id }

func sayFormFailed(id string) string {
	return fmt.Sprintf(":warning: I could not open the form in time; nothing was decided. Click again, or type %s.", code("/ecs-stop deny "+id+" reason"))
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

// sayHow is the way of a stop; a start has only one.
func sayHow(r approvals.Request) string {
	if r.Action == approvals.Start {
		return ""
	}
	return fmt.Sprintf(" (%s)", r.Mode)
}

func sayAll(r approvals.Request) string {
	switch start := r.Action == approvals.Start; {
	case start && r.Total == 1:
		return "the server runs"
	case start:
		return "all " + count(r.Total, "server") + " run"
	case r.Total == 1:
		return "the server is off"
	}
	return "all " + count(r.Total, "server") + " are off"
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
	return fmt.Sprintf("%s froze everything %s; nothing is sent until an approver types %s.", mention(f.By), clock(f.At), code("/ecs-stop unfreeze")) + quoted(f.Reason)
}

// sayFrozenToo goes with the answer to an ask.
func sayFrozenToo(f approvals.Freeze) string {
	return ":snowflake: You can ask and approve, but it is frozen: " + sayFreeze(f)
}

const (
	sayDidFreeze   = ":snowflake: Frozen: no request is sent to the cloud until somebody types `/ecs-stop unfreeze`. What was sent goes on."
	sayDidUnfreeze = ":sunny: The freeze is lifted. What was approved is sent now."
)

const (
	sayUnheard      = ":warning: I could not announce this: I am no member of this channel, or it is a direct message. Tell the others yourself, or invite me and name a channel for announcements in my settings (APPROVAL_CHANNEL)."
	sayPlaceOutside = ":no_entry: People from outside your workspace read this channel, and the request would show servers and addresses here. Nothing was asked for: use a channel of your own workspace."
	sayPlaceGroup   = ":no_entry: A request cannot stand in a direct message. Nothing was asked for: use a channel where I am a member."
	sayPlaceUnknown = ":warning: I cannot find out who reads this conversation, so nothing was asked for. Use a channel where I am a member, or try again in a minute."
	sayUnread       = ":x: I could not read that, so nothing was done. Please type it again."
)

// sayAnnouncement is a channel's own message.
func sayAnnouncement(n approvals.Note) string {
	if n.Topic == approvals.TopicUnfrozen {
		return fmt.Sprintf(":sunny: *Not frozen any more.* %s lifted the freeze; approved requests go on.", mention(n.By))
	}
	return fmt.Sprintf(":snowflake: *Frozen by %s.* No request is sent to the cloud until an approver types %s. Running jobs go on; you can ask and approve meanwhile.", mention(n.By), code("/ecs-stop unfreeze")) + quoted(n.Why)
}

// sayHolder is a request that holds servers which somebody else wants.
func sayHolder(r approvals.Request, link string) string {
	name := code(r.ID)
	if link != "" {
		name = "<" + link + "|" + r.ID + ">"
	}
	return fmt.Sprintf("%s: %s, %s by %s, %s", name, sayStateWord(r), count(r.Total, "server"), mention(r.Requester), clock(r.Created))
}
