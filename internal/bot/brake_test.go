package bot_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/ecssim"
	"ecsbot/internal/jobs"
	"ecsbot/internal/slacksim"
)

// pulled is how long a brake may take on a machine that does much else at the
// same time. The promise is two seconds.
const pulled = 10 * time.Second

func (w *world) frozen() bool { return stored[approvals.Freeze](w, "halt").On }

func (w *world) state(card slacksim.Message) approvals.State {
	return stored[approvals.Request](w, "r:"+requestID(card)).State
}

// askers are ten more people who may ask.
func (w *world) askers() []string {
	var ids []string
	for n := range 10 {
		id := fmt.Sprint("UASK", n)
		w.Slack.AddUser(slacksim.User{ID: id, Name: strings.ToLower(id)})
		w.Slack.Join(ops, id)
		ids = append(ids, id)
	}
	w.Slack.AddGroup(slacksim.Group{ID: "SASK", Handle: "ask", Users: append(ids, anna)})
	return ids
}

// The emergency brake. Ten people have 400 dry runs under way on a slow cloud,
// Slack does not say who anybody is, neither by users.info nor by the groups, and
// the bot was restarted since it knew. A freeze, a denial and a cancellation take
// effect all the same; an approval and an unfreeze do not.
func TestTheBrakeWorksWhateverElseGoesOn(t *testing.T) {
	for name, groups := range map[string]slacksim.Fault{
		"groups are throttled": slacksim.RateLimited(3 * time.Second), "nothing answers": slacksim.Hang,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			brakesWork(t, groups)
		})
	}
}

// brakesWork is the story, with a way in which Slack does not say who is in a
// group.
func brakesWork(t *testing.T, groups slacksim.Fault) {
	cloud := ecssim.Options{MinJobTime: 100 * time.Millisecond, MaxJobTime: 300 * time.Millisecond, Seed: 1}
	w := newWorldWith(t, cloud, quiet, "APPROVERS", "SDUTY", "ECS_BATCH_SIZE", "1", "ECS_STOP_RATE", "1")
	people := w.askers()
	w.fleet(40)
	stop := w.start(nil)
	running, denied, cancelled, pending := w.Ask(anna, "web-1 web-2 web-3 web-4 web-5 web-6"), w.Ask(anna, "web-7"), w.Ask(anna, "web-8"), w.Ask(anna, "web-9")
	w.Click(carla, running, approve)
	w.Reply(running, "Sent to Huawei Cloud")
	stop()
	w.forgetful(24 * time.Hour)

	w.Slack.FailNext("usergroups.users.list", 1<<30, groups)
	w.Slack.FailNext("users.info", 1<<30, slacksim.Hang)
	w.start(func(c *jobs.Config) { fast(c); c.RetryIn = 3 * time.Second }) // the default
	w.Cloud.FailNext("list", 1<<30, ecssim.Delay(500*time.Millisecond))
	var wg sync.WaitGroup
	for _, user := range people {
		wg.Go(func() {
			for range 40 {
				w.Slack.Command(t.Context(), user, ops, "/ecs-stop", "web-* --dry-run")
			}
		})
	}
	wg.Wait()
	took := func(what string, began time.Time, ok func() bool) {
		t.Helper()
		// The promise is two seconds. A question to Slack that nobody answers lasts
		// five: this tells an act that waits for it from one that does not.
		w.Within(4*time.Second, what, ok)
		t.Logf("%s after %v", what, time.Since(began).Round(10*time.Millisecond))
	}

	began := time.Now()
	w.Command(carla, "freeze production is burning")
	took("freeze", began, w.frozen)
	sent := len(w.Stops())

	began = time.Now()
	w.Click(carla, denied, deny)
	var form slacksim.View
	took("form for the denial", began, func() (open bool) { form, open = w.Slack.View(carla); return open })
	if _, err := w.Slack.Submit(t.Context(), carla, form.ID, map[string]map[string]any{"reason": {"text": "not now"}}); err != nil {
		t.Fatal(err)
	}
	took("denial", began, func() bool { return w.state(denied) == approvals.Denied })

	began = time.Now()
	w.Click(anna, cancelled, cancel)
	took("cancellation", began, func() bool { return w.state(cancelled) == approvals.Cancelled })

	began = time.Now()
	w.Command(carla, "cancel "+requestID(running))
	took("an approver's cancellation of what runs", began, func() bool {
		r := stored[approvals.Request](w, "r:"+requestID(running))
		return r.Cancellation != nil && r.Cancellation.By == carla
	})

	// What lets go does not lean on what was known.
	w.Click(carla, pending, approve)
	w.Command(carla, "unfreeze")
	tries := func() int { return len(w.Slack.Calls("users.info")) + len(w.Slack.Calls("usergroups.users.list")) }
	before := tries()
	w.Within(20*time.Second, "tries to find out who they are", func() bool { return tries() > before+1 })
	if w.state(pending) != approvals.Pending || !w.frozen() {
		t.Errorf("it is %s and frozen: %t, although nobody could say who asked for that", w.state(pending), w.frozen())
	}
	if n := len(w.Stops()); n != sent {
		t.Errorf("%d stops were sent after the freeze", n-sent)
	}
}

