package jobs

import (
	"context"
	"ecsbot/internal/approvals"
	"ecsbot/internal/store"
	"errors"
	"fmt"
	"time"
)

// findPost finds out about a post of which it is not known whether it
// stands. If it is found that is the end of it; if not, only the time after
// which Slack cannot still be about to show it allows a second one.
func (c *courier) findPost(ctx context.Context, lease store.Lease, t store.Stored[thread], r store.Stored[approvals.Request], quiet time.Duration) error {
	intent := t.Body.Intent
	// The last look must begin after the wait, so the time is taken before it.
	left := intent.At.Add(c.cfg.PostQuarantine).Sub(c.now())
	ts, found, err := "", false, error(nil)
	if quiet > 0 {
		err = &approvals.FindError{RetryAfter: quiet, Err: errors.New("no look-up before the Retry-After of an earlier one")}
	} else {
		ts, found, err = c.messenger.FindPost(ctx, r.Body, intent.ID, intent.At)
	}
	if err != nil {
		return c.findFailed(ctx, lease, t, r, err)
	}
	if found {
		return c.posted(ctx, lease, t, r, store.Stored[approvals.Freeze]{}, intent.Count, ts, 0)
	}
	if left > 0 {
		c.release(ctx, lease, min(left, max(c.cfg.RetryIn, c.cfg.PostQuarantine/4)), false)
		return nil
	}
	return c.repost(ctx, lease, t, r.Body.ID, t.Body.Blind)
}

// repost takes the intent back, so that the note is posted once more.
func (c *courier) repost(ctx context.Context, lease store.Lease, t store.Stored[thread], id string, blind int) error {
	next := t.Body
	next.Intent, next.Blind = nil, blind
	_, err := c.commit(ctx, store.NewChange().FencedBy(lease).Write(c.keys.thread(id), t.Ver, next).Release(0))
	return err
}

// findFailed decides about a post that cannot be looked for: twice is better
// than never. Where Slack goes on losing answers, each further time has a longer
// pause before it.
func (c *courier) findFailed(ctx context.Context, lease store.Lease, t store.Stored[thread], r store.Stored[approvals.Request], err error) error {
	intent := t.Body.Intent
	if !c.blind(err, intent.At) {
		return c.findLater(ctx, lease, err)
	}
	if n := t.Body.Blind; n > 0 {
		pause := min(c.cfg.PostQuarantine<<min(n, 10), max(10*time.Minute, c.cfg.PostQuarantine))
		if left := intent.At.Add(pause).Sub(c.now()); left > 0 {
			c.release(ctx, lease, left, false)
			return nil
		}
	}
	topic := approvals.Topic("")
	if notes, err := c.outbox(ctx, r.Body.ID); err == nil && len(notes) > 0 {
		topic = notes[0].Topic
	}
	c.unverified(ctx, r.Body.ID, approvals.Note{ID: intent.ID, Topic: topic}, err)
	return c.repost(ctx, lease, t, r.Body.ID, t.Body.Blind+1)
}

// blind reports whether a failed look-up has to be decided about: no other will
// do better, or they fail since long before now.
func (c *courier) blind(err error, since time.Time) bool {
	why := new(approvals.FindError)
	return errors.As(err, &why) && why.Final || c.now().Sub(since) > 3*c.cfg.PostQuarantine
}

// findLater gives the thread back until it can be looked into again.
func (c *courier) findLater(ctx context.Context, lease store.Lease, err error) error {
	why := new(approvals.FindError)
	if !errors.As(err, &why) || why.RetryAfter == 0 {
		return fmt.Errorf("look for a post: %w", err)
	}
	c.cfg.Log.WarnContext(ctx, "a post cannot be looked for now; trying again", "in", why.RetryAfter, "err", err)
	if err := c.pacing.backOff(ctx, lookings, why.RetryAfter); err != nil {
		return err
	}
	c.release(ctx, lease, min(why.RetryAfter, max(c.cfg.RetryIn, c.cfg.PostQuarantine)), false)
	return nil
}

// unverified tells the operator of a note that is posted although it may stand.
func (c *courier) unverified(ctx context.Context, id string, n approvals.Note, err error) {
	cause, why := "no_answer", new(approvals.FindError)
	if errors.As(err, &why) && why.Final {
		cause = "refused"
	}
	c.cfg.Log.ErrorContext(ctx, "it cannot be found out whether a message stands; posting it again, perhaps twice",
		"request", id, "note", n.ID, "why", cause, "err", err)
	c.cfg.Metrics.unverified.WithLabelValues(string(n.Topic), cause).Inc()
}
