package bot_test

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/jobs"
)

// Whatever the cloud answers to the stop call, each server is stopped once,
// and the thread tells the truth.
func TestOddAnswersOfTheCloud(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault ecssim.Fault
		tells string // in the thread, on the way
		end   string
	}{
		{"429 with Retry-After", ecssim.Throttle(time.Second), "rate-limiting", "2 of 2 servers stopped"},
		{"500, not done", ecssim.Status(500, `{"error":{"code":"Common.0001","message":"system error"}}`, nil), "No clear reply", "2 of 2 servers stopped"},
		{"500, done", ecssim.Fault{Kind: ecssim.KindStatus, Status: 500, Body: "oops", Acts: true}, "No clear reply", "stopped"},
		{"HTML 502", ecssim.HTML502, "No clear reply", "2 of 2 servers stopped"},
		{"HTML 502, done", acting(ecssim.HTML502), "No clear reply", "stopped"},
		{"202 without job id", ecssim.NoJobID, "No clear reply", "2 of 2 servers stopped"},
		{"broken JSON, done", ecssim.BrokenJSON, "No clear reply", "stopped"},
		{"reset before", ecssim.ResetBefore, "No clear reply", "2 of 2 servers stopped"},
		{"reset after", ecssim.ResetAfter, "No clear reply", "stopped"},
		{"taken late", ecssim.AcceptLate(time.Second), "No clear reply", "stopped"},
		{"another command is running", ecssim.Status(501, `{"error":{"code":"Ecs.0603","message":"busy"}}`, map[string]string{"Retry-After": "1"}), "has to wait", "2 of 2 servers stopped"},
		{"refused", ecssim.Status(400, `{"error":{"code":"Ecs.0005","message":"bad <parameter>"}}`, nil), "", "no server was stopped"},
		{"forbidden", ecssim.Status(403, `{"error_code":"Pdp.0001","error_msg":"Policy doesn't allow ecs:cloudServers:stop"}`, nil), "", "Pdp.0001"},
		{"key refused", ecssim.Status(401, `{"error_code":"APIGW.0301","error_msg":"Incorrect IAM authentication information"}`, nil), "", "APIGW.0301"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ids := w.fleet(2)
			w.start(nil)
			w.Cloud.FailNext("stop", 1, tt.fault)
			card := w.Ask(anna, "web-1 web-2")
			w.Click(ben, card, "ecs_stop_approve")
			end := w.Reply(card, "<@UANNA>", tt.end)
			if tt.tells != "" {
				w.Reply(card, tt.tells)
			}
			w.settled()
			stopped := !strings.Contains(end, "no server was stopped")
			for _, id := range ids {
				// A call that the fault kept from acting does not count; one that
				// acted does, and then there must be no second.
				if got := w.Cloud.StopCount(id); stopped && got != 1 || !stopped && got != 0 {
					t.Errorf("%s was stopped %d times", id, got)
				}
				if got := w.Status(id); stopped != (got == "SHUTOFF") {
					t.Errorf("%s is %s\n%s", id, got, end)
				}
			}
			w.toldOnce(card)
		})
	}
}

// A server that a person starts again while the bot does not know what became
// of its call is never stopped a second time.
func TestServerStartedByHandIsLeftAlone(t *testing.T) {
	for name, fault := range map[string]ecssim.Fault{
		"reset after": ecssim.ResetAfter, "502, done": acting(ecssim.HTML502), "broken JSON": ecssim.BrokenJSON,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ids := w.fleet(2)
			w.Cloud.StickServer(ids[1]) // keeps the batch from being settled at once
			w.start(nil)
			w.Cloud.FailNext("stop", 1, fault)
			card := w.Ask(anna, "web-1 web-2")
			w.Click(ben, card, "ecs_stop_approve")
			w.Within(5*time.Second, "web-1 off", func() bool { return w.Status(ids[0]) == "SHUTOFF" })
			w.Cloud.StartByHand(ids[0])
			w.Cloud.StopByHand(ids[1])
			w.Reply(card, "<@UANNA>", "is unknown", "web-1")
			w.settled()
			if got := w.Cloud.StopCount(ids[0]); got != 1 || w.Status(ids[0]) != "ACTIVE" {
				t.Errorf("web-1 was stopped %d times and is %s, want once and ACTIVE", got, w.Status(ids[0]))
			}
		})
	}
}

// While Redis is unreachable people read so; what was asked before goes on when
// it is back, after a window in which nothing is sent.
func TestRedisAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(4)
	w.start(nil)
	first := w.Ask(anna, "web-1 web-2")
	w.redis.Kill()
	if got := w.Command(anna, "web-3"); !strings.Contains(got, "can't reach my database") {
		t.Errorf("the command was answered with %q", got)
	}
	w.Click(ben, first, "ecs_stop_approve")
	w.Private(ben, "can't reach my database")
	time.Sleep(3 * time.Second) // longer than a lease of a heartbeat
	w.redis.Restart()
	w.Within(10*time.Second, "acknowledgement", func() bool { return !strings.Contains(w.Command(anna, "list"), "cannot") })
	if n := w.Cloud.StopCount(ids[0]); n != 0 {
		t.Fatalf("web-1 was stopped %d times before anybody's approval arrived", n)
	}
	w.Click(ben, first, "ecs_stop_approve")
	w.Reply(first, "<@UANNA>", "2 servers stopped")
	w.settled()
	w.toldOnce(first)
}

