package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/ecsclient"
	"ecsbot/internal/inventory"
	"ecsbot/internal/store"
)

// Messenger is what people see of the bot. The engine calls it to have things said
// and acts on what people sent; it never learns how that looks in Slack.
type Messenger interface {
	// Handle acts on something a person sent. It may be called again for the
	// same envelope when a process died meanwhile, so what it asks of the
	// engine must carry the envelope's id. An error means: try again later.
	Handle(ctx context.Context, env approvals.Envelope) error
	// TellTooLate tells a person privately that what they did was reached too late and
	// is not acted on. It tries once.
	TellTooLate(ctx context.Context, env approvals.Envelope)
	// Post says m: as the first message in the request's channel if the
	// request has no thread yet, else in its thread. It tries once.
	Post(ctx context.Context, m approvals.Message) approvals.Delivery
	// UpdateCard makes the request's first message show the request as it is, and what
	// the freeze means for it.
	UpdateCard(ctx context.Context, r approvals.Request, f approvals.Freeze) approvals.Delivery
	// FindPost finds a message by the id it carries, among those posted since. An
	// error may be a *approvals.LookError.
	FindPost(ctx context.Context, r approvals.Request, id string, since time.Time) (ts string, found bool, err error)
	// TellPrivately tells a person privately what could not be said in the channel: that
	// the request is withdrawn since its card could not be posted, or how it
	// ended, say. It tries once; an error means that nobody was told.
	TellPrivately(ctx context.Context, user string, m approvals.Message) error
	// PublishHome makes a person's Home show what there is for them now. Drawing it
	// twice does no harm.
	PublishHome(ctx context.Context, user string) approvals.Delivery
}

// Config says how an engine works. Zero values get the defaults given.
type Config struct {
	ProjectID string // names the keys in Redis; the cloud's project id
	Project   string // the name people use for it
	Redis     *store.Redis
	Cloud     *ecsclient.Client
	Policy    approvals.Policy
	Log       *slog.Logger
	Metrics   *Metrics // must be set

	Rate      int           // most servers sent in any Window; default 1000
	BatchSize int           // servers in one call; default 100, at most 1000
	Anchor    string        // AnchorSubmit (default) or AnchorFinish
	Window    time.Duration // of the cloud's quota; default 60 s, other values for tests
	Guard     time.Duration // added to the window for clock error; default 1 s
	Confirm   int           // replicas that must have an intent before its call; default [store.ConfirmAuto]

	// TrustEmpty takes an empty store for one from which nothing was ever sent.
	// Nobody can know that of a real one: its volume may be lost, so permits are
	// blocked for a window, once. The demo and tests make their stores themselves.
	TrustEmpty bool

	Quarantine     time.Duration   // after an unclear call; default 180 s
	PostQuarantine time.Duration   // after an unclear post; default 25 s
	JobDeadline    time.Duration   // after it a job is called overdue; default 35 min
	MaxJobAge      time.Duration   // after it the servers decide; default 2 h
	GiveUp         time.Duration   // after it a server that still is on its way counts as not known; default 3 MaxJobAge
	Polls          []time.Duration // pauses between looks at a job; the last one repeats

	Lease     time.Duration // of a claim; default 30 s
	Heartbeat time.Duration // sign of life; default 1 s. A worker is dead after three
	RetryIn   time.Duration // after a step failed; default 3 s
	Redraw    time.Duration // least time between two progress pictures; default 3 s
	PostGap   time.Duration // least time between two posts in a channel; default 1 s
	DrawGap   time.Duration // pace at which one replica draws cards; default 1.5 s
	HomeGap   time.Duration // least time between two pictures of one person's Home; default 5 s
	// What Slack refuses for a reason that nobody knows is tried at this pace,
	// and given up after that time; default 30 s and 1 h.
	RejectedRetry, RejectedGiveUp time.Duration

	RemindGap time.Duration // least time between two reminders of one request; default 5 min
	MaxSteps  int           // steps at the same time; default 32

	AuditKeep int // entries that the audit log keeps; default 1,000,000, about 200 MB
}

// When the 60 seconds of a permit begin.
const (
	AnchorSubmit = "submit" // with the answer to the call
	AnchorFinish = "finish" // with the end of the job
)

