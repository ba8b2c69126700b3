//go:build campaign

package bot_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/slacksim"

	"github.com/redis/go-redis/v9"
)

var (
	seeds = flag.Int("seeds", 20, "how many worlds the campaign breaks")
	first = flag.Uint64("seed", 1, "the first seed")
)

// TestCampaign breaks many worlds at random, each by its own seed: replicas
// killed, suspended and started with a lower rate, Redis killed or set back by a
// power cut, answers of the cloud and of Slack lost, lookups of people and groups
// throttled, servers that hang while they stop, freezes and unfreezes that are
// retried late, people starting servers behind the bot's back. Whatever happens:
// no server is stopped twice, the quota holds, every request ends, nothing is
// told twice, and the last freeze or unfreeze wins.
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
	t.Logf("%d worlds: %d requests, %d servers sent, %d kills, %d replicas with a lower rate, %d suspensions, %d kills of Redis, %d power cuts, %d faults of the cloud, %d of Slack, %d servers started by hand, %d that hang, %d freezes and unfreezes",
		*seeds, sum.requests, sum.sent, sum.kills, sum.lowered, sum.sleeps, sum.redis, sum.cuts, sum.cloud, sum.slack, sum.started, sum.hanging, sum.brakes)
}

type tally struct {
	mu                                                          sync.Mutex
	requests, sent, kills, sleeps, redis, cloud, slack, started int
	lowered, cuts, hanging, brakes                              int
}

func (s *tally) add(c *campaign) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests += len(c.w.Slack.Messages(ops))
	for _, id := range c.ids {
		s.sent += c.w.Cloud.StopCount(id)
	}
	s.kills += c.kills
	s.sleeps += c.sleeps
	s.redis += c.redis
	s.cloud += c.cloud
	s.slack += c.slack
	s.started += len(c.started)
	s.lowered += c.lowered
	s.cuts += c.cuts
	s.hanging += len(c.hanging)
	s.brakes += c.brakes
}

// campaign is one world that is broken at random.
type campaign struct {
	w       *world
	seed    uint64
	rand    *rand.Rand
	ids     []string
	next    int // first server that nobody has asked for yet
	bots    []*process
	started map[string]int  // server → stops accepted before a person started it
	hanging map[string]bool // servers that never get off by themselves
	frozen  bool            // what the last freeze or unfreeze that was acknowledged wants

	kills, sleeps, redis, cloud, slack, lowered, cuts, brakes int
}

const campaignRate = 60

func newCampaign(t *testing.T, seed uint64) *campaign {
	w := newWorldWith(t, ecssim.Options{
		MinJobTime: 100 * time.Millisecond, MaxJobTime: 600 * time.Millisecond, Seed: seed,
		Window: 3 * time.Second, Limit: campaignRate,
	}, quiet, "ECS_STOP_RATE", fmt.Sprint(campaignRate), "ECS_BATCH_SIZE", "10")
	c := &campaign{w: w, seed: seed, rand: rand.New(rand.NewPCG(seed, 0)), started: map[string]int{}, hanging: map[string]bool{}}
	c.ids = w.fleet(150)
	for range 2 {
		c.bots = append(c.bots, w.spawn())
	}
	w.Within(20*time.Second, "sockets", func() bool { return w.Slack.Connections() >= 4 })
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
		c.w.Cloud.FailNext([]string{"stop", "stop", "stop", "list", "job"}[c.rand.IntN(5)], 1, []ecssim.Fault{
			ecssim.ResetBefore, ecssim.ResetAfter, ecssim.HTML502, acting(ecssim.HTML502), ecssim.BrokenJSON,
			ecssim.NoJobID, ecssim.Throttle(time.Second), ecssim.AcceptLate(time.Second), ecssim.Delay(500 * time.Millisecond),
		}[c.rand.IntN(9)])
	case n < 75:
		c.slack++
		c.w.Slack.FailNext([]string{"chat.postMessage", "chat.postMessage", "chat.update", "conversations.replies", "users.info", "usergroups.users.list"}[c.rand.IntN(6)], 1+c.rand.IntN(3), []slacksim.Fault{
			slacksim.ResetBefore, slacksim.ResetAfter, slacksim.Status(500), slacksim.StatusAfter(500),
			slacksim.RateLimited(time.Second), slacksim.ErrorCode("internal_error", true), slacksim.ErrorCode("internal_error", false),
		}[c.rand.IntN(7)])
	case n < 82:
		c.kills++
		i := c.rand.IntN(len(c.bots))
		c.bots[i].kill()
		c.bots[i] = c.spawn()
	case n < 85:
		c.brake()
	case n < 86:
		c.hang()
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
	case n < 93:
		c.powerCut()
	default:
		c.startByHand()
	}
}

