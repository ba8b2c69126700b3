package bot_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/simworld"
	"ecsbot/internal/slacksim"
)

func TestFormFromSearchToStoppedServers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(40)
	w.Cloud.Add(server(1, "db-1", "team=red"), ecssim.Server{ID: uuid(2), Name: "db-2", Address: "10.9.9.9", Status: "SHUTOFF", Tags: []string{"team=red"}})
	w.start(nil)
	if text := w.Command(anna, ""); text != "" {
		t.Errorf("a bare command was answered with %q", text)
	}
	form := w.View(anna, "Stop servers", "1,000 servers")
	if !holds(string(form.Raw), "Power off", "Cuts the power", "Reason") {
		t.Errorf("the form is %s", form.Raw)
	}

	for typed, want := range map[string]string{
		"web-7": "web-7 · running · 10.0.0.7", "WEB-7": "web-7 · running · 10.0.0.7", uuid(1)[:9]: "db-1 · running · 10.9.0.2", "team=red": "db-1 · running · 10.9.0.2",
		"db-2": "db-2 · stopped · 10.9.9.9",
	} {
		if found := w.Suggest(anna, typed); len(found) == 0 || found[0].Text != want {
			t.Errorf("for %q the form offers %v, want %q first", typed, found, want)
		}
	}
	if found := w.Suggest(anna, "web"); len(found) != 20 {
		t.Errorf("%d servers are offered for web", len(found))
	}
	if found := w.Suggest(anna, "nothing"); len(found) != 0 {
		t.Errorf("for nothing the form offers %v", found)
	}

	values := simworld.Fields("names", "web-1 web-1*, db-2", "why", "new <!channel> disks")
	if err := w.Slack.FillIn(anna, form.ID, values); err != nil {
		t.Fatal(err)
	}
	// A choice of power off shows what that means at once, and keeps the rest of the form.
	if text := slacksim.ViewText(form); strings.Contains(text, "*Power off:* unsaved data is lost") {
		t.Errorf("the form warns of a power off before it is chosen: %s", text)
	}
	if _, err := w.Slack.ClickInView(t.Context(), anna, form.ID, "ecs_stop_how", "HARD"); err != nil {
		t.Fatal(err)
	}
	w.View(anna, "*Power off:* unsaved data is lost")
	values = map[string]map[string]any{} // all the rest is filled in
	values["pick"] = map[string]any{"ecs_stop_pick": []string{ids[6], uuid(1)}}
	a := w.Submit(anna, values)
	if a.After > 3*time.Second {
		t.Errorf("acknowledged after %v", a.After)
	}
	preview := w.View(anna, "Review request", "Stop 13 servers", "power off", "unsaved data is lost", "web-1 … web-19 (12 of them)", "db-1", "Skipped 1: already stopped", "db-2", "Nothing has been requested yet", "new &lt;!channel&gt; disks")
	if preview.PreviousID != form.ID {
		t.Error("the preview does not lie on the form")
	}
	if n := len(w.Slack.Messages(ops)); n != 0 {
		t.Fatalf("%d cards stand before anybody asked", n)
	}
	heard := w.Hears(anna)
	w.Submit(anna, nil)
	heard("created", "13 servers")
	if v, open := w.Slack.View(anna); open {
		t.Errorf("after the request was sent, there is still %s", slacksim.ViewText(v))
	}
	card := w.Card(0)
	w.CardSays(card, "Requested by <@UANNA>", "13 servers", "power off", "db-2", "already stopped")
	w.Click(ben, card, approve)
	w.Reply(card, "<@UANNA>", "13 servers stopped")
	w.Stopped(ids[0], ids[6], ids[9], ids[18], uuid(1))
	w.Untouched(ids[1], ids[19], uuid(2))
}

