package approvals

import (
	"errors"
	"testing"
)

// A request with a deny never runs, also if the rule is newer than its approval.
func TestAnApprovedRequestThatARuleDeniesIsCancelled(t *testing.T) {
	pol := ruled()
	r, list := ruledRequest(t, pol)
	if _, denied, err := r.Forbid(ruled(Rule{Name: "frozen", Deny: "no"}), list, noon); denied || err != nil {
		t.Errorf("while it is pending: %v, %v", denied, err)
	}
	r = must(t)(r.Approve(bob, pol, &list, "op1", noon))
	for name, tt := range map[string]struct {
		rule   Rule
		denied bool
	}{
		"of all servers":   {Rule{Name: "frozen", Deny: "closed on Monday"}, true},
		"of one server":    {Rule{Name: "frozen", Servers: []string{"db-*"}, Deny: "closed on Monday"}, true},
		"of other servers": {Rule{Name: "frozen", Servers: []string{"mail-*"}, Deny: "no"}, false},
		"of starts":        {Rule{Name: "frozen", Actions: []Action{Start}, Deny: "no"}, false},
		"other hours":      {Rule{Name: "frozen", Hours: []Hours{{From: 0, To: 60}}, Deny: "no"}, false},
		"no deny":          {needsLead, false},
	} {
		next, denied, err := r.Forbid(ruled(tt.rule), list, after("1m"))
		if err != nil || denied != tt.denied {
			t.Errorf("%s: denied %v, %v", name, denied, err)
		}
		want := Decision{Choice: ChoseRule, At: after("1m"), Rule: "frozen", Reason: "closed on Monday"}
		if denied && (next.State != Cancelled || next.LastDecision() != want || !next.Finished.Equal(after("1m"))) {
			t.Errorf("%s: %s by %+v", name, next.State, next.LastDecision())
		}
	}
	short := list.without([]string{"id-web-1"})
	if _, _, err := r.Forbid(ruled(Rule{Name: "frozen", Deny: "no"}), short, noon); !errors.Is(err, ErrOtherList) {
		t.Errorf("with another list: %v", err)
	}
}
