package slacksim_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"ecsbot/internal/slacksim"
)

func TestPostsOfOneSecondHaveDifferentTimestamps(t *testing.T) {
	r := newRig(t, slacksim.Options{PostGap: -1})
	seen := map[string]bool{}
	for range 20 {
		seen[r.post(t, slack.MsgOptionText("x", false))] = true
	}
	if len(seen) != 20 {
		t.Errorf("%d different timestamps for 20 posts", len(seen))
	}
}

func TestRefusedPosts(t *testing.T) {
	r := newRig(t, slacksim.Options{PostGap: -1})
	r.AddChannel(slacksim.Channel{ID: "COTHER", Name: "other"})
	r.AddChannel(slacksim.Channel{ID: "CSECRET", Name: "secret", Private: true})
	r.AddChannel(slacksim.Channel{ID: "COLD", Name: "old"})
	r.Join("COLD", slacksim.BotUserID)
	r.Archive("COLD")
	var many []slack.Block
	for range 51 {
		many = append(many, slack.NewDividerBlock())
	}
	var long []slack.Block
	for range 5 {
		long = append(long, section(strings.Repeat("x", 2700)))
	}
	hi := slack.MsgOptionText("hi", false)
	for _, c := range []struct {
		channel string
		options []slack.MsgOption
		want    string
	}{
		{"CNONE", []slack.MsgOption{hi}, "channel_not_found"},
		{"CSECRET", []slack.MsgOption{hi}, "channel_not_found"},
		{"COTHER", []slack.MsgOption{hi}, "not_in_channel"},
		{"COLD", []slack.MsgOption{hi}, "is_archived"},
		{"COPS", nil, "no_text"},
		{"COPS", []slack.MsgOption{hi, slack.MsgOptionTS("soon")}, "invalid_thread_ts"},
		{"COPS", []slack.MsgOption{hi, slack.MsgOptionTS("0")}, "invalid_thread_ts"},
		{"COPS", []slack.MsgOption{hi, slack.MsgOptionTS("1602251441.001700")}, ""}, // no such message: no thread
		{"COPS", []slack.MsgOption{slack.MsgOptionBlocks(many...)}, "invalid_blocks"},
		{"COPS", []slack.MsgOption{slack.MsgOptionBlocks(long...)}, "msg_blocks_too_long"},
		{"COPS", []slack.MsgOption{hi, slack.MsgOptionMetadata(slack.SlackMetadata{EventPayload: map[string]any{"a": 1}})}, "invalid_metadata_format"},
		{"COPS", []slack.MsgOption{hi, slack.MsgOptionMetadata(slack.SlackMetadata{EventType: "e", EventPayload: map[string]any{
			"a": map[string]any{"b": map[string]any{"c": 1}}}})}, "invalid_metadata_schema"},
		{"COPS", []slack.MsgOption{hi}, ""},
		{"#ops", []slack.MsgOption{hi}, ""},
		{"UANN", []slack.MsgOption{hi}, ""}, // a direct message
	} {
		_, _, err := r.api.PostMessageContext(t.Context(), c.channel, c.options...)
		if got := code(err); got != c.want {
			t.Errorf("post in %s: %q, want %q", c.channel, got, c.want)
		}
	}
}

// Slack cuts a text that is too long and says nothing about it.
func TestLongTextIsCut(t *testing.T) {
	r := newRig(t, slacksim.Options{PostGap: -1})
	for _, n := range []int{39999, 40000, 40001} {
		r.post(t, slack.MsgOptionText(x(n), false))
		list := r.Messages("COPS")
		if got := list[len(list)-1].Text; got != x(min(n, 40000)) {
			t.Errorf("%d characters became %d", n, len([]rune(got)))
		}
	}
	_, err := r.api.PostEphemeralContext(t.Context(), "COPS", "UANN", slack.MsgOptionText(x(40001), false))
	wantCode(t, err, "msg_too_long")
}

// Only conversations.members has an error of its own for a bad limit.
func TestBadLimits(t *testing.T) {
	r := newRig(t, slacksim.Options{})
	ts := r.post(t, slack.MsgOptionText("root", false))
	history := func(n int) error {
		_, err := r.api.GetConversationHistoryContext(t.Context(), &slack.GetConversationHistoryParameters{ChannelID: "COPS", Limit: n})
		return err
	}
	replies := func(n int) error {
		_, _, _, err := r.api.GetConversationRepliesContext(t.Context(), &slack.GetConversationRepliesParameters{ChannelID: "COPS", Timestamp: ts, Limit: n})
		return err
	}
	members := func(n int) error {
		_, _, err := r.api.GetUsersInConversationContext(t.Context(), &slack.GetUsersInConversationParameters{ChannelID: "COPS", Limit: n})
		return err
	}
	wantCode(t, history(999), "")
	wantCode(t, history(1000), "invalid_arguments")
	wantCode(t, history(-1), "invalid_arguments")
	wantCode(t, replies(1000), "")
	wantCode(t, replies(1001), "invalid_arguments")
	wantCode(t, members(1000), "")
	wantCode(t, members(1001), "invalid_limit")
	wantCode(t, members(-1), "invalid_limit")
}

