package ecsclient

import (
	"bytes"
	"errors"
	"io"
	"sync/atomic"
	"time"
)

// errTooLate is the error of a call that could not be sent in time.
var errTooLate = errors.New("not sent: no connection was ready in time")

// outgoing is the body of a write. The transport can read it only until it is too late
// or the call is given up. A stop whose body was never read cannot be carried out: the
// server gets at most headers without the body that they announce, and the signature
// does not match. (net/http may send the headers before it reads the body.)
type outgoing struct {
	body   *bytes.Reader
	before time.Time
	state  atomic.Int32
}

// States of an outgoing body. From waiting it changes once, to one of the others.
const (
	waiting int32 = iota
	started       // the transport has read its first bytes
	givenUp       // it will never be read
	tooLate       // likewise, because it was too late
)

func newOutgoing(body []byte, before time.Time) *outgoing {
	return &outgoing{body: bytes.NewReader(body), before: before}
}

// Read implements io.Reader. The first call decides whether the body is sent.
func (o *outgoing) Read(p []byte) (int, error) {
	if o.state.Load() == waiting && tooLateNow(o.before) {
		o.state.CompareAndSwap(waiting, tooLate)
	}
	o.state.CompareAndSwap(waiting, started)
	if o.state.Load() != started {
		return 0, errTooLate
	}
	return o.body.Read(p)
}

// Close implements io.Closer.
func (o *outgoing) Close() error { return nil }

var _ io.ReadCloser = (*outgoing)(nil)

// giveUp prevents the body from being sent, and reports whether nothing of it was.
func (o *outgoing) giveUp() bool {
	o.state.CompareAndSwap(waiting, givenUp)
	return o.state.Load() != started
}

// late reports whether the body was not sent because it was too late.
func (o *outgoing) late() bool { return o.state.Load() == tooLate }

// giveUpInTime calls cancel at the latest time if the body is still waiting then, so
// that the call does not wait for a hanging dial. A call whose body has been read
// continues.
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

// over reports whether before has passed by now, or by wall, which is now without its
// monotonic reading: the wall clock continues while a machine sleeps, and the
// monotonic one cannot be set back. Zero never passes.
func over(before, now, wall time.Time) bool {
	return !before.IsZero() && (now.After(before) || wall.After(before.Round(0)))
}

func tooLateNow(before time.Time) bool {
	now := time.Now()
	return over(before, now, now.Round(0))
}
