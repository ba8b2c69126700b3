package ecsclient

import (
	"context"
	"sync"
	"time"
)

const (
	// maxFailures is how many authentication failures in a row a client causes at
	// most. The gateway locks a key after more than five ("Common errors
	// related to IAM authentication information"); two replicas with the same key
	// stay below that together.
	maxFailures = 2
	// lockPause is as long as the gateway's own lock.
	lockPause = 5 * time.Minute
)

// lockout prevents too many calls with keys that the cloud refuses. While it is unknown
// whether the keys are accepted (at first, and after a refusal) one call at a time
// probes, and after maxFailures refusals in a row there is a pause. Time is an
// argument. The zero value does not know yet.
//
// The gateway counts and locks by access key. So another access key begins without
// refusals, and another secret key for the same access key does not.
//
// It cannot stop calls that are under way when accepted keys become invalid.
type lockout struct {
	mu       sync.Mutex
	key      string        // the access key that all of this is about
	good     bool          // the newest call that shows it was accepted
	failures int           // in a row
	until    time.Time     // nothing is sent before
	probe    chan struct{} // closed when the probing call ends; nil: none is under way
	epoch    int           // counts refusals
}

// entry is permission for one call.
type entry struct {
	epoch int // refusals known when the call began
	keys  Credentials
	leave func()
}

// use begins without refusals if keys have another access key. l.mu is held.
func (l *lockout) use(keys Credentials) {
	if keys.AccessKey == l.key {
		return
	}
	// The epoch continues, so that calls with the old key count no more.
	l.key, l.good, l.failures, l.until, l.probe = keys.AccessKey, false, 0, time.Time{}, nil
	l.epoch++
}

// enter asks for permission. A positive pause is how long nothing may be sent. If
// another call probes, busy is closed when that one is over.
func (l *lockout) enter(now time.Time, keys Credentials) (e entry, pause time.Duration, busy <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.use(keys)
	pause, busy = l.closed(now)
	if pause > 0 || busy != nil {
		return entry{}, pause, busy
	}
	if l.good {
		return entry{l.epoch, keys, func() {}}, 0, nil
	}
	probe := make(chan struct{})
	l.probe = probe
	return entry{l.epoch, keys, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.probe == probe {
			l.probe = nil
		}
		close(probe)
	}}, 0, nil
}

// closed returns what prevents a call now. l.mu is held.
func (l *lockout) closed(now time.Time) (pause time.Duration, busy <-chan struct{}) {
	switch {
	case l.good:
		return 0, nil
	case l.probe != nil:
		return 0, l.probe
	case l.failures >= maxFailures:
		return max(0, l.until.Sub(now)), nil
	}
	return 0, nil
}

// wait waits until no call probes, and returns the pause that then prevents calls.
func (l *lockout) wait(ctx context.Context, keys Credentials) (pause time.Duration, err error) {
	for {
		l.mu.Lock()
		l.use(keys)
		pause, busy := l.closed(time.Now())
		l.mu.Unlock()
		if busy == nil {
			return pause, nil
		}
		select {
		case <-busy:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// failed notes that the keys of a call were refused.
func (l *lockout) failed(now time.Time, e entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.keys.AccessKey != l.key {
		return
	}
	l.good = false
	l.epoch++
	l.failures++
	if l.failures >= maxFailures {
		l.until = now.Add(lockPause)
	}
}

// passed notes that the keys of a call were accepted, whatever else the answer
// said. A call that began before the last refusal does not count.
func (l *lockout) passed(e entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.epoch == l.epoch {
		l.good, l.failures, l.until = true, 0, time.Time{}
	}
}
