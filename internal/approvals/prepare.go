package approvals

import (
	"slices"
	"time"
)

// What follows decides, before a call, which servers may be in it. A server of
// a queued batch that is marked as sent was in a call whose answer was lost:
// the mark stays until its outcome is known.

// Prepare sorts the servers of a queued batch by what they are now. It gives
// the ids to send, with the snapshot that a later look is compared with; what
// cannot be stopped (or started) any more is left out and named. A server
// without outcome that is not sent was in a lost call and is on its way now.
//
// distrusted is when the store last lost some of its past, or was restarted;
// of a list that was read before then, a server that was changed since is left
// out: a call for it may have been made that the store does not know of.
func (b Batch) Prepare(seen map[string]Server, p Protection, distrusted time.Time) (next Batch, send []string) {
	next = b.clone()
	old := b.Planned.Before(distrusted)
	for i := range next.Results {
		r := &next.Results[i]
		if r.Outcome != "" {
			continue
		}
		s, there := seen[r.Server.ID]
		if b.prepare(r, s, there, p, old) {
			r.Server = s.brief()
			send = append(send, s.ID)
		}
	}
	return next, send
}

// prepare finds the outcome of one server, or reports that it may be sent.
func (b Batch) prepare(r *Result, s Server, there bool, p Protection, old bool) bool {
	a := b.Action
	if r.Sent && b.afterLostCall(r, s, there) {
		return false
	}
	if !there {
		r.Outcome, r.Skip = Skipped, SkipVanished
		return false
	}
	if why, ok := a.Eligible(p, s); !ok {
		r.Server, r.Outcome, r.Skip = s.brief(), Skipped, why
		return false
	}
	if old && s.Updated != r.Server.Updated {
		r.Outcome, r.Skip = Skipped, SkipChangedMeanwhile
		return false
	}
	return true
}

// afterLostCall deals with a server that was in a call whose answer was lost:
// it may have been stopped by us and started by a person, or the other way
// round. It returns false only for one that nothing has happened to.
func (b Batch) afterLostCall(r *Result, s Server, there bool) bool {
	switch {
	case !there:
		r.notKnown(CauseServerGone)
	case b.Action.InProgress(s):
		r.SeenInProgress = true // perhaps by the lost call: wait and see
	case b.Action.Satisfied(s):
		r.Server, r.Outcome = s.brief(), b.Action.Observed()
	case s.Updated != r.Server.Updated:
		r.notKnown(CauseChangedSince)
	case r.SeenInProgress && b.Action.Untouched(s):
		r.notKnown(CauseNoEffectSeen)
	default:
		return false
	}
	return true
}

// Cancel ends a queued batch of a request that is cancelled. Servers that were
// never sent get that as their outcome. For those that were in a lost call what
// is seen of them now decides; wait reports that some of them are on their way,
// and the batch cannot end yet. seen is needed for these only ([Batch.InUnclearCall]).
func (b Batch) Cancel(seen map[string]Server) (next Batch, wait bool) {
	next = b.clone()
	for i := range next.Results {
		r := &next.Results[i]
		if r.Outcome != "" {
			continue
		}
		s, there := seen[r.Server.ID]
		switch {
		case !r.Sent:
			r.Outcome = NotSent
		case !b.afterLostCall(r, s, there):
			r.notKnown(CauseNoEffectLost)
		case r.Outcome == "":
			wait = true
		}
	}
	return next, wait
}

// InUnclearCall lists the ids of servers without outcome that were in a call whose
// answer was lost. It is meant for a queued batch.
func (b Batch) InUnclearCall() []string {
	var ids []string
	for _, r := range b.Results {
		if r.Outcome == "" && r.Sent {
			ids = append(ids, r.Server.ID)
		}
	}
	return ids
}

// Unsent is b after a call that was surely not accepted: its servers were not
// sent by it. What an earlier, lost call did to them is still not known, so
// once a call of a batch was lost all of its servers stay marked.
func (b Batch) Unsent() Batch {
	if b.UnclearCalls > 0 {
		return b
	}
	next := b.clone()
	for i := range next.Results {
		if next.Results[i].Outcome == "" {
			next.Results[i].Sent = false
		}
	}
	return next
}

// clone is b with results of its own.
func (b Batch) clone() Batch {
	b.Results = slices.Clone(b.Results)
	return b
}

// Decided lists the ids of servers that have an outcome now and had none in
// before, which is the same batch at an earlier time.
func (b Batch) Decided(before Batch) []string {
	open := map[string]bool{}
	for _, id := range before.WithoutOutcome() {
		open[id] = true
	}
	var ids []string
	for _, r := range b.Results {
		if r.Outcome != "" && open[r.Server.ID] {
			ids = append(ids, r.Server.ID)
		}
	}
	return ids
}
