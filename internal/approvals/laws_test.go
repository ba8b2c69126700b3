package approvals

import (
	"reflect"
	"slices"
	"testing"
	"time"
)

// FuzzMoves lets random people do random things to a request at random times
// and holds every step against the laws.
func FuzzMoves(f *testing.F) {
	f.Add([]byte{0, 0})
	f.Add([]byte{0x00, 0x22, approves, 1, executes, 0, endsBatch, 0, endsBatch, 0, endsBatch, 0})
	f.Add([]byte{0x01, 0x01, approves, 1, approves, 1, approves, 0, approves, 2, executes, 0, executes, 1, cancels, 0, cancels, 0, endsBatch, 0x80, endsBatch, 0x80})
	f.Add([]byte{0x06, 0x33, approves, 0, approves, 0, approves, 1, atTheEnd | approves, 2, expires, 0, approves, 3})
	f.Add([]byte{0x00, 0x43, approves, 5, approves, 6, approves, 7, approves, 8, denies, 4, denies, 3, cancels, 0})
	f.Add([]byte{0x02, 0x11, approves, 0, approves, 1, approves, 0, approves, 1, approves, 2})
	f.Add([]byte{0x00, 0x11, atTheEnd | approves, 1, denies, 1, cancels, 0})
	f.Add([]byte{0x00, 0x13, approves, 1, cancels, 1, cancels, 0, executes, 1})
	f.Add([]byte{0x00, 0x13, cantPost, 1, approves, 1})
	f.Add([]byte{0x00, 0x73, approves, 3, executes, 0, endsBatch, 1, endsBatch, 2, endsBatch, 3, endsBatch, 4, endsBatch, 5, endsBatch, 6, endsBatch, 7, cancels, 0, endsBatch, 0x81})
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) < 2 || len(script) > 100 {
			return
		}
		s := begin(t, script[0], script[1])
		for steps := script[2:]; len(steps) >= 2; steps = steps[2:] {
			s.step(steps[0], steps[1])
		}
		s.comesToAnEnd()
	})
}

// What a step's lower three bits say. The upper five let time go by: with all
// of them set, just as long as there is to decide.
const (
	waits = iota
	approves
	denies
	cancels
	expires
	cantPost
	executes
	endsBatch

	atTheEnd = 31 << 3
)

// story is a request, its batches, and what the laws are checked with.
type story struct {
	t       *testing.T
	pol     Policy
	now     time.Time
	size    int // of a batch
	frozen  ServerList
	request Request
	batches []Batch
}

// crowd are people of every kind, and whether they are approvers by right.
var crowd = []struct {
	Person
	approver bool
}{
	{Person{ID: "UANN", Groups: []string{"SOPS"}}, true}, // who asks
	{bob, true},
	{cyd, true},
	{dan, true},
	{eve, false},
	{Person{ID: "UBOT", Groups: []string{"SOPS"}, Bot: true}, false},
	{Person{ID: "UOLD", Groups: []string{"SOPS"}, Deactivated: true}, false},
	{Person{ID: "UOUT", Groups: []string{"SOPS"}, Foreign: true}, false},
	{Person{ID: "UGUEST", Groups: []string{"SOPS"}, Guest: true}, false},
}

func begin(t *testing.T, rule, sizes byte) *story {
	pol := rules
	pol.ApprovalsRequired = int(rule & 3)
	pol.AllowSelfApproval = rule&4 != 0
	s := &story{t: t, pol: pol, now: noon, size: 1 + int(sizes&7), frozen: ServerList{Servers: serverList(1 + int(sizes>>4))}}
	r, err := New("S-23456", Ask{OpID: "E1", By: ann, Project: "main", Mode: Soft}, s.frozen, pol, noon)
	if err != nil {
		t.Fatal(err)
	}
	s.request = roomy(r)
	return s
}

func (s *story) step(what, how byte) {
	s.now = s.now.Add(time.Duration(what>>3) * s.pol.TTL / 31)
	p := crowd[int(how)%len(crowd)]
	before := roomy(s.request)
	seen := imprint(before)
	r, err := before, error(nil)
	switch what & 7 {
	case approves:
		r, err = r.Approve(p.Person, s.pol, nil, "op", s.now)
		s.only(err, p.approver && (p.ID != "UANN" || s.pol.AllowSelfApproval) && s.now.Before(before.Expires))
	case denies:
		r, err = r.Deny(p.Person, s.pol, "no", "op", s.now)
		s.only(err, p.approver && s.now.Before(before.Expires))
	case cancels:
		r, err = r.Cancel(p.Person, s.pol, "op", s.now)
		running := before.State == Approved || before.State == Executing
		s.only(err, (p.ID == "UANN" || p.approver && running) && (s.now.Before(before.Expires) || before.State != Pending))
	case expires:
		r, err = told(r.Expire(s.now))
		s.only(err, !s.now.Before(before.Expires))
	case cantPost:
		r, err = told(r.CancelUnposted("archived", s.now))
	case executes:
		batches := PlanBatches(r, s.frozen, s.size)
		if r, err = r.Execute(len(batches), s.now); err == nil {
			s.batches = batches
		}
	case endsBatch:
		s.endBatch(how)
		return
	}
	if imprint(before) != seen {
		s.t.Errorf("the request itself was changed: %s", imprint(before))
	}
	s.came(r, err)
}

// only says who or what alone can have brought a step about.
func (s *story) only(err error, may bool) {
	if err == nil && !may {
		s.t.Errorf("it should have been refused: %s at %v", s.request.State, s.now)
	}
}

