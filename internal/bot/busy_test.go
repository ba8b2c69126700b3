package bot_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/jobs"
	"ecsbot/internal/slacksim"

	"github.com/redis/go-redis/v9"
)

// rush is many people who ask for one server each and approve at once, in some channels.
type rush struct {
	w        *world
	db       *redis.Client
	askers   []string
	channels []string
	ids      []string

	mu       sync.Mutex
	approved map[string]bool // guarded by mu
	end      chan struct{}   // closed when nobody approves any more
	people   sync.WaitGroup
}

// newRush makes the people and channels for n requests. One asker has up to 20 open
// requests, as is allowed.
func newRush(w *world, n int, channels ...string) *rush {
	r := &rush{w: w, db: w.redis.Client(), channels: channels, ids: w.fleet(n), approved: map[string]bool{}, end: make(chan struct{})}
	w.t.Cleanup(func() { r.db.Close() })
	for i := range (n + 19) / 20 {
		id := fmt.Sprintf("UASK%d", i)
		r.askers = append(r.askers, id)
		w.Slack.AddUser(slacksim.User{ID: id, Name: strings.ToLower(id)})
	}
	for _, c := range channels {
		if c != ops {
			w.Slack.AddChannel(slacksim.Channel{ID: c, Name: strings.ToLower(c)})
		}
		for _, u := range append(slices.Clone(r.askers), ben, slacksim.BotUserID) {
			w.Slack.Join(c, u)
		}
	}
	r.people.Go(r.approve)
	w.t.Cleanup(r.goHome)
	return r
}

func (r *rush) goHome() {
	select {
	case <-r.end:
	default:
		close(r.end)
	}
	r.people.Wait()
}

// ask has each person ask for one server after the other, one each gap.
func (r *rush) ask(gap time.Duration) {
	r.w.t.Helper()
	var all sync.WaitGroup
	for i := range r.askers {
		all.Go(func() {
			for n := i; n < len(r.ids); n += len(r.askers) {
				if err := r.askOne(r.askers[i], n); err != nil {
					r.w.t.Error(err)
					return
				}
				time.Sleep(gap)
			}
		})
	}
	all.Wait()
}

