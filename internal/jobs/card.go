package jobs

import (
	"context"
	"ecsbot/internal/approvals"
	"ecsbot/internal/store"
	"time"
)

// updateDueIn tells when the card has to be drawn again: now (0), later, or never.
// While work goes on it is drawn from time to time; a decision, an end or a
// freeze is shown at once. A card may also show what the store has lost since:
// then its version is ahead, or it was drawn before the loss.
func (c *courier) updateDueIn(t thread, r store.Stored[approvals.Request], halt store.Stored[approvals.Freeze]) time.Duration {
	open := !r.Body.State.Final()
	switch {
	case t.TS == "":
		return never
	case open && t.Frozen != halt.Ver, open && t.DrawnAt.UnixMilli() < c.store.LastLoss().UnixMilli():
		return 0
	case t.Drawn == r.Ver:
		return never
	case r.Body.State != approvals.Executing:
		return 0
	}
	return max(0, t.DrawnAt.Add(c.cfg.Redraw).Sub(c.now()))
}

// updateCard makes the card show the request. Drawing twice does no harm, so there
// is no intent, and nothing that can be unclear.
func (c *courier) updateCard(ctx context.Context, lease store.Lease, t store.Stored[thread], r store.Stored[approvals.Request], halt store.Stored[approvals.Freeze]) error {
	d := c.messenger.UpdateCard(ctx, r.Body, halt.Body)
	c.cfg.Metrics.posts.WithLabelValues("draw", deliveryLabel(d.Status)).Inc()
	next := t.Body
	switch {
	case d.Status == approvals.Posted:
	case d.Status == approvals.Rejected, d.UnknownCode && c.tooLong(t.Body.NotDrawnSince):
		c.cfg.Log.ErrorContext(ctx, "the card cannot be drawn", "request", r.Body.ID, "err", d.Err)
	default:
		c.cfg.Log.WarnContext(ctx, "the card could not be drawn; trying again", "request", r.Body.ID, "err", d.Err)
		if d.UnknownCode && next.NotDrawnSince.IsZero() {
			next.NotDrawnSince = c.now()
			_, err := c.commit(ctx, store.NewChange().FencedBy(lease).Write(c.keys.thread(r.Body.ID), t.Ver, next).Release(c.cfg.RejectedRetry))
			return err
		}
		return c.later(ctx, lease, drawings, d)
	}
	next.Drawn, next.Frozen, next.DrawnAt, next.NotDrawnSince = r.Ver, halt.Ver, c.now(), time.Time{}
	_, err := c.commit(ctx, store.NewChange().FencedBy(lease).Write(c.keys.thread(r.Body.ID), t.Ver, next).Release(0))
	return err
}

// tooLong reports whether something that Slack refuses since then for a reason
// that nobody knows has been tried long enough.
func (c *courier) tooLong(since time.Time) bool {
	return !since.IsZero() && c.now().Sub(since) > c.cfg.RejectedGiveUp
}

// later gives the thread back until Slack wants to hear again; if it said so
// for all calls of that kind, all replicas keep to it.
func (c *courier) later(ctx context.Context, lease store.Lease, what string, d approvals.Delivery) error {
	wait := max(d.RetryAfter, c.cfg.RetryIn/2)
	if d.UnknownCode {
		wait = max(wait, c.cfg.RejectedRetry)
	}
	if d.WholeMethod {
		if err := c.pacing.backOff(ctx, what, wait); err != nil {
			return err
		}
	}
	c.release(ctx, lease, wait, false)
	return nil
}
