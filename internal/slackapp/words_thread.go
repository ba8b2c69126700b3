package slackapp

import (
	"fmt"
	"slices"
	"strings"

	"ecsbot/internal/approvals"
)

// Words in the thread.

func (v view) sayNotes(r approvals.Request, notes []approvals.Note) string {
	n := notes[0]
	switch n.Topic {
	case approvals.TopicLeftOut:
		return sayLeftOutNote(n)
	case approvals.TopicEscalated:
		return v.sayEscalated(r, n)
	case approvals.TopicForbidden:
		return sayForbidden(r, n)
	case approvals.TopicApproved:
		if n.By == "" {
			return ":white_check_mark: " + sayAutomatic(r) + "."
		}
		if n.Count < r.ApprovalsNeeded {
			return fmt.Sprintf(":white_check_mark: %s approved (%d of %d).", mention(n.By), n.Count, r.ApprovalsNeeded)
		}
		return fmt.Sprintf(":white_check_mark: %s approved.", mention(n.By))
	case approvals.TopicDenied:
		return fmt.Sprintf(":x: %s: %s denied your request. Nothing was %s.", mention(r.Requester), mention(n.By), pastTense(r.Action)) + quoted(n.Why)
	case approvals.TopicCancelled:
		if r.Cancellation != nil {
			return fmt.Sprintf(":x: %s cancelled this. Servers already sent will still %s; the rest won't be touched.", mention(n.By), toDo(r.Action))
		}
		return fmt.Sprintf(":x: %s cancelled this request. Nothing was %s.", mention(n.By), pastTense(r.Action))
	case approvals.TopicLapsed:
		return fmt.Sprintf(":x: %s: sending was held up and the approval is more than %s old, so the rest won't be sent. Request it again if you still need it.", mention(r.Requester), took(r.ApprovalLife()))
	case approvals.TopicExpired:
		return fmt.Sprintf(":x: %s: your request was not approved in time. Nothing was %s. Request it again if you still need it.", mention(r.Requester), pastTense(r.Action))
	case approvals.TopicSent:
		return saySent(r, notes)
	case approvals.TopicUnclear:
		return sayUnclear(r, n)
	case approvals.TopicOverdue:
		return sayLate(r, n)
	case approvals.TopicPaused:
		return ":hourglass_flowing_sand: My database restarted. Sending is paused for about a minute, then resumes by itself."
	case approvals.TopicFrozenBatch:
		return fmt.Sprintf(":snowflake: On hold: %s froze sending. Anything already sent will finish.", mention(n.By)) + quoted(n.Why)
	case approvals.TopicResolved:
		return saySettled(r, n)
	case approvals.TopicBatchFailed:
		return sayBatchFailed(r, notes)
	case approvals.TopicRetried:
		return fmt.Sprintf(":gear: Retried as %s by %s.", v.ref(n.As), mention(n.By))
	case approvals.TopicStart:
		return fmt.Sprintf(":hourglass_flowing_sand: Start requested as %s by %s.", v.ref(n.As), mention(n.By))
	case approvals.TopicUnshared:
		return sayUnshared(r, n)
	case approvals.TopicTrouble:
		return sayTrouble(r, n)
	}
	return string(n.Topic)
}

// sayBatch begins a sentence about a batch.
func sayBatch(r approvals.Request, n int) string {
	return fmt.Sprintf("Batch %s of %s", thousands(n+1), thousands(r.Batches))
}

// sayInBatch names the batch within a sentence; empty if there is only one.
func sayInBatch(r approvals.Request, n int) string {
	if r.Batches <= 1 {
		return ""
	}
	return fmt.Sprintf(" in batch %s of %s", thousands(n+1), thousands(r.Batches))
}

