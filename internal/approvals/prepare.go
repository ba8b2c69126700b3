package approvals

import (
	"slices"
	"time"
)

// This file decides, before a call, which servers may be in it. A server of a queued
// batch that is marked as sent was in a call whose answer was lost: the mark stays
// until its outcome is known.

// Prepare decides about each server of a queued batch by its state now. It returns the
// ids to send, and stores a snapshot that later reads are compared with. A server that
// cannot be stopped (or started) any more is skipped with a reason. A server without
// outcome that is not sent was in an unclear call, and the action is in progress.
//
// distrusted is when the store was last restarted or lost changes. If the list was
// read before then, a server that has changed since is skipped: a call for it may have
// been made that the store does not know of.
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

// prepare sets the outcome of one server, or returns true if it may be sent.
func (b Batch) prepare(r *Result, s Server, there bool, p Protection, old bool) bool {
	a := b.Action
	if r.Sent && b.afterUnclearCall(r, s, there) {
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

// afterUnclearCall handles a server that was in a call whose answer was lost: the bot
// may have stopped it and a person started it, or the other way round. It returns
// false only for a server that has not changed.
func (b Batch) afterUnclearCall(r *Result, s Server, there bool) bool {
	switch {
	case !there:
		r.notKnown(CauseServerGone)
	case b.Action.InProgress(s):
		r.SeenInProgress = true // perhaps by the unclear call: wait for its end
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

// Cancel ends a queued batch of a cancelled request. Servers that were never sent get
// the outcome NotSent. For those that were in an unclear call, their state decides;
// wait reports that the action is in progress on some of them, so that the batch
// cannot end yet. seen is needed for these only ([Batch.InUnclearCall]).
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
		case !b.afterUnclearCall(r, s, there):
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

// Unsent is b after a call that was certainly not accepted: its servers do not count
// as sent. What an earlier, unclear call did to them is still unknown, so after such a
// call all servers of the batch stay marked.
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

// clone is b with a copy of its results.
func (b Batch) clone() Batch {
	b.Results = slices.Clone(b.Results)
	return b
}

// Decided lists the ids of servers that have an outcome now and had none in before,
// an earlier version of the batch.
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
