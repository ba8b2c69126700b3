package bot_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/bot"
	"ecsbot/internal/ecssim"
	"ecsbot/internal/jobs"
	"ecsbot/internal/redistest"
	"ecsbot/internal/slackapp"
	"ecsbot/internal/slacksim"
)

// world is a simulated workspace and a simulated cloud with a real Redis
// between them: everything a bot needs, and nothing of the bot itself.
type world struct {
	t     *testing.T
	slack *slacksim.Workspace
	cloud *ecssim.Cloud
	redis *redistest.Server
	env   map[string]string // settings of every bot
}

// People of the simulated workspace.
const (
	anna  = "UANNA"  // asks
	ben   = "UBEN"   // approves
	carla = "UCARLA" // approves, by her user group
	dora  = "UDORA"  // has no rights
	gus   = "UGUS"   // a guest, and in the approvers' group
	ops   = "COPS"   // where the cards are
)

// quiet is a Slack that lets many posts pass.
var quiet = slacksim.Options{PostGap: -1}

// newWorld makes a world with quick jobs and no pauses between posts.
func newWorld(t *testing.T, env ...string) *world {
	t.Helper()
	return newWorldWith(t, ecssim.Options{MinJobTime: 100 * time.Millisecond, MaxJobTime: 300 * time.Millisecond, Seed: 1},
		quiet, env...)
}

func newWorldWith(t *testing.T, cloud ecssim.Options, slack slacksim.Options, env ...string) *world {
	t.Helper()
	if slack.Scopes == nil {
		slack = installed(t, slack)
	}
	w := &world{t: t, slack: slacksim.New(slack), cloud: ecssim.New(cloud), redis: redistest.Start(t)}
	slackHTTP, cloudHTTP := httptest.NewServer(w.slack.Handler()), httptest.NewServer(w.cloud.Handler())
	t.Cleanup(func() {
		w.slack.Close()
		w.cloud.Close()
		slackHTTP.CloseClientConnections()
		cloudHTTP.CloseClientConnections()
		slackHTTP.Close()
		cloudHTTP.Close()
	})
	t.Cleanup(w.wellFormed)
	w.slack.AddChannel(slacksim.Channel{ID: ops, Name: "ops"})
	for _, u := range []slacksim.User{
		{ID: anna, Name: "anna"}, {ID: ben, Name: "ben"}, {ID: carla, Name: "carla"}, {ID: dora, Name: "dora"},
		{ID: gus, Name: "gus", Guest: true},
	} {
		w.slack.AddUser(u)
		w.slack.Join(ops, u.ID)
	}
	w.slack.Join(ops, slacksim.BotUserID)
	w.slack.AddGroup(slacksim.Group{ID: "SDUTY", Handle: "duty", Users: []string{carla, gus}})
	o := w.cloud.Options()
	w.env = map[string]string{
		"SLACK_BOT_TOKEN": "xoxb-sim", "SLACK_APP_TOKEN": "xapp-sim", "SLACK_API_URL": slackHTTP.URL + "/api/",
		"APPROVAL_CHANNEL": ops, "APPROVERS": ben + ",SDUTY",
		"HUAWEICLOUD_SDK_AK": o.AccessKey, "HUAWEICLOUD_SDK_SK": o.SecretKey, "HUAWEICLOUD_SDK_PROJECT_ID": o.ProjectID,
		"ECS_ENDPOINT": cloudHTTP.URL, "ECS_REGION": "sim-1", "REDIS_URL": w.redis.URL(),
		"HTTP_ADDR": "127.0.0.1:0",
	}
	for i := 0; i+1 < len(env); i += 2 {
		w.env[env[i]] = env[i+1]
	}
	return w
}

// installed gives the app what its manifest asks for and no more.
func installed(t *testing.T, slack slacksim.Options) slacksim.Options {
	t.Helper()
	manifest, err := slackapp.ManifestJSON()
	if err != nil {
		t.Fatal(err)
	}
	if slack, err = slack.WithManifest(manifest); err != nil {
		t.Fatal(err)
	}
	return slack
}

// fast makes an engine work on a clock some twenty times quicker.
func fast(c *jobs.Config) {
	c.Polls = []time.Duration{100 * time.Millisecond, 200 * time.Millisecond}
	c.RetryIn = 150 * time.Millisecond
	c.Redraw = 100 * time.Millisecond
	c.PostGap, c.DrawGap = time.Millisecond, time.Millisecond
	c.RefusedPause = time.Second
	c.HomeGap = 200 * time.Millisecond
	c.Quarantine, c.UnsureWait = 2*time.Second, 2*time.Second
	c.Beat = 200 * time.Millisecond
	c.Window, c.Guard = 3*time.Second, 100*time.Millisecond
	c.TrustEmpty = true
}

