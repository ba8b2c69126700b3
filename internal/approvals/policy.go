package approvals

import (
	"slices"
	"time"
)

// Person is who clicked or typed, as Slack describes them at that moment.
type Person struct {
	ID          string   // U… or W…
	Groups      []string // ids of the user groups (S…) of the policy they are in now
	Deactivated bool
	Bot         bool
	Guest       bool // single- or multi-channel guest
	Foreign     bool // from another workspace (Slack Connect)
}

// Known describes how recent a cached answer about a person or a group is.
type Known struct {
	Age     time.Duration // since Slack was asked
	Changed bool          // it is known to be out of date
}

// Policy says who may do what. Ids are Slack user ids or user-group ids.
type Policy struct {
	Requesters        []string // empty: everyone in the workspace
	Approvers         []string
	ApprovalsRequired int // different people, at least 1
	AllowSelfApproval bool
	TTL               time.Duration // of an undecided request
	ReasonRequired    bool
	MaxServers        int // in one request
	MaxOpenRequests   int // of one person; 0: no limit
	MaxAsksPerHour    int // of one person, dry runs and previews included; 0: no limit
	Protection        Protection
}

// Groups lists the user groups whose members the policy asks about.
func (p Policy) Groups() []string { return GroupsOf(p.Requesters, p.Approvers) }

// GroupsOf lists the user groups in lists of the policy.
func GroupsOf(lists ...[]string) []string {
	var groups []string
	for _, id := range slices.Concat(lists...) {
		if id != "" && id[0] == 'S' && !slices.Contains(groups, id) {
			groups = append(groups, id)
		}
	}
	return groups
}

// mostLeftOut bounds the servers that a request names as left out: they are
// stored with it, and MaxServers does not count them.
func (p Policy) mostLeftOut() int { return max(1000, p.MaxServers) }

// Belongs returns nil if p is a full, active, human member of the workspace, or
// a *Refusal. Only such people are shown anything.
func Belongs(p Person) error { return belongs(p) }

// MayAsk returns nil if p may ask for servers to be stopped, or a *Refusal.
func (pol Policy) MayAsk(p Person) error {
	if err := belongs(p); err != nil {
		return err
	}
	if len(pol.Requesters) > 0 && !p.in(pol.Requesters) {
		return &Refusal{Kind: NotRequester}
	}
	return nil
}

// MayDecide returns nil if p is an approver, or a *Refusal. Whether p may
// decide a given request is for [Request.Approve] and [Request.Deny].
func (pol Policy) MayDecide(p Person) error {
	if err := belongs(p); err != nil {
		return err
	}
	if !p.in(pol.Approvers) {
		return &Refusal{Kind: NotApprover}
	}
	return nil
}

// belongs refuses a person who is not a full, active, human member.
func belongs(p Person) error {
	switch {
	case p.Deactivated:
		return &Refusal{Kind: PersonDeactivated}
	case p.Bot:
		return &Refusal{Kind: PersonBot}
	case p.Guest:
		return &Refusal{Kind: PersonGuest}
	case p.Foreign:
		return &Refusal{Kind: PersonForeign}
	}
	return nil
}

func (p Person) in(list []string) bool {
	return slices.ContainsFunc(list, func(id string) bool {
		return id == p.ID || slices.Contains(p.Groups, id)
	})
}
