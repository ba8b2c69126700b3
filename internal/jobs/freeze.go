package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/audit"
	"ecsbot/internal/store"
)

// freezer puts the freeze on and lifts it.
type freezer struct{ *records }

// policy says who may freeze and unfreeze: the approvers of any project, because a
// freeze holds for all.
func (fz *freezer) policy() approvals.Policy {
	return approvals.Policy{Approvers: fz.Projects().Approvers()}
}

// FreezeState returns the freeze, which says whether anything may be sent.
func (fz *freezer) FreezeState(ctx context.Context) (approvals.Freeze, error) {
	f, err := fz.loadFreeze(ctx)
	return f.Body, err
}

// Freeze stops all submissions until [Engine.Unfreeze], and announces that in the
// channel, once. at is when the person typed it.
func (fz *freezer) Freeze(ctx context.Context, p approvals.Person, reason, channel, op string, at time.Time) (approvals.Freeze, error) {
	return fz.setFreeze(ctx, op, func(f approvals.Freeze, now time.Time) (approvals.Freeze, error) {
		return f.Put(p, fz.policy(), reason, channel, op, at, now)
	})
}

// Unfreeze lifts the freeze. It is announced where the freeze was announced.
func (fz *freezer) Unfreeze(ctx context.Context, p approvals.Person, op string, at time.Time) (approvals.Freeze, error) {
	return fz.setFreeze(ctx, op, func(f approvals.Freeze, now time.Time) (approvals.Freeze, error) {
		return f.Lift(p, fz.policy(), op, at, now)
	})
}

func (fz *freezer) setFreeze(ctx context.Context, op string, move func(approvals.Freeze, time.Time) (approvals.Freeze, error)) (approvals.Freeze, error) {
	for {
		f, err := fz.loadFreeze(ctx)
		if err != nil || f.Body.Knows(op) {
			return f.Body, err
		}
		next, refused := move(f.Body, fz.now())
		ch := fz.freezeChange(f, next)
		switch {
		case refused == nil:
			for _, channel := range fz.channels(next) {
				ch.Also(tell(fz.keys, "@"+channel, fz.freezeNote(f, next)))
			}
		case next.FreezeTypedAt.Equal(f.Body.FreezeTypedAt) && next.UnfreezeTypedAt.Equal(f.Body.UnfreezeTypedAt):
			return f.Body, refused
		}
		_, err = fz.commit(ctx, ch)
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if err != nil {
			return f.Body, err
		}
		if refused != nil {
			return f.Body, refused
		}
		crashpoint("freeze.committed")
		return next, nil
	}
}

// freezeChange replaces f by next. A command without effect is stored as well: it may
// be newer than one that is handled later.
func (fz *freezer) freezeChange(f store.Stored[approvals.Freeze], next approvals.Freeze) *store.Change {
	ch := store.NewChange().Write(fz.keys.freeze(), f.Ver, next)
	if next.On || next.On == f.Body.On {
		ch.EvenIfFull() // a full store must not prevent a freeze
	}
	if next.On == f.Body.On {
		return ch
	}
	event := audit.Freeze
	if !next.On {
		event = audit.Unfreeze
	}
	return ch.Log(audit.Entry{Event: event, By: next.By, Reason: next.Reason, Worker: fz.store.Worker()})
}

// channels are where a freeze is announced: in its own channel and in those of all
// projects.
func (fz *freezer) channels(f approvals.Freeze) []string {
	all := []string{f.Channel}
	for _, p := range fz.Projects() {
		if p.Channel != "" && !slices.Contains(all, p.Channel) {
			all = append(all, p.Channel)
		}
	}
	return all
}

func (fz *freezer) freezeNote(f store.Stored[approvals.Freeze], next approvals.Freeze) approvals.Note {
	n := fz.note(approvals.Note{ID: fmt.Sprintf("freeze/%d", f.Ver+1), Topic: approvals.TopicFrozen, By: next.By, Why: next.Reason})
	if !next.On {
		n.Topic = approvals.TopicUnfrozen
	}
	return n
}
