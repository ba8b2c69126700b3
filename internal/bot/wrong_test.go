package bot_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/slacksim"
)

// shown is foreign text as it stands in a message: escaped, on one line, and
// without the ticks that would end its code.
func shown(s string) string {
	s = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "`", "'").Replace(s)
	return strings.Join(strings.Fields(s), " ")
}

func TestMistypedCommandsAreAnsweredAtOnceAndCreateNothing(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../command/testdata/wrong_inputs.json")
	if err != nil {
		t.Fatal(err)
	}
	var inputs []struct {
		Text         string
		Words, Hints []string
	}
	if err := json.Unmarshal(b, &inputs); err != nil {
		t.Fatal(err)
	}
	if len(inputs) < 100 {
		t.Fatalf("only %d wrong inputs", len(inputs))
	}
	// The texts are as Slack sends them, escaped.
	w := newWorldWith(t, ecssim.Options{}, slacksim.Options{PostGap: -1, RawCommands: true})
	w.fleet(3)
	w.start(nil)

	// Long pastes are faults, too. Slack drops an acknowledgement of 20 kB.
	many := func(form string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, form, i)
		}
		return b.String()
	}
	for _, text := range []string{
		many("wéb/%d ", 400), many("a%d= ", 600), many("--x%d ", 600), many("<@U%d> ", 400), many("&lt;%d ", 400), many("w%d;", 500),
		"web-1 --reason \"" + strings.Repeat("because ", 70) + "\"", strings.Repeat("web-1 ", 700), many("%d ", 1010),
	} {
		if answer := w.typedWrong(anna, text); !holds(answer, "No request was created", "/ecs-stop help") {
			t.Errorf("to a long paste of %.20q… the answer was %q", text, answer)
		}
	}
	for _, in := range inputs {
		answer := w.typedWrong(dora, in.Text)
		if !holds(answer, "No request was created", "/ecs-stop help") {
			t.Errorf("%q was answered with %q", in.Text, answer)
		}
		for i, word := range in.Words {
			if hint := shown(in.Hints[i]); !strings.Contains(answer, shown(word)) && (hint == "" || !strings.Contains(answer, hint)) {
				t.Errorf("the answer to %q shows neither %q nor %q: %s", in.Text, shown(word), hint, answer)
			}
		}
	}
	if keys := w.keys("{p:*}:[rtsobi]:*"); len(keys) != 0 {
		t.Errorf("wrong commands left the records %v", keys)
	}
	if keys := w.keys("{p:*}:seen:*"); len(keys) != 0 {
		t.Errorf("wrong commands were handed to the engine: %v", keys)
	}
	if n := len(w.Slack.Messages(ops)); n != 0 {
		t.Errorf("wrong commands made %d cards", n)
	}
	if calls := w.Cloud.Calls(); len(calls) != 0 {
		t.Errorf("the cloud was asked %d times for wrong commands", len(calls))
	}
}

// typedWrong types a wrong command and returns its answer, which has to come
// in the acknowledgement and to be the only one.
func (w *world) typedWrong(user, text string) string {
	w.t.Helper()
	before := len(w.Slack.Private(user))
	a, err := w.Slack.Command(w.t.Context(), user, ops, "/ecs-stop", text)
	if err != nil || !a.Acked {
		w.t.Errorf("%.60q: acknowledged %v after %v, %v", text, a.Acked, a.After, err)
		return ""
	}
	var m struct {
		Type string `json:"response_type"`
		Text string `json:"text"`
	}
	if err := json.Unmarshal(a.Payload, &m); err != nil || m.Type != "ephemeral" {
		w.t.Errorf("%.60q was acknowledged with %s", text, a.Payload)
	}
	private := w.Slack.Private(user)[before:]
	if len(private) != 1 || private[0].Text != m.Text || private[0].User != slacksim.BotUserID {
		w.t.Errorf("%.60q was answered %d times: %v", text, len(private), private)
	}
	return m.Text
}