// saySent tells what the cloud has accepted, with the jobs for those who look into its
// console.
func saySent(r approvals.Request, notes []approvals.Note) string {
	servers := 0
	numbers, jobs := make([]int, len(notes)), make([]string, len(notes))
	for i, n := range notes {
		servers += n.Count
		numbers[i], jobs[i] = n.Batch+1, code(n.Job)
	}
	job := "job "
	if len(jobs) > 1 {
		job = "jobs "
	}
	job += strings.Join(jobs, ", ")
	in := ""
	switch {
	case r.Batches <= 1:
	case len(notes) == r.Batches:
		in = " in " + countBatches(r.Batches)
	default:
		in = " in " + sayBatchNumbers(numbers) + " of " + thousands(r.Batches)
	}
	return fmt.Sprintf(":gear: Sent to Huawei Cloud: %s%s (%s).", count(servers, "server"), in, job)
}

// sayBatchNumbers names batches: "batch 3", "batches 1 to 9", "batches 2, 4".
func sayBatchNumbers(numbers []int) string {
	numbers = slices.Sorted(slices.Values(numbers))
	first, last := numbers[0], numbers[len(numbers)-1]
	switch {
	case len(numbers) == 1:
		return "batch " + thousands(first)
	case len(numbers) > 2 && last-first == len(numbers)-1:
		return "batches " + thousands(first) + " to " + thousands(last)
	}
	said := make([]string, len(numbers))
	for i, n := range numbers {
		said[i] = thousands(n)
	}
	return "batches " + strings.Join(said, ", ")
}

// sayEnd is the first line of the outcome.
func sayEnd(r approvals.Request) string {
	t := r.Tally
	length := ""
	if !r.Started.IsZero() {
		length = " in " + took(r.Finished.Sub(r.Started))
	}
	sign, text := ":white_check_mark:", ""
	switch {
	case r.State == approvals.Cancelled:
		sign, text = ":x:", sayWhyStopped(r)+" before anything was sent."
	case cutShort(r) && (r.State == approvals.PartiallyFailed || r.State == approvals.Failed):
		sign, text = ":x:", fmt.Sprintf("%s after %s servers: %s", sayWhyStopped(r), sayOfAll(r), sayTally(t))
	case r.State == approvals.Succeeded && t.Stopped+t.Started == r.Total:
		text = fmt.Sprintf("%s of %s %s%s.", thousands(r.Total), count(r.Total, "server"), pastTense(r.Action), length)
	case r.State == approvals.Succeeded && t.Stopped+t.Started == 0:
		text = fmt.Sprintf("%s of %s %s. I checked their state; no job confirms that this request %s them.", thousands(r.Total), count(r.Total, "server"), areDone(r), pastTense(r.Action))
	case r.State == approvals.Succeeded:
		text = fmt.Sprintf("%s of %s %s: %s", thousands(r.Total), count(r.Total, "server"), areDone(r), sayTally(t))
	case r.State == approvals.PartiallyFailed && t.Good() == t.Stopped+t.Started:
		sign, text = ":warning:", fmt.Sprintf("%s servers %s%s, %s", sayOfAll(r), pastTense(r.Action), length, sayTally(bad(t)))
	case r.State == approvals.PartiallyFailed:
		sign, text = ":warning:", sayGoodOfAll(r)+": "+sayTally(t)
	case r.State == approvals.Failed && t.Failed == r.Total:
		sign, text = ":x:", fmt.Sprintf("no server was %s: %s of %s failed%s.", pastTense(r.Action), thousands(t.Failed), thousands(r.Total), strings.Replace(length, " in ", " after ", 1))
	case r.State == approvals.Failed:
		sign, text = ":x:", fmt.Sprintf("no server was %s: %s", pastTense(r.Action), sayTally(t))
	case r.State == approvals.Unknown:
		them := "them"
		if t.Unknown == 1 {
			them = "it"
		}
		sign, text = ":warning:", fmt.Sprintf("the state of %s is unknown. Check %s in the Huawei Cloud console, then mark %s below.", count(t.Unknown, "server"), them, them)
		if t.Unknown = 0; t.Done() > 0 {
			text += " The others: " + sayTally(t)
		}
	default:
		text = string(r.State)
	}
	return fmt.Sprintf("%s %s %s: %s", sign, mention(r.Requester), r.ID, text)
}

