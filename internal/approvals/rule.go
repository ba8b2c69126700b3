package approvals

import "time"

// Rule demands something of the requests that it matches, or (Auto) demands nothing.
// Its parts that are not set match everything and demand nothing.
//
// Which servers of a request a rule touches is decided by Servers and Tags; the other
// matchers are about the request. A rule matches a request if all its matchers fit and
// it touches at least one server.
//
// A rule with Approvers takes the servers that it touches from the policy's approvers,
// unless it goes by MoreThan, or by tags that are not known: those only add to them.
type Rule struct {
	Name string `json:"name"` // unique in a policy, not empty

	// What it matches.

	Servers  []string `json:"servers,omitempty"`   // ids, names or patterns with *, one must fit; compared without regard to case
	Tags     []string `json:"tags,omitempty"`      // key or key=value; the server has all of them, or its tags are unknown
	Actions  []Action `json:"actions,omitempty"`   // one of them
	Hard     bool     `json:"hard,omitempty"`      // only requests that cut the power
	MoreThan int      `json:"more_than,omitempty"` // only if it touches more servers than this
	Hours    []Hours  `json:"hours,omitempty"`     // one of them contains the time of the ask, or of the decision

	// What it demands.

	Requesters   []string      `json:"requesters,omitempty"` // who may ask: users and groups
	Approvers    []string      `json:"approvers,omitempty"`  // who approves; they take the place of the policy's for the servers that the rule touches
	Quiet        []string      `json:"quiet,omitempty"`      // may approve, too, and are not mentioned
	Approvals    int           `json:"approvals,omitempty"`  // by different people; default 1 with Approvers; without them by the policy's, at least as many as it requires
	SelfApproval *bool         `json:"self,omitempty"`       // true: the requester may be one of this rule's approvers; false: of none of the request's
	Escalate     *Escalation   `json:"escalate,omitempty"`
	Reason       bool          `json:"reason,omitempty"`
	Ticket       string        `json:"ticket,omitempty"`  // a regular expression that the whole ticket id must fit
	Channel      string        `json:"channel,omitempty"` // where the card is posted
	TTL          time.Duration `json:"ttl,omitempty"`     // of an undecided request, at most
	Deny         string        `json:"deny,omitempty"`    // no such request is made or approved; the sentence says why

	// Auto: servers that no other rule with a demand touches need no approval. A
	// request is automatic if that holds for all its servers. It never holds for
	// requests that cut the power unless AutoHard is set. With MoreThan a rule is not
	// automatic: leaving servers out would make a request harder.
	Auto     bool `json:"auto,omitempty"`
	AutoHard bool `json:"auto_hard,omitempty"`
}

// Hours is a part of the week in a time zone.
type Hours struct {
	Days []time.Weekday `json:"days,omitempty"` // none: every day
	From int            `json:"from"`           // minutes after midnight
	To   int            `json:"to"`             // minutes after midnight, exclusive; if it is not after From, on the next day. From 0 to 1440 is the whole day
	Zone string         `json:"zone,omitempty"` // IANA name; empty: UTC
}

// Escalation names people who may approve, and are mentioned, when nobody has decided
// for some time.
type Escalation struct {
	After time.Duration `json:"after"`
	To    []string      `json:"to"` // users and groups
}