// Slack's limits are kept to: a method that answered 429 is left alone for as
// long as it asked, and people without rights use up nothing that others need.
func TestListsUseUpNothingThatTheBrakeNeeds(t *testing.T) {
	t.Parallel()
	slack := quiet
	slack.Tiers = true // Slack's documented requests a minute
	w := newWorldWith(t, ecssim.Options{}, slack, "APPROVERS", "SDUTY", "REQUESTERS", "SASK")
	w.askers()
	w.start(nil)
	for range 30 {
		w.Command(dora, "list") // dora has no rights at all
	}
	w.Command(carla, "freeze production is burning")
	w.Within(pulled, "freeze", w.frozen)
	w.settled()
	if n := len(w.Slack.Calls("usergroups.users.list")); n > 4 {
		t.Errorf("%d calls of usergroups.users.list; each of two groups is to be asked for once, and once more after ten seconds at most", n)
	}
	if n := len(w.Slack.Calls("users.info")); n > 4 {
		t.Errorf("%d calls of users.info about two people", n)
	}
}

func TestARateLimitOfSlackIsKeptTo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fleet(1)
	w.start(nil)
	card := w.Ask(anna, "web-1")
	const limit = 3 * time.Second
	w.Slack.FailNext("users.info", 1, slacksim.RateLimited(limit))
	before := len(w.Slack.Calls("users.info"))
	w.Click(dora, card, approve)
	w.Within(pulled, "answer that it is too much", func() bool {
		calls := w.Slack.Calls("users.info")[before:]
		return len(calls) > 0 && calls[0].Status == 429
	})
	w.Click(ben, card, approve) // needs the same method
	w.Reply(card, "approved")
	calls := w.Slack.Calls("users.info")[before:]
	for _, c := range calls[1:] {
		if c.Time.Sub(calls[0].Time) < 50*time.Millisecond {
			continue // it was on its way before the bot had read the refusal
		}
		if gap := c.Time.Sub(calls[0].Time); gap < limit-100*time.Millisecond {
			t.Errorf("it was called again after %v, though Slack wanted none for %v", gap, limit)
		}
	}
}

// An unfreeze that had to wait for Slack is older than the freeze that was typed
// meanwhile.
func TestAnOlderUnfreezeDoesNotLiftANewerFreeze(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(nil)
	w.Command(ben, "freeze first incident")
	w.Within(pulled, "freeze", w.frozen)
	w.Slack.FailNext("users.info", 3, slacksim.Status(503))
	before := len(w.Slack.Calls("users.info"))
	heard := w.Hears(ben)
	w.Command(ben, "unfreeze")
	w.Within(pulled, "try", func() bool { return len(w.Slack.Calls("users.info")) > before })
	also := w.Hears(carla)
	w.Command(carla, "freeze second incident: nothing must be stopped")
	also("Already frozen")
	heard("Still frozen", "after you typed this")
	if !w.frozen() || w.Announced("Freeze lifted") != 0 {
		t.Errorf("the last command was freeze, and it is not frozen\n%s", w.Transcript())
	}
	w.Command(ben, "unfreeze")
	w.Within(pulled, "end of the freeze", func() bool { return !w.frozen() })
}

