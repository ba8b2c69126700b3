package bot_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/slacksim"
)

func TestServersAreFoundHoweverTheyAreNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Cloud.Add(
		server(1, "web-1"), server(2, "web-2"), server(3, "batch-1"), server(4, "batch-2"), server(5, "batchelor"),
		server(6, "red-1", "team=red", "env=dev"), server(7, "red-2", "team=red"), server(8, "red-3", "team=redder", "env=dev"),
		server(9, "mix-1"), server(10, "mix-2"), server(11, "mixed-a"), server(12, "mixed-b"), server(13, "Größe-1"),
		server(14, "hard-1"), server(15, "hard-2"),
	)
	w.start(nil)
	w.start(nil)
	cases := []*struct {
		name, text string
		mode       string
		want       []int
		card       slacksim.Message
	}{
		{name: "by id in capitals", text: strings.ToUpper(uuid(1)), mode: "SOFT", want: []int{1}},
		{name: "by name", text: "web-2 --soft", mode: "SOFT", want: []int{2}},
		{name: "by pattern", text: "batch-* --type soft", mode: "SOFT", want: []int{3, 4}},
		{name: "by tag", text: "--tag team=red", mode: "SOFT", want: []int{6, 7}},
		{name: "by two tags", text: "--tag env=dev --tag team=redder", mode: "SOFT", want: []int{8}},
		{name: "mixed with commas", text: "mix-2," + uuid(9) + ", `mixed-*`,mix-2", mode: "SOFT", want: []int{10, 9, 11, 12}},
		{name: "in another script, hard", text: "Größe-1 --hard", mode: "HARD", want: []int{13}},
		{name: "hard by type and with a dash of typography", text: "hard-2 hard-1 —type HARD", mode: "HARD", want: []int{15, 14}},
	}
	for _, c := range cases {
		c.card = w.Ask(anna, c.text)
	}
	w.Untouched(uuid(1), uuid(2), uuid(3))
	if n := len(w.Stops()); n > 0 {
		t.Fatalf("%d stops were sent before anybody approved", n)
	}
	for _, c := range cases {
		w.Click([]string{ben, carla}[len(c.want)%2], c.card, approve)
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := w.in(t)
			id, by := requestID(c.card), []string{ben, carla}[len(c.want)%2]
			noun := "servers"
			if len(c.want) == 1 {
				noun = "server"
			}
			w.Reply(c.card, "<@UANNA>", id, fmt.Sprintf("%d %s stopped", len(c.want), noun))
			var ids, refs []string
			for _, n := range c.want {
				ids = append(ids, uuid(n))
				refs = append(refs, `{"id":"`+uuid(n)+`"}`)
			}
			w.Stopped(ids...)
			calls := slices.DeleteFunc(w.Stops(), func(c ecssim.Call) bool { return !slices.Equal(c.IDs, ids) })
			if len(calls) != 1 {
				t.Fatalf("%d calls stop just %v, want 1: %v", len(calls), ids, w.Stops())
			}
			call := calls[0]
			if want := fmt.Sprintf(`{"os-stop":{"type":"%s","servers":[%s]}}`, c.mode, strings.Join(refs, ",")); call.Body != want {
				t.Errorf("the call's body was\n%s, want\n%s", call.Body, want)
			}
			if call.Method != "POST" || call.Status != 200 || call.Fault != "" {
				t.Errorf("the cloud answered %s %s with %d (%s), want 200", call.Method, call.Path, call.Status, call.Fault)
			}
			w.Reply(c.card, "Sent to Huawei Cloud", "`"+call.JobID+"`")
			w.CardSays(c.card, "Stopped", "<@"+by+">", id)
			w.decided(c.card)
			if text := slacksim.PlainText(c.card); !holds(text, "Requested by <@UANNA>", "sim-1", map[string]string{"HARD": "power off", "SOFT": "graceful shutdown"}[c.mode], "[Approve]", "[Deny]", "[Cancel request]") {
				t.Errorf("the card first said %q", text)
			}
			if warns := strings.Contains(slacksim.PlainText(c.card), "unsaved data is lost"); warns != (c.mode == "HARD") {
				t.Errorf("the card of a %s stop warns of the power cut: %v", c.mode, warns)
			}
		})
	}
	if got := len(w.Stops()); got != len(cases) {
		t.Errorf("%d stop calls for %d requests", got, len(cases))
	}
	if w.Untouched(uuid(5)); len(w.Slack.Messages(ops)) != len(cases) {
		t.Errorf("%d cards for %d requests", len(w.Slack.Messages(ops)), len(cases))
	}
}