// bad is the part of a tally that did not end well.
func bad(t approvals.Tally) approvals.Tally {
	return approvals.Tally{Failed: t.Failed, LeftOut: t.LeftOut, Unknown: t.Unknown, NotSent: t.NotSent}
}

// sayWhyStopped tells in the outcome why the rest was not sent.
func sayWhyStopped(r approvals.Request) string {
	switch {
	case r.Cancellation == nil:
		return "cancelled"
	case r.Cancellation.Choice == approvals.ChoseLapse:
		return "the approval expired"
	}
	return "cancelled by " + mention(r.Cancellation.By)
}

// sayOutcomes tells of the servers of one outcome within budget bytes.
func sayOutcomes(g outcomeGroup, budget int) string {
	head := sayOutcomeHead(g)
	return head + sayOutcomeServers(g, budget-len(head))
}

func sayOutcomeHead(g outcomeGroup) string {
	n := thousands(len(g.results))
	return map[approvals.Outcome]string{
		approvals.Stopped:      "*Stopped and verified (" + n + "):*",
		approvals.FoundOff:     "*Stopped, but no job confirms it (" + n + "):*",
		approvals.Started:      "*Started and verified (" + n + "):*",
		approvals.FoundOn:      "*Running, but no job confirms it (" + n + "):*",
		approvals.Skipped:      "*Skipped, " + sayWhy(g.why) + " (" + n + "):*",
		approvals.ActionFailed: "*Failed (" + n + "):*",
		approvals.NotKnown:     "*Unknown (" + n + "):*",
		approvals.NotSent:      "*Not sent (" + n + "):*",
	}[g.outcome]
}

// sayOutcomeServers names the servers. Those about which somebody has to do something
// come with their ids, one to a line.
func sayOutcomeServers(g outcomeGroup, budget int) string {
	budget -= 30
	toDo := g.outcome == approvals.ActionFailed || g.outcome == approvals.NotKnown
	switch {
	case !toDo:
		return " " + sayResultNames(g.results, min(budget, namesBudget))
	case len(g.results) <= fewResults:
		return "\n" + listing(g.results, len(g.results), budget, resultLine)
	}
	// Many are named together with those that share their reason.
	var b strings.Builder
	rest := len(g.results)
	for _, same := range bySaid(g.results) {
		said := cloudSaid(same[0])
		if said != "" {
			said += ": "
		}
		if b.Len()+len(said)+200 > budget {
			b.WriteString(sayMore(rest))
			break
		}
		b.WriteString("• " + said + sayResultNames(same, min(budget-b.Len()-len(said)-50, namesBudget)) + "\n")
		rest -= len(same)
	}
	return "\n" + strings.TrimRight(b.String(), "\n")
}

// fewResults is up to how many servers of one outcome get a line of their own.
const fewResults = 20

func resultLine(r approvals.Result) string {
	line := "• " + name(r.Server.Name) + " " + code(r.Server.ID)
	if said := cloudSaid(r); said != "" {
		line += ": " + said
	}
	return line
}

// cloudSaid is the cloud's code and reason, or what was seen.
func cloudSaid(r approvals.Result) string {
	return clip(escape(strings.TrimSpace(r.Code+" "+sayCause(r.Cause()))), 300)
}

// bySaid groups results that have the same code and reason, in order.
func bySaid(results []approvals.Result) [][]approvals.Result {
	var groups [][]approvals.Result
	at := map[string]int{}
	for _, r := range results {
		said := cloudSaid(r)
		i, known := at[said]
		if !known {
			i = len(groups)
			at[said] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], r)
	}
	slices.SortStableFunc(groups, func(x, y []approvals.Result) int { return len(y) - len(x) })
	return groups
}

func sayRestInStatus(r approvals.Request) string {
	return "All results: *View results* or " + code("/ecs-stop status "+r.ID)
}

