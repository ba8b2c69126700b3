package approvals

import (
	"slices"
	"testing"
	"time"
)

func TestAnEscalationIsToldOnce(t *testing.T) {
	rule := needsLead
	rule.Escalate = &Escalation{After: 10 * time.Minute, To: []string{"UDAN"}}
	pol := ruled(rule)
	r, list := ruledRequest(t, pol)
	if due := r.NextDue(5 * time.Minute); !due.Equal(after("10m")) {
		t.Errorf("it is due at %v", due)
	}
	if _, rules := r.Escalate(after("9m59s")); rules != nil || r.MentionedAge() != 0 {
		t.Errorf("too early: %v, age %v", rules, r.MentionedAge())
	}
	told, rules := r.Escalate(after("12m"))
	if !slices.Equal(rules, []string{"prod"}) || told.MentionedAge() != 12*time.Minute {
		t.Errorf("told of %v, age %v", rules, told.MentionedAge())
	}
	if _, again := told.Escalate(after("50m")); again != nil {
		t.Errorf("told of %v again", again)
	}
	if due := told.NextDue(5 * time.Minute); !due.Equal(after("15m")) {
		t.Errorf("next is %v", due)
	}
	// What is filled or decided asks nobody else.
	filled := must(t)(r.Approve(lea, pol, &list, "op1", noon))
	if _, rules := filled.Escalate(after("12m")); rules != nil {
		t.Errorf("filled: %v", rules)
	}
	denied := must(t)(r.Deny(bob, pol, "", "op1", noon))
	if _, rules := denied.Escalate(after("12m")); rules != nil {
		t.Errorf("denied: %v", rules)
	}
	if _, rules := r.Escalate(r.Expires); rules != nil {
		t.Errorf("expired: %v", rules)
	}
}
