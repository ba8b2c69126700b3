package redistest

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// Cutter is between a client and a server. It lets every command through; of
// those that Cut picks it takes the answer away, with the connection.
type Cutter struct {
	Cut   func(command string) bool  // Mu is held; nil: none
	Say   func(answer []byte) []byte // changes an answer; nil: none
	Pause func(command string)       // may hold a command up; nil: none

	URL string // where it listens, as REDIS_URL takes it

	Mu   sync.Mutex
	Cuts int // guarded by Mu
}

// Start has c listen in front of s. Its functions must be set before.
func (c *Cutter) Start(t testing.TB, s *Server) *Cutter {
	t.Helper()
	path := s.Dir() + "/cut"
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	c.URL = "unix://" + path
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { c.carry(near, strings.TrimPrefix(s.URL(), "unix://")) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		s.Kill() // ends what the connections still wait for
		wg.Wait()
	})
	return c
}

// carry carries one connection. go-redis sends a command only when it has the
// answer to the one before, so what comes in one piece belongs together.
func (c *Cutter) carry(near net.Conn, to string) {
	defer near.Close()
	far, err := net.Dial("unix", to)
	if err != nil {
		return
	}
	defer far.Close()
	go func() { // ends when either side closes
		defer near.Close()
		if c.Say == nil {
			io.Copy(near, far)
			return
		}
		for buf := make([]byte, 256<<10); ; {
			n, err := far.Read(buf)
			if err != nil {
				return
			}
			near.Write(c.Say(buf[:n]))
		}
	}()
	buf := make([]byte, 256<<10)
	for {
		n, err := near.Read(buf)
		if err != nil {
			return
		}
		if c.Pause != nil {
			c.Pause(string(buf[:n]))
		}
		c.Mu.Lock()
		cut := c.Cut != nil && c.Cut(string(buf[:n]))
		if cut {
			c.Cuts++
		}
		c.Mu.Unlock()
		if cut {
			swallow(to, buf[:n])
			return
		}
		if _, err := far.Write(buf[:n]); err != nil {
			return
		}
	}
}

// swallow has the command carried out over a connection of its own, and waits
// for the answer: it is sure to be done before the caller hears of the cut.
func swallow(to string, command []byte) {
	own, err := net.Dial("unix", to)
	if err != nil {
		return
	}
	defer own.Close()
	own.SetDeadline(time.Now().Add(2 * time.Second))
	if _, err := own.Write(command); err == nil {
		own.Read(make([]byte, 64<<10))
	}
}
