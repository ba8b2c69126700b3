package inventory

import (
	"context"
	"errors"
	"sync"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/ecsclient"
)

// fleet is the list of all servers. It is read once for all who need it at the
// same time, and kept for some seconds: a person who types a name asks for it
// with every letter.
//
// A reading goes on when the caller who began it gives up, so that the next
// letter finds the list. The fleet owns it: it ends after fleetWithin at the
// latest, and close ends it and waits for it.
type fleet struct {
	cloud *ecsclient.Client

	mu      sync.Mutex // guards all below
	servers []approvals.Server
	at      time.Time          // when the reading that gave servers began
	reading chan struct{}      // closed when the current reading ends; nil if there is none
	began   time.Time          // when the current reading began, else the last one
	err     error              // of the last reading
	cancel  context.CancelFunc // ends the current reading
	closed  bool               // no reading begins any more

	readings sync.WaitGroup // the goroutine of the current reading
}

const (
	fleetLife   = 20 * time.Second // how long the list is kept
	fleetWithin = 30 * time.Second // how long one reading may take
)

// errClosed says that the fleet is not read any more.
var errClosed = errors.New("the inventory is closed")

// recent returns the list, at most fleetLife old, or an older one if ctx ends
// before it is read again. It is good enough to choose from, not to act on.
func (f *fleet) recent(ctx context.Context) ([]approvals.Server, error) {
	f.mu.Lock()
	if f.isRecent() {
		defer f.mu.Unlock()
		return f.servers, nil
	}
	reading, err := f.read(ctx)
	f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	select {
	case <-ctx.Done():
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.servers != nil {
			return f.servers, nil // an old list is better than none
		}
		return nil, context.Cause(ctx)
	case <-reading:
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.servers, f.err
}

// warm has the list read if it is not recent, and does not wait for it.
func (f *fleet) warm(ctx context.Context) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.isRecent() {
		f.read(ctx) // an error is for those who need the list
	}
}

// isRecent reports whether the list is at most fleetLife old. The caller holds
// the lock.
func (f *fleet) isRecent() bool { return f.servers != nil && time.Since(f.at) < fleetLife }

// fresh returns the list of a reading that began after the call. All who ask
// while an earlier reading is under way share the next one.
func (f *fleet) fresh(ctx context.Context) ([]approvals.Server, error) {
	asked := time.Now()
	for {
		f.mu.Lock()
		if f.reading == nil && !f.began.Before(asked) {
			defer f.mu.Unlock()
			return f.servers, f.err
		}
		reading, err := f.read(ctx)
		f.mu.Unlock()
		if err != nil {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-reading:
		}
	}
}

// read returns the current reading, and begins one if there is none. The
// channel is closed when it ends. The caller holds the lock.
func (f *fleet) read(ctx context.Context) (<-chan struct{}, error) {
	if f.closed {
		return nil, errClosed
	}
	if f.reading == nil {
		// Of ctx it keeps the values: who began it may give up before it ends.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fleetWithin)
		f.reading, f.began, f.cancel = make(chan struct{}), time.Now(), cancel
		f.readings.Go(func() {
			defer cancel()
			listed, err := f.cloud.ListServers(ctx, ecsclient.Filter{})
			f.keep(listed, err)
		})
	}
	return f.reading, nil
}

// keep ends the current reading with its result.
func (f *fleet) keep(listed []ecsclient.Server, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil {
		f.servers, f.at = toServers(listed), f.began
	}
	f.err = err
	close(f.reading)
	f.reading = nil
}

// close ends the current reading and waits for it. No other one begins.
func (f *fleet) close() {
	f.mu.Lock()
	f.closed = true
	if f.reading != nil {
		f.cancel()
	}
	f.mu.Unlock()
	f.readings.Wait()
}
