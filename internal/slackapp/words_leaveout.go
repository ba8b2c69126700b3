package slackapp

import (
	"fmt"
	"slices"

	"ecsbot/internal/approvals"
)

// Words about servers that an approver leaves out.

const (
	sayLeaveOut       = "Leave some out…"
	sayLeaveTitle     = "Leave servers out"
	sayLeaveSubmit    = "Leave out"
	sayLeaveLabel     = "Servers to leave out"
	sayLeavePick      = "Search by name, id or address"
	sayFieldLeaveNone = "Choose at least one server."
)

// sayLeaveIntro says what the form is about.
func sayLeaveIntro(r approvals.Request) string {
	return sayDenyIntro(r) + " What you leave out is not touched, and can't be put back into this request. Approvals so far still count for the rest."
}

func sayLeaveFailed(id string) string {
	return fmt.Sprintf(":warning: I couldn't open the form in time; nothing was left out of %s. Please click again.", code(id))
}

// sayLeftOutNote tells in the thread which servers were left out.
func sayLeftOutNote(n approvals.Note) string {
	return fmt.Sprintf(":scissors: %s left out %s: %s. %s.", mention(n.By), count(n.Count, "server"), sayRuns(n.Names, n.Count, namesBudget), sayRemain(n.Rest))
}

func sayRemain(n int) string {
	if n == 1 {
		return "1 remains"
	}
	return thousands(n) + " remain"
}

// sayShortened tells how many of the servers asked for remain, and who left the others
// out; empty if nobody did.
func sayShortened(r approvals.Request) string {
	out, by := 0, []string(nil)
	for _, d := range r.LeftOutBy() {
		if out += d.Count; !slices.Contains(by, d.By) {
			by = append(by, d.By)
		}
	}
	if out == 0 || r.Original == nil {
		return ""
	}
	return fmt.Sprintf("%s of %s; %s left out by %s", thousands(r.Total), count(r.Original.Total, "server"), thousands(out), someMentions(by))
}

func sayDidLeaveOut(r approvals.Request) string {
	return fmt.Sprintf(":white_check_mark: Left out of %s: %s.", code(r.ID), sayShortened(r))
}
