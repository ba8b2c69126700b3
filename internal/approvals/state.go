package approvals

import (
	"fmt"
	"slices"
)

// State is the state of a request.
type State string

const (
	// Pending: people may decide. Ends by enough approvals, a denial, the requester's
	// withdrawal, or the end of its time.
	Pending State = "pending"
	// Approved: enough people approved; the batches are not made yet.
	Approved State = "approved"
	// Executing: batches exist and at least one has not ended.
	Executing State = "executing"
	// Succeeded: every server is off.
	Succeeded State = "succeeded"
	// PartiallyFailed: some servers are off, some are not.
	PartiallyFailed State = "partially_failed"
	// Failed: no server was stopped.
	Failed State = "failed"
	// Unknown: the outcome of at least one server is unknown. A person decides.
	Unknown State = "unknown"
	// Denied: an approver denied it.
	Denied State = "denied"
	// Cancelled: withdrawn before anything was sent to the cloud.
	Cancelled State = "cancelled"
	// Expired: nobody decided in time.
	Expired State = "expired"
)

// moves are all transitions of a request. Others cannot happen.
var moves = map[State][]State{
	Pending:         {Pending, Approved, Denied, Cancelled, Expired},
	Approved:        {Executing, Cancelled},
	Executing:       {Executing, Succeeded, PartiallyFailed, Failed, Unknown, Cancelled},
	Unknown:         {Succeeded, PartiallyFailed, Failed},
	Succeeded:       {},
	PartiallyFailed: {},
	Failed:          {},
	Denied:          {},
	Cancelled:       {},
	Expired:         {},
}

// MayBecome reports whether the transition from s to next is allowed.
func (s State) MayBecome(next State) bool { return slices.Contains(moves[s], next) }

// Final reports whether the request has ended. From Unknown a person can still move
// it on.
func (s State) Final() bool {
	switch s {
	case Pending, Approved, Executing:
		return false
	}
	return true
}

// UnmarshalText refuses a state that this version does not know, so that no record of
// a newer version is misunderstood.
func (s *State) UnmarshalText(b []byte) error {
	if _, ok := moves[State(b)]; !ok {
		return fmt.Errorf("unknown request state %q", b)
	}
	*s = State(b)
	return nil
}

// BatchState is the state of a batch.
type BatchState string

const (
	// Queued: this attempt was not sent. Waits for a permit.
	Queued BatchState = "queued"
	// Submitting: the intent is written; the call may be under way. A worker that
	// finds a batch in this state did not write the intent, so the call is unclear.
	Submitting BatchState = "submitting"
	// Running: the cloud accepted the call and gave a job id.
	Running BatchState = "running"
	// Ambiguous: the call's answer is unknown. The servers may only be read.
	Ambiguous BatchState = "ambiguous"
	// Reconciling: the quarantine is over, or the servers already show the effect;
	// their states decide.
	Reconciling BatchState = "reconciling"
	// BatchSucceeded: every server of the batch is off.
	BatchSucceeded BatchState = "succeeded"
	// BatchPartiallyFailed: some are off.
	BatchPartiallyFailed BatchState = "partially_failed"
	// BatchFailed: none was stopped.
	BatchFailed BatchState = "failed"
	// BatchUnknown: the outcome of at least one server is unknown.
	BatchUnknown BatchState = "unknown"
	// BatchCancelled: never sent, because the request was cancelled.
	BatchCancelled BatchState = "cancelled"
)

var batchEnds = []BatchState{BatchSucceeded, BatchPartiallyFailed, BatchFailed, BatchUnknown}

// batchMoves are all transitions of a batch. A queued batch may end without a call:
// all its servers may be off or gone before it is sent.
var batchMoves = map[BatchState][]BatchState{
	Queued:               append([]BatchState{Submitting, BatchCancelled}, batchEnds...),
	Submitting:           append([]BatchState{Queued, Running, Ambiguous}, batchEnds...),
	Running:              append([]BatchState{Running, Reconciling}, batchEnds...),
	Ambiguous:            {Ambiguous, Reconciling},
	Reconciling:          append([]BatchState{Reconciling, Queued}, batchEnds...),
	BatchSucceeded:       {},
	BatchPartiallyFailed: {},
	BatchFailed:          {},
	BatchUnknown:         {},
	BatchCancelled:       {},
}

// MayBecome reports whether the transition from s to next is allowed.
func (s BatchState) MayBecome(next BatchState) bool { return slices.Contains(batchMoves[s], next) }

// Final reports whether the batch has ended.
func (s BatchState) Final() bool { return len(batchMoves[s]) == 0 }

// UnmarshalText refuses a state that this version does not know.
func (s *BatchState) UnmarshalText(b []byte) error {
	if _, ok := batchMoves[BatchState(b)]; !ok {
		return fmt.Errorf("unknown batch state %q", b)
	}
	*s = BatchState(b)
	return nil
}
