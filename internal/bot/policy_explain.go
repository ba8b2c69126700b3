package bot

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/inventory"
)

// explainWithin bounds the reading of the cloud for `bot policy explain`.
const explainWithin = time.Minute

// explanation is what `bot policy explain` is asked.
type explanation struct {
	person  approvals.Person
	project string
	hard    bool
	start   bool
	servers []string
}

// readExplanation reads its command line.
func readExplanation(args []string, stderr io.Writer) (e explanation, err error) {
	flags := flag.NewFlagSet("bot policy explain", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&e.person.ID, "as", "", "the Slack id of the person, like U0123456789")
	flags.Func("in", "a user group (S…) that the person is in; may be repeated", func(id string) error {
		e.person.Groups = append(e.person.Groups, id)
		return nil
	})
	flags.StringVar(&e.project, "project", "", "the project, if there are several")
	flags.BoolVar(&e.hard, "hard", false, "for a request that cuts the power")
	flags.BoolVar(&e.start, "start", false, "for a request to start servers")
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: bot policy explain --as USER [--in GROUP] [--project NAME] [--hard] [--start] SERVER…")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return e, err
	}
	if e.servers = flags.Args(); len(e.servers) == 0 || !memberID.MatchString(e.person.ID) {
		flags.Usage()
		return e, errors.New("USER and SERVER are needed")
	}
	return e, nil
}

// explainPolicy prints which rules apply to servers, and what one person may do about
// them. It reads the servers from the cloud, and asks Slack nothing: which groups the
// person is in is said on the command line.
func explainPolicy(ctx context.Context, e explanation, lookup Lookup, stdout, stderr io.Writer) int {
	fail := func(err error) int {
		fmt.Fprintln(stderr, err)
		return exitFailed
	}
	s := settings{lookup: lookup}
	_, all := s.projects()
	if err := errors.Join(s.faults...); err != nil {
		return fail(err)
	}
	p, err := chosen(all, e.project)
	if err != nil {
		return fail(err)
	}
	servers, err := p.find(ctx, e.servers)
	if err != nil {
		return fail(err)
	}
	subject := approvals.Subject{Action: approvals.Stop, Mode: approvals.Soft, Servers: servers}
	if e.hard {
		subject.Mode = approvals.Hard
	}
	if e.start {
		subject.Action = approvals.Start
	}
	p.explain(stdout, e.person, subject, time.Now())
	return exitOK
}

// chosen is the project with the name, or the only one.
func chosen(all []Project, name string) (Project, error) {
	seen := make(approvals.Projects, len(all))
	for i, p := range all {
		seen[i] = p.Project
	}
	p, err := seen.Choose(name, "")
	if err != nil {
		return Project{}, fmt.Errorf("write --project with one of %s", strings.Join(seen.Names(), ", "))
	}
	return all[slices.IndexFunc(all, func(o Project) bool { return o.Name == p.Name })], nil
}

// find reads the servers that words name.
func (p Project) find(ctx context.Context, words []string) ([]approvals.Server, error) {
	served, err := (&clouds{log: slog.New(slog.DiscardHandler), observe: func(string, string, time.Duration) {}}).serve([]Project{p})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, explainWithin)
	defer cancel()
	inv := inventory.New(served[0].Cloud, slog.New(slog.DiscardHandler))
	defer inv.Close()
	found, missing, err := inv.Find(ctx, approvals.Ask{Servers: words})
	switch {
	case err != nil:
		return nil, fmt.Errorf("the servers of project %s cannot be read: %w", p.Name, err)
	case missing != nil:
		return nil, fmt.Errorf("project %s has no server %s", p.Name, strings.Join(missing.Missing, ", "))
	}
	return found, nil
}

// explain prints the rules that apply to the subject at a time, and what they mean for
// the person.
func (p Project) explain(w io.Writer, person approvals.Person, s approvals.Subject, at time.Time) {
	d := p.Policy.Demand(s, at)
	fmt.Fprintf(w, "Project %s: %s\n\n", p.Name, runs(s.Servers))
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range d.Rules {
		fmt.Fprintf(table, "rule %s\t%s\t%s\n", r.Name, runs(touchedBy(r, s, at)), demanded(r))
	}
	for _, slot := range d.Slots {
		if slot.Rule == "" {
			fmt.Fprintf(table, "no rule says who approves\t\t%d of %s\n", slot.Count, strings.Join(p.Policy.Approvers, ", "))
		}
	}
	if d.Automatic {
		fmt.Fprintf(table, "approved automatically\t\t\n")
	}
	table.Flush()
	fmt.Fprintf(w, "\n%s may request this: %s\n", person.ID, mayAsk(p.Policy, d, person))
	for _, slot := range d.Slots {
		name := "as an approver of the project"
		if slot.Rule != "" {
			name = "for rule " + slot.Rule
		}
		fmt.Fprintf(w, "%s may approve %s: %s\n", person.ID, name, mayFill(p.Policy, slot, person))
	}
}

