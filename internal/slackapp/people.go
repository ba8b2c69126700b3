package slackapp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"ecsbot/internal/approvals"

	"github.com/slack-go/slack"
	"golang.org/x/sync/singleflight"
)

// Knower keeps what Slack said of people and user groups, for all replicas.
type Knower interface {
	// KnownAnswer reads what is kept under the id into body; false if nothing is.
	KnownAnswer(ctx context.Context, id string, body any) (approvals.Known, bool, error)
	// KeepAnswer keeps body under the id; Slack was asked so long ago.
	KeepAnswer(ctx context.Context, id string, body any, asked time.Duration) error
	// Changed notes that what is kept under the id is out of date.
	Changed(ctx context.Context, id string) error
}

// How old an answer about a person may be. Who lets something go is looked at
// when they do it. Who is in a group is one answer for all acts of some seconds:
// it may be asked for 20 times a minute, by all replicas together. Slack tells
// when it changes (receiveEvent).
const (
	ageToLetGo = 0
	ageToAsk   = 10 * time.Second // an ask needs somebody's approval anyway
	ageToLook  = time.Minute
	ageOfGroup = 10 * time.Second
	groupsEach = 3500 * time.Millisecond // so often a group may be asked for
)

const (
	// lookUpWithin bounds one question about people.
	lookUpWithin = 5 * time.Second
	// holdWithin is how long an interaction that holds back waits for Slack.
	holdWithin = time.Second
)

// roles finds out who people are and what they may do.
type roles struct {
	*client
	flights singleflight.Group // questions to Slack that are on their way
}

// traits are what Slack says of a person, whatever the settings.
type traits struct {
	Deactivated bool `json:"deactivated,omitempty"`
	Bot         bool `json:"bot,omitempty"`
	Guest       bool `json:"guest,omitempty"`
	Foreign     bool `json:"foreign,omitempty"`
}

func (t traits) person(id string) approvals.Person {
	return approvals.Person{ID: id, Deactivated: t.Deactivated, Bot: t.Bot, Guest: t.Guest, Foreign: t.Foreign}
}

// person tells who somebody is, by an answer of Slack that is at most age old.
// Of groups it asks only for those in the lists, and not at all if the person
// is in the list themselves.
func (ro *roles) person(ctx context.Context, id string, age time.Duration, lists ...[]string) (approvals.Person, error) {
	t, err := ro.traits(ctx, id, age)
	if err != nil {
		return approvals.Person{}, err
	}
	p := t.person(id)
	return p, ro.addGroups(ctx, &p, lists)
}

// addGroups adds to p the groups in the lists that p is in, and those that Slack cannot
// tell about.
func (ro *roles) addGroups(ctx context.Context, p *approvals.Person, lists [][]string) error {
	for _, g := range groupsFor(p.ID, lists) {
		members, err := ro.members(ctx, g)
		if err != nil {
			return err
		}
		addGroup(p, g, members)
	}
	return nil
}

// addGroup adds the group g to p, if its members say so.
func addGroup(p *approvals.Person, g string, members []string) {
	switch {
	case slices.Contains(members, p.ID):
		p.Groups = append(p.Groups, g)
	case slices.Contains(members, unreadable):
		p.UnknownGroups = append(p.UnknownGroups, g)
	}
}

// unreadable stands among the members of a group about which Slack does not tell,
// because there is no such group, for example.
const unreadable = "?"

// groupsFor are the groups by which somebody may have a right.
func groupsFor(id string, lists [][]string) []string {
	return approvals.GroupsOf(slices.DeleteFunc(slices.Clone(lists), func(list []string) bool {
		return slices.Contains(list, id)
	})...)
}

