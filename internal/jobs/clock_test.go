package jobs

import (
	"testing"
	"time"

	"ecsbot/internal/approvals"
)

func TestNoCallIsMadeOnAPermitOfAClockThatJumped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url, ahead := w.wrongClock()
	e := w.engineAt(url, func(c *Config) { c.Heartbeat = time.Hour }) // no beat sees it first
	w.open(e)
	ids := w.fleet(1)
	w.approved(e, "op", ids...)
	w.beat(e)
	ahead.Store(1000)
	w.run(e, newMessenger())
	// The first beat of Run deals with it, so it jumps again.
	w.within(5*time.Second, "a beat", func() bool { return w.blocked(e) })
	ahead.Store(2000)
	w.shift(w.keys, e.cfg.window().Milliseconds())
	w.within(10*time.Second, "the batch waits", func() bool { return w.troubled(e, approvals.CauseClockJumped) })
	if n := len(w.stops()); n != 0 {
		t.Errorf("%d calls were made", n)
	}
	if !w.blocked(e) {
		t.Error("other permits are granted on")
	}
}
