package approvals

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrOtherList: the list of servers is not the one that the request is about. It was
// read before or after servers were left out; read both again.
var ErrOtherList = errors.New("the list of servers is another one")

// Approve counts p's approval. With the last one needed the request is approved. A
// *Refusal says why it does not count.
//
// The stricter of the rules at the ask and of now holds; list is the request's list as
// it is stored now, and may be nil unless [Request.NeedsList] says so. earlier are
// those who approved before, with the rights they have now. The approval of a person
// who is not among them counts for what it counted for when it was given.
func (r Request) Approve(p Person, pol Policy, list *ServerList, op string, now time.Time, earlier ...Person) (Request, error) {
	if err := belongs(p); err != nil {
		return r, err
	}
	if r.open(now) != nil {
		return r, r.MayApprove(p, pol, now) // the list may be gone
	}
	d, err := r.Demand(pol, list, now)
	if err != nil {
		return r, err
	}
	v := r.vote(p, pol, d, earlier, now)
	met, err := v.count()
	if err != nil {
		return r, err
	}
	next := r.demands(d, pol).VoidApprovalsOf(v.void())
	next = next.decided(Decision{Choice: ChoseApprove, By: p.ID, At: now, OpID: op})
	if next.DefaultNeeded > 0 {
		next.Fits = v.fits()
	}
	if !met {
		return next, nil
	}
	return next.to(Approved)
}

// MayApprove returns nil if a click of p on Approve would count, as far as the record
// alone tells, or a *Refusal. It is for what is shown; [Request.Approve] decides.
func (r Request) MayApprove(p Person, pol Policy, now time.Time) error {
	if err := belongs(p); err != nil {
		return err
	}
	_, err := r.vote(p, pol, Demand{Rules: r.Rules, Slots: r.slotsNow(pol)}, nil, now).count()
	return err
}

// MayDecide returns nil if p may deny r, leave servers out, cancel it once it is
// approved, or say what became of its servers: any approver of the policy or of one of
// its slots may. Else it returns a *Refusal.
func (r Request) MayDecide(p Person, pol Policy, now time.Time) error {
	err := pol.MayDecide(p)
	if err == nil || belongs(p) != nil {
		return err
	}
	for _, s := range r.Slots {
		for _, c := range s.Circles {
			list := c.All(now.Sub(r.Created))
			switch p.among(list) {
			case yes:
				return nil
			case cannotTell:
				err = p.unsure(s.Rule, list)
			}
		}
	}
	if no, is := errors.AsType[*Refusal](err); is && no.Kind == NotApprover {
		return &Refusal{Kind: NotApprover, Request: r} // it decides whom they can ask
	}
	return err
}

// Deciders are the people and groups who may approve r, now or later, by the policy and
// by the rules of now and of the ask.
func (r Request) Deciders(pol Policy) [][]string { return append(pol.Deciders(), deciders(r.Rules)...) }

// Demand is what r demands: the stricter of the rules at the ask, on the list as it is
// now, and of the policy now. See [Request.Approve] about the list.
func (r Request) Demand(pol Policy, list *ServerList, now time.Time) (Demand, error) {
	s := Subject{Action: r.Action, Mode: r.Mode}
	switch {
	case list != nil && list.Digest(r.Project, r.Mode) != r.Digest:
		return Demand{}, ErrOtherList
	case list != nil:
		s.Servers = list.Servers
	case r.NeedsList(pol):
		return Demand{}, fmt.Errorf("request %s: rules need the list of servers", r.ID)
	default:
		count := max(r.ApprovalsNeeded, pol.needed(r.Step))
		return Demand{Slots: []Slots{{Count: count, Self: pol.AllowSelfApproval}}}, nil
	}
	then := pol
	then.Rules, then.ApprovalsRequired = r.Rules, r.defaultNeeded()
	return then.Demand(s, r.Created).and(pol.Demand(s, now)).forStep(r.Step, pol), nil
}

// NeedsList reports whether the list of servers is needed to know what r demands,
// because there are rules then or now.
func (r Request) NeedsList(pol Policy) bool { return r.DefaultNeeded > 0 || len(pol.Rules) > 0 }

