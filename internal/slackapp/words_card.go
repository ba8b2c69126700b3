package slackapp

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"ecsbot/internal/approvals"
)

// Words of the card.

// sayWish is the card's first lines: who, how many, where, how, why.
func sayWish(r approvals.Request) string {
	s := fmt.Sprintf("%s asks to %s *%s* in %s%s", mention(r.Requester), toDo(r.Action), count(r.Total, "server"), bold(r.Project), sayHow(r))
	if r.FollowUpOf != "" {
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

// sayStateIn is where the request stands while f is in force.
func (v view) sayStateIn(r approvals.Request, f approvals.Freeze) string {
	if !f.On || r.State.Final() || r.Cancellation != nil {
		return v.sayState(r)
	}
	paused := fmt.Sprintf("%s paused sending %s", mention(f.By), clock(f.At))
	if f.Reason != "" {
		paused += " (“" + clip(escape(f.Reason), 300) + "”)"
	}
	switch r.State {
	case approvals.Approved:
		return ":snowflake: *On hold*, approved by " + sayApprovers(r) + ": " + paused + "."
	case approvals.Executing:
		return ":snowflake: *Sending is paused*, approved by " + sayApprovers(r) + ": " + paused + ". What was sent goes on."
	}
	return v.sayState(r) + "\n:snowflake: *On hold*: " + paused + "."
}

// sayState is where the request stands, with word and sign.
func (v view) sayState(r approvals.Request) string {
	last := r.LastDecision()
	switch r.State {
	case approvals.Pending:
		need := r.ApprovalsNeeded - r.Approvals()
		s := fmt.Sprintf(":hourglass_flowing_sand: *Waiting for %s* from %s, until %s.", count(need, "approval"), mentions(v.Policy.Approvers), clock(r.Expires))
		if by := sayApprovers(r); by != "" {
			s += " Approved so far by " + by + "."
		}
		return s
	case approvals.Approved:
		return ":white_check_mark: *Approved* by " + sayApprovers(r) + ". Starting."
	case approvals.Executing:
		s := ":gear: *" + doing(r.Action) + "*, approved by " + sayApprovers(r) + "."
		if r.Cancellation != nil {
			s += " " + sayStopped(r, "") + "; nothing more is sent."
		}
		return s
	case approvals.Denied:
		return ":x: *Denied* by " + mention(last.By) + " " + clock(last.At) + because(last.Reason)
	case approvals.Expired:
		return ":alarm_clock: *Expired* " + clock(last.At) + ": nobody decided in time. Nothing was " + pastTense(r.Action) + "."
	case approvals.Cancelled:
		return sayCancelledState(r)
	case approvals.Succeeded:
		return ":white_check_mark: *Done*, approved by " + sayApprovers(r) + ". " + sayTally(r.Tally) + sayWord(r)
	case approvals.PartiallyFailed, approvals.Failed:
		if cutShort(r) {
			return fmt.Sprintf("%s after %s, approved by %s. ", sayStopped(r, "*"), sayOfAll(r), sayApprovers(r)) + sayTally(r.Tally) + sayWord(r)
		}
		if r.State == approvals.Failed {
			return ":x: *Failed*, approved by " + sayApprovers(r) + ". " + sayTally(r.Tally) + sayWord(r)
		}
		return ":warning: *Done in part*, approved by " + sayApprovers(r) + ". " + sayTally(r.Tally) + sayWord(r)
	case approvals.Unknown:
		return ":grey_question: *Not known in full*, approved by " + sayApprovers(r) + ". " + sayTally(r.Tally)
	}
	return string(r.State)
}

// sayStopped tells who or what keeps the rest of a request from being sent;
// bold goes around the first word.
func sayStopped(r approvals.Request, bold string) string {
	if r.Cancellation.Choice == approvals.ChoseLapse {
		return fmt.Sprintf(":alarm_clock: %[1]sApproval expired%[1]s %[2]s", bold, clock(r.Cancellation.At))
	}
	return fmt.Sprintf(":no_entry: %[1]sCancelled%[1]s by %[2]s %[3]s", bold, mention(r.Cancellation.By), clock(r.Cancellation.At))
}

// cutShort reports whether a cancel has kept a part from being sent.
func cutShort(r approvals.Request) bool { return r.Cancellation != nil && r.Tally.NotSent > 0 }

// sayOfAll is how far the work got.
func sayOfAll(r approvals.Request) string {
	return thousands(r.Tally.Good()) + " of " + thousands(r.Total)
}

func sayCancelledState(r approvals.Request) string {
	last := r.LastDecision()
	switch {
	case r.Cancellation != nil:
		return sayStopped(r, "*") + " before anything was sent."
	case last.Choice == approvals.ChoseNoCard:
		return ":no_entry: *Withdrawn*: its card could not be posted."
	}
	return ":no_entry: *Cancelled* by " + mention(last.By) + " " + clock(last.At) + ". Nothing was " + pastTense(r.Action) + "."
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
		{t.Stopped, "stopped"}, {t.Off, "found off"}, {t.Started, "started"}, {t.On, "found running"}, {t.Failed, "failed"},
		{t.LeftOut, "left out"}, {t.Unknown, "not known"}, {t.NotSent, "not sent"},
	} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", thousands(p.n), p.word))
		}
	}
	return strings.Join(parts, ", ") + "."
}

