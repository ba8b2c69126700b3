package ecssim

import "time"

// timer runs something later.
type timer struct {
	clock *time.Timer
	due   time.Time
	works bool // it is part of a power action, and goes with the cloud's speed
}

// after runs f later, under do. c.mu is held.
func (c *Cloud) after(d time.Duration, f func()) { c.later(d, false, f) }

// working runs f, under do, when a part of a power action that takes d at full
// length is done. c.mu is held.
func (c *Cloud) working(d time.Duration, f func()) {
	c.later(time.Duration(float64(d)/c.speed), true, f)
}

func (c *Cloud) later(d time.Duration, works bool, f func()) {
	if c.closed {
		return
	}
	t := &timer{due: time.Now().Add(d), works: works}
	t.clock = time.AfterFunc(d, func() {
		c.do(func() {
			if !c.closed {
				delete(c.timers, t)
				f()
			}
		})
	})
	c.timers[t] = true
}

// SetSpeed makes power actions x > 0 times as quick as at first, those under way
// included. Nothing else changes: the quota's minute stays a minute.
func (c *Cloud) SetSpeed(x float64) {
	c.do(func() {
		for t := range c.timers {
			if !t.works || !t.clock.Stop() { // not to be stopped: it runs right now
				continue
			}
			left := time.Duration(float64(time.Until(t.due)) * c.speed / x)
			t.due = time.Now().Add(left)
			t.clock.Reset(left)
		}
		c.speed = x
	})
}