func TestBlockFaultsAreNamed(t *testing.T) {
	r := newRig(t, slacksim.Options{})
	_, _, err := r.api.PostMessageContext(t.Context(), "COPS", slack.MsgOptionBlocks(section(strings.Repeat("x", 3001))))
	e, _ := errors.AsType[slack.SlackErrorResponse](err)
	if e.Err != "invalid_blocks" || len(e.ResponseMetadata.Messages) != 1 || !strings.Contains(e.ResponseMetadata.Messages[0], "[json-pointer:/blocks/0/text/text]") {
		t.Errorf("%+v", e)
	}
}

func TestUpdates(t *testing.T) {
	r := newRig(t, slacksim.Options{})
	ctx := t.Context()
	meta := slack.SlackMetadata{EventType: "e", EventPayload: map[string]any{"k": "v"}}
	ts := r.post(t, slack.MsgOptionText("one", false), slack.MsgOptionBlocks(section("a"), button("go", "1", "Go")), slack.MsgOptionMetadata(meta))
	said := r.Say("UANN", "COPS", "mine", "")

	update := func(ts string, options ...slack.MsgOption) error {
		_, _, _, err := r.api.UpdateMessageContext(ctx, "COPS", ts, options...)
		return err
	}
	wantCode(t, update("1.000001", slack.MsgOptionText("x", false)), "message_not_found")
	wantCode(t, update(said, slack.MsgOptionText("x", false)), "cant_update_message")
	wantCode(t, update(ts, slack.MsgOptionText(strings.Repeat("x", 4001), false)), "msg_too_long")
	wantCode(t, update(ts, slack.MsgOptionText("two", false), slack.MsgOptionBlocks(section("b"))), "")
	m := r.Messages("COPS")[0]
	if m.Text != "two" || slacksim.PlainText(m) != "b" || m.Edited != 1 || !strings.Contains(string(m.Metadata), `"k"`) {
		t.Errorf("updated: %+v", m)
	}
	wantCode(t, update(ts, slack.MsgOptionText("three", false)), "")
	if m := r.Messages("COPS")[0]; m.Blocks != nil || slacksim.PlainText(m) != "three" {
		t.Errorf("text alone did not remove the blocks: %+v", m)
	}
	wantCode(t, update(ts, slack.MsgOptionText("four", false), slack.MsgOptionBlocks()), "")

	_, _, err := r.api.DeleteMessageContext(ctx, "COPS", said)
	wantCode(t, err, "cant_delete_message")
	if _, _, err := r.api.DeleteMessageContext(ctx, "COPS", ts); err != nil {
		t.Error(err)
	}
	wantCode(t, update(ts, slack.MsgOptionText("x", false)), "message_not_found")
	if m := r.Messages("COPS")[0]; !m.Deleted {
		t.Error("not marked as deleted")
	}
	r.Archive("COPS")
	wantCode(t, update(said, slack.MsgOptionText("x", false)), "cant_update_message")
}

