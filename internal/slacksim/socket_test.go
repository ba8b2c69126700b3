package slacksim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"ecsbot/internal/slacksim"
)

// ack acknowledges at once, with a payload if there is one.
func ack(payload ...any) func(*socketmode.Client, socketmode.Event) {
	return func(sm *socketmode.Client, ev socketmode.Event) { sm.Ack(*ev.Request, payload...) }
}

func TestCommandReachesTheAppAndItsAckIsShown(t *testing.T) {
	r := newRig(t, slacksim.Options{})
	got := make(chan slack.SlashCommand, 1)
	r.connect(t, 1, func(sm *socketmode.Client, ev socketmode.Event) {
		got <- ev.Data.(slack.SlashCommand)
		sm.Ack(*ev.Request, map[string]any{"text": "working"})
	})
	a, err := r.Command(soon(t), "UANN", "COPS", "/stop", "web-1 @bob <b>")
	if err != nil || !a.Acked || a.Connection == 0 {
		t.Fatalf("%+v, %v", a, err)
	}
	c := <-got
	if c.Command != "/stop" || c.Text != "web-1 <@UBOB> &lt;b&gt;" || c.UserID != "UANN" || c.UserName != "ann" ||
		c.ChannelName != "ops" || c.TeamID != "TSIM" || c.TriggerID == "" || !strings.HasPrefix(c.ResponseURL, r.url+"/response/") {
		t.Errorf("command: %+v", c)
	}
	if p := r.Private("UANN"); len(p) != 1 || p[0].Text != "working" {
		t.Errorf("private: %+v", p)
	}
}

func TestInChannelAckShowsTheCommandToo(t *testing.T) {
	r := newRig(t, slacksim.Options{})
	r.connect(t, 1, ack(map[string]any{"response_type": "in_channel", "text": "done"}))
	if _, err := r.Command(soon(t), "UANN", "COPS", "/stop", "x"); err != nil {
		t.Fatal(err)
	}
	if m := r.Messages("COPS"); len(m) != 2 || m[0].Text != "/stop x" || m[0].User != "UANN" || m[1].Text != "done" {
		t.Errorf("%+v", m)
	}
}

func TestEscaping(t *testing.T) {
	r := newRig(t, slacksim.Options{AutoLink: true})
	r.AddGroup(slacksim.Group{ID: "SAPP", Handle: "approvers"})
	r.AddChannel(slacksim.Channel{ID: "CSECRET", Name: "secret", Private: true})
	got := make(chan string, 1)
	r.connect(t, 1, func(sm *socketmode.Client, ev socketmode.Event) {
		got <- ev.Data.(slack.SlashCommand).Text
		sm.Ack(*ev.Request)
	})
	for typed, want := range map[string]string{
		"a & b":               "a &amp; b",
		"@ann, @bob.":         "<@UANN>, <@UBOB>.",
		"@nobody me@ann":      "@nobody me@ann",
		"#ops #secret #none":  "<#COPS|ops> <#CSECRET|> #none",
		"@approvers":          "<!subteam^SAPP|@approvers>",
		"see https://x.io/?a": "see <https://x.io/?a>",
		"web01.example.com":   "<http://web01.example.com|web01.example.com>",
	} {
		if _, err := r.Command(soon(t), "UANN", "COPS", "/stop", typed); err != nil {
			t.Fatal(err)
		}
		if text := <-got; text != want {
			t.Errorf("%q became %q, want %q", typed, text, want)
		}
	}
}

func TestNobodyConnected(t *testing.T) {
	r := newRig(t, slacksim.Options{})
	a, err := r.Command(soon(t), "UANN", "COPS", "/stop", "x")
	if err != nil || a.Acked || a.Connection != 0 {
		t.Errorf("%+v, %v", a, err)
	}
	if p := r.Private("UANN"); len(p) != 1 || p[0].User != "slackbot" || !strings.Contains(p[0].Text, "dispatch_failed") {
		t.Errorf("%+v", p)
	}
}

func TestAckDeadline(t *testing.T) {
	r := newRig(t, slacksim.Options{AckTimeout: 30 * time.Millisecond})
	release := make(chan struct{})
	r.connect(t, 1, func(sm *socketmode.Client, ev socketmode.Event) {
		<-release
		sm.Ack(*ev.Request, map[string]any{"text": "late"})
	})
	a, err := r.Command(soon(t), "UANN", "COPS", "/stop", "x")
	if err != nil || a.Acked || a.Connection != 1 || a.After < 30*time.Millisecond {
		t.Errorf("%+v, %v", a, err)
	}
	close(release)
	if err := r.Wait(soon(t), func() bool { return r.Deliveries()[0].Frames == 1 }); err != nil {
		t.Fatal(err)
	}
	p := r.Private("UANN")
	if len(p) != 1 || !strings.Contains(p[0].Text, "operation_timeout") {
		t.Errorf("a late ack had an effect: %+v", p)
	}
}

