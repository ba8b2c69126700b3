package slackapp

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"ecsbot/internal/approvals"
)

// Every sentence that people read stands in this file. Each says what happened
// and, where there is something to do, what to do. Foreign text in them is
// escaped.

const (
	sayNoFreeze      = ":warning: This version cannot freeze: *nothing was frozen.* To keep servers from being stopped, deny or cancel their requests."
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

func sayDenyTitle(id string) string { return "Deny " + id }

func sayFormFailed(id string) string {
	return fmt.Sprintf(":warning: I could not open the form in time; nothing was decided. Click again, or type %s.", code("/ecs-stop deny "+id+" reason"))
}

// Words of the card.

// sayWish is the card's first lines: who, how many, where, how, why.
func sayWish(r approvals.Request) string {
	s := fmt.Sprintf("%s asks to stop *%s* in %s (%s)", mention(r.Requester), count(r.Total, "server"), bold(r.Project), r.Mode)
	if r.Reason != "" {
		s += "\n> " + escape(r.Reason)
	}
	return s
}

func sayWishShort(r approvals.Request) string {
	s := fmt.Sprintf("%s: %s asks to stop %s in %s (%s)", r.ID, mention(r.Requester), count(r.Total, "server"), escape(r.Project), r.Mode)
	if r.Reason != "" {
		s += ": " + escape(r.Reason)
	}
	return s + "."
}

// sayState is where the request stands, with word and sign.
func (a *App) sayState(r approvals.Request) string {
	last := r.Last()
	switch r.State {
	case approvals.Pending:
		need := r.Need - r.Approvals()
		s := fmt.Sprintf(":hourglass_flowing_sand: *Waiting for %s* from %s, until %s.", count(need, "approval"), mentions(a.Policy.Approvers), clock(r.Expires))
		if by := sayApprovers(r); by != "" {
			s += " Approved so far by " + by + "."
		}
		return s
	case approvals.Approved:
		return ":white_check_mark: *Approved* by " + sayApprovers(r) + ". Starting."
	case approvals.Executing:
		s := ":gear: *Stopping*, approved by " + sayApprovers(r) + "."
		if r.Stop != nil {
			s += fmt.Sprintf(" :no_entry: %s cancelled it; nothing more is sent.", mention(r.Stop.By))
		}
		return s
	case approvals.Denied:
		return ":x: *Denied* by " + mention(last.By) + " " + clock(last.At) + because(last.Reason)
	case approvals.Expired:
		return ":alarm_clock: *Expired* " + clock(last.At) + ": nobody decided in time. Nothing was stopped."
	case approvals.Cancelled:
		return sayCancelledState(r)
	case approvals.Succeeded:
		return ":white_check_mark: *Done*, approved by " + sayApprovers(r) + ". " + sayTally(r.Tally)
	case approvals.PartiallyFailed:
		return ":warning: *Done in part*, approved by " + sayApprovers(r) + ". " + sayTally(r.Tally)
	case approvals.Failed:
		return ":x: *Failed*, approved by " + sayApprovers(r) + ". " + sayTally(r.Tally)
	case approvals.Unknown:
		return ":grey_question: *Not known in full*, approved by " + sayApprovers(r) + ". " + sayTally(r.Tally)
	}
	return string(r.State)
}

func sayCancelledState(r approvals.Request) string {
	last := r.Last()
	switch {
	case r.Stop != nil:
		return ":no_entry: *Cancelled* by " + mention(r.Stop.By) + " " + clock(r.Stop.At) + " before anything was sent."
	case last.Verdict == approvals.NoCard:
		return ":no_entry: *Withdrawn*: its card could not be posted."
	}
	return ":no_entry: *Cancelled* by " + mention(last.By) + " " + clock(last.At) + ". Nothing was stopped."
}

func because(reason string) string {
	if reason == "" {
		return "."
	}
	return ":\n> " + escape(reason)
}

// sayApprovers names who said yes, and when.
func sayApprovers(r approvals.Request) string {
	var names []string
	for _, d := range r.Decisions {
		if d.Verdict == approvals.Yes {
			names = append(names, mention(d.By)+" "+clock(d.At))
		}
	}
	return strings.Join(names, ", ")
}

func sayTally(t approvals.Tally) string {
	var parts []string
	for _, p := range []struct {
		n    int
		word string
	}{
		{t.Stopped, "stopped"}, {t.Off, "found off"}, {t.Failed, "failed"},
		{t.LeftOut, "left out"}, {t.Unknown, "not known"}, {t.NotSent, "not sent"},
	} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", thousands(p.n), p.word))
		}
	}
	return strings.Join(parts, ", ") + "."
}

