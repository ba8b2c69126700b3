package approvals

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"
)

// ruledStory is a request under rules that change, among people whose rights do not.
type ruledStory struct {
	t       *testing.T
	pol     Policy
	people  []Person
	request Request
	list    ServerList
	now     time.Time
}

// FuzzRuledRequest lets random people approve, leave out and deny under random rules
// that change in between.
func FuzzRuledRequest(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("two groups for production, dev is automatic, and a frozen window at the end"))
	f.Add([]byte("\x02\x00\x03\x01\x00\x05\x02\x00\x01\x03\x07\x01\x00\x00\x02\x03\x03\x03\x0f\x01\x02\x03\x00\x01\x00\x02\x01\x03\x02\x00\x00\x01\x00\x02"))
	f.Fuzz(checkRuled)
}

// Random stories are told without a fuzzer, too.
func TestRuledRequests(t *testing.T) { atRandom(t, 1500, checkRuled) }

func checkRuled(t *testing.T, bytes []byte) {
	d := &draw{bytes}
	s := &ruledStory{t: t, pol: d.policy(), people: d.people(), now: noon}
	subject := d.subject()
	s.list = ServerList{Action: subject.Action, Servers: subject.Servers}
	ask := d.ask(s.people[0])
	ask.Mode = subject.Mode
	r, err := New("S-23456", ask, s.list, s.pol, s.now)
	demand := s.pol.Demand(subject, s.now)
	if err != nil {
		if demand.Admits(ask) == nil {
			t.Errorf("the ask is admitted, but: %v", err)
		}
		return
	}
	if _, denied := demand.Denied(); denied || (r.State == Approved) != demand.Automatic || r.ApprovalsNeeded != demand.Approvals() {
		t.Errorf("%s with %d approvals by %+v", r.State, r.ApprovalsNeeded, demand)
	}
	s.request = r
	s.stored()
	for range 8 {
		if s.request.State != Pending {
			return
		}
		s.now = s.now.Add(time.Duration(d.n(4)) * 2 * time.Minute)
		switch p := s.people[d.n(len(s.people))]; d.n(8) {
		case 0:
			s.pol.Rules, s.pol.ApprovalsRequired = d.rules(), 1+d.n(3)
		case 1:
			s.leaveOut(p, d.n(len(s.list.Servers)))
		case 2:
			s.unsure(p, d.some("SOPS", "SLEAD", "SDBA", "SDEV"))
		default:
			s.approve(p, d.oneIn(2))
		}
		s.stored()
	}
}

// both are what was demanded at the ask and what is demanded now.
func (s *ruledStory) both() (then, now Demand) {
	r := s.request
	subject := Subject{Action: r.Action, Mode: r.Mode, Servers: s.list.Servers}
	old := s.pol
	old.Rules, old.ApprovalsRequired = r.Rules, max(1, r.defaultNeeded())
	return old.Demand(subject, r.Created), s.pol.Demand(subject, s.now)
}

func (s *ruledStory) with(ids []string) []Person {
	return slices.DeleteFunc(slices.Clone(s.people), func(p Person) bool { return !slices.Contains(ids, p.ID) })
}

func (s *ruledStory) satisfied(ids []string, d Demand) bool {
	return satisfied(s.pol, d, s.with(ids), s.request.Requester, s.now.Sub(s.request.Created))
}

func (s *ruledStory) approve(p Person, lookAgain bool) {
	t, r := s.t, s.request
	var earlier []Person
	if lookAgain {
		earlier = s.people
	}
	then, now := s.both()
	next, err := r.Approve(p, s.pol, &s.list, "op", s.now, earlier...)
	if no, ok := errors.AsType[*Refusal](err); err != nil && (!ok || no.Kind == CannotTell) {
		t.Errorf("all groups are known, and: %v", err)
	}
	if err != nil {
		if !reflect.DeepEqual(next, r) {
			t.Errorf("refused (%v), but changed: %+v", err, next)
		}
		// About one that has ended, the record alone says who was an approver.
		if lookAgain && r.open(s.now) == nil && refusal(err) == NotApprover != !s.fitsAny(p, then.and(now)) {
			t.Errorf("%s fits a slot: %v, and is refused: %v", p.ID, s.fitsAny(p, then.and(now)), err)
		}
		return
	}
	for _, d := range []Demand{then, now} {
		if _, denied := d.Denied(); denied {
			t.Errorf("a rule denies it, and it was approved: %+v", d)
		}
		if next.State == Approved && lookAgain && !s.satisfied(next.Approvers(), d) {
			t.Errorf("approved by %v against %+v", next.Approvers(), d.Slots)
		}
	}
	enough := s.satisfied(next.Approvers(), then.and(now))
	if lookAgain && enough != (next.State == Approved) || (next.Missing() == 0) != (next.State == Approved) {
		t.Errorf("%s by %v with %d missing of %+v", next.State, next.Approvers(), next.Missing(), next.NeededSlots())
	}
	if next.DefaultNeeded == 0 && (next.Slots != nil || next.Fits != nil || next.Rules != nil) {
		t.Errorf("no rule matched, and this is stored: %+v", next.Decided)
	}
	s.request = next
}

