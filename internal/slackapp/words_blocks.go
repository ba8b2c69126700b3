package slackapp

import (
	"fmt"

	"ecsbot/internal/approvals"
)

// Words of the newer blocks.

// The outcome's table.

const (
	sayTableCaption = "Result of each server"
	sayNothing      = "–" // a cell without a value
	sayUnconfirmed  = "no job confirms it"
)

var sayTableHeader = []string{"Server", "Result", "Code", "Reason", "Seconds"}

// sayRowsLeft tells of the servers that the table does not show.
func sayRowsLeft(n int, file bool) string {
	if file {
		return fmt.Sprintf(":page_facing_up: The table leaves out %s. All of them follow as a file.", count(n, "server"))
	}
	return fmt.Sprintf("The table leaves out %s.", count(n, "server"))
}

// The plan of a running request.

const (
	sayDoneAbout  = "All done about"
	sayWaitsSince = "Waiting since"
)

func sayPlanTitle(r approvals.Request) string {
	return fmt.Sprintf("%s: %s of %s done", doing(r.Action), thousands(r.Tally.Good()), count(r.Total, "server"))
}

func sayCallsDone(r approvals.Request, done int) string {
	return fmt.Sprintf("%s of %s done: %s", thousands(done), count(r.Batches, "call"), sayTally(approvals.Tally{
		Stopped: r.Tally.Stopped, Off: r.Tally.Off, Started: r.Tally.Started, On: r.Tally.On, LeftOut: r.Tally.LeftOut, NotSent: r.Tally.NotSent}))
}

// sayBad is what did not end well in the calls that are done.
func sayBad(t approvals.Tally) string {
	return sayTally(approvals.Tally{Failed: t.Failed, Unknown: t.Unknown})
}

// sayCallsOpen tells of the calls that have not ended; sent says that all of them were
// sent.
func sayCallsOpen(r approvals.Request, n int, sent bool) string {
	if sent {
		return count(n, "call") + " running in the cloud."
	}
	return fmt.Sprintf("%s of %s open.", thousands(n), count(r.Batches, "call"))
}

func (v view) sayWaiting(r approvals.Request) string {
	return fmt.Sprintf("Call %s waits for the cloud's limit of %s a minute%s.", sayCall(r, r.WaitingBatch-1), count(v.Rate, "server"), sayPlace(r.QueuePosition))
}

func sayPlanFrozen(open int) string {
	return fmt.Sprintf("Sending is paused; %s open.", count(open, "call"))
}

// The lists that fold.

func sayServersTitle(r approvals.Request) string { return count(r.Total, "server") }

func sayLeftOutTitle(r approvals.Request) string {
	return count(r.LeftOutCount, "server") + " left out"
}
