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

// Next is what has to be done with a batch after its servers were looked at.
type Next int

const (
	// End: every server has an outcome.
	End Next = iota
	// Wait: look again later.
	Wait
	// waitGoing is Wait for a server that is on its way; it need not keep others.
	waitGoing
	// Requeue: some servers were never reached by the call; they may be sent again.
	Requeue
)

// maxLost is how many unclear calls one batch may have before a person is
// asked instead of sending another one.
const maxLost = 3

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
		r.Going = r.Going || there && b.Action.Going(s)
		all = all && there && (b.Action.Has(s) || b.Action.Going(s))
	}
	return next, all
}

// Reconcile lets the servers tell what became of a batch that no job tells of.
//
// A server that is as the action finds it, idle, and bears the very stamp of the
// snapshot was not touched since before the call: the call never reached it.
// Only such a server may be sent again, and only after the quarantine, if the
// call was surely never accepted, and a few times at most.
func (b Batch) Reconcile(seen map[string]Server, wait Patience, now time.Time) (next Batch, do Next) {
	next = b.clone()
	waiting, going, requeue := false, false, false
	for i := range next.Results {
		r := &next.Results[i]
		if r.Outcome != "" {
			continue
		}
		s, there := seen[r.Server.ID]
		switch b.reconcile(r, s, there, wait, now) {
		case Wait:
			waiting = true
		case waitGoing:
			going = true
		case Requeue:
			requeue = true
		}
	}
	switch {
	case waiting, going && !requeue:
		return next, Wait
	case requeue:
		return next, Requeue
	}
	return next, End
}

func (b Batch) reconcile(r *Result, s Server, there bool, wait Patience, now time.Time) Next {
	a := b.Action
	untouched := a.Before(s) && s.Updated == r.Server.Updated
	switch {
	case !there:
		r.notKnown(CauseServerGone)
	case a.Has(s):
		r.Server, r.Outcome = s.brief(), a.Found()
	case a.Going(s):
		r.Going = true
		if now.Sub(b.Intent) < wait.GiveUp {
			return waitGoing
		}
		r.notKnown(b.stillGoing(now))
	case untouched && b.JobID != "":
		// The call was accepted: it is not for us to say that it will have no
		// effect, and not to make it again.
		r.notKnown(CauseNoEffectJob.because(b.Trouble))
	case untouched && r.Going:
		r.notKnown(CauseNoEffectSeen)
	case untouched && b.Lost >= maxLost:
		r.notKnown(CauseManyUnclear.times(b.Lost))
	case untouched && now.Sub(b.Intent) < wait.Quarantine:
		return Wait // evidence came early; repeating has to wait all the same
	case untouched:
		return Requeue
	case a.Before(s):
		r.notKnown(undone(a))
	default:
		r.notKnown(CauseUnexpectedState.showing(s))
	}
	return End
}

// Part is what a job says of one server. Its zero value: nothing yet.
type Part struct {
	Done         bool
	Failed       bool
	Code, Reason string // the cloud's own, if it failed
}

func (p Part) over() bool { return p.Done || p.Failed }

// Report is what a job says of the servers of a batch.
type Report struct {
	Over  bool            // the whole job is over
	Whole Part            // the job's own word, for servers that it does not list
	Parts map[string]Part // server id → its part of the job
}

// Conclude makes the results of servers whose part of the job is over: only the
// job and a look at the server together make a result. open reports that some
// server has none yet, since its part is not over or the two may still come to
// agree. last says that there is no point in waiting for that any longer; a
// server that is on its way is waited for all the same, until Patience.GiveUp.
func (b Batch) Conclude(job Report, seen map[string]Server, last bool, wait Patience, now time.Time) (next Batch, open bool) {
	next = b.clone()
	for i := range next.Results {
		r := &next.Results[i]
		if r.Outcome != "" {
			continue
		}
		part, listed := job.Parts[r.Server.ID]
		if !listed && r.In == next.Attempt {
			part = job.Whole
		}
		if !job.Over && !(listed && part.over()) {
			open = true
			continue
		}
		s, there := seen[r.Server.ID]
		going := there && b.Action.Going(s)
		switch {
		case going && now.Sub(b.Intent) < wait.GiveUp:
			open = true
		case going:
			r.Code = part.Code
			r.notKnown(b.stillGoing(now))
		case !b.conclude(r, part, listed, s, there, last):
			open = true
		}
	}
	return next, open
}

// conclude finds one server's outcome from its part of the job and from what
// the server shows. It returns false while the two may still come to agree.
func (b Batch) conclude(r *Result, part Part, listed bool, s Server, there, last bool) bool {
	a := b.Action
	switch {
	case !there:
		r.notKnown(CauseServerGone)
	case a.Has(s) && part.Done && listed:
		r.Server, r.Outcome = s.brief(), a.Done() // with the stamp that it bears now
	case a.Has(s):
		// The cloud counts it as failed, or the job does not name it, yet it is as
		// it should be: say just that.
		r.Server, r.Outcome, r.Code, r.Reason = s.brief(), a.Found(), part.Code, part.Reason
	case part.Failed:
		r.Outcome, r.Code, r.Reason = NotStopped, part.Code, part.Reason
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
			r.Outcome, r.Code, r.Reason = NotStopped, code, message
			if b.Lost > 0 && r.Sent {
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
	return c.After(now.Sub(b.Intent))
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
