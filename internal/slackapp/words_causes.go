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

	// Why a batch waits: "Batch 1 of 2 has to wait: …"
	case approvals.CauseCloudBusy:
		return "Huawei Cloud is busy or can't be reached. I keep trying"
	case approvals.CauseThrottled:
		return "Huawei Cloud is rate-limiting us (429). I retry in a minute"
	case approvals.CauseUnreadable:
		return "Huawei Cloud doesn't show me the state of the servers, and I send nothing without it. I keep trying"
	case approvals.CauseInProgress:
		return "its servers are changing state, perhaps after my earlier call. I send nothing until that is over"
	case approvals.CauseNewerVersion:
		return "it needs a newer version of this bot. It resumes when the upgrade is finished"
	case approvals.CauseStoreFull:
		return "my database is full. It resumes when there is room; tell the people who run this bot"
	case approvals.CauseStoreUnsafe:
		return "my database may lose data, so I send nothing. Tell the people who run this bot"
	case approvals.CauseStoreRestart:
		return "my database restarted just before the call, so I did not make it. It resumes by itself in about a minute"
	case approvals.CauseProcessPaused:
		return "I was suspended just before the call, so I did not make it. I retry now"
	case approvals.CauseClockJumped:
		return "the clock of my database jumped, so I can't keep to Huawei Cloud's limit. It resumes by itself in about a minute"
	case approvals.CauseClocksDiffer:
		return "the clocks of my database and my machine differ by more than ten seconds, so I can't keep to Huawei Cloud's limit. I retry every minute; tell the people who run this bot to synchronize them"
	case approvals.CauseUnconfirmed:
		return "no replica of my database confirmed the record of this call, so I did not make it. I keep trying; if this lasts, tell the people who run this bot"
	case approvals.CauseProjectGone:
		return "its project is not in my settings any more. Cancel it, or tell the people who run this bot"
	case approvals.CauseParked:
		return "it has crashed many times in a row. I retry in an hour; tell the people who run this bot, the log shows the error"

	// Why a call is unclear: "No reply from Huawei Cloud for batch 1 of 2: …"
	case approvals.CauseAnswerLost:
		return "the reply was lost or unreadable"
	case approvals.CauseSenderGone:
		return "I restarted before I could record the reply"

	// Why a job is not followed any longer.
	case approvals.CauseJobNotFound:
		return "Huawei Cloud no longer knows job " + c.Detail()
	case approvals.CauseJobTooOld:
		return "its job was not finished after " + sayLength(c.Detail())

	// Why the outcome of a server is not known: "web-1: …"
	case approvals.CauseServerGone:
		return "no longer exists"
	case approvals.CauseChangedSince:
		return "changed after a call whose reply was lost; I can't tell by whom"
	case approvals.CauseRunsAgain:
		return "running, but changed after the call; someone may have started it again"
	case approvals.CauseOffAgain:
		return "stopped, but changed after the call; someone may have stopped it again"
	case approvals.CauseNoEffectSeen:
		return "unchanged after the call, although I saw it change state"
	case approvals.CauseNoEffectLost:
		return "unchanged after the call, but the reply was lost; it may still take effect"
	case approvals.CauseNoEffectJob:
		s := "unchanged, although Huawei Cloud accepted the call"
		if why := sayCause(approvals.ParseCause(c.Detail())); why != "" {
			s += "; " + why
		}
		return s
	case approvals.CauseManyUnclear:
		return c.Detail() + " calls got no clear reply, so I stopped trying"
	case approvals.CauseStillStopping:
		return "still stopping after " + sayLength(c.Detail()) + "; I stopped waiting"
	case approvals.CauseStillStarting:
		return "still starting after " + sayLength(c.Detail()) + "; I stopped waiting"
	case approvals.CauseUnexpectedState:
		return "its state is " + c.Detail()
	case approvals.CauseJobDisagrees:
		return "its job is done, but its state is " + c.Detail()
	case approvals.CauseJobSilent:
		return "its job gave no result, and its state is " + c.Detail()
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
	if c.Kind() == (approvals.Cause{}) {
		why += ". I keep trying"
	}
	// A request that is parked may have no batch yet.
	if r.Batches <= 1 || c.Kind() == approvals.CauseParked {
		return fmt.Sprintf(":warning: This request has to wait: %s.", why)
	}
	return fmt.Sprintf(":warning: %s has to wait: %s.", sayBatch(r, n.Batch), why)
}

func sayUnclear(r approvals.Request, n approvals.Note) string {
	batch := ""
	if r.Batches > 1 {
		batch = fmt.Sprintf(" for batch %s of %s", thousands(n.Batch+1), thousands(r.Batches))
	}
	return fmt.Sprintf(":warning: No clear reply from Huawei Cloud%s: %s. I'm checking the servers before I retry; this can take a few minutes.", batch, escape(sayCause(n.Cause())))
}

func sayLate(r approvals.Request, n approvals.Note) string {
	what := sayBatch(r, n.Batch)
	if n.Job != "" {
		what = "Job " + code(n.Job)
	}
	return fmt.Sprintf(":hourglass_flowing_sand: %s is still running after %s (%s left). I'll post the result here; if it's urgent, check the Huawei Cloud console.", what, escape(sayLength(n.Why)), count(n.Count, "server"))
}
