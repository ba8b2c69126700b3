package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/audit"
	"ecsbot/internal/store"
)

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

// postIntent is the intent to post the first Count notes that are owed.
type postIntent struct {
	ID    string    `json:"id"` // of the first note
	At    time.Time `json:"at"`
	Count int       `json:"count"`
}

// maxMerged is how many notes of one kind are told in one post at most.
const maxMerged = 10

// stepThread brings a thread up to date: what is owed is posted first, then the
// card is drawn. One step makes one call that people see.
func (e *Engine) stepThread(ctx context.Context, c store.Lease, id string) error {
	if e.store.Restarted() {
		// What is owed now may have been posted before: see maybePosted.
		e.release(ctx, c, e.Heartbeat, false)
		return nil
	}
	t, err := store.Load[thread](ctx, e.store, e.keys.thread(id))
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
	notes, err := e.outbox(ctx, id)
	if err != nil {
		return err
	}
	r := store.Stored[approvals.Request]{Body: approvals.Request{ID: id}}
	var halt store.Stored[approvals.Freeze]
	if !announced {
		if r, err = e.loadRequest(ctx, id); err != nil {
			return err
		}
		if halt, err = e.loadFreeze(ctx); err != nil {
			return err
		}
	}
	r.Body.Thread = approvals.Thread{Channel: t.Body.Channel, TS: t.Body.TS}
	quiet, err := e.backOffs(ctx, t.Body.Channel)
	if err != nil {
		return err
	}
	if t.Body.Intent != nil {
		return e.findPost(ctx, c, t, r, quiet.look)
	}
	if len(notes) > 0 && e.overtaken(notes[0], r.Body) {
		return e.leaveOut(ctx, c, t, id, len(notes))
	}
	if len(notes) > 0 && notes[0].Next.After(e.now()) {
		if ready, err := e.othersReady(ctx, id); err != nil || ready {
			if err == nil {
				err = e.skipFile(ctx, c, t, id, notes[0])
			}
			return err
		}
	}
	post := e.postDueIn(notes, quiet.post, t.Body.Channel, id)
	if post == 0 {
		return e.post(ctx, c, t, r, halt, notes)
	}
	draw := e.updateDueIn(t.Body, r, halt)
	if draw == 0 {
		draw = quiet.draw
	}
	if draw == 0 {
		draw = e.updatePaceIn(r.Body)
	}
	if draw == 0 {
		return e.updateCard(ctx, c, t, r, halt)
	}
	e.release(ctx, c, sooner(post, draw), false)
	return nil
}

// sooner is the shorter of two waits, either of which may be [never].
func sooner(a, b time.Duration) time.Duration {
	if a == never || b != never && b < a {
		return b
	}
	return a
}

// postDueIn tells when the notes may be posted: now (0), later, or never.
func (e *Engine) postDueIn(notes []approvals.Note, quiet time.Duration, channel, id string) time.Duration {
	if len(notes) == 0 {
		return never
	}
	if wait := max(quiet, notes[0].Next.Sub(e.now())); wait > 0 {
		return wait
	}
	// Slack allows about one post a second and channel; each replica keeps to
	// that by itself, and Slack's own 429 tells them where they do not keep it
	// together.
	return e.pacer(channel, e.PostGap, 1).turn(id, time.Now())
}

// updateDueIn tells when the card has to be drawn again: now (0), later, or never.
// While work goes on it is drawn from time to time; a decision, an end or a
// freeze is shown at once. A card may also show what the store has lost since:
// then its version is ahead, or it was drawn before the loss.
func (e *Engine) updateDueIn(t thread, r store.Stored[approvals.Request], halt store.Stored[approvals.Freeze]) time.Duration {
	open := !r.Body.State.Final()
	switch {
	case t.TS == "":
		return never
	case open && t.Frozen != halt.Ver, open && t.DrawnAt.UnixMilli() < e.store.LastLoss().UnixMilli():
		return 0
	case t.Drawn == r.Ver:
		return never
	case r.Body.State != approvals.Executing:
		return 0
	}
	return max(0, t.DrawnAt.Add(e.Redraw).Sub(e.now()))
}

// drawBurst is how many cards one replica may draw at once.
const drawBurst = 10

// updatePaceIn paces the drawing of cards, of which Slack allows about 50 a minute
// for the whole app. Progress gives way to decisions and ends.
func (e *Engine) updatePaceIn(r approvals.Request) time.Duration {
	p := e.pacer(drawings, e.DrawGap, drawBurst)
	if r.State != approvals.Executing || r.Cancellation != nil || r.Tally.Done() == 0 {
		return p.turn(r.ID, time.Now())
	}
	if p.spare(time.Now()) {
		return 0
	}
	return jittered(5 * e.DrawGap)
}