func TestOnlyTheFirstAckCounts(t *testing.T) {
	r := newRig(t, slacksim.Options{})
	r.connect(t, 1, func(sm *socketmode.Client, ev socketmode.Event) {
		sm.Ack(*ev.Request, map[string]any{"text": "first"})
		sm.Ack(*ev.Request, map[string]any{"text": "second"})
	})
	if _, err := r.Command(soon(t), "UANN", "COPS", "/stop", "x"); err != nil {
		t.Fatal(err)
	}
	if err := r.Wait(soon(t), func() bool { return r.Deliveries()[0].Frames == 2 }); err != nil {
		t.Fatal(err)
	}
	if p := r.Private("UANN"); len(p) != 1 || p[0].Text != "first" {
		t.Errorf("%+v", p)
	}
}

func TestRedelivery(t *testing.T) {
	r := newRig(t, slacksim.Options{})
	type seen struct{ envelope, trigger string }
	got := make(chan seen, 3)
	r.connect(t, 2, func(sm *socketmode.Client, ev socketmode.Event) {
		got <- seen{ev.Request.EnvelopeID, ev.Data.(slack.SlashCommand).TriggerID}
		sm.Ack(*ev.Request, map[string]any{"text": "hi"})
	})
	for i, again := range []func() (slacksim.Answer, error){
		func() (slacksim.Answer, error) { return r.Command(soon(t), "UANN", "COPS", "/stop", "x") },
		func() (slacksim.Answer, error) { return r.Redeliver(soon(t)) },
		func() (slacksim.Answer, error) { return r.RedeliverOther(soon(t)) },
	} {
		if a, err := again(); err != nil || !a.Acked {
			t.Fatalf("delivery %d: %+v, %v", i, a, err)
		}
	}
	first, same, other := <-got, <-got, <-got
	if first != same || other.envelope == first.envelope || other.trigger != first.trigger {
		t.Error(first, same, other)
	}
	if p := r.Private("UANN"); len(p) != 1 {
		t.Errorf("the user sees the answer %d times", len(p))
	}
}

func TestEnvelopesGoToEveryConnectionInTurn(t *testing.T) {
	r := newRig(t, slacksim.Options{})
	r.connect(t, 3, ack())
	used := map[int]int{}
	for range 6 {
		a, err := r.Command(soon(t), "UANN", "COPS", "/stop", "x")
		if err != nil || !a.Acked {
			t.Fatal(a, err)
		}
		used[a.Connection]++
	}
	if fmt.Sprint(used) != "map[1:2 2:2 3:2]" {
		t.Error(used)
	}
}

func TestLostEnvelope(t *testing.T) {
	r := newRig(t, slacksim.Options{AckTimeout: 50 * time.Millisecond})
	r.connect(t, 1, ack())
	r.LoseNext(1)
	if a, err := r.Command(soon(t), "UANN", "COPS", "/stop", "x"); err != nil || a.Acked {
		t.Error(a, err)
	}
	if a, err := r.Command(soon(t), "UANN", "COPS", "/stop", "x"); err != nil || !a.Acked {
		t.Error(a, err)
	}
}

func TestDisconnectedClientsComeBack(t *testing.T) {
	r := newRig(t, slacksim.Options{})
	r.connect(t, 2, ack())
	again := func(n int) {
		t.Helper()
		err := r.Wait(soon(t), func() bool {
			open := r.OpenConnections()
			return len(open) == 2 && open[1] == n
		})
		if err != nil {
			t.Fatal(err, r.OpenConnections())
		}
	}
	r.Disconnect("refresh_requested", 1)
	again(3)
	r.Disconnect("warning")
	again(5)
	r.CutSockets()
	again(7)
	if a, err := r.Command(soon(t), "UANN", "COPS", "/stop", "x"); err != nil || !a.Acked {
		t.Error(a, err)
	}
}

func TestDown(t *testing.T) {
	r := newRig(t, slacksim.Options{})
	r.connect(t, 1, ack())
	r.Down(true)
	if _, err := r.api.AuthTestContext(t.Context()); err == nil || !strings.Contains(err.Error(), "503") {
		t.Error(err)
	}
	if a, err := r.Command(soon(t), "UANN", "COPS", "/stop", "x"); err != nil || a.Acked {
		t.Error(a, err)
	}
	r.Down(false)
	if err := r.WaitConnected(soon(t), 1); err != nil {
		t.Error(err)
	}
}

