package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/slacksim"
)

// started is a playground with its bot on the way.
func started(t *testing.T) *playground {
	t.Helper()
	g, err := newPlayground(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

// Whatever is planned to go wrong strikes the next request, and that ends as it
// must: each server was stopped at most once, and the outcome is posted once.
func TestEveryBreakStrikesAndEndsRight(t *testing.T) {
	t.Parallel()
	g := started(t)
	wait := func(what string, cond func() bool) {
		t.Helper()
		for deadline := time.Now().Add(100 * time.Second); !cond(); time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: waited too long; the record is %v", what, g.record.last()["requests"])
			}
		}
	}
	wait("sockets", func() bool { return g.Slack.Connections() >= 2 })
	armed := func() int {
		g.mu.Lock()
		defer g.mu.Unlock()
		return len(g.armed)
	}
	var roots []slacksim.Message
	// After a 429 nothing is sent for a minute; what Slack does needs time, too.
	whats := []string{"cloud_502", "cloud_drop", "cloud_reset", "fail_job", "cloud_429", "slack_drop", "slack_lose", "slack_429"}
	for what := range breaks {
		if !slices.Contains(whats, what) {
			t.Errorf("%s is not tried here", what)
		}
	}
	for i, what := range whats {
		if strings.HasPrefix(what, "slack_") { // it strikes the card
			if _, err := g.breakIt(what, "prod"); err != nil {
				t.Fatal(err)
			}
		}
		if a, err := g.Slack.Command(t.Context(), mia, ops, "/ecs-stop", fmt.Sprintf("batch-%d --reason %q", i+1, what)); err != nil || !a.Acked {
			t.Fatalf("%s: acknowledged %v, %v", what, a.Acked, err)
		}
		wait(what+": card", func() bool { return len(g.Slack.Messages(ops)) == i+1 })
		roots = append(roots, g.Slack.Messages(ops)[i])
		if strings.HasPrefix(what, "slack_") {
			wait(what+" strikes", func() bool { return armed() == 0 })
			if _, err := g.Slack.Click(t.Context(), olga, ops, roots[i].TS, "ecs_stop_approve"); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if _, err := g.breakIt(what, "prod"); err != nil {
			t.Fatal(err)
		}
		if _, err := g.Slack.Click(t.Context(), noah, ops, roots[i].TS, "ecs_stop_approve"); err != nil {
			t.Fatal(err)
		}
		wait(what+" strikes", func() bool { return armed() == 0 })
	}
	for i, what := range whats {
		words := "1 server stopped"
		switch what {
		case "fail_job":
			words = "Common.0021"
		case "cloud_drop": // nobody told the bot of the job
			words = "found stopped"
		}
		var ends []string
		wait(what+": end", func() bool {
			ends = nil
			for _, m := range g.Slack.Thread(ops, roots[i].TS) {
				if text := slacksim.PlainText(m); strings.Contains(text, "1 server stopped") || strings.Contains(text, "no server was") || strings.Contains(text, "is stopped") {
					ends = append(ends, text)
				}
			}
			return len(ends) > 0
		})
		if len(ends) != 1 || !strings.Contains(ends[0], words) {
			t.Errorf("%s: told as its end: %q, want %q once", what, ends, words)
		}
	}
	if n := len(g.Slack.Messages(ops)); n != len(whats) {
		t.Errorf("%d cards, want %d", n, len(whats))
	}
	for _, s := range g.Cloud.Servers() {
		if n := g.Cloud.StopCount(s.ID); n > 1 {
			t.Errorf("the cloud was asked %d times to stop %s", n, s.Name)
		}
	}
}

// caughtUp waits until everything that has happened in Slack so far was heard.
func (g *playground) caughtUp(t *testing.T) {
	t.Helper()
	p := &viewer{wake: make(chan struct{}, 1)}
	g.live.mu.Lock()
	g.live.viewers[p] = true
	g.live.mu.Unlock()
	g.Slack.Say(mia, ops, "here", "")
	for {
		g.live.mu.Lock()
		heard := slices.ContainsFunc(p.news, func(c change) bool { return c["kind"] == "message" })
		g.live.mu.Unlock()
		if heard {
			return
		}
		select {
		case <-p.wake:
		case <-time.After(10 * time.Second):
			t.Fatal("nothing is heard of Slack")
		}
	}
}

func TestBreaksThatComeAtOnce(t *testing.T) {
	t.Parallel()
	g := started(t)
	count := func(is func(ecssim.Server) bool) int {
		return len(slices.DeleteFunc(g.Cloud.Servers(), func(s ecssim.Server) bool { return !is(s) }))
	}
	isOff := func(s ecssim.Server) bool { return s.Status == "SHUTOFF" }
	off := count(isOff) // some of the fleet are, from the start
	if text, err := g.breakIt("start_by_hand", "prod"); err != nil || !strings.Contains(text, "Somebody started ") || count(isOff) != off-1 {
		t.Errorf("%q, %v; %d are off, %d were", text, err, count(isOff), off)
	}
	if text, err := g.breakIt("fail_server", "prod"); err != nil || count(func(s ecssim.Server) bool { return s.Fails == "Ecs.0213" && strings.HasPrefix(text, s.Name+" ") }) != 1 {
		t.Errorf("%q, %v; and no such server fails", text, err)
	} else if !strings.HasPrefix(text, "web-1 ") {
		t.Errorf("%q: want the server that the tour begins with while nobody has asked for another", text)
	}
	for _, what := range []string{"", "everything"} {
		if _, err := g.breakIt(what, "prod"); err == nil {
			t.Errorf("%q can be broken", what)
		}
	}
	armed := func() int { return len(g.state()["armed"].([]planned)) }
	if _, err := g.breakIt("slack_lose", "prod"); err != nil || armed() != 1 {
		t.Errorf("%v, %v", g.state(), err)
	}
	if _, err := g.setSlack(false); err != nil { // calls that fail for another reason
		t.Error(err)
	}
	if err := g.Slack.Wait(t.Context(), func() bool {
		return slices.ContainsFunc(g.Slack.Calls(""), func(c slacksim.Call) bool { return c.Fault == "status" })
	}); err != nil {
		t.Error(err)
	}
	g.caughtUp(t)
	if armed() != 1 {
		t.Error("a plan struck although nothing was posted")
	}
	if _, err := g.breakIt("clear", "prod"); err != nil || armed() != 0 {
		t.Errorf("%v, %v", g.state(), err)
	}
	for _, x := range []float64{0, 0.5, 61} {
		if g.setSpeed(x) == nil {
			t.Errorf("the speed may be %v", x)
		}
	}
	for _, name := range []string{"", "C"} {
		if _, err := g.setReplica(name, "kill"); err == nil {
			t.Errorf("there is a bot %q", name)
		}
	}
	if _, err := g.setReplica("A", "dance"); err == nil {
		t.Error("bot A dances")
	}
	for name, do := range map[string]string{"A": "start", "B": "kill"} {
		if text, err := g.setReplica(name, do); text != "" || err != nil {
			t.Errorf("%s %s: %q, %v; want nothing", do, name, text, err)
		}
	}
}

// The store stops and comes back, from several pages at once; what it held is
// there, what happened meanwhile is seen, and the bot goes on.
func TestStopTheStore(t *testing.T) {
	t.Parallel()
	g := started(t)
	if err := g.Slack.WaitConnected(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	ask := func(server string) {
		t.Helper()
		cards := len(g.Slack.Messages(ops))
		if a, err := g.Slack.Command(t.Context(), mia, ops, "/ecs-stop", server); err != nil || !a.Acked {
			t.Fatalf("acknowledged %v, %v", a.Acked, err)
		}
		if err := g.Slack.Wait(t.Context(), func() bool { return len(g.Slack.Messages(ops)) > cards }); err != nil {
			t.Fatal(err)
		}
	}
	recorded := func(n int) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			list, _ := g.record.last()["requests"].([]shownRequest)
			if len(list) == n {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%d requests are shown, want %d", len(list), n)
			}
		}
	}
	ask("web-1")
	recorded(1)
	time.Sleep(2 * time.Second) // the looks that belong to it are over
	for _, on := range []bool{false, true, false, true} {
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if _, err := g.setStore(on); err != nil {
					t.Errorf("store %v: %v", on, err)
				}
			})
		}
		wg.Wait()
		if shown := g.state()["store"].(map[string]any)["up"]; shown != on {
			t.Errorf("the page is told %v, want %v", shown, on)
		}
	}
	recorded(1)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		a, err := g.Slack.Command(t.Context(), mia, ops, "/ecs-stop", "list")
		if err == nil && a.Acked && !strings.Contains(string(a.Payload), "store") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the bot does not find its store again: %s, %v", a.Payload, err)
		}
	}
	ask("web-2")
	recorded(2)
}
