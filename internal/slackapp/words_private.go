package slackapp

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"ecsbot/internal/approvals"
)

// Private words.

// sayHelp explains the command. Without approvers in pol they are not named.
func sayHelp(slash string, pol approvals.Policy) string {
	lines := []string{
		"*Stop servers, with approval.* Name servers by id, by name, by a pattern with `*`, or by tag:",
		"• `" + slash + " web-1 web-2 --reason \"night\"`",
		"• `" + slash + " batch-* --hard --reason stuck`",
		"• `" + slash + " --tag env=dev --tag team=a`",
		"Flags: `--soft` (default) or `--hard`, `--tag key=value`, `--reason TEXT`, `--project NAME`, `--dry-run` (show, ask nothing), `--` (what follows is servers).",
		"`" + slash + "` with nothing after it opens a form: search, choose, preview, ask.",
		"Look: `servers web-*` shows names, states and addresses to you alone. The app's *Home* shows what waits for you and what you asked for.",
		"Others: `list`, `status ID`, `history [N]`, `approve ID`, `deny ID [reason]`, `cancel ID`, `help`.",
		"Afterwards: `retry ID` asks again for what failed, `start ID` asks to start again what was stopped; the outcome has buttons for both.",
		"For approvers: `freeze [reason]` keeps everything from being sent, `unfreeze` lets it go on.",
	}
	if len(pol.Approvers) > 0 {
		lines = append(lines, fmt.Sprintf("A request needs %s from %s within %s.", count(max(1, pol.ApprovalsRequired), "approval"), mentions(pol.Approvers), took(pol.TTL)))
	}
	return strings.Join(lines, "\n")
}

func sayAsked(r approvals.Request) string {
	s := fmt.Sprintf(":ballot_box_with_ballot: Asked as %s: %s %s in %s%s. The card is in <#%s>; the outcome comes in its thread.", code(r.ID), toDo(r.Action), count(r.Total, "server"), bold(r.Project), sayHow(r), r.Channel)
	if r.State == approvals.Approved {
		s += " Your click is its approval."
	}
	if r.LeftOutCount > 0 {
		s += "\n" + sayLeftOut(r.LeftOut, r.LeftOutCount, cardBudget)
	}
	return s
}

func sayDryRun(r approvals.Request) string {
	const budget = 1600 // bytes for each of the two lists
	s := fmt.Sprintf(":test_tube: *Dry run, nothing was asked for.* This would ask to stop %s in %s (%s):\n%s", count(r.Total, "server"), bold(r.Project), r.Mode, sayServers(r, budget))
	if r.LeftOutCount > 0 {
		s += "\n" + sayLeftOut(r.LeftOut, r.LeftOutCount, budget)
	}
	return s
}

