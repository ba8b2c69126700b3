package approvals

import "time"

// This file decides what became of servers: after a call without a job, and after a
// job that is over.

// Patience says how long to wait for a batch, counted from its intent.
type Patience struct {
	Quarantine time.Duration // before a server may be sent again after an unclear call
	GiveUp     time.Duration // until a server that is still powering off (or on) has an unknown outcome
}

// NextStep is what to do with a batch after its servers were read.
type NextStep int

const (
	// EndBatch: every server has an outcome.
	EndBatch NextStep = iota
	// WaitLonger: read the servers again later.
	WaitLonger
	// waitInProgress is WaitLonger for a server with the action in progress; it does
	// not hold up the others.
	waitInProgress
	// RequeueBatch: the call never reached some servers; they may be sent again.
	RequeueBatch
)

// maxUnclearCalls is how many unclear calls a batch may have. After that a person
// decides instead of another call.
const maxUnclearCalls = 3

// ShowsEffect reports whether the action is done or in progress on every server
// without outcome: evidence that an unclear call was accepted. next remembers on
// which of them it was in progress.
func (b Batch) ShowsEffect(seen map[string]Server) (next Batch, all bool) {
	next, all = b.clone(), true
	for i := range next.Results {
		r := &next.Results[i]
		if r.Outcome != "" {
			continue
		}
		s, there := seen[r.Server.ID]
		r.SeenInProgress = r.SeenInProgress || there && b.Action.InProgress(s)
		all = all && there && (b.Action.Satisfied(s) || b.Action.InProgress(s))
	}
	return next, all
}

// Reconcile finds the outcome of a batch without a job from its servers.
//
// A server that is idle, in the state that the action starts from, and has the stamp
// of the snapshot has not changed since before the call: the call never reached it.
// Only such a server may be sent again, only after the quarantine, only if the call
// was never accepted, and only a few times.
func (b Batch) Reconcile(seen map[string]Server, wait Patience, now time.Time) (next Batch, do NextStep) {
	next = b.clone()
	waiting, inProgress, requeue := false, false, false
	for i := range next.Results {
		r := &next.Results[i]
		if r.Outcome != "" {
			continue
		}
		s, there := seen[r.Server.ID]
		switch b.reconcile(r, s, there, wait, now) {
		case WaitLonger:
			waiting = true
		case waitInProgress:
			inProgress = true
		case RequeueBatch:
			requeue = true
		}
	}
	switch {
	case waiting, inProgress && !requeue:
		return next, WaitLonger
	case requeue:
		return next, RequeueBatch
	}
	return next, EndBatch
}

func (b Batch) reconcile(r *Result, s Server, there bool, wait Patience, now time.Time) NextStep {
	a := b.Action
	untouched := a.Untouched(s) && s.Updated == r.Server.Updated
	switch {
	case !there:
		r.notKnown(CauseServerGone)
	case a.Satisfied(s):
		r.Server, r.Outcome = s.brief(), a.Observed()
	case a.InProgress(s):
		r.SeenInProgress = true
		if now.Sub(b.IntentAt) < wait.GiveUp {
			return waitInProgress
		}
		r.notKnown(b.stillInProgress(now))
	case untouched && b.JobID != "":
		// The call was accepted, so it may still take effect, and must not be
		// repeated.
		r.notKnown(CauseNoEffectJob.because(b.Trouble))
	case untouched && r.SeenInProgress:
		r.notKnown(CauseNoEffectSeen)
	case untouched && b.UnclearCalls >= maxUnclearCalls:
		r.notKnown(CauseManyUnclear.times(b.UnclearCalls))
	case untouched && now.Sub(b.IntentAt) < wait.Quarantine:
		return WaitLonger // the evidence came early, but a repeat has to wait for the quarantine
	case untouched:
		return RequeueBatch
	case a.Untouched(s):
		r.notKnown(undone(a))
	default:
		r.notKnown(CauseUnexpectedState.showing(s))
	}
	return EndBatch
}

// JobPart is a job's status of one server. The zero value: not finished.
type JobPart struct {
	Done         bool
	Failed       bool
	Code, Reason string // the cloud's own, if it failed
}

