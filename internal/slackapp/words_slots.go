package slackapp

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"ecsbot/internal/approvals"
)

// Words about who approves what, by rules and without.

// How much of many rules and people is named.
const (
	maxRuleNames = 5
	maxSlotLines = 6
	maxMentioned = 6
)

// byRules reports whether a rule says who approves.
func byRules(r approvals.Request) bool {
	return slices.ContainsFunc(r.NeededSlots(), func(s approvals.Slots) bool { return s.Rule != "" })
}

// sayNeed is what is missing for a pending request, and from whom.
func (v view) sayNeed(r approvals.Request) string {
	fillings := r.Fillings()
	switch missing := r.Missing(); {
	case missing == 0: // servers were left out
		return "*Needs one more click on Approve*: there are enough approvals for the servers that remain"
	case byRules(r) && len(fillings) == 1:
		return "*Needs* " + v.sayFilling(r, fillings[0])
	case byRules(r):
		return "*Needs " + v.sayMissingCount(r, missing) + "*"
	default:
		s := "*Needs " + v.sayMissingCount(r, missing) + "*"
		if who := v.mayStillDecide(r); len(who) > 0 {
			s += " from " + anyOf(who)
		}
		return s
	}
}

func (v view) sayMissingCount(r approvals.Request, missing int) string {
	if r.Approvals() > 0 {
		return count(missing, "more approval")
	}
	return count(missing, "approval")
}

// sayFillings lists the slots and who fills them, one to a line; empty if there is no
// more than the headline says.
func (v view) sayFillings(r approvals.Request) string {
	fillings := r.Fillings()
	if !byRules(r) || len(fillings) == 1 && r.Missing() > 0 {
		return ""
	}
	var lines strings.Builder
	for i, f := range fillings {
		if i == maxSlotLines {
			return lines.String() + "\n" + sayMore(len(fillings)-i)
		}
		lines.WriteString("\n• " + v.sayFilling(r, f))
	}
	return lines.String()
}

// sayFilling is one kind of approvals: how many of whom, and who gave them.
func (v view) sayFilling(r approvals.Request, f approvals.Filling) string {
	s := saySlots(f.Slots, v.project(r).Policy, r)
	if len(f.By) == 0 {
		return s
	}
	s += ": :white_check_mark: " + mentions(f.By)
	if more := f.Count - len(f.By); more > 0 {
		s += ", " + thousands(more) + " more"
	}
	return s
}

// saySlots names who may give approvals of one kind.
func saySlots(s approvals.Slots, pol approvals.Policy, r approvals.Request) string {
	var who []string
	for _, c := range pol.CirclesOf(s) {
		if of := c.Mentioned(r.MentionedAge()); len(of) > 0 {
			who = append(who, "of "+someMentions(of))
		}
	}
	said := cmp.Or(strings.Join(who, " and "), "by an approver")
	if s.Rule != "" {
		said += " (rule " + code(s.Rule) + ")"
	}
	return thousands(s.Count) + " " + said
}

// sayPlannedNeed is what a request that is not made yet will need, within a sentence.
func sayPlannedNeed(r approvals.Request) string {
	if !byRules(r) {
		return count(r.ApprovalsNeeded, "approval")
	}
	var all []string
	for _, s := range r.NeededSlots() {
		if s.Rule == "" {
			all = append(all, thousands(s.Count)+" of the project's approvers")
		} else {
			all = append(all, saySlots(s, approvals.Policy{}, r))
		}
	}
	if more := len(all) - maxSlotLines; more > 0 {
		all = append(all[:maxSlotLines], thousands(more)+" more")
	}
	return strings.Join(all, ", ")
}

// someMentions names the first of many people and groups.
func someMentions(ids []string) string {
	if more := len(ids) - maxMentioned; more > 0 {
		return mentions(ids[:maxMentioned]) + " and " + thousands(more) + " more"
	}
	return mentions(ids)
}

// sayRuleNames names rules within a sentence.
func sayRuleNames(names []string) string {
	word := "rules "
	if len(names) == 1 {
		word = "rule "
	}
	if more := len(names) - maxRuleNames; more > 0 {
		return word + codes(names[:maxRuleNames], ", ") + " and " + thousands(more) + " more"
	}
	return word + codes(names, ", ")
}

// ruleNames are the rules that apply to a request; only is a condition.
func ruleNames(r approvals.Request, only func(approvals.Rule) bool) []string {
	var names []string
	for _, rule := range r.Rules {
		if only(rule) && !slices.Contains(names, rule.Name) {
			names = append(names, rule.Name)
		}
	}
	return names
}

// automatic reports whether rules have approved the request.
func automatic(r approvals.Request) bool {
	return slices.ContainsFunc(r.Decisions, func(d approvals.Decision) bool { return d.Choice == approvals.ChoseAuto })
}

func sayAutomatic(r approvals.Request) string {
	return "Approved automatically by " + sayRuleNames(ruleNames(r, func(rule approvals.Rule) bool { return rule.Auto }))
}

// sayOtherRules are the rules that no slot names, for the small print; empty if there
// are none.
func sayOtherRules(r approvals.Request) string {
	names := ruleNames(r, func(rule approvals.Rule) bool {
		return !slices.ContainsFunc(r.Slots, func(s approvals.Slots) bool { return s.Rule == rule.Name })
	})
	if len(names) == 0 {
		return ""
	}
	return sayRuleNames(names)
}

// sayTicket is the ticket behind other words; empty if there is none.
func sayTicket(r approvals.Request) string {
	if r.Ticket == "" {
		return ""
	}
	return " · ticket " + code(r.Ticket)
}

// Words of rules that act later.

// sayEscalated asks those whom a rule asks after a time.
func (v view) sayEscalated(r approvals.Request, n approvals.Note) string {
	for _, f := range r.Fillings() {
		if f.Rule != n.Rule {
			continue
		}
		for _, c := range f.Circles {
			if c.Escalate == nil {
				continue
			}
			return fmt.Sprintf(":hourglass_flowing_sand: %s Nobody has decided for %s: rule %s still needs %s. You can approve now, too. It expires %s.",
				someMentions(c.Escalate.To), took(c.Escalate.After), code(n.Rule), count(f.Count-len(f.By), "approval"), clock(r.Expires))
		}
	}
	return fmt.Sprintf(":hourglass_flowing_sand: Nobody has decided for a while (rule %s).", code(n.Rule))
}

// sayForbidden tells that a rule keeps an approved request from being sent.
func sayForbidden(r approvals.Request, n approvals.Note) string {
	return fmt.Sprintf(":no_entry: %s: rule %s doesn't allow this now, so the request is cancelled. Nothing was %s.", mention(r.Requester), code(n.Rule), pastTense(r.Action)) + quoted(n.Why)
}
