package approvals

import (
	"slices"
	"time"
)

// StoppedBy lists the servers that the batches of a request surely sent to be
// stopped and that were seen stopped afterwards: what can be started again.
func StoppedBy(batches []Batch) []Server {
	return serversOf(batches, func(r Result) bool {
		return r.Outcome == Stopped || r.Outcome == FoundOff && r.Sent
	})
}

// FailedOf lists the servers of the batches that may be tried again: refused,
// failed, not sent, or left out for something that passes.
func FailedOf(batches []Batch) []Server {
	return serversOf(batches, func(r Result) bool {
		switch r.Outcome {
		case ActionFailed, NotSent:
			return true
		case Skipped:
			return r.Skip == SkipBusy || r.Skip == SkipLocked
		}
		return false
	})
}

func serversOf(batches []Batch, want func(Result) bool) []Server {
	var all []Server
	for _, b := range batches {
		for _, r := range b.Results {
			if want(r) {
				all = append(all, r.Server)
			}
		}
	}
	return all
}

// CarriesApproval reports whether p's wish to try the rest of r again is its approval,
// too: one approval is enough, p may give it, and the one that r had would
// still hold. What its requester has withdrawn is nobody's wish any more, and
// an approval that was such a renewal itself is not stretched further.
func (r Request) CarriesApproval(p Person, pol Policy, now time.Time) bool {
	if r.Cancellation != nil || r.FollowUpOf != "" && r.LastDecision().OpID == r.CommandID {
		return false
	}
	if pol.MayDecide(p) != nil || p.ID == r.Requester && !pol.AllowSelfApproval || pol.ApprovalsRequired > 1 {
		return false
	}
	for _, d := range slices.Backward(r.Decisions) {
		if d.Counts() {
			return now.Before(d.At.Add(r.Expires.Sub(r.Created)))
		}
	}
	return false
}

// Resolve takes p's word for the servers of which it could not be found out what
// became of them: they run, or they are off. A *Refusal says why p's word does
// not count.
func (r Request) Resolve(p Person, pol Policy, run bool, reason, op string, now time.Time) (Request, error) {
	if err := pol.MayDecide(p); err != nil {
		return r, err
	}
	switch {
	case !r.State.Final():
		return r, &Refusal{Kind: NotEnded, Request: r}
	case r.State != Unknown:
		return r, &Refusal{Kind: NotUnknown, Request: r}
	}
	d := Decision{Choice: ChoseServersOff, By: p.ID, At: now, Reason: reason, OpID: op}
	if run {
		d.Choice = ChoseServersOn
	}
	next := r.decided(d)
	t := &next.Tally
	switch {
	case run && r.Action == Start:
		t.On += t.Unknown
	case !run && r.Action != Start:
		t.Off += t.Unknown
	default:
		t.Failed += t.Unknown
	}
	t.Unknown = 0
	return next.to(t.end(false))
}
