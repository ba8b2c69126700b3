// Package slacksim is a simulated Slack workspace with opinions: the Web API,
// Socket Mode, response URLs, file uploads, modals and the people who use them.
//
// It plays Slack's side as the documentation and field reports describe it. It
// refuses what Slack refuses (tokens, memberships, block limits, spent trigger
// ids, posts that come too fast), forgets what Slack forgets (an envelope whose
// ack does not come is lost), and remembers everything that was done to it. It
// fails on demand in both ways: "not done and said no", and "done, but the
// answer was lost".
//
// A Workspace is the world: Handler serves it to an app under test, the methods
// named after people's verbs (Command, Click, Submit, …) act on it, and
// Messages, Thread, Private, View and Calls show what came of it.
//
//	w := slacksim.New(slacksim.Options{BotToken: "xoxb-1", AppToken: "xapp-1"})
//	defer w.Close()
//	srv := httptest.NewServer(w.Handler()) // the app's API URL is srv.URL + "/api/"
//
// The names of the actions, the errors and the payloads are Slack's own.
package slacksim

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Options say how a workspace behaves. The zero value is a workspace with
// made-up tokens and Slack's own times.
type Options struct {
	BotToken string // default "xoxb-sim"
	AppToken string // default "xapp-sim"

	TeamID     string // default "TSIM"
	TeamDomain string // default "sim"
	BotName    string // the bot user's handle; default "bot"

	// BaseURL is the address under which the app reaches the Handler, without a
	// slash at the end. Empty: taken from the app's latest request.
	BaseURL string

	// Scopes are the bot token's scopes. Nil means every scope there is but
	// chat:write.public; a method that needs another one answers missing_scope.
	Scopes []string

	// NoMessagesTab is an app whose manifest has no Messages tab: then a message
	// to a user is refused with messages_tab_disabled.
	NoMessagesTab bool

	// PostGap is the least time between two posts in one channel before
	// chat.postMessage answers 429. Zero is Slack's own way, a few posts at once
	// and then one a second; negative turns the pace off.
	PostGap time.Duration
	// PostBurst is how many posts a channel takes at once after a rest; default 5, or 1
	// where PostGap is set.
	PostBurst int
	// Tiers turns on the documented requests per minute of each method: the next
	// one gets 429 with Retry-After.
	Tiers bool
	// Minute is how long a minute of Tiers is; default 1m.
	Minute time.Duration

	// Events are the bot events that the app subscribes to. Nil means all of them.
	// What SendEvent is given goes out in any case.
	Events []string

	// Functions are the steps for Workflow Builder that the app's manifest defines, by
	// callback id.
	Functions map[string]Function

	// AckTimeout is how long Slack waits for an acknowledgement; default 3s.
	AckTimeout time.Duration
	// TriggerLife is how long a trigger_id can open a modal; default 3s.
	TriggerLife time.Duration
	// EventRetries are the waits before the redeliveries of an event that was
	// not acknowledged; default at once, 1 min, 5 min. Empty but not nil: none.
	EventRetries []time.Duration
	// PingEvery is the time between two WebSocket pings; default 10s. A client
	// that has not answered for three of them is cut off.
	PingEvery time.Duration
	// DisconnectGrace is how long a connection lives after a disconnect frame,
	// unless the client closes it first; default 10s.
	DisconnectGrace time.Duration

	// RawCommands switches should_escape off: @names stay plain text.
	RawCommands bool
	// AutoLink turns words that look like host names into links in the text of
	// commands, as Slack's clients may do.
	AutoLink bool
	// Seed, if not 0, makes the choice of a connection random; otherwise
	// envelopes go round robin.
	Seed uint64
}

// WithManifest gives the app what its manifest asks for and no more: the bot
// token's scopes, the subscribed events and the steps. The manifest is JSON.
func (o Options) WithManifest(manifest string) (Options, error) {
	var m struct {
		OAuth struct {
			Scopes struct {
				Bot []string `json:"bot"`
			} `json:"scopes"`
		} `json:"oauth_config"`
		Settings struct {
			Events struct {
				Bot []string `json:"bot_events"`
			} `json:"event_subscriptions"`
			OrgReady bool   `json:"org_deploy_enabled"`
			Runtime  string `json:"function_runtime"`
		} `json:"settings"`
		Functions map[string]Function `json:"functions"`
	}
	if err := json.Unmarshal([]byte(manifest), &m); err != nil {
		return o, fmt.Errorf("slacksim: manifest: %w", err)
	}
	if len(m.Functions) > 0 && (!m.Settings.OrgReady || m.Settings.Runtime != "remote") {
		return o, errNotReady
	}
	o.Functions = m.Functions
	o.Scopes = append([]string{}, m.OAuth.Scopes.Bot...)
	o.Events = append([]string{}, m.Settings.Events.Bot...)
	return o, nil
}

// The bot of a workspace, its app and its user exist from the start.
const (
	BotUserID = "UBOT"
	BotID     = "BBOT"
	AppID     = "ASIM"
)

// ErrClosed is what waiting methods return once the workspace is closed.
var ErrClosed = errors.New("slacksim: workspace closed")

