package slackapp

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"ecsbot/internal/approvals"

	"github.com/slack-go/slack"
)

// person asks Slack who somebody is now. Nothing of it is kept: rights are
// those of the moment of the click.
func (a *App) person(ctx context.Context, id string) (approvals.Person, error) {
	return a.personBy(ctx, id, a.members)
}

// personBy is person with another way to learn who is in a group.
func (a *App) personBy(ctx context.Context, id string, members func(ctx context.Context, group string) ([]string, error)) (approvals.Person, error) {
	me, err := a.self(ctx)
	if err != nil {
		return approvals.Person{}, err
	}
	u, err := a.api.GetUserInfoContext(ctx, id)
	if gone(err, "user_not_found", "user_not_visible") {
		return approvals.Person{ID: id, Foreign: true}, nil
	}
	if err != nil {
		return approvals.Person{}, fmt.Errorf("users.info %s: %w", id, err)
	}
	p := approvals.Person{
		ID: id, Deactivated: u.Deleted, Bot: u.IsBot || u.IsWorkflowBot || id == "USLACKBOT",
		Guest:   u.IsRestricted || u.IsUltraRestricted,
		Foreign: u.IsStranger || u.TeamID != me.TeamID && !slices.Contains(u.Enterprise.Teams, me.TeamID),
	}
	for _, g := range a.Policy.Groups() {
		in, err := members(ctx, g)
		if err != nil {
			return approvals.Person{}, err
		}
		if slices.Contains(in, id) {
			p.Groups = append(p.Groups, g)
		}
	}
	return p, nil
}

// members asks Slack who is in a group now.
func (a *App) members(ctx context.Context, group string) ([]string, error) {
	members, err := a.api.GetUserGroupMembersContext(ctx, group)
	if gone(err, "no_such_subteam", "subteam_not_found", "plan_upgrade_required") {
		a.Log.ErrorContext(ctx, "a user group of the settings does not exist; nobody has rights by it", "group", group, "err", err)
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("usergroups.users.list %s: %w", group, err)
	}
	return members, nil
}

// gone reports whether Slack answered with one of the codes.
func gone(err error, codes ...string) bool {
	var answer slack.SlackErrorResponse
	return errors.As(err, &answer) && slices.Contains(codes, answer.Err)
}
