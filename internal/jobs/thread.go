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

	"github.com/redis/go-redis/v9"
	"golang.org/x/time/rate"
)

// thread is the record of a request's place in Slack: what is said there goes
// through one sender at a time, in order, each thing once. What is announced in
// a channel, about no request, has such a record, too (t:@<channel>); there each
// note is a message of its own.
type thread struct {
	Channel string    `json:"channel"`
	TS      string    `json:"ts,omitempty"`    // of the card; empty until it is known to stand
	Drawn   uint64    `json:"drawn,omitempty"` // version of the request that the card shows
	DrawnAt time.Time `json:"drawn_at,omitzero"`
	Intent  *saying   `json:"intent,omitempty"`
}

// saying is the intent to post the first Count notes that are owed.
type saying struct {
	ID    string    `json:"id"` // of the first note
	At    time.Time `json:"at"`
	Count int       `json:"count"`
}

// together is how many notes of one kind are told in one post at most.
const together = 10

// stepThread brings a thread up to date: the card first, then what is owed.
// One step posts one message.
func (e *Engine) stepThread(ctx context.Context, c claim, id string) error {
	t, err := load[thread](ctx, e, e.keys.thread(id))
	channel, announced := strings.CutPrefix(id, "@")
	if announced && errors.Is(err, errNoRecord) { // nothing was announced there before
		t, err = stored[thread]{body: thread{Channel: channel}}, nil
	}
	if err != nil {
		return err
	}
	// What is owed is read before the request: a note and the state that it
	// tells of are written together, so a request read later is never older
	// than its notes. (The other way round an outcome was once told of a
	// request that still said it was executing.)
	notes, err := e.owed(ctx, id)
	if err != nil {
		return err
	}
	r := stored[approvals.Request]{body: approvals.Request{ID: id}}
	if !announced {
		if r, err = e.loadRequest(ctx, id); err != nil {
			return err
		}
	}
	r.body.Thread = approvals.Thread{Channel: t.body.Channel, TS: t.body.TS}
	if wait, err := e.quietFor(ctx, t.body.Channel); err != nil || wait > 0 {
		if err == nil {
			e.release(ctx, c, wait, false)
		}
		return err
	}
	if t.body.Intent != nil {
		return e.lookForPost(ctx, c, t, r)
	}
	redraw := e.redrawIn(t.body, r)
	if redraw == 0 {
		return e.draw(ctx, c, t, r)
	}
	if len(notes) == 0 {
		e.release(ctx, c, redraw, false)
		return nil
	}
	return e.post(ctx, c, t, r, notes)
}

// redrawIn tells when the card has to be drawn anew: now (0), later, or never.
// While work goes on it is drawn from time to time; a decision or an end is
// shown at once.
func (e *Engine) redrawIn(t thread, r stored[approvals.Request]) time.Duration {
	if t.TS == "" || t.Drawn >= r.ver {
		return never
	}
	if r.body.State != approvals.Executing {
		return 0
	}
	return max(0, t.DrawnAt.Add(e.Redraw).Sub(e.now()))
}

// draw makes the card show the request. Drawing twice does no harm, so there
// is no intent and no doubt.
func (e *Engine) draw(ctx context.Context, c claim, t stored[thread], r stored[approvals.Request]) error {
	d := e.face.Draw(ctx, r.body)
	e.Metrics.said.WithLabelValues("draw", fate(d.Fate)).Inc()
	switch d.Fate {
	case approvals.NotSaid, approvals.Unsure:
		e.Log.WarnContext(ctx, "the card could not be drawn; trying again", "request", r.body.ID, "err", d.Err)
		return e.hush(ctx, c, t.body.Channel, d)
	case approvals.Unsayable:
		e.Log.ErrorContext(ctx, "the card cannot be drawn", "request", r.body.ID, "err", d.Err)
	}
	next := t.body
	next.Drawn, next.DrawnAt = r.ver, e.now()
	_, err := e.commit(ctx, newChange().under(c).write(e.keys.thread(r.body.ID), t.ver, next).done(0))
	return err
}

