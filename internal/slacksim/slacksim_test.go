package slacksim_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"ecsbot/internal/slacksim"
)

const (
	botToken = "xoxb-test"
	appToken = "xapp-test"
)

// rig is a workspace with #ops (the bot, ann and bob are in it), served over
// HTTP, and slack-go's client for it.
type rig struct {
	*slacksim.Workspace
	url string
	api *slack.Client
}

func newRig(t *testing.T, opt slacksim.Options) *rig {
	t.Helper()
	opt.BotToken, opt.AppToken = botToken, appToken
	if opt.AckTimeout == 0 {
		opt.AckTimeout = 2 * time.Second
	}
	w := slacksim.New(opt)
	srv := httptest.NewServer(w.Handler())
	t.Cleanup(srv.Close)
	t.Cleanup(w.Close)
	w.AddUser(slacksim.User{ID: "UANN", Name: "ann"})
	w.AddUser(slacksim.User{ID: "UBOB", Name: "bob"})
	w.AddChannel(slacksim.Channel{ID: "COPS", Name: "ops"})
	w.Join("COPS", slacksim.BotUserID, "UANN", "UBOB")
	return &rig{w, srv.URL, slack.New(botToken,
		slack.OptionAppLevelToken(appToken),
		slack.OptionAPIURL(srv.URL+"/api/"),
		slack.OptionHTTPClient(&http.Client{Timeout: 5 * time.Second}))}
}

// connect runs n of slack-go's socket clients until the test ends. handle gets
// what concerns an app.
func (r *rig) connect(t *testing.T, n int, handle func(*socketmode.Client, socketmode.Event)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	t.Cleanup(func() { cancel(); wg.Wait() })
	for range n {
		sm := socketmode.New(r.api)
		wg.Go(func() { sm.RunContext(ctx) })
		wg.Go(func() {
			for {
				select {
				case ev := <-sm.Events:
					switch ev.Type {
					case socketmode.EventTypeSlashCommand, socketmode.EventTypeInteractive, socketmode.EventTypeEventsAPI:
						handle(sm, ev)
					}
				case <-ctx.Done():
					return
				}
			}
		})
	}
	if err := r.WaitConnected(soon(t), n); err != nil {
		t.Fatal("connect:", err)
	}
}

// soon is a deadline for what must not take long.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func (r *rig) post(t *testing.T, options ...slack.MsgOption) string {
	t.Helper()
	_, ts, err := r.api.PostMessageContext(t.Context(), "COPS", options...)
	if err != nil {
		t.Fatal("post:", err)
	}
	return ts
}

// code is the error code that Slack answered.
func code(err error) string {
	if e, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		return e.Err
	}
	if err != nil {
		return "no answer: " + err.Error()
	}
	return ""
}

func wantCode(t *testing.T, err error, want string) {
	t.Helper()
	if got := code(err); got != want {
		t.Errorf("got error %q, want %q", got, want)
	}
}

func button(actionID, value, label string) *slack.ActionBlock {
	return slack.NewActionBlock("buttons", slack.NewButtonBlockElement(actionID, value,
		slack.NewTextBlockObject(slack.PlainTextType, label, false, false)))
}

func section(text string) *slack.SectionBlock {
	return slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, text, false, false), nil, nil)
}

func TestAuthentication(t *testing.T) {
	r := newRig(t, slacksim.Options{})
	who, err := r.api.AuthTestContext(t.Context())
	if err != nil || who.UserID != slacksim.BotUserID || who.BotID != slacksim.BotID || who.TeamID != "TSIM" {
		t.Errorf("auth.test: %+v, %v", who, err)
	}
	try := func(token string) error {
		_, err := slack.New(token, slack.OptionAPIURL(r.url+"/api/")).AuthTestContext(t.Context())
		return err
	}
	wantCode(t, try("xoxb-wrong"), "invalid_auth")
	wantCode(t, try(""), "not_authed")
	wantCode(t, try(appToken), "not_allowed_token_type")

	// Sockets are opened with the app token in the header, not in a form.
	res, err := http.Post(r.url+"/api/apps.connections.open", "application/x-www-form-urlencoded", strings.NewReader("token="+appToken))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct{ Error string }
	json.NewDecoder(res.Body).Decode(&answer)
	if answer.Error != "not_authed" {
		t.Errorf("socket by form token: %q", answer.Error)
	}
}

func TestJSONAndFormBodiesMeanTheSame(t *testing.T) {
	r := newRig(t, slacksim.Options{})
	body := `{"channel":"COPS","text":"hi","blocks":[{"type":"section","text":{"type":"mrkdwn","text":"hello"}}],"unfurl_links":false}`
	req, _ := http.NewRequestWithContext(t.Context(), "POST", r.url+"/api/chat.postMessage", strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+botToken)
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	r.post(t, slack.MsgOptionText("hi", false), slack.MsgOptionBlocks(section("hello")))
	list := r.Messages("COPS")
	if len(list) != 2 || slacksim.PlainText(list[0]) != "hello" || slacksim.PlainText(list[1]) != "hello" {
		t.Errorf("messages: %+v", list)
	}
	for _, c := range r.Calls("chat.postMessage") {
		if c.Args["token"] != "" {
			t.Error("a token was recorded")
		}
	}
}