func TestTypedCommandsDoWhatButtonsDo(t *testing.T) {
	t.Parallel()
	// One server a call, and one call in a window: a request of several takes long.
	w := newWorld(t, "ECS_BATCH_SIZE", "1", "ECS_STOP_RATE", "1")
	ids := w.fleet(8)
	w.start(nil)

	t.Run("a dry run creates nothing", func(t *testing.T) {
		w := w.in(t)
		heard := w.Hears(anna)
		w.Command(anna, "web-1 web-2 --hard --dry-run")
		heard("Dry run", "no request was created", "2 servers", "power off", "web-1", "web-2")
		if cards, keys := len(w.Slack.Messages(ops)), w.keys("{p:*}:[rtsob]:*"); cards != 0 || len(keys) != 0 {
			t.Errorf("after a dry run there are %d cards and the records %v", cards, keys)
		}
		if locks := w.keys("{p:*}:locks"); len(locks) != 0 {
			t.Error("a dry run took servers")
		}
	})
	t.Run("list without requests", func(t *testing.T) {
		w := w.in(t)
		heard := w.Hears(dora)
		w.Command(dora, "list")
		heard("No open requests")
	})
	t.Run("help", func(t *testing.T) {
		w := w.in(t)
		if text := w.Command(dora, "help"); !holds(text, "/ecs-stop web-1", "--dry-run", "1 approval from <@UBEN>, <!subteam^SDUTY>") {
			t.Errorf("help says %q", text)
		}
	})
	t.Run("list and status of an open request, and its withdrawal", func(t *testing.T) {
		w := w.in(t)
		card := w.Ask(anna, "web-3 --reason 'the disk is full'")
		id := requestID(card)
		heard := w.Hears(dora)
		w.Command(dora, "list")
		heard(id, "pending", "1 server", "<@UANNA>")
		w.Command(dora, "status "+strings.ToLower(strings.TrimPrefix(id, "S-")))
		heard(id, "the disk is full", "Needs 1 approval", "web-3", "|View>")
		heard = w.Hears(anna)
		w.Command(anna, "cancel "+id)
		heard("You cancelled", id)
		w.CardSays(card, "Cancelled", "<@UANNA>", "Nothing was stopped")
		w.Reply(card, "<@UANNA> cancelled this request")
		w.decided(card)
	})
	t.Run("denial with a reason", func(t *testing.T) {
		w := w.in(t)
		card := w.Ask(anna, "web-3")
		id, heard := requestID(card), w.Hears(carla)
		w.Command(carla, "deny "+id+" not before the release")
		heard("You denied", id)
		w.CardSays(card, "Denied", "<@UCARLA>", "not before the release")
		w.Reply(card, "<@UCARLA> denied your request", "<@UANNA>", "not before the release")
		w.decided(card)
	})
	t.Run("approval", func(t *testing.T) {
		w := w.in(t)
		card := w.Ask(anna, "web-4")
		id, heard := requestID(card), w.Hears(ben)
		w.Command(ben, "approve "+id)
		heard("You approved", id)
		w.Reply(card, "<@UANNA>", "1 server stopped")
		w.Stopped(ids[3])
		heard = w.Hears(dora)
		w.Command(dora, "status "+id)
		heard(id, "Stopped", "succeeded", w.Stops()[0].JobID, "web-4")
	})
	t.Run("history shows the newest first", func(t *testing.T) {
		w := w.in(t)
		heard := w.Hears(dora)
		w.Command(dora, "history")
		text := heard("Last 3 requests")
		done, denied, cancelled := strings.Index(text, ":white_check_mark: stopped"), strings.Index(text, "denied"), strings.Index(text, "cancelled")
		if done < 0 || denied < done || cancelled < denied {
			t.Errorf("the order is wrong: %s", text)
		}
		w.Command(dora, "history 1")
		if text := heard("Last 1 request"); strings.Contains(text, "denied") {
			t.Errorf("more than one: %s", text)
		}
	})
	t.Run("a cancelled run sends nothing more", func(t *testing.T) {
		w := w.in(t)
		card := w.Ask(anna, "web-5 web-6 web-7")
		w.Click(ben, card, approve)
		w.Reply(card, "in batch 1 of 3")
		heard := w.Hears(anna)
		w.Command(anna, "cancel "+requestID(card))
		heard("Servers already sent will still stop", "the rest won't be touched")
		w.Reply(card, "<@UANNA> cancelled this")
		w.Reply(card, "<@UANNA>", "cancelled by <@UANNA> after 1 of 3", "1 stopped", "2 not sent", "web-6", "web-7")
		w.Stopped(ids[4])
		w.Untouched(ids[5], ids[6])
	})
	t.Run("a request that nobody knows", func(t *testing.T) {
		w := w.in(t)
		for _, verb := range []string{"status", "approve", "deny", "cancel"} {
			heard := w.Hears(ben)
			w.Command(ben, verb+" S-ZZZZZ")
			heard("no request `S-ZZZZZ`")
		}
	})
	w.Untouched(ids[0], ids[1], ids[2], ids[7])
}