// owed reads the notes at the head of the list that are told in one post.
func (e *Engine) owed(ctx context.Context, id string) ([]approvals.Note, error) {
	raw, err := e.rdb.LRange(ctx, e.keys.owed(id), 0, together-1).Result()
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

// post writes the intent, posts once, and writes what came of it.
func (e *Engine) post(ctx context.Context, c claim, t stored[thread], r stored[approvals.Request], notes []approvals.Note) error {
	if notes[0].At.UnixMilli() < e.since.Load() {
		// The store lost some of its past since this note was written; it may
		// have been told already.
		notes = notes[:1] // it may have been told with others, or alone
		if ts, found, err := e.face.Look(ctx, r.body, notes[0].ID, notes[0].At); err != nil {
			return fmt.Errorf("look for an earlier post: %w", err)
		} else if found {
			return e.said(ctx, c, t, r, 1, ts, 0)
		}
	}
	if wait := e.pace(t.body.Channel); wait > 0 {
		e.release(ctx, c, wait, false)
		return nil
	}
	if e.stale(notes[0], r.body) {
		ch := newChange().under(c).write(e.keys.thread(r.body.ID), t.ver, t.body).done(0)
		ch.Pop = &pop{e.keys.owed(r.body.ID), len(notes)}
		_, err := e.commit(ctx, ch)
		return err
	}
	m := approvals.Message{Request: r.body, Notes: notes}
	if notes[0].Topic.Concludes() {
		batches, err := e.loadBatches(ctx, r.body)
		if err != nil {
			return err
		}
		m.Batches = batches
	}
	next := t.body
	next.Intent = &saying{ID: m.ID(), At: e.now(), Count: len(notes)}
	crashpoint("post.before/" + string(notes[0].Topic))
	if _, err := e.commit(ctx, newChange().under(c).write(e.keys.thread(r.body.ID), t.ver, next)); err != nil {
		return err
	}
	crashpoint("post.intended/" + string(notes[0].Topic))
	t = stored[thread]{next, t.ver + 1}

	d := e.face.Post(ctx, m)
	crashpoint("post.posted/" + string(notes[0].Topic))
	e.Metrics.said.WithLabelValues(string(notes[0].Topic), fate(d.Fate)).Inc()
	switch d.Fate {
	case approvals.Said:
		return e.said(ctx, c, t, r, len(notes), d.TS, r.ver)
	case approvals.Unsure:
		e.Log.WarnContext(ctx, "it is not clear whether a message was posted; looking for it", "request", r.body.ID, "note", m.ID(), "err", d.Err)
		e.release(ctx, c, e.RetryIn/2, false)
		return nil
	case approvals.NotSaid:
		e.Log.WarnContext(ctx, "a message was not posted; trying again", "request", r.body.ID, "note", m.ID(), "err", d.Err)
		next.Intent = nil
		if _, err := e.commit(ctx, newChange().under(c).write(e.keys.thread(r.body.ID), t.ver, next)); err != nil {
			return err
		}
		return e.hush(ctx, c, t.body.Channel, d)
	}
	return e.unsayable(ctx, c, t, m, d)
}

// said takes what was said off the list, and remembers the card's place and
// which version of the request it shows; 0 if that is not known, so that it is
// drawn anew.
func (e *Engine) said(ctx context.Context, c claim, t stored[thread], r stored[approvals.Request], count int, ts string, shows uint64) error {
	next := t.body
	next.Intent = nil
	if next.TS == "" && !strings.HasPrefix(r.body.ID, "@") { // an announcement begins no thread
		next.TS, next.Drawn, next.DrawnAt = ts, shows, e.now()
	}
	ch := newChange().under(c).write(e.keys.thread(r.body.ID), t.ver, next).done(0)
	ch.Pop = &pop{e.keys.owed(r.body.ID), count}
	if t.body.TS == "" {
		ch.Homes = e.keys.homes() // they lead to the card
	}
	if _, err := e.commit(ctx, ch); err != nil {
		return err
	}
	crashpoint("post.said")
	return nil
}

// lookForPost finds out about a post of which it is not known whether it
// stands. If it is found that is the end of it; if not, only the time after
// which Slack cannot still be about to show it allows a second one.
func (e *Engine) lookForPost(ctx context.Context, c claim, t stored[thread], r stored[approvals.Request]) error {
	intent := t.body.Intent
	// The last look must begin after the wait, so the time is taken before it.
	left := intent.At.Add(e.UnsureWait).Sub(e.now())
	ts, found, err := e.face.Look(ctx, r.body, intent.ID, intent.At)
	if err != nil {
		return fmt.Errorf("look for a post: %w", err)
	}
	if found {
		return e.said(ctx, c, t, r, intent.Count, ts, 0)
	}
	if left > 0 {
		e.release(ctx, c, min(left, max(e.RetryIn, e.UnsureWait/4)), false)
		return nil
	}
	next := t.body
	next.Intent = nil
	_, err = e.commit(ctx, newChange().under(c).write(e.keys.thread(r.body.ID), t.ver, next).done(0))
	return err
}

// unsayable gives up on a message that Slack will never take. Without its card
// a request cannot be decided on: then it is withdrawn. An outcome is told to
// the requester alone instead.
func (e *Engine) unsayable(ctx context.Context, c claim, t stored[thread], m approvals.Message, d approvals.Delivery) error {
	id, topic := m.Request.ID, m.Notes[0].Topic
	e.Log.ErrorContext(ctx, "a message cannot be posted and is given up", "request", id, "topic", topic, "channel", t.body.Channel, "err", d.Err)
	next := t.body
	next.Intent = nil
	ch := newChange().under(c).done(0).
		write(e.keys.thread(id), t.ver, next).
		log(audit.Entry{Event: "unsaid", Request: id, Reason: string(topic), Worker: e.worker})
	ch.Pop = &pop{e.keys.owed(id), len(m.Notes)}
	if topic == approvals.TopicCard {
		return e.withoutCard(ctx, ch, m, d)
	}
	if _, err := e.commit(ctx, ch); err != nil {
		return err
	}
	if topic == approvals.TopicEnd {
		e.face.Aside(ctx, m)
	}
	return nil
}

// withoutCard completes the change that gives up on a card: nobody could
// decide on the request, so it is withdrawn, and the requester is told.
func (e *Engine) withoutCard(ctx context.Context, ch *change, m approvals.Message, d approvals.Delivery) error {
	r, err := e.loadRequest(ctx, m.Request.ID)
	if err != nil {
		return err
	}
	gone, ok := r.body.Unposted(fmt.Sprint(d.Err), e.now())
	if !ok { // decided meanwhile, by command
		_, err := e.commit(ctx, ch)
		return err
	}
	end, err := e.decision(ctx, r, gone)
	if err != nil {
		return err
	}
	ch.Write = append(ch.Write, end.Write...)
	ch.Audit = append(ch.Audit, end.Audit...)
	ch.Request, ch.Unlock, ch.Index, ch.Expire, ch.Trim = end.Request, end.Unlock, end.Index, end.Expire, end.Trim
	ch.done(never) // nobody reads the thread of a card that does not exist
	if _, err := e.commit(ctx, ch); err != nil {
		return err
	}
	m.Request = gone
	e.face.Aside(ctx, m)
	return nil
}

// quietFor tells for how long Slack wants no post in the channel.
func (e *Engine) quietFor(ctx context.Context, channel string) (time.Duration, error) {
	till, err := e.rdb.HGet(ctx, e.keys.quiet(), channel).Int64()
	if errors.Is(err, redis.Nil) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read quiet times: %w", err)
	}
	return max(0, time.UnixMilli(till).Sub(e.now())), nil
}

// hush gives the thread back until Slack wants to hear again; if it said so
// for the channel, all replicas keep to it.
func (e *Engine) hush(ctx context.Context, c claim, channel string, d approvals.Delivery) error {
	wait := max(d.Wait, e.RetryIn/2)
	if d.Quiet {
		till := e.now().Add(wait).UnixMilli()
		if err := markScript.Run(ctx, e.rdb, []string{e.keys.quiet()}, channel, till).Err(); err != nil {
			return fmt.Errorf("write quiet time: %w", err)
		}
	}
	e.release(ctx, c, wait, false)
	return nil
}

// pace returns 0 if a post may go to the channel now, or how long to wait.
// Slack allows about one a second and channel; each replica keeps to that by
// itself, and Slack's own 429 tells them where they do not keep it together.
func (e *Engine) pace(channel string) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.paces[channel]
	if l == nil {
		l = rate.NewLimiter(rate.Every(e.PostGap), 1)
		e.paces[channel] = l
	}
	at := l.Reserve()
	wait := at.Delay()
	if wait > 0 {
		at.Cancel()
	}
	return wait
}

func fate(f approvals.Fate) string {
	return [...]string{"said", "not_said", "unsure", "unsayable"}[f]
}