// holder is who does something that only holds back. If Slack does not tell in
// time, what it said last is good enough: a brake that waits for Slack is none.
// People who stand in the list themselves get through even if nothing is known.
// enough tells whether what is known gives the right.
func (ro *roles) holder(ctx context.Context, id string, enough func(approvals.Person) error, lists ...[]string) (approvals.Person, error) {
	quick, cancel := context.WithTimeout(ctx, holdWithin)
	defer cancel()
	p, err := ro.person(quick, id, ageToAsk, lists...)
	if err == nil {
		return p, nil
	}
	var t traits
	ro.lastKnown(ctx, id, &t)
	p = t.person(id)
	for _, g := range groupsFor(id, lists) {
		var members []string
		ro.lastKnown(ctx, g, &members)
		addGroup(&p, g, members)
	}
	if enough(p) != nil {
		return approvals.Person{}, err
	}
	ro.log.WarnContext(ctx, "Slack does not say who somebody is now; what it said last serves to hold back", "user", id, "err", err)
	return p, nil
}

func (ro *roles) lastKnown(ctx context.Context, id string, body any) {
	if _, _, err := ro.desk.KnownAnswer(ctx, id, body); err != nil {
		ro.log.WarnContext(ctx, "what Slack said last could not be read", "id", id, "err", err)
	}
}

// decider is an approver who lets something go.
func (ro *roles) decider(ctx context.Context, id string, lists [][]string) (approvals.Person, error) {
	return ro.person(ctx, id, ageToLetGo, lists...)
}

// asker is somebody who asks for servers.
func (ro *roles) asker(ctx context.Context, id string, pol approvals.Policy) (approvals.Person, error) {
	return ro.person(ctx, id, ageToAsk, pol.Askers()...)
}

// viewer is somebody who only looks.
func (ro *roles) viewer(ctx context.Context, id string) (approvals.Person, error) {
	return ro.person(ctx, id, ageToLook)
}

// mayView returns a *approvals.Refusal for those who are shown nothing.
func (ro *roles) mayView(ctx context.Context, id string) error {
	p, err := ro.viewer(ctx, id)
	if err != nil {
		return err
	}
	return approvals.Belongs(p)
}

// brakeman is an approver who holds a request back, or, with an empty one, all.
func (ro *roles) brakeman(ctx context.Context, id string, r approvals.Request, pol approvals.Policy) (approvals.Person, error) {
	enough := func(p approvals.Person) error { return r.MayDecide(p, pol, time.Now()) }
	return ro.holder(ctx, id, enough, r.Deciders(pol)...)
}

// canceller is who withdraws a request: its requester, or an approver.
func (ro *roles) canceller(ctx context.Context, id, request string) (approvals.Person, error) {
	r, err := ro.desk.Find(ctx, request)
	var no *approvals.Refusal
	if err != nil && !errors.As(err, &no) {
		return approvals.Person{}, err
	}
	if r.Requester == id {
		return ro.holder(ctx, id, approvals.Belongs)
	}
	return ro.brakeman(ctx, id, r, ro.policyOf(r))
}

