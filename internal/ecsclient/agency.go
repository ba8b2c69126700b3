package ecsclient

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"ecsbot/internal/secret"
)

// AgencyConfig is what Agency needs. The zero value is right on an ECS.
type AgencyConfig struct {
	// Metadata is the base address of the metadata service, for tests. Empty means the
	// address that every ECS of the cloud has.
	Metadata string
	// Transport carries the requests, for tests. Nil means one without a proxy.
	Transport http.RoundTripper
	// Log gets a line for each new problem, and one when it is over. Nil means
	// slog.Default().
	Log *slog.Logger
}

// Agency is a source of temporary keys: those that the metadata service of an ECS gives
// for the agency of this server. It asks for new ones in the course of a request, an
// hour before the old ones end, and one request at a time; meanwhile the others use the
// old ones. If that fails, the old ones are used until they end.
//
// The service has two modes. Agency uses the one with a token. Where there is no such
// mode (404 or 405, by which the SDKs of Huawei Cloud know it) it asks without a token,
// but not where a token was refused, and never again once it has had one.
func Agency(cfg AgencyConfig) Source {
	a := &agency{
		base: strings.TrimSuffix(cmp.Or(cfg.Metadata, "http://169.254.169.254"), "/"),
		log:  cfg.Log,
	}
	if a.log == nil {
		a.log = slog.Default()
	}
	transport := cfg.Transport
	if transport == nil {
		// A proxy would be asked for its own keys. The calls are hours apart, so that
		// there is nothing to keep alive.
		transport = &http.Transport{DialContext: (&net.Dialer{Timeout: metadataPatience}).DialContext, DisableKeepAlives: true}
	}
	a.http = &http.Client{Transport: transport, CheckRedirect: refuseRedirect}
	return a
}

const (
	tokenPath = "/meta-data/latest/api/token"
	keyPath   = "/openstack/latest/securitykey"
	// tokenLife is what the SDKs of Huawei Cloud ask for. Each refresh gets a new token.
	tokenLife = 6 * time.Hour
	// metadataPatience is the time for one refresh, which makes two calls on the same
	// machine.
	metadataPatience = 4 * time.Second
	// refreshBefore is how long before their end keys are replaced, if they live long
	// enough: a quarter of their life otherwise. The service has new ones six hours
	// before the end of the old ones, which live 24 hours.
	refreshBefore = time.Hour
	// refreshRetry is the longest pause after a refresh that failed.
	refreshRetry = time.Minute
	noKeysRetry  = 2 * time.Second
	maxMetadata  = 64 << 10
)

// agency implements Source.
type agency struct {
	base string
	http *http.Client
	log  *slog.Logger

	mu      sync.Mutex
	keys    Credentials
	ends    time.Time     // of keys; zero before there are any
	due     time.Time     // when to ask for others
	asking  chan struct{} // closed when the request that asks is done; nil: none asks
	err     error         // why the last refresh failed; nil if it did not
	doubted time.Time     // when refused keys last made a refresh due
	tokens  bool          // the service has given a token
}

func (a *agency) current(ctx context.Context) (Credentials, error) {
	for {
		keys, asking, mine, err := a.enter(time.Now())
		switch {
		case err != nil || asking == nil:
			return keys, err
		case mine:
			a.refresh(ctx)
		default:
			select {
			case <-asking:
			case <-ctx.Done():
			}
		}
		if ctx.Err() != nil {
			return a.stillGood(ctx.Err())
		}
	}
}

// enter decides what a request does: it uses the keys, it fails, it asks for keys
// (mine), or it waits until another request has done so.
func (a *agency) enter(now time.Time) (keys Credentials, asking chan struct{}, mine bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	good := now.Before(a.ends)
	switch {
	case good && (a.asking != nil || now.Before(a.due)):
		return a.keys, nil, false, nil
	case a.asking != nil:
		return Credentials{}, a.asking, false, nil
	case !good && now.Before(a.due):
		return Credentials{}, nil, false, a.err
	}
	a.asking = make(chan struct{})
	return Credentials{}, a.asking, true, nil
}

// stillGood returns the keys if they have not ended, and otherwise the error of a
// request that could not wait for others.
func (a *agency) stillGood(err error) (Credentials, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if time.Now().Before(a.ends) {
		return a.keys, nil
	}
	return Credentials{}, fmt.Errorf("no keys of the agency yet: %w", err)
}

// refresh asks for keys and notes the result.
func (a *agency) refresh(ctx context.Context) {
	keys, ends, err := a.ask(ctx)
	a.mu.Lock()
	defer a.mu.Unlock()
	close(a.asking)
	a.asking = nil
	now := time.Now()
	if err == nil && !now.Before(ends) {
		err = errors.New("the metadata service gave keys of the agency that have ended; check this machine's clock")
	}
	switch {
	case err != nil && ctx.Err() != nil: // the request was given up, which says nothing of the service
	case err != nil:
		left := a.ends.Sub(now)
		a.due = now.Add(min(max(left/10, time.Second), refreshRetry))
		if left <= 0 {
			a.due = now.Add(noKeysRetry)
		}
		a.failed(ctx, err, left)
	default:
		if a.err != nil {
			a.log.InfoContext(ctx, "the metadata service gives keys of the agency again")
		}
		a.keys, a.ends, a.err = keys, ends, nil
		a.due = ends.Add(-min(refreshBefore, ends.Sub(now)/4))
	}
}