func TestWhatOnlyTheCloudCanTellIsWrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "MAX_SERVERS", "3", "REASON_REQUIRED", "true", "PROTECTED_TAGS", "keep")
	off1, off2 := server(31, "off-1"), server(32, "off-2")
	off1.Status, off2.Status = "SHUTOFF", "SHUTOFF"
	w.Cloud.Add(server(1, "web-1"), server(2, "web-2"), server(3, "many-1"), server(4, "many-2"), server(5, "many-3"), server(6, "many-4"),
		server(7, "twin"), server(8, "twin"), server(9, "triple"), server(10, "triple"), server(11, "triple"),
		server(12, "safe", "keep=1"), off1, off2, server(13, "Web-2-old"), server(14, "near-miss", "env=development"))
	w.start(nil)
	w.start(nil)
	first := w.Ask(dora, "web-1 --reason first")
	cases := []struct {
		name, text string
		want       []string
		none       []string // not in the answer
	}{
		{"names and ids that nothing has", "web-1 nope-1 " + uuid(99) + " Web-2 nope-2", []string{"`nope-1`", "`" + uuid(99) + "`", "`Web-2`", "`nope-2`", "can't find a server"}, []string{"• `web-1`"}},
		{"names that several have, and one that none has", "twin triple nope", []string{"`twin`", "2 servers", uuid(7), uuid(8), "`triple`", "3 servers", uuid(9), uuid(10), uuid(11), "`nope`"}, nil},
		{"a pattern that nothing fits", "app-* web-2", []string{"`app-*`", "No server name matches"}, []string{"`web-2`"}},
		{"a tag that no server has", "--tag env=dev", []string{"`env=dev`", "No server has the tag"}, nil},
		{"two tags that no server has together", "--tag env=development --tag a=b", []string{"env=development", "a=b"}, nil},
		{"too many servers", "many-*", []string{"4 servers", "limit is 3", "fewer"}, nil},
		{"a server of another request", "web-2 web-1", []string{uuid(1), requestID(first)}, []string{uuid(2)}},
		{"servers that are all off or protected", "off-* safe", []string{"Nothing to stop", "off-1", "already stopped", "off-2", "safe", "protected"}, nil},
		{"another project", "web-2 --project production", []string{"project"}, nil},
	}
	records := w.keys("{p:*}:[rts]:*")
	for _, c := range cases {
		for _, how := range []string{"", " --dry-run"} {
			t.Run(c.name+how, func(t *testing.T) {
				w := w.in(t)
				heard, before := w.Hears(anna), len(w.Slack.Private(anna))
				w.Command(anna, c.text+" --reason 'a test'"+how)
				answer := heard(append(c.want, "o request was created")...)
				for _, word := range c.none {
					if strings.Contains(answer, word) {
						t.Errorf("the answer names %s, which is right: %s", word, answer)
					}
				}
				if n := len(w.Slack.Private(anna)) - before; n != 2 {
					t.Errorf("%d private answers, want \"Looking up\" and one", n)
				}
			})
		}
	}
	t.Run("without a reason where one is required", func(t *testing.T) {
		w := w.in(t)
		heard := w.Hears(anna)
		w.Command(anna, "web-2")
		heard("reason is required", "--reason", "No request was created")
	})
	t.Run("while the cloud is away or refuses the key", func(t *testing.T) {
		w := w.in(t)
		heard := w.Hears(anna)
		w.Cloud.FailNext("list", 1, ecssim.Refuse(401, "APIGW.0301", "Incorrect IAM authentication information"))
		w.Command(anna, "web-2 --reason x")
		heard("rejects my access key", "No request was created")
		heard = w.Hears(anna)
		w.Cloud.FailNext("*", 100, ecssim.HTML502)
		w.Command(anna, "web-2 --reason x")
		heard("does not respond", "No request was created", "Try again")
		w.Cloud.ClearFaults()
	})
	now := w.keys("{p:*}:[rts]:*")
	slices.Sort(records)
	slices.Sort(now)
	if !slices.Equal(records, now) {
		t.Errorf("refused commands left records: %v, before %v", now, records)
	}
	if n := len(w.Slack.Messages(ops)); n != 1 {
		t.Errorf("%d cards, want the first one only", n)
	}
	if n := len(w.Stops()); n != 0 {
		t.Errorf("%d stops", n)
	}
	// Nothing of all that keeps anybody from asking rightly.
	w.Ask(anna, "web-2 many-1 --reason 'now right'")
	w.Click(ben, first, approve)
	w.Reply(first, "<@UDORA>", "1 server stopped")
	w.Stopped(uuid(1))
}

func TestServersOfARunningRequestCannotBeAskedForAgain(t *testing.T) {
	t.Parallel()
	w := slow(t)
	ids := w.fleet(1)
	w.start(nil)
	card := w.Ask(anna, "web-1")
	w.Click(ben, card, approve)
	w.Reply(card, "Sent to Huawei Cloud")
	heard := w.Hears(dora)
	w.Command(dora, "web-1")
	heard("No request was created", ids[0], requestID(card))
	w.Reply(card, "<@UANNA>", "1 server stopped")
	w.Stopped(ids[0])
	w.Cloud.StartByHand(ids[0])
	again := w.Ask(dora, "web-1")
	w.CardSays(again, "Requested by <@UDORA>")
}
