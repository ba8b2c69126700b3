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

// keeper checks Redis: whether it answers, accepts the bot, and keeps what is written
// to it.
type keeper struct {
	store     *store.Redis
	engine    *jobs.Engine
	volatile  bool // ALLOW_VOLATILE_REDIS
	sentinels bool // REDIS_URL names Sentinels
	log       *slog.Logger

	last   reminder               // used only by the goroutine of wait and then watch
	warned map[string]time.Time   // warning → when it was last logged; likewise
	waits  atomic.Pointer[string] // why the engine has not started; nil: unknown
	unfit  atomic.Pointer[error]  // why Redis is not safe for requests
}

const (
	askAgain    = 500 * time.Millisecond // while the bot waits for Redis
	checkAgain  = 30 * time.Second       // while it runs
	askPatience = 5 * time.Second        // for one check
)

// wait waits until Redis is usable. It waits for a Redis that does not answer, that
// refuses the bot or that is loading, so that it can be repaired meanwhile. A Redis
// that may lose data is an error.
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

// ask checks whether Redis takes writes, and whether it keeps them.
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

// unwritable reports whether Redis accepts the bot but takes no writes. Then its INFO
// says more about the reason.
func (k *keeper) unwritable(err error) bool {
	t, known := troubleOf(err, k.sentinels)
	_, answered := redisAnswer(err)
	return known && answered && !t.refused
}

// begin runs the engine. If Redis becomes unreachable, or refuses what the engine
// needs, before the engine has started, begin waits and tries again.
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

// watch checks Redis until ctx ends. A Redis that has become unsafe suspends all calls
// to the cloud.
func (k *keeper) watch(ctx context.Context) error {
	for pause(ctx, checkAgain) {
		err := k.ask(ctx)
		switch {
		case err == nil || ctx.Err() != nil:
		case errors.As(err, new(refusedStore)):
			k.log.ErrorContext(ctx, "Redis is not safe for requests any more; nothing is sent to the cloud", "err", err)
		default:
			k.tell(ctx, err)
		}
	}
	return nil
}

// tell remembers why the bot waits, and logs it if that is due.
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

// causes returns why the bot is not ready because of Redis, one line each. Before the
// engine has started that is the error of the last attempt.
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
		all = append(all, "the bot has not started yet")
	}
	if err := k.unfit.Load(); err != nil {
		all = append(all, (*err).Error())
	}
	return all
}

// refusedStore is the error of a Redis that must not be used as it is.
type refusedStore struct{ faults []store.Fault }

func (r refusedStore) Error() string {
	lines := make([]string, len(r.faults))
	for i, f := range r.faults {
		lines[i] = "REDIS_URL: " + f.String()
	}
	return strings.Join(lines, "\n")
}

// passingFault is a temporary fault.
type passingFault struct{ store.Fault }

func (p passingFault) Error() string { return p.String() }

// judge decides whether a Redis with these faults may be used, and suspends or resumes
// the engine's calls accordingly. A loading Redis is a temporary error, not a refusal.
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

// warn logs a warning about Redis when it is new, and once an hour while it lasts.
func (k *keeper) warn(ctx context.Context, f store.Fault) {
	if k.warned == nil {
		k.warned = map[string]time.Time{}
	}
	if time.Since(k.warned[f.Fix]) > time.Hour {
		k.warned[f.Fix] = time.Now()
		k.log.WarnContext(ctx, "Redis: "+f.What, "do", f.Fix)
	}
}

// pause waits for d, and returns false if ctx ends before.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