// failed notes a refresh that failed, and logs it if it fails in another way than the
// one before. a.mu is held.
func (a *agency) failed(ctx context.Context, err error, left time.Duration) {
	said := a.err != nil && problem(a.err) == problem(err)
	a.err = err
	switch {
	case left <= 0 && (!said || !a.ends.IsZero()):
		a.ends = time.Time{} // so that their end is logged once
		a.log.ErrorContext(ctx, "there are no keys of the agency: nothing can be sent to the cloud", "err", err)
	case left > 0 && !said:
		a.log.WarnContext(ctx, "the keys of the agency are not renewed; the old ones are used until they end", "ends", a.ends.UTC().Format(time.RFC3339), "err", err)
	}
}

// problem is an error without its details in brackets, such as a port, which differ from
// time to time.
func problem(err error) string {
	text, _, _ := strings.Cut(err.Error(), " (")
	return text
}

func (a *agency) accepted(Credentials) {}

// refused makes a refresh due, at most once a minute: the agency may be another one now.
func (a *agency) refused(keys Credentials) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	if !a.keys.equal(keys) || !now.Before(a.ends) {
		return true
	}
	if now.Sub(a.doubted) < refreshRetry {
		return false
	}
	a.doubted, a.due = now, now
	return true
}

// ask gets keys from the metadata service.
func (a *agency) ask(ctx context.Context) (Credentials, time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, metadataPatience)
	defer cancel()
	token, err := a.token(ctx)
	if err != nil {
		return Credentials{}, time.Time{}, err
	}
	header := http.Header{}
	if token != "" {
		header.Set("X-Metadata-Token", token)
	}
	status, body, err := a.call(ctx, http.MethodGet, keyPath, header)
	switch {
	case err != nil:
		return Credentials{}, time.Time{}, err
	case status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusNotFound:
		return Credentials{}, time.Time{}, fmt.Errorf("the metadata service has no keys for this server (HTTP %d); give the server an agency for ECS that may list, stop and start servers", status)
	case status != http.StatusOK:
		return Credentials{}, time.Time{}, fmt.Errorf("the metadata service does not give keys of the agency (HTTP %d)", status)
	}
	return keysIn(body)
}

// token returns a token of the metadata service; none where it has no such mode.
func (a *agency) token(ctx context.Context) (string, error) {
	header := http.Header{"X-Metadata-Token-Ttl-Seconds": {strconv.Itoa(int(tokenLife.Seconds()))}}
	status, body, err := a.call(ctx, http.MethodPut, tokenPath, header)
	if err != nil {
		return "", err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch status {
	case http.StatusOK:
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		if a.tokens {
			return "", fmt.Errorf("the metadata service gives no token any more (HTTP %d); it is not asked without one", status)
		}
		return "", nil
	case http.StatusUnauthorized, http.StatusForbidden:
		return "", fmt.Errorf("the metadata service refuses to give a token (HTTP %d) and is not asked without one; check the server's metadata options and its firewall", status)
	default:
		return "", fmt.Errorf("the metadata service does not give a token (HTTP %d)", status)
	}
	token := strings.TrimSpace(string(body))
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", errors.New("the metadata service gave a token that cannot be one")
	}
	a.tokens = true
	return token, nil
}

// call calls the metadata service. Its errors contain nothing of the answer.
func (a *agency) call(ctx context.Context, method, path string, header http.Header) (status int, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, a.base+path, nil)
	if err != nil {
		return 0, nil, errors.New("the address of the metadata service is malformed")
	}
	req.Header = header
	req.Header.Set("User-Agent", "ecsbot")
	resp, err := a.http.Do(req)
	if err != nil {
		return 0, nil, a.silent(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxMetadata+1))
	switch {
	case err != nil:
		return 0, nil, a.silent(err)
	case len(body) > maxMetadata:
		return 0, nil, fmt.Errorf("the answer of the metadata service has more than %d bytes", maxMetadata)
	}
	return resp.StatusCode, body, nil
}

func (a *agency) silent(err error) error {
	return fmt.Errorf("the metadata service at %s does not answer (%w); only an ECS of the cloud has one, and a container on it must be able to reach it", a.base, withoutURL(err))
}

// keysIn reads the answer with the keys. Its errors contain nothing of it.
func keysIn(body []byte) (Credentials, time.Time, error) {
	var answer struct {
		Credential struct {
			Access        string `json:"access"`
			Secret        string `json:"secret"`
			SecurityToken string `json:"securitytoken"`
			ExpiresAt     string `json:"expires_at"`
		} `json:"credential"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return Credentials{}, time.Time{}, errors.New("the metadata service gave keys that are not readable JSON")
	}
	c := answer.Credential
	if c.Access == "" || c.Secret == "" || c.SecurityToken == "" {
		return Credentials{}, time.Time{}, errors.New("the metadata service gave incomplete keys")
	}
	ends, err := time.Parse(time.RFC3339, c.ExpiresAt)
	if err != nil {
		return Credentials{}, time.Time{}, errors.New("the metadata service does not say when the keys end")
	}
	return Credentials{AccessKey: c.Access, SecretKey: secret.New(c.Secret), SecurityToken: secret.New(c.SecurityToken)}, ends, nil
}
