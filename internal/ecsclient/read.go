package ecsclient

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"
)

const (
	maxTries  = 3
	firstWait = 200 * time.Millisecond
	// longWait is the longest Retry-After that read waits for; a longer one is left to
	// the caller.
	longWait = 2 * time.Second
)

// read sends a GET, up to three times if a retry makes sense. Each try waits for the
// limiter and gets a new signature.
func (c *Client) read(ctx context.Context, q call) error {
	q.method = http.MethodGet
	wait := firstWait
	for tries := 1; ; tries++ {
		leave, e := c.admit(ctx, q.op)
		if e != nil {
			return e
		}
		e = c.try(ctx, q, leave)
		if e == nil {
			return nil
		}
		pause := max(e.RetryAfter, wait+rand.N(wait/2))
		if tries == maxTries || !worthRepeating(e) || e.RetryAfter > longWait || !sleep(ctx, pause) {
			return e
		}
		wait *= 3
	}
}

func worthRepeating(e *Error) bool {
	return e.Verdict == Unclear || e.Verdict == Throttled || e.Verdict == NotAccepted
}

// sleep waits for d, and returns false if ctx ends before. If its deadline is earlier,
// sleep returns at once.
func sleep(ctx context.Context, d time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
