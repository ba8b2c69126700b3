package jobs

import (
	"context"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/store"
)

// The turns of posts and drawings are shared by all replicas ([store.Store.Turn]). A
// thread that has to wait is due again at its turn, and costs nothing until then.

// How much later than an outcome other notes of the same age are posted. Age counts, so
// nothing waits forever.
const (
	cardsAfter = time.Minute
	restAfter  = 3 * time.Minute
)

// tellAfter is how long notes of the topic let outcomes go first.
func tellAfter(t approvals.Topic) time.Duration {
	switch t {
	case approvals.TopicOutcome, approvals.TopicDenied, approvals.TopicCancelled, approvals.TopicExpired, approvals.TopicLapsed,
		approvals.TopicResolved, approvals.TopicFrozen, approvals.TopicUnfrozen:
		return 0 // somebody waits for it
	case approvals.TopicCard, approvals.TopicTrouble, approvals.TopicUnclear, approvals.TopicOverdue, approvals.TopicFrozenBatch:
		return cardsAfter
	}
	return restAfter
}

// postScore is the place of a thread in its channel's queue. The most urgent note decides,
// since the notes before it have to be posted first.
func postScore(notes []approvals.Note) int64 {
	first := notes[0].At.Add(tellAfter(notes[0].Topic))
	for _, n := range notes[1:] {
		if at := n.At.Add(tellAfter(n.Topic)); at.Before(first) {
			first = at
		}
	}
	return first.UnixMilli()
}

// drawScore is the place in the queue of drawings. Decisions and ends come first, then
// what has just begun. Progress comes after them all, that of the card that was drawn
// longest ago before others.
func drawScore(r approvals.Request, drawn, now time.Time) int64 {
	switch {
	case r.State != approvals.Executing || r.Cancellation != nil:
		return now.UnixMilli()
	case r.Progress().Done() == 0:
		return now.Add(cardsAfter).UnixMilli()
	}
	return store.Spare + max(0, drawn.UnixMilli())
}

// drawBurst is how many cards all replicas may draw at once. With one each DrawGap they
// are 50 in any minute, which is what Slack allows.
const drawBurst = 10

func (p *pacing) posts(channel string) store.Limit {
	return store.Limit{Name: channel, Gap: p.cfg.PostGap, Burst: 1}
}

func (p *pacing) drawings() store.Limit {
	return store.Limit{Name: drawings, Gap: p.cfg.DrawGap, Burst: drawBurst, Reserve: drawBurst / 2}
}

// behindBy is how many other threads wait in a channel that is behind. One post then
// tells all that is owed to a thread.
const behindBy = 3

// leaveTurns takes a thread out of queues in which it has nothing to wait for: its notes
// have nothing to say any more, or another replica has posted them.
func (c *courier) leaveTurns(ctx context.Context, lease store.Lease, limits ...store.Limit) error {
	if len(limits) == 0 {
		return nil
	}
	names := make([]string, len(limits))
	for i, l := range limits {
		names[i] = l.Name
	}
	waits, err := c.store.InTurns(ctx, lease.Item, names...)
	if err != nil {
		return err
	}
	for i, l := range limits {
		if waits[i] {
			if err := c.store.LeaveTurns(ctx, lease, l); err != nil {
				return err
			}
		}
	}
	return nil
}