// sayJobs names the cloud's jobs, for those who have to look into its console; empty
// if none is known.
func sayJobs(batches []approvals.Batch, budget int) string {
	var jobs []string
	for _, b := range batches {
		if b.JobID != "" && b.Tally().Unknown > 0 {
			jobs = append(jobs, b.JobID)
		}
	}
	if len(jobs) == 0 {
		return ""
	}
	return "Jobs in the console: " + strings.ReplaceAll(listing(jobs, len(jobs), budget, code), "\n", " ") + "\n"
}

// Words of what comes after the end.

// sayRetryOf names what a retry is about: what failed, or else what was not sent.
func sayRetryOf(r approvals.Request) string {
	if r.Tally.Failed == 0 && r.Tally.NotSent > 0 {
		return sayRetryRest
	}
	return sayRetry
}

const (
	sayRetry        = "Retry failed"
	sayRetryRest    = "Send the rest"
	sayStartAgain   = "Start these again"
	sayTheyAreOff   = "Mark as stopped"
	sayTheyRun      = "Mark as running"
	sayRetryTitle   = "Retry failed servers?"
	sayRetryText    = "Retries only servers that failed or were not sent. If you may approve it, it begins right away; otherwise a new card asks for approval."
	sayRetryYes     = "Retry"
	saySettleSubmit = "Confirm"
	saySettleLabel  = "What did you check?"
	saySettleHint   = "Shown in the channel and kept in the audit log."
)

// sayOf says what a request that follows from another one is about.
func (v view) sayOf(r approvals.Request) string {
	switch {
	case r.FollowUpOf == "":
		return ""
	case r.Action == approvals.Start:
		return " · servers of " + v.ref(r.FollowUpOf)
	}
	return " · retry of " + v.ref(r.FollowUpOf)
}

func saySettleTitle(id string) string { return "Outcome of " + id }

func saySettleIntro(r approvals.Request, run bool) string {
	what := "stopped"
	if run {
		what = "running"
	}
	return fmt.Sprintf("Mark %s of %s as *%s*. Check them in the Huawei Cloud console first.", count(r.Tally.Unknown, "unknown server"), code(r.ID), what)
}

func saySettleFailed(id string) string {
	return fmt.Sprintf(":warning: I couldn't open the form in time; nothing has changed for %s. Please click again.", code(id))
}

// sayWord is what a person said of servers that were unknown; empty if
// nobody did.
func sayWord(r approvals.Request) string {
	last := r.LastDecision()
	switch last.Choice {
	case approvals.ChoseServersOn:
		return fmt.Sprintf(" %s marked the unknown servers as running %s", mention(last.By), clock(last.At)) + because(last.Reason)
	case approvals.ChoseServersOff:
		return fmt.Sprintf(" %s marked the unknown servers as stopped %s", mention(last.By), clock(last.At)) + because(last.Reason)
	}
	return ""
}

func saySettled(r approvals.Request, n approvals.Note) string {
	what := "stopped"
	if r.LastDecision().Choice == approvals.ChoseServersOn {
		what = "running"
	}
	return fmt.Sprintf(":white_check_mark: %s: %s marked %s as %s", mention(r.Requester), mention(n.By), count(n.Count, "unknown server"), what) + because(n.Why)
}

func sayBatchFailed(r approvals.Request, notes []approvals.Note) string {
	lines := make([]string, len(notes))
	for i, n := range notes {
		said := escape(n.Why)
		if n.Code != "" {
			said = strings.TrimSpace(code(n.Code) + " " + said)
		}
		if said == "" {
			said = "no reason given"
		}
		first := ""
		if n.Count > 1 {
			first = "first error "
		}
		lines[i] = fmt.Sprintf(":x: %s failed%s: %s%s", count(n.Count, "server"), sayInBatch(r, n.Batch), first, clip(said, 500))
	}
	return strings.Join(lines, "\n")
}
