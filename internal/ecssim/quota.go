package ecssim

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// acceptance is a stop request that was let through.
type acceptance struct {
	at    time.Time
	count int // of servers
}

// admit books count servers to be stopped, or gives the gateway's refusal. The
// documentation allows 1,000 servers within a minute; here that holds for any
// minute, not just for those of the clock. c.mu is held.
func (c *Cloud) admit(count int, now time.Time) (refusal *answer) {
	used := 0
	for _, a := range c.accepted {
		if now.Sub(a.at) < c.opts.Window {
			used += a.count
		}
	}
	if used+count <= c.opts.Limit {
		c.accepted = append(c.accepted, acceptance{now, count})
		return nil
	}
	excess := used + count - c.opts.Limit
	wait := c.opts.Window
	for _, a := range c.accepted {
		if now.Sub(a.at) >= c.opts.Window {
			continue
		}
		excess -= a.count
		if excess <= 0 {
			wait = c.opts.Window - now.Sub(a.at)
			break
		}
	}
	return new(throttled(wait))
}

// throttled is what the gateway says to too many requests.
func throttled(wait time.Duration) answer {
	a := gatewayError(http.StatusTooManyRequests, "APIGW.0308",
		"The throttling threshold has been reached: policy user over ratelimit,limit:1000,time:1 minute")
	if wait > 0 {
		a.header = map[string]string{"Retry-After": strconv.Itoa(int(math.Ceil(wait.Seconds())))}
	}
	return a
}

// MaxInWindow is the largest number of servers accepted for stopping within any
// stretch of time shorter than d, over all that ever happened. It is what a
// caller must keep at or below the quota.
func (c *Cloud) MaxInWindow(d time.Duration) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	most, sum, from := 0, 0, 0
	for _, a := range c.accepted {
		sum += a.count
		for a.at.Sub(c.accepted[from].at) >= d {
			sum -= c.accepted[from].count
			from++
		}
		most = max(most, sum)
	}
	return most
}
