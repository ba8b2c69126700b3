package slackapp

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"ecsbot/internal/approvals"
)

// Served says which projects the bot serves now.
type Served interface {
	Projects() approvals.Projects
}

// projectFor chooses the project that somebody's ask is about: the one named, else that
// of the channel. Only members are told which projects there are.
func (a *App) projectFor(ctx context.Context, in interaction, name string) (approvals.Project, error) {
	p, err := a.desk.Projects().Choose(name, in.Channel)
	if err != nil {
		if outsider := a.roles.mayView(ctx, in.User); outsider != nil {
			return p, outsider
		}
	}
	return p, err
}

// policyOf is the policy for a request. Of a project that is not served any more nobody
// is an approver.
func (cl *client) policyOf(r approvals.Request) approvals.Policy {
	p, _ := cl.desk.Projects().Of(r)
	return p.Policy
}

// requestAndPolicy reads the request with the id, and the policy for it. If there is
// none, both are empty: what is done about it is refused.
func (cl *client) requestAndPolicy(ctx context.Context, id string) (approvals.Request, approvals.Policy, error) {
	r, err := cl.desk.Find(ctx, id)
	if _, none := errors.AsType[*approvals.Refusal](err); none {
		return approvals.Request{}, approvals.Policy{}, nil
	}
	return r, cl.policyOf(r), err
}

// anyApprover is a policy by which the approvers of all projects decide: about what
// holds for all of them.
func (cl *client) anyApprover() approvals.Policy { return anyApprover(cl.desk.Projects()) }

func anyApprover(projects approvals.Projects) approvals.Policy {
	return approvals.Policy{Approvers: projects.Approvers()}
}

// project is the project of a request, as far as it is drawn.
func (v view) project(r approvals.Request) approvals.Project {
	p, _ := v.Projects.Of(r)
	p.Rate, p.BatchSize = cmp.Or(p.Rate, 1000), cmp.Or(p.BatchSize, 100) // of one that is not served any more
	return p
}

// eta is when the request will be done, by its project's limits.
func (v view) eta(r approvals.Request) time.Time {
	p := v.project(r)
	return r.ETA(p.Rate, p.BatchSize)
}

// policyNamed is the policy of the project with the name; if there is none, an empty
// one.
func (v view) policyNamed(project string) approvals.Policy {
	p, _ := v.Projects.Choose(project, "")
	return p.Policy
}

// mayDecide returns nil if the person is an approver of any project, or a
// *approvals.Refusal.
func (v view) mayDecide(p approvals.Person) error {
	return anyApprover(v.Projects).MayDecide(p)
}

// approversOf are the people and groups who approve a request; without a request those of
// all projects.
func (v view) approversOf(r approvals.Request) []string {
	if r.ID == "" {
		return v.Projects.Approvers()
	}
	var all []string
	for _, s := range r.NeededSlots() {
		for _, c := range v.project(r).Policy.CirclesOf(s) {
			for _, id := range c.Approvers {
				if !slices.Contains(all, id) {
					all = append(all, id)
				}
			}
		}
	}
	return all
}