func (c Config) withDefaults() Config {
	c.Rate = cmp.Or(c.Rate, 1000)
	c.BatchSize = cmp.Or(c.BatchSize, 100)
	c.Anchor = cmp.Or(c.Anchor, AnchorSubmit)
	c.Window = cmp.Or(c.Window, time.Minute)
	c.Guard = cmp.Or(c.Guard, time.Second)
	c.Quarantine = cmp.Or(c.Quarantine, 180*time.Second)
	c.PostQuarantine = cmp.Or(c.PostQuarantine, 25*time.Second)
	c.JobDeadline = cmp.Or(c.JobDeadline, 35*time.Minute)
	c.MaxJobAge = cmp.Or(c.MaxJobAge, 2*time.Hour)
	c.GiveUp = cmp.Or(c.GiveUp, 3*c.MaxJobAge)
	if len(c.Polls) == 0 {
		c.Polls = []time.Duration{3 * time.Second, 5 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second}
	}
	c.Lease = cmp.Or(c.Lease, 30*time.Second)
	c.Heartbeat = cmp.Or(c.Heartbeat, time.Second)
	c.RetryIn = cmp.Or(c.RetryIn, 3*time.Second)
	c.Redraw = cmp.Or(c.Redraw, 3*time.Second)
	c.PostGap = cmp.Or(c.PostGap, time.Second)
	c.DrawGap = cmp.Or(c.DrawGap, 1500*time.Millisecond)
	c.RejectedRetry = cmp.Or(c.RejectedRetry, 30*time.Second)
	c.RejectedGiveUp = cmp.Or(c.RejectedGiveUp, time.Hour)
	c.HomeGap = cmp.Or(c.HomeGap, 5*time.Second)
	c.RemindGap = cmp.Or(c.RemindGap, 5*time.Minute)
	c.MaxSteps = cmp.Or(c.MaxSteps, 32)
	c.AuditKeep = cmp.Or(c.AuditKeep, 1_000_000)
	return c
}

// reserve is the room that a request too large for one window leaves to the
// first batch of a small one. A full batch fits beside it.
func (c Config) reserve() int { return min(c.BatchSize, c.Rate/10, c.Rate-c.BatchSize) }

// soon is how long a small request may have to wait for that room.
func (c Config) soon() time.Duration { return min(4*time.Second, c.Window/15) }

// window is how long a permit counts: the cloud's window and the guard.
func (c Config) window() time.Duration { return c.Window + c.Guard }

// Engine carries out one project's requests. Any number of engines, in one
// process or many, may share a store. Its methods may be called at any time.
type Engine struct {
	Config
	store     *store.Store
	inventory *inventory.Inventory
	keys      keys
	face      Messenger

	wakeups   chan struct{}                   // holds one when something may have become due
	pauseTold time.Time                       // the loss of which the threads were told; only beats use it
	suspended atomic.Pointer[approvals.Cause] // why nothing may be sent; nil: it may
	working   atomic.Bool                     // between Run's first beat and its last step
	started   chan struct{}                   // closed when Run has worked for the first time

	mu    sync.Mutex
	paces map[string]*pacer // of posts, by channel, and of drawings; guarded by mu
	// Homes that could not be drawn, and before when they are not tried again;
	// guarded by mu.
	failedHomes map[string]time.Time
}

// New makes an engine. It does nothing until [Engine.Run], but requests may be
// made and decided with it. [Engine.Close] ends what it reads in the background.
func New(c Config) *Engine {
	c = c.withDefaults()
	e := &Engine{
		Config:    c,
		keys:      keysOf(c.ProjectID),
		inventory: inventory.New(c.Cloud, c.Policy.Protection, c.Log),
		wakeups:   make(chan struct{}, 1),
		started:   make(chan struct{}),
		paces:     map[string]*pacer{},

		failedHomes: map[string]time.Time{},
	}
	e.store = store.New(store.Config{
		Project: c.ProjectID, Redis: c.Redis, Log: c.Log, Wake: e.wake,
		Window: c.window(), Lease: c.Lease, Beat: c.Heartbeat, Confirm: c.Confirm, AuditKeep: c.AuditKeep, TrustEmpty: c.TrustEmpty,
	})
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
		e.suspended.Store(nil)
		return
	}
	e.suspended.Store(&why)
}

// grace is how long steps under way may go on after a stop.
const grace = 6 * time.Second

