package jobs

import (
	"context"
	"ecsbot/internal/approvals"
	"ecsbot/internal/store"
	"errors"
	"slices"
	"strings"
	"time"
)

// privates tells people privately what their channel did not take.
type privates struct {
	*records
	messenger Messenger // set by [Engine.Run]
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
func (ps *privates) owePrivately(ctx context.Context, ch *store.Change, user string, n privateNote) error {
	p, err := store.Load[privateOutbox](ctx, ps.store, ps.keys.private(user))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	next := privateOutbox{append(slices.Clone(p.Body.Notes), n)}
	if len(next.Notes) > privateMost { // what was told is shown no more
		next.Notes = slices.DeleteFunc(next.Notes, func(n privateNote) bool { return n.Told })
	}
	for len(next.Notes) > privateMost {
		lost := next.Notes[0]
		ps.cfg.Metrics.rerouted.WithLabelValues(string(lost.Notes[0].Topic), "nowhere").Inc()
		ps.cfg.Log.ErrorContext(ctx, "too much is owed to a person privately; the oldest is dropped", "user", user, "request", lost.Request, "topic", lost.Notes[0].Topic)
		next.Notes = next.Notes[1:]
	}
	ch.Write(ps.keys.private(user), p.Ver, next).Wake(privateItem(user), 0)
	ch.Add(ps.keys.privates(), user, ps.now().UnixMilli()).
		Expire(ps.keys.private(user), 2*privateLife)
	ps.redrawHomes(ch)
	return nil
}

// stepPrivate tells one person one thing that is owed to them privately.
func (ps *privates) stepPrivate(ctx context.Context, lease store.Lease, user string) error {
	p, err := store.Load[privateOutbox](ctx, ps.store, ps.keys.private(user))
	if errors.Is(err, store.ErrNotFound) {
		_, err := ps.commit(ctx, ps.forgetPrivate(store.NewChange().FencedBy(lease).Release(never), user))
		return err
	}
	if err != nil {
		return err
	}
	i, wait := p.Body.next(ps.now())
	if i < 0 {
		return ps.trimPrivate(ctx, lease, user, p, wait)
	}
	n := p.Body.Notes[i]
	m, err := ps.privateMessage(ctx, n)
	if err != nil {
		return err
	}
	if err = ps.messenger.TellPrivately(ctx, user, m); err == nil {
		ps.cfg.Metrics.rerouted.WithLabelValues(string(n.Notes[0].Topic), "private").Inc()
		n.Told = true
	} else {
		n.Tries++
		n.Next = ps.now().Add(min(10*ps.cfg.RetryIn<<min(n.Tries-1, 8), 2*time.Hour))
		ps.cfg.Log.WarnContext(ctx, "a person could not be told privately; trying again", "user", user, "request", n.Request, "next", n.Next, "err", err)
	}
	return ps.notePrivate(ctx, lease, user, p, n)
}

// notePrivate writes what came of telling n. Something else may be owed to the
// person since.
func (ps *privates) notePrivate(ctx context.Context, lease store.Lease, user string, p store.Stored[privateOutbox], n privateNote) error {
	for {
		notes := slices.Clone(p.Body.Notes)
		for i := range notes {
			if notes[i].Request == n.Request && notes[i].Notes[0].ID == n.Notes[0].ID {
				notes[i] = n
			}
		}
		ch := store.NewChange().FencedBy(lease).Write(ps.keys.private(user), p.Ver, privateOutbox{notes}).Release(0)
		_, err := ps.commit(ctx, ch)
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
		if p, err = store.Load[privateOutbox](ctx, ps.store, ps.keys.private(user)); err != nil {
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
func (ps *privates) trimPrivate(ctx context.Context, lease store.Lease, user string, p store.Stored[privateOutbox], wait time.Duration) error {
	var left []privateNote
	now := ps.now()
	for _, n := range p.Body.Notes {
		if !n.over(now) {
			left = append(left, n)
		} else if !n.Told {
			ps.cfg.Log.ErrorContext(ctx, "a person was not told privately within a day; only their Home showed it", "user", user, "request", n.Request, "topic", n.Notes[0].Topic)
			ps.cfg.Metrics.rerouted.WithLabelValues(string(n.Notes[0].Topic), "home").Inc()
		}
	}
	ch := store.NewChange().FencedBy(lease).Write(ps.keys.private(user), p.Ver, privateOutbox{left}).Release(wait)
	if len(left) == 0 {
		ch.Drop(ps.keys.private(user))
		ps.forgetPrivate(ch, user).Release(never)
	} else {
		ch.Add(ps.keys.privates(), user, left[0].At.Add(privateLife).UnixMilli())
	}
	_, err := ps.commit(ctx, ch)
	return err
}

func (ps *privates) forgetPrivate(ch *store.Change, user string) *store.Change {
	return ch.Remove(ps.keys.privates(), user)
}

// privateMessage is what n tells, of the request as it stands now.
func (ps *privates) privateMessage(ctx context.Context, n privateNote) (approvals.Message, error) {
	m := approvals.Message{Notes: n.Notes, Refused: n.Refused, Request: approvals.Request{ID: n.Request}}
	if strings.HasPrefix(n.Request, "@") {
		m.Request.Channel = n.Request[1:]
		return m, nil
	}
	all, err := ps.findAll(ctx, []string{n.Request})
	if err != nil || len(all) == 0 {
		return m, err
	}
	m.Request = all[0]
	if n.Notes[0].Topic.Concludes() {
		m.Batches, err = ps.loadBatches(ctx, m.Request)
	}
	return m, err
}

// Undelivered lists what could not be told to the person in its channel within the
// last day, the newest first.
func (ps *privates) Undelivered(ctx context.Context, user string) ([]approvals.Message, error) {
	p, err := store.Load[privateOutbox](ctx, ps.store, ps.keys.private(user))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []approvals.Message
	for i := len(p.Body.Notes) - 1; i >= 0; i-- {
		n := p.Body.Notes[i]
		if n.over(ps.now()) {
			continue
		}
		m, err := ps.privateMessage(ctx, n)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}
