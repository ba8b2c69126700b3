package approvals

import (
	"cmp"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Demand is what a request has to satisfy: all that the matching rules demand, and
// what the policy demands for servers that no rule takes.
type Demand struct {
	Rules     []Rule  // that match, by name
	Slots     []Slots // the approvals that are needed, by rule; those of the policy's approvers first
	Automatic bool    // no approval is needed, because rules say so for every server
}

// Demand evaluates the rules at a time. The order of the rules does not matter.
func (pol Policy) Demand(s Subject, at time.Time) Demand {
	matches := pol.matches(s, at)
	var d Demand
	for _, m := range matches {
		d.Rules = append(d.Rules, m.rule)
	}
	least, automatic := pol.defaultCount(s, matches)
	d.Automatic = automatic && len(d.Rules) > 0
	if least > 0 {
		d.Slots = append(d.Slots, Slots{Count: least, Self: pol.AllowSelfApproval})
	}
	for _, r := range d.Rules {
		if r.ownSlots() {
			d.Slots = append(d.Slots, r.slots())
		}
	}
	return d.withoutSelf(slices.ContainsFunc(d.Rules, Rule.forbidsSelf))
}

// matches are the rules that match, by name.
func (pol Policy) matches(s Subject, at time.Time) []match {
	var all []match
	for _, r := range pol.Rules {
		if m, ok := r.match(s, at); ok {
			all = append(all, m)
		}
	}
	slices.SortStableFunc(all, func(a, b match) int { return cmp.Compare(a.rule.Name, b.rule.Name) })
	return all
}

// defaultCount is how many of the policy's approvers are needed, and whether every
// server is automatic.
func (pol Policy) defaultCount(s Subject, matches []match) (count int, automatic bool) {
	for _, m := range matches {
		if !m.rule.Auto && !m.rule.ownSlots() {
			count = max(count, m.rule.Approvals)
		}
	}
	automatic = true
	for i := range s.Servers {
		var auto, demanded, taken bool
		for _, m := range matches {
			t := m.touched[i]
			auto = auto || t == surely && m.rule.automates(s)
			demanded = demanded || t != apart && !m.rule.Auto
			taken = taken || t == surely && m.rule.takes()
		}
		automatic = automatic && auto && !demanded
		if !taken && (demanded || !auto) {
			count = max(count, 1, pol.ApprovalsRequired)
		}
	}
	return count, automatic
}

// automates reports whether servers that only this rule touches need no approval.
func (r Rule) automates(s Subject) bool {
	return r.Auto && r.MoreThan == 0 && (r.AutoHard || !s.cutsPower())
}

// ownSlots reports whether the rule names who approves.
func (r Rule) ownSlots() bool { return !r.Auto && len(r.Approvers)+len(r.Quiet) > 0 }

// takes reports whether the rule's approvers take the place of the policy's.
func (r Rule) takes() bool { return r.ownSlots() && r.MoreThan == 0 }

func (r Rule) slots() Slots {
	return Slots{
		Rule: r.Name, Count: max(1, r.Approvals),
		Circles: []Circle{{Approvers: r.Approvers, Quiet: r.Quiet, Escalate: r.Escalate}},
		Self:    r.SelfApproval != nil && *r.SelfApproval,
	}
}

func (r Rule) forbidsSelf() bool { return r.SelfApproval != nil && !*r.SelfApproval }

// withoutSelf is d with no slot for the requester, if forbidden.
func (d Demand) withoutSelf(forbidden bool) Demand {
	if forbidden {
		for i := range d.Slots {
			d.Slots[i].Self = false
		}
	}
	return d
}

// Names are the names of the matching rules.
func (d Demand) Names() []string {
	var names []string
	for _, r := range d.Rules {
		names = append(names, r.Name)
	}
	return slices.Compact(names) // twice: changed since the ask
}

// Approvals is how many people have to approve.
func (d Demand) Approvals() int { return total(d.Slots) }

// Denied is the first rule that lets no such request be made or approved.
func (d Demand) Denied() (Rule, bool) {
	return d.first(func(r Rule) bool { return r.Deny != "" })
}

// Channel is where the card is posted, or empty if no rule says it.
func (d Demand) Channel() string {
	r, _ := d.first(func(r Rule) bool { return r.Channel != "" })
	return r.Channel
}

// ReasonRule is the first rule that demands a reason.
func (d Demand) ReasonRule() (Rule, bool) {
	return d.first(func(r Rule) bool { return r.Reason })
}

// TicketRule is the first rule that demands a ticket.
func (d Demand) TicketRule() (Rule, bool) {
	return d.first(func(r Rule) bool { return r.Ticket != "" })
}

// TTL is how long the request is open for approval.
func (d Demand) TTL(pol Policy) time.Duration {
	ttl := pol.TTL
	for _, r := range d.Rules {
		if r.TTL > 0 {
			ttl = min(ttl, r.TTL)
		}
	}
	return ttl
}

// automatic are the names of the rules that make servers automatic.
func (d Demand) automatic() []string {
	var names []string
	for _, r := range d.Rules {
		if r.Auto {
			names = append(names, r.Name)
		}
	}
	return names
}

func (d Demand) first(has func(Rule) bool) (Rule, bool) {
	i := slices.IndexFunc(d.Rules, has)
	if i < 0 {
		return Rule{}, false
	}
	return d.Rules[i], true
}

// Admits returns nil if the ask may be made under these rules, or a *Refusal. What the
// policy itself demands of an ask is for [Policy.MayAsk] and [New].
func (d Demand) Admits(ask Ask) error {
	if err := d.denies(Request{}); err != nil {
		return err
	}
	if err := d.admitsPerson(ask.By); err != nil {
		return err
	}
	// An earlier request is a reason.
	if r, need := d.ReasonRule(); need && ask.Reason == "" && ask.FollowUpOf == "" {
		return &Refusal{Kind: NoReason, Rule: r.Name}
	}
	return d.admitsTicket(ask.Ticket)
}

func (d Demand) denies(r Request) error {
	if rule, no := d.Denied(); no {
		return &Refusal{Kind: RuleDenies, Request: r, Rule: rule.Name, Sentence: rule.Deny}
	}
	return nil
}

// admitsPerson holds p against the lists of all rules. A clear no counts more than a
// group that cannot be read.
func (d Demand) admitsPerson(p Person) error {
	var unsure error
	for _, r := range d.Rules {
		if len(r.Requesters) == 0 {
			continue
		}
		switch p.among(r.Requesters) {
		case no:
			return &Refusal{Kind: NotRuleRequester, Rule: r.Name}
		case cannotTell:
			unsure = cmp.Or(unsure, error(p.unsure(r.Name, r.Requesters)))
		}
	}
	return unsure
}

func (d Demand) admitsTicket(ticket string) error {
	for _, r := range d.Rules {
		switch {
		case r.Ticket == "" || ticket != "" && fitsWhole(r.Ticket, ticket):
		case ticket == "":
			return &Refusal{Kind: NoTicket, Rule: r.Name, Pattern: r.Ticket}
		default:
			return &Refusal{Kind: TicketDoesNotFit, Rule: r.Name, Pattern: r.Ticket, Ticket: ticket}
		}
	}
	return nil
}

// fitsWhole reports whether the whole text fits the pattern. Nothing fits a pattern
// that is none.
func fitsWhole(pattern, text string) bool {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return false
	}
	// Not ^(?:…)$ around it: a pattern may close that bracket itself.
	re.Longest()
	return slices.Equal(re.FindStringIndex(text), []int{0, len(text)})
}

// and is what satisfies both d and e: the stricter of the rules of then and of now.
func (d Demand) and(e Demand) Demand {
	both := Demand{Rules: slices.Clone(d.Rules), Slots: slices.Clone(d.Slots), Automatic: d.Automatic && e.Automatic}
	for _, r := range e.Rules {
		same := func(other Rule) bool { return reflect.DeepEqual(other, r) }
		if !slices.ContainsFunc(both.Rules, same) {
			both.Rules = append(both.Rules, r)
		}
	}
	slices.SortStableFunc(both.Rules, func(a, b Rule) int { return strings.Compare(a.Name, b.Name) })
	for _, s := range e.Slots {
		i := slices.IndexFunc(both.Slots, func(have Slots) bool { return have.Rule == s.Rule })
		if i < 0 {
			both.Slots = append(both.Slots, s)
		} else {
			both.Slots[i] = both.Slots[i].and(s)
		}
	}
	slices.SortStableFunc(both.Slots, func(a, b Slots) int { return strings.Compare(a.Rule, b.Rule) })
	return both.withoutSelf(slices.ContainsFunc(both.Rules, Rule.forbidsSelf))
}
