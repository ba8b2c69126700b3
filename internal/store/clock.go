package store

import (
	"context"
	"sync"
	"time"
)

// clockJump is how far Redis's clock may get ahead of the monotonic one within
// a window before it counts as a jump: permits would end too early. Two such
// errors, one before and one after a window's beginning, stay within the guard.
const clockJump = 250 * time.Millisecond

// clockReading is Redis's clock as one answer told it. It was read at some
// moment between the sending and the answer.
type clockReading struct {
	now       time.Time // of Redis, in whole milliseconds
	sent, got time.Time // by our clock, with its monotonic reading
}

// processStart is what monotonic times are counted from.
var processStart = time.Now()

// offset is within which bounds Redis's clock minus the monotonic one is.
func (r clockReading) offset() (least, most time.Duration) {
	now := time.Duration(r.now.UnixNano())
	return now - r.got.Sub(processStart), now - r.sent.Sub(processStart) + time.Millisecond
}

// redisClock follows how Redis's clock runs beside the monotonic clock of this
// process. Where both run on one machine the wall clocks are of no use for that:
// they jump together.
type redisClock struct {
	mu   sync.Mutex
	most time.Duration // upper bound of the offset that others are held against
	at   time.Time     // when that was read; zero: never
}

// ahead is by how much, at least, Redis's clock has got ahead of what is known.
// The time that the answer travelled cannot be mistaken for a jump.
func (c *redisClock) ahead(r clockReading) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at.IsZero() {
		return 0
	}
	least, _ := r.offset()
	return max(0, least-c.most)
}

// follow takes r for what later readings are held against: if it is nearer to the
// truth, shows a clock that was set back (the permits' own clock never goes
// back), or if what is known is older than window. Clocks drift; a jump of
// theirs was dealt with before.
func (c *redisClock) follow(r clockReading, window time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	least, most := r.offset()
	if c.at.IsZero() || most < c.most || least > c.most+clockJump || r.got.Sub(c.at) > window {
		c.most, c.at = most, r.got
	}
}

// followClock blocks the permits for a window if Redis's clock has jumped ahead:
// some may have ended too early. back is when the store found, the other way
// round, that its permits were of a clock that had been ahead.
func (s *Store) followClock(ctx context.Context, r clockReading, back int64) error {
	if by := s.clock.ahead(r); by > clockJump {
		s.cfg.Log.ErrorContext(ctx, "the clock of Redis jumped ahead; nothing is sent for one window", "by", by, "window", s.cfg.Window)
		if err := s.Block(ctx, s.cfg.Window); err != nil {
			return err // and notice it again
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
