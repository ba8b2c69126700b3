//go:build campaign

package bot_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/slacksim"
)

var (
	seeds = flag.Int("seeds", 20, "how many worlds the campaign breaks")
	first = flag.Uint64("seed", 1, "the first seed")
)

// TestCampaign breaks many worlds at random, each by its own seed: replicas
// killed and suspended, Redis killed, answers of the cloud and of Slack lost,
// people starting servers behind the bot's back. Whatever happens: no server is
// stopped twice, the quota holds, every request ends, and nothing is told twice.
func TestCampaign(t *testing.T) {
	botProgram(t)
	var sum tally
	t.Run("seeds", func(t *testing.T) {
		for n := range *seeds {
			seed := *first + uint64(n)
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				c := newCampaign(t, seed)
				c.run()
				sum.add(c)
			})
		}
	})
	t.Logf("%d worlds: %d requests, %d servers sent, %d kills, %d suspensions, %d kills of Redis, %d faults of the cloud, %d of Slack, %d servers started by hand",
		*seeds, sum.requests, sum.sent, sum.kills, sum.sleeps, sum.redis, sum.cloud, sum.slack, sum.started)
}

type tally struct {
	mu                                                          sync.Mutex
	requests, sent, kills, sleeps, redis, cloud, slack, started int
}

func (s *tally) add(c *campaign) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests += len(c.w.slack.Messages(ops))
	for _, id := range c.ids {
		s.sent += c.w.cloud.StopCount(id)
	}
	s.kills += c.kills
	s.sleeps += c.sleeps
	s.redis += c.redis
	s.cloud += c.cloud
	s.slack += c.slack
	s.started += len(c.started)
}

// campaign is one world that is broken at random.
type campaign struct {
	w       *world
	rand    *rand.Rand
	ids     []string
	next    int // first server that nobody has asked for yet
	bots    []*process
	started map[string]int // server → stops accepted before a person started it

	kills, sleeps, redis, cloud, slack int
}

const campaignRate = 60

func newCampaign(t *testing.T, seed uint64) *campaign {
	w := newWorldWith(t, ecssim.Options{
		MinJobTime: 100 * time.Millisecond, MaxJobTime: 600 * time.Millisecond, Seed: seed,
		Window: 3 * time.Second, Limit: campaignRate,
	}, quiet, "ECS_STOP_RATE", fmt.Sprint(campaignRate), "ECS_BATCH_SIZE", "10")
	c := &campaign{w: w, rand: rand.New(rand.NewPCG(seed, 0)), started: map[string]int{}}
	c.ids = w.fleet(150)
	for range 2 {
		c.bots = append(c.bots, w.spawn())
	}
	w.within(20*time.Second, "sockets", func() bool { return w.slack.Connections() >= 4 })
	return c
}

func (c *campaign) run() {
	for range 40 {
		c.act()
		time.Sleep(time.Duration(50+c.rand.IntN(300)) * time.Millisecond)
	}
	c.heal()
	c.check()
}

// act does one thing of many: people work, and things break.
func (c *campaign) act() {
	switch n := c.rand.IntN(100); {
	case n < 30:
		c.ask()
	case n < 55:
		c.decide()
	case n < 65:
		c.cloud++
		c.w.cloud.FailNext([]string{"stop", "stop", "stop", "list", "job"}[c.rand.IntN(5)], 1, []ecssim.Fault{
			ecssim.ResetBefore, ecssim.ResetAfter, ecssim.HTML502, acting(ecssim.HTML502), ecssim.BrokenJSON,
			ecssim.NoJobID, ecssim.Throttle(time.Second), ecssim.AcceptLate(time.Second), ecssim.Delay(500 * time.Millisecond),
		}[c.rand.IntN(9)])
	case n < 75:
		c.slack++
		c.w.slack.FailNext([]string{"chat.postMessage", "chat.postMessage", "chat.update", "conversations.replies", "users.info"}[c.rand.IntN(5)], 1, []slacksim.Fault{
			slacksim.ResetBefore, slacksim.ResetAfter, slacksim.Status(500), slacksim.StatusAfter(500),
			slacksim.RateLimited(time.Second), slacksim.ErrorCode("internal_error", true), slacksim.ErrorCode("internal_error", false),
		}[c.rand.IntN(7)])
	case n < 85:
		c.kills++
		i := c.rand.IntN(len(c.bots))
		c.bots[i].kill()
		c.bots[i] = c.w.spawn()
	case n < 89:
		c.sleeps++
		b := c.bots[c.rand.IntN(len(c.bots))]
		b.cmd.Process.Signal(syscall.SIGSTOP)
		time.Sleep(time.Duration(300+c.rand.IntN(1000)) * time.Millisecond)
		b.cmd.Process.Signal(syscall.SIGCONT)
	case n < 91:
		c.redis++
		c.w.redis.Kill()
		time.Sleep(time.Duration(c.rand.IntN(1000)) * time.Millisecond)
		c.w.redis.Restart()
	default:
		c.startByHand()
	}
}

