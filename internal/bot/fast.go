package bot

import (
	"time"

	"ecsbot/internal/jobs"
)

// fast gives an engine times that are about twenty times shorter. Only tests use it: in
// their own process, and in builds with the tag crashpoints.
func fast(c *jobs.Config) {
	c.Polls = []time.Duration{100 * time.Millisecond, 200 * time.Millisecond}
	c.PollGap = time.Millisecond
	c.RetryIn = 150 * time.Millisecond
	c.Redraw = 100 * time.Millisecond
	c.PostGap, c.DrawGap = time.Millisecond, time.Millisecond
	c.RejectedRetry = time.Second
	c.Gather = 100 * time.Millisecond
	c.HomeGap = 200 * time.Millisecond
	c.Quarantine, c.PostQuarantine = 2*time.Second, 2*time.Second
	c.Heartbeat = 200 * time.Millisecond
	c.Window, c.Guard = 3*time.Second, 100*time.Millisecond
	c.TrustEmpty = true
}
