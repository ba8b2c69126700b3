package slackapp

import (
	"fmt"
	"time"

	"ecsbot/internal/approvals"
)

// Words for why a call waits or is unclear, and why an outcome is not known.

// sayCause is a cause as part of a sentence, without its full stop: what
// happened and, where there is something to wait for or to do, that. It is plain
// text, for messages and for tables. What older versions stored as a sentence,
// and what the cloud said, stays as it is.
func sayCause(c approvals.Cause) string {
	switch c.Kind() {
	case approvals.Cause{}:
		return c.Detail()

	// Why a batch waits: "Call 1 of 2 has to wait: …"
	case approvals.CauseCloudBusy:
		return "the cloud is busy or cannot be reached. I keep trying"
	case approvals.CauseThrottled:
		return "the cloud says that its rate limit is used up, perhaps by somebody else in the account. I pause for at least a minute, then go on"
	case approvals.CauseUnreadable:
		return "the cloud does not show me the state of the servers, and I send nothing without it. I keep trying"
	case approvals.CauseInProgress:
		return "its servers are changing state right now, perhaps after my earlier call. I watch them and send nothing until that is over"
	case approvals.CauseNewerVersion:
		return "only a newer version of this bot can carry it on. It goes on once the upgrade is finished"
	case approvals.CauseStoreFull:
		return "my database is full, and I make no call that I cannot record. It goes on once there is room; tell the people who run this bot"
	case approvals.CauseStoreUnsafe:
		return "my database may lose what is written to it, so I send nothing. It goes on once that is fixed; tell the people who run this bot"
	case approvals.CauseStoreRestart:
		return "my database was restarted just before the call, so I did not make it. It goes on by itself in about a minute"
	case approvals.CauseProcessPaused:
		return "my process was suspended just before the call, so I did not make it. I try again"
	case approvals.CauseClockJumped:
		return "the clock of my database jumped ahead, so I cannot tell how much of the cloud's rate limit is used. I send nothing for about a minute, then go on"
	case approvals.CauseClocksDiffer:
		return "the clocks of my database and of my machine are more than ten seconds apart, so I cannot keep to the cloud's rate limit. I try again every minute; tell the people who run this bot to synchronize them"
	case approvals.CauseUnconfirmed:
		return "no replica of my database has confirmed the record of this call, so I did not make it. I keep trying; if this lasts, tell the people who run this bot"
	case approvals.CauseParked:
		return "work on it has crashed many times in a row. I try again in an hour; tell the people who run this bot, its log shows the error"

	// Why a call is unclear: "It is not clear whether the cloud took call 1 of 2: …"
	case approvals.CauseAnswerLost:
		return "its answer was lost or could not be read"
	case approvals.CauseSenderGone:
		return "my process was interrupted before it recorded the answer"

	// Why a job is not followed any longer.
	case approvals.CauseJobNotFound:
		return "the cloud no longer knows job " + c.Detail()
	case approvals.CauseJobTooOld:
		return "its job was not done after " + sayLength(c.Detail())

	// Why the outcome of a server is not known: "web-1: …"
	case approvals.CauseServerGone:
		return "the cloud no longer shows it"
	case approvals.CauseChangedSince:
		return "changed after a call whose answer was lost; I cannot tell by whom"
	case approvals.CauseRunsAgain:
		return "runs, but was changed after the call; somebody may have started it again"
	case approvals.CauseOffAgain:
		return "is off, but was changed after the call; somebody may have stopped it again"
	case approvals.CauseNoEffectSeen:
		return "is as it was before the call, although I saw it change state"
	case approvals.CauseNoEffectLost:
		return "is as it was before the call, but the answer to the call was lost; it may still take effect"
	case approvals.CauseNoEffectJob:
		s := "is as it was before the call, although the cloud accepted it"
		if why := sayCause(approvals.ParseCause(c.Detail())); why != "" {
			s += "; " + why
		}
		return s
	case approvals.CauseManyUnclear:
		return c.Detail() + " calls brought no clear answer, so I made no other"
	case approvals.CauseStillStopping:
		return "still powering off after " + sayLength(c.Detail()) + "; I stopped waiting"
	case approvals.CauseStillStarting:
		return "still powering on after " + sayLength(c.Detail()) + "; I stopped waiting"
	case approvals.CauseUnexpectedState:
		return "its state is " + c.Detail()
	case approvals.CauseJobDisagrees:
		return "its job is done, but its state is " + c.Detail()
	case approvals.CauseJobSilent:
		return "its job has no result for it, and its state is " + c.Detail()
	}
	return c.String()
}

// sayLength is a stored duration as people say it.
func sayLength(stored string) string {
	d, err := time.ParseDuration(stored)
	if err != nil {
		return stored
	}
	return took(d)
}

func sayTrouble(r approvals.Request, n approvals.Note) string {
	c := n.Cause()
	why := escape(sayCause(c))
	switch c.Kind() {
	case approvals.Cause{}:
		why += ". I keep trying"
	case approvals.CauseParked: // not always a call: it may have none yet
		return ":warning: This request has to wait: " + why + "."
	}
	return fmt.Sprintf(":warning: Call %s has to wait: %s.", sayCall(r, n.Batch), why)
}

func sayUnclear(r approvals.Request, n approvals.Note) string {
	return fmt.Sprintf(":mag: It is not clear whether the cloud took call %s: %s. I check its servers before anything is sent again; that can take some minutes.", sayCall(r, n.Batch), escape(sayCause(n.Cause())))
}

func sayLate(r approvals.Request, n approvals.Note) string {
	what := "call " + sayCall(r, n.Batch)
	if n.Job != "" {
		what = "the cloud's job " + code(n.Job)
	}
	have := "have"
	if n.Count == 1 {
		have = "has"
	}
	return fmt.Sprintf(":hourglass_flowing_sand: After %s %s is still not done: %s %s no result. I keep watching and tell the end here. If it is urgent, look at the servers in the cloud's console.", escape(sayLength(n.Why)), what, count(n.Count, "server"), have)
}