// One filled-in form that arrives twice makes one preview, one preview that is
// submitted twice makes one request.
func TestFormThatArrivesTwiceMakesOneRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fleet(3)
	w.start(nil)
	w.start(nil)
	w.Command(anna, "")
	w.View(anna, "Stop servers")
	w.Submit(anna, simworld.Fields("names", "web-1"))
	again := func() {
		for _, send := range []func() (slacksim.Answer, error){
			func() (slacksim.Answer, error) { return w.Slack.Redeliver(t.Context()) },
			func() (slacksim.Answer, error) { return w.Slack.RedeliverOther(t.Context()) },
		} {
			if a, err := send(); err != nil || !a.Acked {
				t.Fatalf("acknowledged %v, %v", a.Acked, err)
			}
		}
	}
	again()
	w.View(anna, "Review request", "web-1")
	heard := w.Hears(anna)
	w.Submit(anna, nil)
	again()
	heard("created")
	w.Card(0)
	if keys := w.keys("{p:*}:r:*"); len(keys) != 1 {
		t.Errorf("records %v, want one", keys)
	}
	if n := len(w.Slack.Messages(ops)); n != 1 {
		t.Errorf("%d cards, want one", n)
	}

	// Back on the form, the same again is another ask, and the answer names the request.
	w.Command(anna, "")
	w.View(anna, "Stop servers", "1,000 servers")
	w.Submit(anna, simworld.Fields("names", "web-1"))
	w.View(anna, "already in an open request", "|"+requestID(w.Card(0))+">", "pending", "<@UANNA>")
	if _, err := w.Slack.CloseView(t.Context(), anna, ""); err != nil {
		t.Fatal(err)
	}
	w.Submit(anna, simworld.Fields("names", "web-2"))
	w.View(anna, "Review request", "web-2")
}

func TestFormSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "REASON_REQUIRED", "true")
	w.fleet(3)
	w.start(nil)
	w.Command(anna, "")
	w.View(anna, "Stop servers")
	if _, err := w.Slack.Submit(t.Context(), anna, "", simworld.Fields("names", "web-1")); err == nil {
		t.Error("Slack lets the form be submitted without the reason that the policy requires")
	}
	wrong := func(values map[string]map[string]any, block, words string) {
		t.Helper()
		w.Submit(anna, values)
		v, _ := w.Slack.View(anna)
		if len(v.Errors) != 1 || !strings.Contains(v.Errors[block], words) {
			t.Errorf("the fields are told %q, want %s: %q", v.Errors, block, words)
		}
	}
	wrong(simworld.Fields("why", "x"), "pick", "Choose servers here")
	wrong(simworld.Fields("why", "x", "names", "web-1;web-2"), "names", "spaces or commas")
	wrong(simworld.Fields("why", "x", "tags", "env"), "tags", "is not a tag")
	wrong(simworld.Fields("why", "  ", "names", "web-1"), "why", "required")
	for _, call := range w.Cloud.Calls() {
		if !strings.HasSuffix(call.Path, "/detail?limit=200&offset=1") { // read ahead, for who searches
			t.Errorf("the cloud was asked: %v", call)
		}
	}
	w.Submit(anna, simworld.Fields("why", "x", "names", "wbe-1 web-9"))
	w.View(anna, "a server called `wbe-1`", "Did you mean `web-1`", "a server called `web-9`")
	if keys := w.keys("{p:*}:r:*"); len(keys) != 0 {
		t.Errorf("records %v", keys)
	}
	// The form is still there with what was typed, below the answer.
	if _, err := w.Slack.CloseView(t.Context(), anna, ""); err != nil {
		t.Fatal(err)
	}
	w.Submit(anna, simworld.Fields("why", "x", "names", "web-1"))
	w.View(anna, "Review request", "web-1")

	// The view is closed before the preview comes: the answer is private.
	if _, err := w.Slack.CloseView(t.Context(), anna, ""); err != nil {
		t.Fatal(err)
	}
	w.Slack.FailNext("views.update", 1, slacksim.Delay(2*time.Second))
	heard := w.Hears(anna)
	w.Submit(anna, simworld.Fields("why", "x", "names", "web-1"))
	if _, err := w.Slack.CloseView(t.Context(), anna, ""); err != nil {
		t.Fatal(err)
	}
	heard("Dry run", "web-1")
}

