package approvals

import "slices"

// A step of Slack's Workflow Builder asks in the name of a person whom the workflow
// fills in. Slack does not say who ran the workflow, so an approver could run it in
// somebody else's name and approve their own request.

// needed is how many people must approve a request. A request of a step needs one
// more: if one of them ran the workflow, enough others have approved.
func (pol Policy) needed(step string) int {
	n := max(1, pol.ApprovalsRequired)
	if step != "" && !pol.AllowSelfApproval {
		n++
	}
	return n
}

// forStep is d for a request of a step: with one approval more, and never automatic.
func (d Demand) forStep(step string, pol Policy) Demand {
	if step == "" || pol.AllowSelfApproval {
		return d
	}
	d.Automatic = false
	if d.Slots = slices.Clone(d.Slots); len(d.Slots) > 0 && d.Slots[0].Rule == "" {
		d.Slots[0].Count++
	} else {
		d.Slots = slices.Insert(d.Slots, 0, Slots{Count: 1})
	}
	return d
}

// EndsStep reports whether the end of the request is the one that its step is told: the
// first one. A person's statement about servers with unknown outcome comes after it.
func (r Request) EndsStep() bool {
	switch r.LastDecision().Choice {
	case ChoseServersOff, ChoseServersOn:
		return false
	}
	return r.Step != "" && r.State.Final()
}

// StepCounts are the numbers that a step is told. Together they are all servers that
// were asked for.
type StepCounts struct{ Done, Failed, Unknown, Skipped int }

// StepCounts counts the servers of a request that has ended.
func (r Request) StepCounts() StepCounts {
	c := StepCounts{Done: r.Tally.Good(), Failed: r.Tally.Failed, Unknown: r.Tally.Unknown}
	c.Skipped = r.Total + r.LeftOutCount - c.Done - c.Failed - c.Unknown
	return c
}
