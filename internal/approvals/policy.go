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

	// UnknownGroups are user groups of the policy that Slack could not tell about: p is
	// neither a member nor none.
	UnknownGroups []string `json:",omitempty"`
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
	Rules             []Rule // what some requests need instead, or in addition; in any order
}

// Groups lists the user groups whose members the policy asks about.
func (p Policy) Groups() []string { return GroupsOf(append(p.Askers(), p.Deciders()...)...) }

// Askers are the people and groups whom the policy and each rule list as requesters.
func (p Policy) Askers() [][]string {
	all := [][]string{p.Requesters}
	for _, r := range p.Rules {
		all = append(all, r.Requesters)
	}
	return all
}

// Deciders are the people and groups who may approve by the policy and by each rule,
// now or later.
func (p Policy) Deciders() [][]string { return append([][]string{p.Approvers}, deciders(p.Rules)...) }

func deciders(rules []Rule) [][]string {
	var all [][]string
	for _, r := range rules {
		list := slices.Concat(r.Approvers, r.Quiet)
		if r.Escalate != nil {
			list = append(list, r.Escalate.To...)
		}
		all = append(all, list)
	}
	return all
}

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
	if len(pol.Requesters) == 0 {
		return nil
	}
	return p.belongsTo(pol.Requesters, NotRequester)
}

// MayDecide returns nil if p is one of the policy's approvers, or a *Refusal. Whether p
// may decide a given request is for [Request.Approve] and [Request.Deny].
func (pol Policy) MayDecide(p Person) error {
	if err := belongs(p); err != nil {
		return err
	}
	return p.belongsTo(pol.Approvers, NotApprover)
}

// belongsTo returns nil if p is on the list, or a *Refusal, of the kind if p is not.
func (p Person) belongsTo(list []string, kind RefusalKind) error {
	switch p.among(list) {
	case yes:
		return nil
	case cannotTell:
		return p.unsure("", list)
	}
	return &Refusal{Kind: kind}
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
