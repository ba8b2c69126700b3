package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/redistest"
	"ecsbot/internal/store"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

// counted is the value of a counter.
func counted(t *testing.T, c prometheus.Collector) float64 {
	t.Helper()
	reg := prometheus.NewRegistry()
	reg.MustRegister(c)
	all, err := reg.Gather()
	if err != nil || len(all) != 1 {
		t.Fatalf("%d families, %v", len(all), err)
	}
	return all[0].GetMetric()[0].GetCounter().GetValue()
}

// A thread that cannot be looked into is not silent: what may or may not stand
// is posted again, at once if no other look will do better.
func TestAPostThatCannotBeLookedForIsRepeated(t *testing.T) {
	for name, tt := range map[string]struct {
		look error
		why  string
		wait bool // until the look-up has failed for long
	}{
		"a right is missing":    {&approvals.FindError{Final: true, Err: errors.New("missing_scope")}, "refused", false},
		"Slack does not answer": {errors.New("502"), "no_answer", true},
		"Slack is limited":      {&approvals.FindError{RetryAfter: time.Hour, Err: errors.New("ratelimited")}, "no_answer", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			e := w.opened()
			f := newMessenger()
			f.look = tt.look
			var posts []time.Time
			var looks []int // at each post
			f.fault = func(m approvals.Message) fault {
				if m.ID() != m.Request.ID+"/0" {
					return fault{}
				}
				posts, looks = append(posts, time.Now()), append(looks, f.looks)
				if len(posts) == 1 {
					return fault{fate: approvals.MaybePosted}
				}
				return fault{}
			}
			id, ids := w.owe(e, "op", w.fleet(1)[0], approvals.TopicTrouble, approvals.TopicTrouble)
			begun := time.Now()
			w.run(e, f)
			w.within(10*time.Second, "all notes", func() bool { return slices.Equal(f.posted(id), ids) })
			f.mu.Lock()
			defer f.mu.Unlock()
			// The wait begins with the intent, which is written after begun; the
			// engine's clock is Redis' own, to the millisecond.
			if since := posts[1].Sub(begun); tt.wait && since < 3*e.cfg.PostQuarantine-5*time.Millisecond {
				t.Errorf("posted again after %v, the wait is 3 times %v", since, e.cfg.PostQuarantine)
			}
			if !tt.wait && looks[1] != 1 {
				t.Errorf("posted again after %d looks", looks[1])
			}
			if n := counted(t, e.cfg.Metrics.unverified.WithLabelValues("trouble", tt.why)); n != 1 {
				t.Errorf("counted %v times as %s", n, tt.why)
			}
		})
	}
}

// Where Slack goes on losing answers, a thread that cannot be looked into is not
// flooded.
func TestRepeatsWithoutALookGetRarer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.opened()
	f := newMessenger()
	f.look = &approvals.FindError{Final: true, Err: errors.New("missing_scope")}
	var posts atomic.Int64
	f.fault = func(m approvals.Message) fault {
		if m.ID() == m.Request.ID+"/card" {
			return fault{}
		}
		posts.Add(1)
		return fault{fate: approvals.MaybePosted, done: true}
	}
	w.owe(e, "op", w.fleet(1)[0], approvals.TopicTrouble)
	w.run(e, f)
	time.Sleep(10 * e.cfg.PostQuarantine) // it must not happen in that time, so there is nothing to wait for
	if n := posts.Load(); n < 2 || n > 5 {
		t.Errorf("posted %d times in ten waits", n)
	}
}

// A limit of drawing holds for drawing, in every replica, and nothing that is
// to be said waits for it.
func TestALimitOfDrawingIsKeptByAllAndHoldsUpNoPost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	servers := w.fleet(3)
	f := newMessenger()
	const limit = 4 * time.Second
	var refused time.Time
	var early int
	f.draw = func(approvals.Request) approvals.Delivery {
		switch since := time.Since(refused); {
		case refused.IsZero():
			refused = time.Now()
			return approvals.Delivery{Status: approvals.NotPosted, RetryAfter: limit, WholeMethod: true, Err: errors.New("ratelimited")}
		case since > 200*time.Millisecond && since < limit-50*time.Millisecond:
			early++
		}
		return approvals.Delivery{}
	}
	e := w.opened()
	w.run(e, f)
	w.run(w.engine(), f)
	var ids []string
	for i, s := range servers {
		r := w.ask(e, fmt.Sprint("op", i), s)
		ids = append(ids, r.ID)
		w.within(5*time.Second, "the card", func() bool { return len(f.posted(r.ID)) == 1 })
		if _, err := e.Deny(t.Context(), r.ID, ben, "no", fmt.Sprint("click", i)); err != nil {
			t.Fatal(err)
		}
		w.within(5*time.Second, "the reply", func() bool { return len(f.posted(r.ID)) == 2 })
		w.within(5*time.Second, "a moment within the limit", func() bool {
			f.mu.Lock()
			defer f.mu.Unlock()
			return !refused.IsZero() && time.Since(refused) > 150*time.Millisecond
		})
	}
	f.mu.Lock()
	if since := time.Since(refused); refused.IsZero() || since > limit {
		t.Errorf("the replies came %v after the limit of drawing", since)
	}
	f.mu.Unlock()
	w.within(10*time.Second, "all cards are drawn", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return !slices.ContainsFunc(ids, func(id string) bool { return !slices.Contains(f.drawn[id], approvals.Denied) })
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	if early > 0 {
		t.Errorf("%d cards were drawn while Slack wanted none", early)
	}
}

