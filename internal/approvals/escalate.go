package approvals

import (
	"slices"
	"time"
)

// TopicEscalated: a rule names people who are asked as well, because its approvals are
// still missing; Rule is its name.
const TopicEscalated Topic = "escalated"

// Escalate notes which escalations are due: those of slots that are still open. It
// returns the names of their rules; none if no escalation is new, or if the request is
// decided.
func (r Request) Escalate(now time.Time) (Request, []string) {
	if r.State != Pending || !now.Before(r.Expires) {
		return r, nil
	}
	var rules []string
	for _, e := range r.escalations() {
		if !now.Before(e.at) && !slices.Contains(rules, e.rule) {
			rules = append(rules, e.rule)
		}
	}
	if len(rules) > 0 {
		r.EscalatedAt = now
	}
	return r, rules
}

// escalation is when a rule asks more people.
type escalation struct {
	rule string
	at   time.Time
}

// escalations are those of open slots that nobody was told of, the earliest first.
func (r Request) escalations() []escalation {
	var all []escalation
	for _, f := range r.Fillings() {
		if len(f.By) >= f.Count {
			continue
		}
		for _, c := range f.Circles {
			if c.Escalate == nil {
				continue
			}
			if at := r.Created.Add(c.Escalate.After); at.After(r.EscalatedAt) {
				all = append(all, escalation{f.Rule, at})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b escalation) int { return a.at.Compare(b.at) })
	return all
}

// MentionedAge is how old r was when the last escalation was told: those who are asked
// since then are mentioned on the card. It is 0 before the first one.
func (r Request) MentionedAge() time.Duration {
	if r.EscalatedAt.IsZero() {
		return 0
	}
	return r.EscalatedAt.Sub(r.Created)
}
