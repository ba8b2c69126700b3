package jobs

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Lanes keep what is slow from holding up what is urgent. Each has steps of its
// own: asks that wait for the cloud cannot take those of batches and decisions,
// and none of them can take the last ones, which are for what holds back.

// room counts steps: all of them, those for the usual lane, and those for the
// slow one. What holds back may take any that is free.
type room struct{ all, usual, slow int }

// mostSlow is how many slow items one replica works on at the same time.
const mostSlow = 8

// lanes divides the steps of this replica.
func (e *Engine) lanes() room {
	slow := max(1, min(mostSlow, e.MaxSteps/4))
	kept := e.MaxSteps / 8
	return room{all: e.MaxSteps, usual: max(1, e.MaxSteps-slow-kept), slow: slow}
}

// lanes counts the steps under way.
type lanes struct {
	most room

	mu   sync.Mutex
	used room // guarded by mu
}

func (l *lanes) free() room {
	l.mu.Lock()
	defer l.mu.Unlock()
	return room{l.most.all - l.used.all, l.most.usual - l.used.usual, l.most.slow - l.used.slow}
}

func (l *lanes) begin(c claim) { l.count(c, 1) }
func (l *lanes) end(c claim)   { l.count(c, -1) }

func (l *lanes) count(c claim, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.used.all += n
	switch {
	case c.slow():
		l.used.slow += n
	case !c.brake():
		l.used.usual += n
	}
}

const slowLane = "slow:"

func (c claim) slow() bool  { return strings.HasPrefix(c.lane, slowLane) }
func (c claim) brake() bool { return c.lane == "brake" }

// nextOf lets the next slow item of the same person be handed out. If it cannot
// be said, the lease of this one ends.
func (e *Engine) nextOf(ctx context.Context, c claim) {
	if !c.slow() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	at := e.now().Add(-50 * time.Millisecond) // our idea of Redis's time may be ahead
	person := redis.Z{Score: float64(at.UnixMilli()), Member: strings.TrimPrefix(c.lane, slowLane)}
	if err := e.rdb.ZAddXX(ctx, e.keys.slow(), person).Err(); err != nil {
		e.Log.WarnContext(ctx, "the next act of a person has to wait for a lease to end", "item", c.item, "err", err)
	}
}

// throttled is an error that says when it is of use to try again.
type throttled interface {
	error
	RetryAfter() time.Duration
}

// retryIn tells when a failed step is tried again. What holds back does not
// wait as long as it is asked to: Slack is not called before then
// anyway, and what is needed may become known in another way.
func (e *Engine) retryIn(c claim, err error) time.Duration {
	limit, ok := errors.AsType[throttled](err)
	if !ok || c.brake() {
		return e.RetryIn
	}
	// Not longer than until the person can be told that it was too late.
	return max(e.RetryIn, min(limit.RetryAfter(), stale))
}
