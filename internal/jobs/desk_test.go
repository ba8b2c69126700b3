package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/audit"
	"ecsbot/internal/store"
)

func TestAnActOfAPersonIsRecordedOnceAndHandledOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const acts, deliveries = 20, 6
	engines := []*Engine{w.opened(), w.opened(), w.opened()}
	var fresh atomic.Int32
	var wg sync.WaitGroup
	for act := range acts {
		for n := range deliveries {
			wg.Go(func() {
				isNew, err := engines[n%3].Enqueue(t.Context(), approvals.Envelope{ID: fmt.Sprint(act), Kind: "click", At: time.Now()})
				if err != nil {
					t.Error(err)
				} else if isNew {
					fresh.Add(1)
				}
			})
		}
	}
	wg.Wait()
	if fresh.Load() != acts {
		t.Errorf("%d of %d acts are new", fresh.Load(), acts)
	}
	var mu sync.Mutex
	handled := map[string]int{}
	for _, e := range engines {
		w.run(e, handler{f: func(env approvals.Envelope) error {
			mu.Lock()
			defer mu.Unlock()
			handled[env.ID]++
			return nil
		}})
	}
	w.within(5*time.Second, "all is done", func() bool { return do(w, w.rdb.ZCard(t.Context(), w.key("due"))) == 0 })
	if again, err := engines[0].Enqueue(t.Context(), approvals.Envelope{ID: "0", At: time.Now()}); again || err != nil {
		t.Errorf("after it was handled an act is new again: %t, %v", again, err)
	}
	mu.Lock()
	defer mu.Unlock()
	for id, n := range handled {
		if n != 1 {
			t.Errorf("act %s was handled %d times", id, n)
		}
	}
	if len(handled) != acts {
		t.Errorf("%d of %d acts were handled", len(handled), acts)
	}
}

func TestAnActThatCannotBeHandledNowIsTriedAgainAndAnOldOneIsNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.engine()
	tries := map[string]int{}
	done := make(chan bool)
	w.run(e, handler{f: func(env approvals.Envelope) error {
		if tries[env.ID]++; tries[env.ID] < 3 {
			return errors.New("not now")
		}
		close(done)
		return nil
	}})
	for id, at := range map[string]time.Time{"old": time.Now().Add(-2 * maxEnvelopeAge), "new": time.Now()} {
		if _, err := w.opened().Enqueue(t.Context(), approvals.Envelope{ID: id, At: at}); err != nil {
			t.Fatal(err)
		}
	}
	<-done
	w.within(5*time.Second, "all is done", func() bool { return do(w, w.rdb.ZCard(t.Context(), w.key("due"))) == 0 })
	if tries["old"] != 0 {
		t.Error("an act of long ago was acted on")
	}
}

func TestTheSameAskTwiceMakesOneRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(2)
	e, other := w.opened(), w.opened()
	first, second := w.ask(e, "op", ids[0]), w.ask(other, "op", ids[0])
	if first.ID != second.ID {
		t.Errorf("requests %s and %s", first.ID, second.ID)
	}
	for what, n := range map[string]int64{
		"audit entries": do(w, w.rdb.XLen(t.Context(), w.key("audit"))), "notes": do(w, w.rdb.LLen(t.Context(), w.keys.outbox(first.ID))),
	} {
		if n != 1 {
			t.Errorf("%d %s, want 1", n, what)
		}
	}
	if r, err := e.loadRequest(t.Context(), first.ID); err != nil || r.Ver != 1 {
		t.Errorf("version %d, %v", r.Ver, err)
	}

	// Also at the same moment: an ask that finds the request just made must not
	// tell the person that their own servers are taken.
	for round := range 20 {
		op := fmt.Sprint("at once ", round)
		id := fmt.Sprintf("%08x-0000-4000-8000-%012x", 2, 2)
		var wg sync.WaitGroup
		var made atomic.Int32
		for n := range 4 {
			wg.Go(func() {
				_, err := []*Engine{e, other}[n%2].Ask(t.Context(), askOf(op, id))
				refusal := new(approvals.Refusal)
				switch {
				case err == nil:
					made.Add(1)
				case errors.As(err, &refusal):
					t.Errorf("refused: %v", err)
				}
			})
		}
		wg.Wait()
		r := w.ask(e, op, id)
		if made.Load() == 0 {
			t.Error("nobody was told of the request")
		}
		if _, err := e.Cancel(t.Context(), r.ID, anna, op+"/cancel"); err != nil {
			t.Fatal(err)
		}
	}
	if n := do(w, w.rdb.ZCard(t.Context(), w.keys.ended())); n != 20 {
		t.Errorf("%d requests were made, want 20", n)
	}
}

