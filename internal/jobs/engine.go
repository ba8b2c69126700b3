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
	"ecsbot/internal/store"
)

// Engine carries out requests. Any number of engines, in one process
// or in many, may share a store. It is safe for concurrent use.
type Engine struct {
	*records
	*desk
	*freezer
	*people
	*homes
	*privates
	*settings

	lifecycle *lifecycle
	senders   *senders
	courier   *courier
	steps     *steps
	messenger Messenger // set by Run

	wakeups   chan struct{} // holds an element when an item may have become due
	pauseTold time.Time     // the loss that threads already know of; only heartbeats use it
	working   atomic.Bool   // true between Run's first heartbeat and its last step
	started   chan struct{} // closed after Run's first heartbeat
}

// New makes an engine. It starts no work until [Engine.Run], but requests may be made
// and decided with it. [Engine.Close] ends its background reads.
func New(c Config) *Engine {
	c = c.withDefaults()
	e := &Engine{wakeups: make(chan struct{}, 1), started: make(chan struct{})}
	projects := newProjects(c)
	e.records = &records{cfg: c, keys: keysOf(c.Keyspace), projects: projects, store: store.New(store.Config{
		Project: c.Keyspace, Quotas: projects.quotas(), Redis: c.Redis, Log: c.Log, Wake: e.wake,
		Window: c.window(), Lease: c.Lease, Beat: c.Heartbeat, Confirm: c.Confirm, AuditKeep: c.AuditKeep, TrustEmpty: c.TrustEmpty,
	})}
	pace := &pacing{records: e.records, paces: map[string]*pacer{}}
	e.desk = &desk{records: e.records}
	e.freezer = &freezer{e.records}
	e.people = &people{e.records}
	e.settings = &settings{records: e.records}
	e.lifecycle = &lifecycle{e.records}
	e.senders = &senders{records: e.records}
	e.privates = &privates{records: e.records}
	e.homes = &homes{records: e.records, pacing: pace, failed: map[string]time.Time{}}
	e.steps = &steps{records: e.records}
	e.courier = &courier{records: e.records, pacing: pace, privates: e.privates}
	return e
}

// Close cancels the background reads that [Engine.Suggest] or [Engine.WarmSuggestions]
// may have started, and waits for them. It is called after [Engine.Run] has returned.
func (e *Engine) Close() { e.projects.close() }

// SetProjects replaces the projects, for what is done from now on. What is known
// through a client stays known if the client is among the new ones.
func (e *Engine) SetProjects(all []Project) {
	e.projects.set(all)
	e.store.SetQuotas(e.projects.quotas())
}

// Bind names the Slack team and bot that the engine works for, and opens the store. A
// new store belongs to them from then on; a store of another bot is refused with a
// [store.Fault]. It must be called before anything else.
func (e *Engine) Bind(ctx context.Context, team, bot string) error {
	return e.store.Bind(ctx, team, bot)
}

// Suspend stops the engine from sending anything to the cloud, for the cause given;
// the zero cause ends that. Everything else continues.
func (e *Engine) Suspend(cause approvals.Cause) {
	if cause == (approvals.Cause{}) {
		e.senders.suspended.Store(nil)
		return
	}
	e.senders.suspended.Store(&cause)
}

// grace is how long running steps may continue after a shutdown has begun.
const grace = 6 * time.Second

// Run claims and carries out work until ctx ends. Then it claims nothing more, lets
// running steps end (within 6 s, and 2 more to store their results), deregisters, and
// returns nil. It returns an error only if it cannot start. From then on it calls m.
func (e *Engine) Run(ctx context.Context, m Messenger) error {
	e.serve(m)
	if err := e.store.Join(ctx); err != nil {
		return unlessEnded(ctx, err)
	}
	// Steps outlive ctx by the grace, so they get a context of their own.
	work, endWork := context.WithCancelCause(context.WithoutCancel(ctx))
	defer endWork(nil)
	stopTimer := context.AfterFunc(ctx, func() {
		time.AfterFunc(grace, func() { endWork(errors.New("stopping")) })
	})
	defer stopTimer()

	// The first heartbeat comes before the first claim: a worker that claims must be
	// registered as live, and must know of a loss of the store. The last one comes
	// after the last step, so that no other worker takes an item that is still worked
	// on.
	if err := e.heartbeat(ctx); err != nil {
		return unlessEnded(ctx, err)
	}
	defer e.nowWorking()()
	beating, endHeartbeats := context.WithCancel(context.WithoutCancel(ctx))
	defer endHeartbeats()
	var wg sync.WaitGroup
	wg.Go(func() { e.heartbeats(beating) })
	wg.Go(func() { e.watchOutbox(beating) })
	e.claimLoop(ctx, work)
	endHeartbeats()
	wg.Wait()
	e.deregister(work)
	return nil
}

// unlessEnded is err, or nil if ctx has ended: an engine that is stopped while it
// starts has not failed.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// serve lets every part call m.
func (e *Engine) serve(m Messenger) {
	e.messenger, e.courier.messenger, e.homes.messenger, e.privates.messenger, e.steps.messenger = m, m, m, m, m
}

// deregister removes the worker from the list of live workers, so that items it still
// holds are requeued at once.
func (e *Engine) deregister(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := e.store.Deregister(ctx); err != nil {
		e.cfg.Log.WarnContext(ctx, "could not deregister this worker; leases that it still holds run out by themselves", "err", err)
	}
}

