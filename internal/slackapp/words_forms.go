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
	sayFormSubmit = "Review"
	sayFormClose  = "Cancel"
	sayFormBack   = "Back"

	sayPickLabel        = "Servers"
	sayPickPlaceholder  = "Search by name, id or tag"
	sayPickHint         = "The request includes everything from the three fields."
	sayNamesLabel       = "More servers by name, pattern or id"
	sayNamesPlaceholder = "web-1 web-2 batch-*"
	sayTagsLabel        = "All servers with these tags"
	sayTagsPlaceholder  = "env=dev team=a"
	sayTagsHint         = "key=value. With several tags, a server must have all of them."
	sayHowLabel         = "Shutdown type"
	saySoft             = "Graceful shutdown"
	saySoftMeans        = "Asks the operating system to shut down."
	sayHard             = "Power off"
	sayHardMeans        = "Cuts the power: unsaved data is lost, file systems may be damaged."
	sayWhyLabel         = "Reason"
	sayWhyPlaceholder   = "Shown to the approvers"

	sayTicketLabel       = "Ticket"
	sayTicketPlaceholder = "Of the change, where a rule asks for one"

	sayFieldReason  = "A reason is required."
	sayFieldServers = "Choose servers here, name them below, or give a tag."
	sayHaveForm     = "I already have this; the answer is on its way."

	sayNoForm           = ":warning: I couldn't open the form in time. No request was created. Try again, or type it:"
	sayFormNeedsChannel = "A request needs a channel. Type `/ecs-stop` in a channel that I am in; the form opens there."

	sayPreviewTitle  = "Review request"
	sayPreviewSubmit = "Send request"

	sayShow      = "Show servers"
	sayPrev      = "Previous"
	sayNext      = "Next"
	sayPageClose = "Close"
)

func sayFormFoot(pol approvals.Policy) string {
	need := max(1, pol.ApprovalsRequired)
	who := mentions(pol.Approvers)
	if len(pol.Approvers) == 0 { // no project is chosen yet
		return "Nothing is stopped without approval."
	}
	if len(pol.Approvers) == 1 && need == 1 {
		return fmt.Sprintf("Up to %s. Nothing is stopped until %s approves.", count(pol.MaxServers, "server"), who)
	}
	verb := "approve"
	if need == 1 {
		verb = "approves"
	}
	return fmt.Sprintf("Up to %s. Nothing is stopped until %d of %s %s.", count(pol.MaxServers, "server"), need, who, verb)
}

// sayOption is one server to choose: its state is seen even if its name is long.
func sayOption(s approvals.Server, protected bool) string {
	state := clipRunes(sayServerState(s), 22)
	if protected {
		state += " · protected"
	}
	rest := " · " + state
	if s.Address != "" {
		rest += " · " + clipRunes(withoutControls(s.Address), 15)
	}
	return clipRunes(withoutControls(s.Name), maxOption-utf8.RuneCountInString(rest)) + rest
}

func sayPreviewFoot(r approvals.Request) string {
	s := fmt.Sprintf("Nothing has been requested yet. *%s* posts a card in <#%s>, where it needs %s.", sayPreviewSubmit, r.Channel, sayPlannedNeed(r))
	if automatic(r) {
		s = fmt.Sprintf("Nothing has been requested yet. *%s* starts it at once and posts a card in <#%s>: it needs no approval.", sayPreviewSubmit, r.Channel)
	}
	if names := ruleNames(r, func(approvals.Rule) bool { return true }); len(names) > 0 {
		s += "\n" + upper(sayRuleNames(names)) + "."
	}
	return s
}

// Words of the list of all servers.

func sayPageTitle(id string) string { return "Servers of " + id }

func sayPage(r approvals.Request, first, last, all int) string {
	return fmt.Sprintf("%s to %s of %s, as of %s.", thousands(first), thousands(last), count(all, "server"), clock(r.Created))
}

func sayShowFailed(id string) string {
	return ":warning: I couldn't open the list in time. Click again or type " + code("/ecs-stop status "+id) + "."
}

// Words of the results of a request that has ended.

const sayResults = "View results"

func sayResultsHead(r approvals.Request, first, last, all int) string {
	s := sayTitle(r, approvals.Freeze{}) + "\n" + sayTally(r.Tally)
	if last < all || first > 1 {
		s += fmt.Sprintf("\n%s to %s of %s, failures first.", thousands(first), thousands(last), count(all, "server"))
	}
	return s
}

// sayResult is the result of one server. One that somebody has to look at comes with its
// id.
func sayResult(r approvals.Result) string {
	line := "• " + name(r.Server.Name)
	if r.Outcome == approvals.ActionFailed || r.Outcome == approvals.NotKnown {
		line += " " + code(r.Server.ID)
	}
	line += ": " + sayOutcome(r)
	if r.Seconds > 0 {
		line += " in " + took(time.Duration(r.Seconds)*time.Second)
	}
	if why := strings.TrimSpace(r.Code + " " + whyOf(r)); why != "" {
		line += ", " + clip(escape(why), 200)
	}
	return line
}

