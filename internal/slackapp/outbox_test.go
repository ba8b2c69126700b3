package slackapp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/secret"
	"ecsbot/internal/slacksim"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/slack-go/slack"
)

// rig is an app that talks to a simulated Slack, and what it logs.
type rig struct {
	app   *App
	slack *slacksim.Workspace
	base  string
	log   *bytes.Buffer
	reg   *prometheus.Registry
}

// deskOf is an engine that knows one frozen list.
type deskOf struct {
	Desk
	frozen approvals.ServerList
}

func (deskOf) Projects() approvals.Projects { return nil }

func (d deskOf) ServerList(context.Context, string) (approvals.ServerList, error) {
	return d.frozen, nil
}

func newRig(t *testing.T, opt slacksim.Options, desk Desk) *rig {
	t.Helper()
	opt.PostGap = -1
	r := &rig{slack: slacksim.New(opt), log: new(bytes.Buffer), reg: prometheus.NewRegistry()}
	srv := httptest.NewServer(r.slack.Handler())
	t.Cleanup(func() {
		r.slack.Close()
		srv.CloseClientConnections()
		srv.Close()
	})
	r.base = srv.URL
	r.slack.AddChannel(slacksim.Channel{ID: "COPS", Name: "ops"})
	r.slack.AddUser(slacksim.User{ID: "UANNA", Name: "anna"})
	r.slack.Join("COPS", "UANNA")
	r.slack.Join("COPS", slacksim.BotUserID)
	r.app = New(Config{
		BotToken: secret.New("xoxb-sim"), AppToken: secret.New("xapp-sim"), APIURL: srv.URL + "/api/", Sockets: 1,
		Log: slog.New(slog.NewTextHandler(r.log, nil)), Metrics: NewMetrics(r.reg),
	}, desk)
	return r
}

