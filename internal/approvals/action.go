package approvals

import "fmt"

// Action is what is done to servers. Its zero value is a stop, so that records
// older than the other one say what they always said.
type Action string

const (
	// Stop shuts servers down.
	Stop Action = ""
	// Start lets servers run again that a request has stopped.
	Start Action = "start"
)

// UnmarshalText refuses an action that this version does not know.
func (a *Action) UnmarshalText(b []byte) error {
	switch Action(b) {
	case Stop, Start:
		*a = Action(b)
		return nil
	}
	return fmt.Errorf("unknown action %q", b)
}

// Satisfied reports whether s is as the action wants it, and nothing is being done
// to it.
func (a Action) Satisfied(s Server) bool {
	if a == Start {
		return s.IsOn()
	}
	return s.IsOff()
}

// InProgress reports whether the action is being done to s now.
func (a Action) InProgress(s Server) bool {
	if a == Start {
		return s.IsGoingOn()
	}
	return s.IsGoingOff()
}

// Untouched reports whether s is as the action finds it, and nothing is being
// done to it.
func (a Action) Untouched(s Server) bool {
	if a == Start {
		return s.IsOff()
	}
	return s.IsOn()
}

// Confirmed is the outcome of a server of which the job and a look at it agree.
func (a Action) Confirmed() Outcome {
	if a == Start {
		return Started
	}
	return Stopped
}

// Observed is the outcome of a server that is as it should be, while no job of
// ours confirms that we did it.
func (a Action) Observed() Outcome {
	if a == Start {
		return FoundOn
	}
	return FoundOff
}

// Eligible says what may be done with s when the action is asked for or about to
// be sent: ok, or the reason to leave it out. What is protected from being
// stopped may well be started.
func (a Action) Eligible(p Protection, s Server) (why SkipReason, ok bool) {
	if a != Start {
		return p.Eligible(s)
	}
	switch {
	case s.BareMetal:
		return SkipBareMetal, false
	case s.IsOn():
		return SkipOn, false
	case s.IsGoingOn():
		return SkipGoingOn, false
	case s.Locked:
		return SkipLocked, false
	case s.Task != "":
		return SkipBusy, false
	case !s.IsOff():
		return SkipStartState, false
	}
	return "", true
}