// 64 forms that Slack does not open in time take every place there is for what
// arrives; a brake finds room all the same.
func TestABrakeIsNotTurnedAwayAsBusy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "REQUESTERS", strings.Join([]string{anna, dora}, ","))
	w.fleet(1)
	w.start(nil)
	card := w.Ask(anna, "web-1")
	w.Slack.FailNext("views.open", 80, slacksim.Hang)
	var wg sync.WaitGroup
	busy := func() int { return len(w.Slack.Private(dora)) }
	for range 80 {
		wg.Go(func() { w.Slack.Command(t.Context(), dora, ops, "/ecs-stop", "") })
	}
	w.Within(pulled, "answer that it is too much at once", func() bool { return busy() > 0 })
	heard := w.Hears(ben)
	w.Command(ben, "freeze")
	heard("Sending is frozen")
	w.Click(anna, card, cancel)
	w.Within(pulled, "cancellation", func() bool { return w.state(card) == approvals.Cancelled })
	wg.Wait()
}

// Guests and strangers are shown nothing, by whatever they type.
func TestOutsidersAreShownNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fleet(2)
	w.crowd()
	w.start(nil)
	card := w.Ask(anna, `web-1 web-2 --reason "customer ACME leaves"`)
	for user, words := range map[string]string{gus: "Guests", "USOLO": "Guests", "UFAY": "Only members of this workspace", "UROBO": "Bots", "UEVE": "deactivated"} {
		for _, text := range []string{"list", "history", "status " + requestID(card), "status S-22222", "servers web-1"} {
			heard := w.Hears(user)
			w.Command(user, text)
			heard(words)
		}
		help := w.Command(user, "help")
		if holds(help, ben) || !holds(help, "Stop servers") {
			t.Errorf("the help for %s: %s", user, help)
		}
		for _, m := range w.Slack.Private(user) {
			if text := slacksim.PlainText(m); holds(text, "ACME") || holds(text, "10.0.") || holds(text, requestID(card)) {
				t.Errorf("%s is shown %s", user, text)
			}
		}
	}
	if help := w.Command(dora, "help"); !holds(help, "<@UBEN>", "SDUTY") {
		t.Errorf("a member is not told who approves: %s", help)
	}
}

// A yes counts as long as its giver is an approver, and every replica learns of
// a change of the group, whichever was told.
func TestAYesOfAFormerApproverDoesNotCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "APPROVALS_REQUIRED", "2")
	ids := w.fleet(1)
	w.start(nil)
	w.start(nil)
	card := w.Ask(anna, "web-1")
	w.Click(carla, card, approve)
	w.CardSays(card, "Needs 1 more", "<@UCARLA>")
	w.duty(dora)
	w.Click(ben, card, approve)
	w.CardSays(card, "Needs 1 more", "Approved so far by <@UBEN>")
	heard := w.Hears(carla)
	w.Click(carla, card, approve)
	heard("Only approvers")
	w.Untouched(ids...)
	w.Click(dora, card, approve)
	w.Reply(card, "<@UANNA>", "1 server stopped")

	// Slack may tell it by another event.
	w.Slack.SetGroup("SDUTY", carla)
	if a, err := w.Slack.SendEvent(t.Context(), map[string]any{"type": "subteam_updated", "subteam": map[string]any{"id": "SDUTY"}}); err != nil || !a.Acked {
		t.Fatalf("the event was not acknowledged: %v", err)
	}
	heard = w.Hears(dora)
	w.Command(dora, "freeze")
	heard("Only approvers")
}

// Where no channel is set for cards, they stand where they were asked for, but
// not where people from outside read them.
func TestNoCardStandsWhereOutsidersReadIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "APPROVAL_CHANNEL", "")
	w.fleet(2)
	w.start(nil)
	for _, c := range []slacksim.Channel{
		{ID: "CSHARED", Name: "with-customer", Shared: true}, {ID: "GGROUP", Name: "mpdm-anna--ben-1", Private: true, Group: true},
		{ID: "DANNABEN", Private: true}, {ID: "CLOST", Name: "lost"},
	} {
		w.Slack.AddChannel(c)
		w.Slack.Join(c.ID, anna, ben, slacksim.BotUserID)
	}
	say := func(channel, text string) {
		t.Helper()
		if _, err := w.Slack.Command(t.Context(), anna, channel, "/ecs-stop", text); err != nil {
			t.Fatal(err)
		}
	}
	for channel, words := range map[string]string{
		"CSHARED": "outside your workspace", "GGROUP": "can't tell", "DANNABEN": "direct message", "CLOST": "can't tell",
	} {
		if channel == "CLOST" {
			w.Slack.FailNext("conversations.info", 3, slacksim.ErrorCode("internal_error", false))
		}
		for _, text := range []string{"web-1", ""} {
			heard := w.Hears(anna)
			say(channel, text)
			heard(words)
		}
		heard := w.Hears(anna)
		say(channel, "web-1 --dry-run")
		heard("Dry run", "web-1")
		if n := len(w.Slack.Messages(channel)); n != 0 {
			t.Errorf("%d messages in %s", n, channel)
		}
	}
	if keys := w.keys("{p:*}:r:*"); len(keys) != 0 {
		t.Errorf("requests were made: %v", keys)
	}
	w.Ask(anna, "web-1")
}