func TestFateOfAnswers(t *testing.T) {
	answer := func(code string) error {
		return fmt.Errorf("chat.postMessage: %w", slack.SlackErrorResponse{Err: code})
	}
	type want struct {
		fate       approvals.DeliveryStatus
		quiet, odd bool
		code       string
	}
	for name, tt := range map[string]struct {
		err  error
		want want
	}{
		"no such channel":   {answer("channel_not_found"), want{fate: approvals.Rejected, code: "channel_not_found"}},
		"not a member":      {answer("not_in_channel"), want{fate: approvals.Rejected, code: "not_in_channel"}},
		"archived":          {answer("is_archived"), want{fate: approvals.Rejected, code: "is_archived"}},
		"too long":          {answer("msg_too_long"), want{fate: approvals.Rejected, code: "msg_too_long"}},
		"restricted":        {answer("restricted_action_read_only_channel"), want{fate: approvals.Rejected, code: "restricted_action_read_only_channel"}},
		"keys taken away":   {answer("ekm_access_denied"), want{fate: approvals.Rejected, code: "ekm_access_denied"}},
		"being migrated":    {answer("team_added_to_org"), want{odd: true, fate: approvals.NotPosted, code: "team_added_to_org"}},
		"another network":   {answer("accesslimited"), want{odd: true, fate: approvals.NotPosted, code: "accesslimited"}},
		"of next year":      {answer("what_is_this"), want{odd: true, fate: approvals.NotPosted, code: "what_is_this"}},
		"token revoked":     {answer("token_revoked"), want{fate: approvals.NotPosted, code: "token_revoked"}},
		"may have happened": {answer("internal_error"), want{fate: approvals.MaybePosted, code: "internal_error"}},
		"limited":           {&slack.RateLimitedError{RetryAfter: 3 * time.Second}, want{fate: approvals.NotPosted, quiet: true}},
		"bad gateway":       {slack.StatusCodeError{Code: 502}, want{fate: approvals.MaybePosted}},
		"no connection":     {&net.OpError{Op: "dial", Err: errors.New("refused")}, want{fate: approvals.NotPosted}},
		"cut":               {errors.New("EOF"), want{fate: approvals.MaybePosted}},
	} {
		d := fateOf(tt.err)
		if got := (want{d.Status, d.WholeMethod, d.UnknownCode, d.Code}); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}

// With the address of an upload anybody may write there, and with a response_url
// anybody may speak as the bot: neither is in any error or in the log.
func TestNoErrorNamesAnAddress(t *testing.T) {
	t.Parallel()
	frozen := approvals.ServerList{Servers: []approvals.Server{{ID: "a", Name: "web-1"}}}
	r := newRig(t, slacksim.Options{}, deskOf{frozen: frozen})
	list := approvals.Message{
		Request: approvals.Request{ID: "S-22222", Thread: approvals.Thread{Channel: "COPS", TS: "1.0"}},
		Notes:   []approvals.Note{{ID: "S-22222/list", Topic: approvals.TopicList, At: time.Now()}},
	}
	var said []string
	for _, f := range []slacksim.Fault{slacksim.ResetBefore, slacksim.Status(403), slacksim.Status(502)} {
		r.slack.FailNext("upload", 1, f)
		d := r.app.Post(t.Context(), list)
		if d.Err == nil {
			t.Fatal("the upload did not fail")
		}
		for err := d.Err; err != nil; err = errors.Unwrap(err) {
			said = append(said, fmt.Sprintf("%v %+v", err, err))
		}
	}
	// An address that the library refuses to send the token to.
	said = append(said, clean(fmt.Errorf(`refusing to send the token to %q: no`, "https://files.example.com/upload/v1/SECRET?x=1")).Error())
	_, err := http.NewRequestWithContext(t.Context(), "GET", "https://files.example.com/upload/\x7f", nil)
	said = append(said, clean(err).Error())
	r.slack.FailNext("chat.postEphemeral", 9, slacksim.ErrorCode("user_not_in_channel", false))
	r.slack.FailNext("chat.postMessage", 9, slacksim.ErrorCode("channel_not_found", false))
	r.app.poster.answer(t.Context(), interaction{User: "UANNA", Channel: "COPS", Response: r.base + "/response/SECRET"}, "hello")
	said = append(said, r.log.String())
	for _, text := range said {
		for _, never := range []string{"/upload/", "/response/", "SECRET"} {
			if strings.Contains(text, never) {
				t.Errorf("%q holds %q", text, never)
			}
		}
	}
	if !strings.Contains(r.log.String(), "could not be answered") {
		t.Errorf("nothing was logged: %s", r.log)
	}
}

func TestAFileThatIsCertainlyRefusedIsGivenUp(t *testing.T) {
	frozen := approvals.ServerList{Servers: []approvals.Server{{ID: "a", Name: "web-1"}}}
	r := newRig(t, slacksim.Options{}, deskOf{frozen: frozen})
	for name, tt := range map[string]struct {
		method string
		fault  slacksim.Fault
		age    time.Duration
		want   approvals.DeliveryStatus
	}{
		"by a proxy":         {"upload", slacksim.Status(403), 0, approvals.Rejected},
		"too many at once":   {"upload", slacksim.Status(429), 0, approvals.NotPosted},
		"no answer":          {"upload", slacksim.ResetBefore, 0, approvals.NotPosted},
		"no answer for long": {"upload", slacksim.ResetBefore, time.Hour, approvals.Rejected},
		"a missing right":    {"files.getUploadURLExternal", slacksim.ErrorCode("missing_scope", false), 0, approvals.Rejected},
		"an odd code":        {"files.getUploadURLExternal", slacksim.ErrorCode("what_is_this", false), 0, approvals.NotPosted},
		"perhaps shown":      {"files.completeUploadExternal", slacksim.ResetAfter, 0, approvals.MaybePosted},
	} {
		r.slack.FailNext(tt.method, 1, tt.fault)
		d := r.app.Post(t.Context(), approvals.Message{
			Request: approvals.Request{ID: "S-22222", Thread: approvals.Thread{Channel: "COPS", TS: "1.0"}},
			Notes:   []approvals.Note{{ID: "S-22222/list", Topic: approvals.TopicList, At: time.Now().Add(-tt.age)}},
		})
		if d.Status != tt.want {
			t.Errorf("%s: fate %v, want %v (%v)", name, d.Status, tt.want, d.Err)
		}
	}
}

// An answer that HTTP calls a success is not given a second time.
func TestAnySuccessOfAResponseURLCounts(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		body   string
		told   bool
	}{
		"ok": {200, "ok", true}, "JSON": {200, `{"ok":true}`, true}, "empty": {200, "", true}, "no content": {204, "", true},
		"a page": {202, "<html>", true}, "a no": {200, `{"ok":false,"error":"used_url"}`, false}, "gone": {404, "", false}, "away": {503, "", false},
	} {
		posts := 0
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			posts++
			w.WriteHeader(tt.status)
			if tt.status != http.StatusNoContent {
				fmt.Fprint(w, tt.body)
			}
		}))
		r := newRig(t, slacksim.Options{}, deskOf{})
		r.app.poster.answer(t.Context(), interaction{User: "UANNA", Channel: "COPS", Response: srv.URL}, "hello")
		srv.Close()
		elsewhere := len(r.slack.Calls("chat.postEphemeral"))
		if posts != 1 || (elsewhere == 0) != tt.told {
			t.Errorf("%s: answered %d times there and %d times elsewhere", name, posts, elsewhere)
		}
	}
}