func TestThreadsAndHistory(t *testing.T) {
	r := newRig(t, slacksim.Options{PostGap: -1})
	ctx := t.Context()
	meta := slack.MsgOptionMetadata(slack.SlackMetadata{EventType: "step", EventPayload: map[string]any{"key": "r1"}})
	root := r.post(t, slack.MsgOptionText("root", false), meta)
	var replies []string
	for i := range 3 {
		replies = append(replies, r.post(t, slack.MsgOptionText(fmt.Sprint("reply ", i), false), slack.MsgOptionTS(root)))
	}
	orphan := r.post(t, slack.MsgOptionText("orphan", false), slack.MsgOptionTS("1.000001"))

	if got := r.Thread("COPS", root); len(got) != 3 || got[0].Text != "reply 0" {
		t.Errorf("thread: %+v", got)
	}
	if got := r.Messages("COPS"); len(got) != 2 || got[0].ReplyCount != 3 || got[1].TS != orphan {
		t.Errorf("roots: %+v", got)
	}

	list, more, next, err := r.api.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{ChannelID: "COPS", Timestamp: root, Limit: 3})
	if err != nil || len(list) != 3 || !more || next == "" || list[0].ReplyCount != 3 || list[1].ThreadTimestamp != root {
		t.Errorf("replies: %d, %v, %q, %v", len(list), more, next, err)
	}
	if list[0].Metadata.EventType != "step" || len(list[0].Metadata.EventPayload) != 0 {
		t.Errorf("metadata came without being asked for: %+v", list[0].Metadata)
	}
	list, more, _, err = r.api.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{ChannelID: "COPS", Timestamp: root, Cursor: next, IncludeAllMetadata: true})
	if err != nil || len(list) != 1 || more {
		t.Errorf("replies, page 2: %d, %v, %v", len(list), more, err)
	}
	list, _, _, err = r.api.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{ChannelID: "COPS", Timestamp: root, Oldest: replies[1]})
	if err != nil || len(list) != 2 || list[1].Timestamp != replies[2] {
		t.Errorf("replies after the second: %+v, %v", list, err)
	}
	_, _, _, err = r.api.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{ChannelID: "COPS", Timestamp: "1.000001"})
	wantCode(t, err, "thread_not_found")

	h, err := r.api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{ChannelID: "COPS", IncludeAllMetadata: true})
	if err != nil || len(h.Messages) != 2 || h.Messages[0].Timestamp != orphan || h.Messages[1].Metadata.EventPayload["key"] != "r1" {
		t.Errorf("history: %+v, %v", h, err)
	}
	for oldest, want := range map[bool]int{false: 1, true: 2} {
		h, err := r.api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{ChannelID: "COPS", Oldest: root, Inclusive: oldest})
		if err != nil || len(h.Messages) != want {
			t.Errorf("history from the root, inclusive %v: %d, %v", oldest, len(h.Messages), err)
		}
	}

	r.DeleteMessage("COPS", root)
	r.post(t, slack.MsgOptionText("late", false), slack.MsgOptionTS(root))
	if list := r.Messages("COPS"); list[len(list)-1].Text != "late" {
		t.Error("a reply to a deleted parent is no root")
	}
}

func TestPermalinkAndReaction(t *testing.T) {
	r := newRig(t, slacksim.Options{})
	ts := r.post(t, slack.MsgOptionText("x", false))
	link, err := r.api.GetPermalinkContext(t.Context(), &slack.PermalinkParameters{Channel: "COPS", Ts: ts})
	if err != nil || link != "https://sim.slack.com/archives/COPS/p"+strings.ReplaceAll(ts, ".", "") {
		t.Error(link, err)
	}
	ref := slack.NewRefToMessage("COPS", ts)
	wantCode(t, r.api.AddReactionContext(t.Context(), "eyes", ref), "")
	wantCode(t, r.api.AddReactionContext(t.Context(), "eyes", ref), "already_reacted")
}

func TestPostPace(t *testing.T) {
	r := newRig(t, slacksim.Options{})
	r.AddChannel(slacksim.Channel{ID: "CTWO", Name: "two"})
	r.Join("CTWO", slacksim.BotUserID)
	var err error
	posts := 0
	for ; err == nil && posts < 20; posts++ {
		_, _, err = r.api.PostMessageContext(t.Context(), "COPS", slack.MsgOptionText("x", false))
	}
	limit, ok := errors.AsType[*slack.RateLimitedError](err)
	if !ok || limit.RetryAfter != time.Second || posts < 4 || posts > 8 {
		t.Errorf("after %d posts: %v", posts, err)
	}
	if _, _, err := r.api.PostMessageContext(t.Context(), "CTWO", slack.MsgOptionText("x", false)); err != nil {
		t.Error("another channel is held up, too:", err)
	}
	if got := len(r.Messages("COPS")); got != posts-1 {
		t.Errorf("%d messages of %d posts", got, posts)
	}
}

