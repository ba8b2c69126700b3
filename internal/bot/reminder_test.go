package bot

import (
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

func TestATroubleThatLastsIsLoggedOnceAMinuteAndWhenItChanges(t *testing.T) {
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var r reminder
	for _, step := range []struct {
		after time.Duration
		cause string
		want  bool
	}{
		{0, "away", true},
		{time.Second, "away", false},
		{59 * time.Second, "away", false},
		{time.Minute, "away", true},
		{61 * time.Second, "refused", true},
		{62 * time.Second, "away", true},
		{119 * time.Second, "away", false},
		{122 * time.Second, "away", true},
	} {
		if got := r.due(step.cause, began.Add(step.after)); got != step.want {
			t.Errorf("after %v %q is logged: %v, want %v", step.after, step.cause, got, step.want)
		}
	}
}

// endless has one connection after the other.
type endless struct{ closed chan struct{} }

func (e endless) Accept() (net.Conn, error) {
	select {
	case <-e.closed:
		return nil, net.ErrClosed
	default:
		c, _ := net.Pipe()
		return c, nil
	}
}
func (e endless) Close() error   { close(e.closed); return nil }
func (e endless) Addr() net.Addr { return nil }

func TestConnectionsBeyondTheBoundWaitUntilOneCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limited(endless{make(chan struct{})}, 2)
		var open []net.Conn
		ended := make(chan error, 1)
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					ended <- err
					return
				}
				open = append(open, c)
			}
		}()
		synctest.Wait()
		if len(open) != 2 {
			t.Fatalf("%d connections are open, want 2", len(open))
		}
		open[0].Close()
		open[0].Close() // a second time makes no second place
		synctest.Wait()
		if len(open) != 3 {
			t.Errorf("%d connections were accepted after one had closed, want 3", len(open))
		}
		l.Close()
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Errorf("a closed listener ends with %v", err)
		}
	})
}
