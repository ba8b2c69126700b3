package slackapp

import (
	"fmt"
	"strings"

	"ecsbot/internal/approvals"
)

// Words about the projects that a bot serves.

const (
	sayProjectLabel       = "Project"
	sayProjectPlaceholder = "Choose a project"
	sayFormFootNoProject  = "Nothing is stopped until it is approved. Who approves depends on the project."
)

// sayFormFoot says what a request of the project needs.
func (v view) sayFormFoot(project string) string {
	p, err := v.Projects.Choose(project, "")
	if err != nil {
		return sayFormFootNoProject
	}
	return sayFormFoot(p.Policy)
}

// sayWrongProject says that no project has the name.
func sayWrongProject(no *approvals.Refusal) string {
	s := fmt.Sprintf(":x: There is no project %s. No request was created. ", code(no.Asked))
	if near := no.Near[no.Asked]; len(near) > 0 {
		return s + "Did you mean " + codes(near, " or ") + "?"
	}
	return s + "This bot serves " + codes(no.Projects, " and ") + "."
}

// sayWhichProject asks for the project.
func sayWhichProject(no *approvals.Refusal) string {
	return fmt.Sprintf(":x: Which project? Add `--project NAME` with %s. No request was created.", codes(no.Projects, " or "))
}

// sayProjectGone says that the settings do not have the request's project any more.
func sayProjectGone(r approvals.Request) string {
	return fmt.Sprintf(":x: %s is about project %s, which I no longer serve. Ask the people who run this bot.", code(r.ID), code(r.Project))
}

// codes lists words in code ticks, with last before the last one.
func codes(words []string, last string) string {
	ticked := make([]string, len(words))
	for i, w := range words {
		ticked[i] = code(w)
	}
	n := len(ticked) - 1
	if n < 1 {
		return strings.Join(ticked, "")
	}
	return strings.Join(ticked[:n], ", ") + last + ticked[n]
}
