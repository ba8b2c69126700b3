package approvals

import "time"

// ChoseRule is what a rule with a Deny decides about an approved request of which
// nothing was sent yet. Rule is its name and Reason its sentence.
const ChoseRule Choice = "rule"

// TopicForbidden: a rule denies the approved request, so nothing of it is sent.
const TopicForbidden Topic = "forbidden"

// Forbid cancels an approved request that a rule denies now, before its first batch: a
// rule may be new, or its hours may have begun since the approval. It returns false if
// no rule does. list is the request's list.
func (r Request) Forbid(pol Policy, list ServerList, now time.Time) (Request, bool, error) {
	if r.State != Approved || !r.NeedsList(pol) {
		return r, false, nil
	}
	d, err := r.Demand(pol, &list, now)
	if err != nil {
		return r, false, err
	}
	rule, denied := d.Denied()
	if !denied {
		return r, false, nil
	}
	next := r.decided(Decision{Choice: ChoseRule, At: now, Rule: rule.Name, Reason: rule.Deny})
	next.Finished = now
	next, err = next.to(Cancelled)
	return next, err == nil, err
}
