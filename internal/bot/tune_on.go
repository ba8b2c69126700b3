//go:build crashpoints

package bot

import (
	"os"
	"time"

	"ecsbot/internal/jobs"
)

// buildTune makes the engine work on a clock some twenty times quicker if the
// environment asks for it.
func buildTune() Tune {
	if os.Getenv("ECSBOT_TEST_FAST") == "" {
		return nil
	}
	return func(c *jobs.Config) {
		c.Polls = []time.Duration{100 * time.Millisecond, 200 * time.Millisecond}
		c.RetryIn = 150 * time.Millisecond
		c.Redraw = 100 * time.Millisecond
		c.PostGap, c.DrawGap = time.Millisecond, time.Millisecond
		c.HomeGap = 200 * time.Millisecond
		c.Quarantine, c.UnsureWait = 2*time.Second, 2*time.Second
		c.MaxJobAge, c.GiveUp = 8*time.Second, 15*time.Second
		c.Beat = 200 * time.Millisecond
		c.Window, c.Guard = 3*time.Second, 100*time.Millisecond
		c.TrustEmpty = true
	}
}