// ask asks for servers that nobody has asked for yet, so that each may be
// stopped at most once.
func (c *campaign) ask() {
	n := 1 + c.rand.IntN(25)
	if c.next+n > len(c.ids) {
		return
	}
	text := strings.Join(c.ids[c.next:c.next+n], " ")
	c.next += n
	c.w.slack.Command(c.w.t.Context(), anna, ops, "/ecs-stop", text)
}

// decide clicks a button of some card, sensible or not.
func (c *campaign) decide() {
	cards := c.w.slack.Messages(ops)
	if len(cards) == 0 {
		return
	}
	m := cards[c.rand.IntN(len(cards))]
	who := []string{ben, ben, carla, anna, gus, dora}[c.rand.IntN(6)]
	what := []string{"ecs_stop_approve", "ecs_stop_approve", "ecs_stop_approve", "ecs_stop_cancel"}[c.rand.IntN(4)]
	c.w.slack.Click(c.w.t.Context(), who, ops, m.TS, what)
}

// startByHand starts a stopped server behind the bot's back.
func (c *campaign) startByHand() {
	for range 20 {
		id := c.ids[c.rand.IntN(max(1, c.next))]
		if _, done := c.started[id]; !done && c.w.status(id) == "SHUTOFF" {
			if c.w.cloud.StartByHand(id) == nil {
				c.started[id] = c.w.cloud.StopCount(id)
			}
			return
		}
	}
}

// heal takes all faults away and has every open card decided.
func (c *campaign) heal() {
	w := c.w
	w.cloud.ClearFaults()
	w.slack.ClearFaults()
	for i, b := range c.bots {
		if b.gone() {
			c.bots[i] = w.spawn()
		}
	}
	open := func() (cards []slacksim.Message) {
		for _, m := range w.slack.Messages(ops) {
			if strings.Contains(string(m.Blocks), "ecs_stop_approve") {
				cards = append(cards, m)
			}
		}
		return cards
	}
	// Cards may come late, so they are decided for as long as there is work.
	r := w.redis.Client()
	defer r.Close()
	for deadline := time.Now().Add(120 * time.Second); ; {
		for _, m := range open() {
			w.slack.Click(w.t.Context(), ben, ops, m.TS, "ecs_stop_approve")
		}
		due := r.ZRangeWithScores(w.t.Context(), "{p:"+w.env["HUAWEICLOUD_SDK_PROJECT_ID"]+"}:due", 0, -1).Val()
		if len(due) == 0 {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("work does not end: %v\n%s", due, w.transcript())
		}
		time.Sleep(300 * time.Millisecond)
	}
}

// check looks at what the world has become.
func (c *campaign) check() {
	w := c.w
	for i, id := range c.ids {
		n := w.cloud.StopCount(id)
		if n > 1 {
			w.t.Errorf("server %d was stopped %d times", i, n)
		}
		if before, byHand := c.started[id]; byHand && n > before {
			w.t.Errorf("server %d was stopped after a person had started it", i)
		}
	}
	if most := w.cloud.MaxInWindow(3 * time.Second); most > campaignRate {
		w.t.Errorf("%d servers were sent in one window, at most %d are allowed", most, campaignRate)
	}
	for _, card := range w.slack.Messages(ops) {
		told := map[string]int{}
		for _, m := range w.slack.Thread(ops, card.TS) {
			var meta struct {
				Payload struct {
					ID string `json:"id"`
				} `json:"event_payload"`
			}
			json.Unmarshal(m.Metadata, &meta)
			told[meta.Payload.ID]++
		}
		ends := 0
		for id, n := range told {
			if n > 1 {
				w.t.Errorf("%s was told %d times", id, n)
			}
			if slices.ContainsFunc([]string{"/end", "/cancelled", "/denied", "/expired"}, func(s string) bool { return strings.HasSuffix(id, s) }) {
				ends++
			}
		}
		if ends == 0 {
			w.t.Errorf("nobody was told how this ended: %s", slacksim.PlainText(card))
		}
	}
	if w.t.Failed() {
		w.t.Log(w.transcript())
	}
}
