package store

import (
	"context"
	"sync"
	"time"
)

// clockJump is how far Redis's clock may get ahead of the monotonic one within a
// window before it counts as a jump, which would end permits too early. Two such
// errors, one before and one after the start of a window, stay within the guard.
const clockJump = 250 * time.Millisecond

// clockReading is Redis's clock as one answer gave it. It was read at some moment
// between the command and the answer.
type clockReading struct {
	now       time.Time // of Redis, in whole milliseconds
	sent, got time.Time // by our clock, with its monotonic reading
}

// processStart is the origin of monotonic times.
var processStart = time.Now()

// offset returns the bounds of Redis's clock minus the monotonic one.
func (r clockReading) offset() (least, most time.Duration) {
	now := time.Duration(r.now.UnixNano())
	return now - r.got.Sub(processStart), now - r.sent.Sub(processStart) + time.Millisecond
}

// redisClock compares Redis's clock with the monotonic clock of this process. The
// wall clock cannot be used: on one machine it jumps together with that of Redis.
type redisClock struct {
	mu   sync.Mutex
	most time.Duration // upper bound of the offset, which later readings are compared with
	at   time.Time     // when that was read; zero: never
}

// ahead is by how much, at least, Redis's clock is ahead of what was known. Network
// delay cannot be mistaken for a jump.
func (c *redisClock) ahead(r clockReading) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at.IsZero() {
		return 0
	}
	least, _ := r.offset()
	return max(0, least-c.most)
}

// follow makes r the reading that later ones are compared with, if it is more exact,
// if it shows a clock that was set back (the permits' own clock never goes back), or
// if the known one is older than window: clocks drift, and a jump was handled
// before.
func (c *redisClock) follow(r clockReading, window time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	least, most := r.offset()
	if c.at.IsZero() || most < c.most || least > c.most+clockJump || r.got.Sub(c.at) > window {
		c.most, c.at = most, r.got
	}
}

// followClock blocks the permits for a window if Redis's clock has jumped ahead,
// because some permits may have ended too early. back is when the store found the
// opposite: its permits had been granted by a clock that was ahead.
func (s *Store) followClock(ctx context.Context, r clockReading, back int64) error {
	if by := s.clock.ahead(r); by > clockJump {
		s.cfg.Log.ErrorContext(ctx, "the clock of Redis jumped ahead; nothing is sent for one window", "by", by, "window", s.cfg.Window)
		if err := s.Block(ctx, s.cfg.Window); err != nil {
			return err // the next heartbeat finds the jump again
		}
	}
	s.clock.follow(r, s.cfg.Window)
	if back > s.back {
		if r.now.UnixMilli()-back < s.cfg.Window.Milliseconds() {
			s.cfg.Log.ErrorContext(ctx, "the clock of Redis had been ahead by more than a window; nothing is sent for one window", "window", s.cfg.Window)
		}
		s.back = back
	}
	return nil
}