// A direct message is the last way to a person. It needs the Messages tab, which
// the manifest turns on.
func TestTheLastWayToAPersonIsOpen(t *testing.T) {
	t.Parallel()
	m := approvals.Message{
		Request: approvals.Request{
			ID: "S-22222", State: approvals.Denied,
			Asked:   approvals.Asked{Requester: "UANNA", AskedIn: "CDEV", Channel: "COPS"},
			Decided: approvals.Decided{Decisions: []approvals.Decision{{Choice: approvals.ChoseDeny, By: "UBEN"}}},
		},
		Notes:   []approvals.Note{{ID: "S-22222/denied", Topic: approvals.TopicDenied, By: "UBEN"}},
		Refused: "is_archived",
	}
	for _, off := range []bool{false, true} {
		r := newRig(t, slacksim.Options{NoMessagesTab: off}, deskOf{})
		err := r.app.TellPrivately(t.Context(), "UANNA", m)
		var told []slacksim.Message
		for _, c := range r.slack.Channels() {
			if c.ID != "COPS" {
				told = append(told, r.slack.Messages(c.ID)...)
			}
		}
		if off {
			if err == nil || !strings.Contains(err.Error(), "messages_tab_disabled") || len(told) > 0 {
				t.Errorf("without the tab: %v, told %v", err, told)
			}
			continue
		}
		if err != nil || len(told) != 1 || !strings.Contains(told[0].Text, "denied your request") || !strings.Contains(told[0].Text, "archived") || strings.Contains(told[0].Text, "/invite") {
			t.Errorf("with the tab: %v, told %+v", err, told)
		}
	}
	home := decodedManifest(t).Features.Home
	if !home.Messages || !home.ReadOnly {
		t.Errorf("the manifest closes it: %+v", home)
	}
}

func TestAdviceFitsTheRefusal(t *testing.T) {
	for code, want := range map[string]string{
		"not_in_channel": "/invite", "channel_not_found": "/invite", "is_archived": "archived", "restricted_action_thread_locked": "ask an admin",
		"msg_too_long": "`msg_too_long`", "": "people who run this bot",
	} {
		got := sayMakeRoom(code)
		if !strings.Contains(got, want) || want != "/invite" && strings.Contains(got, "/invite") {
			t.Errorf("%s: %q", code, got)
		}
	}
}

// The operator learns which scopes the installed app lacks.
func TestMissingScopesAreTold(t *testing.T) {
	t.Parallel()
	all, err := wantedScopes()
	if err != nil || !slices.Contains(all, "chat:write") {
		t.Fatal(all, err)
	}
	for name, tt := range map[string]struct {
		scopes  []string
		missing []string
	}{
		"all":         {all, nil},
		"an old app":  {[]string{"commands", "chat:write", "users:read", "usergroups:read", "files:write"}, []string{"channels:history", "channels:read", "groups:history", "groups:read"}},
		"more scopes": {append(slices.Clone(all), "pins:write"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, slacksim.Options{Scopes: tt.scopes}, deskOf{})
			r.slack.FailNext("auth.test", 1, slacksim.Status(503)) // it is asked again
			r.app.checkScopes(t.Context())
			families, err := r.reg.Gather()
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range families {
				if f.GetName() == "ecsbot_slack_scope_missing" {
					for _, m := range f.GetMetric() {
						got = append(got, m.GetLabel()[0].GetValue())
					}
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, tt.missing) {
				t.Errorf("the metric tells %v, want %v", got, tt.missing)
			}
			if logged := !slices.ContainsFunc(tt.missing, func(scope string) bool { return !strings.Contains(r.log.String(), scope) }) && strings.Contains(r.log.String(), "lacks scopes"); logged != (tt.missing != nil) {
				t.Errorf("logged: %s", r.log)
			}
		})
	}
}

