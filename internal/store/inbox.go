package store

import (
	"context"
	"time"
)

// remember is for how long an envelope is known, so that a second delivery of it
// does nothing.
const remember = 24 * time.Hour

// Envelope is something that came in and has to be worked on once.
type Envelope struct {
	ID string
	// Body is kept under [Store.EnvelopeKey]. One whose JSON has the lane "slow" is
	// worked on when nothing else of the person named in its field by is.
	Body any
	// Brake: it holds something back, so it comes before everything else, and is
	// recorded even if Redis is full.
	Brake bool
}

// EnvelopeKey is where the body of an envelope is kept until it was worked on.
func (s *Store) EnvelopeKey(id string) string { return s.keys.envelope(id) }

// Record keeps an envelope and makes the item i:ID due. It returns false if it
// was recorded before.
func (s *Store) Record(ctx context.Context, env Envelope) (bool, error) {
	k := s.keys
	fresh, body := 0, marshal(env.Body)
	var full error
	err := s.retry(ctx, true, func() (err error) {
		fresh, err = recordScript.Run(ctx, s.rdb, []string{k.seen(env.ID), k.envelope(env.ID), k.due(), k.first(), k.claims()},
			"i:"+env.ID, body, int64(remember.Seconds()), flag(env.Brake)).Int()
		if full = nil; !env.Brake && outOfMemory(err) {
			full = err // that is not waited for
			return nil
		}
		return err
	})
	if full != nil {
		err = full
	}
	if err != nil {
		return false, doing("record", err)
	}
	s.cfg.Wake()
	return fresh == 1, nil
}

// Viewers are the people who see something of their own that has to be drawn
// again when it changes, all by one item of work.
type Viewers struct {
	Opened  string // sorted set: person → µs of the last opening
	Answers string // hash: person → what it says in answer to a click
	Older   string // hash: as Opened, in ms, of replicas older than that
	Item    string // draws
}

// Viewed notes that somebody sees it, or that it has to tell them something, and
// makes the item due.
func (s *Store) Viewed(ctx context.Context, v Viewers, person, answer string) error {
	return s.viewed(ctx, v, person, answer, false)
}

// AdoptViewer takes over what an older replica has noted of a viewer.
func (s *Store) AdoptViewer(ctx context.Context, v Viewers, person string) error {
	return s.viewed(ctx, v, person, "", true)
}

func (s *Store) viewed(ctx context.Context, v Viewers, person, answer string, older bool) error {
	k := s.keys
	err := viewedScript.Run(ctx, s.rdb, []string{k.due(), k.claims(), k.woken(), v.Opened, v.Answers, v.Older}, person, v.Item, answer, flag(older)).Err()
	if err != nil {
		return doing("note a viewer", err)
	}
	s.cfg.Wake()
	return nil
}

// Waiting is what [Store.WakeWaiting] looks at.
type Waiting struct {
	Viewers
	Moved  string // string: µs at which something changed last that viewers see
	Rested string // string: up to which change and opening everything is drawn

	Swept     string // string: for which state everything was last gone through
	State     string // what it should be
	SweepItem string // goes through everything

	Persons    string // sorted set: person → ms at which their item is due
	PersonItem string // what the item's name begins with, before the person
}

// WakeWaiting makes items due where there is something for them to do and they
// are not due: an older replica may not know and have dropped them.
func (s *Store) WakeWaiting(ctx context.Context, w Waiting) error {
	k := s.keys
	err := waitingScript.Run(ctx, s.rdb, []string{k.due(), w.Opened, w.Persons, w.Swept, w.Moved, w.Rested, k.claims()},
		w.Item, w.SweepItem, w.PersonItem, w.State).Err()
	return doing("wake what waits", err)
}
