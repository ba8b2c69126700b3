//go:build campaign

package bot_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/slacksim"
)

// These run in real time, with default settings and one bot as a process of its own:
// make busy. Slack keeps to all its limits, those of its tiers, too.

// TestBusyChannelInFull: 200 people's requests of one server each, asked and approved at
// once in one channel.
func TestBusyChannelInFull(t *testing.T) {
	const n = 200
	r, p := newFullRush(t, n, ecssim.Options{Seed: 1}, ops)
	r.ask(0)
	got := r.check(12 * time.Minute)
	took, least := got.last.Sub(got.first), 2*n*time.Second
	t.Logf("%d requests in one channel: %d posts, %d of them tell several things, %d cards drawn, %d calls refused with 429; all told after %.0f s, %.3f of %v; %s",
		n, got.posts, got.joined, got.drawn, got.refused, took.Seconds(), took.Seconds()/least.Seconds(), least, p.used())
	if took > least*11/10 {
		t.Errorf("all was told after %v", took)
	}
}

// TestManyRunningRequestsInFull: 1,000 open requests with running jobs over ten channels.
// All jobs end at the same moment, so ten channels are owed 100 outcomes each.
func TestManyRunningRequestsInFull(t *testing.T) {
	const n, channels = 1000, 10
	var mu sync.Mutex
	var end time.Time // of the jobs; guarded by mu
	names := []string{ops}
	for i := range channels - 1 {
		names = append(names, fmt.Sprint("COPS", i))
	}
	begun := time.Now()
	cloud := ecssim.Options{Seed: 1, JobTime: func(string) time.Duration {
		mu.Lock()
		defer mu.Unlock()
		if end.IsZero() {
			end = begun.Add(10 * time.Minute)
		}
		return time.Until(end)
	}}
	r, p := newFullRush(t, n, cloud, names...)
	r.ask(15 * time.Second) // by 50 people: 3.3 a second
	asked := time.Now()
	r.w.Within(5*time.Minute, "all jobs run", func() bool {
		time.Sleep(time.Second)
		jobs := 0
		for _, c := range r.w.Cloud.Calls() {
			if c.JobID != "" {
				jobs++
			}
		}
		return jobs == n
	})
	t.Logf("all run %v after they were asked for", time.Since(asked).Round(time.Second))
	calls, from := len(r.w.Cloud.Calls()), time.Now()
	before := p.cpu()
	time.Sleep(time.Until(end))
	running := time.Since(from)
	idle := (p.cpu() - before).Seconds() / running.Seconds()
	queries := float64(len(r.w.Cloud.Calls())-calls) / running.Seconds() / n
	got := r.check(10 * time.Minute)
	took, least := got.last.Sub(end), n/channels*time.Second
	t.Logf("%d requests with running jobs for %v: %.1f%% of a core, %.3f queries of the cloud a second and job", n, running.Round(time.Second), 100*idle, queries)
	t.Logf("then all told after %.0f s, %.3f of %v; %d posts, %d of them tell several things, %d cards drawn, %d calls refused with 429; %s",
		took.Seconds(), took.Seconds()/least.Seconds(), least, got.posts, got.joined, got.drawn, got.refused, p.used())
	if took > least*11/10 || idle > 0.15 || queries > 0.5 || p.peak() > 60<<20 {
		t.Error("that is too much")
	}
}

// newFullRush starts a bot in real time. It waits until permits are granted: of a new
// store nobody knows what was sent before.
func newFullRush(t *testing.T, n int, cloud ecssim.Options, channels ...string) (*rush, *fullBot) {
	w := newWorldWith(t, cloud, slacksim.Options{Tiers: true}, "ECSBOT_TEST_FAST", "", "LOG_LEVEL", "warn", "HTTP_ADDR", "127.0.0.1:0")
	if len(channels) > 1 {
		delete(w.env, "APPROVAL_CHANNEL")
	}
	p := w.spawn("ECSBOT_TEST_FAST=")
	w.Within(20*time.Second, "sockets", func() bool { return w.Slack.Connections() >= 2 })
	time.Sleep(62 * time.Second)
	return newRush(w, n, channels...), &fullBot{p, time.Now()}
}

// fullBot is a bot whose use of the machine is measured.
type fullBot struct {
	*process
	since time.Time
}

// used tells what the process has used so far.
func (p *fullBot) used() string {
	return fmt.Sprintf("%.1f%% of a core, %d MiB at most", 100*p.cpu().Seconds()/time.Since(p.since).Seconds(), p.peak()>>20)
}

// cpu is the time that the process has worked.
func (p *fullBot) cpu() time.Duration {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// peak is the most memory that the process had, in bytes.
func (p *fullBot) peak() int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	_, after, _ := strings.Cut(string(text), "VmHWM:")
	kb, _ := strconv.Atoi(strings.Fields(after + " 0")[0])
	return kb << 10
}