// updateCard makes the card show the request. Drawing twice does no harm, so there
// is no intent and no doubt.
func (e *Engine) updateCard(ctx context.Context, c store.Lease, t store.Stored[thread], r store.Stored[approvals.Request], halt store.Stored[approvals.Freeze]) error {
	d := e.face.UpdateCard(ctx, r.Body, halt.Body)
	e.Metrics.posts.WithLabelValues("draw", deliveryLabel(d.Status)).Inc()
	next := t.Body
	switch {
	case d.Status == approvals.Posted:
	case d.Status == approvals.Rejected, d.UnknownCode && e.tooLong(t.Body.NotDrawnSince):
		e.Log.ErrorContext(ctx, "the card cannot be drawn", "request", r.Body.ID, "err", d.Err)
	default:
		e.Log.WarnContext(ctx, "the card could not be drawn; trying again", "request", r.Body.ID, "err", d.Err)
		if d.UnknownCode && next.NotDrawnSince.IsZero() {
			next.NotDrawnSince = e.now()
			_, err := e.commit(ctx, store.NewChange().FencedBy(c).Write(e.keys.thread(r.Body.ID), t.Ver, next).Release(e.RejectedRetry))
			return err
		}
		return e.later(ctx, c, drawings, d)
	}
	next.Drawn, next.Frozen, next.DrawnAt, next.NotDrawnSince = r.Ver, halt.Ver, e.now(), time.Time{}
	_, err := e.commit(ctx, store.NewChange().FencedBy(c).Write(e.keys.thread(r.Body.ID), t.Ver, next).Release(0))
	return err
}

// tooLong reports whether something that Slack refuses since then for a reason
// that nobody knows has been tried long enough.
func (e *Engine) tooLong(since time.Time) bool {
	return !since.IsZero() && e.now().Sub(since) > e.RejectedGiveUp
}

// later gives the thread back until Slack wants to hear again; if it said so
// for all calls of that kind, all replicas keep to it.
func (e *Engine) later(ctx context.Context, c store.Lease, what string, d approvals.Delivery) error {
	wait := max(d.RetryAfter, e.RetryIn/2)
	if d.UnknownCode {
		wait = max(wait, e.RejectedRetry)
	}
	if d.WholeMethod {
		if err := e.backOff(ctx, what, wait); err != nil {
			return err
		}
	}
	e.release(ctx, c, wait, false)
	return nil
}

// outbox reads the notes at the head of the list that are told in one post.
func (e *Engine) outbox(ctx context.Context, id string) ([]approvals.Note, error) {
	raw, err := e.store.List(ctx, e.keys.outbox(id), 0, maxMerged-1)
	if err != nil {
		return nil, fmt.Errorf("read what is owed to %s: %w", id, err)
	}
	var notes []approvals.Note
	for _, line := range raw {
		var n approvals.Note
		if err := json.Unmarshal([]byte(line), &n); err != nil {
			return nil, fmt.Errorf("read what is owed to %s: %w", id, err)
		}
		if len(notes) > 0 && (n.Topic != notes[0].Topic || !n.Topic.Merges()) {
			break
		}
		notes = append(notes, n)
	}
	return notes, nil
}

// leaveOut takes notes off the list that have nothing to say any more.
func (e *Engine) leaveOut(ctx context.Context, c store.Lease, t store.Stored[thread], id string, n int) error {
	ch := store.NewChange().FencedBy(c).Write(e.keys.thread(id), t.Ver, t.Body).Release(0)
	ch.Pop(e.keys.outbox(id), n)
	_, err := e.commit(ctx, ch)
	return err
}

// othersReady reports whether anything stands behind a file that waits for its
// next try.
func (e *Engine) othersReady(ctx context.Context, id string) (bool, error) {
	raw, err := e.store.List(ctx, e.keys.outbox(id), 1, maxMerged)
	if err != nil {
		return false, fmt.Errorf("read what is owed to %s: %w", id, err)
	}
	for _, line := range raw {
		var n approvals.Note
		if err := json.Unmarshal([]byte(line), &n); err != nil {
			return false, fmt.Errorf("read what is owed to %s: %w", id, err)
		}
		if !n.Next.After(e.now()) {
			return true, nil
		}
	}
	return false, nil
}