// A card that was deleted is asked for once.
func TestTheLinkToADeletedCardIsAskedForOnce(t *testing.T) {
	r := newRig(t, slacksim.Options{}, deskOf{})
	gone := approvals.Request{ID: "S-22222", Thread: approvals.Thread{Channel: "COPS", TS: "1700000000.000100"}}
	for range 3 {
		if link := r.app.permalink(t.Context(), gone); link != "" {
			t.Errorf("a link: %q", link)
		}
	}
	if n := len(r.slack.Calls("chat.getPermalink")); n != 1 {
		t.Errorf("asked %d times", n)
	}
	if strings.Contains(r.log.String(), "WARN") {
		t.Errorf("warned: %s", r.log)
	}
	// One that Slack does not tell now is asked for again.
	later := approvals.Request{ID: "S-33333", Thread: approvals.Thread{Channel: "COPS", TS: "1700000000.000200"}}
	r.slack.FailNext("chat.getPermalink", 1, slacksim.Status(503))
	r.app.permalink(t.Context(), later)
	r.app.permalink(t.Context(), later)
	if n := len(r.slack.Calls("chat.getPermalink")); n != 3 {
		t.Errorf("asked %d times in all, want 3", n)
	}
}

func TestALookThatIsRefusedForGoodSaysSo(t *testing.T) {
	r := newRig(t, slacksim.Options{Scopes: []string{"chat:write"}}, deskOf{})
	for _, ts := range []string{"", "1700000000.000100"} {
		_, _, err := r.app.FindPost(t.Context(), approvals.Request{Thread: approvals.Thread{Channel: "COPS", TS: ts}}, "S-22222/end", time.Now())
		why := new(approvals.FindError)
		if !errors.As(err, &why) || !why.Final {
			t.Errorf("thread %q: %v", ts, err)
		}
	}
	r = newRig(t, slacksim.Options{}, deskOf{})
	r.slack.FailNext("conversations.history", 1, slacksim.RateLimited(7*time.Second))
	_, _, err := r.app.FindPost(t.Context(), approvals.Request{Thread: approvals.Thread{Channel: "COPS"}}, "S-22222/end", time.Now())
	if why := new(approvals.FindError); !errors.As(err, &why) || why.Final || why.RetryAfter != 7*time.Second {
		t.Errorf("limited: %v", err)
	}
}

func TestCellsAreNoFormulas(t *testing.T) {
	for in, want := range map[string]string{
		"web-1": "web-1", "": "", "a=b": "a=b", "=1+1": "'=1+1", "＝1+1": "'＝1+1", "＋1": "'＋1", "－1": "'－1", "＠x": "'＠x",
		"note=a;=HYPERLINK(1)": "note=a;'=HYPERLINK(1)", "a; =1": "a; '=1", "a；＝1": "a；'＝1", "a\n=1": "a\n'=1", " =1": " '=1",
	} {
		if got := cell(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

// The Home tells what its channel did not take, to outsiders as well.
func TestTheHomeTellsWhatCouldNotBeSaid(t *testing.T) {
	few := newScene(t, 3)
	v := few.view()
	end := few.ended(false, all(wasStopped))
	end.Refused = "is_archived"
	text := asJSON(t, v.home(home{person: approvals.Person{ID: "UANNA"}, now: noon, untold: []approvals.Message{end}, link: func(approvals.Request) string { return "" }}))
	for _, want := range []string{"3 of 3 servers stopped", "couldn't post this", "archived"} {
		if !strings.Contains(text, want) {
			t.Errorf("the Home does not say %q: %s", want, text)
		}
	}
}
