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
	be, where := "are", "not shown"
	if n == 1 {
		be = "is"
	}
	if file {
		where = "in the file that follows"
	}
	return fmt.Sprintf("%s %s %s.", count(n, "more server"), be, where)
}

// The plan of a running request.

const (
	sayDoneAbout  = "Done about"
	sayWaitsSince = "Waiting since"
)

func sayPlanTitle(r approvals.Request) string {
	return doing(r.Action) + ": " + sayOfAll(r) + " " + pastTense(r.Action)
}

// countBatches writes a number of batches.
func countBatches(n int) string {
	if n == 1 {
		return "1 batch"
	}
	return thousands(n) + " batches"
}

func sayBatchesDone(r approvals.Request, done int) string {
	return fmt.Sprintf("%s of %s done: %s", thousands(done), countBatches(r.Batches), sayTally(approvals.Tally{
		Stopped: r.Tally.Stopped, Off: r.Tally.Off, Started: r.Tally.Started, On: r.Tally.On, LeftOut: r.Tally.LeftOut, NotSent: r.Tally.NotSent}))
}

// sayBad is what did not end well in the batches that are done.
func sayBad(t approvals.Tally) string {
	return sayTally(approvals.Tally{Failed: t.Failed, Unknown: t.Unknown})
}

// sayBatchesOpen tells of the batches that have not ended; sent says that all of them
// were sent.
func sayBatchesOpen(r approvals.Request, n int, sent bool) string {
	if sent {
		return countBatches(n) + " running in Huawei Cloud."
	}
	return fmt.Sprintf("%s of %s in progress.", thousands(n), countBatches(r.Batches))
}

func sayPlanFrozen(open int) string {
	return fmt.Sprintf("Sending is frozen; %s not finished.", countBatches(open))
}

// The lists that fold.

// sayServersTitle counts the servers and names them as far as there is room, as plain
// text.
func sayServersTitle(r approvals.Request) string {
	names := sayRuns(r.Named()[:min(3, len(r.Named()))], r.Total, 100)
	return clipRunes(withoutControls(plainly(count(r.Total, "server")+": "+names)), maxFoldedTitle)
}

// maxFoldedTitle is how many characters the title of a container holds.
const maxFoldedTitle = 150

func saySkippedTitle(r approvals.Request) string { return "Skipped " + thousands(r.LeftOutCount) }
