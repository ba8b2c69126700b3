package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/inventory"
	"ecsbot/internal/store"
)

// Engine carries out one project's requests. Any number of engines, in one
// process or many, may share a store. Its methods may be called at any time.
type Engine struct {
	*records
	*desk
	*freezer
	*people
	*homes
	*privates

	lifecycle *lifecycle
	sender    *sender
	courier   *courier
	inventory *inventory.Inventory
	messenger Messenger // set by Run

	wakeups   chan struct{} // holds one when something may have become due
	pauseTold time.Time     // the loss of which the threads were told; only heartbeats use it
	working   atomic.Bool   // between Run's first heartbeat and its last step
	started   chan struct{} // closed when Run has worked for the first time
}

// New makes an engine. It does nothing until [Engine.Run], but requests may be
// made and decided with it. [Engine.Close] ends what it reads in the background.
func New(c Config) *Engine {
	c = c.withDefaults()
	e := &Engine{wakeups: make(chan struct{}, 1), started: make(chan struct{})}
	e.inventory = inventory.New(c.Cloud, c.Policy.Protection, c.Log)
	e.records = &records{cfg: c, keys: keysOf(c.ProjectID), store: store.New(store.Config{
		Project: c.ProjectID, Redis: c.Redis, Log: c.Log, Wake: e.wake,
		Window: c.window(), Lease: c.Lease, Beat: c.Heartbeat, Confirm: c.Confirm, AuditKeep: c.AuditKeep, TrustEmpty: c.TrustEmpty,
	})}
	pace := &pacing{records: e.records, paces: map[string]*pacer{}}
	e.desk = &desk{records: e.records, inventory: e.inventory}
	e.freezer = &freezer{e.records}
	e.people = &people{e.records}
	e.lifecycle = &lifecycle{e.records}
	e.sender = &sender{records: e.records, inventory: e.inventory, permits: &permits{e.records}, polls: newPacer(c.PollGap, pollBurst)}
	e.privates = &privates{records: e.records}
	e.homes = &homes{records: e.records, pacing: pace, failed: map[string]time.Time{}}
	e.courier = &courier{records: e.records, pacing: pace, privates: e.privates}
	return e
}

// Close ends a reading of all servers that [Engine.Suggest] or [Engine.WarmSuggestions]
// may have begun, and waits for it. It is called after [Engine.Run] has returned.
func (e *Engine) Close() { e.inventory.Close() }

// Bind says which bot of which Slack team the engine works for, and opens the
// store for it: a new one is theirs from then on, and one of another bot is
// refused with a [store.Fault]. It comes before anything else.
func (e *Engine) Bind(ctx context.Context, team, bot string) error {
	return e.store.Bind(ctx, team, bot)
}

// Suspend keeps the engine from sending anything to the cloud, for the reason
// given; none lets it go on. Everything else goes on meanwhile.
func (e *Engine) Suspend(why approvals.Cause) {
	if why == (approvals.Cause{}) {
		e.sender.suspended.Store(nil)
		return
	}
	e.sender.suspended.Store(&why)
}

// grace is how long steps under way may go on after a stop.
const grace = 6 * time.Second

// Run works until ctx ends. Then it takes nothing new, lets steps under way
// end (at most 6 s, and 2 more to write down what they learned), gives back what
// it holds, and returns nil. It returns an error only if it cannot begin. m is
// called from then on.
func (e *Engine) Run(ctx context.Context, m Messenger) error {
	e.serve(m)
	if err := e.store.Join(ctx); err != nil {
		return err
	}
	// Steps outlive ctx by the grace; their own end is what work is for.
	work, endWork := context.WithCancelCause(context.WithoutCancel(ctx))
	defer endWork(nil)
	stopTimer := context.AfterFunc(ctx, func() {
		time.AfterFunc(grace, func() { endWork(errors.New("stopping")) })
	})
	defer stopTimer()

	// The first beat comes before the first claim: who claims must be known
	// to live, and must know of a past that the store has lost. The last one
	// comes after the last step: what is still worked on is nobody else's.
	if err := e.heartbeat(ctx); err != nil {
		return err
	}
	defer e.nowWorking()()
	beating, endBeats := context.WithCancel(context.WithoutCancel(ctx))
	defer endBeats()
	var wg sync.WaitGroup
	wg.Go(func() { e.heartbeats(beating) })
	wg.Go(func() { e.watchOutbox(beating) })
	e.claimLoop(ctx, work)
	endBeats()
	wg.Wait()
	return e.signOff(work)
}

// serve has every part call m.
func (e *Engine) serve(m Messenger) {
	e.messenger, e.courier.messenger, e.homes.messenger, e.privates.messenger = m, m, m, m
}

// signOff takes the worker off the list of the living, so that whatever it still
// holds is taken up at once.
func (e *Engine) signOff(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := e.store.SignOff(ctx); err != nil {
		e.cfg.Log.WarnContext(ctx, "could not sign off; the lease will end", "err", err)
	}
	return nil
}

