package bot

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/jobs"
	"ecsbot/internal/store"
)

// keeper looks after Redis: whether it answers, lets the bot in, and keeps what
// is written to it.
type keeper struct {
	store     *store.Redis
	engine    *jobs.Engine
	volatile  bool // ALLOW_VOLATILE_REDIS
	sentinels bool // REDIS_URL names Sentinels
	log       *slog.Logger

	last   reminder               // used by one goroutine: that of wait and, after it, watch
	warned map[string]time.Time   // warning → when it was logged last; likewise
	waits  atomic.Pointer[string] // why the engine has not begun; nil: it is not known to wait
	unfit  atomic.Pointer[error]  // why Redis is not fit to keep requests
}

const (
	askAgain    = 500 * time.Millisecond // while the bot waits for Redis
	lookAgain   = 30 * time.Second       // while it works
	askPatience = 5 * time.Second        // for one question
)

// wait waits until Redis can be worked with. One that does not answer, does not
// let the bot in or is loading is waited for, so that it can be repaired
// meanwhile; one that would lose data is refused.
func (k *keeper) wait(ctx context.Context) error {
	for {
		err := k.ask(ctx)
		if err == nil {
			k.waits.Store(nil)
		}
		if err == nil || errors.As(err, new(refusedStore)) {
			return err
		}
		if ctx.Err() != nil {
			return nil
		}
		k.tell(ctx, err)
		if !pause(ctx, askAgain) {
			return nil
		}
	}
}

// ask asks whether Redis takes writes, and whether it keeps them.
func (k *keeper) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	if err := k.engine.Writable(ctx); err != nil && !k.unwritable(err) {
		return err
	}
	faults, err := k.store.Check(ctx)
	if err != nil {
		return err
	}
	return k.judge(ctx, faults)
}

// unwritable reports whether Redis lets the bot in and only takes no writes: of
// that, what it tells about itself says more.
func (k *keeper) unwritable(err error) bool {
	t, known := troubleOf(err, k.sentinels)
	_, answered := redisAnswer(err)
	return known && answered && !t.refused
}

// begin runs the engine. A Redis that goes away, or turns out to refuse what
// the engine has to do, before it has begun is waited for.
func (k *keeper) begin(ctx context.Context, run func(context.Context) error) error {
	var last reminder
	for {
		k.waits.Store(nil)
		err := run(ctx)
		if err == nil || ctx.Err() != nil {
			return nil
		}
		if f, ok := errors.AsType[store.Fault](err); ok && f.Foreign {
			return refusedStore{[]store.Fault{f}}
		}
		t, known := troubleOf(err, k.sentinels)
		if !known {
			return err
		}
		k.waits.Store(&t.cause)
		k.report(ctx, &last, t, err)
		if !pause(ctx, askAgain) {
			return nil
		}
	}
}

// watch looks at Redis until ctx ends. One that became unfit holds what would
// be sent to the cloud.
func (k *keeper) watch(ctx context.Context) error {
	for pause(ctx, lookAgain) {
		err := k.ask(ctx)
		switch {
		case err == nil || ctx.Err() != nil:
		case errors.As(err, new(refusedStore)):
			k.log.ErrorContext(ctx, "Redis is not fit to keep requests any more", "err", err)
		default:
			k.tell(ctx, err)
		}
	}
	return nil
}

// tell remembers why the bot waits, and logs it where that is due.
func (k *keeper) tell(ctx context.Context, err error) {
	t, _ := troubleOf(err, k.sentinels)
	var passing passingFault
	if errors.As(err, &passing) {
		t = trouble{cause: passing.What}
	}
	k.waits.Store(&t.cause)
	k.report(ctx, &k.last, t, err)
}

func (k *keeper) report(ctx context.Context, last *reminder, t trouble, err error) {
	if !last.due(t.cause, time.Now()) {
		return
	}
	level := slog.LevelWarn
	if t.refused {
		level = slog.LevelError
	}
	k.log.Log(ctx, level, "waiting for Redis", "cause", t.cause, "err", err)
}

// causes are why Redis keeps the bot from being ready, one line each. Before
// the engine works that is what the last attempt to begin met with.
func (k *keeper) causes(ctx context.Context) []string {
	var all []string
	switch waits := k.waits.Load(); {
	case k.engine.Working():
		if err := k.engine.Writable(ctx); err != nil {
			t, _ := troubleOf(err, k.sentinels)
			all = append(all, t.cause)
		}
	case waits != nil:
		all = append(all, *waits)
	default:
		all = append(all, "the bot has not begun yet")
	}
	if err := k.unfit.Load(); err != nil {
		all = append(all, (*err).Error())
	}
	return all
}

// refusedStore says that a Redis must not be used as it is.
type refusedStore struct{ faults []store.Fault }

func (r refusedStore) Error() string {
	lines := make([]string, len(r.faults))
	for i, f := range r.faults {
		lines[i] = "REDIS_URL: " + f.String()
	}
	return strings.Join(lines, "\n")
}

// passingFault is a fault that goes away by itself.
type passingFault struct{ store.Fault }

func (p passingFault) Error() string { return p.String() }

// judge decides whether a Redis with these faults may be used. A loading one
// is an error but not a refusal: that passes.
func (k *keeper) judge(ctx context.Context, faults []store.Fault) error {
	var refused []store.Fault
	for _, f := range faults {
		switch {
		case f.Warning:
			k.warn(ctx, f)
		case f.Passing:
			return passingFault{f}
		case f.Loss && k.volatile:
			k.log.WarnContext(ctx, "ALLOW_VOLATILE_REDIS: requests and the quota's log may be lost; use this for trials only", "fault", f.What)
		default:
			refused = append(refused, f)
		}
	}
	if len(refused) > 0 {
		err := error(refusedStore{refused})
		k.unfit.Store(&err)
		k.engine.Suspend(approvals.CauseStoreUnsafe)
		return err
	}
	k.unfit.Store(nil)
	k.engine.Suspend(approvals.Cause{})
	return nil
}

// warn logs a warning about Redis when it is new, and once an hour while it
// lasts: not at each check.
func (k *keeper) warn(ctx context.Context, f store.Fault) {
	if k.warned == nil {
		k.warned = map[string]time.Time{}
	}
	if time.Since(k.warned[f.Fix]) > time.Hour {
		k.warned[f.Fix] = time.Now()
		k.log.WarnContext(ctx, "Redis: "+f.What, "do", f.Fix)
	}
}

// pause waits; it reports whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
