package jobs

import (
	"slices"
	"sync"
	"sync/atomic"

	"ecsbot/internal/approvals"
	"ecsbot/internal/ecsclient"
	"ecsbot/internal/inventory"
)

// Project is a project of the cloud that requests may be about, with the client that
// reaches it.
type Project struct {
	approvals.Project
	Cloud  *ecsclient.Client
	Anchor Anchor // AnchorSubmit (default) or AnchorFinish
}

// project is a [Project] with what the engine keeps of it between steps. A project
// shares no state with another one, so that one whose cloud is away or whose keys are
// revoked holds up no other.
type project struct {
	Project
	*reach
	steps chan struct{} // holds an element for each step that uses the cloud
}

// reach is the state of a project that outlives a change of the settings.
type reach struct {
	inventory *inventory.Inventory
	polls     *pacer
}

// projects are all projects, in their newest version.
type projects struct {
	cfg Config

	changing sync.Mutex // one change at a time
	now      atomic.Pointer[[]*project]
}

// newProjects takes the projects of c, which has no defaults left to fill in.
func newProjects(c Config) *projects {
	ps := &projects{cfg: c}
	ps.set(c.Projects)
	return ps
}

// set replaces all projects. What is known through a client is kept as long as the
// client is the same.
func (ps *projects) set(all []Project) {
	ps.changing.Lock()
	defer ps.changing.Unlock()
	var old []*project
	if now := ps.now.Load(); now != nil {
		old = *now
	}
	next := make([]*project, len(all))
	for i, p := range all {
		p = p.withDefaults()
		if p.ID == ps.cfg.Keyspace {
			p.RecordID = ""
		} else {
			p.RecordID = p.ID
		}
		next[i] = &project{Project: p, steps: make(chan struct{}, ps.share(len(all)))}
		if j := slices.IndexFunc(old, func(o *project) bool { return o.Cloud == p.Cloud }); j >= 0 {
			next[i].reach = old[j].reach
			continue
		}
		next[i].reach = &reach{inventory: inventory.New(p.Cloud, ps.cfg.Log), polls: newPacer(ps.cfg.PollGap, pollBurst)}
	}
	ps.now.Store(&next)
	for _, o := range old {
		if !slices.ContainsFunc(next, func(p *project) bool { return p.reach == o.reach }) {
			o.inventory.Close()
		}
	}
}

// share is how many steps of one project may use the cloud at the same time: all, or
// half of them if there are other projects, because steps of a cloud that does not
// answer last long.
func (ps *projects) share(projects int) int {
	if projects == 1 {
		return ps.cfg.MaxSteps
	}
	return max(1, ps.cfg.MaxSteps/2)
}

func (ps *projects) all() []*project { return *ps.now.Load() }

// seen is what people see of the projects.
func seen(all []*project) approvals.Projects {
	seen := make(approvals.Projects, len(all))
	for i, p := range all {
		seen[i] = p.Project.Project
	}
	return seen
}

// choose returns the project that an ask is about, or a *approvals.Refusal
// ([approvals.Projects.Choose]).
func (ps *projects) choose(name, channel string) (*project, error) {
	all := ps.all()
	p, err := seen(all).Choose(name, channel)
	if err != nil {
		return nil, err
	}
	return named(all, p.Name), nil
}

// of returns the project that r is about, or nil if it is not served any more.
func (ps *projects) of(r approvals.Request) *project {
	return ps.recorded(r.ProjectID)
}

// recorded returns the project with the [approvals.Project.RecordID], or nil.
func (ps *projects) recorded(id string) *project {
	for _, p := range ps.all() {
		if p.RecordID == id {
			return p
		}
	}
	return nil
}

func named(all []*project, name string) *project {
	return all[slices.IndexFunc(all, func(p *project) bool { return p.Name == name })]
}

// quotas names the quotas of all projects in the store.
func (ps *projects) quotas() []string {
	var names []string
	for _, p := range ps.all() {
		if p.RecordID != "" {
			names = append(names, quotaName(p.RecordID, approvals.Stop), quotaName(p.RecordID, approvals.Start))
		}
	}
	return names
}

// close ends the background reads of all projects.
func (ps *projects) close() {
	for _, p := range ps.all() {
		p.inventory.Close()
	}
}

// begin takes one of the steps that may use the project's cloud at the same time; end
// gives it back. If all are taken it returns false.
func (p *project) begin() (end func(), ok bool) {
	select {
	case p.steps <- struct{}{}:
		return func() { <-p.steps }, true
	default:
		return nil, false
	}
}

// reserve is the room that a request too large for one window leaves for the first
// batch of a small one. A full batch fits beside it.
func (p Project) reserve() int { return approvals.Reserve(p.Rate, p.BatchSize) }
