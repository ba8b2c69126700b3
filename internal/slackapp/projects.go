package slackapp

import (
	"cmp"
	"context"
	"errors"

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

// policyFor is the policy for the request with the id. If there is none, it is empty:
// what is done about it is refused.
func (cl *client) policyFor(ctx context.Context, id string) (approvals.Policy, error) {
	r, err := cl.desk.Find(ctx, id)
	if _, none := errors.AsType[*approvals.Refusal](err); none {
		return approvals.Policy{}, nil
	}
	return cl.policyOf(r), err
}

// anyApprover is a policy by which the approvers of all projects decide: about what
// holds for all of them.
func (cl *client) anyApprover() approvals.Policy {
	return approvals.Policy{Approvers: cl.desk.Projects().Approvers()}
}

// project is the project of a request, as far as it is drawn.
func (v view) project(r approvals.Request) approvals.Project {
	p, _ := v.Projects.Of(r)
	p.Rate = cmp.Or(p.Rate, 1000) // of one that is not served any more
	return p
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
	return approvals.Policy{Approvers: v.Projects.Approvers()}.MayDecide(p)
}