// runs names servers in short.
func runs(servers []approvals.Server) string {
	var all []string
	for _, r := range approvals.NameRuns(servers) {
		name := r.First
		if r.Last != "" {
			name += " … " + r.Last
		}
		all = append(all, name)
	}
	return strings.Join(all, ", ")
}

// touchedBy are the servers that a matching rule touches.
func touchedBy(r approvals.Rule, s approvals.Subject, at time.Time) []approvals.Server {
	r.MoreThan = 0 // that is about all of them together
	alone := approvals.Policy{Rules: []approvals.Rule{r}}
	return slices.DeleteFunc(slices.Clone(s.Servers), func(server approvals.Server) bool {
		one := s
		one.Servers = []approvals.Server{server}
		return len(alone.Demand(one, at).Rules) == 0
	})
}

// demanded is what a rule demands, in a line.
func demanded(r approvals.Rule) string {
	var all []string
	add := func(is bool, format string, args ...any) {
		if is {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	list := func(ids []string) string { return strings.Join(ids, ", ") }
	add(r.Deny != "", "denied: %s", r.Deny)
	add(r.Auto && r.AutoHard, "automatic, also with --hard")
	add(r.Auto && !r.AutoHard, "automatic")
	add(len(r.Approvers) > 0, "%d of %s approve", max(1, r.Approvals), list(r.Approvers))
	add(len(r.Approvers) == 0 && r.Approvals > 0, "%d approvals", r.Approvals)
	add(len(r.Quiet) > 0, "or, without being mentioned, %s", list(r.Quiet))
	if r.Escalate != nil {
		add(true, "after %v also %s", r.Escalate.After, list(r.Escalate.To))
	}
	if r.SelfApproval != nil {
		add(*r.SelfApproval, "the requester may approve")
		add(!*r.SelfApproval, "the requester's own approval does not count")
	}
	add(len(r.Requesters) > 0, "requested by %s", list(r.Requesters))
	add(r.Reason, "reason")
	add(r.Ticket != "", "ticket like %s", r.Ticket)
	add(r.Channel != "", "card in %s", r.Channel)
	add(r.TTL > 0, "expires after %v", r.TTL)
	return strings.Join(all, "; ")
}

// mayAsk says whether the person may make the request, as far as the lists tell.
func mayAsk(pol approvals.Policy, d approvals.Demand, p approvals.Person) string {
	lists := [][]string{pol.Requesters}
	for _, r := range d.Rules {
		if r.Deny != "" {
			return "no, nobody may: " + r.Deny
		}
		lists = append(lists, r.Requesters)
	}
	return onAll(p, slices.DeleteFunc(lists, func(l []string) bool { return len(l) == 0 }))
}

// mayFill says whether the person may give the approval, as far as the lists tell.
func mayFill(pol approvals.Policy, s approvals.Slots, p approvals.Person) string {
	var lists [][]string
	for _, c := range pol.CirclesOf(s) {
		lists = append(lists, c.All(0))
	}
	answer := onAll(p, lists)
	if answer != "no" && !s.Self {
		answer += ", unless it is their own request"
	}
	return answer
}

// onAll says whether the person is on every list. A group that was not named on the
// command line decides nothing.
func onAll(p approvals.Person, lists [][]string) string {
	var decide []string
	for _, list := range lists {
		if slices.ContainsFunc(list, func(id string) bool { return id == p.ID || slices.Contains(p.Groups, id) }) {
			continue
		}
		groups := approvals.GroupsOf(list)
		if len(groups) == 0 {
			return "no"
		}
		decide = append(decide, strings.Join(groups, " or "))
	}
	if len(decide) > 0 {
		return "only as a member of " + strings.Join(decide, " and of ")
	}
	return "yes"
}
