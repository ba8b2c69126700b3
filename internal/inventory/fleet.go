package inventory

import (
	"context"
	"errors"
	"sync"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/ecsclient"
)

// fleet is a cache of the list of all servers. Concurrent callers share one read, and
// the result is cached for some seconds, because a person who types a name needs it at
// every letter.
//
// A read continues when the caller that started it gives up, so that the next letter
// finds the list. The fleet owns its goroutine: it ends after fleetWithin at the
// latest, and close cancels it and waits for it.
type fleet struct {
	cloud *ecsclient.Client

	mu      sync.Mutex // guards all below
	servers []approvals.Server
	at      time.Time          // when the read that returned servers began
	reading chan struct{}      // closed when the current read ends; nil if there is none
	began   time.Time          // when the current or last read began
	err     error              // of the last read
	cancel  context.CancelFunc // ends the current read
	closed  bool               // no read starts any more

	readings sync.WaitGroup // the goroutine of the current read
}

const (
	fleetLife   = 20 * time.Second // how long the list is cached
	fleetWithin = 30 * time.Second // how long one read may take
)

// errClosed is the error after close.
var errClosed = errors.New("the inventory is closed")

// recent returns the list, at most fleetLife old, or an older one if ctx ends before it
// is read again. It is for suggestions, not for acting on it.
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

// warm starts a read if the list is not recent, and does not wait for it.
func (f *fleet) warm(ctx context.Context) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.isRecent() {
		f.read(ctx) // its error is returned to those who need the list
	}
}

// isRecent reports whether the list is at most fleetLife old. The caller holds
// the lock.
func (f *fleet) isRecent() bool { return f.servers != nil && time.Since(f.at) < fleetLife }

// fresh returns the list of a read that began after the call. All who call it during an
// earlier read share the next one.
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

// read returns a channel that is closed when the current read ends, and starts a read
// if there is none. The caller holds the lock.
func (f *fleet) read(ctx context.Context) (<-chan struct{}, error) {
	if f.closed {
		return nil, errClosed
	}
	if f.reading == nil {
		// It keeps only the values of ctx: the caller may give up before it ends.
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

// keep ends the current read with its result.
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

// close cancels the current read and waits for it. No other one starts.
func (f *fleet) close() {
	f.mu.Lock()
	f.closed = true
	if f.reading != nil {
		f.cancel()
	}
	f.mu.Unlock()
	f.readings.Wait()
}