// dial opens a raw socket whose longer messages go out in frames of that size.
func (r *rig) dial(t *testing.T, frameSize int) *websocket.Conn {
	t.Helper()
	_, url, err := r.api.StartSocketModeContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d := websocket.Dialer{WriteBufferSize: frameSize}
	c, res, err := d.DialContext(t.Context(), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	t.Cleanup(func() { c.Close() })
	if _, res, err := d.DialContext(t.Context(), url, nil); err == nil {
		t.Error("a ticket was good twice")
	} else if res != nil {
		res.Body.Close()
	}
	return c
}

type frame struct {
	Type           string `json:"type"`
	Reason         string `json:"reason"`
	NumConnections int    `json:"num_connections"`
	DebugInfo      struct {
		Time int `json:"approximate_connection_time"`
	} `json:"debug_info"`
	EnvelopeID string `json:"envelope_id"`
	Accepts    bool   `json:"accepts_response_payload"`
	Retry      int    `json:"retry_attempt"`
}

func next(t *testing.T, c *websocket.Conn) frame {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(5 * time.Second))
	var f frame
	if err := c.ReadJSON(&f); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestHelloPingsAndTheEleventhConnection(t *testing.T) {
	r := newRig(t, slacksim.Options{PingEvery: 10 * time.Millisecond})
	var pings atomic.Int32
	first := r.dial(t, 4096)
	first.SetPingHandler(func(string) error { pings.Add(1); return nil })
	if f := next(t, first); f.Type != "hello" || f.NumConnections != 1 || f.DebugInfo.Time != 18060 {
		t.Errorf("%+v", f)
	}
	for i := range 9 {
		c := r.dial(t, 4096)
		if f := next(t, c); f.NumConnections != i+2 {
			t.Errorf("%+v", f)
		}
		go c.ReadMessage() // answers pings until the socket is closed
	}
	if f := next(t, r.dial(t, 4096)); f.Type != "disconnect" || f.Reason != "too_many_websockets" {
		t.Errorf("%+v", f)
	}
	// The first one notices pings and never answers: it is taken for dead.
	first.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, _, err := first.ReadMessage(); err == nil || pings.Load() < 3 {
		t.Error(err, pings.Load())
	}
}

func TestBigAndFragmentedAcksAreIgnored(t *testing.T) {
	for _, c := range []struct {
		frameSize, text int
		ignored         string
	}{
		{64 * 1024, 19 * 1024, ""},
		{64 * 1024, 20 * 1024, "20 KiB or more"},
		{1024, 500, ""},
		{1024, 3000, "fragmented frame"},
	} {
		r := newRig(t, slacksim.Options{AckTimeout: 100 * time.Millisecond})
		ignored := make(chan string, 1)
		r.Watch(func(ev slacksim.Event) {
			if ev.Kind == slacksim.AckIgnored {
				ignored <- ev.Detail
			}
		})
		conn := r.dial(t, c.frameSize)
		next(t, conn)
		if err := r.WaitConnected(soon(t), 1); err != nil {
			t.Fatal(err)
		}
		answer := make(chan slacksim.Answer, 1)
		go func() {
			a, _ := r.Command(t.Context(), "UANN", "COPS", "/stop", "x")
			answer <- a
		}()
		f := next(t, conn)
		b, _ := json.Marshal(map[string]any{"envelope_id": f.EnvelopeID, "payload": map[string]string{"text": strings.Repeat("x", c.text)}})
		conn.WriteMessage(websocket.TextMessage, b)
		if a := <-answer; !f.Accepts || a.Acked != (c.ignored == "") {
			t.Errorf("%d bytes in frames of %d: %+v", c.text, c.frameSize, a)
		} else if !a.Acked && <-ignored != c.ignored {
			t.Errorf("not ignored as %q", c.ignored)
		}
	}
}

func TestEventsAreRetried(t *testing.T) {
	r := newRig(t, slacksim.Options{AckTimeout: 20 * time.Millisecond, EventRetries: []time.Duration{0, time.Millisecond}})
	got := make(chan int, 3)
	r.connect(t, 1, func(sm *socketmode.Client, ev socketmode.Event) {
		got <- ev.Request.RetryAttempt
		if ev.Request.RetryAttempt == 2 {
			sm.Ack(*ev.Request)
		}
	})
	if a, err := r.OpenHome(soon(t), "UANN"); err != nil || a.Acked {
		t.Error(a, err)
	}
	for want := range 3 {
		select {
		case n := <-got:
			if n != want {
				t.Errorf("attempt %d, want %d", n, want)
			}
		case <-soon(t).Done():
			t.Fatal("no attempt", want)
		}
	}
}

func TestCloseEndsEverything(t *testing.T) {
	r := newRig(t, slacksim.Options{})
	r.connect(t, 2, func(*socketmode.Client, socketmode.Event) {})
	r.FailNext("auth.test", 1, slacksim.Hang)
	failed := make(chan error, 3)
	go func() { _, err := r.api.AuthTestContext(context.WithoutCancel(t.Context())); failed <- err }()
	go func() {
		_, err := r.Command(context.WithoutCancel(t.Context()), "UANN", "COPS", "/stop", "")
		failed <- err
	}()
	go func() { failed <- r.Wait(context.WithoutCancel(t.Context()), func() bool { return false }) }()
	if err := r.Wait(soon(t), func() bool { return len(r.Deliveries()) == 1 && len(r.Calls("auth.test")) == 1 }); err != nil {
		t.Fatal(err)
	}
	r.Close()
	r.Close()
	for range 3 {
		if err := <-failed; err == nil {
			t.Error("a wait ended without an error")
		}
	}
	if res, err := http.Get(r.url + "/socket?ticket=x"); err != nil || res.StatusCode != 400 {
		t.Error(res, err)
	} else {
		res.Body.Close()
	}
}
