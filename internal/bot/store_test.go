package bot_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/jobs"
	"ecsbot/internal/slacksim"
)

// rights are what the README tells an operator to give to the bot's user in
// Redis.
const rights = "~{p:PROJECT}:* ~{ecsbot}:ready +@hash +@sortedset +@list +@stream +@string +@connection -@dangerous " +
	"+eval +evalsha +del +exists +expire +pexpire +info +time +wait"

// With the rights that are documented everything works, and nothing else is
// tried.
func TestTheDocumentedRightsInRedisAreEnough(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(60)
	admin := w.redis.Client()
	defer admin.Close()
	args := []any{"ACL", "SETUSER", "ecsbot", "on", ">secret"}
	for rule := range strings.FieldsSeq(strings.ReplaceAll(rights, "PROJECT", w.env["HUAWEICLOUD_SDK_PROJECT_ID"])) {
		args = append(args, rule)
	}
	if err := admin.Do(t.Context(), args...).Err(); err != nil {
		t.Fatal(err)
	}
	w.env["REDIS_URL"] = strings.Replace(w.env["REDIS_URL"], "unix://", "unix://ecsbot:secret@", 1)
	w.env["REDIS_CONFIRM"] = "1" // nothing is sent, but WAIT is asked
	stop := w.start(nil)
	w.OpenHome(ben, "all caught up")
	card := w.Ask(anna, "web-*")
	w.Click(ben, card, approve)
	w.Reply(card, "no replica")
	stop()
	delete(w.env, "REDIS_CONFIRM")
	w.start(nil)
	w.outcome(card, "60 servers stopped")
	w.Stopped(ids...)
	heard := w.Hears(ben)
	w.Command(ben, "freeze")
	heard("Sending is frozen")
	if log, err := admin.Do(t.Context(), "ACL", "LOG").Slice(); err != nil || len(log) != 0 {
		t.Errorf("Redis refused something: %v, %v", log, err)
	}
}

// A database that is full takes what holds back, and says so for the rest.
func TestAFullDatabaseTakesTheBrakeAndRefusesRequestsInWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(3)
	w.start(nil)
	denied, cancelled := w.Ask(anna, "web-1"), w.Ask(anna, "web-2")
	admin := w.redis.Client()
	defer admin.Close()
	if err := admin.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	if text := w.Command(anna, "web-3"); !holds(text, "database is full", "freeze still work") {
		t.Errorf("an ask is answered with %q", text)
	}
	heard := w.Hears(ben)
	w.Click(ben, denied, approve)
	heard("database is full")
	w.Command(ben, "deny "+requestID(denied)+" not now")
	w.Reply(denied, "<@UBEN> denied your request")
	w.Click(anna, cancelled, cancel)
	w.Reply(cancelled, "<@UANNA> cancelled this request")
	w.Command(ben, "freeze")
	w.Within(10*time.Second, "announcement", func() bool { return w.Announced("frozen by <@UBEN>") > 0 })
	w.Untouched(ids...)
	if n := len(w.Slack.Messages(ops)); n != 3 {
		t.Errorf("%d messages in the channel, want two cards and the announcement", n)
	}
}

// A bot with the tokens of another app or workspace must not touch the
// requests of this one.
func TestABotOfAnotherTeamIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fleet(1)
	stop := w.start(nil)
	card := w.Ask(anna, "web-1")
	stop()
	admin := w.redis.Client()
	defer admin.Close()
	meta := "{p:" + w.env["HUAWEICLOUD_SDK_PROJECT_ID"] + "}:meta"
	if err := admin.HSet(t.Context(), meta, "team", "TOTHER", "bot", "UOTHER").Err(); err != nil {
		t.Fatal(err)
	}
	before, calls := w.redis.Dump(t.Context(), "*"), len(w.Slack.Calls(""))
	p := w.spawn()
	if !p.wait(20 * time.Second) {
		t.Fatal("it serves")
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 2 {
		t.Errorf("it ended with %d", code)
	}
	if log := p.log.String(); !holds(log, "TOTHER", "UOTHER", slacksim.BotUserID, "Redis or a database number of its own") {
		t.Errorf("it says:\n%s", log)
	}
	for key, value := range w.redis.Dump(t.Context(), "*") {
		if before[key] != value && !strings.HasSuffix(key, "ready") {
			t.Errorf("%s is %q, was %q", key, value, before[key])
		}
	}
	if all := w.Slack.Calls("")[calls:]; slices.ContainsFunc(all, func(c slacksim.Call) bool { return c.Method != "auth.test" }) {
		t.Errorf("it did more in Slack than to ask who it is: %v", all)
	}
	if got := w.Now(card); got.TS != card.TS {
		t.Error("the card changed")
	}
}

// Slack may be away when a bot begins. It waits, and works then.
func TestABotWaitsForSlackToTellWhoItIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(1)
	w.Slack.FailNext("auth.test", 2, slacksim.Status(http.StatusServiceUnavailable))
	w.start(nil)
	card := w.Ask(anna, "web-1")
	w.Click(ben, card, approve)
	w.outcome(card, "1 server stopped")
	w.Stopped(ids...)
}

// Nobody can know why a store is empty, so a bot that finds it so sends nothing
// for one window. People can ask and approve meanwhile.
func TestNothingIsSentForAWindowFromAnEmptyStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fleet(1)
	began := time.Now()
	w.start(func(c *jobs.Config) { fast(c); c.TrustEmpty = false })
	card := w.Ask(anna, "web-1")
	w.Click(ben, card, approve)
	w.outcome(card, "1 server stopped")
	if took := time.Since(began); took < 3*time.Second {
		t.Errorf("stopped after %v, within the first window", took)
	}
	if n := w.Count(card, "restarted"); n != 0 {
		t.Error("the thread is told of a restart that was none")
	}
}
