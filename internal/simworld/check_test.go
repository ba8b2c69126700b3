package simworld

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/slacksim"
)

// complaints is a T that keeps what it hears.
type complaints struct {
	ctx  context.Context
	said []string
}

func (c *complaints) Helper()                  {}
func (c *complaints) Context() context.Context { return c.ctx }
func (c *complaints) Errorf(format string, args ...any) {
	c.said = append(c.said, fmt.Sprintf(format, args...))
}
func (c *complaints) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// The closing checks of a world find what a bot must not post.
func TestCheckFindsWhatMustNotBePosted(t *testing.T) {
	t.Parallel()
	const ops, anna = "COPS", "UANNA"
	for _, tt := range []struct{ name, text, blocks, want string }{
		{"harmless", "<@UANNA>, <!subteam^SDUTY>: it is done, <!date^1|today>", "", ""},
		{"the whole channel", "<!channel> it is done", "", `["<!channel>"] pings`},
		{"a stranger", "<@UNOBODY> it is done", "", `["<@UNOBODY>"] pings`},
		{"the group of a rule", "<!subteam^SDBA> may approve", "", ""},
		{"another group", "<!subteam^SALL> it is done", "", `["<!subteam^SALL>"] pings`},
		{"in a block", "it is done", `[{"type":"section","text":{"type":"mrkdwn","text":"<!here>"}}]`, `["<!here>"] pings`},
		{"blocks that Slack refuses", "it is done", `[{"type":"section"}]`, "Slack refused chat.postMessage"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w, err := Serve(slacksim.New(slacksim.Options{PostGap: -1}), ecssim.New(ecssim.Options{}))
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			w.Slack.AddChannel(slacksim.Channel{ID: ops, Name: "ops"})
			w.Slack.AddUser(slacksim.User{ID: anna, Name: "anna"})
			w.Slack.Join(ops, anna, slacksim.BotUserID)
			post(t, w, url.Values{"channel": {ops}, "text": {tt.text}, "blocks": {tt.blocks}})
			heard := &complaints{ctx: t.Context()}
			(&People{World: w, T: heard, Ops: ops, Group: "SDUTY", Groups: []string{"SDBA"}}).Check()
			switch {
			case tt.want == "" && len(heard.said) > 0:
				t.Errorf("heard %q", heard.said)
			case tt.want != "" && (len(heard.said) == 0 || !strings.Contains(heard.said[0], tt.want)):
				t.Errorf("heard %q, want %q", heard.said, tt.want)
			}
		})
	}
}

// post posts a message as the bot.
func post(t *testing.T, w *World, form url.Values) {
	t.Helper()
	s := w.Settings()
	form.Set("token", s["SLACK_BOT_TOKEN"])
	answer, err := http.PostForm(s["SLACK_API_URL"]+"chat.postMessage", form)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
}
