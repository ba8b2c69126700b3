package bot_test

import (
	"encoding/json"
	"strings"

	"ecsbot/internal/slacksim"
)

// requestID reads the id of a request from its card's buttons.
func requestID(m slacksim.Message) string {
	_, rest, _ := strings.Cut(string(m.Blocks), `"value":"S-`)
	id, _, _ := strings.Cut(rest, `"`)
	return "S-" + id
}

// outcome waits for the last word on a request and returns the message.
func (w *world) outcome(card slacksim.Message, words ...string) slacksim.Message {
	w.t.Helper()
	return w.ReplyMessage(card, append([]string{"<@UANNA>"}, words...)...)
}

// decided checks that nothing can be decided on the card any more.
func (w *world) decided(m slacksim.Message) {
	w.t.Helper()
	blocks := string(w.Now(m).Blocks)
	shows := strings.Count(blocks, `"ecs_stop_show"`) + strings.Count(blocks, `"ecs_stop_results"`)
	if all := strings.Count(blocks, `"action_id"`); all != shows {
		w.t.Errorf("a decided card has buttons that decide: %s", blocks)
	}
}

// toldOnce checks that there is one card, and that nothing stands twice in its
// thread: each message tells the note that its metadata names.
func (w *world) toldOnce(card slacksim.Message) {
	w.t.Helper()
	if n := len(w.Slack.Messages(ops)); n != 1 {
		w.t.Errorf("there are %d cards, want one\n%s", n, w.Transcript())
	}
	seen := map[string]bool{}
	ends := 0
	for _, m := range w.Slack.Thread(ops, card.TS) {
		var meta struct {
			Payload struct {
				ID string `json:"id"`
			} `json:"event_payload"`
		}
		json.Unmarshal(m.Metadata, &meta)
		if seen[meta.Payload.ID] {
			w.t.Errorf("%s was posted twice\n%s", meta.Payload.ID, w.Transcript())
		}
		seen[meta.Payload.ID] = true
		if strings.HasSuffix(meta.Payload.ID, "/end") {
			ends++
		}
	}
	if ends != 1 {
		w.t.Errorf("the outcome was posted %d times, want once\n%s", ends, w.Transcript())
	}
}

// lineOf returns the line of a text that names a server by its id.
func lineOf(text, id string) string {
	for l := range strings.SplitSeq(text, "\n") {
		if strings.Contains(l, id) {
			return l
		}
	}
	return ""
}
