package approvals

import (
	"slices"
	"time"
)

// Freeze says whether anything may be sent to the cloud. While it is on, no
// batch of any request is submitted; what was sent goes on, and people may ask
// and decide.
type Freeze struct {
	On      bool      `json:"on"`
	By      string    `json:"by"` // who changed it last
	At      time.Time `json:"at"`
	Reason  string    `json:"reason,omitempty"`
	Channel string    `json:"channel"` // where it was announced
	Ops     []string  `json:"ops"`     // ids of the newest commands that changed it

	// When people last clicked or typed, with or without effect. A command may be
	// handled late, so these times decide which of two commands is newer.
	FreezeTypedAt   time.Time `json:"put_at,omitzero"`
	UnfreezeTypedAt time.Time `json:"lift_at,omitzero"`

	newer *NewerFields // what a newer version wrote into the record
}

// rememberedOps is how many commands a freeze remembers, so that one that is repeated
// after a crash is recognised even if others came in between.
const rememberedOps = 50

// Knows reports whether the click or command op has changed it before.
func (f Freeze) Knows(op string) bool { return op != "" && slices.Contains(f.Ops, op) }

// Put puts the freeze on. at is when p clicked or typed, now is when that is handled.
// A *Refusal says why it has no effect; the freeze returned with it must be stored
// all the same, because it remembers that p wanted a freeze at that time.
func (f Freeze) Put(p Person, pol Policy, reason, channel, op string, at, now time.Time) (Freeze, error) {
	if err := pol.MayDecide(p); err != nil {
		return f, err
	}
	next := f
	next.FreezeTypedAt = later(f.newestFreezeTyped(), at)
	switch {
	case f.On:
		return next, &Refusal{Kind: IsFrozen, Freeze: f}
	case f.UnfreezeTypedAt.After(at):
		return f, &Refusal{Kind: Overtaken, Freeze: f}
	}
	return next.changed(true, p, reason, channel, op, now), nil
}

// Lift lifts the freeze, unless somebody wanted it at the same time or later. It is
// announced where the freeze was announced. The times are those of [Freeze.Put].
func (f Freeze) Lift(p Person, pol Policy, op string, at, now time.Time) (Freeze, error) {
	if err := pol.MayDecide(p); err != nil {
		return f, err
	}
	if f.On && !at.After(f.newestFreezeTyped()) {
		return f, &Refusal{Kind: Overtaken, Freeze: f}
	}
	next := f
	next.UnfreezeTypedAt = later(f.UnfreezeTypedAt, at)
	if !f.On {
		return next, &Refusal{Kind: NotFrozen, Freeze: f}
	}
	return next.changed(false, p, "", f.Channel, op, now), nil
}

// newestFreezeTyped is when somebody last wanted the freeze. In a record of an older
// version that is when the freeze took effect.
func (f Freeze) newestFreezeTyped() time.Time {
	if f.FreezeTypedAt.IsZero() && f.On {
		return f.At
	}
	return f.FreezeTypedAt
}

func (f Freeze) changed(on bool, p Person, reason, channel, op string, now time.Time) Freeze {
	f.Ops = append(slices.Clone(f.Ops), op)
	f.Ops = f.Ops[max(0, len(f.Ops)-rememberedOps):]
	f.On, f.By, f.At, f.Reason, f.Channel = on, p.ID, now, reason, channel
	return f
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
