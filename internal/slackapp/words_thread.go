package slackapp

import (
	"fmt"
	"strings"

	"ecsbot/internal/approvals"
)

// Words in the thread.

func sayNotes(r approvals.Request, notes []approvals.Note) string {
	n := notes[0]
	switch n.Topic {
	case approvals.TopicApproved:
		if n.Count < r.ApprovalsNeeded {
			return fmt.Sprintf(":white_check_mark: %s approved (%d of %d).", mention(n.By), n.Count, r.ApprovalsNeeded)
		}
		return fmt.Sprintf(":white_check_mark: %s approved. %s will be %s.", mention(n.By), count(r.Total, "server"), pastTense(r.Action))
	case approvals.TopicDenied:
		return fmt.Sprintf(":x: %s, %s denied this; nothing is %s", mention(r.Requester), mention(n.By), pastTense(r.Action)) + because(n.Why)
	case approvals.TopicCancelled:
		if r.Cancellation != nil {
			return fmt.Sprintf(":no_entry: %s cancelled this. What was sent goes on; nothing more is sent.", mention(n.By))
		}
		return fmt.Sprintf(":no_entry: %s withdrew this; nothing is %s.", mention(n.By), pastTense(r.Action))
	case approvals.TopicLapsed:
		return fmt.Sprintf(":alarm_clock: %s, nothing more is sent: sending was held up, and the approval is more than %s old. Ask again if it is still needed.", mention(r.Requester), took(r.ApprovalLife()))
	case approvals.TopicExpired:
		return fmt.Sprintf(":alarm_clock: %s, nobody decided in time, so nothing is %s. Ask again if it is still needed.", mention(r.Requester), pastTense(r.Action))
	case approvals.TopicSent:
		return saySent(r, notes)
	case approvals.TopicUnclear:
		return sayUnclear(r, n)
	case approvals.TopicOverdue:
		return sayLate(r, n)
	case approvals.TopicPaused:
		return ":double_vertical_bar: My store was restarted. To be safe nothing is sent for about a minute; then it goes on by itself."
	case approvals.TopicFrozenBatch:
		return fmt.Sprintf(":snowflake: %s has frozen everything: call %s and all after it wait until that is lifted; what was sent goes on.", mention(n.By), sayCall(r, n.Batch)) + quoted(n.Why)
	case approvals.TopicResolved:
		return saySettled(r, n)
	case approvals.TopicBatchFailed:
		return sayBatchFailed(r, notes)
	case approvals.TopicUnshared:
		return sayUnshared(r, n)
	case approvals.TopicTrouble:
		return sayTrouble(r, n)
	}
	return string(n.Topic)
}

func sayCall(r approvals.Request, n int) string { return fmt.Sprintf("%d of %d", n+1, r.Batches) }

func saySent(r approvals.Request, notes []approvals.Note) string {
	lines := make([]string, len(notes))
	for i, n := range notes {
		lines[i] = fmt.Sprintf(":satellite_antenna: The cloud took call %s: %s, job %s", sayCall(r, n.Batch), count(n.Count, "server"), code(n.Job))
	}
	return strings.Join(lines, "\n")
}

// sayEnd is the first line of the last word.
func sayEnd(r approvals.Request) string {
	t := r.Tally
	who := mention(r.Requester)
	length := ""
	if !r.Started.IsZero() {
		length = " It took " + took(r.Finished.Sub(r.Started)) + "."
	}
	if cutShort(r) && (r.State == approvals.PartiallyFailed || r.State == approvals.Failed) {
		return fmt.Sprintf(":no_entry: %s, %s %s after %s. %s%s", who, r.ID, sayWhyStopped(r), sayOfAll(r), sayTally(t), length)
	}
	switch r.State {
	case approvals.Succeeded:
		if t.Stopped+t.Started == r.Total {
			return fmt.Sprintf(":white_check_mark: %s, %s: %s %s.%s", who, r.ID, count(r.Total, "server"), pastTense(r.Action), length)
		}
		all := sayAll(r)
		return fmt.Sprintf(":white_check_mark: %s, %s: %s. %s%s", who, r.ID, all, sayTally(t), length)
	case approvals.PartiallyFailed:
		return fmt.Sprintf(":warning: %s, %s is done in part. Of %s: %s%s", who, r.ID, count(r.Total, "server"), sayTally(t), length)
	case approvals.Failed:
		return fmt.Sprintf(":x: %s, %s failed: no server was %s. %s%s", who, r.ID, pastTense(r.Action), sayTally(t), length)
	case approvals.Unknown:
		them := "them"
		if t.Unknown == 1 {
			them = "it"
		}
		return fmt.Sprintf(":grey_question: %s, of %s in %s I cannot say what became of %s. Please look at %s in the cloud's console. In all: %s%s", who, count(t.Unknown, "server"), r.ID, them, them, sayTally(t), length)
	case approvals.Cancelled:
		return fmt.Sprintf(":no_entry: %s, %s %s before anything was sent.", who, r.ID, sayWhyStopped(r))
	}
	return fmt.Sprintf("%s, %s: %s", who, r.ID, r.State)
}

