package approvals

import (
	"slices"
	"time"
)

// vote is an approval that somebody wants to give, and all that decides whether it
// counts.
type vote struct {
	request Request
	demand  Demand
	now     time.Time
	rights  voter    // the person, whoever asked
	voter   voter    // the person
	others  []voter  // who approved before, without the person
	lost    []string // who approved before and has lost that right
	unread  []string // groups that decide and cannot be read
}

func (r Request) vote(p Person, pol Policy, d Demand, earlier []Person, now time.Time) vote {
	if len(d.Slots) == 0 { // the servers that needed approval were left out; somebody has to say so
		d.Slots = []Slots{{Self: pol.mayApproveOwn(d.Rules)}}
	}
	v := vote{request: r, demand: d, now: now, rights: r.asNow(p, pol, d.Slots, now)}
	v.voter = v.rights.notOwn(r, d.Slots)
	v.needsGroups(p, pol)
	for _, id := range r.Approvers() {
		i := slices.IndexFunc(earlier, func(e Person) bool { return e.ID == id })
		switch {
		case id == p.ID:
		case i < 0:
			v.others = append(v.others, r.asRecorded(id, d.Slots).notOwn(r, d.Slots))
		default:
			v.add(earlier[i], pol)
		}
	}
	return v
}

// add adds somebody who approved before, with the rights they have now.
func (v *vote) add(p Person, pol Policy) {
	r, slots := v.request, v.demand.Slots
	rights := r.asNow(p, pol, slots, v.now)
	// Who could only fill slots that are not needed any more has lost no right.
	if rights.none() && !r.asRecorded(p.ID, slots).none() {
		v.lost = append(v.lost, p.ID)
		return
	}
	v.needsGroups(p, pol)
	v.others = append(v.others, rights.notOwn(r, slots))
}

// needsGroups notes which groups that p may be in cannot be read.
func (v *vote) needsGroups(p Person, pol Policy) {
	for _, s := range v.demand.Slots {
		for _, c := range pol.CirclesOf(s) {
			for _, id := range c.All(v.now.Sub(v.request.Created)) {
				if slices.Contains(p.UnknownGroups, id) && !slices.Contains(v.unread, id) {
					v.unread = append(v.unread, id)
				}
			}
		}
	}
}

// count reports whether all slots are filled with this approval. It returns a *Refusal
// if the approval does not count.
func (v vote) count() (met bool, err error) {
	r := v.request
	if v.rights.none() {
		return false, &Refusal{Kind: NotApprover, Request: r}
	}
	if err := r.open(v.now); err != nil {
		return false, err
	}
	if err := v.demand.denies(r); err != nil {
		return false, err
	}
	if v.voter.none() {
		return false, &Refusal{Kind: OwnRequest, Request: r}
	}
	return v.fill()
}

// fill counts twice: with those rights alone that are certain, and with all that are
// possible. If that makes a difference, the groups that cannot be read decide.
func (v vote) fill() (met bool, err error) {
	r, slots := v.request, v.demand.Slots
	sure, hoped := v.certain(), v.possible()
	need := total(slots)
	switch {
	case v.voter.can(yes) && filled(slots, append(sure, v.voter.only(yes))) == need:
		return true, nil
	case filled(slots, append(hoped, v.voter.only(cannotTell))) == need:
		return false, v.cannotTell()
	case slices.Contains(r.Approvers(), v.voter.id):
		return false, &Refusal{Kind: YouApproved, Request: r}
	case v.adds(yes):
		return false, nil
	case v.adds(cannotTell):
		return false, v.cannotTell()
	}
	return false, &Refusal{Kind: NotNeeded, Request: r, Open: v.open()}
}

// adds reports whether the person, with rights that are at least so certain, fills a
// slot that the others do not fill.
func (v vote) adds(least answer) bool {
	slots := v.demand.Slots
	for _, others := range [][]voter{v.certain(), v.possible()} {
		if filled(slots, append(others, v.voter.only(least))) > filled(slots, others) {
			return true
		}
	}
	return false
}

func (v vote) certain() []voter  { return v.with(yes) }
func (v vote) possible() []voter { return v.with(cannotTell) }

// with are the others with rights that are at least so certain.
func (v vote) with(least answer) []voter {
	all := make([]voter, len(v.others))
	for i, other := range v.others {
		all[i] = other.only(least)
	}
	return all
}

func (v vote) cannotTell() error {
	return &Refusal{Kind: CannotTell, Request: v.request, Groups: v.unread}
}

// open are the slots that the others leave open.
func (v vote) open() []Slots {
	left := slices.Clone(v.demand.Slots)
	for _, i := range assign(left, v.certain()) {
		if i >= 0 {
			left[i].Count--
		}
	}
	return slices.DeleteFunc(left, func(s Slots) bool { return s.Count == 0 })
}

// void are those whose earlier approvals do not count any more: they have lost that
// right, or it is they who approve now.
func (v vote) void() []string { return append(slices.Clone(v.lost), v.voter.id) }

// fits are the rules whose slots each approver can fill. Where a group cannot be read,
// it stays as it was.
func (v vote) fits() map[string][]string {
	all := map[string][]string{}
	for _, w := range append(slices.Clone(v.others), v.voter) {
		before := v.request.asRecorded(w.id, v.demand.Slots)
		rules := []string{}
		for i, s := range v.demand.Slots {
			was := before.fits[i] == yes && slices.Contains(v.request.Approvers(), w.id)
			if w.fits[i] == yes || w.fits[i] == cannotTell && was {
				rules = append(rules, s.Rule)
			}
		}
		all[w.id] = rules
	}
	return all
}
