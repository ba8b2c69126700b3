package jobs

import (
	"context"
	"ecsbot/internal/approvals"
	"ecsbot/internal/audit"
	"ecsbot/internal/store"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

func (k keys) outbox(id string) string { return string(k) + "o:" + id }

// postIntent is the intent to post the first Count notes that are owed.
type postIntent struct {
	ID    string    `json:"id"` // of the first note
	At    time.Time `json:"at"`
	Count int       `json:"count"`
}

// maxMerged is how many notes are merged into one post at most.
const maxMerged = 10

// outbox reads the notes at the head of the list.
func (c *courier) outbox(ctx context.Context, id string) ([]approvals.Note, error) {
	raw, err := c.store.List(ctx, c.keys.outbox(id), 0, 2*maxMerged-1)
	if err != nil {
		return nil, fmt.Errorf("read what is owed to %s: %w", id, err)
	}
	notes := make([]approvals.Note, len(raw))
	for i, line := range raw {
		if err := json.Unmarshal([]byte(line), &notes[i]); err != nil {
			return nil, fmt.Errorf("read what is owed to %s: %w", id, err)
		}
	}
	return notes, nil
}

// alike are the first of the notes that are merged into one post in any case, since they
// are of one topic.
func alike(notes []approvals.Note) []approvals.Note {
	n := 1
	for n < min(len(notes), maxMerged) && notes[n].Topic == notes[0].Topic && notes[0].Topic.Merges() {
		n++
	}
	return notes[:n]
}

// together are the first of the notes, those that go into one post: all that can
// be if the channel is behind, up to the outcome, which is the last of its post.
func together(notes []approvals.Note, behind bool) []approvals.Note {
	if !behind || !notes[0].Topic.Joins() {
		return alike(notes)
	}
	n := 1
	for n < min(len(notes), maxMerged) && notes[n].Topic.Joins() && notes[n-1].Topic != approvals.TopicOutcome {
		n++
	}
	return notes[:n]
}

// leaveOut takes notes off the list that have nothing to say any more.
func (c *courier) leaveOut(ctx context.Context, lease store.Lease, t store.Stored[thread], id string, n int) error {
	ch := store.NewChange().FencedBy(lease).Write(c.keys.thread(id), t.Ver, t.Body).Release(0)
	ch.Pop(c.keys.outbox(id), n)
	_, err := c.commit(ctx, ch)
	return err
}

// othersReady reports whether anything stands behind a file that waits for its
// next try.
func (c *courier) othersReady(ctx context.Context, id string) (bool, error) {
	raw, err := c.store.List(ctx, c.keys.outbox(id), 1, maxMerged)
	if err != nil {
		return false, fmt.Errorf("read what is owed to %s: %w", id, err)
	}
	for _, line := range raw {
		var n approvals.Note
		if err := json.Unmarshal([]byte(line), &n); err != nil {
			return false, fmt.Errorf("read what is owed to %s: %w", id, err)
		}
		if !n.Next.After(c.now()) {
			return true, nil
		}
	}
	return false, nil
}

// skipFile puts a file that could not be attached behind everything else that is
// owed to the thread.
func (c *courier) skipFile(ctx context.Context, lease store.Lease, t store.Stored[thread], id string, n approvals.Note) error {
	next := t.Body
	next.Intent = nil
	ch := store.NewChange().FencedBy(lease).Write(c.keys.thread(id), t.Ver, next).Release(0)
	ch.Push(c.keys.outbox(id), n).Pop(c.keys.outbox(id), 1)
	_, err := c.commit(ctx, ch)
	return err
}

// post writes the intent, posts once, and writes what came of it.
func (c *courier) post(ctx context.Context, lease store.Lease, t store.Stored[thread], r store.Stored[approvals.Request], halt store.Stored[approvals.Freeze], notes []approvals.Note) error {
	if from, maybe := c.maybePosted(notes[0], r.Body); maybe {
		notes = notes[:1] // it may have been told with others, or alone
		ts, found, err := c.messenger.FindPost(ctx, r.Body, notes[0].ID, from)
		switch {
		case err != nil && !c.blind(err, c.store.LastLoss()):
			return c.findLater(ctx, lease, err)
		case err != nil:
			c.unverified(ctx, r.Body.ID, notes[0], err)
		case found:
			return c.posted(ctx, lease, t, r, store.Stored[approvals.Freeze]{}, 1, ts, 0)
		}
	}
	owed := approvals.Message{Request: r.Body, Notes: notes, Freeze: halt.Body}
	m, count := owed, len(notes)
	if t.Body.TS == "" && !strings.HasPrefix(r.Body.ID, "@") && notes[0].Topic != approvals.TopicCard {
		// The card was given up, and the channel may take messages again: the card
		// comes first, and what is owed follows in its thread.
		notes, count = []approvals.Note{c.note(approvals.Note{ID: r.Body.ID + "/card", Topic: approvals.TopicCard, By: r.Body.Requester})}, 0
		m.Notes = notes
	}
	if slices.ContainsFunc(notes, func(n approvals.Note) bool { return n.Topic.Concludes() }) {
		batches, err := c.loadBatches(ctx, r.Body)
		if err != nil {
			return err
		}
		m.Batches = batches
	}
	began, wall := time.Now(), time.Now().Round(0)
	next := t.Body
	next.Intent = &postIntent{ID: m.ID(), At: c.now(), Count: count}
	label := labelOf(notes)
	crashpoint("post.before/" + label)
	if _, err := c.commit(ctx, store.NewChange().FencedBy(lease).Write(c.keys.thread(r.Body.ID), t.Ver, next)); err != nil {
		return err
	}
	crashpoint("post.intended/" + label)
	t = store.Stored[thread]{Body: next, Ver: t.Ver + 1}
	if slept(began, wall) {
		// Another replica may have looked for it already, and posted it again.
		c.cfg.Log.WarnContext(ctx, "the process slept between intent and post; nothing was posted", "request", r.Body.ID, "note", m.ID())
		next.Intent = nil
		_, err := c.commit(ctx, store.NewChange().FencedBy(lease).Write(c.keys.thread(r.Body.ID), t.Ver, next).Release(0))
		return err
	}

	d := c.messenger.Post(ctx, m)
	crashpoint("post.posted/" + label)
	c.cfg.Metrics.posts.WithLabelValues(label, deliveryLabel(d.Status)).Inc()
	switch d.Status {
	case approvals.Posted:
		return c.posted(ctx, lease, t, r, halt, count, d.TS, r.Ver)
	case approvals.MaybePosted:
		c.cfg.Log.WarnContext(ctx, "it is not clear whether a message was posted; looking for it", "request", r.Body.ID, "note", m.ID(), "err", d.Err)
		c.release(ctx, lease, c.cfg.RetryIn/2, false)
		return nil
	case approvals.NotPosted:
		return c.notPosted(ctx, lease, t, owed, d)
	}
	return c.rejected(ctx, lease, t, owed, d)
}

// labelOf names what a post tells: its topic, or "together" for several.
func labelOf(notes []approvals.Note) string {
	topic := notes[0].Topic
	if slices.ContainsFunc(notes, func(n approvals.Note) bool { return n.Topic != topic }) {
		return "together"
	}
	return string(topic)
}

// afterLoss is for how long after the store has lost some of its past a thread
// may hold posts that the store knows nothing of.
const afterLoss = time.Hour

// maybePosted reports whether a note may stand in the thread although the store
// says that it is owed, and since when: a note from before a loss, or one that
// is owed once more since what was done about it was lost.
func (c *courier) maybePosted(n approvals.Note, r approvals.Request) (since time.Time, maybe bool) {
	lost := c.store.LastLoss()
	switch {
	case n.At.Before(lost):
		return n.At, true
	case !r.Created.IsZero() && r.Created.Before(lost) && c.now().Sub(lost) < afterLoss:
		return r.Created, true
	}
	return time.Time{}, false
}

// slept reports whether so much time has passed since then, by either clock,
// that the process was suspended: what it was about to do may have been done by
// others.
func slept(began, wall time.Time) bool {
	return max(time.Since(began), time.Now().Round(0).Sub(wall)) > maxIntentAge
}

// notPosted takes back the intent of a post that certainly does not stand, and
// has it tried again; a refusal that nobody knows, only for so long.
func (c *courier) notPosted(ctx context.Context, lease store.Lease, t store.Stored[thread], m approvals.Message, d approvals.Delivery) error {
	if d.UnknownCode && c.tooLong(t.Body.RejectedSince) {
		return c.rejected(ctx, lease, t, m, d)
	}
	c.cfg.Log.WarnContext(ctx, "a message was not posted; trying again", "request", m.Request.ID, "note", m.ID(), "err", d.Err)
	if n := m.Notes[0]; n.Topic.File() {
		n.Next = c.now().Add(max(d.RetryAfter, 4*c.cfg.RetryIn))
		return c.skipFile(ctx, lease, t, m.Request.ID, n)
	}
	next := t.Body
	next.Intent = nil
	if d.UnknownCode && next.RejectedSince.IsZero() {
		next.RejectedSince = c.now()
	}
	if _, err := c.commit(ctx, store.NewChange().FencedBy(lease).Write(c.keys.thread(m.Request.ID), t.Ver, next)); err != nil {
		return err
	}
	return c.later(ctx, lease, t.Body.Channel, d)
}

// posted takes what was said off the list, and remembers the card's place and
// which version of the request it shows; 0 if that is not known, so that it is
// drawn again.
func (c *courier) posted(ctx context.Context, lease store.Lease, t store.Stored[thread], r store.Stored[approvals.Request], halt store.Stored[approvals.Freeze], count int, ts string, shows uint64) error {
	next := t.Body.over()
	if next.TS == "" && !strings.HasPrefix(r.Body.ID, "@") { // an announcement begins no thread
		next.TS, next.Drawn, next.Frozen, next.DrawnAt = ts, shows, halt.Ver, c.now()
	}
	if t.Body.TS != "" && r.Body.RetriedBy != "" {
		next.Drawn = 0 // the card may have been drawn before there was a card of the retry to lead to
	}
	ch := store.NewChange().FencedBy(lease).Write(c.keys.thread(r.Body.ID), t.Ver, next).Release(0)
	ch.Pop(c.keys.outbox(r.Body.ID), count)
	if t.Body.TS == "" {
		c.redrawHomes(ch) // they lead to the card
	}
	if t.Body.TS == "" && r.Body.FollowUpOf != "" {
		ch.Also(tell(c.keys, r.Body.FollowUpOf, c.followUpNote(r.Body))) // it leads to the card, too
	}
	if _, err := c.commit(ctx, ch); err != nil {
		return err
	}
	crashpoint("post.said")
	return nil
}

// rejected gives up on a message that Slack does not take. Without its card a
// request cannot be decided on: then it is withdrawn. What somebody has to know
// is owed to them privately instead.
func (c *courier) rejected(ctx context.Context, lease store.Lease, t store.Stored[thread], m approvals.Message, d approvals.Delivery) error {
	id, topic := m.Request.ID, m.Notes[0].Topic
	if labelOf(m.Notes) != string(topic) {
		// Perhaps only all together are too much; and each is given up in its own way.
		c.cfg.Log.WarnContext(ctx, "several notes cannot be told in one post; telling the first alone", "request", id, "topic", topic, "err", d.Err)
		next := t.Body
		next.Intent, next.Apart = nil, true
		_, err := c.commit(ctx, store.NewChange().FencedBy(lease).Write(c.keys.thread(id), t.Ver, next).Release(0))
		return err
	}
	c.cfg.Log.ErrorContext(ctx, "a message cannot be posted and is given up", "request", id, "topic", topic, "channel", t.Body.Channel, "err", d.Err)
	ch := store.NewChange().FencedBy(lease).Release(0).
		Write(c.keys.thread(id), t.Ver, t.Body.over()).
		Log(audit.Entry{Event: audit.PostRejected, Request: id, Reason: string(topic), Worker: c.store.Worker()})
	ch.Pop(c.keys.outbox(id), len(m.Notes))
	if topic.File() {
		ch.Also(tell(c.keys, id, c.note(approvals.Note{ID: m.ID() + "/unshared", Topic: approvals.TopicUnshared, Why: string(topic), Code: d.Code})))
	}
	if topic == approvals.TopicCard {
		if err := c.withoutCard(ctx, ch, m, d); err != nil {
			return err
		}
	}
	user := m.Request.Requester
	if topic.Announces() {
		user = m.Notes[0].By
	}
	if !topic.Personal() || user == "" {
		c.cfg.Metrics.rerouted.WithLabelValues(string(topic), "nowhere").Inc()
		_, err := c.commit(ctx, ch)
		return err
	}
	if err := c.privates.owePrivately(ctx, ch, user, privateNote{Request: id, Notes: m.Notes, Refused: d.Code, At: c.now()}); err != nil {
		return err
	}
	_, err := c.commit(ctx, ch)
	return err
}

// withoutCard completes the change that gives up on a card: nobody could
// decide on the request, so it is withdrawn.
func (c *courier) withoutCard(ctx context.Context, ch *store.Change, m approvals.Message, d approvals.Delivery) error {
	r, err := c.loadRequest(ctx, m.Request.ID)
	if err != nil {
		return err
	}
	gone, ok := r.Body.CancelUnposted(fmt.Sprint(d.Err), c.now())
	if !ok { // decided meanwhile, by command
		return nil
	}
	if _, err := c.writeDecision(ctx, ch, r, gone); err != nil {
		return err
	}
	ch.Release(never) // nobody reads the thread of a card that does not exist
	return nil
}

// followUpNote tells in the thread of a request that r was made for its servers.
func (c *courier) followUpNote(r approvals.Request) approvals.Note {
	n := approvals.Note{ID: r.FollowUpOf + "/followed/" + r.ID, Topic: approvals.TopicRetried, By: r.AskedBy(), As: r.ID}
	if r.Action == approvals.Start {
		n.Topic = approvals.TopicStart
	}
	return c.note(n)
}

func deliveryLabel(f approvals.DeliveryStatus) string {
	return [...]string{"said", "not_said", "unsure", "unsayable"}[f]
}