// A store that is killed while a job runs loses nothing and sends nothing
// twice; the thread tells of the pause.
func TestRedisKilledInTheMiddle(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, ecssim.Options{MinJobTime: 2 * time.Second, MaxJobTime: 3 * time.Second}, quiet)
	ids := w.fleet(30)
	w.env["ECS_BATCH_SIZE"] = "10"
	w.env["ECS_STOP_RATE"] = "10" // one batch a window
	w.start(nil)
	w.start(nil)
	card := w.Ask(anna, "web-*")
	w.Click(ben, card, "ecs_stop_approve")
	w.Reply(card, "in batch 1 of 3")
	w.redis.Kill()
	time.Sleep(time.Second)
	w.redis.Restart()
	w.Reply(card, "My database restarted")
	w.Reply(card, "<@UANNA>", "30 servers stopped")
	w.settled()
	for _, id := range ids {
		if got := w.Cloud.StopCount(id); got != 1 {
			t.Errorf("%s was stopped %d times, want once", id, got)
		}
	}
	if most := w.Cloud.MaxInWindow(3 * time.Second); most > 10 {
		t.Errorf("%d servers were sent in one window, at most 10 are allowed", most)
	}
	w.toldOnce(card)
}

// SIGTERM ends a replica softly within 10 seconds, and the other goes on.
func TestSIGTERMHandsOver(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, ecssim.Options{MinJobTime: 2 * time.Second, MaxJobTime: 3 * time.Second}, quiet)
	w.fleet(2)
	p := w.spawn()
	w.Within(10*time.Second, "sockets", func() bool { return w.Slack.Connections() == 2 })
	card := w.Ask(anna, "web-1 web-2")
	w.Click(ben, card, "ecs_stop_approve")
	w.Reply(card, "Sent to Huawei Cloud")
	p.cmd.Process.Signal(syscall.SIGTERM)
	if !p.wait(10 * time.Second) {
		t.Fatal("10 seconds after SIGTERM it still runs")
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("it ended with %d, want 0", code)
	}
	w.spawn()
	w.Reply(card, "<@UANNA>", "2 servers stopped")
	w.settled()
	w.toldOnce(card)
}

// A replica that sleeps through its lease and wakes up in the middle of its
// work finds that others went on, and keeps its hands off.
func TestStoppedProcessWakesUpToNothing(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, ecssim.Options{MinJobTime: time.Second, MaxJobTime: 2 * time.Second}, quiet)
	ids := w.fleet(2)
	asleep := w.spawn()
	w.Within(10*time.Second, "sockets", func() bool { return w.Slack.Connections() == 2 })
	card := w.Ask(anna, "web-1 web-2")
	w.Click(ben, card, "ecs_stop_approve")
	w.Reply(card, "Sent to Huawei Cloud")
	asleep.cmd.Process.Signal(syscall.SIGSTOP)
	w.spawn()
	w.Reply(card, "<@UANNA>", "2 servers stopped")
	asleep.cmd.Process.Signal(syscall.SIGCONT)
	w.settled()
	if asleep.gone() {
		t.Error("the sleeper did not survive")
	}
	for _, id := range ids {
		if got := w.Cloud.StopCount(id); got != 1 {
			t.Errorf("%s was stopped %d times, want once", id, got)
		}
	}
	w.toldOnce(card)
}

// A request larger than the quota takes little longer than the quota forces,
// and never breaks it, on two replicas. Windows are 20 times shorter here.
func TestLargeRequestKeepsTheQuota(t *testing.T) {
	t.Parallel()
	const window = 3 * time.Second
	w := newWorldWith(t, ecssim.Options{MinJobTime: 100 * time.Millisecond, MaxJobTime: 300 * time.Millisecond, Window: window}, quiet)
	w.fleet(2500)
	w.env["MAX_SERVERS"] = "2500"
	tune := func(c *jobs.Config) { fast(c); c.Window, c.Guard = window, 100*time.Millisecond }
	w.start(tune)
	w.start(tune)
	card := w.Ask(anna, "web-*")
	w.Click(ben, card, "ecs_stop_approve")
	w.Reply(card, "<@UANNA>", "2,500 servers stopped")
	w.settled()
	if most := w.Cloud.MaxInWindow(window); most > 1000 {
		t.Errorf("%d servers were sent in one window, at most 1,000 are allowed", most)
	}
	var sent []time.Time
	for _, c := range w.Cloud.Calls() {
		if c.Op == "stop" {
			sent = append(sent, c.Time)
		}
	}
	t.Logf("%d calls in %v; the quota forces %v", len(sent), sent[len(sent)-1].Sub(sent[0]).Round(10*time.Millisecond), 2*window)
	w.toldOnce(card)
}
