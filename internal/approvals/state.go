package approvals

import (
	"fmt"
	"slices"
)

// State is where a request stands.
type State string

const (
	// Pending: the card is up, people may decide. Leaves by enough approvals,
	// a denial, the requester's withdrawal, or the end of its time.
	Pending State = "pending"
	// Approved: enough people said yes; the batches are not made yet.
	Approved State = "approved"
	// Executing: batches exist and at least one has not ended.
	Executing State = "executing"
	// Succeeded: every server is off.
	Succeeded State = "succeeded"
	// PartiallyFailed: some servers are off, some are not.
	PartiallyFailed State = "partially_failed"
	// Failed: no server was stopped.
	Failed State = "failed"
	// Unknown: of at least one server it could not be found out. A person decides.
	Unknown State = "unknown"
	// Denied: an approver said no.
	Denied State = "denied"
	// Cancelled: withdrawn before anything was sent to the cloud.
	Cancelled State = "cancelled"
	// Expired: nobody decided in time.
	Expired State = "expired"
)

// moves are all legal moves of a request. What is not here cannot happen.
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

// MayBecome reports whether the move from s to next is legal.
func (s State) MayBecome(next State) bool { return slices.Contains(moves[s], next) }

// Final reports whether nothing but a person's word can still change s.
func (s State) Final() bool {
	switch s {
	case Pending, Approved, Executing:
		return false
	}
	return true
}

// UnmarshalText refuses a state that this version does not know, so that a
// record of a newer version is not half understood.
func (s *State) UnmarshalText(b []byte) error {
	if _, ok := moves[State(b)]; !ok {
		return fmt.Errorf("unknown request state %q", b)
	}
	*s = State(b)
	return nil
}

// BatchState is where one batch stands.
type BatchState string

const (
	// Queued: nothing of this attempt was sent. Waits for its turn and a permit.
	Queued BatchState = "queued"
	// Submitting: the intent is written; the call may be on its way. Found by
	// anybody but the one who wrote it, it means: go and look.
	Submitting BatchState = "submitting"
	// Running: the cloud took the call and gave a job id.
	Running BatchState = "running"
	// Ambiguous: the call's answer is not known. Only looking is allowed.
	Ambiguous BatchState = "ambiguous"
	// Reconciling: the quarantine is over (or the servers already show the
	// effect); what the servers say decides.
	Reconciling BatchState = "reconciling"
	// BatchSucceeded: every server of the batch is off.
	BatchSucceeded BatchState = "succeeded"
	// BatchPartiallyFailed: some are off.
	BatchPartiallyFailed BatchState = "partially_failed"
	// BatchFailed: none was stopped.
	BatchFailed BatchState = "failed"
	// BatchUnknown: of at least one server it could not be found out.
	BatchUnknown BatchState = "unknown"
	// BatchCancelled: never sent, since the request was cancelled.
	BatchCancelled BatchState = "cancelled"
)

var batchEnds = []BatchState{BatchSucceeded, BatchPartiallyFailed, BatchFailed, BatchUnknown}

// batchMoves are all legal moves of a batch. A queued batch may end without a
// call: every server of it may be off, or gone, when its turn comes.
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

// MayBecome reports whether the move from s to next is legal.
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
