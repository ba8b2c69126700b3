package slackapp

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"ecsbot/internal/approvals"
)

// Private words.

// sayHelp explains the command, and who approves in each project.
func sayHelp(slash string, projects approvals.Projects) string {
	lines := []string{
		"*Stop servers, with approval.* Name them by name, id, pattern or tag:",
		"• `" + slash + " web-1 web-2 --reason \"night\"`",
		"• `" + slash + " batch-* --hard --reason stuck`",
		"• `" + slash + " --tag env=dev --tag team=a`",
		"• `" + slash + "` alone opens a form.",
		"*Flags:* `--soft` (graceful shutdown, the default), `--hard` (power off), `--tag key=value`, `--reason TEXT`, `--project NAME`, `--dry-run` (only show what would happen), `--` (only servers follow).",
		"*See:* `servers web-*`, `list`, `status ID`, `history [N]`. The app's *Home* shows what needs you.",
		"*Decide:* `approve ID`, `deny ID [reason]`, `cancel ID`.",
		"*Afterwards:* `retry ID` retries what failed, `start ID` starts what was stopped.",
		"*Approvers:* `freeze [reason]` stops all sending, `unfreeze` resumes it.",
	}
	for _, p := range projects {
		need := fmt.Sprintf("ach request needs %s from %s within %s.", count(max(1, p.Policy.ApprovalsRequired), "approval"), mentions(p.Policy.Approvers), took(p.Policy.TTL))
		if len(projects) == 1 {
			lines = append(lines, "E"+need)
		} else {
			lines = append(lines, "*Project* "+code(p.Name)+": e"+need)
		}
	}
	return strings.Join(lines, "\n")
}

// sayAsked confirms a new request. Where its card stands in the same channel, that
// says the rest.
func sayAsked(r approvals.Request) string {
	s := fmt.Sprintf(":white_check_mark: Request %s created: %s %s in %s.", code(r.ID), toDo(r.Action), count(r.Total, "server"), bold(r.Project))
	if r.State == approvals.Approved {
		s += " Approved by your click."
	}
	if r.Channel != r.AskedIn {
		s += fmt.Sprintf(" Follow it in <#%s>.", r.Channel)
	}
	if r.LeftOutCount > 0 {
		s += "\n" + sayRequestSkipped(r)
	}
	return s
}

func sayDryRun(r approvals.Request) string {
	s := fmt.Sprintf("*Dry run:* no request was created. This would stop %s in %s%s:\n%s", count(r.Total, "server"), bold(r.Project), sayHow(r), sayRequestNames(r))
	if r.LeftOutCount > 0 {
		s += "\n" + sayRequestSkipped(r)
	}
	if warnings := sayWarnings(r); warnings != "" {
		s += "\n" + warnings
	}
	return s
}

func sayDidApprove(r approvals.Request) string {
	if r.State == approvals.Pending {
		return fmt.Sprintf(":white_check_mark: You approved %s. It needs %s more.", code(r.ID), thousands(r.ApprovalsNeeded-r.Approvals()))
	}
	return sayDid(r, "approved")
}

func sayDid(r approvals.Request, what string) string {
	return fmt.Sprintf(":white_check_mark: You %s %s.", what, code(r.ID))
}

func sayDidCancel(r approvals.Request) string {
	if r.State == approvals.Executing {
		return fmt.Sprintf(":white_check_mark: You cancelled %s. Servers already sent will still %s; the rest won't be touched.", code(r.ID), toDo(r.Action))
	}
	return sayDid(r, "cancelled")
}

func sayNotHere(channels []string) string {
	names := make([]string, len(channels))
	for i, c := range channels {
		names[i] = "<#" + c + ">"
	}
	return ":x: This command is not allowed in this channel. No request was created. Use it in " + strings.Join(names, ", ") + "."
}

