package jobs

import (
	"context"
	"fmt"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/audit"
	"ecsbot/internal/store"
)

// lifecycle moves requests on without a person: reminders, expiry, and planning the
// batches of an approved request.
type lifecycle struct{ *records }

// stepRequest sends a reminder of a pending request or lets it expire, and cuts an
// approved one into batches.
func (l *lifecycle) stepRequest(ctx context.Context, lease store.Lease, id string) error {
	r, err := l.loadRequest(ctx, id)
	if err != nil {
		return err
	}
	switch r.Body.State {
	case approvals.Pending:
		return l.expire(ctx, lease, r)
	case approvals.Approved:
		return l.plan(ctx, lease, r)
	}
	l.release(ctx, lease, never, false)
	return nil
}

func (l *lifecycle) expire(ctx context.Context, lease store.Lease, r store.Stored[approvals.Request]) error {
	now := l.now()
	next, over := r.Body.Expire(now)
	if !over {
		return l.remind(ctx, lease, r, now)
	}
	ch, err := l.decision(ctx, r, next)
	if err != nil {
		return err
	}
	if _, err := l.commit(ctx, ch.FencedBy(lease).Release(never)); err != nil {
		return err
	}
	l.cfg.Metrics.moves.WithLabelValues(string(next.State)).Inc()
	return nil
}

// plan makes the batches of an approved request. Only the first one is due: each
// batch wakes the next when it gets its permit, so that at most one batch of a
// request waits in the queue.
func (l *lifecycle) plan(ctx context.Context, lease store.Lease, r store.Stored[approvals.Request]) error {
	list, err := l.loadServerList(ctx, r.Body.ID)
	if err != nil {
		return err
	}
	crashpoint("plan.before")
	size := 1000 // of a project that is not served any more; its batches wait
	if p := l.projects.of(r.Body); p != nil {
		size = p.BatchSize
	}
	batches := approvals.PlanBatches(r.Body, list, size)
	next, err := r.Body.Execute(len(batches), l.now())
	if err != nil {
		return err
	}
	k := l.keys
	ch := store.NewChange().FencedBy(lease).NewWork().Release(never).
		Write(k.request(next.ID), r.Ver, next).
		Log(audit.Entry{Event: audit.Planned, Request: next.ID, From: string(r.Body.State), To: string(next.State), Count: next.Total, Reason: fmt.Sprintf("%d batches", len(batches)), Worker: l.store.Worker()}).
		Wake(batchItem(next.ID, 0), 0).
		Wake(threadItem(next.ID), 0)
	for _, b := range batches {
		ch.Write(k.batch(next.ID, b.Index), 0, b)
	}
	if _, err := l.commit(ctx, ch); err != nil {
		return err
	}
	crashpoint("plan.committed")
	l.cfg.Metrics.moves.WithLabelValues(string(next.State)).Inc()
	return nil
}

// remind adds a reminder to the outbox of a pending request if one is due. It is a
// transition of the request like any other: a decision that comes first wins.
func (l *lifecycle) remind(ctx context.Context, lease store.Lease, r store.Stored[approvals.Request], now time.Time) error {
	next, due := r.Body.Remind(l.cfg.RemindGap, now)
	in := max(0, next.NextDue(l.cfg.RemindGap).Sub(now))
	if !due {
		l.release(ctx, lease, in, false)
		return nil
	}
	ch := store.NewChange().FencedBy(lease).Release(in).
		Write(l.keys.request(next.ID), r.Ver, next).
		Log(audit.Entry{Event: audit.Reminded, Request: next.ID, Count: next.RemindersSent, Worker: l.store.Worker()}).
		Also(tell(l.keys, next.ID, l.note(approvals.Note{ID: fmt.Sprintf("%s/reminder/%d", next.ID, next.RemindersSent), Topic: approvals.TopicReminder, Count: next.RemindersSent})))
	_, err := l.commitProgress(ctx, ch)
	return err
}
