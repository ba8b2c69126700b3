package slackapp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

// Limits of one socket's life. slack-go reconnects by itself but breaks before
// it makes, reconnects without pause while Slack says hello, goes deaf after a
// write error and sleeps up to five minutes after an outage; so each socket is
// watched, and restarted when it misbehaves.
const (
	helloWithin   = 60 * time.Second // without a hello for so long it is restarted
	dialsInMinute = 10               // more than that is a loop
	pingWithin    = 20 * time.Second // Slack pings about every 10 s
	longLife      = 2 * time.Minute  // a socket that lived so long was a good one
	minPause      = time.Second
	maxPause      = 30 * time.Second
)

// errRefused marks causes that no new attempt changes.
type errRefused struct{ cause string }

func (e errRefused) Error() string {
	return "Slack refuses the app token: " + e.cause
}

// keepSocket keeps one connection alive until ctx ends. It returns an error
// only if Slack refuses the token.
func (s *sockets) keepSocket(ctx context.Context, n int) error {
	pause := minPause
	for ctx.Err() == nil {
		began := time.Now()
		err := s.runSocket(ctx, n)
		s.hello[n].Store(false)
		if ctx.Err() != nil {
			return nil
		}
		var refused errRefused
		if errors.As(err, &refused) {
			return err
		}
		if time.Since(began) > longLife {
			pause = minPause
		}
		s.metrics.restarts.Inc()
		s.log.WarnContext(ctx, "socket restarted", "socket", n, "in", pause, "err", err)
		select {
		case <-ctx.Done():
		case <-time.After(pause + rand.N(pause/2)):
		}
		pause = min(2*pause, maxPause)
	}
	return nil
}

// runSocket runs one client of the library until it misbehaves or ctx ends.
func (s *sockets) runSocket(ctx context.Context, n int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	client := socketmode.New(s.api,
		socketmode.OptionDialer(dialer()),
		socketmode.OptionPingInterval(pingWithin),
		socketmode.OptionLog(log.New(io.Discard, "", 0)))
	ended := make(chan error, 1)
	go func() { ended <- client.RunContext(ctx) }()
	defer func() {
		cancel(nil)
		drain(client, ended)
	}()
	var dials []time.Time
	silence := time.NewTimer(helloWithin)
	defer silence.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case err := <-ended:
			ended <- err // for drain
			return fatalOr(err)
		case <-silence.C:
			if !s.hello[n].Load() {
				return fmt.Errorf("no hello for %v", helloWithin)
			}
		case evt := <-client.Events:
			switch evt.Type {
			case socketmode.EventTypeConnecting:
				s.hello[n].Store(false)
				silence.Reset(helloWithin)
				dials = append(recent(dials), time.Now())
				if len(dials) > dialsInMinute {
					return fmt.Errorf("%d connections in a minute", len(dials))
				}
			case socketmode.EventTypeHello:
				s.hello[n].Store(true)
				s.greeted(ctx, n, evt)
			case socketmode.EventTypeErrorWriteFailed:
				return errors.New("deaf after a write error")
			case socketmode.EventTypeInvalidAuth:
				return errRefused{"invalid_auth"}
			case socketmode.EventTypeConnectionError:
				s.hello[n].Store(false)
				if cause, fatal := fatalAuth(evt.Data); fatal {
					return errRefused{cause}
				}
				s.log.WarnContext(ctx, "socket could not connect", "socket", n, "err", evt.Data)
			default:
				s.receive(ctx, client, evt)
			}
		}
	}
}

func (s *sockets) greeted(ctx context.Context, n int, evt socketmode.Event) {
	connections := 0
	if evt.Request != nil {
		connections = evt.Request.NumConnections
	}
	s.metrics.connections.Set(float64(connections))
	s.log.InfoContext(ctx, "socket is up", "socket", n, "connections_of_the_app", connections)
	if connections > 8 {
		s.log.WarnContext(ctx, "Slack counts nearly as many connections as it allows (10); dead ones swallow clicks", "connections", connections)
	}
}

// drain empties the client's channel until it has ended: it would wait for
// ever for somebody to take its last events.
func drain(client *socketmode.Client, ended <-chan error) {
	for {
		select {
		case <-client.Events:
		case <-ended:
			return
		}
	}
}

func recent(times []time.Time) []time.Time {
	for len(times) > 0 && time.Since(times[0]) > time.Minute {
		times = times[1:]
	}
	return times
}

// fatalCodes are answers of apps.connections.open that no new attempt changes.
// The library retries most of them without end.
var fatalCodes = []string{
	"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired",
	"missing_scope", "not_allowed_token_type", "team_disabled", "user_removed_from_team",
}

// fatalAuth finds out whether a connection error is one of them.
func fatalAuth(data any) (cause string, fatal bool) {
	evt, ok := data.(*slack.ConnectionErrorEvent)
	if !ok || evt.ErrorObj == nil {
		return "", false
	}
	for _, r := range fatalCodes {
		if strings.Contains(evt.ErrorObj.Error(), r) {
			return r, true
		}
	}
	return "", false
}

// fatalOr sorts the error with which RunContext ends by itself.
func fatalOr(err error) error {
	if err == nil {
		return errors.New("the client ended")
	}
	for _, r := range fatalCodes {
		if strings.Contains(err.Error(), r) {
			return errRefused{r}
		}
	}
	return err
}

// dialer is the library's own with TCP keep-alive. A write buffer smaller than
// an acknowledgement would fragment it, and Slack ignores fragments.
func dialer() *websocket.Dialer {
	return &websocket.Dialer{
		Proxy:            http.ProxyFromEnvironment,
		HandshakeTimeout: 15 * time.Second,
		WriteBufferSize:  32 << 10,
		NetDialContext:   (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 10 * time.Second}).DialContext,
	}
}
