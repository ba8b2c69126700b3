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

func TestTheHomeShowsEachPersonWhatIsTheirs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(4)
	w.start(nil)
	w.start(nil) // a move made by one replica is drawn by any
	w.OpenHome(ben, "all caught up")
	w.OpenHome(dora, "Server stops", "[Request a stop]")
	if text := w.HomeText(dora); strings.Contains(text, "Needs your approval") {
		t.Errorf("somebody who may not decide is told of decisions: %s", text)
	}

	card := w.Ask(anna, "web-1 web-2 --reason night")
	id := requestID(card)
	text := w.HomeSays(ben, id, "Requested by <@UANNA>", "2 servers", "night", "web-1", "[Approve]", "[Deny]", "|View>")
	if strings.Contains(text, "all caught up") {
		t.Errorf("the Home contradicts itself: %s", text)
	}
	w.OpenHome(anna, "Your requests", id, "Needs 1 approval", "[Cancel request]")
	if text := w.HomeText(anna); strings.Contains(text, "[Approve]") {
		t.Errorf("the requester could click to approve: %s", text)
	}
	w.OpenHome(gus, "Guests can't request or approve")
	if text := w.HomeText(gus); strings.Contains(text, "[") || strings.Contains(text, id) {
		t.Errorf("a guest's Home shows %s", text)
	}

	w.ClickHome(ben, approve, id)
	w.Reply(card, "<@UANNA>", "2 servers stopped")
	w.Stopped(ids[:2]...)
	w.HomeSays(ben, "You approved", id, "all caught up", "Recent", "Stopped 2 servers")
	w.HomeSays(anna, "Recent", "Stopped 2 servers")
	w.HomeSays(dora, "Recent", "Stopped 2 servers")
	w.OpenHome(ben, "Recent")
	w.Within(5*time.Second, "Home without the old answer", func() bool { return !strings.Contains(w.HomeText(ben), "You approved") })
}

func TestARefusedClickInTheHomeIsAnsweredThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fleet(2)
	w.start(nil)
	card := w.Ask(anna, "web-1")
	id := requestID(card)
	w.OpenHome(ben, id, "[Approve]")
	w.OpenHome(anna, id, "[Cancel request]")
	v, _ := w.Slack.HomeView(anna)
	// An old picture may show a button that would not stand there now.
	if _, err := w.Slack.ClickInView(t.Context(), anna, v.ID, cancel, id); err != nil {
		t.Fatal(err)
	}
	w.HomeSays(anna, "You cancelled", id)
	w.HomeSays(ben, "all caught up", "Cancelled")

	other := requestID(w.Ask(anna, "web-2"))
	w.HomeSays(ben, other, "[Deny]")
	w.ClickHome(ben, deny, other)
	w.Within(5*time.Second, "form", func() bool { _, ok := w.Slack.View(ben); return ok })
	if _, err := w.Slack.Submit(t.Context(), ben, "", map[string]map[string]any{"reason": {"text": "not now"}}); err != nil {
		t.Fatal(err)
	}
	w.HomeSays(ben, "You denied", other)
	if n := len(w.Slack.Private(ben)); n != 0 {
		t.Errorf("a click in the Home was answered elsewhere, too: %s", w.Transcript())
	}
}

func TestTheHomeHoldsManyRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for n := range 12 {
		w.Cloud.Add(server(100+n, fmt.Sprintf("%s-prod-%d", strings.Repeat("größe", 10), n)))
	}
	w.start(nil)
	for n := range 12 {
		w.Command(anna, uuid(100+n)+` --reason "`+strings.Repeat("<&>", 60)+`"`)
	}
	w.Within(20*time.Second, "12 cards", func() bool { return len(w.Slack.Messages(ops)) == 12 })
	w.OpenHome(ben, "more: `/ecs-stop list`")
	w.OpenHome(anna, "Your requests", "more: `/ecs-stop list`")
}

