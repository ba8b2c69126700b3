package approvals

import (
	"fmt"
	"strings"
	"time"
)

// RefusalKind is why something was refused. It is for branching and for the log; the
// sentences that people read are in package slackapp.
type RefusalKind string

const (
	NotRequester      RefusalKind = "not a requester"
	NotApprover       RefusalKind = "not an approver"
	NotYours          RefusalKind = "only the requester may cancel"
	OwnRequest        RefusalKind = "own request"
	YouApproved       RefusalKind = "approved by the same person before"
	AlreadyDecided    RefusalKind = "already decided"
	TooLate           RefusalKind = "expired"
	NotFound          RefusalKind = "no such request"
	PersonDeactivated RefusalKind = "deactivated user"
	PersonBot         RefusalKind = "bot user"
	PersonGuest       RefusalKind = "guest user"
	PersonForeign     RefusalKind = "user of another workspace"
	NoReason          RefusalKind = "a reason is required"
	TooManyServers    RefusalKind = "too many servers"
	NothingToDo       RefusalKind = "nothing to do"
	ServersTaken      RefusalKind = "servers are part of another request"
	Unresolved        RefusalKind = "servers not found"
	WrongProject      RefusalKind = "no such project"
	WhichProject      RefusalKind = "several projects, and none is named"
	ProjectGone       RefusalKind = "its project is not served any more"
	RetriedBefore     RefusalKind = "its rest was tried again before"
	CloudAway         RefusalKind = "the cloud does not answer"
	CloudRefusesKey   RefusalKind = "the cloud refuses the bot's key"
	IsFrozen          RefusalKind = "frozen already"
	NotFrozen         RefusalKind = "not frozen"
	Overtaken         RefusalKind = "somebody did the opposite later"
	TooManyOpen       RefusalKind = "too many open requests of one person"
	TooManyAsks       RefusalKind = "too many asks of one person in an hour"
	TooManyLeftOut    RefusalKind = "too many servers to leave out"
	NotEnded          RefusalKind = "not ended yet"
	NotUnknown        RefusalKind = "the outcome is known"
	NoneStopped       RefusalKind = "nothing was stopped that can be started again"
	NoneFailed        RefusalKind = "nothing failed that can be tried again"
	ListGone          RefusalKind = "the list of servers is not kept any more"
	StoreFull         RefusalKind = "the store is full"
	DraftGone         RefusalKind = "what was shown is not kept any more"
	CannotTell        RefusalKind = "a user group cannot be read"
	NotNeeded         RefusalKind = "approval not needed any more"
	NotRuleRequester  RefusalKind = "not a requester by a rule"
	NoTicket          RefusalKind = "a ticket is required"
	TicketDoesNotFit  RefusalKind = "ticket does not fit"
	RuleDenies        RefusalKind = "denied by a rule"
	NoneListed        RefusalKind = "none of the servers is in the request"
	NoneRemains       RefusalKind = "no server would remain"
)

// Refusal is an error that a person caused and can fix.
type Refusal struct {
	Kind    RefusalKind
	Request Request // as stored, if the refusal is about one
	Count   int     // TooMany…: how many there are
	Limit   int     // TooMany…: how many are allowed
	Action  Action  // NothingToDo: what could not be done
	Freeze  Freeze  // IsFrozen, NotFrozen, Overtaken: as stored

	Rule     string   // RuleDenies, NotRuleRequester, NoTicket, TicketDoesNotFit: its name; NoReason, CannotTell: also empty, if none
	Pattern  string   // NoTicket, TicketDoesNotFit: what the ticket has to fit
	Ticket   string   // TicketDoesNotFit: the one that was given
	Sentence string   // RuleDenies: why, in the words of the settings
	Groups   []string // CannotTell: those that cannot be read
	Open     []Slots  // NotNeeded: what the request still waits for

	RetryAt time.Time // TooManyAsks: when the person may ask again

	Asked    string   // WrongProject: the project that was named
	Projects []string // WrongProject, WhichProject: those that are served

	Missing   []string            // Unresolved: what names no server
	Near      map[string][]string // Unresolved, WrongProject: a missing name → similar names, the most similar first
	Ambiguous map[string][]Server // Unresolved: name → the servers that have it
	Taken     map[string]string   // ServersTaken: server id → request id
	LeftOut   []LeftOut           // NothingToDo: every server, and why
}

// NoSuchRequest is the refusal of an id that no request has.
func NoSuchRequest(id string) *Refusal {
	return &Refusal{Kind: NotFound, Request: Request{ID: id}}
}

func (r *Refusal) Error() string {
	var b strings.Builder
	b.WriteString(string(r.Kind))
	if r.Request.ID != "" {
		fmt.Fprintf(&b, " (%s is %s)", r.Request.ID, r.Request.State)
	}
	return b.String()
}