// askOne asks for the nth server. A person tries again when the bot says that it is busy.
func (r *rush) askOne(who string, n int) error {
	for {
		a, err := r.w.Slack.Command(r.w.t.Context(), who, r.channels[n%len(r.channels)], "/ecs-stop", r.ids[n]+" --reason rush")
		if err != nil || a.Acked && !strings.Contains(string(a.Payload), "overloaded") {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// approve approves by command whatever is open: the card of it may not stand yet.
func (r *rush) approve() {
	ctx := r.w.t.Context()
	for {
		select {
		case <-r.end:
			return
		case <-time.After(100 * time.Millisecond):
		}
		open, _ := r.db.ZRange(ctx, r.w.prefix()+"open", 0, -1).Result()
		for _, id := range open {
			r.mu.Lock()
			known := r.approved[id]
			r.mu.Unlock()
			if known {
				continue
			}
			if a, err := r.w.Slack.Command(ctx, ben, r.channels[0], "/ecs-stop", "approve "+id); err != nil || !a.Acked {
				continue
			}
			r.mu.Lock()
			r.approved[id] = true
			r.mu.Unlock()
		}
	}
}

// told counts what the bot has posted.
type told struct {
	cards, outcomes, joined, posts, refused, drawn int
	first, last                                    time.Time // post that stands; last: outcome
	twice                                          []string  // notes that were told more than once
}

// told reads what the bot has posted so far.
func (r *rush) told() told {
	var t told
	notes := map[string]int{}
	for _, c := range r.w.Slack.Calls("chat.postMessage") {
		var meta struct {
			Payload struct {
				All string `json:"all"`
			} `json:"event_payload"`
		}
		json.Unmarshal([]byte(c.Args["metadata"]), &meta)
		all := strings.Fields(meta.Payload.All)
		switch {
		case len(all) == 0: // to one person
			continue
		case c.Status == 429:
			t.refused++
			continue
		case c.Error() != "" || c.Status != 200:
			continue
		}
		t.posts++
		if t.first.IsZero() {
			t.first = c.Time
		}
		topics := map[string]bool{}
		for _, id := range all {
			notes[id]++
			topic := id[strings.LastIndex(id, "/")+1:]
			topics[topic] = true
			switch topic {
			case "card":
				t.cards++
			case "end":
				t.outcomes++
				t.last = c.Time
			}
		}
		if len(topics) > 1 {
			t.joined++
		}
	}
	for id, n := range notes {
		if n > 1 {
			t.twice = append(t.twice, id)
		}
	}
	for _, c := range r.w.Slack.Calls("chat.update") {
		if c.Status == 429 {
			t.refused++
		} else {
			t.drawn++
		}
	}
	return t
}

// check waits for all outcomes, and looks at the posts.
func (r *rush) check(patience time.Duration) told {
	w := r.w
	w.t.Helper()
	n := len(r.ids)
	var t told
	w.Within(patience, "outcome of every request", func() bool {
		time.Sleep(100 * time.Millisecond)
		t = r.told()
		return t.outcomes >= n
	})
	if t.cards != n || t.outcomes != n || len(t.twice) > 0 {
		w.t.Errorf("%d requests have %d cards and %d outcomes; told twice: %v", n, t.cards, t.outcomes, t.twice)
	}
	for _, id := range r.ids {
		if got := w.Cloud.StopCount(id); got != 1 {
			w.t.Errorf("%s was stopped %d times", id, got)
		}
	}
	return t
}

// Many requests at once in one channel, on a clock ten times quicker: each takes two
// posts, and two replicas together keep the pace that Slack allows.
func TestABusyChannelTellsEachRequestInTwoPosts(t *testing.T) {
	t.Parallel()
	const n, gap = 50, 100 * time.Millisecond
	w := newWorldWith(t, ecssim.Options{MinJobTime: 300 * time.Millisecond, MaxJobTime: 700 * time.Millisecond, Seed: 1}, slacksim.Options{PostGap: gap, PostBurst: 5})
	tune := func(c *jobs.Config) {
		fast(c)
		c.PostGap, c.DrawGap, c.Redraw = gap, 3*gap/2, 3*gap
	}
	w.start(tune)
	w.start(tune)
	r := newRush(w, n, ops)
	r.ask(0)
	got := r.check(120 * time.Second) // at Slack's pace it takes 10 s; make busy measures it
	r.goHome()
	w.settled()
	// The last ones find a channel that is not behind any more.
	if got.posts > 2*n+12 || got.joined < n/2 {
		t.Errorf("%d posts for %d requests, %d of them tell several things", got.posts, n, got.joined)
	}
	// Slack's page of history is read at another moment than the bot's turns are given.
	if got.refused > n/10 {
		t.Errorf("Slack refused %d calls", got.refused)
	}
	t.Logf("%+v, %v", got, got.last.Sub(got.first))
}

// The only replica is killed around a post that tells several notes: its one intent
// stands for all of them.
func TestKilledAroundAPostOfManyNotes(t *testing.T) {
	botProgram(t)
	for _, point := range []string{"post.before/together", "post.intended/together#2", "post.posted/together#2"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			const n, gap = 14, 200 * time.Millisecond
			w := newWorldWith(t, ecssim.Options{MinJobTime: 100 * time.Millisecond, MaxJobTime: 300 * time.Millisecond, Seed: 1},
				slacksim.Options{PostGap: gap, PostBurst: 5})
			crashes := w.superviseBot([]string{"ECSBOT_TEST_POST_GAP=" + gap.String(), "ECSBOT_CRASH_AT=" + point, "ECSBOT_CRASH_ONCE=" + filepath.Join(t.TempDir(), "once")})
			r := newRush(w, n, ops)
			r.ask(0)
			got := r.check(120 * time.Second) // at Slack's pace it takes 10 s; make busy measures it
			if crashes.Load() != 1 || got.joined == 0 {
				t.Errorf("%d kills, and %d posts tell several things", crashes.Load(), got.joined)
			}
			r.goHome()
			w.settled()
			if got = r.told(); len(got.twice) > 0 {
				t.Errorf("told twice: %v", got.twice)
			}
		})
	}
}
