//go:build campaign

package bot_test

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/slacksim"
)

// TestRollingUpgrade replaces replicas of an old version by this one, and goes back and
// forth once, while people ask, approve, cancel, freeze and unfreeze. The binary that
// ECSBOT_OLD names is the old version, and ECSBOT_NEW the new one; what is not named is
// built of this tree. Both must be built with -tags crashpoints, for the quick clock:
//
//	go build -tags crashpoints -o /tmp/bot-old ./cmd/bot    (in a tree of the old version)
//	ECSBOT_OLD=/tmp/bot-old make rolling
//
// Each server is stopped once, the quota holds, every request ends, nothing is posted
// twice, and nothing is sent while a freeze is on.
func TestRollingUpgrade(t *testing.T) {
	older, newer := otherBot(t, "ECSBOT_OLD"), otherBot(t, "ECSBOT_NEW")
	const rate = 40
	s := newStage(t, ecssim.Options{MinJobTime: 200 * time.Millisecond, MaxJobTime: 1500 * time.Millisecond, Seed: 1, Window: 3 * time.Second, Limit: rate})
	s.env["ECS_STOP_RATE"], s.env["ECS_BATCH_SIZE"] = fmt.Sprint(rate), "4"
	s.env["MAX_OPEN_REQUESTS"], s.env["MAX_ASKS_PER_HOUR"] = "1000", "1000"
	s.env["ECSBOT_TEST_POST_GAP"] = "80ms" // the channel is behind: notes of a thread are posted together
	a, b := s.run(older), s.run(older)
	people := &rollingPeople{stage: s, end: make(chan struct{}), asked: map[string]string{}, answers: map[string]int{}}
	var work sync.WaitGroup
	work.Go(people.ask)
	work.Go(people.decide)
	phase := func(name string) {
		time.Sleep(5 * time.Second)
		t.Logf("%s: %d cards, %d servers stopped", name, len(s.slack.Messages("COPS")), len(people.stopped()))
	}
	phase("old and old")
	a.stop()
	a = s.run(newer)
	phase("new and old")
	people.freeze() // by any replica, while both are there
	phase("frozen, new and old")
	b.kill() // and one that dies
	s.run(newer)
	people.unfreeze()
	phase("new and new")
	a.stop()
	a = s.run(older)
	phase("one step back: old and new")
	people.freeze()
	a.stop()
	s.run(newer)
	people.unfreeze()
	phase("new and new again")
	close(people.end)
	work.Wait()
	if t.Failed() {
		return
	}
	s.approveAll()
	people.check(rate)
}

// rollingPeople work while replicas come and go. Each asks for servers that nobody
// has asked for yet.
type rollingPeople struct {
	*stage
	end chan struct{} // closed when they go home

	mu           sync.Mutex
	asked        map[string]string // server → names it was asked for with; guarded by mu
	answers      map[string]int    // acknowledgement → how often; guarded by mu
	clicks, lost int               // guarded by mu
	freezes      int               // only of the test's own goroutine
}

func (p *rollingPeople) every(d time.Duration, do func(n int)) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-p.end:
			return
		case <-tick.C:
			do(n)
		}
	}
}

func (p *rollingPeople) ask() {
	p.every(250*time.Millisecond, func(n int) {
		names := p.servers(fmt.Sprint(n), 1+n%7)
		p.mu.Lock()
		defer p.mu.Unlock()
		a, err := p.slack.Command(p.t.Context(), "UANNA", "COPS", "/ecs-stop", names)
		if err != nil || !a.Acked {
			p.lost++ // no socket was up: the person sees that, and asks again for others
			return
		}
		p.answers[string(a.Payload)]++
		for _, id := range p.ids[fmt.Sprint(n)] {
			p.asked[id] = names
		}
	})
}

// decide approves most, lets some wait, and has some cancelled.
func (p *rollingPeople) decide() {
	p.every(60*time.Millisecond, func(n int) {
		cards := p.slack.Messages("COPS")
		if len(cards) == 0 {
			return
		}
		m := cards[max(0, len(cards)-1-n%9)]
		who, what := "UBEN", clickApprove
		switch n % 11 {
		case 3:
			who = "UCARLA"
		case 7:
			who, what = "UANNA", clickCancel
		}
		if strings.Contains(string(m.Blocks), `"`+what+`"`) {
			p.slack.Click(p.t.Context(), who, "COPS", m.TS, what)
			p.mu.Lock()
			p.clicks++
			p.mu.Unlock()
		}
	})
}

