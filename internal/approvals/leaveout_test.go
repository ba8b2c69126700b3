package approvals

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestLeavingServersOut(t *testing.T) {
	pol := ruled(needsLead)
	r, list := ruledRequest(t, pol)
	half := must(t)(r.Approve(bob, pol, &list, "op1", noon))
	next, short, err := half.LeaveOut(cyd, pol, list, []string{"id-web-1", "id-gone"}, "op2", noon)
	if err != nil {
		t.Fatal(err)
	}
	want := Decision{Choice: ChoseLeave, By: "UCYD", At: noon, OpID: "op2", Count: 1}
	if next.State != Pending || next.LastDecision() != want || !slices.Equal(next.LeftOutBy(), []Decision{want}) || !slices.Equal(next.Approvers(), []string{"UBOB"}) {
		t.Errorf("%s by %+v", next.State, next.Decisions)
	}
	out := []LeftOut{{server("web-1"), SkipLeftOut}}
	if !reflect.DeepEqual(short.Servers, list.Servers[1:]) || !reflect.DeepEqual(short.LeftOut, out) || len(list.Servers) != 3 {
		t.Errorf("the list is %+v", short)
	}
	if next.Total != 2 || next.Digest != short.Digest("main", Soft) || !reflect.DeepEqual(next.Listed.LeftOut, out) || next.LeftOutCount != 1 || len(next.Sample) != 2 ||
		next.Named()[0].First != "db-1" || next.Skips()[0].Skip != SkipLeftOut || !reflect.DeepEqual(next.Original, &OriginalList{Total: 3, Digest: r.Digest}) {
		t.Errorf("listed is %+v", next.Listed)
	}
	// The lead is not needed any more, and nothing is missing; yet it takes a click.
	if next.ApprovalsNeeded != 1 || next.Missing() != 0 || len(next.Rules) != 0 {
		t.Errorf("it needs %d, %d are missing, by the rules %+v", next.ApprovalsNeeded, next.Missing(), next.Rules)
	}
	if _, err := next.Approve(lea, pol, &short, "op3", noon, bob); refusal(err) != NotApprover {
		t.Errorf("the lead approves: %v", err)
	}
	other := must(t)(next.Approve(cyd, pol, &short, "op3", noon, bob))
	same := must(t)(next.Approve(bob, pol, &short, "op3", noon))
	if other.State != Approved || same.State != Approved || same.Approvals() != 1 || !same.Decisions[0].Void || !slices.Equal(other.Approvers(), []string{"UBOB", "UCYD"}) {
		t.Errorf("%s by %v, %s by %+v", other.State, other.Approvers(), same.State, same.Decisions)
	}
	// An approval that is not needed any more is not void.
	led := must(t)(r.Approve(lea, pol, &list, "op1", noon))
	led, _, err = led.LeaveOut(cyd, pol, list, []string{"id-web-1"}, "op2", noon)
	if led = must(t)(must(t)(led, err).Approve(bob, pol, &short, "op3", noon, lea)); led.State != Approved || led.Decisions[0].Void {
		t.Errorf("%s by %+v", led.State, led.Decisions)
	}
	// The first list stays the original.
	last, _, err := next.LeaveOut(cyd, pol, short, []string{"id-db-1"}, "op4", noon)
	if err != nil || last.Original.Total != 3 || len(last.LeftOutBy()) != 2 {
		t.Errorf("%+v: %v", last.Original, err)
	}
}

func TestWhoMayLeaveOut(t *testing.T) {
	pol := ruled(needsLead)
	r, list := ruledRequest(t, pol)
	web := []string{"id-web-1"}
	for name, test := range map[string]struct {
		r    Request
		p    Person
		list ServerList
		ids  []string
		want RefusalKind
	}{
		"an approver":      {r, bob, list, web, ""},
		"of a slot":        {r, lea, list, web, ""},
		"the requester":    {r, ann, list, web, NotApprover},
		"somebody":         {r, eve, list, web, NotApprover},
		"cannot tell":      {r, Person{ID: "UEVE", UnknownGroups: []string{"SLEAD"}}, list, web, CannotTell},
		"a guest":          {r, Person{ID: "UBOB", Guest: true}, list, web, PersonGuest},
		"none of them":     {r, bob, list, []string{"id-gone"}, NoneListed},
		"nothing":          {r, bob, list, nil, NoneListed},
		"all":              {r, bob, list, []string{"id-web-1", "id-db-1", "id-dev-1"}, NoneRemains},
		"denied meanwhile": {must(t)(r.Deny(bob, pol, "", "op", noon)), bob, list, web, AlreadyDecided},
		"another list":     {r, bob, list.without(web), web, RefusalKind("not a refusal: " + ErrOtherList.Error())},
	} {
		next, got, err := test.r.LeaveOut(test.p, pol, test.list, test.ids, "op", noon)
		if refusal(err) != test.want || err != nil && (!reflect.DeepEqual(next, test.r) || !reflect.DeepEqual(got, test.list)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := r.LeaveOut(bob, pol, list, web, "op", late); refusal(err) != TooLate {
		t.Errorf("too late: %v", err)
	}
}

// What remains may be automatic. It still takes a click.
func TestWhatRemainsIsAutomatic(t *testing.T) {
	pol := ruled(autoDev)
	r, list := ruledRequest(t, pol)
	next, short, err := r.LeaveOut(bob, pol, list, []string{"id-web-1", "id-db-1"}, "op1", noon)
	if err != nil || next.State != Pending || next.ApprovalsNeeded != 0 || next.Missing() != 0 {
		t.Fatalf("%s, it needs %d: %v", next.State, next.ApprovalsNeeded, err)
	}
	for p, want := range map[*Person]RefusalKind{&eve: NotApprover, {ID: "UANN", Groups: []string{"SOPS"}}: OwnRequest, &bob: "", &cyd: ""} {
		done, err := next.Approve(*p, pol, &short, "op2", noon)
		if refusal(err) != want || (done.State == Approved) != (want == "") || refusal(next.MayApprove(*p, pol, noon)) != want {
			t.Errorf("%s: %s, %v", p.ID, done.State, err)
		}
	}
}

// The elements of the lists are others afterwards: what a newer version wrote into the
// former ones does not belong to them.
func TestLeavingOutKeepsFieldsOfANewerVersion(t *testing.T) {
	pol := ruled(needsLead)
	r, list := ruledRequest(t, pol)
	record := strings.Replace(marshal(t, r), `{"id":"S-23456"`, `{"new_field":1,"id":"S-23456"`, 1)
	record = strings.Replace(record, `"first":[{`, `"first":[{"zone":"a",`, 1)
	var read Request
	if err := json.Unmarshal([]byte(record), &read); err != nil {
		t.Fatal(err)
	}
	next, _, err := read.LeaveOut(bob, pol, list, []string{"id-web-1"}, "op", noon)
	if written := marshal(t, next); err != nil || !strings.Contains(written, `"new_field":1`) || strings.Contains(written, `"zone"`) {
		t.Errorf("%v: written as %s", err, written)
	}
}
