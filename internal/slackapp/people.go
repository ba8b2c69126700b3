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
		members, err := a.api.GetUserGroupMembersContext(ctx, g)
		if gone(err, "no_such_subteam", "subteam_not_found", "plan_upgrade_required") {
			a.Log.ErrorContext(ctx, "a user group of the settings does not exist; nobody has rights by it", "group", g, "err", err)
			continue
		}
		if err != nil {
			return approvals.Person{}, fmt.Errorf("usergroups.users.list %s: %w", g, err)
		}
		if slices.Contains(members, id) {
			p.Groups = append(p.Groups, g)
		}
	}
	return p, nil
}

// gone reports whether Slack answered with one of the codes.
func gone(err error, codes ...string) bool {
	var answer slack.SlackErrorResponse
	return errors.As(err, &answer) && slices.Contains(codes, answer.Err)
}