// sayRefusal tells a person why what they did has no effect.
func (v view) sayRefusal(no *approvals.Refusal) string {
	r := no.Request
	id := code(r.ID)
	switch no.Kind {
	case approvals.NotRequester:
		return ":x: You can't request stops. Ask the people who run this bot to add you to REQUESTERS."
	case approvals.NotApprover:
		return ":x: Only approvers can do this" + sayWho(v.approversOf(no.Request)) + "."
	case approvals.NotYours:
		if r.State != approvals.Pending {
			return fmt.Sprintf(":x: Only %s, who requested it, or an approver can cancel %s.", mention(r.Requester), id)
		}
		return fmt.Sprintf(":x: Only %s, who requested it, can cancel %s. An approver can deny it.", mention(r.Requester), id)
	case approvals.OwnRequest:
		if who := v.mayStillDecide(r); len(who) > 0 {
			return fmt.Sprintf(":x: You can't approve your own request %s. Ask %s.", id, mentions(who[:min(maxWho, len(who))]))
		}
		return fmt.Sprintf(":x: You can't approve your own request %s; someone else has to.", id)
	case approvals.YouApproved:
		return fmt.Sprintf("You already approved %s. It needs %s more, from someone else.", id, thousands(r.ApprovalsNeeded-r.Approvals()))
	case approvals.AlreadyDecided:
		return fmt.Sprintf("Too late: %s is already decided. %s", id, sayDecided(r))
	case approvals.TooLate:
		return fmt.Sprintf(":x: %s expired %s. Request it again if you still need it.", id, clock(r.Expires))
	case approvals.NotFound:
		return fmt.Sprintf(":x: There is no request %s (finished ones are kept for 30 days). See %s.", id, code("/ecs-stop list"))
	case approvals.PersonDeactivated:
		return ":x: Your account is deactivated."
	case approvals.PersonBot:
		return ":x: Bots can't request or approve."
	case approvals.PersonGuest:
		return ":x: Guests can't request or approve. Ask a full member of the workspace."
	case approvals.PersonForeign:
		return ":x: Only members of this workspace can request or approve."
	case approvals.NoReason:
		return ":x: A reason is required. No request was created. Add `--reason \"…\"`."
	case approvals.TooManyServers:
		return fmt.Sprintf(":x: That is %s; the limit is %s. No request was created. Name fewer.", count(no.Count, "server"), thousands(no.Limit))
	case approvals.NothingToDo:
		return "Nothing to " + toDo(no.Action) + ", so no request was created.\n" + saySkipped(approvals.Listed{LeftOut: no.LeftOut}.Skips(), len(no.LeftOut))
	case approvals.ServersTaken:
		return sayTaken(no.Taken)
	case approvals.Unresolved:
		return sayUnresolved(no)
	case approvals.IsFrozen:
		return ":snowflake: Already frozen. " + sayFreeze(no.Freeze)
	case approvals.NotFrozen:
		return "Nothing is frozen."
	case approvals.Overtaken:
		if no.Freeze.On {
			return ":snowflake: Still frozen: someone froze again after you typed this. " + sayFreeze(no.Freeze)
		}
		return ":warning: Not frozen: someone lifted the freeze after you typed this. Freeze again if you need to."
	case approvals.TooManyOpen:
		return fmt.Sprintf(":x: You have %s, the most one person may have. No request was created. Cancel one, or wait until one ends.", count(no.Limit, "open request"))
	case approvals.TooManyAsks:
		return fmt.Sprintf(":x: You have reached the limit of %s an hour, previews and dry runs included. No request was created. You can try again %s.", count(no.Limit, "request"), clock(no.RetryAt))
	case approvals.TooManyLeftOut:
		return fmt.Sprintf(":x: %s of those can't be stopped now; at most %s may be skipped. No request was created. Name fewer.", count(no.Count, "server"), thousands(no.Limit))
	case approvals.NotEnded:
		return fmt.Sprintf(":x: %s has not ended yet (%s). Wait for its outcome.", id, sayStateWord(r))
	case approvals.NotUnknown:
		return fmt.Sprintf("%s has no unknown servers.%s", id, sayWord(r))
	case approvals.NoneStopped:
		return fmt.Sprintf("%s stopped no server that could be started again. No request was created.", id)
	case approvals.RetriedBefore:
		return fmt.Sprintf("%s was already retried as %s. Retry from there.", id, v.ref(r.RetriedBy))
	case approvals.ListGone:
		return fmt.Sprintf("The server list of %s is gone: it was never carried out, and such lists are kept for a day.", id)
	case approvals.NoneFailed:
		return fmt.Sprintf("Nothing in %s failed, so there is nothing to retry.", id)
	case approvals.DraftGone:
		return ":x: This preview has expired. No request was created. Fill in the form again."
	case approvals.StoreFull:
		return ":warning: My database is full, so nothing was saved. Tell the people who run this bot. Deny, cancel and freeze still work."
	case approvals.WrongProject:
		return sayWrongProject(no)
	case approvals.WhichProject:
		return sayWhichProject(no)
	case approvals.ProjectGone:
		return sayProjectGone(no.Request)
	case approvals.CloudAway:
		return ":warning: Huawei Cloud does not respond. No request was created. Try again in a minute."
	case approvals.CloudRefusesKey:
		return ":warning: Huawei Cloud rejects my access key. No request was created. Tell the people who run this bot."
	}
	if said := sayRuleRefusal(no); said != "" {
		return said
	}
	return ":x: That had no effect: " + escape(string(no.Kind)) + "."
}

// maxWho is how many approvers a private answer names.
const maxWho = 10

// sayWho names people and groups in brackets; empty if there are none.
func sayWho(ids []string) string {
	switch {
	case len(ids) == 0:
		return ""
	case len(ids) > maxWho:
		return " (" + mentions(ids[:maxWho]) + " …)"
	}
	return " (" + mentions(ids) + ")"
}