// start runs a bot in this process until the test ends or stop is called.
func (w *world) start(tune bot.Tune) (stop func()) {
	w.t.Helper()
	c, err := bot.Load(func(name string) (string, bool) { v, set := w.env[name]; return v, set })
	if err != nil {
		w.t.Fatal(err)
	}
	if tune == nil {
		tune = fast
	}
	log := slog.New(slog.NewTextHandler(w.t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	b, err := bot.New(c, log, tune)
	if err != nil {
		w.t.Fatal(err)
	}
	before := w.slack.OpenConnections() // some may be closing: they are not this bot's
	ctx, cancel := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("the bot ended with %v", err)
		}
		b.Close()
	}
	w.t.Cleanup(stop)
	w.within(10*time.Second, "sockets", func() bool {
		own := slices.DeleteFunc(w.slack.OpenConnections(), func(n int) bool { return slices.Contains(before, n) })
		return len(own) >= c.Sockets
	})
	return stop
}

// within waits until ok holds.
func (w *world) within(d time.Duration, what string, ok func() bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), d)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			w.t.Fatalf("after %v there is no %s\n%s", d, what, w.transcript())
		case <-tick.C:
		}
	}
}

// transcript is everything that stands in the channel.
func (w *world) transcript() string {
	var b strings.Builder
	for _, m := range w.slack.Messages(ops) {
		fmt.Fprintf(&b, "CARD %s\n", slacksim.PlainText(m))
		for _, r := range w.slack.Thread(ops, m.TS) {
			if r.TS != m.TS {
				fmt.Fprintf(&b, "  REPLY %s\n", slacksim.PlainText(r))
			}
		}
	}
	for _, u := range []string{anna, ben, carla, dora, gus} {
		for _, m := range w.slack.Private(u) {
			fmt.Fprintf(&b, "PRIVATE to %s: %s\n", u, slacksim.PlainText(m))
		}
	}
	return b.String()
}

// command types after /ecs-stop and returns the text of the acknowledgement.
func (w *world) command(user, text string) string {
	w.t.Helper()
	a, err := w.slack.Command(w.t.Context(), user, ops, "/ecs-stop", text)
	if err != nil {
		w.t.Fatal(err)
	}
	if !a.Acked {
		w.t.Fatalf("/ecs-stop %s was not acknowledged", text)
	}
	var m struct{ Text string }
	if len(a.Payload) > 0 {
		json.Unmarshal(a.Payload, &m)
	}
	return m.Text
}

// card waits for the n-th card (from 0) and returns it.
func (w *world) card(n int) slacksim.Message {
	w.t.Helper()
	w.within(15*time.Second, fmt.Sprintf("card %d", n), func() bool { return len(w.slack.Messages(ops)) > n })
	return w.slack.Messages(ops)[n]
}

// ask asks for servers and returns the card.
func (w *world) ask(user, text string) slacksim.Message {
	w.t.Helper()
	n := len(w.slack.Messages(ops))
	w.command(user, text)
	return w.card(n)
}

func (w *world) click(user string, m slacksim.Message, action string) {
	w.t.Helper()
	if _, err := w.slack.Click(w.t.Context(), user, m.Channel, m.TS, action); err != nil {
		w.t.Fatal(err)
	}
}

// requestID reads the id of a request from its card's buttons.
func requestID(m slacksim.Message) string {
	_, rest, _ := strings.Cut(string(m.Blocks), `"value":"S-`)
	id, _, _ := strings.Cut(rest, `"`)
	return "S-" + id
}

// replies are the texts in the card's thread.
func (w *world) replies(m slacksim.Message) []string {
	var all []string
	for _, r := range w.slack.Thread(m.Channel, m.TS) {
		if r.TS != m.TS {
			all = append(all, slacksim.PlainText(r))
		}
	}
	return all
}

// thread waits for a reply that holds all the words and returns it.
func (w *world) reply(m slacksim.Message, words ...string) string {
	w.t.Helper()
	found := ""
	w.within(30*time.Second, fmt.Sprintf("reply with %q", words), func() bool {
		for _, text := range w.replies(m) {
			if holds(text, words...) {
				found = text
				return true
			}
		}
		return false
	})
	return found
}

// private waits for a private answer to user that holds all the words.
func (w *world) private(user string, words ...string) string {
	w.t.Helper()
	found := ""
	w.within(15*time.Second, fmt.Sprintf("private answer to %s with %q", user, words), func() bool {
		for _, m := range w.slack.Private(user) {
			if text := slacksim.PlainText(m); holds(text, words...) {
				found = text
				return true
			}
		}
		return false
	})
	return found
}

func holds(text string, words ...string) bool {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// now reads the card anew.
func (w *world) now(m slacksim.Message) slacksim.Message {
	for _, x := range w.slack.Messages(m.Channel) {
		if x.TS == m.TS {
			return x
		}
	}
	w.t.Fatal("the card is gone")
	return m
}

// fleet adds running servers web-1 … web-n and returns their ids.
func (w *world) fleet(n int) []string {
	ids := make([]string, n)
	servers := make([]ecssim.Server, n)
	for i := range n {
		ids[i] = fmt.Sprintf("%08x-0000-4000-8000-%012x", i+1, i+1)
		servers[i] = ecssim.Server{ID: ids[i], Name: fmt.Sprintf("web-%d", i+1), Status: "ACTIVE", VMState: "active", Address: fmt.Sprintf("10.0.%d.%d", i/250, i%250+1), Tags: []string{"env=dev"}}
	}
	w.cloud.Add(servers...)
	return ids
}

func (w *world) status(id string) string {
	s, _ := w.cloud.Server(id)
	return s.Status
}
