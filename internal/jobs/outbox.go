package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/store"
)

// redrawHomes has open Homes drawn again.
func (e *Engine) redrawHomes(ch *store.Change) {
	ch.Signal(e.keys.homesChanged(), e.keys.homesOpened(), homesItem)
}

// watchEvery is how often the outbox is looked after.
const watchEvery = 5 * time.Second

// watchOutbox sees until ctx ends that the items which go through Homes, cards
// and private notes are due while there is something to do. An older replica
// does not know them and drops them; and after a loss nothing else makes the
// cards due.
func (e *Engine) watchOutbox(ctx context.Context) {
	tick := time.NewTicker(min(watchEvery, 5*e.Heartbeat))
	defer tick.Stop()
	for {
		if err := e.wakeOutbox(ctx); err != nil && ctx.Err() == nil {
			e.Log.WarnContext(ctx, "the outbox could not be looked after", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (e *Engine) wakeOutbox(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	state, err := e.cardsState(ctx)
	if err != nil {
		return err
	}
	k := e.keys
	err = e.store.WakeWaiting(ctx, store.Waiting{
		Viewers: e.viewers(), Moved: k.homesChanged(), Rested: k.homesSettled(),
		Swept: k.cardsSwept(), State: state, SweepItem: cardsItem,
		Persons: k.privates(), PersonItem: privateItem(""),
	})
	if err != nil {
		return fmt.Errorf("look after the outbox: %w", err)
	}
	return nil
}

// cardsState names what the cards of open requests depend on besides the
// requests: the freeze, and whether the store has lost what they showed.
func (e *Engine) cardsState(ctx context.Context) (string, error) {
	halt, err := e.loadFreeze(ctx)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d/%d", halt.Ver, e.store.LastLoss().UnixMilli()), nil
}

// cardsAtOnce is how many threads one change makes due.
const cardsAtOnce = 200

// stepCards makes the threads of all open requests due; each finds out itself
// whether its card has to be drawn again.
func (e *Engine) stepCards(ctx context.Context, c store.Lease) error {
	state, err := e.cardsState(ctx)
	if err != nil {
		return err
	}
	ids, err := e.openIDs(ctx)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(ids, cardsAtOnce) {
		ch := store.NewChange()
		for _, id := range some {
			ch.Wake(threadItem(id), 0)
		}
		if _, err := e.commit(ctx, ch); err != nil {
			return err
		}
	}
	if err := e.store.Set(ctx, e.keys.cardsSwept(), state, 0); err != nil {
		return fmt.Errorf("note that the cards were gone through: %w", err)
	}
	e.release(ctx, c, never, false)
	return nil
}

// privateOutbox is what a person is owed privately, since the channel did not take
// it. It stays for a day: their Home shows it, too.
type privateOutbox struct {
	Notes []privateNote `json:"notes"`
}

type privateNote struct {
	Request string           `json:"request"`
	Notes   []approvals.Note `json:"notes"`
	Refused string           `json:"refused,omitempty"` // Slack's code in the channel
	At      time.Time        `json:"at"`
	Tries   int              `json:"tries,omitempty"`
	Next    time.Time        `json:"next,omitzero"` // of the next try
	Told    bool             `json:"told,omitempty"`
}

// What is owed to one person privately: for how long, and how much at most.
const (
	privateLife = 24 * time.Hour
	privateMost = 100
)

// owePrivately adds to ch that the person gets n privately.
func (e *Engine) owePrivately(ctx context.Context, ch *store.Change, user string, n privateNote) error {
	p, err := store.Load[privateOutbox](ctx, e.store, e.keys.private(user))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	next := privateOutbox{append(slices.Clone(p.Body.Notes), n)}
	if len(next.Notes) > privateMost { // what was told is shown no more
		next.Notes = slices.DeleteFunc(next.Notes, func(n privateNote) bool { return n.Told })
	}
	for len(next.Notes) > privateMost {
		lost := next.Notes[0]
		e.Metrics.rerouted.WithLabelValues(string(lost.Notes[0].Topic), "nowhere").Inc()
		e.Log.ErrorContext(ctx, "too much is owed to a person privately; the oldest is dropped", "user", user, "request", lost.Request, "topic", lost.Notes[0].Topic)
		next.Notes = next.Notes[1:]
	}
	ch.Write(e.keys.private(user), p.Ver, next).Wake(privateItem(user), 0)
	ch.Add(e.keys.privates(), user, e.now().UnixMilli()).
		Expire(e.keys.private(user), 2*privateLife)
	e.redrawHomes(ch)
	return nil
}

// stepPrivate tells one person one thing that is owed to them privately.
func (e *Engine) stepPrivate(ctx context.Context, c store.Lease, user string) error {
	p, err := store.Load[privateOutbox](ctx, e.store, e.keys.private(user))
	if errors.Is(err, store.ErrNotFound) {
		_, err := e.commit(ctx, e.forgetPrivate(store.NewChange().FencedBy(c).Release(never), user))
		return err
	}
	if err != nil {
		return err
	}
	i, wait := p.Body.next(e.now())
	if i < 0 {
		return e.trimPrivate(ctx, c, user, p, wait)
	}
	n := p.Body.Notes[i]
	m, err := e.privateMessage(ctx, n)
	if err != nil {
		return err
	}
	if err = e.face.TellPrivately(ctx, user, m); err == nil {
		e.Metrics.rerouted.WithLabelValues(string(n.Notes[0].Topic), "private").Inc()
		n.Told = true
	} else {
		n.Tries++
		n.Next = e.now().Add(min(10*e.RetryIn<<min(n.Tries-1, 8), 2*time.Hour))
		e.Log.WarnContext(ctx, "a person could not be told privately; trying again", "user", user, "request", n.Request, "next", n.Next, "err", err)
	}
	return e.notePrivate(ctx, c, user, p, n)
}

// notePrivate writes what came of telling n. Something else may be owed to the
// person since.
func (e *Engine) notePrivate(ctx context.Context, c store.Lease, user string, p store.Stored[privateOutbox], n privateNote) error {
	for {
		notes := slices.Clone(p.Body.Notes)
		for i := range notes {
			if notes[i].Request == n.Request && notes[i].Notes[0].ID == n.Notes[0].ID {
				notes[i] = n
			}
		}
		ch := store.NewChange().FencedBy(c).Write(e.keys.private(user), p.Ver, privateOutbox{notes}).Release(0)
		_, err := e.commit(ctx, ch)
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
		if p, err = store.Load[privateOutbox](ctx, e.store, e.keys.private(user)); err != nil {
			return err
		}
	}
}

// next is the first note that is to be told now, or -1, and then how long it is
// until the next one, or never.
func (p privateOutbox) next(now time.Time) (int, time.Duration) {
	wait := never
	for i, n := range p.Notes {
		switch in := n.Next.Sub(now); {
		case n.Told || n.over(now):
		case in <= 0:
			return i, 0
		default:
			wait = sooner(wait, in)
		}
	}
	return -1, wait
}

// over reports whether the note is too old to be told or shown.
func (n privateNote) over(now time.Time) bool { return !now.Before(n.At.Add(privateLife)) }

// trimPrivate drops what is a day old, and has the rest looked at in time:
// [Engine.watchOutbox] makes it due when only that is left to do.
func (e *Engine) trimPrivate(ctx context.Context, c store.Lease, user string, p store.Stored[privateOutbox], wait time.Duration) error {
	var left []privateNote
	now := e.now()
	for _, n := range p.Body.Notes {
		if !n.over(now) {
			left = append(left, n)
		} else if !n.Told {
			e.Log.ErrorContext(ctx, "a person was not told privately within a day; only their Home showed it", "user", user, "request", n.Request, "topic", n.Notes[0].Topic)
			e.Metrics.rerouted.WithLabelValues(string(n.Notes[0].Topic), "home").Inc()
		}
	}
	ch := store.NewChange().FencedBy(c).Write(e.keys.private(user), p.Ver, privateOutbox{left}).Release(wait)
	if len(left) == 0 {
		ch.Drop(e.keys.private(user))
		e.forgetPrivate(ch, user).Release(never)
	} else {
		ch.Add(e.keys.privates(), user, left[0].At.Add(privateLife).UnixMilli())
	}
	_, err := e.commit(ctx, ch)
	return err
}

func (e *Engine) forgetPrivate(ch *store.Change, user string) *store.Change {
	return ch.Remove(e.keys.privates(), user)
}

// privateMessage is what n tells, of the request as it stands now.
func (e *Engine) privateMessage(ctx context.Context, n privateNote) (approvals.Message, error) {
	m := approvals.Message{Notes: n.Notes, Refused: n.Refused, Request: approvals.Request{ID: n.Request}}
	if strings.HasPrefix(n.Request, "@") {
		m.Request.Channel = n.Request[1:]
		return m, nil
	}
	all, err := e.findAll(ctx, []string{n.Request})
	if err != nil || len(all) == 0 {
		return m, err
	}
	m.Request = all[0]
	if n.Notes[0].Topic.Concludes() {
		m.Batches, err = e.loadBatches(ctx, m.Request)
	}
	return m, err
}

// Undelivered lists what could not be told to the person in its channel within the
// last day, the newest first.
func (e *Engine) Undelivered(ctx context.Context, user string) ([]approvals.Message, error) {
	p, err := store.Load[privateOutbox](ctx, e.store, e.keys.private(user))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []approvals.Message
	for i := len(p.Body.Notes) - 1; i >= 0; i-- {
		n := p.Body.Notes[i]
		if n.over(e.now()) {
			continue
		}
		m, err := e.privateMessage(ctx, n)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}
