//go:build crashpoints

package bot

import (
	"os"
	"time"

	"ecsbot/internal/jobs"
)

// buildTune gives the engine shorter times if the environment asks for it.
func buildTune() Tune {
	if os.Getenv("ECSBOT_TEST_FAST") == "" {
		return nil
	}
	return func(c *jobs.Config) {
		fast(c)
		if gap, err := time.ParseDuration(os.Getenv("ECSBOT_TEST_POST_GAP")); err == nil {
			c.PostGap = gap
		}
		c.MaxJobAge, c.GiveUp = 8*time.Second, 15*time.Second // a story waits for its end
	}
}