// endBatch ends one of the open batches, if any, in a random way.
func (s *story) endBatch(how byte) {
	open := slices.IndexFunc(s.batches, func(b Batch) bool { return !b.State.Final() })
	if open < 0 {
		r, err := s.request.BatchEnded(Tally{Stopped: 1}, s.now)
		s.only(err, false)
		s.came(r, err)
		return
	}
	b := s.batches[open]
	outcomes := []Outcome{Stopped, FoundOff, Skipped, ActionFailed, NotKnown, "", Stopped}
	for i := range b.Results {
		b.Results[i].Outcome = outcomes[(int(how&0x7F)+i*i)%len(outcomes)]
	}
	before := imprintOf(b)
	end := Batch.Ended
	if how&0x80 != 0 {
		end = func(b Batch) (Batch, error) {
			next, _ := b.Cancel(nil)
			return next.To(BatchCancelled)
		}
	}
	next, err := end(b)
	if imprintOf(b) != before || err != nil && imprintOf(next) != before {
		s.t.Errorf("the batch was changed: %s", imprintOf(b))
	}
	if err != nil {
		if len(b.WithoutOutcome()) == 0 {
			s.t.Errorf("all is known, yet: %v", err)
		}
		return
	}
	if len(next.WithoutOutcome()) > 0 || next.Tally().Done() != len(next.Results) {
		s.t.Errorf("it ended without knowing all: %+v", next)
	}
	s.batches[open] = next
	s.came(s.request.BatchEnded(next.Tally(), s.now))
}

// came holds what the step came to against the laws.
func (s *story) came(next Request, err error) {
	t, old := s.t, s.request
	switch {
	case err != nil && !reflect.DeepEqual(next, old):
		t.Errorf("refused (%v), but changed: %+v", err, next)
	case old.State.Final() && !reflect.DeepEqual(next, old):
		t.Errorf("it was %s and changed: %+v", old.State, next)
	case next.State != old.State && !slices.Contains(drawn[old.State], next.State):
		t.Errorf("from %s to %s", old.State, next.State)
	}
	if have := len(old.Decisions); len(next.Decisions) < have || !slices.Equal(next.Decisions[:have], old.Decisions) {
		t.Errorf("decisions were %+v and are %+v", old.Decisions, next.Decisions)
	}
	if next.Asked != old.Asked || !reflect.DeepEqual(next.Listed, old.Listed) || next.ID != old.ID || next.Expires != old.Expires {
		t.Errorf("what was asked for has changed: %+v", next)
	}
	if old.Cancellation != nil && (next.Cancellation == nil || *next.Cancellation != *old.Cancellation) {
		t.Errorf("the stop was %+v and is %+v", old.Cancellation, next.Cancellation)
	}
	s.checkApprovals(next)
	s.checkCounts(next)
	s.request = next
}

// checkApprovals counts the people again.
func (s *story) checkApprovals(r Request) {
	people := map[string]bool{}
	for _, d := range r.Decisions {
		if d.Choice == ChoseApprove && d.At.Before(r.Expires) {
			people[d.By] = true
		}
	}
	if !s.pol.AllowSelfApproval {
		delete(people, r.Requester)
	}
	for _, p := range crowd {
		if !p.approver {
			delete(people, p.ID)
		}
	}
	enough := len(people) >= r.ApprovalsNeeded
	begun := r.Batches > 0 || r.State == Approved
	if len(people) != r.Approvals() || begun && !enough || enough && r.State == Pending {
		s.t.Errorf("%s with %d of %d approvals: %+v", r.State, len(people), r.ApprovalsNeeded, r.Decisions)
	}
}

func (s *story) checkCounts(r Request) {
	t := s.t
	open, sum := 0, Tally{}
	outcomes := map[Outcome]int{}
	for _, b := range s.batches {
		if !b.State.Final() {
			open++
			continue
		}
		sum = sum.Plus(b.Tally())
		for _, result := range b.Results {
			outcomes[result.Outcome]++
		}
	}
	if r.OpenBatches != open || r.Batches != len(s.batches) || (r.State == Executing) != (open > 0) {
		t.Errorf("%s with %d of %d batches open; there are %d of %d", r.State, r.OpenBatches, r.Batches, open, len(s.batches))
	}
	if r.Tally != sum {
		t.Errorf("the tally is %+v, its batches give %+v", r.Tally, sum)
	}
	if r.State.Final() == r.Finished.IsZero() {
		t.Errorf("%s, finished %v", r.State, r.Finished)
	}
	if !r.State.Final() || len(s.batches) == 0 {
		return
	}
	off := outcomes[Stopped] + outcomes[FoundOff]
	truth := map[State]bool{
		Succeeded:       off == r.Total,
		PartiallyFailed: off > 0 && off < r.Total && outcomes[NotKnown] == 0,
		Failed:          off == 0 && outcomes[NotKnown] == 0,
		Unknown:         outcomes[NotKnown] > 0,
		Cancelled:       outcomes[NotSent] == r.Total && r.Cancellation != nil,
	}
	if !truth[r.State] || r.Tally.Done() != r.Total {
		t.Errorf("%s, but its %d servers are %v", r.State, r.Total, outcomes)
	}
}

// comesToAnEnd shows that whatever has happened, no request is stuck.
func (s *story) comesToAnEnd() {
	s.now = s.now.Add(s.pol.TTL)
	s.step(expires, 0)
	s.step(executes, 0)
	for range s.batches {
		s.step(endsBatch, 0x80)
	}
	if !s.request.State.Final() {
		s.t.Errorf("it is stuck as %s", s.request.State)
	}
}
