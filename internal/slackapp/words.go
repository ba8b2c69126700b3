package slackapp

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"ecsbot/internal/approvals"
)

// Every sentence that people read stands in this file. Each says what happened
// and, where there is something to do, what to do. Foreign text in them is
// escaped.

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

func sayDenyTitle(id string) string { return "Deny " + id }

func sayFormFailed(id string) string {
	return fmt.Sprintf(":warning: I could not open the form in time; nothing was decided. Click again, or type %s.", code("/ecs-stop deny "+id+" reason"))
}

// Words of the card.

// sayWish is the card's first lines: who, how many, where, how, why.
func sayWish(r approvals.Request) string {
	s := fmt.Sprintf("%s asks to %s *%s* in %s%s", mention(r.Requester), toDo(r.Action), count(r.Total, "server"), bold(r.Project), sayHow(r))
	if r.Of != "" {
		s += sayOf(r)
	}
	if r.Reason != "" {
		s += "\n> " + escape(r.Reason)
	}
	return s
}

func sayWishShort(r approvals.Request) string {
	s := fmt.Sprintf("%s: %s asks to %s %s in %s%s", r.ID, mention(r.Requester), toDo(r.Action), count(r.Total, "server"), escape(r.Project), sayHow(r))
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
		s := ":gear: *" + doing(r.Action) + "*, approved by " + sayApprovers(r) + "."
		if r.Stop != nil {
			s += fmt.Sprintf(" :no_entry: %s cancelled it; nothing more is sent.", mention(r.Stop.By))
		}
		return s
	case approvals.Denied:
		return ":x: *Denied* by " + mention(last.By) + " " + clock(last.At) + because(last.Reason)
	case approvals.Expired:
		return ":alarm_clock: *Expired* " + clock(last.At) + ": nobody decided in time. Nothing was " + did(r.Action) + "."
	case approvals.Cancelled:
		return sayCancelledState(r)
	case approvals.Succeeded:
		return ":white_check_mark: *Done*, approved by " + sayApprovers(r) + ". " + sayTally(r.Tally) + sayWord(r)
	case approvals.PartiallyFailed:
		return ":warning: *Done in part*, approved by " + sayApprovers(r) + ". " + sayTally(r.Tally) + sayWord(r)
	case approvals.Failed:
		return ":x: *Failed*, approved by " + sayApprovers(r) + ". " + sayTally(r.Tally) + sayWord(r)
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
	return ":no_entry: *Cancelled* by " + mention(last.By) + " " + clock(last.At) + ". Nothing was " + did(r.Action) + "."
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
		{t.Stopped, "stopped"}, {t.Off, "found off"}, {t.Started, "started"}, {t.On, "found running"}, {t.Failed, "failed"},
		{t.LeftOut, "left out"}, {t.Unknown, "not known"}, {t.NotSent, "not sent"},
	} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", thousands(p.n), p.word))
		}
	}
	return strings.Join(parts, ", ") + "."
}

func (a *App) sayProgress(r approvals.Request) string {
	done := r.Tally.Done()
	s := fmt.Sprintf("%s %s of %s", code(bar(done, r.Total)), thousands(done), thousands(r.Total))
	if r.Tally.Failed > 0 {
		s += fmt.Sprintf(", %s failed", thousands(r.Tally.Failed))
	}
	if r.State == approvals.Executing {
		s += a.sayPace(r)
	}
	return s
}

// cardBudget is the room for one list of servers on the card.
const cardBudget = 2400

// sayServers lists the servers as they were when the request was made. Once it
// is decided their state then is of no interest any more.
func sayServers(r approvals.Request, budget int) string {
	if r.State != approvals.Pending {
		return listing(r.First, r.Total, budget, nameLine)
	}
	return listing(r.First, r.Total, budget, serverLine)
}

func sayMore(n int) string { return fmt.Sprintf("… and %s more.", thousands(n)) }

func sayLeftOut(out []approvals.LeftOut, total, budget int) string {
	return "Left out:\n" + listing(out, total, budget, func(l approvals.LeftOut) string {
		return sayOneLeftOut(l)
	})
}

