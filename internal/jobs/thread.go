package jobs

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/store"
)

// courier posts in the threads of requests what is owed to them, and keeps their
// cards up to date.
type courier struct {
	*records
	pacing    *pacing
	privates  *privates
	messenger Messenger // set by [Engine.Run]
}

// thread is the record of a request's place in Slack: what is said there goes
// through one sender at a time, in order, each thing once. What is announced in
// a channel, about no request, has such a record, too (t:@<channel>); there each
// note is a message of its own.
type thread struct {
	Channel string      `json:"channel"`
	TS      string      `json:"ts,omitempty"`     // of the card; empty until it is known to stand
	Drawn   uint64      `json:"drawn,omitempty"`  // version of the request that the card shows
	Frozen  uint64      `json:"frozen,omitempty"` // version of the freeze that it shows
	DrawnAt time.Time   `json:"drawn_at,omitzero"`
	Intent  *postIntent `json:"intent,omitempty"`

	// Since when Slack refuses the first note, or the drawing, for a reason that
	// nobody knows.
	RejectedSince time.Time `json:"refused,omitzero"`
	NotDrawnSince time.Time `json:"undrawn,omitzero"`
	// How often the first note was posted again without being looked for.
	Blind int `json:"blind,omitempty"`
	// Slack has refused a post of several notes: the first one is posted alone.
	Apart bool `json:"apart,omitempty"`

	newer *approvals.NewerFields // what a newer version wrote into the record
}

func (t *thread) UnmarshalJSON(b []byte) error {
	type plain thread
	var p plain
	newer, err := approvals.DecodeRecord(b, &p)
	if err != nil {
		return err
	}
	*t = thread(p)
	t.newer = newer
	return nil
}

func (t thread) MarshalJSON() ([]byte, error) {
	type plain thread
	return t.newer.Encode(plain(t))
}

// stepThread brings a thread up to date: what is owed is posted first, then the
// card is drawn. One step makes one call that people see.
func (c *courier) stepThread(ctx context.Context, lease store.Lease, id string) error {
	if c.store.Restarted() {
		// What is owed now may have been posted before: see maybePosted.
		c.release(ctx, lease, c.cfg.Heartbeat, false)
		return nil
	}
	t, err := store.Load[thread](ctx, c.store, c.keys.thread(id))
	channel, announced := strings.CutPrefix(id, "@")
	if announced && errors.Is(err, store.ErrNotFound) { // nothing was announced there before
		t, err = store.Stored[thread]{Body: thread{Channel: channel}}, nil
	}
	if err != nil {
		return err
	}
	// What is owed is read before the request: a note and the state that it
	// tells of are written together, so a request read later is never older
	// than its notes. (The other way round an outcome was once told of a
	// request that still said it was executing.)
	notes, err := c.outbox(ctx, id)
	if err != nil {
		return err
	}
	r := store.Stored[approvals.Request]{Body: approvals.Request{ID: id}}
	var halt store.Stored[approvals.Freeze]
	if !announced {
		if r, err = c.loadRequest(ctx, id); err != nil {
			return err
		}
		if halt, err = c.loadFreeze(ctx); err != nil {
			return err
		}
	}
	r.Body.Thread = approvals.Thread{Channel: t.Body.Channel, TS: t.Body.TS}
	quiet, err := c.pacing.backOffs(ctx, t.Body.Channel)
	if err != nil {
		return err
	}
	if t.Body.Intent != nil {
		return c.findPost(ctx, lease, t, r, quiet.look)
	}
	if len(notes) > 0 && c.overtaken(notes[0], r.Body) {
		return c.leaveOut(ctx, lease, t, id, len(alike(notes)))
	}
	if len(notes) > 0 && notes[0].Next.After(c.now()) {
		if ready, err := c.othersReady(ctx, id); err != nil || ready {
			if err == nil {
				err = c.skipFile(ctx, lease, t, id, notes[0])
			}
			return err
		}
	}
	return c.bringUpToDate(ctx, lease, t, r, halt, notes, quiet)
}

// bringUpToDate posts what is owed or draws the card, if it is the thread's turn, or
// gives it back until then.
func (c *courier) bringUpToDate(ctx context.Context, lease store.Lease, t store.Stored[thread], r store.Stored[approvals.Request], halt store.Stored[approvals.Freeze], notes []approvals.Note, quiet backOffs) error {
	posts, pictures := c.pacing.posts(t.Body.Channel), c.pacing.drawings()
	post, draw := never, c.updateDueIn(t.Body, r, halt)
	if len(notes) > 0 {
		post = max(0, notes[0].Next.Sub(c.now()), gatherFor(notes, r.Body, c.cfg.Gather, c.now()))
	}
	var idle []store.Limit
	if post != 0 {
		idle = append(idle, posts)
	}
	if draw != 0 {
		idle = append(idle, pictures)
	}
	if err := c.leaveTurns(ctx, lease, idle...); err != nil {
		return err
	}
	if post == 0 {
		turn, err := c.store.Turn(ctx, lease, posts, postScore(notes), quiet.post)
		if err != nil {
			return err
		}
		if turn.Wait == 0 {
			return c.post(ctx, lease, t, r, halt, together(notes, turn.Others >= behindBy && !t.Body.Apart))
		}
		post = turn.Wait
	}
	if draw == 0 {
		turn, err := c.store.Turn(ctx, lease, pictures, drawScore(r.Body, t.Body.DrawnAt, c.now()), quiet.draw)
		if err != nil {
			return err
		}
		if turn.Wait == 0 {
			return c.updateCard(ctx, lease, t, r, halt)
		}
		draw = turn.Wait
	}
	c.release(ctx, lease, sooner(post, draw), false)
	return nil
}

// gatherFor is how long notes about single batches wait for others like them, so that
// what happens within some seconds is told in one post. Nothing else waits for them, and
// they wait for four gaps at most.
func gatherFor(notes []approvals.Note, r approvals.Request, gap time.Duration, now time.Time) time.Duration {
	first, last := notes[0], notes[len(notes)-1]
	others := slices.ContainsFunc(notes, func(n approvals.Note) bool { return !n.Topic.Merges() })
	allSent := last.Topic == approvals.TopicSent && last.Batch+1 == r.Batches
	if others || allSent || r.State.Final() || r.Batches <= 1 {
		return 0
	}
	till := last.At.Add(gap)
	if most := first.At.Add(4 * gap); most.Before(till) {
		till = most
	}
	return max(0, till.Sub(now))
}

// sooner is the shorter of two waits, either of which may be [never].
func sooner(a, b time.Duration) time.Duration {
	if a == never || b != never && b < a {
		return b
	}
	return a
}

// over says that the thread has posted or given up its first notes.
func (t thread) over() thread {
	t.Intent, t.RejectedSince, t.Blind, t.Apart = nil, time.Time{}, 0, false
	return t
}
