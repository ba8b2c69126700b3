package store

import (
	"context"
	"time"
)

// remember is how long an envelope's id is kept, so that a second delivery of it has
// no effect.
const remember = 24 * time.Hour

// Envelope is an incoming event that must be handled once.
type Envelope struct {
	ID string
	// Body is kept under [Store.EnvelopeKey]. If its JSON has the lane "slow", it is
	// handled while no other slow one of the person in its field by is handled.
	Body any
	// Brake: it stops something, so it comes before everything else, and is recorded
	// even if Redis is full.
	Brake bool
}

// EnvelopeKey is the key of an envelope's body, until it has been handled.
func (s *Store) EnvelopeKey(id string) string { return s.keys.envelope(id) }

// Record stores an envelope and makes the item i:ID due. It returns false if the
// envelope was recorded before.
func (s *Store) Record(ctx context.Context, env Envelope) (bool, error) {
	k := s.keys
	fresh, body := 0, marshal(env.Body)
	var full error
	err := s.retry(ctx, true, func() (err error) {
		fresh, err = recordScript.Run(ctx, s.rdb, []string{k.seen(env.ID), k.envelope(env.ID), k.due(), k.first(), k.claims()},
			"i:"+env.ID, body, int64(remember.Seconds()), flag(env.Brake)).Int()
		if full = nil; !env.Brake && outOfMemory(err) {
			full = err // do not wait for free memory
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

// Viewers are the people who have a view open that has to be updated when it
// changes. One work item updates all views.
type Viewers struct {
	Opened  string // sorted set: person → µs of the last opening
	Answers string // hash: person → the view's answer to their last click
	Older   string // hash: as Opened, in ms; written by older replicas
	Item    string // updates the views
}

// Viewed notes that a person opened the view, or that the view has an answer for
// them, and makes the item due.
func (s *Store) Viewed(ctx context.Context, v Viewers, person, answer string) error {
	return s.viewed(ctx, v, person, answer, false)
}

// AdoptViewer takes over what an older replica noted about a viewer.
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

// Waiting names what [Store.WakeWaiting] checks.
type Waiting struct {
	Viewers
	Moved  string // string: µs at which something changed last that viewers see
	Rested string // string: up to which change and opening all views are updated

	Swept     string // string: the state of the last complete sweep
	State     string // the state that it should be
	SweepItem string // does the sweep

	Persons    string // sorted set: person → ms at which their item is due
	PersonItem string // what the item's name begins with, before the person
}

// WakeWaiting makes items due that have work to do and are not due. An older replica
// does not know these items and may have dropped them.
func (s *Store) WakeWaiting(ctx context.Context, w Waiting) error {
	k := s.keys
	err := waitingScript.Run(ctx, s.rdb, []string{k.due(), w.Opened, w.Persons, w.Swept, w.Moved, w.Rested, k.claims()},
		w.Item, w.SweepItem, w.PersonItem, w.State).Err()
	return doing("wake waiting items", err)
}
