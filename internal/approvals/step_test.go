package approvals

import "testing"

// An approver may have run the workflow in somebody else's name. So one approval more
// is needed: whoever ran it, enough others have approved.
func TestAStepNeedsOneApprovalMore(t *testing.T) {
	ben, carla := Person{ID: "UBEN"}, Person{ID: "UCARLA"}
	for name, c := range map[string]struct {
		step     string
		required int
		self     bool
		want     int
	}{
		"a command":                   {"", 1, false, 1},
		"a step":                      {"Fx1", 1, false, 2},
		"a step, two are required":    {"Fx1", 2, false, 3},
		"a step, nothing is required": {"Fx1", 0, false, 2},
		"own approvals count anyway":  {"Fx1", 1, true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			pol := rules
			pol.ApprovalsRequired, pol.AllowSelfApproval, pol.Approvers = c.required, c.self, []string{ben.ID, carla.ID}
			r, err := New("S-1", Ask{OpID: "op", By: Person{ID: "UANN"}, Channel: "C1", Step: c.step}, ServerList{Servers: []Server{{ID: "a", Name: "a", Status: "ACTIVE"}}}, pol, noon)
			if err != nil || r.ApprovalsNeeded != c.want || r.Step != c.step {
				t.Fatalf("needs %d, want %d; step %q (%v)", r.ApprovalsNeeded, c.want, r.Step, err)
			}
			r.ApprovalsNeeded = 1 // as if the settings had been looser when it was asked
			r, err = r.Approve(ben, pol, nil, "1", noon)
			if err != nil || (r.State == Approved) != (c.want == 1) {
				t.Errorf("after one approval it is %s (%v)", r.State, err)
			}
		})
	}
}

// The click that retries a step's request is no approval of it: that would be one.
func TestARetryOfAStepIsNotApprovedByItsClick(t *testing.T) {
	ben := Person{ID: "UBEN"}
	pol := rules
	pol.ApprovalsRequired, pol.AllowSelfApproval, pol.Approvers = 1, false, []string{ben.ID}
	r := Request{State: Failed, Asked: Asked{Requester: "UANN", Created: noon}, Decided: Decided{Expires: late, Decisions: []Decision{{Choice: ChoseApprove, By: "UCARLA", At: noon}}}}
	if !r.CarriesApproval(ben, pol, noon) {
		t.Fatal("that of a command is not approved either")
	}
	r.Step = "Fx1"
	if r.CarriesApproval(ben, pol, noon) {
		t.Error("that of a step is approved by one person")
	}
}

func TestAStepIsToldTheFirstEnd(t *testing.T) {
	for name, c := range map[string]struct {
		r    Request
		want bool
	}{
		"not ended":         {Request{State: Executing, Asked: Asked{Step: "Fx1"}}, false},
		"ended":             {Request{State: Failed, Asked: Asked{Step: "Fx1"}}, true},
		"unknown":           {Request{State: Unknown, Asked: Asked{Step: "Fx1"}}, true},
		"of a command":      {Request{State: Failed}, false},
		"a person's word":   {Request{State: Succeeded, Asked: Asked{Step: "Fx1"}, Decided: Decided{Decisions: []Decision{{Choice: ChoseServersOff}}}}, false},
		"a person's word 2": {Request{State: Failed, Asked: Asked{Step: "Fx1"}, Decided: Decided{Decisions: []Decision{{Choice: ChoseServersOn}}}}, false},
	} {
		if got := c.r.EndsStep(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestStepCountsAddUpToAllServers(t *testing.T) {
	r := Request{Listed: Listed{Total: 10, LeftOutCount: 3}}
	if got := r.StepCounts(); got != (StepCounts{Skipped: 13}) {
		t.Errorf("denied: %+v", got)
	}
	r.Tally = Tally{Stopped: 4, Off: 1, Failed: 2, Unknown: 1, LeftOut: 1, NotSent: 1}
	if got := r.StepCounts(); got != (StepCounts{Done: 5, Failed: 2, Unknown: 1, Skipped: 5}) {
		t.Errorf("ended: %+v", got)
	}
}
