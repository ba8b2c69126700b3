package slackapp

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"ecsbot/internal/approvals"
)

// Words of the card.

// sayHeadline is what a request is about, in the fewest words.
func sayHeadline(r approvals.Request) string {
	return fmt.Sprintf("%s %s · %s", upper(toDo(r.Action)), count(r.Total, "server"), r.Project)
}

// sayWish tells who wants it, how, and why.
func (v view) sayWish(r approvals.Request) string {
	s := "Requested by " + mention(r.Requester) + sayHow(r) + v.sayOf(r) + sayTicket(r)
	if short := sayShortened(r); short != "" {
		s += "\n" + short
	}
	if r.Reason != "" {
		s += "\n> " + escape(r.Reason)
	}
	return s
}

func sayWishShort(r approvals.Request) string {
	what := toDo(r.Action) + " " + count(r.Total, "server")
	switch {
	case r.FollowUpOf != "" && r.Action == approvals.Start:
		what += " of " + r.FollowUpOf
	case r.FollowUpOf != "":
		what = "retry " + count(r.Total, "server") + " of " + r.FollowUpOf
	}
	s := fmt.Sprintf("%s: %s wants to %s in %s%s", r.ID, mention(r.Requester), what, escape(r.Project), sayHow(r))
	if r.Reason != "" {
		s += ": " + escape(r.Reason)
	}
	return s + "."
}

// sayStateIn is where the request stands while f is in force: title and detail.
func (v view) sayStateIn(r approvals.Request, f approvals.Freeze) string {
	if r.State == approvals.Pending {
		return v.sayPending(r, f)
	}
	s := sayTitle(r, f)
	if detail := v.sayDetail(r, f); detail != "" {
		s += "\n" + detail
	}
	return s
}

// sayPending tells who has to decide, and by when.
func (v view) sayPending(r approvals.Request, f approvals.Freeze) string {
	s := ":hourglass_flowing_sand: " + v.sayNeed(r) + " · expires " + clock(r.Expires) + v.sayByStep(r) + v.sayFillings(r)
	if by := sayApprovers(r); by != "" && !byRules(r) {
		s += "\nApproved so far by " + by
	}
	if f.On {
		s += "\n:snowflake: Sending is frozen by " + sayFrozenBy(f) + ". You can approve now; nothing is sent until the freeze is lifted."
	}
	return s
}

// mayStillDecide are the approvers without those who have decided or whose word
// would not count.
func (v view) mayStillDecide(r approvals.Request) []string {
	pol := v.project(r).Policy
	var all []string
	for _, f := range r.Fillings() {
		self := f.Self || r.DefaultNeeded == 0 && pol.AllowSelfApproval
		if len(f.By) >= f.Count {
			continue
		}
		for _, c := range pol.CirclesOf(f.Slots) {
			for _, id := range c.Mentioned(r.MentionedAge()) {
				if !slices.Contains(all, id) && !hasSaid(r, id) && (id != r.Requester || self) {
					all = append(all, id)
				}
			}
		}
	}
	return all
}

// hasSaid reports whether the person has decided about r.
func hasSaid(r approvals.Request, id string) bool {
	return slices.ContainsFunc(r.Decisions, func(d approvals.Decision) bool { return d.By == id && d.Choice != approvals.ChoseLeave })
}

// sayFrozenBy names who froze, when and why, within a sentence.
func sayFrozenBy(f approvals.Freeze) string {
	s := mention(f.By) + " since " + clock(f.At)
	if f.Reason != "" {
		s += " (“" + clip(escape(f.Reason), 300) + "”)"
	}
	return s
}

// onHold reports whether the freeze keeps the request from being sent.
func onHold(r approvals.Request, f approvals.Freeze) bool {
	return f.On && !r.State.Final() && r.Cancellation == nil && r.State != approvals.Pending
}

