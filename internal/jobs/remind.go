package jobs

import (
	"context"
	"fmt"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/audit"
	"ecsbot/internal/store"
)

// remind owes the thread of a pending request a reminder if one is due. It is
// a move of the request like any other: a decision that comes first wins.
func (e *Engine) remind(ctx context.Context, c store.Lease, r store.Stored[approvals.Request], now time.Time) error {
	next, due := r.Body.Remind(e.RemindGap, now)
	in := max(0, next.NextDue(e.RemindGap).Sub(now))
	if !due {
		e.release(ctx, c, in, false)
		return nil
	}
	ch := store.NewChange().FencedBy(c).Release(in).
		Write(e.keys.request(next.ID), r.Ver, next).
		Log(audit.Entry{Event: "reminded", Request: next.ID, Count: next.RemindersSent, Worker: e.store.Worker()}).
		Also(tell(e.keys, next.ID, e.note(approvals.Note{ID: fmt.Sprintf("%s/reminder/%d", next.ID, next.RemindersSent), Topic: approvals.TopicReminder, Count: next.RemindersSent})))
	_, err := e.commitProgress(ctx, ch)
	return err
}

// overtaken reports whether a note has nothing to say any more: a reminder that
// was owed while Slack was away and is overtaken by the decision.
func (e *Engine) overtaken(n approvals.Note, r approvals.Request) bool {
	return n.Topic == approvals.TopicReminder && r.State != approvals.Pending
}
