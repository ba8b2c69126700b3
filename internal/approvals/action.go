package approvals

import "fmt"

// Action is what is done to servers. Its zero value is a stop, so that records older
// than starts keep their meaning.
type Action string

const (
	// Stop shuts servers down.
	Stop Action = ""
	// Start starts servers that a request has stopped.
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

// Satisfied reports whether s is in the state that the action leads to, and idle.
func (a Action) Satisfied(s Server) bool {
	if a == Start {
		return s.IsOn()
	}
	return s.IsOff()
}

// InProgress reports whether s is being stopped (or started) now.
func (a Action) InProgress(s Server) bool {
	if a == Start {
		return s.IsGoingOn()
	}
	return s.IsGoingOff()
}

// Untouched reports whether s is in the state that the action starts from, and idle.
func (a Action) Untouched(s Server) bool {
	if a == Start {
		return s.IsOff()
	}
	return s.IsOn()
}

// Confirmed is the outcome of a server whose job succeeded and whose state agrees.
func (a Action) Confirmed() Outcome {
	if a == Start {
		return Started
	}
	return Stopped
}

// Observed is the outcome of a server that is in the right state although no job
// confirms that the bot did it.
func (a Action) Observed() Outcome {
	if a == Start {
		return FoundOn
	}
	return FoundOff
}

// Eligible reports whether s may be part of the action, when it is asked for and
// before it is sent, or why it is skipped. Protected servers may be started.
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