// sayTitle says in bold what has become of a request that is decided.
func sayTitle(r approvals.Request, f approvals.Freeze) string {
	what := toDo(r.Action) + " " + count(r.Total, "server")
	sign, title := "", ""
	switch r.State {
	case approvals.Pending:
		sign, title = ":hourglass_flowing_sand:", upper(what)
	case approvals.Approved:
		sign, title = ":white_check_mark:", "Approved: "+what
		if onHold(r, f) {
			sign, title = ":snowflake:", "On hold: "+what
		}
	case approvals.Executing:
		sign, title = ":gear:", doing(r.Action)+" "+count(r.Total, "server")
		if onHold(r, f) {
			sign, title = ":snowflake:", "On hold: "+what
		}
	case approvals.Denied:
		sign, title = ":x:", "Denied: "+what
	case approvals.Expired:
		sign, title = ":x:", "Expired: "+what
	case approvals.Cancelled:
		sign, title = ":x:", upper(cancelledWord(r))+": "+what
	case approvals.Succeeded:
		sign, title = ":white_check_mark:", upper(pastTense(r.Action))+" "+count(r.Total, "server")
		if r.Tally.Stopped+r.Tally.Started < r.Total { // not all of them by this request
			sign, title = ":white_check_mark:", count(r.Total, "server")+" "+areDone(r)
		}
	case approvals.PartiallyFailed, approvals.Failed:
		sign, title = ":warning:", upper(sayGoodOfAll(r))
		if r.Tally.Good() == 0 {
			sign, title = ":x:", "Failed to "+what
		}
		if cutShort(r) {
			title = upper(cancelledWord(r)) + " after " + sayOfAll(r) + " servers"
		}
	case approvals.Unknown:
		sign, title = ":warning:", "Outcome unknown for "+thousands(r.Tally.Unknown)+" of "+count(r.Total, "server")
	default:
		title = string(r.State)
	}
	return sign + " *" + title + "* · " + bold(r.Project)
}

// sayGoodOfAll is how many servers are as the request wants them.
func sayGoodOfAll(r approvals.Request) string {
	if r.Tally.Good() == r.Tally.Stopped+r.Tally.Started {
		return pastTense(r.Action) + " " + sayOfAll(r) + " servers"
	}
	return sayOfAll(r) + " servers " + areDone(r)
}

// areDone is said of servers that are as the request wants them, no matter who did it.
func areDone(r approvals.Request) string {
	be, state := "are", "stopped"
	if r.Total == 1 {
		be = "is"
	}
	if r.Action == approvals.Start {
		state = "running"
	}
	return be + " " + state
}

// sayDetail is what else matters about a request that is decided.
func (v view) sayDetail(r approvals.Request, f approvals.Freeze) string {
	last := r.LastDecision()
	switch r.State {
	case approvals.Approved:
		if onHold(r, f) {
			return "Sending is frozen by " + sayFrozenBy(f) + ". It goes on when the freeze is lifted."
		}
		if automatic(r) {
			return sayAutomatic(r) + ". " + doing(r.Action) + " now."
		}
		return doing(r.Action) + " now."
	case approvals.Executing:
		return v.sayProgress(r, f)
	case approvals.Denied:
		return sayBy(last) + because(last.Reason)
	case approvals.Expired:
		return "It was not approved in time. Nothing was " + pastTense(r.Action) + "."
	case approvals.Cancelled:
		switch {
		case last.Choice == approvals.ChoseNoCard:
			return "Its card could not be posted. Nothing was " + pastTense(r.Action) + "."
		case last.Choice == approvals.ChoseRule:
			return "Rule " + code(last.Rule) + " doesn't allow it: " + escape(last.Reason) + "\nNothing was " + pastTense(r.Action) + "."
		case r.Cancellation != nil && r.Cancellation.Choice == approvals.ChoseLapse:
			return "Nothing was sent before the approval expired " + clock(r.Cancellation.At) + "."
		case r.Cancellation != nil:
			last = *r.Cancellation
		}
		return sayBy(last) + ". Nothing was " + pastTense(r.Action) + "."
	case approvals.Succeeded, approvals.PartiallyFailed, approvals.Failed:
		s := ""
		if cutShort(r) {
			s = sayBy(*r.Cancellation) + ". "
		}
		switch ours := r.Tally.Good() == r.Tally.Stopped+r.Tally.Started; {
		case r.State == approvals.PartiallyFailed && ours:
			s += sayTally(bad(r.Tally))
		case r.State != approvals.Succeeded || !ours:
			s += sayTally(r.Tally)
		}
		return strings.TrimSpace(s + sayWord(r))
	case approvals.Unknown:
		return sayTally(r.Tally) + " Check them in the Huawei Cloud console, then mark them in the thread."
	}
	return ""
}