func TestOfTwoAsksForTheSameServerOneWins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const rounds = 25
	ids := w.fleet(3 * rounds)
	engines := []*Engine{w.opened(), w.opened()}
	for round := range rounds {
		own := ids[3*round : 3*round+3] // the middle one is wanted by both
		var made [2]approvals.Request
		var errs [2]error
		var wg sync.WaitGroup
		for n := range 2 {
			wg.Go(func() { made[n], errs[n] = engines[n].Ask(t.Context(), askOf(fmt.Sprint(round, n), own[n], own[n+1])) })
		}
		wg.Wait()
		winner := 0
		if errs[0] != nil {
			winner = 1
		}
		refusal := new(approvals.Refusal)
		if errs[winner] != nil || !errors.As(errs[1-winner], &refusal) || refusal.Kind != approvals.ServersTaken {
			t.Fatalf("got %v and %v", errs[0], errs[1])
		}
		if len(refusal.Taken) != 1 || refusal.Taken[own[1]] != made[winner].ID {
			t.Errorf("%v are taken, want %s by %s", refusal.Taken, own[1], made[winner].ID)
		}
	}
	if n := do(w, w.rdb.HLen(t.Context(), w.key("locks"))); n != 2*rounds {
		t.Errorf("%d servers are locked, want %d", n, 2*rounds)
	}
}

// entries reads the audit log.
func (w *world) entries() []audit.Entry {
	w.t.Helper()
	var all []audit.Entry
	for _, m := range do(w, w.rdb.XRange(w.t.Context(), w.key("audit"), "-", "+")) {
		var entry audit.Entry
		if err := json.Unmarshal([]byte(m.Values["d"].(string)), &entry); err != nil {
			w.t.Fatal(err)
		}
		all = append(all, entry)
	}
	return all
}

// Six people and the clock decide on the same request at the same moment, each
// by a click that Slack delivers twice, to different replicas.
func TestARaceOfDecisionsHasOneWinnerAndTheOthersAreTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const rounds = 100
	ids := w.fleet(rounds)
	var engines []*Engine
	for range 3 {
		engines = append(engines, w.opened(func(c *Config) { c.Projects[0].Policy.TTL = 40 * time.Millisecond }))
	}
	for _, e := range engines {
		w.beat(e)
	}
	winners := map[approvals.Choice]int{}
	draw := rand.New(rand.NewPCG(1, 1))
	for round := range rounds {
		e := engines[round%3]
		if round%4 != 0 {
			e.projects.all()[0].Policy.TTL = time.Minute // else it is the clock's turn, too
		}
		asked := w.ask(e, fmt.Sprint(round), ids[round])
		e.projects.all()[0].Policy.TTL = 40 * time.Millisecond
		type client struct {
			by, name string
			act      func(e *Engine, op string) (approvals.Request, error)
		}
		approve := func(p approvals.Person) client {
			return client{p.ID, p.ID + " approves", func(e *Engine, op string) (approvals.Request, error) {
				return e.Approve(t.Context(), asked.ID, p, op)
			}}
		}
		deny := func(p approvals.Person) client {
			return client{p.ID, p.ID + " denies", func(e *Engine, op string) (approvals.Request, error) {
				return e.Deny(t.Context(), asked.ID, p, "", op)
			}}
		}
		clients := []client{
			approve(ben), approve(carla), deny(carla), deny(dora), approve(dora),
			{anna.ID, "anna cancels", func(e *Engine, op string) (approvals.Request, error) {
				return e.Cancel(t.Context(), asked.ID, anna, op)
			}},
		}
		if round%4 == 0 {
			time.Sleep(time.Until(asked.Expires) - time.Duration(draw.IntN(4))*time.Millisecond)
		}
		draw.Shuffle(len(clients), func(i, j int) { clients[i], clients[j] = clients[j], clients[i] })
		var wg sync.WaitGroup
		results := make([][2]error, len(clients))
		for n, c := range clients {
			for delivery := range 2 {
				pause := time.Duration(draw.IntN(8)) * time.Millisecond
				wg.Go(func() {
					time.Sleep(pause)
					_, results[n][delivery] = c.act(engines[(n+delivery)%3], fmt.Sprint(round, "/", c.name))
				})
			}
		}
		wg.Go(func() { w.expireInTime(engines[round%3], asked) })
		wg.Wait()

		r, err := e.loadRequest(t.Context(), asked.ID)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Body.Decisions) == 0 {
			t.Fatalf("round %d: nobody decided", round)
		}
		first := r.Body.Decisions[0]
		winners[first.Choice]++
		won := 0
		for n, c := range clients {
			for _, err := range results[n] {
				refusal := new(approvals.Refusal)
				switch {
				case err == nil:
				case !errors.As(err, &refusal):
					t.Errorf("round %d: %s: %v", round, c.name, err)
				case refusal.Kind != approvals.AlreadyDecided && refusal.Kind != approvals.TooLate:
					t.Errorf("round %d: %s reads %q", round, c.name, refusal.Kind)
				case refusal.Kind == approvals.TooLate && round%4 != 0:
					t.Errorf("round %d: %s is told that it is too late", round, c.name)
				}
			}
			// Two deliveries of one click are told the same, unless its time ended
			// between them.
			if (results[n][0] == nil) != (results[n][1] == nil) && round%4 != 0 {
				t.Errorf("round %d: %s was told two things: %v and %v", round, c.name, results[n][0], results[n][1])
			}
			// Once it is approved, the requester may still withdraw it.
			withdrew := c.name == "anna cancels" && first.Choice == approvals.ChoseApprove
			if (results[n][0] == nil || results[n][1] == nil) && !withdrew {
				won++
				if by := first.By; by != c.by {
					t.Errorf("round %d: %s was told to have won, but %s did", round, c.name, by)
				}
			}
		}
		want := 1
		if first.Choice == approvals.ChoseExpire {
			want = 0
		}
		if won != want {
			t.Errorf("round %d: %d were told to have won; first was %s", round, won, first.Choice)
		}
	}
	decided := map[string]int{}
	for _, entry := range w.entries() {
		if entry.From == string(approvals.Pending) {
			decided[entry.Request]++
		}
	}
	for id, n := range decided {
		if n != 1 {
			t.Errorf("%s was decided %d times, says the audit log", id, n)
		}
	}
	if len(decided) != rounds {
		t.Errorf("the audit log has %d decisions, want %d", len(decided), rounds)
	}
	t.Log(winners)
	if len(winners) < 4 {
		t.Error("not every kind of decision won at least once")
	}
}