func TestCardStandsWhereTheCommandWasTypedIfNoChannelIsSet(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "APPROVAL_CHANNEL", "", "ALLOWED_CHANNELS", "COPS,CDEV")
	ids := w.fleet(2)
	for _, c := range []string{"CDEV", "CLOBBY"} {
		w.Slack.AddChannel(slacksim.Channel{ID: c, Name: strings.ToLower(c[1:])})
		w.Slack.Join(c, slacksim.BotUserID, anna, ben)
	}
	w.start(nil)
	typed := func(channel, text string) {
		if a, err := w.Slack.Command(t.Context(), anna, channel, "/ecs-stop", text); err != nil || !a.Acked {
			t.Fatalf("%s in %s: %v, acknowledged %v", text, channel, err, a.Acked)
		}
	}
	heard := w.Hears(anna)
	typed("CLOBBY", "web-1")
	heard("not allowed in this channel", "<#COPS>", "<#CDEV>")
	typed("CDEV", "web-1")
	heard("created", "<#CDEV>")
	w.Within(15*time.Second, "card in CDEV", func() bool { return len(w.Slack.Messages("CDEV")) == 1 })
	card := w.Slack.Messages("CDEV")[0]
	w.Click(ben, card, approve)
	w.Reply(card, "<@UANNA>", "1 server stopped")
	w.Stopped(ids[0])
	w.Untouched(ids[1])
	if n := len(w.Slack.Messages(ops)) + len(w.Slack.Messages("CLOBBY")); n != 0 {
		t.Errorf("%d messages stand in other channels", n)
	}
	if keys := w.keys("{p:*}:r:*"); len(keys) != 1 {
		t.Errorf("records %v, want one", keys)
	}
}

func TestOnlyRequestersMayAsk(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "REQUESTERS", anna+",UEVE,SDUTY")
	w.fleet(1)
	for _, u := range []slacksim.User{{ID: "UEVE", Name: "eve"}, {ID: "UFAY", Name: "fay", Stranger: true, TeamID: "TOTHER"}, {ID: "UROBO", Name: "robo", Bot: true}} {
		w.Slack.AddUser(u)
		w.Slack.Join(ops, u.ID)
	}
	w.Slack.SetGroup("SDUTY", carla, gus, "UFAY", "UROBO")
	w.Slack.Deactivate("UEVE")
	w.start(nil)
	for user, words := range map[string]string{
		dora: "You can't request", gus: "Guests can't request", "UEVE": "deactivated", "UFAY": "Only members of this workspace", "UROBO": "Bots can't request",
	} {
		heard := w.Hears(user)
		w.Command(user, "web-1")
		heard(words)
	}
	if keys := w.keys("{p:*}:r:*"); len(keys) != 0 || len(w.Slack.Messages(ops)) != 0 {
		t.Errorf("records %v and %d cards, want none", keys, len(w.Slack.Messages(ops)))
	}
	if calls := w.Cloud.Calls(); len(calls) != 0 {
		t.Errorf("the cloud was asked for people without rights: %v", calls)
	}
	w.Ask(carla, "web-1")
}