func (v view) sayProgress(r approvals.Request, f approvals.Freeze) string {
	s := bar(r.Tally.Good(), r.Total) + " " + sayOfAll(r) // what failed or was not sent is no progress
	if r.Tally.Failed > 0 {
		s += fmt.Sprintf(", %s failed", thousands(r.Tally.Failed))
	}
	if r.State == approvals.Executing && !f.On {
		s += v.sayPace(r)
	}
	return s
}

// cardBudget is the room for one list of servers on the card.
const cardBudget = 2400

// sayServers lists the servers as they were when the request was made. Once it
// is decided their state then is of no interest any more.
func sayServers(r approvals.Request, budget int) string {
	if r.State != approvals.Pending {
		return listing(r.Sample, r.Total, budget, nameLine)
	}
	return listing(r.Sample, r.Total, budget, serverLine)
}

func sayMore(n int) string { return fmt.Sprintf("… and %s more.", thousands(n)) }

func sayLeftOut(out []approvals.LeftOut, total, budget int) string {
	return "Left out:\n" + listing(out, total, budget, func(l approvals.LeftOut) string {
		return sayOneLeftOut(l)
	})
}

func sayWhy(w approvals.SkipReason) string {
	switch w {
	case approvals.SkipOff:
		return "already stopped"
	case approvals.SkipOn:
		return "already running"
	case approvals.SkipStartState:
		return "in a state that cannot be started"
	case approvals.SkipGoingOff:
		return "being stopped by somebody else right now"
	case approvals.SkipGoingOn:
		return "being started by somebody else right now"
	case approvals.SkipChangedSince:
		return "changed by somebody since then"
	case approvals.SkipLocked:
		return "locked in the cloud"
	case approvals.SkipBusy:
		return "something else is being done to it"
	case approvals.SkipVanished:
		return "not there any more"
	case approvals.SkipProtected:
		return "protected by the bot's settings"
	case approvals.SkipBareMetal:
		return "a bare-metal server, which I cannot stop or start"
	case approvals.SkipStopState:
		return "in a state that cannot be stopped"
	case approvals.SkipChangedMeanwhile:
		return "changed since the request was made, while my store lost some of its data"
	}
	return string(w)
}

// saySmall is the small print: id, batches, time, digest.
func (v view) saySmall(r approvals.Request) string {
	batches := max(r.Batches, (r.Total+v.Batch-1)/v.Batch)
	s := fmt.Sprintf("%s · %s in %s", code(r.ID), count(r.Total, "server"), count(batches, "call"))
	if strings.HasSuffix(s, "calls") && batches == 1 {
		s = strings.TrimSuffix(s, "s")
	}
	if wait := eta(r.Total, v.Rate); wait > 0 {
		s += fmt.Sprintf(" · at least %s at the cloud's limit of %s a minute", took(wait), count(v.Rate, "server"))
	}
	return s + " · list " + code(r.Digest)
}

func sayConfirmTitle(r approvals.Request) string {
	return clip(upper(toDo(r.Action))+" "+count(r.Total, "server")+"?", 100)
}

func sayConfirm(r approvals.Request, f approvals.Freeze) string {
	how := "They are asked to shut down (SOFT)."
	if r.Mode == approvals.Hard {
		how = "Their power is cut (HARD): unsaved data is lost."
	}
	if r.Action == approvals.Start {
		how = "They are started."
	}
	hold := ""
	if f.On {
		hold = " Sending is paused: nothing happens before the freeze is lifted."
	}
	return clip(fmt.Sprintf("%s in %s. %s List %s.%s", count(r.Total, "server"), r.Project, how, r.Digest, hold), 300)
}

func sayConfirmYes(r approvals.Request) string {
	return clip(upper(toDo(r.Action))+" "+thousands(r.Total), 30)
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
func (v view) sayReminder(r approvals.Request) string {
	who := slices.DeleteFunc(slices.Clone(v.Policy.Approvers), func(id string) bool {
		said := slices.ContainsFunc(r.Decisions, func(d approvals.Decision) bool { return d.By == id })
		return said || id == r.Requester && !v.Policy.AllowSelfApproval
	})
	s := fmt.Sprintf("this still waits for %s, until %s. Please approve or deny it.", count(r.ApprovalsNeeded-r.Approvals(), "approval"), clock(r.Expires))
	if len(who) == 0 {
		return ":bell: T" + s[1:]
	}
	return ":bell: " + mentions(who) + ": " + s
}

// sayPace tells when an executing request will about be done, and what it
// waits for.
func (v view) sayPace(r approvals.Request) string {
	s := ""
	if at := r.ETA(v.Rate); !at.IsZero() {
		s += ", done about " + clock(at)
	}
	if r.WaitingBatch > 0 && r.Cancellation == nil {
		s += fmt.Sprintf("\n:hourglass_flowing_sand: Call %s waits for the cloud's limit of %s a minute%s.", sayCall(r, r.WaitingBatch-1), count(v.Rate, "server"), sayPlace(r.QueuePosition))
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
	case approvals.Skipped:
		return "left out"
	case approvals.NotKnown:
		return "not known"
	case approvals.NotSent:
		return "not sent"
	}
	return string(o) // stopped, started, failed
}
