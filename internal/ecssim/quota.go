package ecssim

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// acceptance is a request to stop or to start that was let through.
type acceptance struct {
	op    string
	at    time.Time
	count int // of servers
}

// admit books count servers to be stopped or started, or gives the gateway's
// refusal. The documentation allows 1,000 servers of either within a minute; here
// that holds for any minute, not just for those of the clock. c.mu is held.
func (c *Cloud) admit(op string, count int, now time.Time) (refusal *answer) {
	used := 0
	for _, a := range c.accepted {
		if a.op == op && now.Sub(a.at) < c.opts.Window {
			used += a.count
		}
	}
	if used+count <= c.opts.Limit {
		c.accepted = append(c.accepted, acceptance{op, now, count})
		return nil
	}
	excess := used + count - c.opts.Limit
	wait := c.opts.Window
	for _, a := range c.accepted {
		if a.op != op || now.Sub(a.at) >= c.opts.Window {
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
func (c *Cloud) MaxInWindow(d time.Duration) int { return c.maxInWindow("stop", d) }

// MaxStartsInWindow is MaxInWindow for starting.
func (c *Cloud) MaxStartsInWindow(d time.Duration) int { return c.maxInWindow("start", d) }

func (c *Cloud) maxInWindow(op string, d time.Duration) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	var mine []acceptance
	for _, a := range c.accepted {
		if a.op == op {
			mine = append(mine, a)
		}
	}
	most, sum, from := 0, 0, 0
	for _, a := range mine {
		sum += a.count
		for a.at.Sub(mine[from].at) >= d {
			sum -= mine[from].count
			from++
		}
		most = max(most, sum)
	}
	return most
}