// skipFile puts a file that could not be attached behind everything else that is
// owed to the thread.
func (e *Engine) skipFile(ctx context.Context, c store.Lease, t store.Stored[thread], id string, n approvals.Note) error {
	next := t.Body
	next.Intent = nil
	ch := store.NewChange().FencedBy(c).Write(e.keys.thread(id), t.Ver, next).Release(0)
	ch.Push(e.keys.outbox(id), n).Pop(e.keys.outbox(id), 1)
	_, err := e.commit(ctx, ch)
	return err
}

// post writes the intent, posts once, and writes what came of it.
func (e *Engine) post(ctx context.Context, c store.Lease, t store.Stored[thread], r store.Stored[approvals.Request], halt store.Stored[approvals.Freeze], notes []approvals.Note) error {
	if from, maybe := e.maybePosted(notes[0], r.Body); maybe {
		notes = notes[:1] // it may have been told with others, or alone
		ts, found, err := e.face.FindPost(ctx, r.Body, notes[0].ID, from)
		switch {
		case err != nil && !e.blind(err, e.store.LastLoss()):
			return e.findLater(ctx, c, err)
		case err != nil:
			e.unverified(ctx, r.Body.ID, notes[0], err)
		case found:
			return e.posted(ctx, c, t, r, store.Stored[approvals.Freeze]{}, 1, ts, 0)
		}
	}
	owed := approvals.Message{Request: r.Body, Notes: notes, Freeze: halt.Body}
	m, count := owed, len(notes)
	if t.Body.TS == "" && !strings.HasPrefix(r.Body.ID, "@") && notes[0].Topic != approvals.TopicCard {
		// The card was given up, and the channel may take messages again: the card
		// comes first, and what is owed follows in its thread.
		notes, count = []approvals.Note{e.note(approvals.Note{ID: r.Body.ID + "/card", Topic: approvals.TopicCard, By: r.Body.Requester})}, 0
		m.Notes = notes
	}
	if notes[0].Topic.Concludes() {
		batches, err := e.loadBatches(ctx, r.Body)
		if err != nil {
			return err
		}
		m.Batches = batches
	}
	began, wall := time.Now(), time.Now().Round(0)
	next := t.Body
	next.Intent = &postIntent{ID: m.ID(), At: e.now(), Count: count}
	crashpoint("post.before/" + string(notes[0].Topic))
	if _, err := e.commit(ctx, store.NewChange().FencedBy(c).Write(e.keys.thread(r.Body.ID), t.Ver, next)); err != nil {
		return err
	}
	crashpoint("post.intended/" + string(notes[0].Topic))
	t = store.Stored[thread]{Body: next, Ver: t.Ver + 1}
	if slept(began, wall) {
		// Another replica may have looked for it already, and posted it again.
		e.Log.WarnContext(ctx, "the process slept between intent and post; nothing was posted", "request", r.Body.ID, "note", m.ID())
		next.Intent = nil
		_, err := e.commit(ctx, store.NewChange().FencedBy(c).Write(e.keys.thread(r.Body.ID), t.Ver, next).Release(0))
		return err
	}

	d := e.face.Post(ctx, m)
	crashpoint("post.posted/" + string(notes[0].Topic))
	e.Metrics.posts.WithLabelValues(string(notes[0].Topic), deliveryLabel(d.Status)).Inc()
	switch d.Status {
	case approvals.Posted:
		return e.posted(ctx, c, t, r, halt, count, d.TS, r.Ver)
	case approvals.MaybePosted:
		e.Log.WarnContext(ctx, "it is not clear whether a message was posted; looking for it", "request", r.Body.ID, "note", m.ID(), "err", d.Err)
		e.release(ctx, c, e.RetryIn/2, false)
		return nil
	case approvals.NotPosted:
		return e.notPosted(ctx, c, t, owed, d)
	}
	return e.rejected(ctx, c, t, owed, d)
}

// afterLoss is for how long after the store has lost some of its past a thread
// may hold posts that the store knows nothing of.
const afterLoss = time.Hour