func sayProgress(r approvals.Request) string {
	done := r.Tally.Done()
	s := fmt.Sprintf("%s %s of %s", code(bar(done, r.Total)), thousands(done), thousands(r.Total))
	if r.Tally.Failed > 0 {
		s += fmt.Sprintf(", %s failed", thousands(r.Tally.Failed))
	}
	return s
}

// cardBudget is the room for one list of servers on the card.
const cardBudget = 2400

// sayServers lists the servers as they were when the request was made. Once it
// is decided their state then is of no interest any more.
func sayServers(r approvals.Request) string {
	if r.State != approvals.Pending {
		return listing(r.First, r.Total, cardBudget, nameLine)
	}
	return listing(r.First, r.Total, cardBudget, serverLine)
}

func sayMore(n int) string { return fmt.Sprintf("… and %s more.", thousands(n)) }

func sayLeftOut(out []approvals.LeftOut, total int) string {
	return "Left out:\n" + listing(out, total, cardBudget, func(l approvals.LeftOut) string {
		return fmt.Sprintf("• %s %s: %s", bold(l.Server.Name), code(l.Server.ID), sayWhy(l.Why))
	})
}

func sayWhy(w approvals.Why) string {
	switch w {
	case approvals.AlreadyOff:
		return "already stopped"
	case approvals.GoingOff:
		return "being stopped by somebody else right now"
	case approvals.IsLocked:
		return "locked in the cloud"
	case approvals.IsBusy:
		return "something else is being done to it"
	case approvals.Vanished:
		return "not there any more"
	case approvals.Protected:
		return "protected by the bot's settings"
	case approvals.Unstopped:
		return "in a state that cannot be stopped"
	case approvals.Touched:
		return "changed since the request was made, while my store lost some of its data"
	}
	return string(w)
}

// saySmall is the small print: id, batches, time, digest.
func (a *App) saySmall(r approvals.Request) string {
	batches := (r.Total + a.Batch - 1) / a.Batch
	s := fmt.Sprintf("%s · %s in %s", code(r.ID), count(r.Total, "server"), count(batches, "call"))
	if strings.HasSuffix(s, "calls") && batches == 1 {
		s = strings.TrimSuffix(s, "s")
	}
	if wait := eta(r.Total, a.Rate); wait > 0 {
		s += fmt.Sprintf(" · at least %s at the cloud's limit of %s a minute", took(wait), count(a.Rate, "server"))
	}
	return s + " · list " + code(r.Digest)
}

func sayConfirmTitle(r approvals.Request) string {
	return clipText("Stop "+count(r.Total, "server")+"?", 100)
}

func sayConfirm(r approvals.Request) string {
	how := "They are asked to shut down (SOFT)."
	if r.Mode == approvals.Hard {
		how = "Their power is cut (HARD): unsaved data is lost."
	}
	return clipText(fmt.Sprintf("%s in %s. %s List %s.", count(r.Total, "server"), r.Project, how, r.Digest), 300)
}

func sayConfirmYes(r approvals.Request) string { return clipText("Stop "+thousands(r.Total), 30) }

// Words in the thread.

