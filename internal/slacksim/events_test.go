package slacksim_test

import (
	"slices"
	"testing"

	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"

	"ecsbot/internal/slacksim"
)

// heard collects the events that an app gets and acknowledges.
func (r *rig) heard(t *testing.T) <-chan any {
	got := make(chan any, 10)
	r.connect(t, 1, func(sm *socketmode.Client, ev socketmode.Event) {
		if e, ok := ev.Data.(slackevents.EventsAPIEvent); ok {
			got <- e.InnerEvent.Data
		}
		sm.Ack(*ev.Request)
	})
	return got
}

func TestAChangedGroupIsAnnounced(t *testing.T) {
	r := newRig(t, slacksim.Options{})
	r.AddGroup(slacksim.Group{ID: "SAPP", Handle: "approvers", Users: []string{"UANN", "UOLD"}})
	got := r.heard(t)
	if a, err := r.ChangeGroup(soon(t), "SAPP", "UANN", "UBOB"); err != nil || !a.Acked || len(r.Deliveries()) != 2 {
		t.Fatalf("%+v %v", a, err)
	}
	changed, ok := (<-got).(*slackevents.SubteamMembersChangedEvent)
	if !ok || changed.SubteamID != "SAPP" || !slices.Equal(changed.AddedUsers, []string{"UBOB"}) || changed.AddedUsersCount != 1 ||
		!slices.Equal(changed.RemovedUsers, []string{"UOLD"}) || changed.RemovedUsersCount != 1 ||
		changed.DateUpdate <= int64(changed.DatePreviousUpdate) {
		t.Errorf("%+v", changed)
	}
	updated, ok := (<-got).(*slackevents.SubteamUpdatedEvent)
	if !ok || updated.Subteam.ID != "SAPP" || !slices.Equal(updated.Subteam.Users, []string{"UANN", "UBOB"}) || updated.Subteam.UserCount != 2 {
		t.Errorf("%+v", updated)
	}
	if users, err := r.api.GetUserGroupMembersContext(t.Context(), "SAPP"); err != nil || !slices.Equal(users, []string{"UANN", "UBOB"}) {
		t.Error(users, err)
	}
	if _, err := r.ChangeGroup(soon(t), "SNONE"); err == nil {
		t.Error("a group that there is not was changed")
	}
}

// An app gets the events that its manifest names, if its token may have them.
func TestOnlySubscribedEventsAreSent(t *testing.T) {
	for name, c := range map[string]struct {
		opt  slacksim.Options
		want []string
	}{
		"members only": {slacksim.Options{Events: []string{"subteam_members_changed"}}, []string{"subteam_members_changed"}},
		"home only":    {slacksim.Options{Events: []string{"app_home_opened"}}, []string{"app_home_opened"}},
		"none":         {slacksim.Options{Events: []string{}}, nil},
		"no scope":     {slacksim.Options{Scopes: []string{"users:read"}}, []string{"app_home_opened"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, c.opt)
			r.AddGroup(slacksim.Group{ID: "SAPP", Handle: "approvers"})
			got := r.heard(t)
			if _, err := r.ChangeGroup(soon(t), "SAPP", "UANN"); err != nil {
				t.Fatal(err)
			}
			if _, err := r.OpenHome(soon(t), "UANN"); err != nil {
				t.Fatal(err)
			}
			if n := len(r.Deliveries()); n != len(c.want) || len(got) != n {
				t.Fatalf("%d envelopes, want %v", n, c.want)
			}
			for _, want := range c.want {
				if kind := eventType(<-got); kind != want {
					t.Errorf("got %s, want %s", kind, want)
				}
			}
		})
	}
}

func eventType(e any) string {
	switch e := e.(type) {
	case *slackevents.AppHomeOpenedEvent:
		return e.Type
	case *slackevents.SubteamMembersChangedEvent:
		return e.Type
	case *slackevents.SubteamUpdatedEvent:
		return e.Type
	}
	return "?"
}