func TestFormIsNotForEverybody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "REQUESTERS", anna, "ALLOWED_CHANNELS", ops)
	w.Slack.AddChannel(slacksim.Channel{ID: "CLOBBY", Name: "lobby"})
	w.Slack.Join("CLOBBY", slacksim.BotUserID, anna)
	w.start(nil)
	for user, words := range map[string]string{gus: "Guests can't request", dora: "You can't request"} {
		heard := w.Hears(user)
		w.Command(user, "")
		heard(words)
		if v, open := w.Slack.View(user); open {
			t.Errorf("%s sees %s", user, slacksim.ViewText(v))
		}
		if _, err := w.Slack.Shortcut(t.Context(), user, "ecs_stop_form"); err != nil {
			t.Fatal(err)
		}
		if v := w.View(user, words); strings.Contains(string(v.Raw), `"submit"`) {
			t.Errorf("%s can submit %s", user, v.Raw)
		}
	}
	heard := w.Hears(anna)
	if _, err := w.Slack.Command(t.Context(), anna, "CLOBBY", "/ecs-stop", ""); err != nil {
		t.Fatal(err)
	}
	heard("not allowed in this channel", "<#COPS>")
}

func TestShortcutOpensTheForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fleet(1)
	w.start(nil)
	if _, err := w.Slack.Shortcut(t.Context(), anna, "ecs_stop_form"); err != nil {
		t.Fatal(err)
	}
	w.View(anna, "Stop servers", "1,000 servers")
	w.Submit(anna, simworld.Fields("tags", "env=dev"))
	w.View(anna, "Review request", "web-1")
	heard := w.Hears(anna)
	w.Submit(anna, nil)
	heard("created")
	w.CardSays(w.Card(0), "web-1")

	w.Slack.FailNext("views.open", 1, slacksim.ErrorCode("internal_error", false))
	heard = w.Hears(anna)
	w.Command(anna, "")
	heard("couldn't open the form", "/ecs-stop web-1 web-2")
}

func TestShortcutNeedsAChannelForTheCard(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "APPROVAL_CHANNEL", "")
	w.start(nil)
	if _, err := w.Slack.Shortcut(t.Context(), anna, "ecs_stop_form"); err != nil {
		t.Fatal(err)
	}
	w.View(anna, "Type `/ecs-stop` in a channel")
}

// The form opens and is acknowledged in time whatever the cloud does.
func TestFormWhileTheCloudIsSlowOrAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fleet(3)
	w.start(nil)
	w.Cloud.FailNext("list", 1, ecssim.Delay(3*time.Second))
	w.Command(anna, "")
	w.View(anna, "Stop servers")
	w.Within(2*time.Second, "reading ahead, before anything is typed", func() bool { return len(w.Cloud.Calls()) == 1 })
	began := time.Now()
	if found := w.Suggest(anna, "web"); len(found) != 0 || time.Since(began) > 2900*time.Millisecond {
		t.Errorf("while the cloud is slow the form offers %v after %v", found, time.Since(began))
	}
	w.Within(10*time.Second, "suggestion once the cloud has answered", func() bool { return len(w.Suggest(anna, "web")) == 3 })

	w.Cloud.FailNext("list", 1, ecssim.Delay(4*time.Second))
	if a := w.Submit(anna, simworld.Fields("names", "web-1")); a.After > 2*time.Second {
		t.Errorf("acknowledged after %v", a.After)
	}
	w.View(anna, "Looking up the servers")
	w.View(anna, "Review request", "web-1")
	w.Slack.CloseView(t.Context(), anna, "")

	w.Cloud.FailNext("list", 50, ecssim.Refuse(401, "APIGW.0301", "Incorrect IAM authentication information"))
	w.Submit(anna, simworld.Fields("names", "web-1"))
	w.View(anna, "rejects my access key")
	w.Cloud.ClearFaults()
	if keys := w.keys("{p:*}:r:*"); len(keys) != 0 {
		t.Errorf("records %v", keys)
	}
}