func TestPacerKeepsTurns(t *testing.T) {
	p := newPacer(time.Second, 2)
	now := time.Now()
	at := func(d time.Duration) time.Time { return now.Add(d) }
	for _, tt := range []struct {
		who  string
		at   time.Duration
		want time.Duration
	}{
		{"a", 0, 0}, {"b", 0, 0}, // the burst
		{"c", 0, time.Second}, {"d", 0, 2 * time.Second},
		{"c", 500 * time.Millisecond, 500 * time.Millisecond}, // it asks too early and loses nothing
		{"e", 600 * time.Millisecond, 2400 * time.Millisecond},
		{"c", time.Second, 0},
		{"c", time.Second, 3 * time.Second}, // once
		{"d", 2 * time.Second, 0},
		{"e", 5 * time.Minute, 0}, // nobody came for its turn; there is a new one
	} {
		if got := p.turn(tt.who, at(tt.at)).Round(time.Millisecond); got != tt.want {
			t.Errorf("%s at %v has to wait %v, want %v", tt.who, tt.at, got, tt.want)
		}
	}
}

// Progress is drawn only where there is room beside decisions and ends.
func TestProgressGivesWay(t *testing.T) {
	w, e := alone(t, func(c *Config) { c.DrawGap = time.Hour })
	ask := func(n int, r approvals.Request) time.Duration {
		t.Helper()
		lease := store.Lease{Item: fmt.Sprint("t:S-", n), Fence: fmt.Sprint(n)}
		turn, err := e.store.Turn(w.t.Context(), lease, e.courier.pacing.drawings(), drawScore(r, time.Time{}, e.now()), 0)
		if err != nil {
			t.Fatal(err)
		}
		return turn.Wait
	}
	progress := approvals.Request{State: approvals.Executing, Work: approvals.Work{Tally: approvals.Tally{Stopped: 1}}}
	drawn := 0
	for ask(drawn, progress) == 0 {
		drawn++
	}
	if drawn < 1 || drawn > drawBurst/2+1 {
		t.Errorf("%d pictures of progress at once", drawn)
	}
	if wait := ask(100, approvals.Request{State: approvals.Executing}); wait != 0 {
		t.Errorf("the card of a request that has just begun waits %v", wait)
	}
	for i := range drawBurst - drawn - 1 {
		if wait := ask(101+i, approvals.Request{State: approvals.Denied}); wait != 0 {
			t.Errorf("decision %d waits %v behind progress", i, wait)
		}
	}
	if wait := ask(200, approvals.Request{State: approvals.Denied}); wait == 0 {
		t.Error("more cards are drawn at once than Slack allows")
	}
}

// What Slack refuses for a reason that nobody knows is tried for so long, and
// then told another way.
func TestAnOddRefusalIsGivenUpInTheEnd(t *testing.T) {
	for name, tt := range map[string]struct {
		times int // that it is refused; 0: always
		given bool
	}{"it passes": {3, false}, "it does not": {0, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			e := w.opened(func(c *Config) { c.RejectedGiveUp = 400 * time.Millisecond })
			f := newMessenger()
			refused := 0
			f.fault = func(approvals.Message) fault {
				if refused++; tt.times == 0 || refused <= tt.times {
					return fault{fate: approvals.NotPosted, odd: true, code: "a_code_of_next_year"}
				}
				return fault{}
			}
			began := time.Now()
			w.run(e, f)
			r := w.ask(e, "op", w.fleet(1)[0])
			if !tt.given {
				w.within(5*time.Second, "the card", func() bool { return len(f.posted(r.ID)) == 1 })
				return
			}
			w.within(5*time.Second, "the end", func() bool { now, _ := e.Find(t.Context(), r.ID); return now.State == approvals.Cancelled })
			if took := time.Since(began); took < e.cfg.RejectedGiveUp {
				t.Errorf("withdrawn after %v", took)
			}
			w.within(5*time.Second, "the requester hears of it", func() bool {
				f.mu.Lock()
				defer f.mu.Unlock()
				return slices.Equal(f.told, []string{anna.ID + " " + r.ID + "/card"})
			})
			if refused < 5 {
				t.Errorf("tried only %d times", refused)
			}
		})
	}
}

