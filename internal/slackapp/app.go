// Package slackapp is the bot's face in Slack: it receives commands, clicks and
// forms over Socket Mode, hands them to the engine, and posts what the engine
// has to say. It knows no Redis and no cloud.
//
// What comes in is recorded with the engine before it is acknowledged (Slack
// does not send a lost click again), and acted on later by any replica that
// claims it: [App.Handle]. What goes out is asked for by the engine, one
// message at a time: [App.Post], [App.UpdateCard], [App.FindPost]. What a verb, a
// button or a form does is one line in the tables of routes.go. How things look is
// drawn by methods of view, which needs no connection.
//
// Every sentence that people read in Slack is in words*.go. Other packages name
// what happened by closed types (a cause, a kind of refusal, of mistake, a topic);
// only foreign text, which people and the cloud wrote, is passed on as it is.
package slackapp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/secret"

	"github.com/slack-go/slack"
)

// Desk is what the Slack side asks of the engine. Each part is declared beside
// the code that calls it. Methods that take an op do nothing twice for the same
// op. What a person can put right comes back as a *approvals.Refusal.
type Desk interface {
	Recorder   // interaction.go: store what people did
	Asker      // ask.go: make a request
	Decider    // decide.go: approve, deny, cancel
	FollowUps  // followup.go: retry, start again
	Resolver   // resolve.go: take a person's word
	Freezer    // freeze.go: the emergency stop
	Drafter    // preview.go: keep what a preview shows
	Reader     // show.go: read requests and their lists
	Inventory  // form.go: servers in the cloud
	HomeKeeper // home.go: what Homes show
	Knower     // people.go: what Slack said of people
}

// Config says how the app appears in Slack.
type Config struct {
	BotToken secret.String
	AppToken secret.String
	APIURL   string // Web API base ending in a slash; empty: Slack's own
	Sockets  int    // live Socket Mode connections, at least 1
	Channel  string // where cards go; empty: where the command was typed
	Policy   approvals.Policy
	Batch    int // servers in one call: the card says how many calls there are
	Rate     int // servers a minute: the card says how long it takes
	// ClassicBlocks draws without the blocks of 2026; otherwise they are tried, and
	// left out for a day if Slack refuses them.
	ClassicBlocks bool
	Log           *slog.Logger
	Metrics       *Metrics // must be set
}

// App is one replica's connection to a Slack workspace.
type App struct {
	cfg     Config
	log     *slog.Logger
	metrics *Metrics
	view    view

	desk  Desk
	api   *slack.Client
	calls doer
	me    atomic.Pointer[slack.AuthTestResponse]
	hello []atomic.Bool // socket → it has said hello and is alive

	links  linkCache
	form   blockForm
	people people
	slots  chan struct{} // one for each envelope between arrival and acknowledgement
	brakes chan struct{} // more of them, for what holds back

	draining atomic.Bool // drainSlots takes all slots
}

// New makes an app. It talks to Slack only from [App.Run] on, or when the
// engine asks it to.
func New(c Config, desk Desk) *App {
	calls := doer{&http.Client{Timeout: callTimeout, Transport: transport(), CheckRedirect: sameHost}}
	opts := []slack.Option{
		slack.OptionAppLevelToken(c.AppToken.Reveal()),
		// The library's own client has no timeout: a call that hangs would hang
		// the socket with it.
		slack.OptionHTTPClient(calls),
	}
	if c.APIURL != "" {
		opts = append(opts, slack.OptionAPIURL(c.APIURL))
	}
	return &App{
		cfg: c, log: c.Log, metrics: c.Metrics, view: view{Policy: c.Policy, Batch: c.Batch, Rate: c.Rate},
		desk: desk, calls: calls,
		api:   slack.New(c.BotToken.Reveal(), opts...),
		hello: make([]atomic.Bool, c.Sockets),
		slots: make(chan struct{}, 64), brakes: make(chan struct{}, 16),
	}
}

// callTimeout bounds one call of Slack's Web API.
const callTimeout = 8 * time.Second

func transport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = (&net.Dialer{Timeout: 3 * time.Second, KeepAlive: 15 * time.Second}).DialContext
	t.MaxIdleConnsPerHost = 8
	return t
}

// Run keeps the sockets alive until ctx ends. Then it acknowledges what has
// arrived, gives the acknowledgements time to leave, and returns nil. It
// returns an error if Slack refuses the tokens: waiting does not help.
func (a *App) Run(ctx context.Context) error {
	// Sockets outlive ctx until the last acknowledgement is out.
	sockets, closeSockets := context.WithCancelCause(context.WithoutCancel(ctx))
	defer closeSockets(nil)
	var wg sync.WaitGroup
	wg.Go(func() { a.checkScopes(ctx) })
	for n := range a.cfg.Sockets {
		wg.Go(func() {
			if err := a.keepSocket(sockets, n); err != nil {
				closeSockets(err)
			}
		})
	}
	wg.Go(func() { a.learnGroups(sockets) })
	select {
	case <-ctx.Done():
		a.drainSlots()
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
func (a *App) drainSlots() {
	a.draining.Store(true)
	enough := time.After(6 * time.Second)
	for _, slots := range []chan struct{}{a.slots, a.brakes} {
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
func (a *App) Ready() error {
	for n := range a.hello {
		if a.hello[n].Load() {
			return nil
		}
	}
	return errors.New("no Slack socket has said hello")
}

// self tells who the bot is. It is asked once and kept.
func (a *App) self(ctx context.Context) (*slack.AuthTestResponse, error) {
	if me := a.me.Load(); me != nil {
		return me, nil
	}
	var me *slack.AuthTestResponse
	err := a.call("auth.test", func() (err error) { me, err = a.api.AuthTestContext(ctx); return err })
	if err != nil {
		return nil, fmt.Errorf("auth.test: %w", err)
	}
	a.me.Store(me)
	return me, nil
}