// sayWhyStopped tells in the outcome why the rest was not sent.
func sayWhyStopped(r approvals.Request) string {
	switch {
	case r.Cancellation == nil:
		return "was cancelled"
	case r.Cancellation.Choice == approvals.ChoseLapse:
		return "ended because its approval expired"
	}
	return "was cancelled by " + mention(r.Cancellation.By)
}

// sayOutcomes lists the servers of one outcome within budget bytes.
func sayOutcomes(g outcomeGroup, budget int) string {
	head := map[approvals.Outcome]string{
		approvals.Stopped:      ":white_check_mark: Stopped (the job and a look at the server agree)",
		approvals.FoundOff:     ":white_check_mark: Off, though no job of mine confirms it",
		approvals.Started:      ":white_check_mark: Started (the job and a look at the server agree)",
		approvals.FoundOn:      ":white_check_mark: Runs, though no job of mine confirms it",
		approvals.Skipped:      ":fast_forward: Left out: " + sayWhy(g.why),
		approvals.ActionFailed: ":x: Failed",
		approvals.NotKnown:     ":grey_question: Not known",
		approvals.NotSent:      ":no_entry: Not sent",
	}[g.outcome] + " (" + thousands(len(g.results)) + "):\n"
	budget -= len(head) + 30
	if len(g.results) <= fewResults {
		return head + listing(g.results, len(g.results), budget, resultLine)
	}
	// Many are told by name alone, together with those that share their reason:
	// so a message holds some hundreds.
	var b strings.Builder
	rest := len(g.results)
	for _, same := range bySaid(g.results) {
		said := cloudSaid(same[0])
		if said != "" {
			said += ": "
		}
		if b.Len()+len(said)+100 > budget {
			b.WriteString(sayMore(rest))
			break
		}
		names := listing(same, len(same), budget-b.Len()-len(said)-50, func(r approvals.Result) string { return bold(r.Server.Name) })
		b.WriteString("• " + said + strings.ReplaceAll(names, "\n", ", ") + "\n")
		rest -= len(same)
	}
	return head + strings.TrimRight(b.String(), "\n")
}

// fewResults is up to how many servers of one outcome get a line of their own.
const fewResults = 20

func resultLine(r approvals.Result) string {
	line := nameLine(r.Server)
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
	return groups
}

func sayRestInStatus(r approvals.Request) string {
	return "The rest: " + code("/ecs-stop status "+r.ID)
}

// sayJobs names the cloud's jobs, for whoever looks into its console.
func sayJobs(batches []approvals.Batch, budget int) string {
	var jobs []string
	for _, b := range batches {
		if b.JobID != "" {
			jobs = append(jobs, b.JobID)
		}
	}
	if len(jobs) == 0 {
		return "No job of the cloud is known for this."
	}
	return "Jobs: " + strings.ReplaceAll(listing(jobs, len(jobs), budget, code), "\n", " ")
}

// Words of what comes after the end.

const (
	sayRetry        = "Retry failed"
	sayStartAgain   = "Start these again"
	sayTheyAreOff   = "They are stopped"
	sayTheyRun      = "They run"
	sayRetryTitle   = "Try again?"
	sayRetryText    = "Only what failed or was not sent. If you may approve it and its approval is still fresh, your click approves this, and it starts at once. Otherwise it waits for approval."
	sayRetryYes     = "Try again"
	saySettleSubmit = "Decide"
	saySettleLabel  = "How do you know? (shown in the channel, kept in the audit)"
	saySettleHint   = "Look at them in the cloud's console first."
)

// sayOf says what a request that follows from another one is about.
func sayOf(r approvals.Request) string {
	return " again, after " + code(r.FollowUpOf)
}

func saySettleTitle(id string) string { return "Outcome of " + id }

func saySettleIntro(r approvals.Request, run bool) string {
	what := "stopped"
	if run {
		what = "running"
	}
	return fmt.Sprintf("You are about to say of %s in %s, of which I do not know what became: %s.", count(r.Tally.Unknown, "server"), code(r.ID), what)
}

func saySettleFailed(id string) string {
	return fmt.Sprintf(":warning: I could not open the form in time; nothing was decided about %s. Click again.", code(id))
}

// sayWord is what a person said of servers that were not known; empty if
// nobody did.
func sayWord(r approvals.Request) string {
	last := r.LastDecision()
	switch last.Choice {
	case approvals.ChoseServersOn:
		return fmt.Sprintf(" Of those not known %s said %s that they run", mention(last.By), clock(last.At)) + because(last.Reason)
	case approvals.ChoseServersOff:
		return fmt.Sprintf(" Of those not known %s said %s that they are stopped", mention(last.By), clock(last.At)) + because(last.Reason)
	}
	return ""
}

func saySettled(r approvals.Request, n approvals.Note) string {
	what := "they are stopped"
	if r.LastDecision().Choice == approvals.ChoseServersOn {
		what = "they run"
	}
	return fmt.Sprintf(":ballot_box_with_check: %s, of %s whose outcome I could not find out, %s says that %s", mention(r.Requester), count(n.Count, "server"), mention(n.By), what) + because(n.Why)
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
			first = " The first:"
		}
		lines[i] = fmt.Sprintf(":x: Call %s: %s failed.%s %s", sayCall(r, n.Batch), count(n.Count, "server"), first, clip(said, 500))
	}
	return strings.Join(lines, "\n")
}
