package jobs

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/store"

	"github.com/redis/go-redis/v9"
)

// handler is a face that only acts on envelopes.
type handler struct {
	Messenger
	f func(approvals.Envelope) error
}

func (h handler) TellTooLate(context.Context, approvals.Envelope) {}

func (h handler) Handle(_ context.Context, env approvals.Envelope) error { return h.f(env) }

func TestTheWorkOfAKilledEngineGoesOnWithinFiveSeconds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	usual := func(c *Config) { c.Heartbeat, c.Lease = 0, 0 } // the defaults
	first, second := w.engine(usual), w.engine(usual)
	begun, end := make(chan bool, 9), make(chan bool)
	w.run(first, handler{f: func(approvals.Envelope) error {
		begun <- true
		<-end
		return nil
	}})
	defer close(end)
	if _, err := first.Enqueue(t.Context(), approvals.Envelope{ID: "1", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	<-begun
	handled := make(chan string, 9)
	w.run(second, handler{f: func(env approvals.Envelope) error {
		handled <- env.ID
		return nil
	}})
	w.within(5*time.Second, "the second engine lives", func() bool {
		return w.rdb.ZScore(t.Context(), w.key("beats"), second.store.Worker()).Err() == nil
	})
	if first.cfg.Heartbeat != time.Second || first.cfg.Lease != 30*time.Second {
		t.Fatalf("beat %v, lease %v: not the defaults", first.cfg.Heartbeat, first.cfg.Lease)
	}
	kill(first)
	killed := time.Now()
	select {
	case <-handled:
		t.Logf("taken up after %v", time.Since(killed))
	case <-time.After(5 * time.Second):
		t.Error("after 5 s nobody had taken up the work")
	}
}

// What an engine holds when it is stopped it may finish; nobody takes it for
// dead meanwhile, and starts again what is under way.
func TestAStoppingEngineBeatsUntilItsLastStepIsOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	quick := func(c *Config) { c.Heartbeat = 50 * time.Millisecond }
	first, second := w.engine(quick), w.engine(quick)
	begun, goOn := make(chan bool, 9), make(chan bool)
	stop := w.run(first, handler{f: func(approvals.Envelope) error {
		begun <- true
		<-goOn
		return nil
	}})
	if _, err := second.Enqueue(t.Context(), approvals.Envelope{ID: "1", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	<-begun
	w.run(second, handler{f: func(approvals.Envelope) error {
		t.Error("the other engine claimed an item that was still worked on")
		return nil
	}})
	stopped := make(chan bool)
	go func() {
		stop()
		close(stopped)
	}()
	w.beats(2, 8) // time enough to be taken for dead
	close(goOn)
	<-stopped
	w.within(5*time.Second, "the work is done", func() bool { return do(w, w.rdb.ZCard(t.Context(), w.key("due"))) == 0 })
}

// Whoever claims must be known to live: nobody would ever find it dead.
func TestAnEngineBeatsBeforeItClaims(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var order []string
	c := newCutter(w, func(command string) bool {
		for name, key := range map[string]string{"beat": w.key("beats"), "claim": w.key("slow")} {
			if strings.Contains(command, key+"\r\n") && !slices.Contains(order, name) {
				order = append(order, name)
			}
		}
		return false
	})
	for range 10 {
		stop := w.run(w.engineAt(c.URL), handler{})
		w.within(5*time.Second, "a beat and a claim", func() bool {
			c.Mu.Lock()
			defer c.Mu.Unlock()
			return len(order) == 2
		})
		stop()
		if order[0] != "beat" {
			t.Fatal("it claimed before anybody knew that it lives")
		}
		c.Mu.Lock()
		order = nil
		c.Mu.Unlock()
	}
}

func TestAnItemThatKillsItsWorkersIsPutAside(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.opened(func(c *Config) { c.Lease = time.Millisecond })
	e.serve(handler{f: func(approvals.Envelope) error {
		t.Error("it was worked on once more")
		return nil
	}})
	if _, err := e.Enqueue(t.Context(), approvals.Envelope{ID: "1", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	var c store.Lease
	w.within(5*time.Second, "too many claims", func() bool {
		for _, got := range w.claims(e, 1) {
			c = got
		}
		return c.Tries > maxAttempts
	})
	e.cfg.Lease = time.Minute
	e.step(t.Context(), c)
	now := do(w, w.rdb.Time(t.Context())).UnixMilli()
	due := int64(do(w, w.rdb.ZScore(t.Context(), w.key("due"), "i:1")))
	if due < now+59*60_000 {
		t.Errorf("it is due in %d ms, want about an hour", due-now)
	}
}

func TestAPanicInAStepIsOneMoreTry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tries := 0
	done := make(chan bool)
	e := w.engine()
	w.run(e, handler{f: func(approvals.Envelope) error {
		if tries++; tries < 3 {
			panic("odd record")
		}
		close(done)
		return nil
	}})
	if _, err := w.opened().Enqueue(t.Context(), approvals.Envelope{ID: "1", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Error("it was not tried again")
	}
}

func TestWorkWithoutARecordIsDropped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.engine()
	w.dueAt(map[string]int64{"i:no": 0, "r:no": 0, "b:no:1": 0, "b:no:x": 0, "t:no": 0, "z:no": 0, "": 0})
	w.run(e, handler{})
	w.within(5*time.Second, "all are dropped", func() bool {
		return do(w, w.rdb.ZCard(t.Context(), w.key("due"))) == 0 && do(w, w.rdb.HLen(t.Context(), w.key("claims"))) == 0
	})
}

// zNow makes item due now, whoever holds it.
func zNow(item string) redis.Z { return redis.Z{Score: 0, Member: item} }

func TestAnEngineThatIsStoppedWhileItStartsHasNotFailed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.engine().Run(ctx, newMessenger()); err != nil {
		t.Errorf("it ended with %v", err)
	}
}
