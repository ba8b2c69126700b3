package approvals

import (
	"slices"
	"time"
)

// StoppedBy lists the servers that the batches of a request certainly sent to be
// stopped and that were off afterwards: those that can be started again.
func StoppedBy(batches []Batch) []Server {
	return serversOf(batches, func(r Result) bool {
		return r.Outcome == Stopped || r.Outcome == FoundOff && r.Sent
	})
}

// FailedOf lists the servers of the batches that may be retried: refused, failed, not
// sent, or skipped for a temporary reason.
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

// CarriesApproval reports whether p's retry of r counts as its approval, too: one
// approval is enough, p may give it, and the approval of r would still hold. It does
// not if r was cancelled, or if the approval of r was carried over itself.
func (r Request) CarriesApproval(p Person, pol Policy, now time.Time) bool {
	if r.Cancellation != nil || r.FollowUpOf != "" && r.LastDecision().OpID == r.CommandID {
		return false
	}
	if !r.fillsAlone(p, pol, now) {
		return false
	}
	for _, d := range slices.Backward(r.Decisions) {
		if d.Counts() {
			return now.Before(d.At.Add(r.Expires.Sub(r.Created)))
		}
	}
	return false
}

// Resolve records p's statement about the servers whose outcome is unknown: run says
// that they run, else they are off. A *Refusal says why the statement does not count.
func (r Request) Resolve(p Person, pol Policy, run bool, reason, op string, now time.Time) (Request, error) {
	if err := r.MayDecide(p, pol, now); err != nil {
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

// AskedBy is the person who asked for the request: its requester, or for a retry that
// was approved by the same click the person who clicked.
func (r Request) AskedBy() string {
	if len(r.Decisions) > 0 && r.Decisions[0].Choice == ChoseApprove && r.Decisions[0].OpID == r.CommandID {
		return r.Decisions[0].By
	}
	return r.Requester
}
