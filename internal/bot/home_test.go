package bot_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/jobs"
	"ecsbot/internal/slacksim"
)

// openHome opens the person's Home and waits until it holds all the words.
func (w *world) openHome(user string, words ...string) string {
	w.t.Helper()
	a, err := w.slack.OpenHome(w.t.Context(), user)
	if err != nil || !a.Acked {
		w.t.Fatalf("the opened Home was not acknowledged: %v", err)
	}
	return w.homeSays(user, words...)
}

// homeSays waits until the person's Home holds all the words, and holds the
// Home to Slack's limits.
func (w *world) homeSays(user string, words ...string) string {
	w.t.Helper()
	text := ""
	w.within(15*time.Second, fmt.Sprintf("Home of %s with %q; it is\n%s", user, words, w.homeText(user)), func() bool {
		text = w.homeText(user)
		return holds(text, words...)
	})
	raw, _ := w.slack.Home(user)
	if err := slacksim.CheckView(raw); err != nil {
		w.t.Errorf("the Home breaks Slack's limits: %v\n%s", err, raw)
	}
	for _, s := range texts(w.t, raw) {
		if p := w.pings(s); len(p) > 0 {
			w.t.Errorf("%q pings: %q", p, s)
		}
	}
	return text
}

func (w *world) homeText(user string) string {
	v, ok := w.slack.HomeView(user)
	if !ok {
		return ""
	}
	return slacksim.ViewText(v)
}

// clickHome presses a button of the person's Home.
func (w *world) clickHome(user, action, request string) {
	w.t.Helper()
	v, _ := w.slack.HomeView(user)
	a, err := w.slack.ClickInView(w.t.Context(), user, v.ID, action, request)
	if err != nil || !a.Acked {
		w.t.Fatalf("a click in the Home failed: %v", err)
	}
}

func TestTheHomeShowsEachPersonWhatIsTheirs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(4)
	w.start(nil)
	w.start(nil) // a move made by one replica is drawn by any
	w.openHome(ben, "Nothing waits for you")
	w.openHome(dora, "Stop servers")
	if text := w.homeText(dora); strings.Contains(text, "Waits for your decision") {
		t.Errorf("somebody who may not decide is told of decisions: %s", text)
	}

	card := w.ask(anna, "web-1 web-2 --reason night")
	id := requestID(card)
	text := w.homeSays(ben, id, "<@UANNA> asks to stop", "2 servers", "night", "web-1", "[Approve]", "[Deny]", "its card")
	if strings.Contains(text, "Nothing waits") {
		t.Errorf("the Home contradicts itself: %s", text)
	}
	w.openHome(anna, "You asked for", id, "waiting", "[Cancel request]")
	if text := w.homeText(anna); strings.Contains(text, "[Approve]") {
		t.Errorf("the requester could click to approve: %s", text)
	}
	w.openHome(gus, "Guests can neither ask nor decide")
	if text := w.homeText(gus); strings.Contains(text, "[") || strings.Contains(text, id) {
		t.Errorf("a guest's Home shows %s", text)
	}

	w.clickHome(ben, approve, id)
	w.reply(card, "<@UANNA>", "2 servers stopped")
	w.stopped(ids[:2]...)
	w.homeSays(ben, "You approved", id, "Nothing waits for you", "Last results", "done", "2 stopped")
	w.homeSays(anna, "Last results", "2 stopped")
	w.homeSays(dora, "Last results", "2 stopped")
	w.openHome(ben, "Last results")
	w.within(5*time.Second, "Home without the old answer", func() bool { return !strings.Contains(w.homeText(ben), "You approved") })
}

func TestARefusedClickInTheHomeIsAnsweredThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fleet(2)
	w.start(nil)
	card := w.ask(anna, "web-1")
	id := requestID(card)
	w.openHome(ben, id, "[Approve]")
	w.openHome(anna, id, "[Cancel request]")
	v, _ := w.slack.HomeView(anna)
	// An old picture may show a button that would not stand there now.
	if _, err := w.slack.ClickInView(t.Context(), anna, v.ID, cancel, id); err != nil {
		t.Fatal(err)
	}
	w.homeSays(anna, "You cancelled", id)
	w.homeSays(ben, "Nothing waits for you", "cancelled")

	other := requestID(w.ask(anna, "web-2"))
	w.homeSays(ben, other, "[Deny]")
	w.clickHome(ben, deny, other)
	w.within(5*time.Second, "form", func() bool { _, ok := w.slack.View(ben); return ok })
	if _, err := w.slack.Submit(t.Context(), ben, "", map[string]map[string]any{"reason": {"text": "not now"}}); err != nil {
		t.Fatal(err)
	}
	w.homeSays(ben, "You denied", other)
	if n := len(w.slack.Private(ben)); n != 0 {
		t.Errorf("a click in the Home was answered elsewhere, too: %s", w.transcript())
	}
}

func TestTheHomeHoldsManyRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for n := range 12 {
		w.cloud.Add(server(100+n, fmt.Sprintf("%s-prod-%d", strings.Repeat("größe", 10), n)))
	}
	w.start(nil)
	for n := range 12 {
		w.command(anna, uuid(100+n)+` --reason "`+strings.Repeat("<&>", 60)+`"`)
	}
	w.within(20*time.Second, "12 cards", func() bool { return len(w.slack.Messages(ops)) == 12 })
	w.openHome(ben, "more: `/ecs-stop list`")
	w.openHome(anna, "You asked for", "more: `/ecs-stop list`")
}

func TestAnUndecidedRequestIsRemindedOf(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fleet(2)
	w.start(func(c *jobs.Config) { fast(c); c.Remind, c.Policy.TTL = time.Second, 8*time.Second })
	left, decided := w.ask(anna, "web-1"), w.ask(anna, "web-2")
	w.reply(decided, "<@UBEN>, <!subteam^SDUTY>: this still waits for 1 approval")
	w.click(ben, decided, approve)
	w.reply(decided, "1 server stopped")
	w.reply(left, "nobody decided in time")
	if n := w.count(left, "still waits"); n != 3 {
		t.Errorf("%d reminders of a request that nobody decided, want 3\n%s", n, w.transcript())
	}
	if n := w.count(decided, "still waits"); n != 1 {
		t.Errorf("%d reminders of a request decided after the first\n%s", n, w.transcript())
	}
}

func TestTheCardTellsHowFarTheWorkIs(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, ecssim.Options{MinJobTime: 50 * time.Millisecond, MaxJobTime: 100 * time.Millisecond, Seed: 1}, quiet,
		"ECS_BATCH_SIZE", "1", "ECS_STOP_RATE", "1")
	w.fleet(3)
	w.start(func(c *jobs.Config) { fast(c); c.Window = 2 * time.Second })
	card := w.ask(anna, "web-*")
	w.click(ben, card, approve)
	w.cardSays(card, "░", "1 of 3", "done about", "Call 2 of 3 waits for the cloud's limit of 1 server a minute")
	w.cardSays(card, "2 of 3", "Call 3 of 3 waits")
	w.reply(card, "3 servers stopped")
	text := w.cardSays(card, "Done", "3 of 3")
	for _, never := range []string{"waits for", "done about", "░"} {
		if strings.Contains(text, never) {
			t.Errorf("the card of an ended request says %q: %s", never, text)
		}
	}
	edited := w.now(card).Edited
	time.Sleep(500 * time.Millisecond)
	if now := w.now(card).Edited; now != edited {
		t.Errorf("the card was redrawn after the end: %d, then %d times", edited, now)
	}
}

func TestTheCardTellsThePlaceInTheLine(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, ecssim.Options{MinJobTime: 50 * time.Millisecond, MaxJobTime: 100 * time.Millisecond, Seed: 1}, quiet,
		"ECS_BATCH_SIZE", "1", "ECS_STOP_RATE", "1")
	w.cloud.Add(server(1, "one-1"), server(2, "one-2"), server(3, "one-3"), server(4, "two-1"), server(5, "two-2"))
	w.start(func(c *jobs.Config) { fast(c); c.Window = 2 * time.Second })
	one, two := w.ask(anna, "one-*"), w.ask(anna, "two-*")
	w.click(ben, one, approve)
	if text := w.cardSays(one, "Call 2 of 3 waits for the cloud's limit"); strings.Contains(text, "in line") {
		t.Errorf("a request that is alone has a place in the line: %s", text)
	}
	w.click(ben, two, approve) // it was granted less so far, so it goes first
	w.cardSays(one, "Call 2 of 3 waits for the cloud's limit of 1 server a minute; this request is 2nd in line.")
	w.reply(one, "3 servers stopped")
	w.reply(two, "2 servers stopped")
	for _, card := range []slacksim.Message{one, two} {
		if text := w.cardSays(card, "Done"); strings.Contains(text, "in line") {
			t.Errorf("a request that has ended is in line: %s", text)
		}
	}
}

func TestTheCardWarns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	yearly := server(4, "db-1")
	yearly.ChargingMode = "1"
	disks := server(5, "store-1")
	disks.Flavor = "d3.4xlarge.8"
	w.cloud.Add(server(1, "prod-web-1"), server(2, "web-2", "env=live"), server(3, "as-config-x1-a"), yearly, disks, server(6, "plain-1"), server(7, "nonprod-as2"))
	w.start(nil)
	card := w.ask(anna, strings.Join([]string{uuid(1), uuid(2), uuid(3), uuid(4), uuid(5), uuid(6), "--hard"}, " "))
	w.cardSays(card, "cuts the power", "Production?", "`prod-web-1`, `web-2`.", "Auto Scaling?", "`as-config-x1-a`.", "Billed on while stopped", "`db-1`, `store-1`.")
	plain := w.ask(anna, "nonprod-as2")
	if text := slacksim.PlainText(plain); strings.Contains(text, "Production?") || strings.Contains(text, "Billed") || strings.Contains(text, "Scaling") {
		t.Errorf("a card without cause for it warns: %s", text)
	}
}

func TestALongListComesAsAFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(25)
	w.start(nil)
	// The answer to the last call is lost: the file is found by its title.
	w.slack.FailNext("files.completeUploadExternal", 1, slacksim.ResetAfter)
	card := w.ask(anna, "web-*")
	w.reply(card, "All 25 servers, as they were when <@UANNA> asked.")
	w.click(ben, card, approve)
	w.reply(card, "25 servers stopped")
	files := w.slack.Files()
	if len(files) != 1 || files[0].ThreadTS != card.TS || files[0].Title != "Servers of "+requestID(card) {
		t.Fatalf("the files are %+v", files)
	}
	text := string(files[0].Content)
	if lines := strings.Split(strings.TrimSpace(text), "\n"); len(lines) != 26 || !strings.Contains(text, "web-25,"+ids[24]+",ACTIVE,10.0.0.25,") {
		t.Errorf("the list has %d lines:\n%s", len(lines), text)
	}
}

func TestAListThatCannotBeSharedHoldsNothingUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fleet(25)
	w.start(nil)
	w.slack.FailNext("files.getUploadURLExternal", 5, slacksim.ErrorCode("missing_scope", false))
	card := w.ask(anna, "web-*")
	w.click(ben, card, approve)
	w.reply(card, "25 servers stopped")
}

// badEnd has anna ask for 45 servers in two calls, of which n fail.
func (w *world) badEnd(n int) (card slacksim.Message, ids []string) {
	ids = w.fleet(45)
	for _, id := range ids[:n] {
		w.cloud.FailServer(id, "Ecs.0810", `=HYPERLINK("x") <!here>`)
	}
	card = w.ask(anna, "web-*")
	w.reply(card, "All 45 servers, as they were")
	return card, ids
}

func TestALongBadEndComesAsAFile(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, ecssim.Options{MinJobTime: 20 * time.Millisecond, MaxJobTime: 60 * time.Millisecond, Seed: 1}, quiet, "ECS_BATCH_SIZE", "25")
	w.start(nil)
	card, ids := w.badEnd(21)
	// The answer to the last call is lost: the file is found by its title.
	w.slack.FailNext("files.completeUploadExternal", 1, slacksim.ResetAfter)
	w.click(ben, card, approve)
	w.reply(card, "done in part", "21 failed", "follows as a file")
	w.reply(card, "What became of each of the 45 servers of "+requestID(card))
	files := w.slack.Files()
	if len(files) != 2 || files[1].ThreadTS != card.TS || files[1].Title != "Results of "+requestID(card) {
		t.Fatalf("the files are %+v", files)
	}
	text := string(files[1].Content)
	if lines := strings.Split(strings.TrimSpace(text), "\n"); len(lines) != 46 ||
		!strings.Contains(text, "web-1,"+ids[0]+`,failed,Ecs.0810,"'=HYPERLINK(""x"") <!here>"`) || !strings.Contains(text, "web-45,"+ids[44]+",stopped,,") {
		t.Errorf("the results have %d lines:\n%s", len(lines), text)
	}
}

func TestAShortBadEndIsNoFile(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, ecssim.Options{MinJobTime: 20 * time.Millisecond, MaxJobTime: 60 * time.Millisecond, Seed: 1}, quiet, "ECS_BATCH_SIZE", "25")
	w.start(nil)
	card, _ := w.badEnd(20)
	w.click(ben, card, approve)
	if end := w.reply(card, "done in part", "20 failed"); strings.Contains(end, "as a file") {
		t.Errorf("a file is promised: %s", end)
	}
	if files := w.slack.Files(); len(files) != 1 {
		t.Errorf("the files are %+v", files)
	}
}

func TestResultsThatCannotBeSharedHoldNothingUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(nil)
	card, _ := w.badEnd(45)
	w.slack.FailNext("files.getUploadURLExternal", 5, slacksim.ErrorCode("missing_scope", false))
	w.click(ben, card, approve)
	w.reply(card, "failed: no server was stopped", "follows as a file")
	time.Sleep(300 * time.Millisecond)
	if n := len(w.slack.Calls("files.getUploadURLExternal")); n != 2 {
		t.Errorf("%d uploads were begun", n)
	}
}

func TestAHomeThatSlackRefusesForNowIsDrawnLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(nil)
	w.slack.FailNext("views.publish", 1, slacksim.RateLimited(time.Second))
	w.slack.FailNext("views.publish", 1, slacksim.ErrorCode("internal_error", false))
	w.openHome(ben, "Nothing waits for you")
	if n := len(w.slack.Calls("views.publish")); n != 3 {
		t.Errorf("views.publish was called %d times", n)
	}
}