func sayWhy(w approvals.Why) string {
	switch w {
	case approvals.AlreadyOff:
		return "already stopped"
	case approvals.AlreadyOn:
		return "already running"
	case approvals.Unstarted:
		return "in a state that cannot be started"
	case approvals.GoingOff:
		return "being stopped by somebody else right now"
	case approvals.GoingOn:
		return "being started by somebody else right now"
	case approvals.Since:
		return "changed by somebody since then"
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
	return clipText(upper(toDo(r.Action))+" "+count(r.Total, "server")+"?", 100)
}

func sayConfirm(r approvals.Request) string {
	how := "They are asked to shut down (SOFT)."
	if r.Mode == approvals.Hard {
		how = "Their power is cut (HARD): unsaved data is lost."
	}
	if r.Action == approvals.Start {
		how = "They are started."
	}
	return clipText(fmt.Sprintf("%s in %s. %s List %s.", count(r.Total, "server"), r.Project, how, r.Digest), 300)
}

func sayConfirmYes(r approvals.Request) string {
	return clipText(upper(toDo(r.Action))+" "+thousands(r.Total), 30)
}

// Words in the thread.

func sayNotes(r approvals.Request, notes []approvals.Note) string {
	n := notes[0]
	switch n.Topic {
	case approvals.TopicApproved:
		if n.Count < r.Need {
			return fmt.Sprintf(":white_check_mark: %s approved (%d of %d).", mention(n.By), n.Count, r.Need)
		}
		return fmt.Sprintf(":white_check_mark: %s approved. %s will be %s.", mention(n.By), count(r.Total, "server"), did(r.Action))
	case approvals.TopicDenied:
		return fmt.Sprintf(":x: %s, %s denied this; nothing is %s", mention(r.Requester), mention(n.By), did(r.Action)) + because(n.Why)
	case approvals.TopicCancelled:
		if r.Stop != nil {
			return fmt.Sprintf(":no_entry: %s cancelled this. What was sent goes on; nothing more is sent.", mention(n.By))
		}
		return fmt.Sprintf(":no_entry: %s withdrew this; nothing is %s.", mention(n.By), did(r.Action))
	case approvals.TopicExpired:
		return fmt.Sprintf(":alarm_clock: %s, nobody decided in time, so nothing is %s. Ask again if it is still needed.", mention(r.Requester), did(r.Action))
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
	case approvals.TopicHeld:
		return fmt.Sprintf(":snowflake: %s has frozen everything: call %s and all after it wait until that is lifted; what was sent goes on.", mention(n.By), sayCall(r, n.Batch)) + quoted(n.Why)
	case approvals.TopicSettled:
		return saySettled(r, n)
	case approvals.TopicBatchFailed:
		return sayBatchFailed(r, notes)
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
		if t.Stopped+t.Started == r.Total {
			return fmt.Sprintf(":white_check_mark: %s, %s: %s %s.%s", who, r.ID, count(r.Total, "server"), did(r.Action), length)
		}
		all := sayAll(r)
		return fmt.Sprintf(":white_check_mark: %s, %s: %s. %s%s", who, r.ID, all, sayTally(t), length)
	case approvals.PartiallyFailed:
		return fmt.Sprintf(":warning: %s, %s is done in part. Of %s: %s%s", who, r.ID, count(r.Total, "server"), sayTally(t), length)
	case approvals.Failed:
		return fmt.Sprintf(":x: %s, %s failed: no server was %s. %s%s", who, r.ID, did(r.Action), sayTally(t), length)
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
		approvals.Started:    ":white_check_mark: Started (the job and a look at the server agree)",
		approvals.FoundOn:    ":white_check_mark: Runs, though no job of mine confirms it",
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
		"`" + command + "` with nothing after it opens a form: search, choose, preview, ask.",
		"Look: `servers web-*` shows names, states and addresses to you alone. The app's *Home* shows what waits for you and what you asked for.",
		"Others: `list`, `status ID`, `history [N]`, `approve ID`, `deny ID [reason]`, `cancel ID`, `help`.",
		"Afterwards: `retry ID` asks again for what failed, `start ID` asks to start again what was stopped; the outcome has buttons for both.",
		"For approvers: `freeze [reason]` keeps everything from being sent, `unfreeze` lets it go on.",
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
	s := fmt.Sprintf(":ballot_box_with_ballot: Asked as %s: %s %s in %s%s. The card is in <#%s>; the outcome comes in its thread.", code(r.ID), toDo(r.Action), count(r.Total, "server"), bold(r.Project), sayHow(r), r.Channel)
	if r.State == approvals.Approved {
		s += " Your click is its approval."
	}
	if r.OutSum > 0 {
		s += "\n" + sayLeftOut(r.Out, r.OutSum, cardBudget)
	}
	return s
}

func (a *App) sayDryRun(r approvals.Request) string {
	const budget = 1600 // bytes for each of the two lists
	s := fmt.Sprintf(":test_tube: *Dry run, nothing was asked for.* This would ask to stop %s in %s (%s):\n%s", count(r.Total, "server"), bold(r.Project), r.Mode, sayServers(r, budget))
	if r.OutSum > 0 {
		s += "\n" + sayLeftOut(r.Out, r.OutSum, budget)
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
		return ":information_source: There is nothing to " + toDo(no.Action) + ", so nothing was asked for. " + sayLeftOut(no.LeftOut, len(no.LeftOut), cardBudget)
	case approvals.ServersTaken:
		return sayTaken(no.Taken)
	case approvals.Unresolved:
		return sayUnresolved(no)
	case approvals.IsFrozen:
		return ":snowflake: It is frozen already. " + sayFreeze(no.Freeze)
	case approvals.NotFrozen:
		return ":information_source: Nothing is frozen, so there is nothing to lift."
	case approvals.NotEnded:
		return fmt.Sprintf(":hourglass_flowing_sand: %s has not ended yet (%s). Wait for its outcome.", id, sayStateWord(r))
	case approvals.NotUnknown:
		return fmt.Sprintf(":information_source: There is nothing to decide about %s (any more).%s", id, sayWord(r))
	case approvals.NoneStopped:
		return fmt.Sprintf(":information_source: %s has stopped no server that I could start again; nothing was asked for.", id)
	case approvals.RetriedBefore:
		return fmt.Sprintf(":information_source: The rest of %s was tried again before, as %s; nothing was asked for. What failed there can be tried again from there.", id, code(r.Retried))
	case approvals.NoneFailed:
		return fmt.Sprintf(":information_source: Nothing of %s failed that could be tried again; nothing was asked for.", id)
	case approvals.DraftGone:
		return ":alarm_clock: What you were shown is not kept any more; nothing was asked for. Fill in the form again."
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
	case last.Verdict == approvals.Yes, last.Verdict == approvals.TheyRun, last.Verdict == approvals.TheyAreOff:
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
	b.WriteString(sayMissing(no))
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
		line := fmt.Sprintf("• %s %s: %s by %s, %s", code(r.ID), sayStateWord(r), sayTotal(r), mention(r.Requester), clock(r.Created))
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
		return fmt.Sprintf("• %s %s: %s by %s, %s", code(r.ID), sayStateWord(r), sayTotal(r), mention(r.Requester), clock(r.Finished))
	})
}

func sayStateWord(r approvals.Request) string {
	return map[approvals.State]string{
		approvals.Pending: ":hourglass_flowing_sand: waiting", approvals.Approved: ":white_check_mark: approved",
		approvals.Executing: ":gear: " + strings.ToLower(doing(r.Action)), approvals.Succeeded: ":white_check_mark: done",
		approvals.PartiallyFailed: ":warning: done in part", approvals.Failed: ":x: failed",
		approvals.Unknown: ":grey_question: not known in full", approvals.Denied: ":x: denied",
		approvals.Cancelled: ":no_entry: cancelled", approvals.Expired: ":alarm_clock: expired",
	}[r.State]
}

// sayStatus is all about one request.
func (a *App) sayStatus(r approvals.Request, batches []approvals.Batch, link string) string {
	var b strings.Builder
	const reasons = 1400 // bytes of a paragraph that ends with a reason
	fmt.Fprintf(&b, "%s %s\n%s\n", code(r.ID), clipText(sayWish(r), reasons), clipText(a.sayState(r), reasons))
	if link != "" {
		fmt.Fprintf(&b, "<%s|Its thread>\n", link)
	}
	if len(batches) == 0 {
		b.WriteString(sayServers(r, min(cardBudget, maxFallback-b.Len()-50)))
		return b.String()
	}
	b.WriteString(a.sayProgress(r) + "\n")
	b.WriteString(listing(batches, len(batches), min(1200, maxFallback-b.Len()-50), func(x approvals.Batch) string {
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

// Words of the request form. Those of its fields are shown as they are, without
// formatting.

const (
	sayFormTitle  = "Stop servers"
	sayFormSubmit = "Preview"
	sayFormClose  = "Cancel"
	sayFormBack   = "Back"
	sayFormDone   = "Done"

	sayPickLabel        = "Servers"
	sayPickPlaceholder  = "Type part of a name, an id or a tag"
	sayPickHint         = "All fields add up: these servers, those named below, and those with the tags."
	sayNamesLabel       = "More servers by name, pattern or id"
	sayNamesPlaceholder = "web-1 web-2 batch-*"
	sayTagsLabel        = "All servers with these tags"
	sayTagsPlaceholder  = "env=dev team=a"
	sayTagsHint         = "key=value; of several tags a server must have all."
	sayHowLabel         = "How"
	saySoftMeans        = "Asks the system to shut down."
	sayHardMeans        = "Cuts the power: unsaved data is lost, file systems may break."
	sayWhyLabel         = "Reason"
	sayWhyPlaceholder   = "Shown to the approvers"

	sayFieldReason  = "A reason is required."
	sayFieldServers = "No server is named. Choose some here, name them below, or give a tag."
	sayHaveForm     = "I have this already; the answer comes in a moment."

	sayNoForm           = ":warning: I could not open the form in time; nothing was asked for. Try again, or type it:"
	sayFormNeedsChannel = ":information_source: The card has to stand in a channel. Type `/ecs-stop` in that channel; the form opens there, too."

	sayPreviewTitle  = "Check and ask"
	sayPreviewSubmit = "Ask"
	sayAsking        = ":hourglass_flowing_sand: Asking …"

	sayShow      = "Show servers"
	sayPrev      = "Previous"
	sayNext      = "Next"
	sayPageClose = "Close"
)

func sayFormFoot(pol approvals.Policy) string {
	return fmt.Sprintf("At most %s in one request. It needs %s from %s; nothing is stopped before.", count(pol.MaxServers, "server"), count(max(1, pol.ApprovalsRequired), "approval"), mentions(pol.Approvers))
}

// sayFieldWrong says all that is wrong with one field.
func sayFieldWrong(faults Mistakes) string {
	said := make([]string, len(faults))
	for i, m := range faults {
		said[i] = plainly(sayMistake(m))
	}
	return clipText(strings.Join(said, " "), 600)
}

// sayOption is one server to choose: its state is seen even if its name is long.
func sayOption(s approvals.Server) string {
	state := s.Status
	if s.Task != "" {
		state += ", " + s.Task
	}
	rest := " · " + clip(bare(state), 20)
	if s.Address != "" {
		rest += " · " + clip(bare(s.Address), 15)
	}
	return clip(bare(s.Name), maxOption-utf8.RuneCountInString(rest)) + rest
}

func sayPreviewFoot(r approvals.Request) string {
	return fmt.Sprintf("Nothing is asked for yet. *Ask* posts a card in <#%s>, where it needs %s. List %s.", r.Channel, count(r.Need, "approval"), code(r.Digest))
}

// Words of the list of all servers.

func sayPageTitle(id string) string { return "Servers of " + id }

func sayPage(r approvals.Request, first, last, all int) string {
	return fmt.Sprintf("%s to %s of %s, as they were when %s asked, %s.", thousands(first), thousands(last), count(all, "server"), mention(r.Requester), clock(r.Created))
}

func sayLeftOutAtEnd(l approvals.LeftOut) string { return sayOneLeftOut(l) + " (left out)" }

func sayOneLeftOut(l approvals.LeftOut) string {
	return fmt.Sprintf("• %s %s: %s", bold(l.Server.Name), code(l.Server.ID), sayWhy(l.Why))
}

func sayShowFailed(id string) string {
	return ":warning: I could not open the list in time. Click again, or type " + code("/ecs-stop status "+id) + "."
}

// Words of the verb that shows servers.

// sayFound lists servers as they are now, and what names none.
func sayFound(found []approvals.Server, missing *approvals.Refusal) string {
	var b strings.Builder
	if len(found) > 0 {
		fmt.Fprintf(&b, "*%s* now: %s\n", count(len(found), "server"), sayStates(found))
		b.WriteString(listing(found, len(found), 2200, serverLine))
	}
	if missing != nil {
		if b.Len() > 0 {
			b.WriteString("\n")
		}
		b.WriteString(sayMissing(missing))
	}
	return b.String()
}

// sayStates counts servers by state.
func sayStates(servers []approvals.Server) string {
	n := map[string]int{}
	for _, s := range servers {
		n[s.Status]++
	}
	parts := make([]string, 0, len(n))
	for _, state := range slices.Sorted(maps.Keys(n)) {
		parts = append(parts, thousands(n[state])+" "+escape(state))
	}
	return clipText(strings.Join(parts, ", "), 300) + "."
}

// sayMissing lists the words that name no server, each with names like it.
func sayMissing(no *approvals.Refusal) string {
	return listing(no.Missing, len(no.Missing), 1500, func(w string) string {
		line := "• " + code(w) + " names no server that I can see"
		if near := no.Near[w]; len(near) > 0 {
			names := make([]string, len(near))
			for i, name := range near {
				names[i] = code(name)
			}
			line += ". Did you mean " + strings.Join(names, " or ") + "?"
		}
		return line
	})
}

// Words of warnings, reminders and progress.

// sayWarnings is what whoever decides should know, one line each. Once it is
// decided only the power cut is of interest.
func sayWarnings(r approvals.Request) string {
	var lines []string
	if r.Action == approvals.Stop && r.Mode == approvals.Hard {
		lines = append(lines, sayHardRisk)
	}
	if r.Action != approvals.Stop || r.State != approvals.Pending {
		return strings.Join(lines, "\n")
	}
	for _, w := range r.Warnings {
		lines = append(lines, sayWarning(w))
	}
	return strings.Join(lines, "\n")
}

func sayWarning(w approvals.Warning) string {
	what := map[approvals.Hazard]string{
		approvals.LooksLive:   ":rotating_light: *Production?* By name or tag:",
		approvals.MayBeScaled: ":arrows_counterclockwise: *Auto Scaling?* By name or tag; a group may replace or delete a stopped member:",
		approvals.BilledOff:   ":moneybag: *Billed on while stopped* (paid by year or month, local disks, FPGA or bare metal):",
	}[w.Hazard]
	return what + " " + sayNames(w.Names, w.Count)
}

// sayNames lists the first names of n.
func sayNames(names []string, n int) string {
	said := make([]string, len(names))
	for i, name := range names {
		said[i] = code(name)
	}
	s := strings.Join(said, ", ")
	if more := n - len(names); more > 0 {
		s += fmt.Sprintf(" and %s more", thousands(more))
	}
	return s + "."
}

// sayReminder asks those who may decide, but not those who have or whose word
// would not count.
func (a *App) sayReminder(r approvals.Request) string {
	who := slices.DeleteFunc(slices.Clone(a.Policy.Approvers), func(id string) bool {
		said := slices.ContainsFunc(r.Decisions, func(d approvals.Decision) bool { return d.By == id })
		return said || id == r.Requester && !a.Policy.AllowSelfApproval
	})
	s := fmt.Sprintf("this still waits for %s, until %s. Please approve or deny it.", count(r.Need-r.Approvals(), "approval"), clock(r.Expires))
	if len(who) == 0 {
		return ":bell: T" + s[1:]
	}
	return ":bell: " + mentions(who) + ": " + s
}

// sayPace tells when an executing request will about be done, and what it
// waits for.
func (a *App) sayPace(r approvals.Request) string {
	s := ""
	if at := r.ETA(a.Rate); !at.IsZero() {
		s += ", done about " + clock(at)
	}
	if r.Waiting > 0 && r.Stop == nil {
		s += fmt.Sprintf("\n:hourglass_flowing_sand: Call %s waits for the cloud's limit of %s a minute%s.", sayCall(r, r.Waiting-1), count(a.Rate, "server"), sayPlace(r.Place))
	}
	return s
}

// sayPlace is the request's place in the line; empty if nobody is before it.
func sayPlace(n int) string {
	if n < 2 {
		return ""
	}
	end := ""
	if n%100/10 != 1 {
		end = map[int]string{1: "st", 2: "nd", 3: "rd"}[n%10]
	}
	return fmt.Sprintf("; this request is %s%s in line", thousands(n), cmp.Or(end, "th"))
}

// sayListTitle is the title of the file with all servers. By it the file is
// found again, so it must not change.
func sayListTitle(id string) string { return "Servers of " + id }

func sayListComment(r approvals.Request) string {
	return fmt.Sprintf(":page_facing_up: All %s, as they were when %s asked.", count(r.Total, "server"), mention(r.Requester))
}

const sayResultsFollow = ":page_facing_up: What became of each server follows as a file."

// sayResultsTitle is the title of the file with all outcomes. It must not
// change either.
func sayResultsTitle(id string) string { return "Results of " + id }

func sayResultsComment(r approvals.Request) string {
	return fmt.Sprintf(":page_facing_up: What became of each of the %s of %s.", count(r.Total, "server"), r.ID)
}

// sayOutcome is one server's outcome in the file.
func sayOutcome(o approvals.Outcome) string {
	switch o {
	case approvals.FoundOff:
		return "found off"
	case approvals.FoundOn:
		return "found running"
	case approvals.SkippedNow:
		return "left out"
	case approvals.NotKnown:
		return "not known"
	case approvals.NotSent:
		return "not sent"
	}
	return string(o) // stopped, started, failed
}

// Words of the Home.

const (
	sayHomeTitle        = "Stop servers, with approval"
	sayHomeWaiting      = "*Waits for your decision*"
	sayHomeNothingWaits = "Nothing waits for you."
	sayHomeOwn          = "*You asked for*"
	sayHomeRunning      = "*Running*"
	sayHomeResults      = "*Last results*"
)

func sayHomeFoot(now time.Time) string {
	return "Ask with `/ecs-stop` in a channel; `/ecs-stop help` tells how. As of " + clock(now) + "."
}

func sayHomeMore(n int) string {
	return "… and " + thousands(n) + " more: `/ecs-stop list`"
}

func sayHomeFrozen(f approvals.Freeze) string { return ":snowflake: *Frozen.* " + sayFreeze(f) }

// sayHomeWish is a request that waits for a decision.
func sayHomeWish(r approvals.Request, link string) string {
	s := sayWish(r) + "\n" + sayNames(names(r, 5), r.Total)
	if warnings := sayWarnings(r); warnings != "" {
		s += "\n" + warnings
	}
	return s + fmt.Sprintf("\n%s · until %s%s", code(r.ID), clock(r.Expires), sayHomeLink(link))
}

// sayHomeOpen is a request under way.
func (a *App) sayHomeOpen(r approvals.Request, link string) string {
	s := fmt.Sprintf("%s %s: %s in %s, %s%s", code(r.ID), sayStateWord(r), count(r.Total, "server"), bold(r.Project), mention(r.Requester), sayHomeLink(link))
	if r.State == approvals.Executing {
		s += "\n" + a.sayProgress(r)
	}
	return s
}

func sayHomeEnded(r approvals.Request, link string) string {
	s := fmt.Sprintf("%s %s: %s in %s, %s, %s%s", code(r.ID), sayStateWord(r), count(r.Total, "server"), bold(r.Project), mention(r.Requester), clock(r.Finished), sayHomeLink(link))
	if r.Batches > 0 {
		s += "\n" + sayTally(r.Tally)
	}
	return s
}

func sayHomeLink(link string) string {
	if link == "" {
		return ""
	}
	return " · <" + link + "|its card>"
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

func did(a approvals.Action) string {
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

// Words of what comes after the end.

const (
	sayRetry        = "Retry failed"
	sayStartAgain   = "Start these again"
	sayTheyAreOff   = "They are stopped"
	sayTheyRun      = "They run"
	sayRetryTitle   = "Try again?"
	sayRetryText    = "Only what failed or was not sent. If you may approve it and its approval is still fresh, your click approves this, and it starts at once. Otherwise it gets a card of its own."
	sayRetryYes     = "Try again"
	saySettleSubmit = "Decide"
	saySettleLabel  = "How do you know? (shown in the channel, kept in the audit)"
	saySettleHint   = "Look at them in the cloud's console first."
)

// sayOf says what a request that follows from another one is about.
func sayOf(r approvals.Request) string {
	return " again, after " + code(r.Of)
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
	last := r.Last()
	switch last.Verdict {
	case approvals.TheyRun:
		return fmt.Sprintf(" Of those not known %s said %s that they run", mention(last.By), clock(last.At)) + because(last.Reason)
	case approvals.TheyAreOff:
		return fmt.Sprintf(" Of those not known %s said %s that they are stopped", mention(last.By), clock(last.At)) + because(last.Reason)
	}
	return ""
}

func saySettled(r approvals.Request, n approvals.Note) string {
	what := "they are stopped"
	if r.Last().Verdict == approvals.TheyRun {
		what = "they run"
	}
	return fmt.Sprintf(":ballot_box_with_check: %s, of %s that I did not know of, %s says that %s", mention(r.Requester), count(n.Count, "server"), mention(n.By), what) + because(n.Why)
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
		lines[i] = fmt.Sprintf(":x: Call %s: %s failed.%s %s", sayCall(r, n.Batch), count(n.Count, "server"), first, clipText(said, 500))
	}
	return strings.Join(lines, "\n")
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

// sayAnnouncement is a channel's own message.
func sayAnnouncement(n approvals.Note) string {
	if n.Topic == approvals.TopicThawed {
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
