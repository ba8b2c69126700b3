package slackapp

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"ecsbot/internal/approvals"
)

// Words of the verb that explains rules.

// How much is said of each rule, in bytes: an answer has room for some.
const (
	explainNames  = 150
	explainDenial = 300
	explainBudget = 2600
)

// sayExplained tells which rules apply to servers and what each demands, and what falls
// to the project's approvers.
func sayExplained(e approvals.Explanation, missing *approvals.Refusal, p approvals.Project, mode approvals.Mode) string {
	var parts []string
	if n := len(e.Auto) + len(e.Defaults); n > 0 || len(e.Rules) > 0 {
		parts = append(parts, sayExplainHead(p, mode))
	}
	if len(e.Rules) > 0 {
		lines := make([]int, len(e.Rules))
		for i := range lines {
			lines[i] = i
		}
		parts = append(parts, listing(lines, len(lines), explainBudget, func(i int) string { return sayExplainRule(e.Rules[i], e.Touched[i], mode) }))
	}
	if len(e.Defaults) > 0 {
		parts = append(parts, "• *By default*"+sayTouched(e.Defaults)+": "+sayDefaults(e, p.Policy))
	}
	if len(parts) > 0 {
		parts = append(parts, sayExplainSum(e, p))
	}
	if missing != nil {
		parts = append(parts, sayMissing(missing))
	}
	return strings.Join(parts, "\n")
}

func sayExplainHead(p approvals.Project, mode approvals.Mode) string {
	how := "graceful shutdown"
	if mode == approvals.Hard {
		how = "*power off*"
	}
	return fmt.Sprintf("*Rules for this in* %s · %s, as of now. No request was created.", bold(p.Name), how)
}

func sayExplainRule(r approvals.Rule, touched []approvals.Server, mode approvals.Mode) string {
	return "• Rule " + code(r.Name) + sayTouched(touched) + ": " + cmp.Or(strings.Join(sayDemands(r, mode), "; "), "demands nothing")
}

// sayTouched names the servers that a line is about.
func sayTouched(servers []approvals.Server) string {
	runs := approvals.NameRuns(servers)
	return " (" + sayRuns(runs[:min(maxRuns, len(runs))], len(servers), explainNames) + ")"
}

// sayDemands is what one rule demands.
func sayDemands(r approvals.Rule, mode approvals.Mode) []string {
	var all []string
	say := func(when bool, format string, a ...any) {
		if when {
			all = append(all, fmt.Sprintf(format, a...))
		}
	}
	say(r.Deny != "", "*not allowed*: %s", clip(escape(r.Deny), explainDenial))
	say(r.Auto && (mode != approvals.Hard || r.AutoHard), "*no approval*")
	say(r.Auto && mode == approvals.Hard && !r.AutoHard, "no approval, but not for a power off")
	own := len(r.Approvers)+len(r.Quiet) > 0 && !r.Auto
	say(own && len(r.Approvers) > 0, "%s of %s", count(max(1, r.Approvals), "approval"), someMentions(r.Approvers))
	say(own && len(r.Approvers) == 0, "%s", count(max(1, r.Approvals), "approval"))
	say(!own && r.Approvals > 0, "at least %s", count(r.Approvals, "approval"))
	if r.Escalate != nil {
		say(true, "after %s also of %s", took(r.Escalate.After), someMentions(r.Escalate.To))
	}
	say(r.SelfApproval != nil && *r.SelfApproval, "the requester may approve")
	say(r.SelfApproval != nil && !*r.SelfApproval, "the requester may approve nothing")
	say(len(r.Requesters) > 0, "only %s may ask", someMentions(r.Requesters))
	say(r.Reason, "a reason")
	say(r.Ticket != "", "a ticket like %s", code(r.Ticket))
	say(r.Channel != "", "card in <#%s>", r.Channel)
	say(r.TTL > 0, "decided within %s", took(max(r.TTL, time.Second)))
	say(len(r.Hours) > 0, "applies %s", sayHours(r.Hours))
	say(r.MoreThan > 0, "applies to more than %s", count(r.MoreThan, "server"))
	return all
}

// sayDefaults is what the project demands where no rule says who approves.
func sayDefaults(e approvals.Explanation, pol approvals.Policy) string {
	n := max(1, pol.ApprovalsRequired)
	for _, s := range e.Slots {
		if s.Rule == "" {
			n = s.Count
		}
	}
	s := count(n, "approval") + " of " + someMentions(pol.Approvers)
	if pol.ReasonRequired {
		s += "; a reason"
	}
	return s
}

// sayExplainSum is what one request for all of it comes to.
func sayExplainSum(e approvals.Explanation, p approvals.Project) string {
	who := "Everyone may ask"
	if len(p.Policy.Requesters) > 0 {
		who = someMentions(p.Policy.Requesters) + " may ask"
	}
	if rule, denied := e.Denied(); denied {
		return "*A request for all of it is refused now* by rule " + code(rule.Name) + "."
	}
	if e.Automatic {
		return who + ". *It needs no approval and starts at once.*"
	}
	people := "by different people"
	if e.Approvals() == 1 {
		people = "in all"
	}
	return fmt.Sprintf("%s. *It needs %s* %s, within %s.", who, count(e.Approvals(), "approval"), people, took(e.TTL(p.Policy)))
}

// sayHours names parts of the week.
func sayHours(hours []approvals.Hours) string {
	all := make([]string, len(hours))
	for i, h := range hours {
		days := make([]string, len(h.Days))
		for j, d := range h.Days {
			days[j] = d.String()[:3]
		}
		all[i] = fmt.Sprintf("%s %02d:%02d–%02d:%02d %s", cmp.Or(strings.Join(days, " "), "daily"), h.From/60, h.From%60, h.To/60, h.To%60, escape(cmp.Or(h.Zone, "UTC")))
	}
	return strings.Join(all, ", ")
}