func (s *ruledStory) fitsAny(p Person, d Demand) bool {
	if len(d.Slots) == 0 {
		return mayFill(s.pol, Slots{Self: true}, p, "", 0)
	}
	return slices.ContainsFunc(d.Slots, func(slot Slots) bool {
		return mayFill(s.pol, slot, p, "", s.now.Sub(s.request.Created))
	})
}

func (s *ruledStory) leaveOut(p Person, i int) {
	t, r := s.t, s.request
	then, now := s.both()
	ids := []string{s.list.Servers[i].ID, "another"}
	next, list, err := r.LeaveOut(p, s.pol, s.list, ids, "op", s.now)
	if err != nil {
		if !reflect.DeepEqual(next, r) || !reflect.DeepEqual(list, s.list) {
			t.Errorf("refused (%v), but changed: %+v", err, next)
		}
		return
	}
	if next.State != Pending || next.Total != r.Total-1 || len(list.Servers) != next.Total || !slices.Equal(next.Approvers(), r.Approvers()) ||
		next.Digest == r.Digest || next.Digest != list.Digest(r.Project, r.Mode) || next.Original == nil || next.LastDecision().By != p.ID {
		t.Errorf("from %+v to %+v", r, next)
	}
	for _, server := range list.Servers {
		if !slices.ContainsFunc(s.list.Servers, func(had Server) bool { return had.ID == server.ID }) {
			t.Errorf("server %s was added", server.ID)
		}
	}
	before := then.and(now)
	s.request, s.list = next, list
	then, now = s.both()
	for set := range 1 << len(s.people) {
		var some []string
		for i, p := range s.people {
			if set>>i&1 != 0 {
				some = append(some, p.ID)
			}
		}
		if s.satisfied(some, before) && !s.satisfied(some, then.and(now)) {
			t.Errorf("without server %d, %v do not satisfy %+v any more, but %+v", i, some, before.Slots, then.and(now).Slots)
		}
	}
}

// unsure lets p approve while groups cannot be read. If that is not refused for that
// reason, it comes to the same with p in all of them and in none.
func (s *ruledStory) unsure(p Person, groups []string) {
	in, out, unknown := p, p, p
	known := func(g string) bool { return !slices.Contains(groups, g) }
	out.Groups = slices.DeleteFunc(slices.Clone(p.Groups), func(g string) bool { return !known(g) })
	in.Groups = append(slices.Clone(out.Groups), groups...)
	unknown.Groups, unknown.UnknownGroups = out.Groups, groups
	try := func(p Person) (Request, RefusalKind) {
		next, err := s.request.Approve(p, s.pol, &s.list, "op", s.now, s.people...)
		return next, refusal(err)
	}
	next, no := try(unknown)
	asMember, refusedIn := try(in)
	asNone, refusedOut := try(out)
	if no == CannotTell {
		if asMember.State == asNone.State && refusedIn == refusedOut {
			s.t.Errorf("%v do not decide, and it is refused: %q either way", groups, refusedIn)
		}
		return
	}
	if next.State != asMember.State || next.State != asNone.State || no == NotApprover && (refusedIn != no || refusedOut != no) {
		s.t.Errorf("with %v unknown it is %s (%q), as a member %s (%q), as none %s (%q)", groups, next.State, no, asMember.State, refusedIn, asNone.State, refusedOut)
	}
}

func (s *ruledStory) stored() {
	record, err := json.Marshal(s.request)
	var got Request
	if err != nil || json.Unmarshal(record, &got) != nil || !reflect.DeepEqual(got, s.request) {
		s.t.Errorf("stored as %s, read as\n%+v, not\n%+v", record, got, s.request)
	}
}
