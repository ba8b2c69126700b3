package bot_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/slacksim"
)

// hostile are names and reasons that would do something in Slack if they were
// not escaped.
var hostile = []string{
	"<!channel>", "<!here> <!everyone>", "<@UDORA> <@UZOE>", "<!subteam^SALL|@all>", "&lt;!channel&gt;", "&amp;&", "<https://example.com|click me>",
	"`code` ```block```", "*bold* _it_ ~no~", "\u202egnp.exe", "مرحبا-خادم", "שרת-1", "服务器-一", "서버-1", "сервер-1", "e\u0301tude", "👩‍🚒-1",
	"> quoted", "a\nb\r\n<!channel>", "<!date^0^{date}|x>", "<", ">", "&", strings.Repeat("<", 64), strings.Repeat("&", 64), strings.Repeat("`", 64),
}

func TestForeignTextDoesNothingInSlack(t *testing.T) {
	t.Parallel()
	inBothForms(t, foreignTextDoesNothing)
}

func foreignTextDoesNothing(t *testing.T, form string) {
	w := newWorld(t, "SLACK_BLOCKS", form)
	ids := make([]string, len(hostile))
	for i, name := range hostile {
		ids[i] = uuid(i + 1)
		w.Cloud.Add(server(i+1, name))
		w.Cloud.FailServer(ids[i], "Ecs.<!here>", "refused by <!channel> & <@UDORA> `"+name+"`")
	}
	off := server(100, "<!channel>-off")
	off.Status = "SHUTOFF"
	w.Cloud.Add(off)
	w.start(nil)
	safe := func(what, text string) {
		t.Helper()
		for _, bad := range []string{"<!channel", "<!here", "<!everyone", "<@UDORA", "<@UZOE", "<!subteam^SALL", "<https://example.com", "<!date^0^", "\u202e"} {
			if strings.Contains(text, bad) {
				t.Errorf("%s holds %s: %s", what, bad, text)
			}
		}
	}

	// Everything goes wrong, so that every message is posted.
	card := w.Ask(anna, strings.Join(ids, " ")+" "+uuid(100)+` --reason "<!channel> <@UDORA> &amp; `+"`tick` ```"+` מה @dora @here"`)
	text := slacksim.PlainText(card)
	if !holds(text, "&lt;!channel&gt;", "&lt;@UDORA&gt; &amp;amp;", "`&lt;!here&gt; &lt;!everyone&gt;`", "`*bold* _it_ ~no~`", "&lt;!channel&gt;-off") {
		t.Errorf("the card does not show the names as they are:\n%s", text)
	}
	safe("the card", text)
	w.Click(ben, card, approve)
	end := w.Reply(card, "<@UANNA>", "no server was stopped")
	// In a table, where nothing is escaped, other brackets are shown.
	if form == "classic" && !holds(lineOf(end, "Ecs.&lt;!here&gt;"), "&lt;!channel&gt;") || form == "auto" && !holds(lineOf(end, "Ecs.‹!here›"), "‹!channel›") {
		t.Errorf("the outcome does not show name and code as they are: %s", end)
	}
	safe("the outcome", end)
	heard := w.Hears(dora)
	w.Command(dora, "status "+requestID(card))
	safe("the status", heard(requestID(card)))
	w.Command(dora, "history")
	safe("the history", heard("Last "))

	// A reason of 500 characters, each of which grows by escaping.
	for i, reason := range []string{strings.Repeat("<&>`", 125), strings.Repeat("ע", 500), strings.Repeat("👩", 500), strings.Repeat("x", 500), strings.Repeat("a ", 249) + "zz"} {
		card := w.Ask(anna, ids[0]+` --reason "`+reason+`"`)
		if len(card.Blocks) == 0 {
			t.Fatalf("the card with reason %d has no blocks", i)
		}
		text := slacksim.PlainText(card)
		if want := shownReason(reason); !strings.Contains(text, want) {
			t.Errorf("the card does not hold the whole reason %.20q…:\n%s", reason, text)
		}
		heard := w.Hears(ben)
		w.Command(ben, "deny "+requestID(card)+` "`+reason+`"`)
		heard("You denied")
		w.CardSays(card, "Denied", shownReason(reason))
		w.Reply(card, "<@UBEN> denied your request", shownReason(reason))
		safe("the thread", strings.Join(w.Replies(card), "\n"))
	}
	for _, m := range w.Everything() {
		safe("a text", m.Text)
		for _, s := range w.Texts(m.Blocks) {
			safe("a block", s)
		}
	}
}

