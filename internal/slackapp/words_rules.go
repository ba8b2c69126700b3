package slackapp

import (
	"fmt"
	"strings"

	"ecsbot/internal/approvals"
)

const sayLeftOutByApprover = "left out by an approver"

// sayRuleRefusal tells a person which rule stands against what they did. It is empty
// for other refusals.
func sayRuleRefusal(no *approvals.Refusal) string {
	id := code(no.Request.ID)
	switch no.Kind {
	case approvals.RuleDenies:
		if no.Request.ID != "" {
			return fmt.Sprintf(":no_entry: Rule %s doesn't allow %s now: %s", code(no.Rule), id, escape(no.Sentence))
		}
		return fmt.Sprintf(":no_entry: Rule %s doesn't allow this: %s\nNo request was created.", code(no.Rule), escape(no.Sentence))
	case approvals.NotRuleRequester:
		return fmt.Sprintf(":x: Rule %s doesn't let you request this. No request was created.", code(no.Rule))
	case approvals.NoTicket:
		return fmt.Sprintf(":x: Rule %s needs a ticket like %s. No request was created. Add `--ticket …`.", code(no.Rule), code(no.Pattern))
	case approvals.TicketDoesNotFit:
		return fmt.Sprintf(":x: Rule %s needs a ticket like %s; %s doesn't fit. No request was created.", code(no.Rule), code(no.Pattern), code(no.Ticket))
	case approvals.CannotTell:
		return fmt.Sprintf(":warning: I can't tell right now who is in %s, and that decides. Try again in a minute.", sayGroups(no.Groups))
	case approvals.NotNeeded:
		return fmt.Sprintf("Your approval isn't needed any more: %s still waits for %s.", id, sayOpenSlots(no.Open))
	case approvals.NoneListed:
		return fmt.Sprintf("None of these servers is in %s any more. Nothing was left out.", id)
	case approvals.NoneRemains:
		return fmt.Sprintf(":x: No server of %s would remain. Nothing was left out. Deny it instead.", id)
	}
	return ""
}

func sayGroups(groups []string) string {
	if len(groups) == 0 {
		return "a user group"
	}
	return mentions(groups)
}

// sayOpenSlots names whose approval is missing.
func sayOpenSlots(open []approvals.Slots) string {
	var all []string
	for _, s := range open {
		switch {
		case s.Rule == "":
			all = append(all, "an approver")
		case len(s.Circles) == 1 && len(s.Circles[0].Approvers) > 0:
			all = append(all, mentions(s.Circles[0].Approvers))
		default:
			all = append(all, "an approver of rule "+code(s.Rule))
		}
	}
	if len(all) == 0 {
		return "others"
	}
	return strings.Join(all, " and ")
}
