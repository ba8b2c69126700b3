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

// Has reports whether s is as the action wants it, and nothing is being done
// to it.
func (a Action) Has(s Server) bool {
	if a == Start {
		return s.On()
	}
	return s.Off()
}

// Going reports whether the action is being done to s now.
func (a Action) Going(s Server) bool {
	if a == Start {
		return s.GoingOn()
	}
	return s.GoingOff()
}

// Before reports whether s is as the action finds it, and nothing is being
// done to it.
func (a Action) Before(s Server) bool {
	if a == Start {
		return s.Off()
	}
	return s.On()
}

// Done is the outcome of a server of which the job and a look at it agree.
func (a Action) Done() Outcome {
	if a == Start {
		return Started
	}
	return Stopped
}

// Found is the outcome of a server that is as it should be, while no job of
// ours confirms that we did it.
func (a Action) Found() Outcome {
	if a == Start {
		return FoundOn
	}
	return FoundOff
}

// Sort says what may be done with s when the action is asked for or about to
// be sent: ok, or the reason to leave it out. What is protected from being
// stopped may well be started.
func (a Action) Sort(p Protection, s Server) (why Why, ok bool) {
	if a != Start {
		return p.Sort(s)
	}
	switch {
	case s.BareMetal:
		return IsMetal, false
	case s.On():
		return AlreadyOn, false
	case s.GoingOn():
		return GoingOn, false
	case s.Locked:
		return IsLocked, false
	case s.Task != "":
		return IsBusy, false
	case !s.Off():
		return Unstarted, false
	}
	return "", true
}