func TestAnUndecidedRequestIsRemindedOf(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fleet(2)
	w.start(func(c *jobs.Config) { fast(c); c.RemindGap, c.Projects[0].Policy.TTL = time.Second, 8*time.Second })
	left, decided := w.Ask(anna, "web-1"), w.Ask(anna, "web-2")
	w.Reply(decided, "<@UBEN>, <!subteam^SDUTY> Reminder: this request expires", "1 approval")
	w.Click(ben, decided, approve)
	w.Reply(decided, "1 server stopped")
	w.Reply(left, "was not approved in time")
	if n := w.Count(left, "Reminder"); n != 3 {
		t.Errorf("%d reminders of a request that nobody decided, want 3\n%s", n, w.Transcript())
	}
	if n := w.Count(decided, "Reminder"); n != 1 {
		t.Errorf("%d reminders of a request decided after the first\n%s", n, w.Transcript())
	}
}

func TestTheCardTellsHowFarTheWorkIs(t *testing.T) {
	t.Parallel()
	inBothForms(t, cardTellsHowFar)
}

func cardTellsHowFar(t *testing.T, form string) {
	drawn := map[string]string{"classic": ":white_large_square:", "auto": "Waiting since"}[form]
	w := newWorldWith(t, ecssim.Options{MinJobTime: 50 * time.Millisecond, MaxJobTime: 100 * time.Millisecond, Seed: 1}, quiet,
		"ECS_BATCH_SIZE", "1", "ECS_STOP_RATE", "1", "SLACK_BLOCKS", form)
	w.fleet(3)
	w.start(func(c *jobs.Config) { fast(c); c.Window = 2 * time.Second })
	card := w.Ask(anna, "web-*")
	id := requestID(card)
	w.Click(ben, card, approve)
	w.CardSays(card, drawn, "1 of 3", "Batch 2 of 3 waits for Huawei Cloud's limit of 1 server a minute")
	w.CardSays(card, "2 of 3", "Batch 3 of 3 waits")
	w.Reply(card, "3 servers stopped")
	text := w.CardSays(card, "Stopped 3 servers")
	for _, never := range []string{"waits for", "Waiting since", "one about", ":white_large_square:"} {
		if strings.Contains(text, never) {
			t.Errorf("the card of an ended request says %q: %s", never, text)
		}
	}
	edited := w.Now(card).Edited
	w.step("r:"+id, 3)
	w.step("t:"+id, 3)
	if now := w.Now(card).Edited; now != edited {
		t.Errorf("the card was redrawn after the end: %d, then %d times", edited, now)
	}
}

func TestTheCardTellsThePlaceInTheLine(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, ecssim.Options{MinJobTime: 50 * time.Millisecond, MaxJobTime: 100 * time.Millisecond, Seed: 1}, quiet,
		"ECS_BATCH_SIZE", "1", "ECS_STOP_RATE", "1")
	w.Cloud.Add(server(1, "one-1"), server(2, "one-2"), server(3, "one-3"), server(4, "two-1"), server(5, "two-2"))
	w.start(func(c *jobs.Config) { fast(c); c.Window = 2 * time.Second })
	one, two := w.Ask(anna, "one-*"), w.Ask(anna, "two-*")
	w.Click(ben, one, approve)
	if text := w.CardSays(one, "Batch 2 of 3 waits for Huawei Cloud's limit"); strings.Contains(text, "in line") {
		t.Errorf("a request that is alone has a place in the line: %s", text)
	}
	w.Click(ben, two, approve) // it was granted less so far, so it goes first
	w.CardSays(one, "Batch 2 of 3 waits for Huawei Cloud's limit of 1 server a minute; this request is 2nd in line.")
	w.Reply(one, "3 servers stopped")
	w.Reply(two, "2 servers stopped")
	for _, card := range []slacksim.Message{one, two} {
		if text := w.CardSays(card, "Stopped"); strings.Contains(text, "in line") {
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
	w.Cloud.Add(server(1, "prod-web-1"), server(2, "web-2", "env=live"), server(3, "as-config-x1-a"), yearly, disks, server(6, "plain-1"), server(7, "nonprod-as2"))
	w.start(nil)
	card := w.Ask(anna, strings.Join([]string{uuid(1), uuid(2), uuid(3), uuid(4), uuid(5), uuid(6), "--hard"}, " "))
	w.CardSays(card, "unsaved data is lost", "look like production", "prod-web-1, web-2", "Auto Scaling", "as-config-x1-a", "still billed while stopped", "db-1, store-1")
	plain := w.Ask(anna, "nonprod-as2")
	if text := slacksim.PlainText(plain); strings.Contains(text, "production") || strings.Contains(text, "billed") || strings.Contains(text, "Scaling") {
		t.Errorf("a card without cause for it warns: %s", text)
	}
}

func TestALongListComesAsAFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(25)
	w.start(nil)
	// The answer to the last call is lost: the file is found by its title.
	w.Slack.FailNext("files.completeUploadExternal", 1, slacksim.ResetAfter)
	card := w.Ask(anna, "web-*")
	w.Reply(card, "All 25 servers of this request.")
	w.Click(ben, card, approve)
	w.Reply(card, "25 servers stopped")
	files := w.Slack.Files()
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
	w.Slack.FailNext("files.getUploadURLExternal", 5, slacksim.ErrorCode("missing_scope", false))
	card := w.Ask(anna, "web-*")
	w.Click(ben, card, approve)
	w.Reply(card, "25 servers stopped")
}