// cancelledWord is what kept the rest of a request from being sent.
func cancelledWord(r approvals.Request) string {
	if r.Cancellation != nil && r.Cancellation.Choice == approvals.ChoseLapse {
		return "approval expired"
	}
	return "cancelled"
}

// sayBy names who decided, if it was not the clock, and when.
func sayBy(d approvals.Decision) string {
	if d.By == "" {
		return "Expired " + clock(d.At)
	}
	return "By " + mention(d.By) + " " + clock(d.At)
}

// sayWhoCancelled names who cancelled, or tells that the approval expired.
func sayWhoCancelled(r approvals.Request) string {
	if r.Cancellation.Choice == approvals.ChoseLapse {
		return "The approval expired " + clock(r.Cancellation.At) + "."
	}
	return "Cancelled by " + mention(r.Cancellation.By) + " " + clock(r.Cancellation.At) + "."
}

// cutShort reports whether a cancel has kept a part from being sent.
func cutShort(r approvals.Request) bool { return r.Cancellation != nil && r.Tally.NotSent > 0 }

// sayOfAll is how far the work got.
func sayOfAll(r approvals.Request) string {
	return thousands(r.Progress().Good()) + " of " + thousands(r.Total)
}

func because(reason string) string {
	if reason == "" {
		return "."
	}
	return ":\n> " + escape(reason)
}

// sayApprovers names who approved, and when.
func sayApprovers(r approvals.Request) string {
	var names []string
	for _, d := range r.Decisions {
		if d.Counts() {
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
		{t.Stopped, "stopped"}, {t.Off, "found stopped"}, {t.Started, "started"}, {t.On, "found running"}, {t.Failed, "failed"},
		{t.LeftOut, "skipped"}, {t.Unknown, "unknown"}, {t.NotSent, "not sent"},
	} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", thousands(p.n), p.word))
		}
	}
	return strings.Join(parts, ", ") + "."
}

// sayProgress is how the work goes: numbers, what it waits for, and a bar.
func (v view) sayProgress(r approvals.Request, f approvals.Freeze) string {
	s := sayOfAll(r) + " " + pastTense(r.Action) // what failed or was not sent is no progress
	if n := r.Progress().Failed; n > 0 {
		s += fmt.Sprintf(", %s failed", thousands(n))
	}
	if at := v.eta(r); !at.IsZero() && !f.On {
		s += " · done about " + clock(at)
	}
	s += "\n" + bar(r.Progress().Good(), r.Total)
	if held := sayHeldBack(r, f); held != "" {
		return s + "\n" + held
	}
	if r.WaitingBatch > 0 {
		s += "\n:hourglass_flowing_sand: " + v.sayWaiting(r)
	}
	return s
}

// sayHeldBack tells who keeps the rest from being sent; empty if nobody does.
func sayHeldBack(r approvals.Request, f approvals.Freeze) string {
	switch {
	case r.Cancellation != nil:
		return ":x: " + sayWhoCancelled(r) + " Servers already sent will still " + toDo(r.Action) + "; the rest won't be touched."
	case f.On:
		return "Sending is frozen by " + sayFrozenBy(f) + ". Servers already sent will still " + toDo(r.Action) + "."
	}
	return ""
}

// sayWaiting is what the next batch waits for.
func (v view) sayWaiting(r approvals.Request) string {
	kept, p := "", v.project(r)
	if free := approvals.Reserve(p.Rate, p.BatchSize); r.Total > p.Rate && free > 0 {
		kept = fmt.Sprintf(" (%s of them kept free for small requests)", thousands(free))
	}
	return fmt.Sprintf("%s waits for Huawei Cloud's limit of %s a minute%s%s.", sayBatch(r, r.WaitingBatch-1), count(p.Rate, "server"), kept, sayPlace(r.QueuePosition))
}

// sayPlace is the request's place in the queue; empty if nobody is before it.
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

func sayMore(n int) string { return fmt.Sprintf("… and %s more.", thousands(n)) }

// saySmall is the small print below what has to be decided.
func (v view) saySmall(r approvals.Request) string {
	s := r.ID
	if rules := sayOtherRules(r); rules != "" {
		s += " · " + rules
	}
	if wait := eta(r.Total, v.project(r).Rate); wait > 0 {
		s += fmt.Sprintf(" · takes at least %s at %s a minute", took(wait), count(v.project(r).Rate, "server"))
	}
	return s
}