func (p JobPart) over() bool { return p.Done || p.Failed }

// JobReport is a job's status of the servers of a batch.
type JobReport struct {
	Over  bool               // the whole job is over
	Whole JobPart            // the job's own status, for servers that it does not list
	Parts map[string]JobPart // server id → its part of the job
}

// Conclude finds the outcomes of servers whose part of the job is over, from the job
// and the server's state together. open reports that some server has no outcome yet,
// because its part is not over or because job and state still disagree. last ends the
// waiting for them to agree; a server with the action in progress is waited for all
// the same, until Patience.GiveUp.
func (b Batch) Conclude(job JobReport, seen map[string]Server, last bool, wait Patience, now time.Time) (next Batch, open bool) {
	next = b.clone()
	for i := range next.Results {
		r := &next.Results[i]
		if r.Outcome != "" {
			continue
		}
		part, listed := job.Parts[r.Server.ID]
		if !listed && r.SentInAttempt == next.Attempt {
			part = job.Whole
		}
		if !job.Over && !(listed && part.over()) {
			open = true
			continue
		}
		s, there := seen[r.Server.ID]
		inProgress := there && b.Action.InProgress(s)
		switch {
		case inProgress && now.Sub(b.IntentAt) < wait.GiveUp:
			open = true
		case inProgress:
			r.Code = part.Code
			r.notKnown(b.stillInProgress(now))
		case !b.conclude(r, part, listed, s, there, last):
			open = true
		}
		if r.Outcome != "" && !b.SentAt.IsZero() {
			r.Seconds = int(now.Sub(b.SentAt).Round(time.Second).Seconds())
		}
	}
	return next, open
}

// conclude finds one server's outcome from its part of the job and its state. It
// returns false while the two disagree and may still come to agree.
func (b Batch) conclude(r *Result, part JobPart, listed bool, s Server, there, last bool) bool {
	a := b.Action
	switch {
	case !there:
		r.notKnown(CauseServerGone)
	case a.Satisfied(s) && part.Done && listed:
		r.Server, r.Outcome = s.brief(), a.Confirmed() // with its current stamp
	case a.Satisfied(s):
		// The job failed or does not list the server, and yet its state is right:
		// report just that.
		r.Server, r.Outcome, r.Code, r.Detail = s.brief(), a.Observed(), part.Code, part.Reason
	case part.Failed:
		r.Outcome, r.Code, r.Detail = ActionFailed, part.Code, part.Reason
	case !last:
		return false
	case part.Done:
		r.notKnown(CauseJobDisagrees.showing(s))
	default:
		r.notKnown(CauseJobSilent.showing(s))
	}
	return true
}

// GiveUp ends the waiting: servers without outcome, on all of which the action is in
// progress, get the outcome NotKnown.
func (b Batch) GiveUp(now time.Time) Batch {
	next := b.clone()
	for i := range next.Results {
		if r := &next.Results[i]; r.Outcome == "" {
			r.notKnown(b.stillInProgress(now))
		}
	}
	return next
}

// Refused sets the cloud's code and message as the result of every server without
// outcome. They do not tell what an earlier, unclear call did to a server.
func (b Batch) Refused(code, message string) Batch {
	next := b.clone()
	for i := range next.Results {
		if r := &next.Results[i]; r.Outcome == "" {
			r.Outcome, r.Code, r.Detail = ActionFailed, code, message
			if b.UnclearCalls > 0 && r.Sent {
				r.Outcome = NotKnown
			}
		}
	}
	return next
}

// stillInProgress is the cause for a server that takes too long to power off (or on).
func (b Batch) stillInProgress(now time.Time) Cause {
	c := CauseStillStopping
	if b.Action == Start {
		c = CauseStillStarting
	}
	return c.After(now.Sub(b.IntentAt))
}

// undone is the cause for a server that is in the state from before the call, but has
// changed since.
func undone(a Action) Cause {
	if a == Start {
		return CauseOffAgain
	}
	return CauseRunsAgain
}

// state is a server's state as the cloud names it.
func (s Server) state() string {
	if s.Task != "" {
		return s.Status + " (" + s.Task + ")"
	}
	return s.Status
}
