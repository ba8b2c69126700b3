package bot_test

import (
	"time"

	"ecsbot/internal/simworld"
	"ecsbot/internal/slacksim"
)

// People of the simulated workspace.
const (
	anna  = "UANNA"  // asks
	ben   = "UBEN"   // approves
	carla = "UCARLA" // approves, by her user group
	dora  = "UDORA"  // has no rights
	gus   = "UGUS"   // a guest, and in the approvers' group
	ops   = "COPS"   // where the cards are
)

// Buttons of a card.
const (
	approve = "ecs_stop_approve"
	deny    = "ecs_stop_deny"
	cancel  = "ecs_stop_cancel"
)

// holds reports whether all the words are in a text.
var holds = simworld.Holds

// crowd adds approvers who must not decide, by one way or another.
func (w *world) crowd() {
	for _, u := range []slacksim.User{
		{ID: "UEVE", Name: "eve"}, {ID: "UFAY", Name: "fay", Stranger: true, TeamID: "TOTHER"},
		{ID: "UROBO", Name: "robo", Bot: true}, {ID: "USOLO", Name: "solo", SingleGuest: true},
	} {
		w.Slack.AddUser(u)
		w.Slack.Join(ops, u.ID)
	}
	w.Slack.SetGroup("SDUTY", carla, gus, "UEVE", "UFAY", "UROBO", "USOLO")
	w.Slack.Deactivate("UEVE")
}

// duty changes who is in the approvers' group, and waits until the bot knows.
func (w *world) duty(users ...string) {
	w.t.Helper()
	a, err := w.Slack.ChangeGroup(w.t.Context(), "SDUTY", users...)
	if err != nil || !a.Acked {
		w.t.Fatalf("the change of the group was not acknowledged: %v", err)
	}
}

// forged is a click that Slack's own clients would not make (any more).
func (w *world) forged(user string, m slacksim.Message, action, value string) {
	w.t.Helper()
	if _, err := w.Slack.ClickForged(w.t.Context(), user, m.Channel, m.TS, action, value); err != nil {
		w.t.Fatal(err)
	}
}

// insist does what a person does who gets no answer: the same again after a
// while, unless it has shown its effect.
func (w *world) insist(act func() (slacksim.Answer, error), effect func() bool) {
	w.t.Helper()
	for range 5 {
		a, err := act()
		if err != nil && !effect() {
			w.t.Fatal(err)
		}
		if a.Acked {
			return
		}
		deadline := time.Now().Add(4 * time.Second)
		for time.Now().Before(deadline) {
			if effect() {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	w.t.Fatal("the bot never answered")
}
