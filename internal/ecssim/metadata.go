package ecssim

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// MetadataOptions says what the metadata service of an ECS is like. Without Cloud it
// gives keys that no cloud accepts.
type MetadataOptions struct {
	Cloud *Cloud // accepts the keys of the agency until they end
	// Life is how long keys are valid: 24 hours by default. Renew is how long before
	// their end the service gives new ones: a quarter of Life by default. The old ones
	// stay valid.
	Life, Renew time.Duration
	// NoTokens means that there is only the mode without a token (404), and
	// TokensRequired that there is only the one with a token. Otherwise there are both.
	NoTokens, TokensRequired bool
}

// Operations of the metadata service, for Metadata.FailNext and MetadataCall.Op.
const (
	MetadataToken = "token"
	MetadataKeys  = "keys"
)

// Metadata is the simulated metadata service of one ECS, which has an agency:
//
//	PUT /meta-data/latest/api/token         a token, for X-Metadata-Token-Ttl-Seconds
//	GET /openstack/latest/securitykey       temporary keys, with X-Metadata-Token
//
// It is safe for concurrent use, starts no goroutine, and is not at the address of
// the real one: it is reached by the URL at which its Handler is served.
type Metadata struct {
	opts MetadataOptions

	mu       sync.Mutex
	noAgency bool
	tokens   map[string]time.Time // when they end
	issued   []Key
	calls    []MetadataCall
	faults   []*pendingFault
}

// MetadataCall is a request that reached the metadata service.
type MetadataCall struct {
	Time   time.Time
	Op     string // MetadataToken, MetadataKeys or "other"
	Token  bool   // it had a token, valid or not
	Status int    // 0 while open, or if it got no answer
}

// NewMetadata makes a metadata service.
func NewMetadata(opts MetadataOptions) *Metadata {
	opts.Life = cmp.Or(opts.Life, 24*time.Hour)
	opts.Renew = cmp.Or(opts.Renew, opts.Life/4)
	return &Metadata{opts: opts, tokens: make(map[string]time.Time)}
}

// Handler serves the metadata service.
func (m *Metadata) Handler() http.Handler { return http.HandlerFunc(m.serve) }

// Transport carries requests to the metadata service without any network, so that it
// works in a synctest bubble. The host does not matter.
func (m *Metadata) Transport() http.RoundTripper { return metadataTransport{m} }

// Rotate makes the next answer contain new keys, whatever is left of the old ones.
func (m *Metadata) Rotate() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.issue(time.Now())
}

// ForgetTokens makes all tokens invalid.
func (m *Metadata) ForgetTokens() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.tokens)
}

// SetAgency gives the server an agency, which it has at first, or takes it away.
func (m *Metadata) SetAgency(has bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.noAgency = !has
}

// Issued returns all keys that were given, oldest first.
func (m *Metadata) Issued() []Key {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.issued)
}

// Calls returns all requests so far.
func (m *Metadata) Calls() []MetadataCall {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.calls)
}

// FailNext makes the next requests go wrong. op is MetadataToken, MetadataKeys or "*".
// Of the faults there are Status, BrokenJSON, Delay, Hang, ResetBefore and Unreachable
// (the same as ResetBefore over a network).
func (m *Metadata) FailNext(op string, times int, f Fault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults = append(m.faults, &pendingFault{op, times, f})
}

// ClearFaults takes back all faults that have not struck yet.
func (m *Metadata) ClearFaults() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults = nil
}