// claimLoop hands due items to steps, until ctx ends and the last step is over.
func (e *Engine) claimLoop(ctx, work context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	busy := lanes{most: e.lanes()}
	down := false
	for ctx.Err() == nil {
		free := busy.free()
		if free.All <= 0 {
			e.wait(ctx, -1) // the end of a step is a nudge
			continue
		}
		got, next, err := e.store.Claim(ctx, free)
		if ctx.Err() != nil && len(got) == 0 {
			return
		}
		if err != nil {
			if !down {
				e.cfg.Log.ErrorContext(ctx, "cannot claim work; trying again", "err", err)
			}
			down = true
			e.wait(ctx, 250*time.Millisecond)
			continue
		}
		if down {
			e.cfg.Log.InfoContext(ctx, "claiming work again")
			down = false
		}
		for _, c := range got {
			busy.begin(c)
			wg.Go(func() {
				defer func() { busy.end(c); e.wake() }()
				e.step(work, c)
			})
		}
		if len(got) == 0 {
			e.wait(ctx, next)
		}
	}
}

// wait waits until something may be due: d at most, and never more than a
// quarter of a second, since another replica may make something due.
func (e *Engine) wait(ctx context.Context, d time.Duration) {
	if d < 0 || d > 250*time.Millisecond {
		d = 250 * time.Millisecond
	}
	select {
	case <-ctx.Done():
	case <-e.wakeups:
	case <-time.After(d):
	}
}

func (e *Engine) wake() {
	select {
	case e.wakeups <- struct{}{}:
	default:
	}
}

// maxAttempts is how often an item may be claimed without ever being given back
// before it is parked: something in it kills the process that works on it.
const maxAttempts = 20

// step does one step of one item.
func (e *Engine) step(ctx context.Context, lease store.Lease) {
	began := time.Now()
	// A step ends well before its lease does.
	ctx, cancel := context.WithTimeoutCause(ctx, e.cfg.Lease*5/6, errors.New("step took too long"))
	defer cancel()
	if lease.Slow() {
		defer e.nextOf(ctx, lease)
	}
	kind, id, _ := strings.Cut(lease.Item, ":")
	if lease.Tries > maxAttempts {
		e.cfg.Log.ErrorContext(ctx, "item put aside: it was claimed again and again and never given back", "item", lease.Item, "claims", lease.Tries)
		e.cfg.Metrics.parked.Inc()
		e.park(ctx, lease, kind, id)
		return
	}
	err := e.work(ctx, lease, kind, id)
	e.cfg.Metrics.steps.WithLabelValues(kind, outcome(err)).Observe(time.Since(began).Seconds())
	switch {
	case err == nil:
	case errors.Is(err, store.ErrLost):
		e.cfg.Log.DebugContext(ctx, "claim was lost", "item", lease.Item)
	case errors.Is(err, errPanic):
		e.release(ctx, lease, e.cfg.RetryIn, true) // it counts as a crash
	case errors.Is(err, store.ErrConflict):
		// Somebody moved the record meanwhile. Look at it again.
		e.release(ctx, lease, 0, false)
	case errors.Is(err, store.ErrNotFound):
		e.cfg.Log.WarnContext(ctx, "item without record dropped", "item", lease.Item, "err", err)
		e.release(ctx, lease, never, false)
	default:
		in := e.retryIn(lease, err)
		e.cfg.Log.WarnContext(ctx, "step failed; trying again", "item", lease.Item, "in", in, "err", err)
		e.release(ctx, lease, in, false)
	}
}

func outcome(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, store.ErrLost), errors.Is(err, store.ErrConflict):
		return "again"
	}
	return "failed"
}

// errPanic marks a step that panicked.
var errPanic = errors.New("step panicked")

// park lets an item rest for an hour, and tells the people who wait for it.
func (e *Engine) park(ctx context.Context, lease store.Lease, kind, id string) {
	ch := store.NewChange().FencedBy(lease).Release(time.Hour)
	if request, _, _ := strings.Cut(id, ":"); kind == "b" || kind == "r" {
		ch.Also(tell(e.keys, request, e.note(approvals.Note{
			ID: lease.Item + "/aside/" + lease.Fence, Topic: approvals.TopicTrouble,
		}.Because(approvals.CauseParked))))
	}
	if _, err := e.commit(ctx, ch); err != nil {
		e.cfg.Log.WarnContext(ctx, "could not put an item aside", "item", lease.Item, "err", err)
	}
}

// work turns a panic into an error: one odd record must not stop the others.
func (e *Engine) work(ctx context.Context, lease store.Lease, kind, id string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			e.cfg.Log.ErrorContext(ctx, "step panicked", "item", lease.Item, "panic", p)
			err = fmt.Errorf("%w: %v", errPanic, p)
		}
	}()
	switch kind {
	case "i":
		return e.stepEnvelope(ctx, lease, id)
	case "r":
		return e.lifecycle.stepRequest(ctx, lease, id)
	case "b":
		return e.sender.stepBatch(ctx, lease, id)
	case "t":
		return e.courier.stepThread(ctx, lease, id)
	case "p":
		return e.privates.stepPrivate(ctx, lease, id)
	case homesItem:
		return e.homes.stepHomes(ctx, lease)
	case cardsItem:
		return e.courier.stepCards(ctx, lease)
	case "h": // made by an older replica
		return e.homes.adoptOldHome(ctx, lease, id)
	}
	return fmt.Errorf("item %q of no known kind: %w", lease.Item, store.ErrNotFound)
}
