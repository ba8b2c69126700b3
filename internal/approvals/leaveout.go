package approvals

import (
	"slices"
	"time"
)

// OriginalList is the list that a request was made for.
type OriginalList struct {
	Total  int    `json:"total"`
	Digest string `json:"digest"`
}

// LeaveOut takes servers off the list of a pending request, because the approver p does
// not want them in it. It returns the request and its new list. Ids that are not on
// the list do nothing. The approvals so far stay: they were given for all of what
// remains. If nothing more is missing, the request still waits for a click on Approve,
// which then shows the shorter list.
//
// A *Refusal says why nothing is left out. The error is [ErrOtherList] if the list is
// not the request's.
func (r Request) LeaveOut(p Person, pol Policy, list ServerList, ids []string, op string, now time.Time) (Request, ServerList, error) {
	if err := r.decidable(p, pol, now); err != nil {
		return r, list, err
	}
	if list.Digest(r.Project, r.Mode) != r.Digest {
		return r, list, ErrOtherList
	}
	short := list.without(ids)
	count := len(list.Servers) - len(short.Servers)
	switch {
	case count == 0:
		return r, list, &Refusal{Kind: NoneListed, Request: r}
	case len(short.Servers) == 0:
		return r, list, &Refusal{Kind: NoneRemains, Request: r}
	}
	next, err := r.listing(short, pol, now)
	if err != nil {
		return r, list, err
	}
	next = next.decided(Decision{Choice: ChoseLeave, By: p.ID, At: now, OpID: op, Count: count})
	next, err = next.to(Pending)
	return next, short, err
}

// without is the list with the servers left out.
func (f ServerList) without(ids []string) ServerList {
	out := map[string]bool{}
	for _, id := range ids {
		out[id] = true
	}
	short := f
	short.Servers, short.LeftOut = nil, slices.Clone(f.LeftOut)
	for _, s := range f.Servers {
		if out[s.ID] {
			short.LeftOut = append(short.LeftOut, LeftOut{Server: s, Skip: SkipLeftOut})
		} else {
			short.Servers = append(short.Servers, s)
		}
	}
	return short
}

// listing is r about a shorter list, with what it demands now.
func (r Request) listing(short ServerList, pol Policy, now time.Time) (Request, error) {
	original := r.Original
	if original == nil {
		original = &OriginalList{Total: r.Total, Digest: r.Digest}
	}
	r.Listed = short.listed(r.Project, r.Mode)
	r.Original = original
	r.newer = r.newer.without(listedFields...)
	d, err := r.Demand(pol, &short, now)
	if err != nil {
		return r, err
	}
	then := Policy{Rules: r.Rules}
	r.Rules = then.Demand(Subject{Action: r.Action, Mode: r.Mode, Servers: short.Servers}, r.Created).Rules
	return r.demands(d, pol), nil
}

// listedFields are the lists in a record whose elements are others after servers were
// left out. What a newer version wrote into their elements is about the former ones.
var listedFields = []string{"first", "out", "names", "skips", "warnings"}

// LeftOutBy are the decisions to leave servers out, each with who and how many.
func (r Request) LeftOutBy() []Decision {
	var all []Decision
	for _, d := range r.Decisions {
		if d.Choice == ChoseLeave {
			all = append(all, d)
		}
	}
	return all
}