func (m *Metadata) serve(w http.ResponseWriter, r *http.Request) {
	op := "other"
	switch r.Method + " " + r.URL.Path {
	case "PUT /meta-data/latest/api/token":
		op = MetadataToken
	case "GET /openstack/latest/securitykey":
		op = MetadataKeys
	}
	number, fault := m.note(op, r)
	switch fault.Kind {
	case KindDelay:
		timer := time.NewTimer(fault.Wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			cut(w)
			return
		}
	case KindHang:
		<-r.Context().Done()
		cut(w)
		return
	case KindUnreachable, KindResetBefore:
		cut(w)
		return
	}
	status, body := m.answer(op, r)
	switch fault.Kind {
	case KindStatus:
		status, body = fault.Status, fault.Body
	case KindBrokenJSON:
		body = body[:len(body)/2]
	}
	m.mu.Lock()
	m.calls[number].Status = status
	m.mu.Unlock()
	for name, value := range fault.Header {
		w.Header().Set(name, value)
	}
	if strings.HasPrefix(body, "{") {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// note records a request and takes its fault.
func (m *Metadata) note(op string, r *http.Request) (number int, fault Fault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls = append(m.calls, MetadataCall{Time: time.Now(), Op: op, Token: r.Header.Get("X-Metadata-Token") != ""})
	for _, p := range m.faults {
		if p.times > 0 && (p.op == op || p.op == "*") {
			p.times--
			fault = p.fault
			break
		}
	}
	return len(m.calls) - 1, fault
}

// answer is what the service says when nothing goes wrong.
func (m *Metadata) answer(op string, r *http.Request) (status int, body string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	switch {
	case r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Via") != "":
		return http.StatusForbidden, "no proxies"
	case op == MetadataToken && !m.opts.NoTokens:
		seconds, err := strconv.Atoi(r.Header.Get("X-Metadata-Token-Ttl-Seconds"))
		if err != nil || seconds < 1 || seconds > 6*60*60 {
			return http.StatusBadRequest, "the time to live is missing or out of range"
		}
		token := newID()
		m.tokens[token] = now.Add(time.Duration(seconds) * time.Second)
		return http.StatusOK, token
	case op != MetadataKeys:
		return http.StatusNotFound, "not found"
	}
	token := r.Header.Get("X-Metadata-Token")
	if token != "" && !now.Before(m.tokens[token]) || token == "" && m.opts.TokensRequired {
		return http.StatusUnauthorized, "the token is missing or invalid"
	}
	if m.noAgency {
		return http.StatusUnauthorized, "this server has no agency"
	}
	if len(m.issued) == 0 || m.issued[len(m.issued)-1].Ends.Sub(now) <= m.opts.Renew {
		m.issue(now)
	}
	k := m.issued[len(m.issued)-1]
	b, _ := json.Marshal(map[string]any{"credential": map[string]string{ // strings only
		"access": k.AccessKey, "secret": k.SecretKey, "securitytoken": k.SecurityToken,
		"expires_at": k.Ends.UTC().Format("2006-01-02T15:04:05.000000Z"),
	}})
	return http.StatusOK, string(b)
}

// issue makes new keys. m.mu is held.
func (m *Metadata) issue(now time.Time) {
	k := Key{
		AccessKey: fmt.Sprintf("AGENCYKEY%011d", len(m.issued)+1), SecretKey: newID(), SecurityToken: newID() + newID(),
		Ends: now.Add(m.opts.Life).Truncate(time.Microsecond),
	}
	m.issued = append(m.issued, k)
	if m.opts.Cloud != nil {
		m.opts.Cloud.AddKey(k)
	}
}

type metadataTransport struct{ metadata *Metadata }

// RoundTrip implements http.RoundTripper.
func (t metadataTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	arrived := req.Clone(req.Context())
	arrived.Body = io.NopCloser(bytes.NewReader(nil))
	w := &recorder{header: make(http.Header), status: http.StatusOK}
	lost := false
	func() {
		defer func() {
			if v := recover(); v != nil {
				if v != http.ErrAbortHandler {
					panic(v)
				}
				lost = true
			}
		}()
		t.metadata.serve(w, arrived)
	}()
	switch {
	case req.Context().Err() != nil:
		return nil, req.Context().Err()
	case lost:
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	}
	return w.response(req), nil
}