func sayResultsWhere(link string, file bool) string {
	if file {
		return "All results are in <" + link + "|the thread>, as a file."
	}
	return "<" + link + "|Go to the thread>"
}

// Words of the verb that shows servers.

// sayFound lists servers as they are now, and what names none.
func sayFound(found []approvals.Server, missing *approvals.Refusal) string {
	var b strings.Builder
	if len(found) > 0 {
		names := map[string]int{}
		for _, s := range found {
			names[s.Name]++
		}
		fmt.Fprintf(&b, "*%s:* %s\n", count(len(found), "server"), sayStates(found))
		b.WriteString(listing(found, len(found), 2200, func(s approvals.Server) string {
			if names[s.Name] > 1 {
				return serverLine(s)
			}
			return serverDetails(s, "• "+name(s.Name))
		}))
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
		n[sayServerState(s)]++
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
		line := "• I can't find a server called " + code(w) + "."
		switch {
		case strings.Contains(w, "*"):
			line = "• No server name matches " + code(w) + "."
		case strings.Contains(w, "="):
			line = "• No server has the tag " + code(w) + "."
		case approvals.IsServerID(w):
			line = "• I can't find a server with the id " + code(w) + "."
		}
		if near := no.Near[w]; len(near) > 0 {
			names := make([]string, len(near))
			for i, name := range near {
				names[i] = code(name)
			}
			line += " Did you mean " + strings.Join(names, " or ") + "?"
		}
		return line
	})
}

// Words of the Home.

const (
	sayHomeTitle        = "Server stops"
	sayHomeRequest      = "Request a stop"
	sayHomeWaiting      = "*Needs your approval*"
	sayHomeNothingWaits = "You're all caught up."
	sayHomeOwn          = "*Your requests*"
	sayHomeRunning      = "*Running*"
	sayHomeResults      = "*Recent*"
)

func sayHomeFoot(now time.Time) string {
	return "`/ecs-stop help` shows all commands. Updated " + clock(now) + "."
}

func sayHomeMore(n int) string {
	return "… and " + thousands(n) + " more: `/ecs-stop list`"
}

func sayHomeFrozen(f approvals.Freeze) string { return ":snowflake: " + sayFreeze(f) }

// sayHomeWish is a request that waits for a decision, with all that is needed to decide.
func (v view) sayHomeWish(r approvals.Request, link string) string {
	s := sayTitle(r, approvals.Freeze{}) + "\n" + v.sayWish(r)
	if warnings := sayWarnings(r); warnings != "" {
		s += "\n" + warnings
	}
	s += "\n" + sayRuns(r.Named()[:min(5, len(r.Named()))], r.Total, 400)
	if r.LeftOutCount > 0 {
		s += "\n" + clip(sayRequestSkipped(r), 400)
	}
	if by := sayApprovers(r); by != "" && !byRules(r) {
		s += "\nApproved so far by " + by
	}
	foot := []string{"expires " + clock(r.Expires), v.saySmall(r)}
	if byRules(r) || r.Missing() == 0 {
		s += "\n" + v.sayNeed(r) + v.sayFillings(r)
	} else {
		foot = slices.Insert(foot, 0, "Needs "+count(r.Missing(), "approval"))
	}
	return s + "\n" + strings.Join(foot, " · ") + sayHomeLink(link)
}

// sayHomeOpen is a request under way.
func (v view) sayHomeOpen(r approvals.Request, f approvals.Freeze, link string) string {
	s := sayTitle(r, f)
	if r.State == approvals.Pending {
		s += "\n" + v.sayPending(r, approvals.Freeze{})
	} else if detail := v.sayDetail(r, approvals.Freeze{}); detail != "" {
		s += "\n" + detail
	}
	return s + fmt.Sprintf("\n%s · %s%s", mention(r.Requester), r.ID, sayHomeLink(link))
}

// sayHomeEnded is a row of the last results: what became of it; and who asked, and when.
func sayHomeEnded(r approvals.Request, link string) (what, who string) {
	id := r.ID
	if link != "" {
		id = "<" + link + "|" + r.ID + ">"
	}
	what = sayTitle(r, approvals.Freeze{}) + " · " + id
	small := []string{mention(r.Requester), clock(r.Finished)}
	last := r.LastDecision()
	switch {
	case last.Choice == approvals.ChoseDeny || last.Choice == approvals.ChoseCancel && last.By != r.Requester:
		small[0] += ", by " + mention(last.By)
	case r.Batches > 0 && r.State != approvals.Succeeded:
		small = append(small, strings.TrimSuffix(sayTally(bad(r.Tally)), "."))
	}
	return what, strings.Join(small, " · ")
}

func sayHomeLink(link string) string {
	if link == "" {
		return ""
	}
	return " · <" + link + "|View>"
}