// A freeze takes effect wherever it is typed; where nobody else can read of it,
// its author learns so.
func TestAFreezeThatNobodyHearsOf(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "APPROVAL_CHANNEL", "")
	w.start(nil)
	w.Slack.AddChannel(slacksim.Channel{ID: "DBENCARLA", Private: true})
	w.Slack.AddChannel(slacksim.Channel{ID: "CELSE", Name: "elsewhere"})
	w.Slack.AddChannel(slacksim.Channel{ID: "CPRIVATE", Name: "private", Private: true})
	for _, c := range []string{"DBENCARLA", "CELSE", "CPRIVATE"} {
		w.Slack.Join(c, ben)
		heard := w.Hears(ben)
		if _, err := w.Slack.Command(t.Context(), ben, c, "/ecs-stop", "freeze now"); err != nil {
			t.Fatal(err)
		}
		w.Within(pulled, "freeze", w.frozen)
		heard("Sending is frozen", "couldn't announce")
		w.Command(ben, "unfreeze")
		w.Within(pulled, "end of the freeze", func() bool { return !w.frozen() })
	}
	heard := w.Hears(ben)
	w.Command(ben, "freeze here")
	if text := heard("Sending is frozen"); holds(text, "couldn't announce") {
		t.Errorf("where it can be announced: %s", text)
	}
	w.Within(pulled, "announcement", func() bool { return w.Announced("frozen by <@UBEN>", "here") == 1 })
}

// What the bot cannot read is not acknowledged as if it were taken.
func TestWhatCannotBeReadIsNotTaken(t *testing.T) {
	t.Parallel()
	slack := quiet
	slack.AckTimeout = time.Second
	w := newWorldWith(t, ecssim.Options{}, slack)
	w.start(nil)
	for kind, c := range map[string]struct {
		payload string
		acked   bool
		answer  string
	}{
		"interactive":    {`{"type":"view_submission","user":{"id":"UANNA"},"view":"odd"}`, false, ""},
		"slash_commands": {`{"command":7}`, true, "couldn't read that"},
		"events_api":     {`{"type":"event_callback","event":7}`, true, ""},
	} {
		a, err := w.Slack.SendRaw(t.Context(), kind, json.RawMessage(c.payload))
		if err != nil || a.Acked != c.acked || !strings.Contains(string(a.Payload), c.answer) {
			t.Errorf("%s: acknowledged %t with %s, %v", kind, a.Acked, a.Payload, err)
		}
	}
}

// The requester may be gone: an approver can hold back what runs.
func TestAnApproverCancelsWhatRuns(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, ecssim.Options{MinJobTime: 2 * time.Second, MaxJobTime: 2 * time.Second}, quiet,
		"ECS_BATCH_SIZE", "1", "ECS_STOP_RATE", "1")
	ids := w.fleet(2)
	w.start(nil)
	card := w.Ask(anna, "web-1 web-2")
	heard := w.Hears(ben)
	w.Command(ben, "cancel "+requestID(card))
	heard("Only <@UANNA>", "deny")
	w.Click(ben, card, approve)
	w.Reply(card, "in batch 1 of 2")
	w.Slack.Deactivate(anna)
	heard = w.Hears(dora)
	w.Command(dora, "cancel "+requestID(card))
	heard("Only <@UANNA>", "or an approver")
	heard = w.Hears(carla)
	w.Command(carla, "cancel "+requestID(card))
	heard("the rest won't be touched")
	w.settled()
	w.Untouched(ids[1])
}
