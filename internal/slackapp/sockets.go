package slackapp

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slack-go/slack"
)

// sockets keeps the Socket Mode connections, and records what comes in before it
// acknowledges it.
type sockets struct {
	*client
	poster *poster
	roles  *roles
	app    *App

	hello    []atomic.Bool // socket → it has said hello and is alive
	slots    chan struct{} // one for each envelope between arrival and acknowledgement
	brakes   chan struct{} // more of them, for what holds back
	draining atomic.Bool   // drainSlots takes all slots
}

// Run keeps the sockets alive until ctx ends. Then it acknowledges what has
// arrived, gives the acknowledgements time to leave, and returns nil. It
// returns an error if Slack refuses the tokens: waiting does not help.
func (s *sockets) Run(ctx context.Context) error {
	// Sockets outlive ctx until the last acknowledgement is out.
	sockets, closeSockets := context.WithCancelCause(context.WithoutCancel(ctx))
	defer closeSockets(nil)
	var wg sync.WaitGroup
	wg.Go(func() { s.checkScopes(ctx) })
	for n := range s.cfg.Sockets {
		wg.Go(func() {
			if err := s.keepSocket(sockets, n); err != nil {
				closeSockets(err)
			}
		})
	}
	wg.Go(func() { s.roles.learnGroups(sockets) })
	select {
	case <-ctx.Done():
		s.drainSlots()
		// An acknowledgement is only queued when the library says it is sent.
		time.Sleep(ackLinger)
		closeSockets(nil)
	case <-sockets.Done():
	}
	wg.Wait()
	if err := context.Cause(sockets); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// drainSlots waits until every envelope under way is acknowledged, up to six
// seconds. From then on all slots are taken, so what still arrives is refused as
// if the bot were busy.
func (s *sockets) drainSlots() {
	s.draining.Store(true)
	enough := time.After(6 * time.Second)
	for _, slots := range []chan struct{}{s.slots, s.brakes} {
		for range cap(slots) {
			select {
			case slots <- struct{}{}:
			case <-enough:
				return
			}
		}
	}
}

// ackLinger is how long sockets stay open after the last acknowledgement.
const ackLinger = 400 * time.Millisecond

// Ready returns nil if at least one socket has said hello.
func (s *sockets) Ready() error {
	for n := range s.hello {
		if s.hello[n].Load() {
			return nil
		}
	}
	return errors.New("no Slack socket has said hello")
}

// self tells who the bot is. It is asked once and kept.
func (cl *client) self(ctx context.Context) (*slack.AuthTestResponse, error) {
	if me := cl.me.Load(); me != nil {
		return me, nil
	}
	var me *slack.AuthTestResponse
	err := cl.call("auth.test", func() (err error) { me, err = cl.api.AuthTestContext(ctx); return err })
	if err != nil {
		return nil, fmt.Errorf("auth.test: %w", err)
	}
	cl.me.Store(me)
	return me, nil
}