// shownReason is a reason as it stands in a message.
func shownReason(s string) string {
	s = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
	return strings.Join(strings.Fields(s), " ")
}

func TestCardsOfManyServersKeepSlacksLimits(t *testing.T) {
	t.Parallel()
	inBothForms(t, manyServersKeepLimits)
}

func manyServersKeepLimits(t *testing.T, form string) {
	w := newWorldWith(t, ecssim.Options{MinJobTime: 100 * time.Millisecond, MaxJobTime: 300 * time.Millisecond, Seed: 1, Window: 3 * time.Second},
		slacksim.Options{PostGap: -1}, "MAX_SERVERS", "3000", "SLACK_BLOCKS", form)
	scripts := []string{"w", "é", "ж", "世", "𠮷", "ש", "-", "&", "_", "*"}
	n := 0
	fleet := func(size int, status string, tags ...string) {
		for range size {
			n++
			name := []rune(fmt.Sprintf("%06d-%s", n, strings.Repeat(scripts[n%len(scripts)], 64)))
			s := server(n, string(name[:64]), tags...)
			s.Status = status
			w.Cloud.Add(s)
		}
	}
	sizes := []int{1, 100, 1000, 2500}
	for _, size := range sizes {
		fleet(size, "ACTIVE", fmt.Sprintf("size=%d", size))
		fleet(size/4, "SHUTOFF", fmt.Sprintf("size=%d", size))
	}
	w.start(nil)
	cards := map[int]slacksim.Message{}
	for i, size := range sizes {
		card := w.Ask(anna, fmt.Sprintf("--tag size=%d --hard --reason \"%s\"", size, strings.Repeat("&", 500)))
		cards[size] = card
		if err := slacksim.CheckBlocks(slacksim.OnMessage, card.Blocks); err != nil || len(card.Blocks) == 0 {
			t.Errorf("the card of %d servers: %v", size, err)
		}
		want := []string{"Stop " + []string{"1 server", "100 servers", "1,000 servers", "2,500 servers"}[i], "[Approve]"}
		if size > 1 {
			want = append(want, "Skipped")
		}
		if text := slacksim.PlainText(card); !holds(text, want...) {
			t.Errorf("the card of %d servers lacks one of %q:\n%s", size, want, text)
		}
	}
	for _, call := range w.Slack.Calls("chat.postMessage") {
		if call.Args["blocks"] == "" || call.Error() != "" {
			t.Errorf("a message was posted without blocks or refused: %s", call.Answer)
		}
	}

	// The longest words about it: each server fails in its own way.
	for _, s := range w.Cloud.Servers()[126 : 126+40] {
		w.Cloud.FailServer(s.ID, "Ecs.0810", strings.Repeat("<no> & ", 60))
	}
	w.Click(ben, cards[1000], approve)
	end := w.Reply(cards[1000], "<@UANNA>", "960 of 1,000 servers stopped", "40 failed", "Ecs.0810", map[string]string{"classic": "Stopped and verified (960)", "auto": " more servers are "}[form])
	if w.Count(cards[1000], "database restarted") != 0 {
		t.Error("a pause was told although nothing happened to the store")
	}
	if len(end) > 13000 {
		t.Errorf("the outcome has %d bytes", len(end))
	}
	for _, m := range w.Slack.Thread(ops, cards[1000].TS) {
		if len(m.Blocks) == 0 && len(m.Files) == 0 {
			t.Errorf("a reply has no blocks: %s", m.Text)
		}
	}
	heard := w.Hears(dora)
	w.Command(dora, "status "+requestID(cards[1000]))
	heard("Stopped", "batch 10 of 10")
	if got := w.Cloud.MaxInWindow(3 * time.Second); got > 1000 {
		t.Errorf("%d stops in a window", got)
	}
	w.Untouched(w.Cloud.Servers()[0].ID)
	w.Click(carla, cards[2500], deny)
	w.Within(10*time.Second, "form", func() bool { _, open := w.Slack.View(carla); return open })
	if _, err := w.Slack.Submit(t.Context(), carla, "", map[string]map[string]any{"reason": {"text": strings.Repeat("<", 500)}}); err != nil {
		t.Fatal(err)
	}
	w.CardSays(cards[2500], "Denied", strings.Repeat("&lt;", 500))
}
