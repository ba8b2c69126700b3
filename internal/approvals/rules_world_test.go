package approvals

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// draw makes values of a fuzzer's bytes; when they are used up it gives zeros.
type draw struct{ bytes []byte }

func (d *draw) n(below int) int {
	if len(d.bytes) == 0 {
		return 0
	}
	b := d.bytes[0]
	d.bytes = d.bytes[1:]
	return int(b) % below
}

// oneIn is true for one in n bytes, and not for zero.
func (d *draw) oneIn(n int) bool { return d.n(n) == n-1 }

func (d *draw) some(of ...string) []string {
	bits := d.n(1 << len(of))
	var all []string
	for i, s := range of {
		if bits>>i&1 != 0 {
			all = append(all, s)
		}
	}
	return all
}

// atRandom checks n random strings of bytes, the same ones each time.
func atRandom(t *testing.T, n int, check func(*testing.T, []byte)) {
	random := rand.New(rand.NewPCG(1, 2))
	for range n {
		bytes := make([]byte, 40+random.IntN(80))
		for i := range bytes {
			bytes[i] = byte(random.UintN(256))
		}
		if check(t, bytes); t.Failed() {
			t.Fatalf("with %q", bytes)
		}
	}
}

func (d *draw) server(i int) Server {
	s := Server{ID: fmt.Sprintf("id-%d", i), Name: []string{"web", "db", "App"}[d.n(3)], Status: "ACTIVE"}
	s.Tags = d.some("env=dev", "env=prod", "team=a", "bare")
	if s.TagsUnknown = d.oneIn(6); s.TagsUnknown {
		s.Tags = nil
	}
	return s
}

func (d *draw) subject() Subject {
	s := Subject{Mode: []Mode{Soft, Hard}[d.n(2)]}
	if d.oneIn(4) {
		s.Action = Start
	}
	for i := range 1 + d.n(4) {
		s.Servers = append(s.Servers, d.server(i))
	}
	return s
}

func (d *draw) rule(name string) Rule {
	r := Rule{Name: name}
	if d.oneIn(2) {
		r.Servers = d.some("web*", "DB", "app", "id-1")
	}
	if d.oneIn(3) {
		r.Tags = d.some("env=dev", "env", "team=a")
	}
	switch d.n(8) {
	case 1:
		r.Actions = []Action{Start}
	case 2:
		r.Actions = []Action{Stop}
	case 3:
		r.Hard = true
	case 4:
		r.MoreThan = 1 + d.n(3)
	case 5:
		r.Hours = []Hours{{From: 60 * d.n(24), To: 60 * d.n(24), Zone: []string{"", "Asia/Singapore", "Nowhere/None"}[d.n(3)]}}
	}
	if r.Auto = d.oneIn(3); r.Auto {
		r.AutoHard = d.oneIn(2)
	} else {
		d.whoApproves(&r)
	}
	switch d.n(8) {
	case 1:
		r.Requesters = d.some("SDEV", "SOPS", "UANN")
	case 2:
		r.Reason = true
	case 3:
		r.Ticket = "CHG-[0-9]+"
	case 4:
		r.TTL = time.Duration(1+d.n(3)) * 20 * time.Minute
	case 5:
		r.Deny = "not now"
		r.Auto, r.AutoHard = false, false
	case 6:
		r.Channel = "C" + name
	}
	return r
}

func (d *draw) whoApproves(r *Rule) {
	r.Approvers = d.some("SOPS", "SLEAD", "SDBA", "UBOB")
	r.Approvals = d.n(3)
	if len(r.Approvers) > 0 {
		r.Quiet = d.some("SDEV", "UCYD")
		if d.oneIn(3) {
			r.Escalate = &Escalation{After: 15 * time.Minute, To: d.some("SDEV", "UDAN")}
		}
	}
	if d.oneIn(3) {
		may := d.oneIn(2)
		r.SelfApproval = &may
	}
}

func (d *draw) rules() []Rule {
	var all []Rule
	for i := range d.n(5) {
		all = append(all, d.rule(string(rune('a'+i))))
	}
	return all
}

func (d *draw) policy() Policy {
	return Policy{
		Approvers: []string{"SOPS", "UBOB"}, ApprovalsRequired: 1 + d.n(3), AllowSelfApproval: d.oneIn(2),
		TTL: time.Hour, MaxServers: 100, Rules: d.rules(),
	}
}

// people are five persons in random groups; the first is who asks.
func (d *draw) people() []Person {
	var all []Person
	for _, id := range []string{"UANN", "UBOB", "UCYD", "UDAN", "UEVE"} {
		all = append(all, Person{ID: id, Groups: d.some("SOPS", "SLEAD", "SDBA", "SDEV")})
	}
	return all
}

func (d *draw) ask(by Person) Ask {
	return Ask{
		OpID: "E1", By: by, Project: "main", Channel: "C1", Mode: Soft,
		Reason: []string{"", "night"}[d.n(2)], Ticket: []string{"", "CHG-1", "CHG-x"}[d.n(3)],
	}
}

func (d *draw) time() time.Time { return noon.Add(time.Duration(d.n(96)) * 15 * time.Minute) }

// satisfied finds out by trying whether the approvals of these people are all that is
// demanded. It shares no code with the matching that decides.
func satisfied(pol Policy, d Demand, people []Person, requester string, age time.Duration) bool {
	var open []Slots
	for _, s := range d.Slots {
		open = append(open, slices.Repeat([]Slots{s}, s.Count)...)
	}
	used := make([]bool, len(people))
	var fill func(n int) bool
	fill = func(n int) bool {
		if n == len(open) {
			return true
		}
		for i, p := range people {
			if used[i] || !mayFill(pol, open[n], p, requester, age) {
				continue
			}
			used[i] = true
			if fill(n + 1) {
				return true
			}
			used[i] = false
		}
		return false
	}
	return fill(0)
}

func mayFill(pol Policy, s Slots, p Person, requester string, age time.Duration) bool {
	if p.ID == requester && !s.Self {
		return false
	}
	circles := s.Circles
	if s.Rule == "" {
		circles = []Circle{{Approvers: pol.Approvers}}
	}
	for _, c := range circles {
		ids := slices.Concat(c.Approvers, c.Quiet)
		if c.Escalate != nil && age >= c.Escalate.After {
			ids = append(ids, c.Escalate.To...)
		}
		if !slices.ContainsFunc(append([]string{p.ID}, p.Groups...), func(id string) bool { return slices.Contains(ids, id) }) {
			return false
		}
	}
	return true
}