// Whatever somebody has to know reaches them, though the channel is closed and
// Slack is away for a while; until then their Home shows it.
func TestWhatAChannelDoesNotTakeIsToldPrivately(t *testing.T) {
	for _, topic := range []approvals.Topic{
		approvals.TopicDenied, approvals.TopicCancelled, approvals.TopicExpired, approvals.TopicOutcome,
		approvals.TopicTrouble, approvals.TopicBatchFailed, approvals.TopicResolved, approvals.TopicOverdue,
	} {
		t.Run(string(topic), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			e := w.opened()
			f := newMessenger()
			f.deaf = 3
			f.fault = func(m approvals.Message) fault {
				if m.Notes[0].Topic == topic {
					return fault{fate: approvals.Rejected, code: "is_archived"}
				}
				return fault{}
			}
			id, _ := w.owe(e, "op", w.fleet(1)[0], topic)
			w.run(e, f)
			w.within(5*time.Second, "the Home tells it", func() bool {
				all, err := e.Undelivered(t.Context(), anna.ID)
				return err == nil && len(all) == 1 && all[0].ID() == id+"/0" && all[0].Refused == "is_archived" && all[0].Request.ID == id
			})
			w.within(20*time.Second, "a private message", func() bool {
				f.mu.Lock()
				defer f.mu.Unlock()
				return slices.Equal(f.told, []string{anna.ID + " " + id + "/0"})
			})
			w.within(5*time.Second, "it is counted", func() bool {
				return counted(t, e.cfg.Metrics.rerouted.WithLabelValues(string(topic), "private")) == 1
			})
		})
	}
}