// smallReason is how much of the reason a decided card shows, in bytes.
const smallReason = 150

// sayDecidedSmall is the small print of a request that is decided.
func (v view) sayDecidedSmall(r approvals.Request) string {
	parts := []string{"Requested by " + mention(r.Requester) + v.sayOf(r)}
	if r.Reason != "" {
		parts = append(parts, "“"+escape(clip(r.Reason, smallReason))+"”")
	}
	if by := sayApprovers(r); by != "" && r.State != approvals.Denied {
		parts = append(parts, "approved by "+by)
	}
	if names := ruleNames(r, func(approvals.Rule) bool { return true }); automatic(r) {
		parts = append(parts, lower(sayAutomatic(r)))
	} else if len(names) > 0 {
		parts = append(parts, sayRuleNames(names))
	}
	if short := sayShortened(r); short != "" {
		parts = append(parts, short)
	}
	if r.Ticket != "" {
		parts = append(parts, "ticket "+code(r.Ticket))
	}
	if how := strings.TrimPrefix(sayHow(r), " · "); how != "" {
		parts = append(parts, how)
	}
	if r.State.Final() && !r.Started.IsZero() {
		parts = append(parts, "took "+took(r.Finished.Sub(r.Started)))
	}
	if r.LeftOutCount > 0 {
		parts = append(parts, thousands(r.LeftOutCount)+" skipped")
	}
	if r.RetriedBy != "" {
		parts = append(parts, "retried as "+v.ref(r.RetriedBy))
	}
	return strings.Join(append(parts, r.ID), " · ")
}

func sayConfirmTitle(r approvals.Request) string {
	return clip(upper(toDo(r.Action))+" "+count(r.Total, "server")+"?", 100)
}

// sayConfirm repeats in plain text what is about to be approved.
func sayConfirm(r approvals.Request, f approvals.Freeze) string {
	var s strings.Builder
	s.WriteString(plainly(sayRuns(r.Named()[:min(3, len(r.Named()))], r.Total, 70)) + " in " + clipRunes(r.Project, 30) + ". ")
	if r.Reason != "" {
		s.WriteString("Reason: “" + clipRunes(r.Reason, 40) + "”. ")
	}
	switch {
	case r.Action == approvals.Start:
	case r.Mode == approvals.Hard:
		s.WriteString("POWER OFF: unsaved data is lost. ")
	default:
		s.WriteString("Graceful shutdown. ")
	}
	for _, w := range r.Warnings {
		if w.Hazard == approvals.LooksLive && r.Action == approvals.Stop {
			s.WriteString(sayLooksLive(w.Count) + ". ")
		}
	}
	switch more := r.Missing() - 1; {
	case more > 0:
		fmt.Fprintf(&s, "%d more needed after yours.", more)
	case f.On:
		s.WriteString("Sending is frozen: nothing happens until it is lifted.")
	default:
		s.WriteString("This begins as soon as you confirm.")
	}
	return clipRunes(strings.NewReplacer("<", "‹", ">", "›").Replace(withoutControls(s.String())), maxConfirm)
}

func sayConfirmYes(r approvals.Request) string {
	return clip(upper(toDo(r.Action))+" "+thousands(r.Total), 30)
}

// Words of the button that stops a running request.

const sayStopSending = "Stop sending"

func sayStopTitle(r approvals.Request) string { return "Stop sending " + r.ID + "?" }

func sayStopText(r approvals.Request) string {
	return fmt.Sprintf("%s of %s are %s. Servers already sent will still %s; the rest won't be touched. This can't be undone.", thousands(r.Progress().Good()), count(r.Total, "server"), pastTense(r.Action), toDo(r.Action))
}

const sayStopNo = "Keep going"

// Words of warnings and reminders.

// sayWarnings is what people should know before they decide, one line each.
func sayWarnings(r approvals.Request) string {
	if r.Action != approvals.Stop || r.State != approvals.Pending {
		return ""
	}
	var lines []string
	if r.Mode == approvals.Hard {
		lines = append(lines, sayHardRisk)
	}
	for _, w := range r.Warnings {
		lines = append(lines, sayWarning(w))
	}
	return strings.Join(lines, "\n")
}

