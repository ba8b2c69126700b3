package jobs

import (
	"context"
	"fmt"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/audit"
	"ecsbot/internal/store"
)

// escalate adds a note to the outbox of a pending request for each rule that asks more
// people now. It is a transition of the request: a decision that comes first wins. It
// returns false if no escalation is due.
func (l *lifecycle) escalate(ctx context.Context, lease store.Lease, r store.Stored[approvals.Request], now time.Time) (told bool, err error) {
	next, rules := r.Body.Escalate(now)
	if len(rules) == 0 {
		return false, nil
	}
	ch := store.NewChange().FencedBy(lease).Release(max(0, next.NextDue(l.cfg.RemindGap).Sub(now))).
		Write(l.keys.request(next.ID), r.Ver, next)
	for _, rule := range rules {
		ch.Log(audit.Entry{Event: audit.Escalated, Request: next.ID, Rule: rule, Worker: l.store.Worker()}).
			Also(tell(l.keys, next.ID, l.note(approvals.Note{ID: fmt.Sprintf("%s/escalated/%s", next.ID, rule), Topic: approvals.TopicEscalated, Rule: rule})))
	}
	_, err = l.commit(ctx, ch)
	return true, err
}
