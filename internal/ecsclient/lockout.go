package ecsclient

import (
	"sync"
	"time"
)

const (
	// maxFailures is how many authentication failures in a row we allow
	// ourselves. The gateway locks a key after more than five ("Common errors
	// related to IAM authentication information"); a second replica with the
	// same key shall fit below that, too.
	maxFailures = 3
	// lockPause is as long as the gateway's own lock.
	lockPause = 5 * time.Minute
	// probePause keeps all others back while one call finds out whether the
	// keys are accepted again.
	probePause = 30 * time.Second
)

// lockout keeps us from hammering the cloud with keys that it refuses. Time is
// passed in. The zero value is open.
type lockout struct {
	mu       sync.Mutex
	failures int       // in a row
	until    time.Time // nothing is sent before
}

// closed returns how long nothing may be sent; 0 means go ahead. When a pause
// is over, one caller is let through to try.
func (l *lockout) closed(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failures < maxFailures {
		return 0
	}
	if wait := l.until.Sub(now); wait > 0 {
		return wait
	}
	l.until = now.Add(probePause)
	return 0
}

// failed notes that the keys were refused.
func (l *lockout) failed(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failures++
	if l.failures >= maxFailures {
		l.until = now.Add(lockPause)
	}
}

// passed notes that the keys were accepted, whatever else the answer said.
func (l *lockout) passed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failures, l.until = 0, time.Time{}
}