// A person who can never be told is tried for a day, more and more rarely.
func TestPrivateNotesAreGivenUpAfterADay(t *testing.T) {
	w, e := alone(t)
	f := newMessenger()
	f.deaf = 1 << 30
	e.serve(f)
	note := privateNote{Request: "S-22222", Notes: []approvals.Note{{ID: "S-22222/end", Topic: approvals.TopicOutcome}}, At: e.now()}
	ch := store.NewChange()
	if err := e.privates.owePrivately(t.Context(), ch, "UANNA", note); err != nil {
		t.Fatal(err)
	}
	if _, err := e.commit(t.Context(), ch); err != nil {
		t.Fatal(err)
	}
	var pauses []time.Duration
	for range 12 {
		w.rdb.ZAdd(t.Context(), w.key("due"), redis.Z{Member: privateItem("UANNA")})
		w.doDue(e)
		p, err := store.Load[privateOutbox](t.Context(), e.store, e.keys.private("UANNA"))
		if err != nil {
			t.Fatal(err)
		}
		pauses = append(pauses, p.Body.Notes[0].Next.Sub(e.now()).Round(time.Second))
		p.Body.Notes[0].Next = time.Time{}
		if _, err := e.commit(t.Context(), store.NewChange().Write(e.keys.private("UANNA"), p.Ver, p.Body)); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.IsSorted(pauses) || pauses[0] != 30*time.Second || pauses[11] != 2*time.Hour {
		t.Errorf("the pauses are %v", pauses)
	}
	p, _ := store.Load[privateOutbox](t.Context(), e.store, e.keys.private("UANNA"))
	p.Body.Notes[0].At = e.now().Add(-privateLife)
	if _, err := e.commit(t.Context(), store.NewChange().Write(e.keys.private("UANNA"), p.Ver, p.Body)); err != nil {
		t.Fatal(err)
	}
	w.rdb.ZAdd(t.Context(), w.key("due"), redis.Z{Member: privateItem("UANNA")})
	w.doDue(e)
	if n := w.rdb.Exists(t.Context(), e.keys.private("UANNA"), e.keys.privates()).Val(); n != 0 {
		t.Errorf("%d keys are left of it", n)
	}
	if n := counted(t, e.cfg.Metrics.rerouted.WithLabelValues("end", "home")); n != 1 {
		t.Errorf("counted %v times", n)
	}
}

// A file that cannot be attached lets everything else pass, and is tried again.
func TestAFileThatWaitsLetsOtherNotesPass(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.opened()
	f := newMessenger()
	failing, tries := true, 0
	f.fault = func(m approvals.Message) fault {
		if m.Notes[0].Topic == approvals.TopicList {
			if tries++; failing {
				return fault{fate: approvals.NotPosted}
			}
		}
		return fault{}
	}
	r := w.ask(e, "op", w.fleet(1)[0])
	ch := store.NewChange()
	for _, n := range []approvals.Note{{ID: "file", Topic: approvals.TopicList}, {ID: "one", Topic: approvals.TopicTrouble}, {ID: "two", Topic: approvals.TopicTrouble}} {
		n.At = e.now()
		ch.Also(tell(w.keys, r.ID, n))
	}
	w.commit(e, ch)
	w.run(e, f)
	w.within(5*time.Second, "the others", func() bool { return slices.Equal(f.posted(r.ID), []string{r.ID + "/card", "one", "two"}) })
	f.mu.Lock()
	if tries == 0 {
		t.Error("the file was not tried first")
	}
	failing = false
	f.mu.Unlock()
	w.within(5*time.Second, "the file", func() bool {
		return slices.Equal(f.posted(r.ID), []string{r.ID + "/card", "one", "two", "file"})
	})
}

// A process that was suspended between intent and post does not post: another
// one may have done it.
func TestAProcessThatSleptBeforeAPostDoesNotPost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	// The first intent is held up.
	var intents, slept atomic.Int64
	c := &redistest.Cutter{Pause: func(command string) {
		if strings.Contains(strings.ReplaceAll(command, `\`, ""), `"intent":{"id":"`) && intents.Add(1) == 1 {
			time.Sleep(maxIntentAge + 200*time.Millisecond)
			slept.Add(1)
		}
	}}
	e := w.engineAt(c.Start(t, w.redis).URL)
	w.open(e)
	f := newMessenger()
	var intended time.Time
	late := 0
	f.fault = func(approvals.Message) fault {
		if !intended.IsZero() && time.Since(intended) > maxIntentAge && late == 0 {
			late++
		}
		return fault{}
	}
	r := w.ask(e, "op", w.fleet(1)[0])
	w.run(e, f)
	w.within(10*time.Second, "the intent", func() bool { return slept.Load() == 1 })
	w.within(10*time.Second, "the card", func() bool { return len(f.posted(r.ID)) == 1 })
	if n := intents.Load(); n != 2 {
		t.Errorf("%d intents were written, want one that was too old and one that was not", n)
	}
}

// Setting and lifting the freeze has the cards of open requests drawn again,
// also if the first drawing is lost; the commit itself makes one item due.
func TestCardsOfOpenRequestsShowTheFreeze(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.opened()
	f := newMessenger()
	lost := 1
	f.draw = func(approvals.Request) approvals.Delivery {
		if lost--; lost >= 0 {
			return approvals.Delivery{Status: approvals.MaybePosted, Err: errors.New("reset")}
		}
		return approvals.Delivery{}
	}
	var ids []string
	for i, s := range w.fleet(5) {
		ids = append(ids, w.ask(e, fmt.Sprint(i), s).ID)
	}
	w.run(e, f)
	for _, id := range ids {
		w.within(5*time.Second, "the card", func() bool { return len(f.posted(id)) == 1 })
	}
	if _, err := e.Deny(t.Context(), ids[4], ben, "", "no"); err != nil {
		t.Fatal(err)
	}
	w.within(5*time.Second, "the end on the card", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return slices.Contains(f.drawn[ids[4]], approvals.Denied)
	})
	shows := func(on bool) func() bool {
		return func() bool {
			f.mu.Lock()
			defer f.mu.Unlock()
			for _, id := range ids[:4] {
				if h := f.held[id]; len(h) == 0 || h[len(h)-1] != on {
					return false
				}
			}
			return true
		}
	}
	if _, err := e.Freeze(t.Context(), ben, "release", "COPS", "f1", time.Now()); err != nil {
		t.Fatal(err)
	}
	w.within(10*time.Second, "the freeze on all cards", shows(true))
	if _, err := e.Unfreeze(t.Context(), ben, "f2", time.Now()); err != nil {
		t.Fatal(err)
	}
	w.within(10*time.Second, "no freeze on any card", shows(false))
	f.mu.Lock()
	defer f.mu.Unlock()
	if slices.Contains(f.held[ids[4]], true) {
		t.Error("the card of a request that had ended was drawn for the freeze")
	}
}

// A card may show what the store has lost: it is drawn again.
func TestCardsAreDrawnAgainAfterALoss(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.opened()
	f := newMessenger()
	w.run(e, f)
	r := w.ask(e, "op", w.fleet(1)[0])
	w.within(5*time.Second, "the card", func() bool { return len(f.posted(r.ID)) == 1 })
	drawings := func() int {
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(f.drawn[r.ID])
	}
	w.within(5*time.Second, "rest", func() bool { return do(w, w.rdb.Exists(t.Context(), w.keys.outbox(r.ID))) == 0 })
	before := drawings()
	time.Sleep(50 * time.Millisecond) // the loss is later than the drawing, by either clock
	w.rollBack()
	w.within(10*time.Second, "another drawing", func() bool { return drawings() > before })

	// A thread's record that is ahead of its request's.
	before = drawings()
	th, err := store.Load[thread](t.Context(), e.store, w.keys.thread(r.ID))
	if err != nil {
		t.Fatal(err)
	}
	th.Body.Drawn += 10
	w.commit(e, store.NewChange().Write(w.keys.thread(r.ID), th.Ver, th.Body).Wake(threadItem(r.ID), 0))
	w.within(10*time.Second, "a third drawing", func() bool { return drawings() > before })
}

func BenchmarkApproveWithHomes(b *testing.B) {
	for _, n := range []int{0, 1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := newWorld(b)
			e := w.opened(func(c *Config) { c.Projects[0].Policy.ApprovalsRequired = 1 })
			ids := w.fleet(1)
			for i := range n {
				if err := e.HomeOpened(b.Context(), fmt.Sprintf("U%08d", i)); err != nil {
					b.Fatal(err)
				}
			}
			i := 0
			b.ResetTimer()
			for b.Loop() {
				b.StopTimer()
				i++
				r, err := e.Ask(b.Context(), askOf(fmt.Sprint("op", i), ids[0]))
				if err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				if _, err := e.Approve(b.Context(), r.ID, ben, fmt.Sprint("a", i)); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if _, err := e.Cancel(b.Context(), r.ID, anna, fmt.Sprint("c", i)); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}

// More is owed to one person privately than is kept. What was told goes first,
// and what is lost is counted.
func TestWhatIsOwedPrivatelyIsNotDroppedUnseen(t *testing.T) {
	t.Parallel()
	_, e := alone(t)
	e.serve(newMessenger())
	for i := range privateMost + 5 {
		id := fmt.Sprintf("S-%05d", i)
		ch := store.NewChange()
		n := privateNote{Request: id, Notes: []approvals.Note{{ID: id + "/end", Topic: approvals.TopicOutcome}}, At: e.now(), Told: i%50 == 1}
		if err := e.privates.owePrivately(t.Context(), ch, "UANNA", n); err != nil {
			t.Fatal(err)
		}
		if _, err := e.commit(t.Context(), ch); err != nil {
			t.Fatal(err)
		}
	}
	p, err := store.Load[privateOutbox](t.Context(), e.store, e.keys.private("UANNA"))
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Body.Notes; len(got) != privateMost || got[0].Request != "S-00003" {
		t.Errorf("%d are kept, the first is of %s", len(got), got[0].Request)
	}
	if n := counted(t, e.cfg.Metrics.rerouted.WithLabelValues("end", "nowhere")); n != 2 {
		t.Errorf("%v are counted as lost, want 2", n)
	}
}

// One Home that cannot be drawn keeps no other one.
func TestAHomeThatFailsKeepsNoOther(t *testing.T) {
	t.Parallel()
	face := &oneBad{}
	w, e := alone(t, func(c *Config) { c.HomeGap, c.RetryIn = time.Millisecond, 50*time.Millisecond })
	e.serve(face)
	for _, user := range []string{"UBEN", "UCARLA", "UBAD"} { // the last one comes first
		if err := e.HomeOpened(t.Context(), user); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Millisecond)
	}
	for range 3 {
		w.homesDue(e)
	}
	for _, user := range []string{"UBEN", "UCARLA"} {
		if !slices.Contains(face.drawn, user) {
			t.Errorf("%s is not among the drawn: %v", user, face.drawn)
		}
	}
}

// oneBad cannot draw the Home of one person.
type oneBad struct{ drawer }

func (d *oneBad) PublishHome(ctx context.Context, user string) approvals.Delivery {
	d.drawer.PublishHome(ctx, user)
	if user == "UBAD" {
		return approvals.Delivery{Status: approvals.NotPosted, Err: errors.New("as planned")}
	}
	return approvals.Delivery{Status: approvals.Posted}
}
