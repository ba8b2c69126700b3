package slackapp

import (
	"fmt"
	"strings"
	"testing"

	"ecsbot/internal/approvals"
	"ecsbot/internal/slacksim"

	"github.com/slack-go/slack"
)

// A retry leads to the card that it follows from, and that one to the retry, on cards
// and in threads. Without a link the id stands there.
func TestARetryAndItsOldRequestLeadToEachOther(t *testing.T) {
	s := newScene(t, 3)
	old := s.ended(false, all(didFail))
	old.Request.RetriedBy = "S-33333"
	s.ask.FollowUpOf, s.new = old.Request.ID, nil
	retry := s.pending()
	retry.ID = "S-33333"
	start := retry
	start.ID, start.Action = "S-44444", approvals.Start
	v := s.view()
	links := map[string]string{"S-22222": "https://sim/old", "S-33333": "https://sim/retry", "S-44444": "https://sim/start"}
	say := func(v view, topic approvals.Topic, as string) func() ([]slack.Block, string) {
		return func() ([]slack.Block, string) {
			return v.reply(approvals.Message{Request: old.Request, Notes: []approvals.Note{{Topic: topic, By: "UNOAH", As: as}}})
		}
	}
	card := func(r approvals.Request) func(view) ([]slack.Block, string) {
		return func(v view) ([]slack.Block, string) { return v.card(r, approvals.Freeze{}) }
	}
	linked := v
	linked.links = links
	for what, test := range map[string]struct {
		shown         func(view) ([]slack.Block, string)
		with, without string
	}{
		"the retry's card":    {card(retry), "retry of <https://sim/old|S-22222>", "retry of `S-22222`"},
		"the start's card":    {card(start), "servers of <https://sim/old|S-22222>", "servers of `S-22222`"},
		"the old card":        {card(old.Request), "retried as <https://sim/retry|S-33333>", "retried as `S-33333`"},
		"the old thread":      {func(v view) ([]slack.Block, string) { return say(v, approvals.TopicRetried, "S-33333")() }, ":gear: Retried as <https://sim/retry|S-33333> by <@UNOAH>.", "Retried as `S-33333` by <@UNOAH>."},
		"its thread on start": {func(v view) ([]slack.Block, string) { return say(v, approvals.TopicStart, "S-44444")() }, "Start requested as <https://sim/start|S-44444> by <@UNOAH>.", "Start requested as `S-44444` by <@UNOAH>."},
	} {
		for want, v := range map[string]view{test.with: linked, test.without: v} {
			blocks, _ := test.shown(v)
			drawn(t, slacksim.OnMessage, blocks)
			if raw := asJSON(t, blocks); !strings.Contains(raw, strings.Trim(asJSON(t, want), "\"\n")) {
				t.Errorf("%s does not say %q:\n%s", what, want, raw)
			}
		}
	}
	refused := &approvals.Refusal{Kind: approvals.RetriedBefore, Request: old.Request}
	if said := linked.sayRefusal(refused); said != "`S-22222` was already retried as <https://sim/retry|S-33333>. Retry from there." {
		t.Errorf("a second click is answered with %q", said)
	}
	goldenBlocks(t, slacksim.OnMessage, "thread_retried", first(say(linked, approvals.TopicRetried, "S-33333")()))
	goldenBlocks(t, slacksim.OnMessage, "thread_start_requested", first(say(linked, approvals.TopicStart, "S-44444")()))
	bothForms(t, "card_retry", v, card(retry))
	bothForms(t, "card_retried", v, card(old.Request))
}

func TestARefusalNamesWhoMayApprove(t *testing.T) {
	s := newScene(t, 1)
	v := s.view()
	if said := v.sayRefusal(&approvals.Refusal{Kind: approvals.NotApprover}); said != ":x: Only approvers can do this (<@UBEN>, <@UCARLA>, <!subteam^SDUTY>)." {
		t.Errorf("a person who may not approve is told %q", said)
	}
	r := s.oneYes()
	r.Requester = "UCARLA"
	if said := v.sayRefusal(&approvals.Refusal{Kind: approvals.OwnRequest, Request: r}); said != ":x: You can't approve your own request `S-22222`. Ask <!subteam^SDUTY>." {
		t.Errorf("the requester is told %q", said)
	}
	for i := range 20 {
		s.pol.Approvers = append(s.pol.Approvers, fmt.Sprint("UMORE", i))
	}
	if said := s.view().sayRefusal(&approvals.Refusal{Kind: approvals.NotApprover}); strings.Count(said, "<") != maxWho || !strings.HasSuffix(said, " …).") {
		t.Errorf("of many approvers it names %q", said)
	}
}

func TestWarningsNameTheirTags(t *testing.T) {
	for want, by := range map[string][]string{
		"(tag env=prod): api-1":                   {"env=prod"},
		"(by name): api-1":                        {approvals.ByName},
		"(by name, tags env=prod, a=live): api-1": {"env=prod", approvals.ByName, "a=live"},
		"(tag `env=*prod*`): api-1":               {"env=*prod*"},
		"(tag `env=&lt;!here&gt; prod`): api-1":   {"env=<!here> prod"},
		"(by name or tag): api-1":                 nil, // of a request of an older version
	} {
		if said := sayWarning(approvals.Warning{Hazard: approvals.LooksLive, Count: 1, Names: []string{"api-1"}, By: by}); !strings.HasSuffix(said, want) {
			t.Errorf("by %q it says %q, want %q at its end", by, said, want)
		}
	}
}

func TestBatchesThatWereSentAreCounted(t *testing.T) {
	r := newScene(t, 317).running()
	sent := func(from, to int) (notes []approvals.Note) {
		for i := from; i <= to; i++ {
			notes = append(notes, approvals.Note{Topic: approvals.TopicSent, Batch: i - 1, Count: min(100, 317-100*(i-1)), Job: string(rune('a' + i - 1))})
		}
		return notes
	}
	for want, notes := range map[string][]approvals.Note{
		":gear: Sent to Huawei Cloud: 317 servers in 4 batches (jobs `a`, `b`, `c`, `d`).":      sent(1, 4),
		":gear: Sent to Huawei Cloud: 300 servers in batches 1 to 3 of 4 (jobs `a`, `b`, `c`).": sent(1, 3),
		":gear: Sent to Huawei Cloud: 117 servers in batches 3, 4 of 4 (jobs `c`, `d`).":        sent(3, 4),
		":gear: Sent to Huawei Cloud: 17 servers in batch 4 of 4 (job `d`).":                    sent(4, 4),
	} {
		if said := saySent(r, notes); said != want {
			t.Errorf("it says %q, want %q", said, want)
		}
	}
}

// What failed is told by the outcome, not by the lines before it as well.
func TestAnOutcomeTellsFailuresOnce(t *testing.T) {
	m := newScene(t, 3).ended(false, inTurn(wasStopped, didFail))
	m.Notes = append([]approvals.Note{
		{ID: "a", Topic: approvals.TopicApproved, By: "UBEN", Count: 2},
		{ID: "f", Topic: approvals.TopicBatchFailed, Count: 1, Code: "Ecs.0605"},
	}, m.Notes...)
	for _, newer := range []bool{false, true} {
		blocks, _ := inForm(viewOf(approvals.Policy{}), newer).reply(m)
		said := slacksim.BlocksText(drawn(t, slacksim.OnMessage, blocks))
		if strings.Count(said, "Ecs.0605") != 1 || !strings.Contains(said, "<@UBEN> approved") {
			t.Errorf("newer %v: it says\n%s", newer, said)
		}
	}
}
