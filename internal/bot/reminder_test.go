package bot

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
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

// answered is an answer of Redis, as go-redis returns it.
type answered string

func (a answered) Error() string { return string(a) }
func (answered) RedisError()     {}

// named is a fault that the store has found out itself.
type named struct{}

func (named) Error() string  { return named{}.String() }
func (named) String() string { return "the certificate is for 10.0.0.1: name its CA" }

func TestAnErrorBecomesASentenceWithoutItsDetails(t *testing.T) {
	for _, tt := range []struct {
		err            error
		cause          string
		refused, known bool
	}{
		{answered("LOADING Redis is loading the dataset in memory"), "still loading", false, true},
		{answered("READONLY You can't write against a read only replica."), "is a replica", false, true},
		{answered("OOM command not allowed when used memory > 'maxmemory'."), "maxmemory", false, true},
		{answered("MISCONF Errors writing to the AOF file: No space left"), "cannot save", false, true},
		{answered("CLUSTERDOWN Hash slot not served 10.0.0.1"), "cluster is down", false, true},
		{answered("ERR something else at 10.0.0.1"), "the bot's log", true, true},
		{named{}, "the bot's log", true, true},
		{context.DeadlineExceeded, "does not answer", false, true},
		{&net.OpError{Op: "dial", Err: errors.New("10.0.0.1: no route")}, "does not answer", false, true},
		{errors.New("its records have version 2"), "", false, false},
	} {
		got, known := troubleOf(fmt.Errorf("open store: %w", tt.err), false)
		if known != tt.known || got.refused != tt.refused || !strings.Contains(got.cause, tt.cause) || strings.Contains(got.cause, "10.0.0.1") {
			t.Errorf("%v is %+v, known: %v", tt.err, got, known)
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
		open := make(chan net.Conn, 10) // of a broken bound
		ended := make(chan error, 1)
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					ended <- err
					return
				}
				select {
				case open <- c:
				default:
					ended <- errors.New("no bound")
					return
				}
			}
		}()
		synctest.Wait()
		if len(open) != 2 {
			t.Fatalf("%d connections are open, want 2", len(open))
		}
		c := <-open
		c.Close()
		c.Close() // a second time makes no second place
		synctest.Wait()
		if len(open) != 2 {
			t.Errorf("%d connections are open after one was replaced, want 2", len(open))
		}
		l.Close()
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Errorf("a closed listener ends with %v", err)
		}
	})
}