// freeze pulls the brake and checks that it holds after two seconds.
func (p *rollingPeople) freeze() {
	p.t.Helper()
	p.insist("freeze", true)
	time.Sleep(2 * time.Second)
	before := len(p.stopped())
	time.Sleep(2 * time.Second)
	if n := len(p.stopped()) - before; n != 0 {
		p.t.Errorf("%d servers were sent while the freeze was on", n)
	}
}

func (p *rollingPeople) unfreeze() {
	p.t.Helper()
	p.insist("unfreeze", false)
}

// insist types a word until it is acknowledged, and waits for its effect.
func (p *rollingPeople) insist(word string, on bool) {
	p.t.Helper()
	p.freezes++
	p.until(word+" acknowledged", func() bool {
		a, err := p.slack.Command(p.t.Context(), "UBEN", "COPS", "/ecs-stop", word)
		return err == nil && a.Acked
	})
	p.until("effect of "+word, func() bool { return p.record("halt")["on"] == on })
}

// stopped are the servers that were sent, as often as they were.
func (p *rollingPeople) stopped() []string {
	var all []string
	for _, c := range p.cloud.Calls() {
		if c.Op == "stop" && c.JobID != "" {
			all = append(all, c.IDs...)
		}
	}
	return all
}

func (p *rollingPeople) check(rate int) {
	t := p.t
	sent := p.stopped()
	slices.Sort(sent)
	if once := slices.Compact(slices.Clone(sent)); len(once) != len(sent) {
		t.Errorf("%d servers were stopped by %d stops", len(once), len(sent))
	}
	if most := p.cloud.MaxInWindow(3 * time.Second); most > rate {
		t.Errorf("%d servers were sent in one window, at most %d are allowed", most, rate)
	}
	states := map[string]int{}
	for _, m := range p.slack.Messages("COPS") {
		id := requestOf(m)
		if id == "" {
			continue
		}
		p.names[id] = id
		state := p.state(id)
		states[state]++
		for n := 0; p.record(fmt.Sprintf("b:%s:%d", id, n)) != nil; n++ {
			if !slices.Contains([]string{"succeeded", "partially_failed", "failed", "cancelled"}, p.state(id, n)) {
				t.Errorf("batch %d of %s is %s", n, id, p.state(id, n))
			}
		}
	}
	for state := range states {
		if !slices.Contains([]string{"succeeded", "partially_failed", "cancelled"}, state) {
			t.Errorf("%d requests ended as %s", states[state], state)
		}
	}
	// A replica that ends says of a command that nothing was done about it. All others
	// made a request; both versions say that they look up its servers.
	taken, refused := 0, 0
	for answer, n := range p.answers {
		if strings.Contains(answer, "Looking up the servers") {
			taken += n
		} else {
			refused += n
		}
	}
	if len(p.names) != taken {
		t.Errorf("%d requests for %d commands that were taken; the answers were %v", len(p.names), taken, p.answers)
	}
	p.checkTold(false)
	for id := range p.asked {
		x, _ := p.cloud.Server(id)
		if off := x.Status == "SHUTOFF"; off != slices.Contains(sent, id) {
			t.Errorf("%s is %s and was sent: %v", id, x.Status, !off)
		}
	}
	posts := 0
	for _, m := range p.messages() {
		if m.User == slacksim.BotUserID {
			posts++
		}
	}
	t.Logf("old %s, new %s: %d requests (%v), %d commands answered with busy, %d not acknowledged, %d clicks, %d freezes and unfreezes, %d servers sent once each, at most %d of %d in a window, %d posts, none twice",
		cmp.Or(os.Getenv("ECSBOT_OLD"), "this tree"), cmp.Or(os.Getenv("ECSBOT_NEW"), "this tree"),
		len(p.names), states, refused, p.lost, p.clicks, p.freezes, len(sent), p.cloud.MaxInWindow(3*time.Second), rate, posts)
}
