package approvals

import (
	"reflect"
	"slices"
	"time"
)

// Slots are approvals of one kind that a request needs, each by a different person.
type Slots struct {
	Rule    string   `json:"rule,omitempty"` // empty: the policy's approvers
	Count   int      `json:"n"`
	Circles []Circle `json:"of,omitempty"`   // an approver is in each: one, or two after the rule was changed; none with the policy's approvers
	Self    bool     `json:"self,omitempty"` // the requester may be the approver
}

// Circle is people who may approve.
type Circle struct {
	Approvers []string    `json:"approvers,omitempty"`
	Quiet     []string    `json:"quiet,omitempty"` // are not mentioned
	Escalate  *Escalation `json:"escalate,omitempty"`
}

// Mentioned are the people and groups who are asked to approve, age after the ask.
func (c Circle) Mentioned(age time.Duration) []string {
	return slices.Concat(c.Approvers, c.escalated(age))
}

// All are the people and groups who may approve, age after the ask.
func (c Circle) All(age time.Duration) []string {
	return slices.Concat(c.Approvers, c.Quiet, c.escalated(age))
}

func (c Circle) escalated(age time.Duration) []string {
	if c.Escalate == nil || age < c.Escalate.After {
		return nil
	}
	return c.Escalate.To
}

// CirclesOf are the circles of the slots, those of the policy's approvers included.
func (pol Policy) CirclesOf(s Slots) []Circle {
	if s.Rule == "" {
		return []Circle{{Approvers: pol.Approvers}}
	}
	return s.Circles
}

// and are the slots that satisfy both s and t, of the same rule.
func (s Slots) and(t Slots) Slots {
	s.Count, s.Self = max(s.Count, t.Count), s.Self && t.Self
	s.Circles = slices.Clone(s.Circles)
	for _, c := range t.Circles {
		same := func(have Circle) bool { return reflect.DeepEqual(have, c) }
		if !slices.ContainsFunc(s.Circles, same) {
			s.Circles = append(s.Circles, c)
		}
	}
	return s
}

func total(slots []Slots) int {
	sum := 0
	for _, s := range slots {
		sum += s.Count
	}
	return sum
}

// voter is a person and the slots that they can fill: fits[i] is about the i-th Slots.
type voter struct {
	id   string
	fits []answer
}

// only is v with those fits that are at least so certain.
func (v voter) only(least answer) voter {
	fits := make([]answer, len(v.fits))
	for i, a := range v.fits {
		if a >= least {
			fits[i] = yes
		}
	}
	return voter{v.id, fits}
}

func (v voter) can(a answer) bool { return slices.Contains(v.fits, a) }

// none reports whether v can surely fill no slot.
func (v voter) none() bool { return !v.can(yes) && !v.can(cannotTell) }

// assign gives as many voters as possible a slot each: a maximum matching, in the
// order of the voters. It returns the index of the Slots for each voter, or -1.
func assign(slots []Slots, voters []voter) []int {
	holders := make([][]int, len(slots))
	var place func(v int, tried []bool) bool
	place = func(v int, tried []bool) bool {
		for i, a := range voters[v].fits {
			if a != yes || tried[i] {
				continue
			}
			tried[i] = true
			if len(holders[i]) < slots[i].Count {
				holders[i] = append(holders[i], v)
				return true
			}
			for n, other := range holders[i] {
				if place(other, tried) {
					holders[i][n] = v
					return true
				}
			}
		}
		return false
	}
	for v := range voters {
		place(v, make([]bool, len(slots)))
	}
	of := slices.Repeat([]int{-1}, len(voters))
	for i, group := range holders {
		for _, v := range group {
			of[v] = i
		}
	}
	return of
}

// filled is how many slots the voters fill.
func filled(slots []Slots, voters []voter) int {
	n := 0
	for _, i := range assign(slots, voters) {
		if i >= 0 {
			n++
		}
	}
	return n
}
