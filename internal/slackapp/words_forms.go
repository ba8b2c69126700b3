package slackapp

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"ecsbot/internal/approvals"
)

// Words of the request form. Those of its fields are shown as they are, without
// formatting.

const (
	sayFormTitle  = "Stop servers"
	sayFormSubmit = "Preview"
	sayFormClose  = "Cancel"
	sayFormBack   = "Back"
	sayFormDone   = "Done"

	sayPickLabel        = "Servers"
	sayPickPlaceholder  = "Type part of a name, an id or a tag"
	sayPickHint         = "All fields add up: these servers, those named below, and those with the tags."
	sayNamesLabel       = "More servers by name, pattern or id"
	sayNamesPlaceholder = "web-1 web-2 batch-*"
	sayTagsLabel        = "All servers with these tags"
	sayTagsPlaceholder  = "env=dev team=a"
	sayTagsHint         = "key=value; of several tags a server must have all."
	sayHowLabel         = "How"
	saySoftMeans        = "Asks the system to shut down."
	sayHardMeans        = "Cuts the power: unsaved data is lost, file systems may break."
	sayWhyLabel         = "Reason"
	sayWhyPlaceholder   = "Shown to the approvers"

	sayFieldReason  = "A reason is required."
	sayFieldServers = "No server is named. Choose some here, name them below, or give a tag."
	sayHaveForm     = "I have this already; the answer comes in a moment."

	sayNoForm           = ":warning: I could not open the form in time; nothing was asked for. Try again, or type it:"
	sayFormNeedsChannel = ":information_source: The card has to stand in a channel. Type `/ecs-stop` in that channel; the form opens there, too."

	sayPreviewTitle  = "Check and ask"
	sayPreviewSubmit = "Ask"
	sayAsking        = ":hourglass_flowing_sand: Asking …"

	sayShow      = "Show servers"
	sayPrev      = "Previous"
	sayNext      = "Next"
	sayPageClose = "Close"
)

func sayFormFoot(pol approvals.Policy) string {
	return fmt.Sprintf("At most %s in one request. It needs %s from %s; nothing is stopped before.", count(pol.MaxServers, "server"), count(max(1, pol.ApprovalsRequired), "approval"), mentions(pol.Approvers))
}

// sayOption is one server to choose: its state is seen even if its name is long.
func sayOption(s approvals.Server) string {
	state := s.Status
	if s.Task != "" {
		state += ", " + s.Task
	}
	rest := " · " + clipRunes(withoutControls(state), 20)
	if s.Address != "" {
		rest += " · " + clipRunes(withoutControls(s.Address), 15)
	}
	return clipRunes(withoutControls(s.Name), maxOption-utf8.RuneCountInString(rest)) + rest
}

func sayPreviewFoot(r approvals.Request) string {
	return fmt.Sprintf("Nothing is asked for yet. *Ask* posts a card in <#%s>, where it needs %s. List %s.", r.Channel, count(r.ApprovalsNeeded, "approval"), code(r.Digest))
}

// Words of the list of all servers.

func sayPageTitle(id string) string { return "Servers of " + id }

func sayPage(r approvals.Request, first, last, all int) string {
	return fmt.Sprintf("%s to %s of %s, as they were when %s asked, %s.", thousands(first), thousands(last), count(all, "server"), mention(r.Requester), clock(r.Created))
}

func sayLeftOutAtEnd(l approvals.LeftOut) string { return sayOneLeftOut(l) + " (left out)" }

func sayOneLeftOut(l approvals.LeftOut) string {
	return fmt.Sprintf("• %s %s: %s", bold(l.Server.Name), code(l.Server.ID), sayWhy(l.Skip))
}

func sayShowFailed(id string) string {
	return ":warning: I could not open the list in time. Click again, or type " + code("/ecs-stop status "+id) + "."
}

// Words of the verb that shows servers.

// sayFound lists servers as they are now, and what names none.
func sayFound(found []approvals.Server, missing *approvals.Refusal) string {
	var b strings.Builder
	if len(found) > 0 {
		fmt.Fprintf(&b, "*%s* now: %s\n", count(len(found), "server"), sayStates(found))
		b.WriteString(listing(found, len(found), 2200, serverLine))
	}
	if missing != nil {
		if b.Len() > 0 {
			b.WriteString("\n")
		}
		b.WriteString(sayMissing(missing))
	}
	return b.String()
}

// sayStates counts servers by state.
func sayStates(servers []approvals.Server) string {
	n := map[string]int{}
	for _, s := range servers {
		n[s.Status]++
	}
	parts := make([]string, 0, len(n))
	for _, state := range slices.Sorted(maps.Keys(n)) {
		parts = append(parts, thousands(n[state])+" "+escape(state))
	}
	return clip(strings.Join(parts, ", "), 300) + "."
}

// sayMissing lists the words that name no server, each with names like it.
func sayMissing(no *approvals.Refusal) string {
	return listing(no.Missing, len(no.Missing), 1500, func(w string) string {
		line := "• " + code(w) + " names no server that I can see"
		if near := no.Near[w]; len(near) > 0 {
			names := make([]string, len(near))
			for i, name := range near {
				names[i] = code(name)
			}
			line += ". Did you mean " + strings.Join(names, " or ") + "?"
		}
		return line
	})
}

// Words of the Home.

const (
	sayHomeTitle        = "Stop servers, with approval"
	sayHomeWaiting      = "*Waits for your decision*"
	sayHomeNothingWaits = "Nothing waits for you."
	sayHomeOwn          = "*You asked for*"
	sayHomeRunning      = "*Running*"
	sayHomeResults      = "*Last results*"
)

func sayHomeFoot(now time.Time) string {
	return "Ask with `/ecs-stop` in a channel; `/ecs-stop help` tells how. As of " + clock(now) + "."
}

func sayHomeMore(n int) string {
	return "… and " + thousands(n) + " more: `/ecs-stop list`"
}

func sayHomeFrozen(f approvals.Freeze) string { return ":snowflake: *Frozen.* " + sayFreeze(f) }

// sayHomeWish is a request that waits for a decision.
func sayHomeWish(r approvals.Request, link string) string {
	s := sayWish(r) + "\n" + sayNames(names(r, 5), r.Total)
	if warnings := sayWarnings(r); warnings != "" {
		s += "\n" + warnings
	}
	return s + fmt.Sprintf("\n%s · until %s%s", code(r.ID), clock(r.Expires), sayHomeLink(link))
}

// sayHomeOpen is a request under way.
func (v view) sayHomeOpen(r approvals.Request, f approvals.Freeze, link string) string {
	s := fmt.Sprintf("%s %s: %s in %s, %s%s", code(r.ID), sayStateWord(r), count(r.Total, "server"), bold(r.Project), mention(r.Requester), sayHomeLink(link))
	if r.State == approvals.Executing {
		s += "\n" + v.sayProgress(r, f)
	}
	return s
}

func sayHomeEnded(r approvals.Request, link string) string {
	s := fmt.Sprintf("%s %s: %s in %s, %s, %s%s", code(r.ID), sayStateWord(r), count(r.Total, "server"), bold(r.Project), mention(r.Requester), clock(r.Finished), sayHomeLink(link))
	if r.Batches > 0 {
		s += "\n" + sayTally(r.Tally)
	}
	return s
}

func sayHomeLink(link string) string {
	if link == "" {
		return ""
	}
	return " · <" + link + "|its card>"
}