func sayNotes(r approvals.Request, notes []approvals.Note) string {
	n := notes[0]
	switch n.Topic {
	case approvals.TopicApproved:
		if n.Count < r.Need {
			return fmt.Sprintf(":white_check_mark: %s approved (%d of %d).", mention(n.By), n.Count, r.Need)
		}
		return fmt.Sprintf(":white_check_mark: %s approved. %s will be stopped.", mention(n.By), count(r.Total, "server"))
	case approvals.TopicDenied:
		return fmt.Sprintf(":x: %s, %s denied this; nothing is stopped", mention(r.Requester), mention(n.By)) + because(n.Why)
	case approvals.TopicCancelled:
		if r.Stop != nil {
			return fmt.Sprintf(":no_entry: %s cancelled this. What was sent goes on; nothing more is sent.", mention(n.By))
		}
		return fmt.Sprintf(":no_entry: %s withdrew this; nothing is stopped.", mention(n.By))
	case approvals.TopicExpired:
		return fmt.Sprintf(":alarm_clock: %s, nobody decided in time, so nothing is stopped. Ask again if it is still needed.", mention(r.Requester))
	case approvals.TopicSent:
		return saySent(r, notes)
	case approvals.TopicUnclear:
		return fmt.Sprintf(":mag: It is not clear whether the cloud took call %s (%s). I watch the servers before anything is sent again; this can take some minutes.", sayCall(r, n.Batch), escape(n.Why))
	case approvals.TopicLate:
		job := ""
		if n.Job != "" {
			job = " " + code(n.Job)
		}
		return fmt.Sprintf(":hourglass_flowing_sand: After %s the cloud's job%s is still not done; %s of it without result. I watch on and tell the end here. If it hurries, look at them in the cloud's console.", escape(n.Why), job, count(n.Count, "server"))
	case approvals.TopicPaused:
		return ":double_vertical_bar: My store was restarted. To be safe nothing is sent for about a minute; then it goes on by itself."
	case approvals.TopicTrouble:
		return fmt.Sprintf(":warning: Call %s has to wait: %s. I keep trying.", sayCall(r, n.Batch), escape(n.Why))
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
	switch r.State {
	case approvals.Succeeded:
		if t.Stopped == r.Total {
			return fmt.Sprintf(":white_check_mark: %s, %s: %s stopped.%s", who, r.ID, count(t.Stopped, "server"), length)
		}
		all := "all " + count(r.Total, "server") + " are off"
		if r.Total == 1 {
			all = "the server is off"
		}
		return fmt.Sprintf(":white_check_mark: %s, %s: %s. %s%s", who, r.ID, all, sayTally(t), length)
	case approvals.PartiallyFailed:
		return fmt.Sprintf(":warning: %s, %s is done in part. Of %s: %s%s", who, r.ID, count(r.Total, "server"), sayTally(t), length)
	case approvals.Failed:
		return fmt.Sprintf(":x: %s, %s failed: no server was stopped. %s%s", who, r.ID, sayTally(t), length)
	case approvals.Unknown:
		return fmt.Sprintf(":grey_question: %s, of %s in %s I cannot say what became of them. Please look at them in the cloud's console. In all: %s%s", who, count(t.Unknown, "server"), r.ID, sayTally(t), length)
	case approvals.Cancelled:
		return fmt.Sprintf(":no_entry: %s, %s was cancelled before anything was sent.", who, r.ID)
	}
	return fmt.Sprintf("%s, %s: %s", who, r.ID, r.State)
}

// sayOutcomes lists the servers of one outcome within budget bytes.
func sayOutcomes(g outcomeGroup, budget int) string {
	head := map[approvals.Outcome]string{
		approvals.Stopped:    ":white_check_mark: Stopped (the job and a look at the server agree)",
		approvals.FoundOff:   ":white_check_mark: Off, though no job of mine confirms it",
		approvals.SkippedNow: ":fast_forward: Left out: " + sayWhy(g.why),
		approvals.NotStopped: ":x: Failed",
		approvals.NotKnown:   ":grey_question: Not known",
		approvals.NotSent:    ":no_entry: Not sent",
	}[g.outcome] + " (" + thousands(len(g.results)) + "):\n"
	budget -= len(head) + 30
	if len(g.results) <= fewResults {
		return head + listing(g.results, len(g.results), budget, resultLine)
	}
	// Many are told by name alone, together with those that share their reason:
	// so a message holds some hundreds.
	var b strings.Builder
	for _, same := range bySaid(g.results) {
		said := cloudSaid(same[0])
		if said != "" {
			said += ": "
		}
		names := listing(same, len(same), max(0, budget-b.Len()-len(said)), func(r approvals.Result) string { return bold(r.Server.Name) })
		b.WriteString("• " + said + strings.ReplaceAll(names, "\n", ", ") + "\n")
		if b.Len() > budget {
			break
		}
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
	return clipText(escape(strings.TrimSpace(r.Code+" "+r.Reason)), 300)
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

// Private words.

// sayHelp explains the command.
func sayHelp(command string, pol approvals.Policy) string {
	lines := []string{
		"*Stop servers, with approval.* Name servers by id, by name, by a pattern with `*`, or by tag:",
		"• `" + command + " web-1 web-2 --reason \"night\"`",
		"• `" + command + " batch-* --hard --reason stuck`",
		"• `" + command + " --tag env=dev --tag team=a`",
		"Flags: `--soft` (default) or `--hard`, `--tag key=value`, `--reason TEXT`, `--project NAME`, `--dry-run` (show, ask nothing), `--` (what follows is servers).",
		"Others: `list`, `status ID`, `history [N]`, `approve ID`, `deny ID [reason]`, `cancel ID`, `help`.",
		fmt.Sprintf("A request needs %s from %s within %s.", count(max(1, pol.ApprovalsRequired), "approval"), mentions(pol.Approvers), took(pol.TTL)),
	}
	return strings.Join(lines, "\n")
}

// sayMistakes names every fault of a command at once.
func sayMistakes(command string, err error) string {
	var all Mistakes
	if !errors.As(err, &all) {
		return ":x: I could not read that; nothing was asked for. Try " + code(command+" help") + "."
	}
	// The answer goes with the acknowledgement, which Slack drops if it is long.
	said := listing(all, len(all), 3000, func(m Mistake) string { return "• " + sayMistake(m) })
	return ":x: Nothing was asked for:\n" + said + "\nMore: " + code(command+" help")
}

// sayMistake says what is wrong, shows the word, and how to do it right.
func sayMistake(m Mistake) string {
	word, hint := code(m.Word), code(m.Hint)
	right := ""
	if m.Hint != "" {
		right = " Write " + hint + "."
	}
	switch m.Kind {
	case TooLong, ReasonTooLong:
		return "That is too long: " + escape(m.Hint) + "."
	case TooManyServers:
		return "That names too many servers: " + escape(m.Hint) + "."
	case ControlCharacter:
		return word + " holds an invisible control character (" + escape(m.Hint) + "). Type it anew."
	case OpenQuote:
		return "The quote at " + word + " is not closed. Put " + escape(m.Hint) + "."
	case UnknownFlag:
		return "I do not know the flag " + word + "." + sayMeant(m.Hint)
	case FlagNeedsValue:
		return word + " needs a value." + right
	case FlagTakesNoValue:
		return word + " takes no value." + right
	case FlagTwice:
		return word + " stands there twice; it was " + hint + " before. Say it once."
	case Contradiction:
		return word + " contradicts " + hint + ". Choose one."
	case BadTag:
		return word + " is not a tag." + right
	case BadType:
		return word + " is not a way to stop. It has to be " + escape(m.Hint) + "."
	case BadNumber:
		return word + " is not a number that fits here. It has to be " + escape(m.Hint) + "."
	case BadID:
		return word + " is not a request's id: " + escape(m.Hint) + "."
	case MissingID:
		return "Which request?" + right
	case UnexpectedWord:
		return word + " does not belong there." + right
	case LooksLikeVerb:
		return word + " looks like a mistyped word. Write " + escape(m.Hint) + "."
	case NotAServerName:
		if m.Hint == nameForm {
			return word + " cannot be a server's name. A name has " + escape(m.Hint) + "."
		}
		return word + " cannot be a server's name." + sayMeant(m.Hint)
	case BadServerID:
		return word + " is not a server's id: " + escape(m.Hint) + "."
	case MentionNotServer:
		return word + " is a person or a channel, not a server. Write " + escape(m.Hint) + "."
	case PatternTooWide:
		return word + " would be every server. Write " + escape(m.Hint) + "."
	case Semicolon:
		return word + " does not separate servers. Use spaces or commas: " + hint + "."
	case NoServers:
		return "No server is named." + right
	case ReasonWithoutServers:
		return "Everything after `--reason` was read as the reason, so no server is named. Put the servers first, or quote the reason."
	}
	return word + ": " + escape(string(m.Kind)) + "." + right
}

func sayMeant(hint string) string {
	if hint == "" {
		return ""
	}
	return " Did you mean " + code(hint) + "?"
}

func sayAsked(r approvals.Request) string {
	s := fmt.Sprintf(":ballot_box_with_ballot: Asked as %s: stop %s in %s (%s). The card is in <#%s>; the outcome comes in its thread.", code(r.ID), count(r.Total, "server"), bold(r.Project), r.Mode, r.Channel)
	if r.OutSum > 0 {
		s += "\n" + sayLeftOut(r.Out, r.OutSum)
	}
	return s
}

func (a *App) sayDryRun(r approvals.Request) string {
	s := fmt.Sprintf(":test_tube: *Dry run, nothing was asked for.* This would ask to stop %s in %s (%s):\n%s", count(r.Total, "server"), bold(r.Project), r.Mode, sayServers(r))
	if r.OutSum > 0 {
		s += "\n" + sayLeftOut(r.Out, r.OutSum)
	}
	return s
}

func sayDidApprove(r approvals.Request) string {
	if r.State == approvals.Pending {
		return fmt.Sprintf(":white_check_mark: Your approval of %s counts. It needs %s more.", code(r.ID), thousands(r.Need-r.Approvals()))
	}
	return sayDid(r, "approved")
}

func sayDid(r approvals.Request, what string) string {
	return fmt.Sprintf(":white_check_mark: You %s %s.", what, code(r.ID))
}

func sayDidCancel(r approvals.Request) string {
	if r.State == approvals.Executing {
		return fmt.Sprintf(":no_entry: %s: what was sent goes on; nothing more is sent.", code(r.ID))
	}
	return sayDid(r, "cancelled")
}

func sayNotHere(channels []string) string {
	names := make([]string, len(channels))
	for i, c := range channels {
		names[i] = "<#" + c + ">"
	}
	return ":no_entry: This command is not allowed in this channel; nothing was asked for. Use it in " + strings.Join(names, ", ") + "."
}

func sayUnposted(r approvals.Request) string {
	return fmt.Sprintf(":x: I could not post the card of %s in <#%s>, so the request is withdrawn. Invite me to that channel (type `/invite` there), then ask again.", code(r.ID), r.Channel)
}

func sayAside(r approvals.Request) string {
	return fmt.Sprintf("I could not say this in its thread in <#%s>. Invite me there again; %s tells the rest.", r.Channel, code("/ecs-stop status "+r.ID))
}

// sayRefusal tells a person why what they did has no effect.
func sayRefusal(no *approvals.Refusal) string {
	r := no.Request
	id := code(r.ID)
	switch no.Why {
	case approvals.NotRequester:
		return ":no_entry: You may not ask for servers to be stopped; nothing was asked for. Ask whoever runs this bot to add you to the requesters."
	case approvals.NotApprover:
		return ":no_entry: You are not an approver, so this has no effect."
	case approvals.NotYours:
		return fmt.Sprintf(":no_entry: Only %s, who asked for it, can cancel %s. An approver can deny it.", mention(r.Requester), id)
	case approvals.OwnRequest:
		return fmt.Sprintf(":no_entry: %s is your own request; somebody else has to approve it.", id)
	case approvals.YouApproved:
		return fmt.Sprintf(":white_check_mark: You have approved %s already. It needs %s more, from somebody else.", id, thousands(r.Need-r.Approvals()))
	case approvals.AlreadyDecided:
		return fmt.Sprintf(":information_source: %s was decided before: %s", id, sayDecided(r))
	case approvals.TooLate:
		return fmt.Sprintf(":alarm_clock: %s expired %s; nothing was decided. Ask again if it is still needed.", id, clock(r.Expires))
	case approvals.NotFound:
		return fmt.Sprintf(":grey_question: There is no request %s (ended ones are kept for 30 days). See %s.", id, code("/ecs-stop list"))
	case approvals.PersonDeactivated:
		return ":no_entry: Your account is deactivated, so this has no effect."
	case approvals.PersonBot:
		return ":no_entry: Bots can neither ask nor decide."
	case approvals.PersonGuest:
		return ":no_entry: Guests can neither ask nor decide. A full member of the workspace has to."
	case approvals.PersonForeign:
		return ":no_entry: Only members of this workspace can ask or decide."
	case approvals.NoReason:
		return ":x: A reason is required; nothing was asked for. Add `--reason \"…\"`."
	case approvals.TooManyServers:
		return fmt.Sprintf(":x: That is %s; one request may have %s. Nothing was asked for: name fewer.", count(no.Count, "server"), thousands(no.Limit))
	case approvals.NothingToDo:
		return ":information_source: There is nothing to stop, so nothing was asked for. " + sayLeftOut(no.LeftOut, len(no.LeftOut))
	case approvals.ServersTaken:
		return sayTaken(no.Taken)
	case approvals.Unresolved:
		return sayUnresolved(no)
	case approvals.WrongProject:
		return fmt.Sprintf(":x: There is no project %s; nothing was asked for. This bot serves %s.", code(no.Asked), code(no.Known))
	case approvals.CloudAway:
		return ":warning: The cloud does not answer right now, so nothing was asked for. Please try again in a minute."
	case approvals.CloudRefusesKey:
		return ":warning: The cloud refuses the bot's access key; nothing was asked for. Tell whoever runs this bot."
	}
	return ":no_entry: That has no effect: " + escape(string(no.Why)) + "."
}

// sayDecided tells in short how a request was decided, and by whom.
func sayDecided(r approvals.Request) string {
	last := r.Last()
	switch {
	case r.Stop != nil:
		return fmt.Sprintf("%s cancelled it %s.", mention(r.Stop.By), clock(r.Stop.At))
	case last.Verdict == approvals.Yes:
		return "approved by " + sayApprovers(r) + "."
	case last.Verdict == approvals.No:
		return fmt.Sprintf("%s denied it %s.", mention(last.By), clock(last.At))
	case last.Verdict == approvals.Withdraw:
		return fmt.Sprintf("%s withdrew it %s.", mention(last.By), clock(last.At))
	case last.Verdict == approvals.NoCard:
		return "its card could not be posted."
	}
	return "it expired " + clock(last.At) + "."
}

func sayTaken(taken map[string]string) string {
	ids := slices.Sorted(maps.Keys(taken))
	return ":x: Nothing was asked for: these servers are part of another request. Wait for it, or leave them out.\n" +
		listing(ids, len(ids), 3000, func(id string) string { return fmt.Sprintf("• %s is part of %s", code(id), code(taken[id])) })
}

func sayUnresolved(no *approvals.Refusal) string {
	var b strings.Builder
	b.WriteString(":x: Nothing was asked for:\n")
	b.WriteString(listing(no.Missing, len(no.Missing), 1500, func(w string) string {
		return "• " + code(w) + " names no server that I can see"
	}))
	names := slices.Sorted(maps.Keys(no.Ambiguous))
	if len(no.Missing) > 0 && len(names) > 0 {
		b.WriteString("\n")
	}
	b.WriteString(listing(names, len(names), 1800, func(name string) string {
		ids := make([]string, 0, 5)
		for _, s := range no.Ambiguous[name][:min(5, len(no.Ambiguous[name]))] {
			ids = append(ids, code(s.ID))
		}
		return fmt.Sprintf("• %s names %s; use the id: %s", code(name), count(len(no.Ambiguous[name]), "server"), strings.Join(ids, ", "))
	}))
	return b.String()
}

func sayList(open []approvals.Request) string {
	if len(open) == 0 {
		return ":sparkles: No request is open, nothing is running."
	}
	return "*Open requests and running jobs*\n" + listing(open, len(open), 3500, func(r approvals.Request) string {
		line := fmt.Sprintf("• %s %s: %s by %s, %s", code(r.ID), sayStateWord(r), count(r.Total, "server"), mention(r.Requester), clock(r.Created))
		if r.State == approvals.Executing {
			line += fmt.Sprintf(", %s of %s done", thousands(r.Tally.Done()), thousands(r.Total))
		}
		return line
	})
}

func sayHistory(ended []approvals.Request) string {
	if len(ended) == 0 {
		return "No request has ended yet."
	}
	return fmt.Sprintf("*The last %s*\n", count(len(ended), "request")) + listing(ended, len(ended), 3500, func(r approvals.Request) string {
		return fmt.Sprintf("• %s %s: %s by %s, %s", code(r.ID), sayStateWord(r), count(r.Total, "server"), mention(r.Requester), clock(r.Finished))
	})
}

func sayStateWord(r approvals.Request) string {
	return map[approvals.State]string{
		approvals.Pending: ":hourglass_flowing_sand: waiting", approvals.Approved: ":white_check_mark: approved",
		approvals.Executing: ":gear: stopping", approvals.Succeeded: ":white_check_mark: done",
		approvals.PartiallyFailed: ":warning: done in part", approvals.Failed: ":x: failed",
		approvals.Unknown: ":grey_question: not known in full", approvals.Denied: ":x: denied",
		approvals.Cancelled: ":no_entry: cancelled", approvals.Expired: ":alarm_clock: expired",
	}[r.State]
}

// sayStatus is all about one request.
func (a *App) sayStatus(r approvals.Request, batches []approvals.Batch, link string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n%s\n", code(r.ID), sayWish(r), a.sayState(r))
	if link != "" {
		fmt.Fprintf(&b, "<%s|Its thread>\n", link)
	}
	if len(batches) == 0 {
		b.WriteString(sayServers(r))
		return b.String()
	}
	b.WriteString(sayProgress(r) + "\n")
	b.WriteString(listing(batches, len(batches), 1200, func(x approvals.Batch) string {
		line := fmt.Sprintf("• call %s: %s, %s", sayCall(r, x.N), count(len(x.Results), "server"), x.State)
		if x.JobID != "" {
			line += ", job " + code(x.JobID)
		}
		return line
	}))
	left := maxFallback - b.Len() - 100
	for _, g := range outcomes(batches) {
		if g.outcome == "" || left < 200 {
			continue
		}
		text := sayOutcomes(g, left)
		left -= len(text)
		b.WriteString("\n" + text)
	}
	return b.String()
}