// claimLoop claims due items and runs a step for each, until ctx ends and the last
// step is over.
func (e *Engine) claimLoop(ctx, work context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	busy := lanes{limits: e.lanes()}
	down := false
	for ctx.Err() == nil {
		free := busy.free()
		if free.All <= 0 {
			e.wait(ctx, -1) // the end of a step wakes it
			continue
		}
		got, next, err := e.store.Claim(ctx, free)
		if ctx.Err() != nil && len(got) == 0 {
			return
		}
		if err != nil {
			if !down {
				e.cfg.Log.ErrorContext(ctx, "cannot claim work from Redis; retrying", "err", err)
			}
			down = true
			e.wait(ctx, 250*time.Millisecond)
			continue
		}
		if down {
			e.cfg.Log.InfoContext(ctx, "claiming work from Redis works again")
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

// wait waits until an item may be due: at most d, and never more than a quarter of a
// second, because another replica may make one due. A negative d is no limit.
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

// wake ends a wait of the claim loop.
func (e *Engine) wake() {
	select {
	case e.wakeups <- struct{}{}:
	default:
	}
}

// maxAttempts is how often an item may be claimed without being released before it is
// parked: something in it kills every worker that claims it.
const maxAttempts = 20

// step does one step of a leased item.
func (e *Engine) step(ctx context.Context, lease store.Lease) {
	began := time.Now()
	// A step ends well before its lease does.
	ctx, cancel := context.WithTimeoutCause(ctx, e.cfg.Lease*5/6, errors.New("step took too long"))
	defer cancel()
	if lease.Slow() {
		defer e.nextOf(ctx, lease)
	}
	kind, id := kindOf(lease.Item)
	if lease.Tries > maxAttempts {
		e.cfg.Log.ErrorContext(ctx, "item parked as a dead letter for an hour: every worker that claimed it died or panicked", "item", lease.Item, "claims", lease.Tries)
		e.cfg.Metrics.parked.Inc()
		e.park(ctx, lease, kind, id)
		return
	}
	err := e.work(ctx, lease, kind, id)
	e.cfg.Metrics.steps.WithLabelValues(string(kind), stepLabel(err)).Observe(time.Since(began).Seconds())
	switch {
	case err == nil:
	case errors.Is(err, store.ErrLost):
		e.cfg.Log.DebugContext(ctx, "lease was lost to another worker", "item", lease.Item)
	case errors.Is(err, errPanic):
		e.release(ctx, lease, e.cfg.RetryIn, true) // a panic counts as a crash
	case errors.Is(err, store.ErrConflict):
		// Another worker or a person changed the record meanwhile. Read it again.
		e.release(ctx, lease, 0, false)
	case errors.Is(err, store.ErrNotFound):
		e.cfg.Log.WarnContext(ctx, "item dropped: its record does not exist", "item", lease.Item, "err", err)
		e.release(ctx, lease, never, false)
	default:
		in := e.retryIn(lease, err)
		e.cfg.Log.WarnContext(ctx, "step failed; the item is requeued", "item", lease.Item, "in", in, "err", err)
		e.release(ctx, lease, in, false)
	}
}

// stepLabel is the outcome of a step as a metric's label.
func stepLabel(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, store.ErrLost), errors.Is(err, store.ErrConflict):
		return "again"
	}
	return "failed"
}

// errPanic is the error of a step that panicked.
var errPanic = errors.New("step panicked")

// park postpones an item (a dead letter) for an hour, and notifies the people who
// wait for it.
func (e *Engine) park(ctx context.Context, lease store.Lease, kind itemKind, id string) {
	ch := store.NewChange().FencedBy(lease).Release(time.Hour)
	if request, _, _ := strings.Cut(id, ":"); kind == kindBatch || kind == kindRequest {
		ch.Also(tell(e.keys, request, e.note(approvals.Note{
			ID: lease.Item + "/parked/" + lease.Fence, Topic: approvals.TopicTrouble,
		}.Because(approvals.CauseParked))))
	}
	if _, err := e.commit(ctx, ch); err != nil {
		e.cfg.Log.WarnContext(ctx, "could not park an item", "item", lease.Item, "err", err)
	}
}

// work does the step of an item's kind. It turns a panic into an error: one bad
// record must not stop the others.
func (e *Engine) work(ctx context.Context, lease store.Lease, kind itemKind, id string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			e.cfg.Log.ErrorContext(ctx, "step panicked", "item", lease.Item, "panic", p)
			err = fmt.Errorf("%w: %v", errPanic, p)
		}
	}()
	switch kind {
	case kindEnvelope:
		return e.stepEnvelope(ctx, lease, id)
	case kindRequest:
		return e.lifecycle.stepRequest(ctx, lease, id)
	case kindBatch:
		return e.senders.stepBatch(ctx, lease, id)
	case kindThread:
		return e.courier.stepThread(ctx, lease, id)
	case kindPrivate:
		return e.privates.stepPrivate(ctx, lease, id)
	case kindStep:
		return e.steps.stepStep(ctx, lease, id)
	case kindHomes:
		return e.homes.stepHomes(ctx, lease)
	case kindCards:
		return e.courier.stepCards(ctx, lease)
	case kindOldHome:
		return e.homes.adoptOldHome(ctx, lease, id)
	}
	return fmt.Errorf("item %q has no known kind: %w", lease.Item, store.ErrNotFound)
}
