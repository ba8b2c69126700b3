package jobs

import (
	"context"
	"errors"
	"sync"
	"time"

	"ecsbot/internal/store"
)

// Lanes keep what is slow from holding up what is urgent. Each has steps of its
// own: asks that wait for the cloud cannot take those of batches and decisions,
// and none of them can take the last ones, which are for what holds back.
// mostSlow is how many slow items one replica works on at the same time.
const mostSlow = 8

// lanes divides the steps of this replica.
func (e *Engine) lanes() store.Lanes {
	slow := max(1, min(mostSlow, e.cfg.MaxSteps/4))
	kept := e.cfg.MaxSteps / 8
	return store.Lanes{All: e.cfg.MaxSteps, Usual: max(1, e.cfg.MaxSteps-slow-kept), Slow: slow}
}

// lanes counts the steps under way.
type lanes struct {
	most store.Lanes

	mu   sync.Mutex
	used store.Lanes // guarded by mu
}

func (l *lanes) free() store.Lanes {
	l.mu.Lock()
	defer l.mu.Unlock()
	return store.Lanes{All: l.most.All - l.used.All, Usual: l.most.Usual - l.used.Usual, Slow: l.most.Slow - l.used.Slow}
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

// nextOf lets the next slow item of the same person be handed out. If it cannot
// be said, the lease of this one ends.
func (e *Engine) nextOf(ctx context.Context, lease store.Lease) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := e.store.NextSlow(ctx, lease); err != nil {
		e.cfg.Log.WarnContext(ctx, "the next act of a person has to wait for a lease to end", "item", lease.Item, "err", err)
	}
}

// retryIn tells when a failed step is tried again. What holds back does not
// wait as long as it is asked to: Slack is not called before then
// anyway, and what is needed may become known in another way.
func (e *Engine) retryIn(lease store.Lease, err error) time.Duration {
	limit, ok := errors.AsType[throttled](err)
	if !ok || lease.Brake() {
		return e.cfg.RetryIn
	}
	// Not longer than until the person can be told that it was too late.
	return max(e.cfg.RetryIn, min(limit.RetryAfter(), maxEnvelopeAge))
}