// earlier are those who approved a request, but for one person, as they are now as far
// as their ids and groups tell.
func (ro *roles) earlier(ctx context.Context, r approvals.Request, pol approvals.Policy, except string) ([]approvals.Person, error) {
	var all []approvals.Person
	for _, id := range r.Approvers() {
		if id == except {
			continue
		}
		p := approvals.Person{ID: id}
		if err := ro.addGroups(ctx, &p, r.Deciders(pol)); err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// traits asks Slack about a person, unless the answer known is new enough.
func (ro *roles) traits(ctx context.Context, id string, age time.Duration) (traits, error) {
	return lookUp(ctx, ro, id, age, func(ctx context.Context) (traits, error) {
		me, err := ro.self(ctx)
		if err != nil {
			return traits{}, err
		}
		var u *slack.User
		err = ro.call("users.info", func() (err error) { u, err = ro.api.GetUserInfoContext(ctx, id); return err })
		if hasSlackCode(err, "user_not_found", "user_not_visible") {
			return traits{Foreign: true}, nil
		}
		if err != nil {
			return traits{}, fmt.Errorf("users.info %s: %w", id, err)
		}
		return traits{
			Deactivated: u.Deleted, Bot: u.IsBot || u.IsWorkflowBot || id == "USLACKBOT",
			Guest:   u.IsRestricted || u.IsUltraRestricted,
			Foreign: u.IsStranger || u.TeamID != me.TeamID && !slices.Contains(u.Enterprise.Teams, me.TeamID),
		}, nil
	})
}

// members tells who is in a group.
func (ro *roles) members(ctx context.Context, group string) ([]string, error) {
	age := max(ageOfGroup, time.Duration(len(ro.desk.Projects().Groups()))*groupsEach)
	return lookUp(ctx, ro, group, age, func(ctx context.Context) (members []string, err error) {
		err = ro.call("usergroups.users.list", func() (err error) {
			members, err = ro.api.GetUserGroupMembersContext(ctx, group)
			return err
		})
		if hasSlackCode(err, "no_such_subteam", "subteam_not_found", "plan_upgrade_required") {
			ro.log.ErrorContext(ctx, "a user group of the settings cannot be read; nobody gets a right by it, and those who may be in it are asked to have it repaired", "group", group, "err", err)
			return []string{unreadable}, nil
		}
		if err != nil {
			return nil, fmt.Errorf("usergroups.users.list %s: %w", group, err)
		}
		return members, nil
	})
}

// learnGroups asks once for the members of all groups, so that there is a last
// answer to lean on when Slack stops answering.
func (ro *roles) learnGroups(ctx context.Context) {
	for _, g := range ro.desk.Projects().Groups() {
		if _, err := ro.members(ctx, g); err != nil && ctx.Err() == nil {
			ro.log.WarnContext(ctx, "who is in a user group is not known yet", "group", g, "err", err)
		}
	}
}

// lookUp returns what is known under the id if it is at most age old, and asks
// Slack otherwise. All who need the same answer at the same time share it. A
// question goes on when the one who asked it has lost patience, so that the next
// one finds the answer; it ends by its own deadline.
func lookUp[T any](ctx context.Context, ro *roles, id string, age time.Duration, ask func(context.Context) (T, error)) (T, error) {
	var none, is T
	if age > 0 {
		known, ok, err := ro.desk.KnownAnswer(ctx, id, &is)
		if err == nil && ok && !known.Changed && known.Age < age {
			return is, nil
		}
		is = none
	}
	answer := ro.flights.DoChan(id, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookUpWithin)
		defer cancel()
		began := time.Now()
		is, err := ask(ctx)
		if err != nil {
			return is, err
		}
		if err := ro.desk.KeepAnswer(ctx, id, is, time.Since(began)); err != nil {
			ro.log.WarnContext(ctx, "what Slack said could not be kept", "id", id, "err", err)
		}
		return is, nil
	})
	select {
	case <-ctx.Done():
		return none, fmt.Errorf("ask Slack about %s: %w", id, context.Cause(ctx))
	case got := <-answer:
		if got.Err != nil {
			return none, got.Err
		}
		return got.Val.(T), nil
	}
}

// errThrottled says that Slack wants a method not to be called for a while.
type errThrottled struct {
	method string
	until  time.Time
}

func (e errThrottled) Error() string {
	return fmt.Sprintf("Slack wants no %s until %s", e.method, e.until.UTC().Format(time.TimeOnly))
}

// RetryAfter is how long there is no use in trying again.
func (e errThrottled) RetryAfter() time.Duration { return max(0, time.Until(e.until)) }

// call calls a method of Slack, unless Slack has asked not to: a limit holds for
// one method.
func (cl *client) call(method string, do func() error) error {
	cl.mu.Lock()
	until := cl.quiet[method]
	cl.mu.Unlock()
	if time.Now().Before(until) {
		return errThrottled{method, until}
	}
	err := do()
	var limited *slack.RateLimitedError
	if !errors.As(err, &limited) {
		return err
	}
	until = time.Now().Add(max(limited.RetryAfter, time.Second))
	cl.mu.Lock()
	defer cl.mu.Unlock()
	if cl.quiet == nil {
		cl.quiet = map[string]time.Time{}
	}
	cl.quiet[method] = until
	return errThrottled{method, until}
}

// hasSlackCode reports whether Slack answered with one of the codes.
func hasSlackCode(err error, codes ...string) bool {
	var answer slack.SlackErrorResponse
	return errors.As(err, &answer) && slices.Contains(codes, answer.Err)
}
