// Package ecsclient is a client of Huawei Cloud's Elastic Cloud Server API: it stops
// and starts servers in batches, queries jobs and lists servers.
//
// It makes four calls, signs them, and classifies their errors. The important question
// is: may the cloud have acted although a stop failed? Error.Verdict answers it. This
// package sends a stop or start once and never repeats it, and not after a time that
// the caller gives; reads are tried up to three times.
//
//	Client.Slot ──► waits for the limiter ──► Slot
//	Slot.Stop, Slot.Start ──► one try ──► job id, or a verdict:
//	    Refused, NotAccepted, Throttled, Authentication   nothing was done
//	    Unclear                                           read the servers before repeating
//
// The rules come from the ECS API reference ("Stopping ECSs in a Batch",
// "Querying Task Execution Status", "Querying Details About ECSs", "Error
// Codes") and from the API Gateway guides on signing and error codes.
package ecsclient

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/time/rate"
)

// Names of the calls, as in Error.Op and Config.Observe.
const (
	opSlot  = "slot"
	opStop  = "stop"
	opStart = "start"
	opJob   = "job"
	opList  = "list"
)

func isRead(op string) bool { return op != opStop && op != opStart }

// Config is what New needs.
type Config struct {
	Endpoint    string // "https://ecs.REGION.myhuaweicloud.com", without a path
	ProjectID   string
	Credentials Source
	// Transport carries the requests. Nil means a clone of http.DefaultTransport,
	// which takes proxies from the environment. A transport must not repeat a
	// POST by itself.
	Transport http.RoundTripper
	// Timeout bounds each try, from dialling to the last byte of the answer.
	// Zero means ten seconds.
	Timeout time.Duration
	// Limiter smooths all calls together; each try takes one token. Nil means none.
	Limiter *rate.Limiter
	// Observe is called after each try with "stop", "start", "job" or "list", and
	// with "ok" or the verdict. It may be nil, and may be called from several
	// goroutines at once.
	Observe func(op string, verdict string, d time.Duration)
}

// EndpointOf returns the public endpoint of a region, as "ap-southeast-1". Some
// clouds of the same kind (and eu-west-1xx, by some sources) have other domains; their
// endpoint has to be configured.
func EndpointOf(region string) string {
	return "https://ecs." + region + ".myhuaweicloud.com"
}

// Client calls the ECS API for one project. It is safe for concurrent use.
type Client struct {
	base      string // scheme and host
	host      string
	projectID string
	source    Source

	reads  *http.Client
	writes *http.Client

	timeout time.Duration
	listCap int64 // bytes of one page of a list
	limiter *rate.Limiter
	observe func(op string, verdict string, d time.Duration)
	lockout lockout
}

// New returns a client, or one error that names everything wrong with cfg. It
// sends nothing.
func New(cfg Config) (*Client, error) {
	var faults []error
	endpoint, err := url.Parse(cfg.Endpoint)
	switch {
	case err != nil || endpoint.Host == "" || endpoint.Scheme != "https" && endpoint.Scheme != "http":
		faults = append(faults, errors.New("ecs endpoint: want https://HOST"))
		endpoint = &url.URL{}
	case endpoint.User != nil || endpoint.Path != "" && endpoint.Path != "/" || endpoint.RawQuery != "":
		faults = append(faults, errors.New("ecs endpoint: want https://HOST and nothing more"))
	}
	if !plainID(cfg.ProjectID) {
		faults = append(faults, errors.New("ecs project id: missing or malformed"))
	}
	if cfg.Credentials == nil {
		faults = append(faults, errors.New("ecs credentials: missing"))
	}
	if keys, constant := cfg.Credentials.(fixed); constant {
		if keys.AccessKey == "" {
			faults = append(faults, errors.New("ecs access key: missing"))
		}
		if keys.SecretKey.Reveal() == "" {
			faults = append(faults, errors.New("ecs secret key: missing"))
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	reads, writes := transports(cfg.Transport)
	c := &Client{
		base:      endpoint.Scheme + "://" + endpoint.Host,
		host:      endpoint.Host,
		projectID: cfg.ProjectID,
		source:    cfg.Credentials,
		reads:     &http.Client{Transport: reads, CheckRedirect: refuseRedirect},
		writes:    &http.Client{Transport: writes, CheckRedirect: refuseRedirect},
		timeout:   cfg.Timeout,
		listCap:   maxList,
		limiter:   cfg.Limiter,
		observe:   cfg.Observe,
	}
	if c.timeout <= 0 {
		c.timeout = 10 * time.Second
	}
	return c, nil
}

// transports returns the transport for reads and the one for stops and starts. The
// latter get a new connection each: an idle one may have died unnoticed, and a request
// written into it would be unclear for no reason.
func transports(given http.RoundTripper) (reads, writes http.RoundTripper) {
	if given != nil {
		return given, given
	}
	standard, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport, http.DefaultTransport
	}
	fresh := standard.Clone()
	fresh.DisableKeepAlives = true
	return standard.Clone(), fresh
}

// refuseRedirect returns the 3xx answer itself. Following it would send a stop twice, or
// a security token to another host.
func refuseRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// sign signs a request as of the given time.
func sign(req *http.Request, body []byte, keys Credentials, now time.Time) {
	signed := map[string]string{
		"Host":         req.Host,
		"X-Project-Id": req.Header.Get("X-Project-Id"),
	}
	if token := keys.SecurityToken.Reveal(); token != "" {
		req.Header.Set("X-Security-Token", token)
		signed["X-Security-Token"] = token
	}
	req.Header.Set(dateHeader, now.UTC().Format(dateLayout))
	req.Header.Set("Authorization", authorization(keys, now, message{
		Method:  req.Method,
		Path:    req.URL.Path,
		Query:   req.URL.Query(),
		Headers: signed,
		Body:    body,
	}))
}

// plainID reports whether an id can be put into a path without escaping. Ids are UUIDs
// or 32 hex digits; other ids of letters, digits, "-" and "_" are accepted, too.
func plainID(id string) bool {
	for _, r := range id {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
		default:
			return false
		}
	}
	return id != "" && len(id) <= 64
}

// admit waits for the limiter, for credentials and for permission to use them. The
// caller must call leave when the call is over. Nothing has been sent if admit fails.
func (c *Client) admit(ctx context.Context, op string) (entry, *Error) {
	if err := c.token(ctx); err != nil {
		return entry{}, &Error{Op: op, Verdict: NotAccepted, Err: err}
	}
	for {
		keys, err := c.source.current(ctx)
		if err != nil {
			return entry{}, &Error{Op: op, Verdict: NotAccepted, Message: "not sent", Err: err}
		}
		e, pause, busy := c.lockout.enter(time.Now(), keys)
		switch {
		case pause > 0:
			return entry{}, pausedError(op, pause)
		case busy == nil:
			return e, nil
		}
		select {
		case <-busy:
		case <-ctx.Done():
			return entry{}, &Error{Op: op, Verdict: NotAccepted, Err: ctx.Err(),
				Message: "not sent: another call was checking whether the keys are accepted"}
		}
	}
}

// token takes one token of the limiter.
func (c *Client) token(ctx context.Context) error {
	if c.limiter == nil {
		return nil
	}
	return c.limiter.Wait(ctx)
}

func pausedError(op string, pause time.Duration) *Error {
	return &Error{
		Op: op, Verdict: Authentication, RetryAfter: pause,
		Message: "not sent: the keys were refused several times in a row, and more attempts would lock them; paused until " +
			time.Now().Add(pause).UTC().Format("15:04:05") + " UTC",
	}
}
