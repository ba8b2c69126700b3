package slackapp

import (
	"fmt"
	"regexp"
	"strings"

	"ecsbot/internal/approvals"
)

// Words for servers: their names, their states, and why they are skipped.

// harmless are names that Slack shows as they are written.
var harmless = regexp.MustCompile(`^[\pL\pN][\pL\pN\pM._-]*$`)

// name shows a server's name. What Slack could take for formatting is shown as code.
func name(s string) string {
	if harmless.MatchString(s) {
		return s
	}
	return code(s)
}

// sayRuns names servers within budget bytes, and says how many of total it does
// not name.
func sayRuns(runs []approvals.NameRun, total, budget int) string {
	var b strings.Builder
	named := 0
	for _, run := range runs {
		said := sayRun(run)
		if named > 0 {
			said = ", " + said
		}
		if b.Len()+len(said) > budget {
			break
		}
		b.WriteString(said)
		named += run.Count
	}
	switch more := total - named; {
	case named == 0:
		return count(total, "server")
	case more > 0:
		b.WriteString(" and " + thousands(more) + " more")
	}
	return b.String()
}

func sayRun(run approvals.NameRun) string {
	s := name(run.First)
	switch {
	case run.ID != "": // another server has the same name
		s += " " + code(run.ID)
	case run.Last != "":
		s += " … " + name(run.Last)
	}
	if run.Gaps {
		s += " (" + thousands(run.Count) + " of them)"
	}
	return s
}

// namesBudget is the room for the names of servers on a card.
const namesBudget = 1000

// sayRequestNames names the servers of a request.
func sayRequestNames(r approvals.Request) string { return sayRuns(r.Named(), r.Total, namesBudget) }

// sayResultNames names the servers of some results within budget bytes.
func sayResultNames(results []approvals.Result, budget int) string {
	servers := make([]approvals.Server, len(results))
	for i, r := range results {
		servers[i] = r.Server
	}
	runs := approvals.NameRuns(servers)
	return sayRuns(runs[:min(maxRuns, len(runs))], len(results), budget)
}

// maxRuns is how many names, or runs of them, stand in one line.
const maxRuns = 10

// sayServerState is a server's state as people say it, as plain text.
func sayServerState(s approvals.Server) string {
	switch {
	case s.IsGoingOff():
		return "stopping"
	case s.IsGoingOn():
		return "starting"
	}
	state, known := map[string]string{"ACTIVE": "running", "SHUTOFF": "stopped"}[s.Status]
	if !known {
		state = strings.ToLower(s.Status)
	}
	if s.Task != "" {
		state += " (" + s.Task + ")"
	}
	return withoutControls(state)
}

// serverLine is one server with its id and what was seen of it.
func serverLine(s approvals.Server) string {
	return serverDetails(s, "• "+name(s.Name)+" "+code(s.ID))
}

func serverDetails(s approvals.Server, line string) string {
	line += " " + escape(sayServerState(s))
	if s.Address != "" {
		line += " " + escape(s.Address)
	}
	return line
}

// Words for skipped servers.

// saySkipped counts what is skipped, by reason, in one line.
func saySkipped(skips []approvals.SkipCount, total int) string {
	s := "Skipped " + thousands(total) + ":"
	if len(skips) == 1 && skips[0].Count == total {
		return s + fmt.Sprintf(" %s (%s)", sayWhy(skips[0].Skip), sayRuns(skips[0].Names, total, 250))
	}
	told := 0
	for i, skip := range skips {
		part := fmt.Sprintf(" %s %s (%s)", thousands(skip.Count), sayWhy(skip.Skip), sayRuns(skip.Names, skip.Count, 250))
		if i > 0 {
			part = "," + part
		}
		if len(s)+len(part) > namesBudget {
			break
		}
		s += part
		told += skip.Count
	}
	if more := total - told; more > 0 {
		s += " and " + thousands(more) + " more"
	}
	return s
}

func sayRequestSkipped(r approvals.Request) string { return saySkipped(r.Skips(), r.LeftOutCount) }

func sayWhy(w approvals.SkipReason) string {
	switch w {
	case approvals.SkipOff:
		return "already stopped"
	case approvals.SkipOn:
		return "already running"
	case approvals.SkipStartState:
		return "in a state that can't be started"
	case approvals.SkipGoingOff:
		return "already being stopped"
	case approvals.SkipGoingOn:
		return "already being started"
	case approvals.SkipChangedSince:
		return "changed since it was stopped"
	case approvals.SkipLocked:
		return "locked in the cloud"
	case approvals.SkipBusy:
		return "busy with another task"
	case approvals.SkipVanished:
		return "no longer exists"
	case approvals.SkipProtected:
		return "protected"
	case approvals.SkipBareMetal:
		return "bare metal, not supported"
	case approvals.SkipStopState:
		return "in a state that can't be stopped"
	case approvals.SkipLeftOut:
		return sayLeftOutByApprover
	case approvals.SkipChangedMeanwhile:
		return "changed since the request (checked after a database restart)"
	}
	return string(w)
}

func sayLeftOutAtEnd(l approvals.LeftOut) string {
	return fmt.Sprintf("• %s %s skipped: %s", name(l.Server.Name), code(l.Server.ID), sayWhy(l.Skip))
}