func sayLooksLive(n int) string {
	if n == 1 {
		return "1 looks like production"
	}
	return thousands(n) + " look like production"
}

func sayWarning(w approvals.Warning) string {
	names := sayNames(w.Names, w.Count)
	switch w.Hazard {
	case approvals.LooksLive:
		return ":warning: *" + sayLooksLive(w.Count) + "* (" + sayHints(w.By) + "): " + names
	case approvals.MayBeScaled:
		return ":warning: *" + thousands(w.Count) + " may be in Auto Scaling* (" + sayHints(w.By) + "), which may replace or delete a stopped server: " + names
	case approvals.BilledOff:
		verb := "are"
		if w.Count == 1 {
			verb = "is"
		}
		return ":warning: *" + thousands(w.Count) + " " + verb + " still billed while stopped* (prepaid, local disk, FPGA or bare metal): " + names
	}
	return ":warning: " + string(w.Hazard) + ": " + names
}

// sayHints tells what a warning goes by: the server's name, or tags.
func sayHints(by []string) string {
	var parts, tags []string
	for _, hint := range by {
		if hint == approvals.ByName {
			parts = append(parts, "by name")
		} else {
			tags = append(tags, sayTag(clipRunes(hint, 60)))
		}
	}
	switch len(tags) {
	case 0:
	case 1:
		parts = append(parts, "tag "+tags[0])
	default:
		parts = append(parts, "tags "+strings.Join(tags, ", "))
	}
	return cmp.Or(strings.Join(parts, ", "), "by name or tag") // of a request of an older version
}

// sayTag shows a tag. What Slack could take for formatting is shown as code.
func sayTag(tag string) string {
	key, value, _ := strings.Cut(tag, "=")
	if harmless.MatchString(key) && (value == "" || harmless.MatchString(value)) {
		return tag
	}
	return code(tag)
}

// sayNames lists the first names of n.
func sayNames(names []string, n int) string {
	said := make([]string, len(names))
	for i, s := range names {
		said[i] = name(s)
	}
	s := strings.Join(said, ", ")
	if more := n - len(names); more > 0 {
		s += fmt.Sprintf(" and %s more", thousands(more))
	}
	return s
}

// sayReminder asks those who may still decide.
func (v view) sayReminder(r approvals.Request) string {
	s := fmt.Sprintf("this request expires %s and needs %s", clock(r.Expires), v.sayMissingCount(r, r.Missing()))
	if names := ruleNames(r, func(approvals.Rule) bool { return true }); len(names) > 0 {
		s += " (" + sayRuleNames(names) + ")"
	}
	if who := v.mayStillDecide(r); len(who) > 0 {
		return ":hourglass_flowing_sand: " + mentions(who) + " Reminder: " + s + "."
	}
	return ":hourglass_flowing_sand: Reminder: " + s + "."
}

// Words of the files.

// sayListTitle is the title of the file with all servers. By it the file is
// found again, so it must not change.
func sayListTitle(id string) string { return "Servers of " + id }

func sayListComment(r approvals.Request) string {
	return fmt.Sprintf("All %s of this request.", count(r.Total, "server"))
}

const sayResultsFollow = "The result of every server follows as a file."

// sayResultsTitle is the title of the file with all outcomes, and of what "View
// results" opens. It must not change either.
func sayResultsTitle(id string) string { return "Results of " + id }

func sayResultsComment(r approvals.Request) string {
	return fmt.Sprintf("Results for all %s of %s.", count(r.Total, "server"), r.ID)
}

// sayOutcome is one server's outcome in a table or a file. The counts of a request call a
// server that was in its state before it was sent "found" in it, and so does this.
func sayOutcome(r approvals.Result) string {
	o := r.Outcome
	switch {
	case o == approvals.Skipped && r.Skip == approvals.SkipOff:
		o = approvals.FoundOff
	case o == approvals.Skipped && r.Skip == approvals.SkipOn:
		o = approvals.FoundOn
	}
	switch o {
	case approvals.FoundOff:
		return "found stopped"
	case approvals.FoundOn:
		return "found running"
	case approvals.Skipped:
		return "skipped"
	case approvals.NotKnown:
		return "unknown"
	case approvals.NotSent:
		return "not sent"
	}
	return string(o) // stopped, started, failed
}
