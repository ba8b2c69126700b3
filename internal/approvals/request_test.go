package approvals

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// The people and the rules of these tests. Ann asks; Bob and, through their
// group, Cyd and Dan approve.
var (
	ann = Person{ID: "UANN"}
	bob = Person{ID: "UBOB"}
	cyd = Person{ID: "UCYD", Groups: []string{"SOPS"}}
	dan = Person{ID: "UDAN", Groups: []string{"SDEV", "SOPS"}}
	eve = Person{ID: "UEVE", Groups: []string{"SDEV"}}

	rules = Policy{Approvers: []string{"UBOB", "SOPS"}, ApprovalsRequired: 1, TTL: time.Hour, MaxServers: 100}

	noon   = time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC)
	intime = noon.Add(time.Hour - time.Nanosecond)
	late   = noon.Add(time.Hour)
)

func serverList(n int) []Server {
	var list []Server
	for i := range n {
		list = append(list, Server{
			ID: fmt.Sprintf("00000000-0000-4000-8000-%012d", i), Name: fmt.Sprintf("web-%d", i),
			Status: "ACTIVE", Updated: "2026-03-09T10:00:00Z", Tags: []string{"env=dev", "bare"},
		})
	}
	return list
}

// asked is a pending request of Ann's for ten servers.
func asked(t testing.TB, pol Policy) Request {
	t.Helper()
	ask := Ask{OpID: "E1", By: ann, AskedIn: "C1", Channel: "C2", ResponseURL: "https://answer", Project: "main", Mode: Soft, Reason: "night"}
	frozen := ServerList{Servers: serverList(10), LeftOut: []LeftOut{{Server{ID: "x", Tags: []string{"a=b"}}, SkipLocked}}}
	r, err := New("S-23456", ask, frozen, pol, noon)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// must fails the test if an act that is only a step on its way is refused.
func must(t testing.TB) func(Request, error) Request {
	return func(r Request, err error) Request {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
}

// told returns what an act without error came to, as an error.
func told(r Request, ok bool) (Request, error) {
	if !ok {
		return r, errNothing
	}
	return r, nil
}

var errNothing = errors.New("-")

// situations are requests of every kind, each come about as it does in life.
func situations(t testing.TB) map[string]Request {
	ok := must(t)
	pending := asked(t, rules)
	approved := ok(pending.Approve(bob, rules, nil, "op", noon))
	executing := ok(approved.Execute(2, noon))
	stopping := ok(executing.Cancel(ann, rules, "op", noon))
	last := ok(executing.BatchEnded(Tally{Stopped: 5}, noon))
	lastStopping := ok(stopping.BatchEnded(Tally{NotSent: 5}, noon))
	return map[string]Request{
		"pending": pending, "approved": approved, "executing": executing, "stopping": stopping,
		"last": last, "last-stopping": lastStopping,
		"denied":           ok(pending.Deny(bob, rules, "no", "op", noon)),
		"cancelled":        ok(pending.Cancel(ann, rules, "op", noon)),
		"expired":          ok(told(pending.Expire(late))),
		"unposted":         ok(told(pending.CancelUnposted("archived", noon))),
		"called-off":       ok(lastStopping.BatchEnded(Tally{NotSent: 5}, noon)),
		"succeeded":        ok(last.BatchEnded(Tally{Off: 5}, noon)),
		"partially_failed": ok(last.BatchEnded(Tally{Failed: 5}, noon)),
		"failed":           ok(ok(executing.BatchEnded(Tally{Failed: 5}, noon)).BatchEnded(Tally{LeftOut: 5}, noon)),
		"unknown":          ok(last.BatchEnded(Tally{Stopped: 4, Unknown: 1}, noon)),
	}
}

// acts are all that can be done to a request. Each is done by somebody who may
// do it, so that only the situation counts.
var acts = []struct {
	name string
	do   func(Request, time.Time) (Request, error)
}{
	{"approve", func(r Request, now time.Time) (Request, error) { return r.Approve(cyd, rules, nil, "op2", now) }},
	{"deny", func(r Request, now time.Time) (Request, error) { return r.Deny(cyd, rules, "no", "op2", now) }},
	{"cancel", func(r Request, now time.Time) (Request, error) { return r.Cancel(ann, rules, "op2", now) }},
	{"expire", func(r Request, now time.Time) (Request, error) { return told(r.Expire(now)) }},
	{"unposted", func(r Request, now time.Time) (Request, error) { return told(r.CancelUnposted("archived", now)) }},
	{"execute", func(r Request, now time.Time) (Request, error) { return r.Execute(3, now) }},
	{"batch", func(r Request, now time.Time) (Request, error) { return r.BatchEnded(Tally{NotSent: 5}, now) }},
}

// whatComesOfIt has a row for each situation and a column for each act. A cell
// is the state that follows, or why the act is refused: too late, already
// decided, or not a thing that can happen at all (never). A dash is an act that
// quietly changes nothing. What may be decided differs before and after the
// request's time is over; all else must not.
const whatComesOfIt = `
                         approve   deny     cancel     expire   unposted   execute    batch
pending           early  approved  denied   cancelled  -        cancelled  never      never
pending           late   late      late     late       expired  cancelled  never      never
approved          any    decided   decided  cancelled  -        -          executing  never
executing         any    decided   decided  executing  -        -          never      executing
stopping          any    decided   decided  decided    -        -          never      executing
last              any    decided   decided  executing  -        -          never      partially_failed
last-stopping     any    decided   decided  decided    -        -          never      cancelled
denied            any    decided   decided  decided    -        -          never      never
cancelled         any    decided   decided  decided    -        -          never      never
expired           any    late      late     late       -        -          never      never
unposted          any    decided   decided  decided    -        -          never      never
called-off        any    decided   decided  decided    -        -          never      never
succeeded         any    decided   decided  decided    -        -          never      never
partially_failed  any    decided   decided  decided    -        -          never      never
failed            any    decided   decided  decided    -        -          never      never
unknown           any    decided   decided  decided    -        -          never      never
`

func TestEveryActInEverySituation(t *testing.T) {
	requests := situations(t)
	seen := map[State]bool{}
	lines := strings.Split(strings.TrimSpace(whatComesOfIt), "\n")
	for _, line := range lines[1:] {
		cells := strings.Fields(line)
		r, known := requests[cells[0]]
		if !known || len(cells) != len(acts)+2 {
			t.Fatalf("not a row: %s", line)
		}
		seen[r.State] = true
		times := map[string][]time.Time{"early": {noon, intime}, "late": {late, late.Add(time.Hour)}, "any": {noon, intime, late}}
		for i, act := range acts {
			for _, now := range times[cells[1]] {
				checkAct(t, cells[0]+", "+act.name+" at "+now.Format(time.TimeOnly), r, now, act.do, cells[i+2])
			}
		}
	}
	if len(seen) != len(states) {
		t.Errorf("only %d of %d states are in the table", len(seen), len(states))
	}
}

func checkAct(t *testing.T, name string, r Request, now time.Time, do func(Request, time.Time) (Request, error), want string) {
	t.Helper()
	r = roomy(r)
	before := imprint(r)
	next, err := do(r, now)
	if imprint(r) != before {
		t.Errorf("%s: the request itself was changed", name)
	}
	if got := outcome(next, err); got != want {
		t.Errorf("%s: %s, want %s", name, got, want)
	}
	if err != nil && imprint(next) != before {
		t.Errorf("%s: refused, but what is returned has changed:\n%s\n%s", name, before, imprint(next))
	}
	if err == nil && next.State.Final() != next.Finished.Equal(now) {
		t.Errorf("%s: %s, finished %v", name, next.State, next.Finished)
	}
}

func outcome(r Request, err error) string {
	no, refused := errors.AsType[*Refusal](err)
	switch {
	case err == nil:
		return string(r.State)
	case err == errNothing:
		return "-"
	case !refused:
		return "never"
	case imprint(no.Request) != imprint(r):
		return "a refusal about another request"
	case no.Kind == TooLate:
		return "late"
	case no.Kind == AlreadyDecided:
		return "decided"
	}
	return string(no.Kind)
}

// roomy gives r's lists room to grow in place, so that a method that appends
// to them without copying writes where imprint sees it.
func roomy(r Request) Request {
	r.Decisions = append(make([]Decision, 0, len(r.Decisions)+2), r.Decisions...)
	r.Sample = append(make([]Server, 0, len(r.Sample)+2), r.Sample...)
	r.LeftOut = append(make([]LeftOut, 0, len(r.LeftOut)+2), r.LeftOut...)
	if r.Cancellation != nil {
		r.Cancellation = new(*r.Cancellation)
	}
	return r
}

// imprint is all that can be seen of r, also behind its pointers and behind
// the end of its lists.
func imprint(r Request) string {
	b, err := json.Marshal([]any{
		r, r.Thread, r.Decisions[:cap(r.Decisions)], r.Sample[:cap(r.Sample)], r.LeftOut[:cap(r.LeftOut)],
	})
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestARequestTakesLegalMovesOnly(t *testing.T) {
	for _, from := range states {
		for _, to := range states {
			next, err := Request{State: from}.to(to)
			legal := slices.Contains(drawn[from], to)
			if (err == nil) != legal || legal && next.State != to || !legal && next.State != from {
				t.Errorf("from %s to %s: %s, %v", from, to, next.State, err)
			}
		}
	}
}

func TestTwoDecisionsOnOneValueDoNotMix(t *testing.T) {
	pol := rules
	pol.ApprovalsRequired = 3
	r := roomy(asked(t, pol))
	yes := must(t)(r.Approve(bob, pol, nil, "1", noon))
	no := must(t)(r.Deny(cyd, pol, "", "2", noon))
	if yes.LastDecision().By != "UBOB" || no.LastDecision().By != "UCYD" {
		t.Errorf("the decisions of %s and %s", yes.LastDecision().By, no.LastDecision().By)
	}
}

func TestNewRequest(t *testing.T) {
	ask := Ask{
		OpID: "E1", By: ann, AskedIn: "C1", Channel: "C2", ResponseURL: "https://answer",
		Project: "main", Mode: Hard, Reason: "night", Servers: []string{"web-*"},
	}
	frozen := ServerList{Servers: serverList(30)}
	for _, s := range serverList(25) {
		frozen.LeftOut = append(frozen.LeftOut, LeftOut{s, SkipOff})
	}
	r, err := New("S-23456", ask, frozen, rules, noon)
	if err != nil {
		t.Fatal(err)
	}
	want := Request{
		ID: "S-23456", State: Pending,
		Asked: Asked{Project: "main", Mode: Hard, Reason: "night", Requester: "UANN", AskedIn: "C1", Channel: "C2", ResponseURL: "https://answer", CommandID: "E1", Created: noon},
		Listed: Listed{Total: 30, Digest: frozen.Digest("main", Hard), Sample: frozen.Servers[:20], LeftOut: frozen.LeftOut[:20], LeftOutCount: 25,
			Names: []NameRun{{First: "web-0", Last: "web-29", Count: 30}}, SkipCounts: []SkipCount{{Skip: SkipOff, Count: 25, Names: []NameRun{{First: "web-0", Last: "web-24", Count: 25}}}}},
		Decided: Decided{Expires: late, ApprovalsNeeded: 1},
	}
	if got, want := marshal(t, r), marshal(t, want); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestLimitsOfARequest(t *testing.T) {
	pol := rules
	pol.MaxServers = 10
	strict := pol
	strict.ReasonRequired = true
	out := []LeftOut{{Server{ID: "x"}, SkipLocked}}
	for _, test := range []struct {
		name   string
		pol    Policy
		reason string
		frozen ServerList
		want   string
	}{
		{"at the limit", pol, "", ServerList{Servers: serverList(10)}, ""},
		{"one too many", pol, "", ServerList{Servers: serverList(11)}, "too many servers 11/10"},
		{"those left out do not count", pol, "", ServerList{Servers: serverList(10), LeftOut: out}, ""},
		{"none", pol, "", ServerList{}, "nothing to do 0/0"},
		{"none left", pol, "", ServerList{LeftOut: out}, "nothing to do 0/0 x"},
		{"reason missing", strict, "", ServerList{Servers: serverList(1)}, "a reason is required 0/0"},
		{"reason given", strict, "night", ServerList{Servers: serverList(1)}, ""},
	} {
		r, err := New("S-23456", Ask{OpID: "E1", By: ann, Reason: test.reason}, test.frozen, test.pol, noon)
		got := ""
		if no, ok := errors.AsType[*Refusal](err); ok {
			got = fmt.Sprintf("%s %d/%d", no.Kind, no.Count, no.Limit)
			for _, l := range no.LeftOut {
				got += " " + l.Server.ID
			}
		}
		if got != test.want || (err == nil) != (r.State == Pending) {
			t.Errorf("%s: %q (%v), %s; want %q", test.name, got, err, r.State, test.want)
		}
	}
}

func TestApprovalsNeededAreAtLeastOne(t *testing.T) {
	for required, want := range map[int]int{-1: 1, 0: 1, 1: 1, 2: 2, 5: 5} {
		pol := rules
		pol.ApprovalsRequired = required
		if r := asked(t, pol); r.ApprovalsNeeded != want {
			t.Errorf("%d required: %d needed, want %d", required, r.ApprovalsNeeded, want)
		}
	}
}

func TestDecisionsAreKept(t *testing.T) {
	pol := rules
	pol.ApprovalsRequired = 2
	half := must(t)(asked(t, pol).Approve(bob, pol, nil, "op1", noon))
	if half.State != Pending || half.Approvals() != 1 || !half.Finished.IsZero() {
		t.Errorf("after one of two: %s, %d approvals, finished %v", half.State, half.Approvals(), half.Finished)
	}
	first := Decision{Choice: ChoseApprove, By: "UBOB", At: noon, OpID: "op1"}
	for name, test := range map[string]struct {
		r     Request
		want  Decision
		yeses int
	}{
		"approve":  {must(t)(half.Approve(cyd, pol, nil, "op2", intime)), Decision{Choice: ChoseApprove, By: "UCYD", At: intime, OpID: "op2"}, 2},
		"deny":     {must(t)(half.Deny(cyd, pol, "not now", "op2", intime)), Decision{Choice: ChoseDeny, By: "UCYD", At: intime, Reason: "not now", OpID: "op2"}, 1},
		"cancel":   {must(t)(half.Cancel(ann, rules, "op2", intime)), Decision{Choice: ChoseCancel, By: "UANN", At: intime, OpID: "op2"}, 1},
		"expire":   {must(t)(told(half.Expire(late))), Decision{Choice: ChoseExpire, At: late}, 1},
		"unposted": {must(t)(told(half.CancelUnposted("archived", intime))), Decision{Choice: ChoseNoCard, At: intime, Reason: "archived"}, 1},
	} {
		if got := test.r.Decisions; !slices.Equal(got, []Decision{first, test.want}) {
			t.Errorf("%s: %+v", name, got)
		}
		if test.r.LastDecision() != test.want || test.r.Approvals() != test.yeses {
			t.Errorf("%s: last %+v, %d approvals", name, test.r.LastDecision(), test.r.Approvals())
		}
	}
	if got := asked(t, pol).LastDecision(); got != (Decision{}) {
		t.Errorf("last of none: %+v", got)
	}
}

func TestADecisionIsFoundByItsClick(t *testing.T) {
	r := must(t)(asked(t, rules).Approve(bob, rules, nil, "op1", noon))
	r = must(t)(r.Execute(2, noon))
	stopped := must(t)(r.Cancel(ann, rules, "op2", noon))
	clock := must(t)(told(asked(t, rules).Expire(late)))
	for _, test := range []struct {
		r       Request
		op      string
		verdict Choice
	}{
		{r, "op1", ChoseApprove}, {r, "op2", ""}, {r, "", ""},
		{stopped, "op1", ChoseApprove}, {stopped, "op2", ChoseCancel}, {stopped, "op3", ""},
		{clock, "", ""}, // the clock's decision has no click
	} {
		got, ok := test.r.DecisionByOp(test.op)
		if got.Choice != test.verdict || ok != (test.verdict != "") {
			t.Errorf("by %q: %+v, %t; want %q", test.op, got, ok, test.verdict)
		}
	}
	stopped.Cancellation.OpID = ""
	if got, ok := stopped.DecisionByOp(""); ok {
		t.Errorf("by nothing: %+v", got)
	}
}

func TestWorkBegins(t *testing.T) {
	approved := situations(t)["approved"]
	r := must(t)(approved.Execute(3, late))
	if r.Batches != 3 || r.OpenBatches != 3 || !r.Started.Equal(late) || !r.Finished.IsZero() {
		t.Errorf("%d batches, %d open, started %v, finished %v", r.Batches, r.OpenBatches, r.Started, r.Finished)
	}
	for _, n := range []int{0, -1} {
		if next, err := approved.Execute(n, late); err == nil {
			t.Errorf("%d batches: %s, which nothing would ever end", n, next.State)
		}
	}
}

func TestTheLastBatchEndsTheRequest(t *testing.T) {
	executing := situations(t)["executing"]
	half := must(t)(executing.BatchEnded(Tally{Stopped: 3, Failed: 2}, noon))
	if half.State != Executing || half.OpenBatches != 1 || half.Tally != (Tally{Stopped: 3, Failed: 2}) || !half.Finished.IsZero() {
		t.Errorf("half way: %+v", half)
	}
	whole := must(t)(half.BatchEnded(Tally{Stopped: 1, Off: 4}, late))
	if whole.State != PartiallyFailed || whole.OpenBatches != 0 || whole.Tally != (Tally{Stopped: 4, Off: 4, Failed: 2}) || !whole.Finished.Equal(late) {
		t.Errorf("at the end: %+v", whole)
	}
	none, over := executing, whole
	none.OpenBatches, over.State, over.OpenBatches = 0, Unknown, 1
	for _, r := range []Request{none, over} {
		if next, err := r.BatchEnded(Tally{}, noon); err == nil {
			t.Errorf("%s with %d open batches: one more ended, and it is %s", r.State, r.OpenBatches, next.State)
		}
	}
}

func TestStoppingWorkIsNotTheEnd(t *testing.T) {
	executing := situations(t)["executing"]
	r := must(t)(executing.Cancel(ann, rules, "op9", late))
	if r.State != Executing || r.Cancellation == nil || *r.Cancellation != (Decision{Choice: ChoseCancel, By: "UANN", At: late, OpID: "op9"}) {
		t.Errorf("%s, %+v", r.State, r.Cancellation)
	}
	if executing.Cancellation != nil || len(r.Decisions) != len(executing.Decisions) {
		t.Errorf("stop %+v before, %d decisions after", executing.Cancellation, len(r.Decisions))
	}
}

func TestRefusalsSayWhichRequestTheyAreAbout(t *testing.T) {
	pol := rules
	pol.ApprovalsRequired = 2
	r := must(t)(asked(t, pol).Approve(bob, pol, nil, "op", noon))
	_, own := r.Approve(Person{ID: ann.ID, Groups: []string{"SOPS"}}, pol, nil, "op", noon)
	_, again := r.Approve(bob, pol, nil, "op", noon)
	_, others := r.Cancel(bob, rules, "op", noon)
	for why, err := range map[RefusalKind]error{OwnRequest: own, YouApproved: again, NotYours: others} {
		no, ok := errors.AsType[*Refusal](err)
		if !ok || no.Kind != why || imprint(no.Request) != imprint(r) {
			t.Errorf("%s: %v", why, err)
		}
	}
}

func TestRefusalReadsWell(t *testing.T) {
	for want, no := range map[string]*Refusal{
		"not an approver":              {Kind: NotApprover},
		"own request (S-2 is pending)": {Kind: OwnRequest, Request: Request{ID: "S-2", State: Pending}},
	} {
		if no.Error() != want {
			t.Errorf("%q, want %q", no.Error(), want)
		}
	}
}

// after is the time that is d after noon.
func after(d string) time.Time {
	pause, err := time.ParseDuration(d)
	if err != nil {
		panic(err)
	}
	return noon.Add(pause)
}

func TestAMessageIsKnownByItsFirstNote(t *testing.T) {
	if id := (Message{Notes: []Note{{ID: "1"}, {ID: "2"}}}).ID(); id != "1" {
		t.Errorf("%q", id)
	}
}

func marshal(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
