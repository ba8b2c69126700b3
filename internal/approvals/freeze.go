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
	Ops     []string  `json:"ops"`     // the newest acts that changed it

	newer *NewerFields // what a newer version wrote into the record
}

// rememberedOps is how many acts a freeze remembers: an act that is repeated
// after a crash must be known, also if others came in between.
const rememberedOps = 50

// Knows reports whether the click or command op has changed it before.
func (f Freeze) Knows(op string) bool { return op != "" && slices.Contains(f.Ops, op) }

// Put puts the freeze on. A *Refusal says why p's word has no effect.
func (f Freeze) Put(p Person, pol Policy, reason, channel, op string, now time.Time) (Freeze, error) {
	if err := pol.MayDecide(p); err != nil {
		return f, err
	}
	if f.On {
		return f, &Refusal{Why: IsFrozen, Freeze: f}
	}
	return f.changed(true, p, reason, channel, op, now), nil
}

// Lift takes the freeze off. It is told where the freeze was.
func (f Freeze) Lift(p Person, pol Policy, op string, now time.Time) (Freeze, error) {
	if err := pol.MayDecide(p); err != nil {
		return f, err
	}
	if !f.On {
		return f, &Refusal{Why: NotFrozen, Freeze: f}
	}
	return f.changed(false, p, "", f.Channel, op, now), nil
}

func (f Freeze) changed(on bool, p Person, reason, channel, op string, now time.Time) Freeze {
	ops := append(slices.Clone(f.Ops), op)
	return Freeze{
		On: on, By: p.ID, At: now, Reason: reason, Channel: channel,
		Ops: ops[max(0, len(ops)-rememberedOps):], newer: f.newer,
	}
}
