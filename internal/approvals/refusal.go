package approvals

import (
	"fmt"
	"strings"
	"time"
)

// Reason names why something was refused. What a person is told stands with
// the words of the Slack side; this is for branching.
type Reason string

const (
	NotRequester      Reason = "not a requester"
	NotApprover       Reason = "not an approver"
	NotYours          Reason = "only the requester may cancel"
	OwnRequest        Reason = "own request"
	YouApproved       Reason = "approved by the same person before"
	AlreadyDecided    Reason = "already decided"
	TooLate           Reason = "expired"
	NotFound          Reason = "no such request"
	PersonDeactivated Reason = "deactivated user"
	PersonBot         Reason = "bot user"
	PersonGuest       Reason = "guest user"
	PersonForeign     Reason = "user of another workspace"
	NoReason          Reason = "a reason is required"
	TooManyServers    Reason = "too many servers"
	NothingToDo       Reason = "nothing to do"
	ServersTaken      Reason = "servers are part of another request"
	Unresolved        Reason = "servers not found"
	WrongProject      Reason = "no such project"
	RetriedBefore     Reason = "its rest was tried again before"
	CloudAway         Reason = "the cloud does not answer"
	CloudRefusesKey   Reason = "the cloud refuses the bot's key"
	IsFrozen          Reason = "frozen already"
	NotFrozen         Reason = "not frozen"
	Overtaken         Reason = "somebody did the opposite later"
	TooManyOpen       Reason = "too many open requests of one person"
	TooManyAsks       Reason = "too many asks of one person in an hour"
	TooManyLeftOut    Reason = "too many servers to leave out"
	NotEnded          Reason = "not ended yet"
	NotUnknown        Reason = "the outcome is known"
	NoneStopped       Reason = "nothing was stopped that can be started again"
	NoneFailed        Reason = "nothing failed that can be tried again"
	ListGone          Reason = "the list of servers is not kept any more"
	StoreFull         Reason = "the store is full"
	DraftGone         Reason = "what was shown is not kept any more"
)

// Refusal is a no that a person caused and can mend. It is an error, so that
// what refuses can be written like everything else that fails.
type Refusal struct {
	Why     Reason
	Request Request // as it stands, where the refusal is about one
	Count   int     // TooMany…: how many there are
	Limit   int     // TooMany…: how many are allowed
	Action  Action  // NothingToDo: what could not be done
	Freeze  Freeze  // IsFrozen, NotFrozen, Overtaken: as it stands

	Again time.Time // TooManyAsks: when the person may ask again

	Asked string // WrongProject: the project that was named
	Known string // WrongProject: the one that is served

	Missing   []string            // Unresolved: what names no server
	Near      map[string][]string // Unresolved: a missing name → names like it, the likeliest first
	Ambiguous map[string][]Server // Unresolved: name → the servers that bear it
	Taken     map[string]string   // ServersTaken: server id → request id
	LeftOut   []LeftOut           // NothingToDo: every server, and why
}

func (r *Refusal) Error() string {
	var b strings.Builder
	b.WriteString(string(r.Why))
	if r.Request.ID != "" {
		fmt.Fprintf(&b, " (%s is %s)", r.Request.ID, r.Request.State)
	}
	return b.String()
}
