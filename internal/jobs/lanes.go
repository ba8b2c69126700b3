package jobs

import (
	"context"
	"errors"
	"sync"
	"time"

	"ecsbot/internal/store"
)

// Lanes keep slow items from holding up urgent ones. Each lane has a limit of its own
// for steps at the same time: asks that wait for the cloud cannot use those of
// batches and decisions, and the last ones are reserved for items that stop
// something.
//
// The counts are not semaphores: [store.Store.Claim] needs all three free counts at
// once, before it is known which items come back.

// maxSlow is how many slow items one replica works on at the same time.
const maxSlow = 8

// lanes are the limits of this replica.
func (e *Engine) lanes() store.Lanes {
	slow := max(1, min(maxSlow, e.cfg.MaxSteps/4))
	reserved := e.cfg.MaxSteps / 8 // for the brake lane
	return store.Lanes{All: e.cfg.MaxSteps, Usual: max(1, e.cfg.MaxSteps-slow-reserved), Slow: slow}
}

// lanes counts running steps.
type lanes struct {
	limits store.Lanes

	mu   sync.Mutex
	used store.Lanes // guarded by mu
}

func (l *lanes) free() store.Lanes {
	l.mu.Lock()
	defer l.mu.Unlock()
	return store.Lanes{All: l.limits.All - l.used.All, Usual: l.limits.Usual - l.used.Usual, Slow: l.limits.Slow - l.used.Slow}
}

func (l *lanes) begin(lease store.Lease) { l.count(lease, 1) }

func (l *lanes) end(lease store.Lease) { l.count(lease, -1) }

func (l *lanes) count(lease store.Lease, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.used.All += n
	switch {
	case lease.Slow():
		l.used.Slow += n
	case !lease.Brake():
		l.used.Usual += n
	}
}

// nextOf lets the person's next slow item be claimed. If that fails, it waits until
// this lease ends.
func (e *Engine) nextOf(ctx context.Context, lease store.Lease) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := e.store.NextSlow(ctx, lease); err != nil {
		e.cfg.Log.WarnContext(ctx, "the next slow item of a person has to wait until a lease ends", "item", lease.Item, "err", err)
	}
}

// retryIn is when a failed step is retried: after the Retry-After of a rate limit,
// else after the usual time. Items of the brake lane do not wait for Retry-After:
// Slack is not called before then anyway, and what they need may become known in
// another way.
func (e *Engine) retryIn(lease store.Lease, err error) time.Duration {
	limit, ok := errors.AsType[throttled](err)
	if !ok || lease.Brake() {
		return e.cfg.RetryIn
	}
	// Not longer than until the person learns that it was too late.
	return max(e.cfg.RetryIn, min(limit.RetryAfter(), maxEnvelopeAge))
}