func TestShowServersPagesThroughAThousand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fleet(1000)
	w.Cloud.Add(ecssim.Server{ID: uuid(1), Name: "web-off", Status: "SHUTOFF"})
	w.start(nil)
	card := w.Ask(anna, "web-*")
	for _, user := range []string{dora, ben} {
		w.Click(user, card, "ecs_stop_show")
		v := w.View(user, "1 to 30 of 1,001 servers", "running", "10.0.0.1")
		if strings.Contains(string(v.Raw), "ecs_stop_prev") {
			t.Error("the first page leads back")
		}
	}
	seen := 0
	for page := range 34 {
		first := page*30 + 1
		v := w.View(dora, fmt.Sprintf("%s to", comma(first)))
		seen += strings.Count(slacksim.ViewText(v), "• web-")
		if page < 33 {
			if _, err := w.Slack.ClickInView(t.Context(), dora, "", "ecs_stop_next", ""); err != nil {
				t.Fatal(err)
			}
		}
	}
	if seen != 1001 {
		t.Errorf("the pages show %d servers", seen)
	}
	v := w.View(dora, "991 to 1,001 of", "web-off", "already stopped")
	if strings.Contains(string(v.Raw), "ecs_stop_next") {
		t.Error("the last page leads on")
	}
	w.Slack.ClickInView(t.Context(), dora, "", "ecs_stop_prev", "")
	w.View(dora, "961 to 990")

	heard := w.Hears(gus)
	w.Click(gus, card, "ecs_stop_show")
	heard("Guests can't request")
	w.forged(dora, card, "ecs_stop_show", "S-ZZZZZ")
	w.Private(dora, "no request `S-ZZZZZ`")
	w.Untouched(uuid(1))
}

func comma(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}

// The card names servers and nothing else: ids, states and addresses are one click away.
func TestEveryCardLeadsToItsServers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(3)
	w.start(nil)
	card := w.Ask(anna, "web-*")
	if blocks := string(card.Blocks); strings.Contains(blocks, ids[0]) || !strings.Contains(blocks, "web-1 … web-3") {
		t.Errorf("the card of three servers: %s", blocks)
	}
	w.Click(ben, card, "ecs_stop_show")
	w.View(ben, "web-1", ids[0], "running", "10.0.0.1")
}

// The card of a request that has ended leads to the result of each server, what failed
// first, for every member; the results lead to the thread with their file.
func TestResultsAreOneClickAway(t *testing.T) {
	inBothForms(t, func(t *testing.T, form string) {
		w := newWorld(t, "SLACK_BLOCKS", form)
		ids := w.fleet(60)
		for _, id := range ids[30:55] {
			w.Cloud.FailServer(id, "Ecs.0100", "it <!here> will not")
		}
		w.start(nil)
		card := w.Ask(anna, "web-*")
		w.Click(ben, card, approve)
		w.outcome(card, "35 of 60 servers stopped", "25 failed")
		w.CardSays(card, "Stopped 35 of 60 servers", "[View results]")
		done := w.Now(card)
		heard := w.Hears(gus)
		w.Click(gus, done, "ecs_stop_results")
		heard("Guests can't request")
		for _, user := range []string{dora, anna} {
			w.Click(user, done, "ecs_stop_results")
			v := w.View(user, "Results of "+requestID(card), "35 stopped, 25 failed", "1 to 30 of 60 servers", ids[30]+"`: failed", "Ecs.0100 it &lt;!here&gt; will not", "|the thread>, as a file")
			if text := slacksim.ViewText(v); strings.Index(text, ": failed") > strings.Index(text, ": stopped") {
				t.Errorf("failures do not come first: %s", text)
			}
		}
		if _, err := w.Slack.ClickInView(t.Context(), dora, "", "ecs_stop_results_next", ""); err != nil {
			t.Fatal(err)
		}
		w.View(dora, "31 to 60 of 60 servers", ": stopped")
		if _, err := w.Slack.ClickInView(t.Context(), dora, "", "ecs_stop_results_prev", ""); err != nil {
			t.Fatal(err)
		}
		w.View(dora, "1 to 30 of 60 servers", ": failed")
	})
}