// Every method that has a tier answers 429 after so many calls, each for itself,
// and says when to come back.
func TestTiers(t *testing.T) {
	r := newRig(t, slacksim.Options{Tiers: true, PostGap: -1})
	ts := r.post(t, slack.MsgOptionText("root", false))
	r.AddGroup(slacksim.Group{ID: "SAPP", Handle: "approvers"})
	home := slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: []slack.Block{section("x")}}}
	for name, c := range map[string]struct {
		most int
		call func() error
	}{
		"usergroups.users.list": {20, func() error { _, err := r.api.GetUserGroupMembersContext(t.Context(), "SAPP"); return err }},
		"users.info":            {100, func() error { _, err := r.api.GetUserInfoContext(t.Context(), "UANN"); return err }},
		"views.publish": {100, func() error {
			_, err := r.api.PublishViewContext(t.Context(), slack.PublishViewContextRequest{UserID: "UANN", View: home})
			return err
		}},
		"chat.update": {50, func() error {
			_, _, _, err := r.api.UpdateMessageContext(t.Context(), "COPS", ts, slack.MsgOptionText("x", false))
			return err
		}},
		"conversations.history": {50, func() error {
			_, err := r.api.GetConversationHistoryContext(t.Context(), &slack.GetConversationHistoryParameters{ChannelID: "COPS"})
			return err
		}},
		"conversations.replies": {50, func() error {
			_, _, _, err := r.api.GetConversationRepliesContext(t.Context(), &slack.GetConversationRepliesParameters{ChannelID: "COPS", Timestamp: ts})
			return err
		}},
	} {
		var err error
		n := 0
		for ; err == nil && n < 200; n++ {
			err = c.call()
		}
		if limit, ok := errors.AsType[*slack.RateLimitedError](err); !ok || n != c.most+1 || limit.RetryAfter < 30*time.Second || limit.RetryAfter > time.Minute {
			t.Errorf("%s: call %d: %v", name, n, err)
		}
	}
	if _, err := r.api.AuthTestContext(t.Context()); err != nil {
		t.Error("a method without a tier is held up:", err)
	}
}

// Who waits as long as the answer says gets through. A test need not wait a minute.
func TestATierOpensAgain(t *testing.T) {
	r := newRig(t, slacksim.Options{Tiers: true, Minute: time.Second})
	var refused *slack.RateLimitedError
	for range 200 {
		if _, err := r.api.GetUserGroupsContext(t.Context()); errors.As(err, &refused) {
			break
		}
	}
	if refused == nil || refused.RetryAfter != time.Second {
		t.Fatalf("%v", refused)
	}
	time.Sleep(refused.RetryAfter)
	if _, err := r.api.GetUserGroupsContext(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestEphemeral(t *testing.T) {
	r := newRig(t, slacksim.Options{})
	r.AddUser(slacksim.User{ID: "UCAT", Name: "cat"})
	_, err := r.api.PostEphemeralContext(t.Context(), "COPS", "UCAT", slack.MsgOptionText("psst", false))
	wantCode(t, err, "user_not_in_channel")
	ts, err := r.api.PostEphemeralContext(t.Context(), "COPS", "UANN", slack.MsgOptionText("psst", false))
	if got := r.Private("UANN"); err != nil || len(got) != 1 || got[0].TS != ts || got[0].EphemeralTo != "UANN" {
		t.Errorf("%+v, %v", got, err)
	}
	if len(r.Private("UBOB")) != 0 || len(r.Messages("COPS")) != 0 {
		t.Error("others see it")
	}
	_, _, _, err = r.api.UpdateMessageContext(t.Context(), "COPS", ts, slack.MsgOptionText("x", false))
	wantCode(t, err, "message_not_found")
}

func TestFiles(t *testing.T) {
	r := newRig(t, slacksim.Options{})
	root := r.post(t, slack.MsgOptionText("root", false))
	f, err := r.api.UploadFileContext(t.Context(), slack.UploadFileParameters{
		Filename: "servers.csv", FileSize: 7, Content: "a,b\nc,d", Title: "Servers", Channel: "COPS", ThreadTimestamp: root,
	})
	if err != nil {
		t.Fatal(err)
	}
	files := r.Files()
	if len(files) != 1 || files[0].ID != f.ID || string(files[0].Content) != "a,b\nc,d" || files[0].Title != "Servers" || !files[0].Complete {
		t.Errorf("files: %+v", files)
	}
	if th := r.Thread("COPS", root); len(th) != 1 || len(th[0].Files) != 1 || th[0].Files[0] != f.ID {
		t.Errorf("thread: %+v", th)
	}
	for _, place := range []string{"UANN", "#ops"} { // unlike chat.postMessage
		if _, err := r.api.UploadFileContext(t.Context(), slack.UploadFileParameters{Filename: "x", FileSize: 1, Content: "x", Channel: place}); err == nil ||
			!strings.Contains(err.Error(), "invalid_arguments") {
			t.Errorf("a file for %s: %v", place, err)
		}
	}
	_, err = r.api.UploadFileContext(t.Context(), slack.UploadFileParameters{Filename: "x", FileSize: 99, Content: "short", Channel: "COPS"})
	if err == nil {
		t.Error("a file of another length than announced was taken")
	}
}