func TestMissingScope(t *testing.T) {
	r := newRig(t, slacksim.Options{Scopes: []string{"chat:write"}})
	_, err := r.api.GetUserInfoContext(t.Context(), "UANN")
	wantCode(t, err, "missing_scope")
	r.post(t, slack.MsgOptionText("hi", false))
}

func TestUnknownMethod(t *testing.T) {
	r := newRig(t, slacksim.Options{})
	_, err := r.api.GetEmojiContext(t.Context())
	wantCode(t, err, "unknown_method")
}

func TestPeopleAndPlaces(t *testing.T) {
	r := newRig(t, slacksim.Options{})
	ctx := t.Context()
	r.AddUser(slacksim.User{ID: "UGUEST", Name: "guest", Guest: true, TZ: "Europe/Berlin"})
	r.AddUser(slacksim.User{ID: "USTRANGE", Stranger: true, TeamID: "TOTHER"})
	r.AddGroup(slacksim.Group{ID: "SAPP", Handle: "approvers", Users: []string{"UANN"}})
	r.AddChannel(slacksim.Channel{ID: "CSECRET", Name: "secret", Private: true})

	u, err := r.api.GetUserInfoContext(ctx, "UGUEST")
	if err != nil || !u.IsRestricted || u.IsUltraRestricted || u.TZ != "Europe/Berlin" {
		t.Errorf("guest: %+v, %v", u, err)
	}
	if u, err := r.api.GetUserInfoContext(ctx, "USTRANGE"); err != nil || !u.IsStranger || u.TeamID != "TOTHER" {
		t.Errorf("stranger: %+v, %v", u, err)
	}
	_, err = r.api.GetUserInfoContext(ctx, "UNOBODY")
	wantCode(t, err, "user_not_found")

	r.SetGroup("SAPP", "UANN", "UBOB")
	r.Deactivate("UBOB")
	if u, err := r.api.GetUserInfoContext(ctx, "UBOB"); err != nil || !u.Deleted {
		t.Errorf("deactivated: %+v, %v", u, err)
	}
	groups, err := r.api.GetUserGroupsContext(ctx, slack.GetUserGroupsOptionIncludeUsers(true))
	if err != nil || len(groups) != 1 || groups[0].Handle != "approvers" || strings.Join(groups[0].Users, " ") != "UANN" {
		t.Errorf("groups: %+v, %v", groups, err)
	}
	members, err := r.api.GetUserGroupMembersContext(ctx, "SAPP")
	if err != nil || len(members) != 1 {
		t.Errorf("group members: %v, %v", members, err)
	}
	_, err = r.api.GetUserGroupMembersContext(ctx, "SNONE")
	wantCode(t, err, "no_such_subteam")

	c, err := r.api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: "COPS"})
	if err != nil || c.Name != "ops" || !c.IsMember || c.IsPrivate {
		t.Errorf("channel: %+v, %v", c, err)
	}
	_, err = r.api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: "CSECRET"})
	wantCode(t, err, "channel_not_found")

	in, cursor, err := r.api.GetUsersInConversationContext(ctx, &slack.GetUsersInConversationParameters{ChannelID: "COPS", Limit: 2})
	if err != nil || len(in) != 2 || cursor == "" {
		t.Errorf("members: %v, %q, %v", in, cursor, err)
	}
	in, cursor, err = r.api.GetUsersInConversationContext(ctx, &slack.GetUsersInConversationParameters{ChannelID: "COPS", Limit: 2, Cursor: cursor})
	if err != nil || len(in) != 1 || cursor != "" {
		t.Errorf("members, page 2: %v, %q, %v", in, cursor, err)
	}
}

func TestWatchersSeeEventsInOrder(t *testing.T) {
	r := newRig(t, slacksim.Options{})
	seen := make(chan slacksim.Event, 100)
	stop := r.Watch(func(ev slacksim.Event) { seen <- ev })
	ts := r.post(t, slack.MsgOptionText("one", false))
	if _, _, _, err := r.api.UpdateMessageContext(t.Context(), "COPS", ts, slack.MsgOptionText("two", false)); err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for len(kinds) < 4 {
		select {
		case ev := <-seen:
			kinds = append(kinds, ev.Kind)
		case <-soon(t).Done():
			t.Fatal("events:", kinds)
		}
	}
	if got := strings.Join(kinds, " "); got != "message_posted call_answered message_updated call_answered" {
		t.Error("events:", got)
	}
	stop()
	stop()
}
