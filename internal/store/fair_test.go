package store

import (
	"fmt"
	"testing"
	"time"
)

// A call nearly as large as the quota is not passed by small ones without end:
// none passes it once it has waited at the head of the line for a window.
func TestSmallRequestsDoNotStarveALargeCall(t *testing.T) {
	t.Parallel()
	for _, size := range []int{95, 100} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			s := w.opened(func(c *Config) { c.Window = 62 * time.Second })
			try := func(request string, n, cost, rest int) bool {
				ch := NewChange()
				ch.move.Permit = &permit{
					ID: fmt.Sprintf("%s/%d/1", request, n), Request: request, Cost: cost, Rest: rest, First: n == 0,
					Limit: 100, Reserve: min(10, 100-size), Soon: 4000, Run: s.redis.RunID(),
					Window: s.cfg.Window.Milliseconds(), TTL: s.cfg.Window.Milliseconds(), Busy: 1000,
				}
				_, err := s.Commit(t.Context(), ch)
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
				w.shift(s.keys, 1000)
			}
			t.Errorf("in ten minutes the large request got %d of 3 calls, %d small ones got theirs", large, waiting)
		})
	}
}
