package ecsclient

import (
	"bytes"
	"errors"
	"io"
	"sync/atomic"
	"time"
)

// errTooLate is how a call ends that could not begin to be sent in time.
var errTooLate = errors.New("not sent: no connection was ready in time")

// outgoing is the body of a write. It is handed to the transport only as long
// as it is not too late, and never once the call has been given up. A stop whose
// body was never handed out cannot be carried out: to the server it is at most a
// request without the end that its headers announce, and its signature does not
// fit. (net/http sends the headers of a body that it does not know before it asks
// for the body.)
type outgoing struct {
	body   *bytes.Reader
	before time.Time
	state  atomic.Int32
}

// States of an outgoing body. From waiting it comes into one of the others once.
const (
	waiting int32 = iota
	begun         // its first bytes are with the transport
	givenUp       // nobody will ever read it
	tooLate       // likewise, because its time had passed
)

func newOutgoing(body []byte, before time.Time) *outgoing {
	return &outgoing{body: bytes.NewReader(body), before: before}
}

// Read implements io.Reader. The first call decides.
func (o *outgoing) Read(p []byte) (int, error) {
	if o.state.Load() == waiting && tooLateNow(o.before) {
		o.state.CompareAndSwap(waiting, tooLate)
	}
	o.state.CompareAndSwap(waiting, begun)
	if o.state.Load() != begun {
		return 0, errTooLate
	}
	return o.body.Read(p)
}

// Close implements io.Closer.
func (o *outgoing) Close() error { return nil }

var _ io.ReadCloser = (*outgoing)(nil)

// giveUp keeps the body from being sent, and reports whether nothing of it was.
func (o *outgoing) giveUp() bool {
	o.state.CompareAndSwap(waiting, givenUp)
	return o.state.Load() != begun
}

// late reports whether the body was kept back because its time had passed.
func (o *outgoing) late() bool { return o.state.Load() == tooLate }

// giveUpInTime calls cancel at the latest moment if the body is still waiting
// then, so that a hanging dial is not waited for in vain. A call whose body is on
// its way goes on.
func (o *outgoing) giveUpInTime(cancel func()) (stop func()) {
	if o.before.IsZero() {
		return func() {}
	}
	timer := time.AfterFunc(time.Until(o.before), func() {
		if o.state.CompareAndSwap(waiting, tooLate) {
			cancel()
		}
	})
	return func() { timer.Stop() }
}

// over reports whether before has passed by now, or by wall, which is now
// without its monotonic reading: the wall clock goes on while a machine sleeps,
// and the monotonic one cannot be set back. Zero never passes.
func over(before, now, wall time.Time) bool {
	return !before.IsZero() && (now.After(before) || wall.After(before.Round(0)))
}

func tooLateNow(before time.Time) bool {
	now := time.Now()
	return over(before, now, now.Round(0))
}