// Run works until ctx ends. Then it takes nothing new, lets steps under way
// end (at most 6 s, and 2 more to write down what they learned), gives back what it holds, and returns nil. It returns an
// error only if it cannot begin.
func (e *Engine) Run(ctx context.Context, face Messenger) error {
	e.face = face
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

	// The first beat comes before the first claim: whoever claims must be known
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

// signOff takes the worker off the list of the living, so that whatever it still
// holds is taken up at once.
func (e *Engine) signOff(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := e.store.SignOff(ctx); err != nil {
		e.Log.WarnContext(ctx, "could not sign off; the lease will end", "err", err)
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
				e.Log.ErrorContext(ctx, "cannot claim work; trying again", "err", err)
			}
			down = true
			e.wait(ctx, 250*time.Millisecond)
			continue
		}
		if down {
			e.Log.InfoContext(ctx, "claiming work again")
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
// before it is put aside: something in it kills whoever works on it.
const maxAttempts = 20

// step does one step of one item.
func (e *Engine) step(ctx context.Context, c store.Lease) {
	began := time.Now()
	// A step ends well before its lease does.
	ctx, cancel := context.WithTimeoutCause(ctx, e.Lease*5/6, errors.New("step took too long"))
	defer cancel()
	if c.Slow() {
		defer e.nextOf(ctx, c)
	}
	kind, id, _ := strings.Cut(c.Item, ":")
	if c.Tries > maxAttempts {
		e.Log.ErrorContext(ctx, "item put aside: it was claimed again and again and never given back", "item", c.Item, "claims", c.Tries)
		e.Metrics.parked.Inc()
		e.park(ctx, c, kind, id)
		return
	}
	err := e.work(ctx, c, kind, id)
	e.Metrics.steps.WithLabelValues(kind, outcome(err)).Observe(time.Since(began).Seconds())
	switch {
	case err == nil:
	case errors.Is(err, store.ErrLost):
		e.Log.DebugContext(ctx, "claim was lost", "item", c.Item)
	case errors.Is(err, errPanic):
		e.release(ctx, c, e.RetryIn, true) // it counts as a crash
	case errors.Is(err, store.ErrConflict):
		// Somebody moved the record meanwhile. Look at it anew.
		e.release(ctx, c, 0, false)
	case errors.Is(err, store.ErrNotFound):
		e.Log.WarnContext(ctx, "item without record dropped", "item", c.Item, "err", err)
		e.release(ctx, c, never, false)
	default:
		in := e.retryIn(c, err)
		e.Log.WarnContext(ctx, "step failed; trying again", "item", c.Item, "in", in, "err", err)
		e.release(ctx, c, in, false)
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
func (e *Engine) park(ctx context.Context, c store.Lease, kind, id string) {
	ch := store.NewChange().FencedBy(c).Release(time.Hour)
	if request, _, _ := strings.Cut(id, ":"); kind == "b" || kind == "r" {
		ch.Also(tell(e.keys, request, e.note(approvals.Note{
			ID: c.Item + "/aside/" + c.Fence, Topic: approvals.TopicTrouble,
		}.Because(approvals.CauseParked))))
	}
	if _, err := e.commit(ctx, ch); err != nil {
		e.Log.WarnContext(ctx, "could not put an item aside", "item", c.Item, "err", err)
	}
}

// work turns a panic into an error: one odd record must not stop the others.
func (e *Engine) work(ctx context.Context, c store.Lease, kind, id string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			e.Log.ErrorContext(ctx, "step panicked", "item", c.Item, "panic", p)
			err = fmt.Errorf("%w: %v", errPanic, p)
		}
	}()
	switch kind {
	case "i":
		return e.stepEnvelope(ctx, c, id)
	case "r":
		return e.stepRequest(ctx, c, id)
	case "b":
		return e.stepBatch(ctx, c, id)
	case "t":
		return e.stepThread(ctx, c, id)
	case "p":
		return e.stepPrivate(ctx, c, id)
	case homesItem:
		return e.stepHomes(ctx, c)
	case cardsItem:
		return e.stepCards(ctx, c)
	case "h": // made by an older replica
		return e.adoptOldHome(ctx, c, id)
	}
	return fmt.Errorf("item %q of no known kind: %w", c.Item, store.ErrNotFound)
}

// release gives an item back without a change. The step's own context may have
// ended; giving back has its own time.
func (e *Engine) release(ctx context.Context, c store.Lease, in time.Duration, keepTries bool) {
	// Tried again while Redis is away: else the item would wait for its lease.
	ctx, cancel := e.persistContext(ctx, c)
	defer cancel()
	if err := e.store.Release(ctx, c, in, keepTries); err != nil {
		e.Log.WarnContext(ctx, "could not give an item back; its lease will end", "item", c.Item, "err", err)
	}
}