// badEnd has anna ask for 45 servers in two calls, of which n fail.
func (w *world) badEnd(n int) (card slacksim.Message, ids []string) {
	ids = w.fleet(45)
	for _, id := range ids[:n] {
		w.Cloud.FailServer(id, "Ecs.0810", `=HYPERLINK("x") <!here>`)
	}
	card = w.Ask(anna, "web-*")
	w.Reply(card, "All 45 servers of this request")
	return card, ids
}

func TestALongBadEndComesAsAFile(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, ecssim.Options{MinJobTime: 20 * time.Millisecond, MaxJobTime: 60 * time.Millisecond, Seed: 1}, quiet, "ECS_BATCH_SIZE", "25")
	w.start(nil)
	card, ids := w.badEnd(21)
	// The answer to the last call is lost: the file is found by its title.
	w.Slack.FailNext("files.completeUploadExternal", 1, slacksim.ResetAfter)
	w.Click(ben, card, approve)
	w.Reply(card, "21 failed", "follows as a file")
	w.Reply(card, "Results for all 45 servers of "+requestID(card))
	files := w.Slack.Files()
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
	w.Click(ben, card, approve)
	if end := w.Reply(card, "20 failed"); strings.Contains(end, "as a file") {
		t.Errorf("a file is promised: %s", end)
	}
	if files := w.Slack.Files(); len(files) != 1 {
		t.Errorf("the files are %+v", files)
	}
}

func TestResultsThatCannotBeSharedHoldNothingUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(nil)
	card, _ := w.badEnd(45)
	w.Slack.FailNext("files.getUploadURLExternal", 5, slacksim.ErrorCode("missing_scope", false))
	w.Click(ben, card, approve)
	w.Reply(card, "no server was stopped", "follows as a file")
	uploads := func() int { return len(w.Slack.Calls("files.getUploadURLExternal")) }
	w.Within(10*time.Second, "second upload", func() bool { return uploads() >= 2 })
	w.step("t:"+requestID(card), 3)
	if n := uploads(); n != 2 {
		t.Errorf("%d uploads were begun", n)
	}
}

func TestAHomeThatSlackRefusesForNowIsDrawnLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(nil)
	w.Slack.FailNext("views.publish", 1, slacksim.RateLimited(time.Second))
	w.Slack.FailNext("views.publish", 1, slacksim.ErrorCode("internal_error", false))
	w.OpenHome(ben, "all caught up")
	if n := len(w.Slack.Calls("views.publish")); n != 3 {
		t.Errorf("views.publish was called %d times", n)
	}
}