// expireInTime lets the clock decide on r if its time is nearly over, as a
// running engine does.
func (w *world) expireInTime(e *Engine, r approvals.Request) {
	if time.Until(r.Expires) > time.Second {
		return
	}
	for range 500 {
		got, _, err := e.store.Claim(context.WithoutCancel(w.t.Context()), store.Lanes{All: 10, Usual: 10, Slow: 10})
		if err != nil {
			return
		}
		for _, c := range got {
			if c.Item == requestItem(r.ID) {
				e.step(w.t.Context(), c)
			}
		}
		if now, err := e.loadRequest(w.t.Context(), r.ID); err != nil || now.Body.State != approvals.Pending {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func TestARequestExpiresAndFreesItsServers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(2)
	e := w.engine(func(c *Config) { c.Projects[0].Policy.TTL = 100 * time.Millisecond })
	f := newMessenger()
	w.run(e, f)
	w.within(5*time.Second, "an engine", e.Working)
	r := w.ask(e, "op", ids...)
	w.within(5*time.Second, "the end", func() bool {
		now, err := e.Find(t.Context(), r.ID)
		return err == nil && now.State == approvals.Expired
	})
	if n := do(w, w.rdb.HLen(t.Context(), w.key("locks"))); n != 0 {
		t.Errorf("%d servers are still locked", n)
	}
	if _, err := e.Approve(t.Context(), r.ID, ben, "late"); err == nil {
		t.Error("an expired request was approved")
	}
	w.within(5*time.Second, "both are told", func() bool { return len(f.posted(r.ID)) == 2 })
	if open, _, _ := e.OpenRequests(t.Context(), anna.ID); len(open) != 0 {
		t.Error("it is still listed as open")
	}
}

// A replica whose own clock is behind believes that there is still time.
func TestALateClickLosesWhateverTheReplicasClockSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url, off := w.wrongClock()
	e := w.engineAt(url, func(c *Config) { c.Projects[0].Policy.TTL = 20 * time.Millisecond })
	w.open(e)
	r := w.ask(e, "op", w.fleet(1)...)
	time.Sleep(30 * time.Millisecond)
	off.Store(-time.Minute.Milliseconds())
	w.beat(e)
	_, err := e.Approve(t.Context(), r.ID, ben, "click")
	refusal := new(approvals.Refusal)
	if !errors.As(err, &refusal) || refusal.Kind != approvals.TooLate {
		t.Errorf("got %v", err)
	}
	if now, _ := e.Find(t.Context(), r.ID); now.State != approvals.Pending {
		t.Errorf("it is %s", now.State)
	}
}