// maybePosted reports whether a note may stand in the thread although the store
// says that it is owed, and since when: a note from before a loss, or one that
// is owed once more since what was done about it was lost.
func (e *Engine) maybePosted(n approvals.Note, r approvals.Request) (since time.Time, maybe bool) {
	lost := e.store.LastLoss()
	switch {
	case n.At.Before(lost):
		return n.At, true
	case !r.Created.IsZero() && r.Created.Before(lost) && e.now().Sub(lost) < afterLoss:
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
func (e *Engine) notPosted(ctx context.Context, c store.Lease, t store.Stored[thread], m approvals.Message, d approvals.Delivery) error {
	if d.UnknownCode && e.tooLong(t.Body.RejectedSince) {
		return e.rejected(ctx, c, t, m, d)
	}
	e.Log.WarnContext(ctx, "a message was not posted; trying again", "request", m.Request.ID, "note", m.ID(), "err", d.Err)
	if n := m.Notes[0]; n.Topic.File() {
		n.Next = e.now().Add(max(d.RetryAfter, 4*e.RetryIn))
		return e.skipFile(ctx, c, t, m.Request.ID, n)
	}
	next := t.Body
	next.Intent = nil
	if d.UnknownCode && next.RejectedSince.IsZero() {
		next.RejectedSince = e.now()
	}
	if _, err := e.commit(ctx, store.NewChange().FencedBy(c).Write(e.keys.thread(m.Request.ID), t.Ver, next)); err != nil {
		return err
	}
	return e.later(ctx, c, t.Body.Channel, d)
}

// posted takes what was said off the list, and remembers the card's place and
// which version of the request it shows; 0 if that is not known, so that it is
// drawn again.
func (e *Engine) posted(ctx context.Context, c store.Lease, t store.Stored[thread], r store.Stored[approvals.Request], halt store.Stored[approvals.Freeze], count int, ts string, shows uint64) error {
	next := t.Body.over()
	if next.TS == "" && !strings.HasPrefix(r.Body.ID, "@") { // an announcement begins no thread
		next.TS, next.Drawn, next.Frozen, next.DrawnAt = ts, shows, halt.Ver, e.now()
	}
	ch := store.NewChange().FencedBy(c).Write(e.keys.thread(r.Body.ID), t.Ver, next).Release(0)
	ch.Pop(e.keys.outbox(r.Body.ID), count)
	if t.Body.TS == "" {
		e.redrawHomes(ch) // they lead to the card
	}
	if _, err := e.commit(ctx, ch); err != nil {
		return err
	}
	crashpoint("post.said")
	return nil
}

// over says that the thread has posted or given up its first notes.
func (t thread) over() thread {
	t.Intent, t.RejectedSince, t.Blind = nil, time.Time{}, 0
	return t
}

// findPost finds out about a post of which it is not known whether it
// stands. If it is found that is the end of it; if not, only the time after
// which Slack cannot still be about to show it allows a second one.
func (e *Engine) findPost(ctx context.Context, c store.Lease, t store.Stored[thread], r store.Stored[approvals.Request], quiet time.Duration) error {
	intent := t.Body.Intent
	// The last look must begin after the wait, so the time is taken before it.
	left := intent.At.Add(e.PostQuarantine).Sub(e.now())
	ts, found, err := "", false, error(nil)
	if quiet > 0 {
		err = &approvals.FindError{RetryAfter: quiet, Err: errors.New("no look-up before the Retry-After of an earlier one")}
	} else {
		ts, found, err = e.face.FindPost(ctx, r.Body, intent.ID, intent.At)
	}
	if err != nil {
		return e.findFailed(ctx, c, t, r, err)
	}
	if found {
		return e.posted(ctx, c, t, r, store.Stored[approvals.Freeze]{}, intent.Count, ts, 0)
	}
	if left > 0 {
		e.release(ctx, c, min(left, max(e.RetryIn, e.PostQuarantine/4)), false)
		return nil
	}
	return e.repost(ctx, c, t, r.Body.ID, t.Body.Blind)
}

// repost takes the intent back, so that the note is posted once more.
func (e *Engine) repost(ctx context.Context, c store.Lease, t store.Stored[thread], id string, blind int) error {
	next := t.Body
	next.Intent, next.Blind = nil, blind
	_, err := e.commit(ctx, store.NewChange().FencedBy(c).Write(e.keys.thread(id), t.Ver, next).Release(0))
	return err
}

// findFailed decides about a post that cannot be looked for: twice is better
// than never. Where Slack goes on losing answers, each further time has a longer
// pause before it.
func (e *Engine) findFailed(ctx context.Context, c store.Lease, t store.Stored[thread], r store.Stored[approvals.Request], err error) error {
	intent := t.Body.Intent
	if !e.blind(err, intent.At) {
		return e.findLater(ctx, c, err)
	}
	if n := t.Body.Blind; n > 0 {
		pause := min(e.PostQuarantine<<min(n, 10), max(10*time.Minute, e.PostQuarantine))
		if left := intent.At.Add(pause).Sub(e.now()); left > 0 {
			e.release(ctx, c, left, false)
			return nil
		}
	}
	topic := approvals.Topic("")
	if notes, err := e.outbox(ctx, r.Body.ID); err == nil && len(notes) > 0 {
		topic = notes[0].Topic
	}
	e.unverified(ctx, r.Body.ID, approvals.Note{ID: intent.ID, Topic: topic}, err)
	return e.repost(ctx, c, t, r.Body.ID, t.Body.Blind+1)
}

// blind reports whether a failed look-up has to be decided about: no other will
// do better, or they fail since long before now.
func (e *Engine) blind(err error, since time.Time) bool {
	why := new(approvals.FindError)
	return errors.As(err, &why) && why.Final || e.now().Sub(since) > 3*e.PostQuarantine
}

// findLater gives the thread back until it can be looked into again.
func (e *Engine) findLater(ctx context.Context, c store.Lease, err error) error {
	why := new(approvals.FindError)
	if !errors.As(err, &why) || why.RetryAfter == 0 {
		return fmt.Errorf("look for a post: %w", err)
	}
	e.Log.WarnContext(ctx, "a post cannot be looked for now; trying again", "in", why.RetryAfter, "err", err)
	if err := e.backOff(ctx, lookings, why.RetryAfter); err != nil {
		return err
	}
	e.release(ctx, c, min(why.RetryAfter, max(e.RetryIn, e.PostQuarantine)), false)
	return nil
}

// unverified tells the operator of a note that is posted although it may stand.
func (e *Engine) unverified(ctx context.Context, id string, n approvals.Note, err error) {
	cause, why := "no_answer", new(approvals.FindError)
	if errors.As(err, &why) && why.Final {
		cause = "refused"
	}
	e.Log.ErrorContext(ctx, "it cannot be found out whether a message stands; posting it again, perhaps twice",
		"request", id, "note", n.ID, "why", cause, "err", err)
	e.Metrics.unverified.WithLabelValues(string(n.Topic), cause).Inc()
}

// rejected gives up on a message that Slack does not take. Without its card a
// request cannot be decided on: then it is withdrawn. What somebody has to know
// is owed to them privately instead.
func (e *Engine) rejected(ctx context.Context, c store.Lease, t store.Stored[thread], m approvals.Message, d approvals.Delivery) error {
	id, topic := m.Request.ID, m.Notes[0].Topic
	e.Log.ErrorContext(ctx, "a message cannot be posted and is given up", "request", id, "topic", topic, "channel", t.Body.Channel, "err", d.Err)
	ch := store.NewChange().FencedBy(c).Release(0).
		Write(e.keys.thread(id), t.Ver, t.Body.over()).
		Log(audit.Entry{Event: "unsaid", Request: id, Reason: string(topic), Worker: e.store.Worker()})
	ch.Pop(e.keys.outbox(id), len(m.Notes))
	if topic.File() {
		ch.Also(tell(e.keys, id, e.note(approvals.Note{ID: m.ID() + "/unshared", Topic: approvals.TopicUnshared, Why: string(topic), Code: d.Code})))
	}
	if topic == approvals.TopicCard {
		if err := e.withoutCard(ctx, ch, m, d); err != nil {
			return err
		}
	}
	user := m.Request.Requester
	if topic.Announces() {
		user = m.Notes[0].By
	}
	if !topic.Personal() || user == "" {
		e.Metrics.rerouted.WithLabelValues(string(topic), "nowhere").Inc()
		_, err := e.commit(ctx, ch)
		return err
	}
	if err := e.owePrivately(ctx, ch, user, privateNote{Request: id, Notes: m.Notes, Refused: d.Code, At: e.now()}); err != nil {
		return err
	}
	_, err := e.commit(ctx, ch)
	return err
}

// withoutCard completes the change that gives up on a card: nobody could
// decide on the request, so it is withdrawn.
func (e *Engine) withoutCard(ctx context.Context, ch *store.Change, m approvals.Message, d approvals.Delivery) error {
	r, err := e.loadRequest(ctx, m.Request.ID)
	if err != nil {
		return err
	}
	gone, ok := r.Body.CancelUnposted(fmt.Sprint(d.Err), e.now())
	if !ok { // decided meanwhile, by command
		return nil
	}
	if _, err := e.writeDecision(ctx, ch, r, gone); err != nil {
		return err
	}
	ch.Release(never) // nobody reads the thread of a card that does not exist
	return nil
}

func deliveryLabel(f approvals.DeliveryStatus) string {
	return [...]string{"said", "not_said", "unsure", "unsayable"}[f]
}
