package slacksim_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"ecsbot/internal/slacksim"
)

func TestFaultsSayNoOrLoseTheAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		fault slacksim.Fault
		want  string // part of the error
		done  bool
	}{
		"rate limited": {slacksim.RateLimited(2 * time.Second), "rate limit", false},
		"503":          {slacksim.Status(503), "503", false},
		"503 after":    {slacksim.StatusAfter(503), "503", true},
		"reset before": {slacksim.ResetBefore, "", false},
		"reset after":  {slacksim.ResetAfter, "", true},
		"refused":      {slacksim.ErrorCode("internal_error", false), "internal_error", false},
		"half done":    {slacksim.ErrorCode("internal_error", true), "internal_error", true},
		"hang":         {slacksim.Hang, "deadline", false},
		"hang after":   {slacksim.HangAfter, "deadline", true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, slacksim.Options{})
			r.FailNext("chat.postMessage", 1, c.fault)
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			_, _, err := r.api.PostMessageContext(ctx, "COPS", slack.MsgOptionText("x", false))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if got := len(r.Messages("COPS")) == 1; got != c.done {
				t.Errorf("done: %v", got)
			}
			if calls := r.Calls("chat.postMessage"); len(calls) != 1 || calls[0].Fault != c.fault.String() {
				t.Errorf("calls: %+v", calls)
			}
			r.post(t, slack.MsgOptionText("x", false)) // one fault strikes once
		})
	}
}

func TestDelayedCallIsDone(t *testing.T) {
	r := newRig(t, slacksim.Options{})
	r.FailNext("*", 1, slacksim.Delay(20*time.Millisecond))
	began := time.Now()
	r.post(t, slack.MsgOptionText("x", false))
	if d := time.Since(began); d < 20*time.Millisecond {
		t.Error(d)
	}
}

func TestALostAnswerIsFoundByItsMetadata(t *testing.T) {
	r := newRig(t, slacksim.Options{})
	ctx := t.Context()
	root := r.post(t, slack.MsgOptionText("root", false))
	r.FailNext("chat.postMessage", 1, slacksim.ResetAfter)
	_, _, err := r.api.PostMessageContext(ctx, "COPS", slack.MsgOptionText("reply", false), slack.MsgOptionTS(root),
		slack.MsgOptionMetadata(slack.SlackMetadata{EventType: "reply", EventPayload: map[string]any{"key": "r1/done"}}))
	if err == nil || errors.As(err, new(slack.SlackErrorResponse)) {
		t.Fatal("an answer came:", err)
	}
	list, _, _, err := r.api.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{
		ChannelID: "COPS", Timestamp: root, IncludeAllMetadata: true})
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, m := range list {
		if m.BotID == slacksim.BotID && m.Metadata.EventPayload["key"] == "r1/done" {
			found++
		}
	}
	if found != 1 {
		t.Errorf("found %d times in %+v", found, list)
	}
}