// spawn starts a replica, now and then with settings of its own.
func (c *campaign) spawn() *process {
	if c.rand.IntN(3) > 0 {
		return c.w.spawn()
	}
	c.lowered++
	return c.w.spawn("ECS_STOP_RATE=7", "ECS_BATCH_SIZE=7")
}

// brake has somebody freeze or unfreeze. Looking people up may fail meanwhile,
// so that acts are retried; the newest wins all the same.
func (c *campaign) brake() {
	c.brakes++
	freeze := c.rand.IntN(2) == 0
	verb := map[bool]string{true: "freeze", false: "unfreeze"}[freeze]
	who := []string{ben, carla}[c.rand.IntN(2)]
	if a, err := c.w.Slack.Command(c.w.t.Context(), who, ops, "/ecs-stop", verb); err == nil && a.Acked {
		c.frozen = freeze
	}
}

// hang makes one server, that nobody has asked for yet, hang when it is stopped.
func (c *campaign) hang() {
	if c.next < len(c.ids) && len(c.hanging) < 2 {
		id := c.ids[c.next]
		if c.w.Cloud.StickServer(id) == nil {
			c.hanging[id] = true
		}
	}
}

// powerCut takes the last moments from the store, in one world of three. What
// people did in them is lost.
func (c *campaign) powerCut() {
	if c.seed%3 != 0 {
		return
	}
	c.cuts++
	data := filepath.Join(c.w.redis.Dir(), "appendonlydir")
	copied := filepath.Join(c.w.t.TempDir(), fmt.Sprint("copy", c.cuts))
	if err := os.CopyFS(copied, os.DirFS(data)); err != nil {
		c.w.t.Fatal(err)
	}
	for range 1 + c.rand.IntN(3) {
		c.act()
		time.Sleep(time.Duration(50+c.rand.IntN(300)) * time.Millisecond)
	}
	if dies := c.rand.IntN(2) == 0; dies {
		for i, b := range c.bots {
			b.kill()
			c.bots[i] = c.w.spawn()
		}
	}
	c.w.redis.Kill()
	if err := errors.Join(os.RemoveAll(data), os.CopyFS(data, os.DirFS(copied))); err != nil {
		c.w.t.Fatal(err)
	}
	c.w.redis.Restart()
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
	c.w.Slack.Command(c.w.t.Context(), anna, ops, "/ecs-stop", text)
}

// decide clicks a button of some card, sensible or not.
func (c *campaign) decide() {
	cards := c.w.Slack.Messages(ops)
	if len(cards) == 0 {
		return
	}
	m := cards[c.rand.IntN(len(cards))]
	who := []string{ben, ben, carla, anna, gus, dora}[c.rand.IntN(6)]
	what := []string{"ecs_stop_approve", "ecs_stop_approve", "ecs_stop_approve", "ecs_stop_cancel"}[c.rand.IntN(4)]
	c.w.Slack.Click(c.w.t.Context(), who, ops, m.TS, what)
}

// startByHand starts a stopped server behind the bot's back.
func (c *campaign) startByHand() {
	for range 20 {
		id := c.ids[c.rand.IntN(max(1, c.next))]
		if _, done := c.started[id]; !done && c.w.Status(id) == "SHUTOFF" {
			if c.w.Cloud.StartByHand(id) == nil {
				c.started[id] = c.w.Cloud.StopCount(id)
			}
			return
		}
	}
}