// defaultNeeded is how many of the policy's approvers servers need that no rule takes.
func (r Request) defaultNeeded() int {
	if r.DefaultNeeded > 0 {
		return r.DefaultNeeded
	}
	return r.ApprovalsNeeded
}

// demands is r with what it demands now. Nothing but the number of approvals is stored
// as long as no rule matches.
func (r Request) demands(d Demand, pol Policy) Request {
	if r.DefaultNeeded > 0 || len(d.Rules) > 0 {
		r.DefaultNeeded, r.Slots = cmp.Or(r.defaultNeeded(), max(1, pol.ApprovalsRequired)), d.Slots
	}
	r.ApprovalsNeeded = d.Approvals()
	return r
}

// NeededSlots are the approvals that r needs, as of the ask or the last approval.
func (r Request) NeededSlots() []Slots {
	if r.DefaultNeeded > 0 {
		return slices.Clone(r.Slots)
	}
	return []Slots{{Count: r.ApprovalsNeeded}}
}

// slotsNow are the needed slots; the requester may fill those of the policy's approvers
// if the policy says so now.
func (r Request) slotsNow(pol Policy) []Slots {
	slots := r.NeededSlots()
	for i := range slots {
		if slots[i].Rule == "" {
			slots[i].Self = pol.mayApproveOwn(r.Rules)
		}
	}
	return slots
}

// mayApproveOwn reports whether a requester who is one of the policy's approvers may
// approve as one.
func (pol Policy) mayApproveOwn(rules []Rule) bool {
	return pol.AllowSelfApproval && !slices.ContainsFunc(rules, Rule.forbidsSelf)
}

// fillsAlone reports whether one approval is enough and p may give it.
func (r Request) fillsAlone(p Person, pol Policy, now time.Time) bool {
	slots := r.slotsNow(pol)
	if pol.needed(r.Step) > 1 && slots[0].Rule == "" || r.DefaultNeeded > 0 && total(slots) != 1 {
		return false
	}
	return r.asNow(p, pol, slots, now).notOwn(r, slots).can(yes)
}

// Filling is slots and who fills them.
type Filling struct {
	Slots
	By []string // in the order of their approvals
}

// Fillings are the needed slots and who fills them, as far as the record tells.
func (r Request) Fillings() []Filling {
	slots := r.NeededSlots()
	all := make([]Filling, len(slots))
	for i, s := range slots {
		all[i].Slots = s
	}
	voters := r.recorded(slots)
	for v, i := range assign(slots, voters) {
		if i >= 0 {
			all[i].By = append(all[i].By, voters[v].id)
		}
	}
	return all
}

// Missing is how many approvals r still needs, as far as the record tells.
func (r Request) Missing() int {
	slots := r.NeededSlots()
	return total(slots) - filled(slots, r.recorded(slots))
}

// recorded are those who approved, with the slots that they could fill then.
func (r Request) recorded(slots []Slots) []voter {
	var all []voter
	for _, id := range r.Approvers() {
		all = append(all, r.asRecorded(id, slots))
	}
	return all
}

func (r Request) asRecorded(id string, slots []Slots) voter {
	rules, known := r.Fits[id]
	v := voter{id: id, fits: make([]answer, len(slots))}
	for i, s := range slots {
		if slices.Contains(rules, s.Rule) || !known && s.Rule == "" {
			v.fits[i] = yes
		}
	}
	return v
}

// asNow is p with the slots that they can fill now, before it matters who asked.
func (r Request) asNow(p Person, pol Policy, slots []Slots, now time.Time) voter {
	v := voter{id: p.ID, fits: make([]answer, len(slots))}
	if belongs(p) != nil {
		return v
	}
	for i, s := range slots {
		v.fits[i] = yes
		for _, c := range pol.CirclesOf(s) {
			v.fits[i] = min(v.fits[i], p.among(c.All(now.Sub(r.Created))))
		}
	}
	return v
}

// notOwn is v without the slots that the requester may not fill.
func (v voter) notOwn(r Request, slots []Slots) voter {
	if v.id != r.Requester {
		return v
	}
	v.fits = slices.Clone(v.fits)
	for i, s := range slots {
		if !s.Self {
			v.fits[i] = no
		}
	}
	return v
}