// Workspace is one simulated Slack workspace with one installed app. Its
// methods may be called from any goroutine. Close it to end its goroutines.
type Workspace struct {
	opt Options

	mu      sync.Mutex
	changed chan struct{} // closed and replaced at every change
	done    chan struct{} // closed by Close
	closed  bool
	wg      sync.WaitGroup // every goroutine and every open socket

	base     string // scheme://host[:port] of the app's latest request
	serial   int    // for ids
	lastTS   int64  // µs of the youngest message; a ts is never given twice
	watchers map[*watcher]struct{}

	users    map[string]*User
	groups   map[string]*Group
	channels map[string]*channel
	order    []string // channel ids as they were added

	private   []*Message // ephemeral messages, in order
	homes     map[string]*View
	stacks    map[string][]*View // open modals of a user, the top one last
	views     map[string]*View   // every view ever opened
	offered   map[string][]Option
	triggers  map[string]*trigger
	responses map[string]*responseURL
	files     []*File
	uploads   map[string]*File

	executions []*Execution // runs of steps, in order

	conns      []*conn
	connSerial int
	tickets    map[string]bool
	turn       int
	random     *mathrand.Rand
	pending    map[string]*delivery
	deliveries []*delivery
	loseNext   int

	down    bool
	classic bool // the blocks of 2026 are refused
	faults  []*plannedFault
	calls   []*Call
	used    map[string][]time.Time // method → times of the last minute
	paces   map[string]*pace       // channel → post pace
}

// New makes an empty workspace with its bot. The caller closes it.
func New(opt Options) *Workspace {
	opt.BotToken = cmp.Or(opt.BotToken, "xoxb-sim")
	opt.AppToken = cmp.Or(opt.AppToken, "xapp-sim")
	opt.TeamID = cmp.Or(opt.TeamID, "TSIM")
	opt.TeamDomain = cmp.Or(opt.TeamDomain, "sim")
	opt.BotName = cmp.Or(opt.BotName, "bot")
	opt.AckTimeout = cmp.Or(opt.AckTimeout, 3*time.Second)
	opt.TriggerLife = cmp.Or(opt.TriggerLife, 3*time.Second)
	opt.PingEvery = cmp.Or(opt.PingEvery, 10*time.Second)
	opt.Minute = cmp.Or(opt.Minute, time.Minute)
	opt.DisconnectGrace = cmp.Or(opt.DisconnectGrace, 10*time.Second)
	if opt.EventRetries == nil {
		opt.EventRetries = []time.Duration{0, time.Minute, 5 * time.Minute}
	}
	if opt.Scopes == nil {
		opt.Scopes = defaultScopes()
	}
	w := &Workspace{
		opt:       opt,
		base:      opt.BaseURL,
		changed:   make(chan struct{}),
		done:      make(chan struct{}),
		watchers:  map[*watcher]struct{}{},
		users:     map[string]*User{},
		groups:    map[string]*Group{},
		channels:  map[string]*channel{},
		homes:     map[string]*View{},
		stacks:    map[string][]*View{},
		views:     map[string]*View{},
		offered:   map[string][]Option{},
		triggers:  map[string]*trigger{},
		responses: map[string]*responseURL{},
		uploads:   map[string]*File{},
		tickets:   map[string]bool{},
		pending:   map[string]*delivery{},
		used:      map[string][]time.Time{},
		paces:     map[string]*pace{},
	}
	if opt.Seed != 0 {
		w.random = mathrand.New(mathrand.NewPCG(opt.Seed, opt.Seed))
	}
	w.users[BotUserID] = &User{ID: BotUserID, Name: opt.BotName, RealName: opt.BotName, Bot: true, TeamID: opt.TeamID}
	return w
}

// Handler serves what an app needs of Slack: /api/METHOD, /socket (the
// WebSocket), /response/ID (response URLs) and /upload/ID (file contents).
func (w *Workspace) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/{method}", w.serveAPI)
	mux.HandleFunc("/socket", w.serveSocket)
	mux.HandleFunc("/response/{id}", w.serveResponse)
	mux.HandleFunc("/upload/{id}", w.serveUpload)
	return mux
}

// Close cuts every connection, wakes everybody who waits, and returns when the
// workspace's goroutines have ended. It may be called more than once, but not
// from a function given to Watch.
func (w *Workspace) Close() {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.done)
		for _, c := range w.conns {
			c.cut()
		}
	}
	w.mu.Unlock()
	w.wg.Wait()
}

// goOwned starts f as a goroutine that Close waits for. f ends when w.done is
// closed. The lock is held.
func (w *Workspace) goOwned(f func()) {
	if w.closed {
		return
	}
	w.wg.Go(f)
}

// Wait returns nil once cond is true. It looks again after each change of the
// workspace, not in between. cond is called without any lock.
func (w *Workspace) Wait(ctx context.Context, cond func() bool) error {
	for {
		w.mu.Lock()
		changed := w.changed
		w.mu.Unlock()
		if cond() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-w.done:
			return ErrClosed
		}
	}
}

// nextTS is a message's timestamp: seconds, a dot, six digits. It is unique in
// the workspace, also for posts of the same microsecond.
func (w *Workspace) nextTS(now time.Time) string {
	w.lastTS = max(w.lastTS+1, now.UnixMicro())
	return formatTS(w.lastTS)
}

func formatTS(micro int64) string {
	return fmt.Sprintf("%d.%06d", micro/1e6, micro%1e6)
}

// nextID is an id as Slack's look: a letter and capitals.
func (w *Workspace) nextID(prefix string) string {
	w.serial++
	return fmt.Sprintf("%s0SIM%06d", prefix, w.serial)
}

// newUUID is for envelope ids.
func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// object is a JSON object that is being put together.
type object = map[string]any

// mustJSON encodes a value of which the workspace knows that it can be encoded.
func mustJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("slacksim: %v", err))
	}
	return b
}

func remove[T comparable](list []T, v T) []T {
	return slices.DeleteFunc(list, func(x T) bool { return x == v })
}
