package jobs

import (
	"fmt"
	"testing"
	"time"
)

// A call nearly as large as the quota is not passed by small ones for ever:
// none passes it once it has waited at the head of the line for a window.
func TestSmallRequestsDoNotStarveALargeCall(t *testing.T) {
	t.Parallel()
	for _, size := range []int{95, 100} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			e := w.opened(func(c *Config) { c.Rate, c.BatchSize, c.Window, c.Guard = 100, size, time.Minute, 2*time.Second })
			try := func(request string, n, cost, rest int) bool {
				ch := newChange()
				ch.Permit = &permit{
					ID: fmt.Sprintf("%s/%d/1", request, n), Request: request, Cost: cost, Rest: rest, First: n == 0,
					Limit: e.Rate, Reserve: e.reserve(), Soon: e.soon().Milliseconds(), Run: e.Redis.RunID(),
					Window: e.window().Milliseconds(), Hold: e.window().Milliseconds(), Busy: 1000,
				}
				_, err := e.commit(t.Context(), ch)
				return err == nil
			}
			large, waiting := 0, 0
			for second := range 600 {
				if try("S-LARGE", large, size, 3*size-size*large) {
					if large++; large == 3 {
						return
					}
				}
				// A small request every 20 s, each asking until it has got its own.
				for waiting <= second/20 && try(fmt.Sprintf("S-SMALL%d", waiting), 0, 2, 2) {
					waiting++
				}
				w.shift(e.keys, 1000)
			}
			t.Errorf("in ten minutes the large request got %d of 3 calls, %d small ones got theirs", large, waiting)
		})
	}
}
