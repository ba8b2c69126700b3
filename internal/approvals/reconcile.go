package approvals

import "time"

// What follows decides what became of servers: after a call of which no job
// tells, and after a job that is over.

// Patience says how long a batch is waited for, counted from the intent to send
// it.
type Patience struct {
	Quarantine time.Duration // before a server may be sent again after an unclear call
	GiveUp     time.Duration // until a server that is still on its way counts as not known
}

// NextStep is what has to be done with a batch after its servers were looked at.
type NextStep int

const (
	// EndBatch: every server has an outcome.
	EndBatch NextStep = iota
	// WaitLonger: look again later.
	WaitLonger
	// waitGoing is Wait for a server that is on its way; it need not keep others.
	waitGoing
	// RequeueBatch: some servers were never reached by the call; they may be sent again.
	RequeueBatch
)

// maxUnclearCalls is how many unclear calls one batch may have before a person is
// asked instead of sending another one.
const maxUnclearCalls = 3

// ShowsEffect reports whether every server without outcome is as the action
// wants it or on its way there: evidence that an unclear call was accepted.
// next remembers which of them were seen on their way.
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

// Reconcile lets the servers tell what became of a batch that no job tells of.
//
// A server that is as the action finds it, idle, and bears the very stamp of the
// snapshot was not touched since before the call: the call never reached it.
// Only such a server may be sent again, and only after the quarantine, if the
// call was surely never accepted, and a few times at most.
func (b Batch) Reconcile(seen map[string]Server, wait Patience, now time.Time) (next Batch, do NextStep) {
	next = b.clone()
	waiting, going, requeue := false, false, false
	for i := range next.Results {
		r := &next.Results[i]
		if r.Outcome != "" {
			continue
		}
		s, there := seen[r.Server.ID]
		switch b.reconcile(r, s, there, wait, now) {
		case WaitLonger:
			waiting = true
		case waitGoing:
			going = true
		case RequeueBatch:
			requeue = true
		}
	}
	switch {
	case waiting, going && !requeue:
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
			return waitGoing
		}
		r.notKnown(b.stillGoing(now))
	case untouched && b.JobID != "":
		// The call was accepted: it is not for us to say that it will have no
		// effect, and not to make it again.
		r.notKnown(CauseNoEffectJob.because(b.Trouble))
	case untouched && r.SeenInProgress:
		r.notKnown(CauseNoEffectSeen)
	case untouched && b.UnclearCalls >= maxUnclearCalls:
		r.notKnown(CauseManyUnclear.times(b.UnclearCalls))
	case untouched && now.Sub(b.IntentAt) < wait.Quarantine:
		return WaitLonger // evidence came early; repeating has to wait all the same
	case untouched:
		return RequeueBatch
	case a.Untouched(s):
		r.notKnown(undone(a))
	default:
		r.notKnown(CauseUnexpectedState.showing(s))
	}
	return EndBatch
}

// JobPart is what a job says of one server. Its zero value: nothing yet.
type JobPart struct {
	Done         bool
	Failed       bool
	Code, Reason string // the cloud's own, if it failed
}

func (p JobPart) over() bool { return p.Done || p.Failed }

// JobReport is what a job says of the servers of a batch.
type JobReport struct {
	Over  bool               // the whole job is over
	Whole JobPart            // the job's own word, for servers that it does not list
	Parts map[string]JobPart // server id → its part of the job
}

// Conclude makes the results of servers whose part of the job is over: only the
// job and a look at the server together make a result. open reports that some
// server has none yet, since its part is not over or the two may still come to
// agree. last says that there is no point in waiting for that any longer; a
// server that is on its way is waited for all the same, until Patience.GiveUp.
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
		going := there && b.Action.InProgress(s)
		switch {
		case going && now.Sub(b.IntentAt) < wait.GiveUp:
			open = true
		case going:
			r.Code = part.Code
			r.notKnown(b.stillGoing(now))
		case !b.conclude(r, part, listed, s, there, last):
			open = true
		}
		if r.Outcome != "" && !b.SentAt.IsZero() {
			r.Seconds = int(now.Sub(b.SentAt).Round(time.Second).Seconds())
		}
	}
	return next, open
}

// conclude finds one server's outcome from its part of the job and from what
// the server shows. It returns false while the two may still come to agree.
func (b Batch) conclude(r *Result, part JobPart, listed bool, s Server, there, last bool) bool {
	a := b.Action
	switch {
	case !there:
		r.notKnown(CauseServerGone)
	case a.Satisfied(s) && part.Done && listed:
		r.Server, r.Outcome = s.brief(), a.Confirmed() // with the stamp that it bears now
	case a.Satisfied(s):
		// The cloud counts it as failed, or the job does not name it, yet it is as
		// it should be: say just that.
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

// GiveUp ends the waiting: servers without outcome, all of which are on their
// way since the intent, count as not known.
func (b Batch) GiveUp(now time.Time) Batch {
	next := b.clone()
	for i := range next.Results {
		if r := &next.Results[i]; r.Outcome == "" {
			r.notKnown(b.stillGoing(now))
		}
	}
	return next
}

// Refused gives the cloud's own words as the result of every server without
// outcome. Of one that was in a lost call they do not tell what that call did.
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

// stillGoing says that a server is on its way for so long that it is not waited
// for any longer.
func (b Batch) stillGoing(now time.Time) Cause {
	c := CauseStillStopping
	if b.Action == Start {
		c = CauseStillStarting
	}
	return c.After(now.Sub(b.IntentAt))
}

// undone says that a server is as before the call, and yet was changed since.
func undone(a Action) Cause {
	if a == Start {
		return CauseOffAgain
	}
	return CauseRunsAgain
}

// state is a server's state in the cloud's own words.
func (s Server) state() string {
	if s.Task != "" {
		return s.Status + " (" + s.Task + ")"
	}
	return s.Status
}