func TestARunningRequestIsStoppedFromItsCard(t *testing.T) {
	t.Parallel()
	w := slow(t, "ECS_STOP_RATE", "1", "ECS_BATCH_SIZE", "1")
	ids := w.fleet(2)
	w.start(nil)
	card := w.Ask(anna, "web-1 web-2")
	w.Click(ben, card, approve)
	w.Reply(card, "in batch 1 of 2")
	w.CardSays(card, "Stopping 2 servers", "[Stop sending]")
	w.Click(carla, w.Now(card), cancel) // an approver: who requested it may be asleep
	w.Reply(card, "<@UCARLA> cancelled this", "the rest won't be touched")
	w.outcome(card, "cancelled by <@UCARLA> after 1 of 2", "1 not sent")
	w.Stopped(ids[0])
	w.Untouched(ids[1])
	w.decided(card)
}

// What is clicked under an outcome is answered there, not in the channel.
func TestAClickInAThreadIsAnsweredInIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fleet(2)
	w.start(nil)
	end := w.stopAll(2)
	heard := w.Hears(anna)
	w.Click(anna, end, startAgain)
	heard("created", "start 2 servers")
	private := w.Slack.Private(anna)
	if last := private[len(private)-1]; last.ThreadTS != end.ThreadTS || last.ThreadTS == "" {
		t.Errorf("answered in the thread %q, want %q: %s", last.ThreadTS, end.ThreadTS, last.Text)
	}
	// The card is no reply: a click on it is answered in the channel.
	card := w.Card(1)
	heard = w.Hears(dora)
	w.Click(dora, card, approve)
	heard("Only approvers")
	if private := w.Slack.Private(dora); private[len(private)-1].ThreadTS != "" {
		t.Errorf("answered in the thread %q", private[len(private)-1].ThreadTS)
	}
}

// The form also opens from the Home; what comes of it is answered there.
func TestTheHomeOpensTheForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fleet(1)
	w.start(nil)
	w.OpenHome(anna, "[Request a stop]")
	w.ClickHome(anna, "ecs_stop_new", "")
	w.View(anna, "Stop servers", "1,000 servers")
	w.Submit(anna, simworld.Fields("names", "web-1"))
	w.View(anna, "Review request", "web-1")
	w.Submit(anna, nil)
	w.CardSays(w.Card(0), "Requested by <@UANNA>", "web-1")
	w.HomeSays(anna, "created", "Your requests")
}

func TestServersVerbShowsAndStartsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "REQUESTERS", anna)
	w.fleet(3)
	w.Cloud.Add(server(1, "twin", "team=red"), server(2, "twin"), ecssim.Server{ID: uuid(3), Name: "off-1", Status: "SHUTOFF"})
	w.start(nil)
	for text, words := range map[string][]string{
		"servers web-*":                {"3 servers", "3 running", "web-2", "10.0.0.2"},
		"servers twin " + uuid(3):      {"3 servers", "2 running, 1 stopped", uuid(1), uuid(2), "off-1"},
		"servers --tag team=red":       {"1 server", "twin"},
		"servers web-1 wbe-2 wbe-zzzz": {"1 server", "web-1", "a server called `wbe-2`", "Did you mean `web-2`"},
	} {
		heard := w.Hears(anna)
		w.Command(anna, text)
		heard(words...)
	}
	if text := w.Command(anna, "servers"); !holds(text, "Name at least one server") {
		t.Errorf("told %q", text)
	}
	heard := w.Hears(dora)
	w.Command(dora, "servers web-*")
	heard("You can't request")
	if n, keys := len(w.Slack.Messages(ops)), w.keys("{p:*}:r:*"); n != 0 || len(keys) != 0 {
		t.Errorf("%d messages stand in the channel, records %v", n, keys)
	}
}