// sayDecided tells in short how a request was decided, and by whom.
func sayDecided(r approvals.Request) string {
	last := r.LastDecision()
	switch {
	case r.Cancellation != nil && r.Cancellation.Choice == approvals.ChoseLapse:
		return "Its approval expired " + clock(r.Cancellation.At) + "."
	case r.Cancellation != nil:
		return fmt.Sprintf("%s cancelled it %s.", mention(r.Cancellation.By), clock(r.Cancellation.At))
	case last.Choice == approvals.ChoseApprove, last.Choice == approvals.ChoseServersOn, last.Choice == approvals.ChoseServersOff:
		return "Approved by " + sayApprovers(r) + "."
	case last.Choice == approvals.ChoseDeny:
		return fmt.Sprintf("%s denied it %s.", mention(last.By), clock(last.At))
	case last.Choice == approvals.ChoseCancel:
		return fmt.Sprintf("%s cancelled it %s.", mention(last.By), clock(last.At))
	case last.Choice == approvals.ChoseNoCard:
		return "Its card could not be posted."
	}
	return "It expired " + clock(last.At) + "."
}

func sayTaken(taken map[string]string) string {
	servers := map[string][]string{}
	for id, request := range taken {
		servers[request] = append(servers[request], id)
	}
	requests := slices.Sorted(maps.Keys(servers))
	return ":x: No request was created: these servers are already in an open request. Wait for it, or leave them out.\n" +
		listing(requests, len(requests), 3000, func(request string) string {
			ids := slices.Sorted(slices.Values(servers[request]))
			some := make([]string, 0, 5)
			for _, id := range ids[:min(5, len(ids))] {
				some = append(some, code(id))
			}
			more := ""
			if len(ids) > len(some) {
				more = " and " + thousands(len(ids)-len(some)) + " more"
			}
			return fmt.Sprintf("• %s: %s%s", code(request), strings.Join(some, ", "), more)
		})
}

func sayUnresolved(no *approvals.Refusal) string {
	var b strings.Builder
	b.WriteString(":x: No request was created:\n")
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
		return fmt.Sprintf("• %s is the name of %s. Use an id: %s", code(name), count(len(no.Ambiguous[name]), "server"), strings.Join(ids, ", "))
	}))
	return b.String()
}

// sayLine is one request in a list.
func sayLine(r approvals.Request, at time.Time) string {
	return fmt.Sprintf("• %s %s · %s · %s · %s", code(r.ID), sayStateWord(r), sayTotal(r), mention(r.Requester), clock(at))
}

func sayList(open []approvals.Request, more int) string {
	if len(open) == 0 {
		return "No open requests."
	}
	text := "*Open requests*\n" + listing(open, len(open), 3500, func(r approvals.Request) string {
		line := sayLine(r, r.Created)
		if r.State == approvals.Executing {
			line += " · " + sayOfAll(r) + " " + pastTense(r.Action)
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
	return fmt.Sprintf("%s not shown here.", count(n, "more open request"))
}

func sayHistory(ended []approvals.Request) string {
	if len(ended) == 0 {
		return "No finished requests yet."
	}
	return fmt.Sprintf("*Last %s*\n", count(len(ended), "request")) + listing(ended, len(ended), 3500, func(r approvals.Request) string {
		return sayLine(r, r.Finished)
	})
}

// sayStateWord is the state of a request in one word, with its sign.
func sayStateWord(r approvals.Request) string {
	switch {
	case cutShort(r) && (r.State == approvals.PartiallyFailed || r.State == approvals.Failed):
		return ":x: " + cancelledWord(r) + " after " + sayOfAll(r)
	case r.State == approvals.Cancelled:
		return ":x: " + cancelledWord(r)
	}
	return map[approvals.State]string{
		approvals.Pending: ":hourglass_flowing_sand: pending", approvals.Approved: ":white_check_mark: approved",
		approvals.Executing: ":gear: " + strings.ToLower(doing(r.Action)), approvals.Succeeded: ":white_check_mark: " + pastTense(r.Action),
		approvals.PartiallyFailed: ":warning: partially failed", approvals.Failed: ":x: failed",
		approvals.Unknown: ":warning: outcome unknown", approvals.Denied: ":x: denied",
		approvals.Expired: ":x: expired",
	}[r.State]
}

// sayStatus is all about one request.
func (v view) sayStatus(r approvals.Request, f approvals.Freeze, batches []approvals.Batch, link string) string {
	var b strings.Builder
	const reasons = 1400 // bytes of a paragraph that ends with a reason
	if r.State == approvals.Pending {
		b.WriteString(sayTitle(r, f) + "\n")
	}
	fmt.Fprintf(&b, "%s\n%s\n", clip(v.sayStateIn(r, f), reasons), clip(v.sayWish(r), reasons))
	small := code(r.ID) + " · list " + code(r.Digest)
	if link != "" {
		small += fmt.Sprintf(" · <%s|View>", link)
	}
	b.WriteString(small + "\n" + sayRuns(r.Named(), r.Total, min(namesBudget, maxFallback-b.Len()-300)))
	if r.LeftOutCount > 0 {
		b.WriteString("\n" + clip(sayRequestSkipped(r), 300))
	}
	if len(batches) == 0 {
		return clip(b.String(), maxFallback)
	}
	b.WriteString("\n" + listing(batches, len(batches), max(0, min(1200, maxFallback-b.Len()-100)), func(x approvals.Batch) string {
		line := fmt.Sprintf("• %s: %s, %s", strings.ToLower(sayBatch(r, x.Index)), count(len(x.Results), "server"), x.State)
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
	return clip(b.String(), maxFallback)
}