func sayDidApprove(r approvals.Request) string {
	if r.State == approvals.Pending {
		return fmt.Sprintf(":white_check_mark: Your approval of %s counts. It needs %s more.", code(r.ID), thousands(r.ApprovalsNeeded-r.Approvals()))
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

// sayRefusal tells a person why what they did has no effect.
func sayRefusal(no *approvals.Refusal) string {
	r := no.Request
	id := code(r.ID)
	switch no.Kind {
	case approvals.NotRequester:
		return ":no_entry: You may not ask for servers to be stopped; nothing was asked for. Ask whoever runs this bot to add you to the requesters."
	case approvals.NotApprover:
		return ":no_entry: You are not an approver, so this has no effect."
	case approvals.NotYours:
		if r.State != approvals.Pending {
			return fmt.Sprintf(":no_entry: Only %s, who asked for it, or an approver can cancel %s.", mention(r.Requester), id)
		}
		return fmt.Sprintf(":no_entry: Only %s, who asked for it, can cancel %s. An approver can deny it.", mention(r.Requester), id)
	case approvals.OwnRequest:
		return fmt.Sprintf(":no_entry: %s is your own request; somebody else has to approve it.", id)
	case approvals.YouApproved:
		return fmt.Sprintf(":white_check_mark: You have approved %s already. It needs %s more, from somebody else.", id, thousands(r.ApprovalsNeeded-r.Approvals()))
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
	case approvals.Overtaken:
		if no.Freeze.On {
			return ":snowflake: Still frozen: somebody froze it again after you typed this. " + sayFreeze(no.Freeze)
		}
		return ":information_source: Not frozen: somebody lifted the freeze after you typed this. Freeze again if it is needed."
	case approvals.TooManyOpen:
		return fmt.Sprintf(":x: You have %s, as many as one person may have; nothing was asked for. Cancel one, or wait until one has ended.", count(no.Limit, "open request"))
	case approvals.TooManyAsks:
		return fmt.Sprintf(":x: One person may ask %s an hour, dry runs and previews included; nothing was asked for. You can ask again %s.", count(no.Limit, "time"), clock(no.RetryAt))
	case approvals.TooManyLeftOut:
		return fmt.Sprintf(":x: That names %s that would be left out, since they cannot be stopped now; at most %s may. Nothing was asked for: name fewer.", count(no.Count, "server"), thousands(no.Limit))
	case approvals.NotEnded:
		return fmt.Sprintf(":hourglass_flowing_sand: %s has not ended yet (%s). Wait for its outcome.", id, sayStateWord(r))
	case approvals.NotUnknown:
		return fmt.Sprintf(":information_source: There is nothing to decide about %s (any more).%s", id, sayWord(r))
	case approvals.NoneStopped:
		return fmt.Sprintf(":information_source: %s has stopped no server that I could start again; nothing was asked for.", id)
	case approvals.RetriedBefore:
		return fmt.Sprintf(":information_source: The rest of %s was tried again before, as %s; nothing was asked for. What failed there can be tried again from there.", id, code(r.RetriedBy))
	case approvals.ListGone:
		return fmt.Sprintf(":information_source: The server list of %s is not kept any more: it was never carried out, and such lists are kept for a day.", id)
	case approvals.NoneFailed:
		return fmt.Sprintf(":information_source: Nothing of %s failed that could be tried again; nothing was asked for.", id)
	case approvals.DraftGone:
		return ":alarm_clock: What you were shown is not kept any more; nothing was asked for. Fill in the form again."
	case approvals.StoreFull:
		return ":floppy_disk: My database is full, so I did nothing about this. Tell the people who run this bot. Deny, cancel and freeze still work."
	case approvals.WrongProject:
		return fmt.Sprintf(":x: There is no project %s; nothing was asked for. This bot serves %s.", code(no.Asked), code(no.Known))
	case approvals.CloudAway:
		return ":warning: The cloud does not answer right now, so nothing was asked for. Please try again in a minute."
	case approvals.CloudRefusesKey:
		return ":warning: The cloud refuses the bot's access key; nothing was asked for. Tell whoever runs this bot."
	}
	return ":no_entry: That has no effect: " + escape(string(no.Kind)) + "."
}

// sayDecided tells in short how a request was decided, and by whom.
func sayDecided(r approvals.Request) string {
	last := r.LastDecision()
	switch {
	case r.Cancellation != nil && r.Cancellation.Choice == approvals.ChoseLapse:
		return "its approval expired " + clock(r.Cancellation.At) + "."
	case r.Cancellation != nil:
		return fmt.Sprintf("%s cancelled it %s.", mention(r.Cancellation.By), clock(r.Cancellation.At))
	case last.Choice == approvals.ChoseApprove, last.Choice == approvals.ChoseServersOn, last.Choice == approvals.ChoseServersOff:
		return "approved by " + sayApprovers(r) + "."
	case last.Choice == approvals.ChoseDeny:
		return fmt.Sprintf("%s denied it %s.", mention(last.By), clock(last.At))
	case last.Choice == approvals.ChoseCancel:
		return fmt.Sprintf("%s withdrew it %s.", mention(last.By), clock(last.At))
	case last.Choice == approvals.ChoseNoCard:
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

func sayList(open []approvals.Request, more int) string {
	if len(open) == 0 {
		return ":sparkles: No request is open, nothing is running."
	}
	text := "*Open requests and running jobs*\n" + listing(open, len(open), 3500, func(r approvals.Request) string {
		line := fmt.Sprintf("• %s %s: %s by %s, %s", code(r.ID), sayStateWord(r), sayTotal(r), mention(r.Requester), clock(r.Created))
		if r.State == approvals.Executing {
			line += fmt.Sprintf(", %s of %s done", thousands(r.Tally.Good()), thousands(r.Total))
		}
		return line
	})
	if more > 0 {
		text += "\n" + sayMoreOpen(more)
	}
	return text
}

// sayMoreOpen tells of open requests between the oldest and the newest ones.
func sayMoreOpen(n int) string {
	return fmt.Sprintf(":information_source: There are %s besides, neither among the oldest nor among the newest.", count(n, "more open request"))
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
	stopped := ":no_entry: cancelled"
	if r.Cancellation != nil && r.Cancellation.Choice == approvals.ChoseLapse {
		stopped = ":alarm_clock: approval expired"
	}
	switch {
	case cutShort(r) && (r.State == approvals.PartiallyFailed || r.State == approvals.Failed):
		return stopped + " after " + sayOfAll(r)
	case r.State == approvals.Cancelled:
		return stopped
	}
	return map[approvals.State]string{
		approvals.Pending: ":hourglass_flowing_sand: waiting", approvals.Approved: ":white_check_mark: approved",
		approvals.Executing: ":gear: " + strings.ToLower(doing(r.Action)), approvals.Succeeded: ":white_check_mark: done",
		approvals.PartiallyFailed: ":warning: done in part", approvals.Failed: ":x: failed",
		approvals.Unknown: ":grey_question: not known in full", approvals.Denied: ":x: denied",
		approvals.Expired: ":alarm_clock: expired",
	}[r.State]
}

// sayStatus is all about one request.
func (v view) sayStatus(r approvals.Request, f approvals.Freeze, batches []approvals.Batch, link string) string {
	var b strings.Builder
	const reasons = 1400 // bytes of a paragraph that ends with a reason
	fmt.Fprintf(&b, "%s %s\n%s\n", code(r.ID), clip(sayWish(r), reasons), clip(v.sayStateIn(r, f), reasons))
	if link != "" {
		fmt.Fprintf(&b, "<%s|Its thread>\n", link)
	}
	if len(batches) == 0 {
		b.WriteString(sayServers(r, min(cardBudget, maxFallback-b.Len()-50)))
		return b.String()
	}
	b.WriteString(v.sayProgress(r, f) + "\n")
	b.WriteString(listing(batches, len(batches), min(1200, maxFallback-b.Len()-50), func(x approvals.Batch) string {
		line := fmt.Sprintf("• call %s: %s, %s", sayCall(r, x.Index), count(len(x.Results), "server"), x.State)
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
