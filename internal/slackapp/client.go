package slackapp

import (
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slack-go/slack"
)

// client calls Slack's Web API. The parts of an [App] share it, with the settings.
type client struct {
	cfg     Config
	log     *slog.Logger
	metrics *Metrics

	desk  Desk
	api   *slack.Client
	calls doer
	me    atomic.Pointer[slack.AuthTestResponse]
	links linkCache
	form  blockForm

	mu    sync.Mutex
	quiet map[string]time.Time // method → Slack wants no call before; guarded by mu
}

func newClient(c Config, desk Desk) *client {
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
	return &client{
		cfg: c, log: c.Log, metrics: c.Metrics,
		desk: desk, calls: calls,
		api: slack.New(c.BotToken.Reveal(), opts...),
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