func TestMissingNamesAreAnsweredWithNearOnes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fleet(2)
	w.Cloud.Add(server(1, "DB-Primary"), server(2, "db-primery"))
	w.start(nil)
	heard := w.Hears(anna)
	w.Command(anna, "db-primary wbe-1 nothing-like-it")
	text := heard("No request was created", "I can't find a server called `db-primary`. Did you mean `DB-Primary` or `db-primery`?", "Did you mean `web-1`", "I can't find a server called `nothing-like-it`")
	if strings.Contains(text, "nothing-like-it`. Did") {
		t.Error(text)
	}
}

// Twenty servers with the longest names stay far below what an acknowledgement
// can carry.
func TestSuggestionsAreSmall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 30 {
		w.Cloud.Add(server(i+1, strings.Repeat("服", 62)+fmt.Sprint(i+10)))
	}
	w.start(nil)
	w.Command(anna, "")
	w.View(anna, "Stop servers")
	found := w.Suggest(anna, "服")
	if raw, err := json.Marshal(found); err != nil || len(found) != 20 || len(raw) > 10_000 {
		t.Errorf("%d options in %d bytes, %v", len(found), len(raw), err)
	}
}

// Who wants servers that are part of another request is led to its card.
func TestTakenServersAreToldWithALink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(3)
	w.start(nil)
	id := requestID(w.Ask(anna, "web-1"))
	for _, text := range []string{"web-1 web-2", "web-1 web-2 --dry-run"} {
		heard := w.Hears(dora)
		w.Command(dora, text)
		heard("No request was created", ids[0], "|"+id+">", "pending", "<@UANNA>")
	}
	if n := len(w.Slack.Messages(ops)); n != 1 {
		t.Errorf("%d cards", n)
	}
}

// While the store is away nothing is taken from the person who filled in the
// form: it stays, and so does the preview.
func TestFormWhileTheStoreIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fleet(2)
	w.start(nil)
	w.Command(anna, "")
	w.View(anna, "Stop servers")
	w.redis.Kill()
	w.Submit(anna, simworld.Fields("names", "web-1"))
	if v, _ := w.Slack.View(anna); !strings.Contains(v.Errors["why"], "can't reach my database") {
		t.Errorf("the fields are told %q", v.Errors)
	}
	w.redis.Restart()
	w.Within(20*time.Second, "preview", func() bool {
		w.Submit(anna, simworld.Fields("names", "web-1"))
		v, _ := w.Slack.View(anna)
		return len(v.Errors) == 0
	})
	w.View(anna, "Review request", "web-1")
	w.redis.Kill()
	w.Submit(anna, nil)
	w.View(anna, "can't reach my database")
	w.Slack.CloseView(t.Context(), anna, "")
	w.redis.Restart()
	w.Within(20*time.Second, "request", func() bool {
		w.Submit(anna, nil)
		v, open := w.Slack.View(anna)
		if open && strings.Contains(slacksim.ViewText(v), "can't reach my database") {
			w.Slack.CloseView(t.Context(), anna, "")
			return false
		}
		return !open
	})
	w.CardSays(w.Card(0), "web-1")
}

// A bot that ends between the form and its preview leaves the rest to another.
func TestFormOutlivesTheBotThatTookIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fleet(2)
	stop := w.start(nil)
	w.Command(anna, "")
	w.View(anna, "Stop servers")
	w.Cloud.FailNext("list", 1, ecssim.Delay(2*time.Second))
	w.Submit(anna, simworld.Fields("names", "web-1"))
	stop()
	w.start(nil)
	w.View(anna, "Review request", "web-1")
	heard := w.Hears(anna)
	w.Submit(anna, nil)
	heard("created")
	if n := len(w.Slack.Messages(ops)); n > 1 {
		t.Errorf("%d cards", n)
	}
}