// heal takes all faults away and has every open card decided.
func (c *campaign) heal() {
	w := c.w
	w.Cloud.ClearFaults()
	w.Slack.ClearFaults()
	for i, b := range c.bots {
		if b.gone() {
			c.bots[i] = w.spawn()
		}
	}
	open := func() (cards []slacksim.Message) {
		for _, m := range w.Slack.Messages(ops) {
			if strings.Contains(string(m.Blocks), "ecs_stop_approve") && !c.lost(m) {
				cards = append(cards, m)
			}
		}
		return cards
	}
	r := w.redis.Client()
	defer r.Close()
	c.thaw(r)
	// Cards may come late, so they are decided for as long as there is work.
	for deadline := time.Now().Add(120 * time.Second); ; {
		for _, m := range open() {
			w.Slack.Click(w.t.Context(), ben, ops, m.TS, "ecs_stop_approve")
		}
		due := r.ZRangeWithScores(w.t.Context(), "{p:"+w.env["HUAWEICLOUD_SDK_PROJECT_ID"]+"}:due", 0, -1).Val()
		if len(due) == 0 {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("work does not end: %v\n%s", due, w.Transcript())
		}
		time.Sleep(300 * time.Millisecond)
	}
}

// thaw waits until every act of people is carried out, checks that the newest
// freeze or unfreeze has won, and lifts the freeze.
func (c *campaign) thaw(r *redis.Client) {
	w := c.w
	project := "{p:" + w.env["HUAWEICLOUD_SDK_PROJECT_ID"] + "}:"
	isFrozen := func() bool {
		return strings.Contains(r.HGet(w.t.Context(), project+"halt", "body").Val(), `"on":true`)
	}
	w.Within(60*time.Second, "end of all acts", func() bool {
		keys, err := r.Keys(w.t.Context(), project+"i:*").Result()
		return err == nil && len(keys) == 0
	})
	if c.cuts == 0 && isFrozen() != c.frozen {
		w.t.Errorf("frozen: %v, but the newest act wants %v", isFrozen(), c.frozen)
	}
	if isFrozen() {
		w.Slack.Command(w.t.Context(), ben, ops, "/ecs-stop", "unfreeze")
		w.Within(20*time.Second, "end of the freeze", func() bool { return !isFrozen() })
	}
}

// lost reports whether a power cut has taken the request of the card.
func (c *campaign) lost(card slacksim.Message) bool {
	if c.cuts == 0 {
		return false
	}
	var meta struct {
		Payload struct {
			Request string `json:"request"`
		} `json:"event_payload"`
	}
	json.Unmarshal(card.Metadata, &meta)
	return len(c.w.keys("{p:*}:r:"+meta.Payload.Request)) == 0
}

// check looks at what the world has become.
func (c *campaign) check() {
	w := c.w
	for i, id := range c.ids {
		n := w.Cloud.StopCount(id)
		if n > 1 {
			w.t.Errorf("server %d was stopped %d times", i, n)
		}
		if before, byHand := c.started[id]; byHand && n > before {
			w.t.Errorf("server %d was stopped after a person had started it", i)
		}
	}
	if most := w.Cloud.MaxInWindow(3 * time.Second); most > campaignRate {
		w.t.Errorf("%d servers were sent in one window, at most %d are allowed", most, campaignRate)
	}
	for _, card := range w.Slack.Messages(ops) {
		if strings.Contains(string(card.Metadata), `"freeze/`) || c.lost(card) {
			continue
		}
		told := map[string]int{}
		for _, m := range w.Slack.Thread(ops, card.TS) {
			for _, id := range notesOf(m) {
				told[id]++
			}
		}
		ends := 0
		for id, n := range told {
			if n > 1 {
				w.t.Errorf("%s was posted %d times", id, n)
			}
			if slices.ContainsFunc([]string{"/end", "/cancelled", "/denied", "/expired"}, func(s string) bool { return strings.HasSuffix(id, s) }) {
				ends++
			}
		}
		if ends == 0 {
			w.t.Errorf("no message says how this ended: %s", slacksim.PlainText(card))
		}
	}
	if w.t.Failed() {
		w.t.Log(w.Transcript())
	}
}
