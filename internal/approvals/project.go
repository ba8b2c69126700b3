package approvals

import (
	"slices"
	"strings"
)

// Project is one project of the cloud, as people see it.
type Project struct {
	Name      string // what --project takes
	ID        string // the cloud's
	Policy    Policy
	Channel   string   // where cards go; empty: where the command was typed
	Channels  []string // a command that is typed in one of them is about this project
	BatchSize int      // servers in one call: the card says how many calls there are
	Rate      int      // most servers in a minute: the card says how long it takes

	// RecordID is what the records of requests name the project by. It is empty for
	// the project that the store was made for, whose records may be older than other
	// projects, and the cloud's id for every other one.
	RecordID string
}

// Projects are all projects that a bot serves.
type Projects []Project

// Choose returns the project that an ask is about: the one that it names; else the one
// whose channel it was typed in; else the only one. The error is a *Refusal that lists
// them.
func (ps Projects) Choose(name, channel string) (Project, error) {
	if name != "" {
		i := slices.IndexFunc(ps, func(p Project) bool { return strings.EqualFold(p.Name, name) })
		if i < 0 {
			return Project{}, &Refusal{Kind: WrongProject, Asked: name, Projects: ps.Names(), Near: map[string][]string{name: Near(name, ps.Names(), 3)}}
		}
		return ps[i], nil
	}
	i := slices.IndexFunc(ps, func(p Project) bool { return slices.Contains(p.Channels, channel) })
	switch {
	case i >= 0:
		return ps[i], nil
	case len(ps) == 1:
		return ps[0], nil
	}
	return Project{}, &Refusal{Kind: WhichProject, Projects: ps.Names()}
}

// Of returns the project that r is about; false if it is not served any more.
func (ps Projects) Of(r Request) (Project, bool) {
	for _, p := range ps {
		if p.RecordID == r.ProjectID {
			return p, true
		}
	}
	return Project{}, false
}

// Names are the names of all, sorted.
func (ps Projects) Names() []string {
	names := make([]string, len(ps))
	for i, p := range ps {
		names[i] = p.Name
	}
	slices.Sort(names)
	return names
}

// Groups lists the user groups that any project's policy asks about.
func (ps Projects) Groups() []string {
	var all []string
	for _, p := range ps {
		all = append(all, p.Policy.Groups()...)
	}
	return GroupsOf(all)
}

// Approvers are the approvers of all projects and their rules: who may freeze what all
// of them send.
func (ps Projects) Approvers() []string {
	var all []string
	for _, p := range ps {
		for _, id := range slices.Concat(p.Policy.Deciders()...) {
			if !slices.Contains(all, id) {
				all = append(all, id)
			}
		}
	}
	return all
}

// Deciders are the lists of people and groups who may approve in any project, by its
// policy and by each rule.
func (ps Projects) Deciders() [][]string {
	var all [][]string
	for _, p := range ps {
		all = append(all, p.Policy.Deciders()...)
	}
	return all
}

// HaveChannel reports whether the settings of a project name a channel for cards.
func (ps Projects) HaveChannel() bool {
	return slices.ContainsFunc(ps, func(p Project) bool { return p.Channel != "" })
}
