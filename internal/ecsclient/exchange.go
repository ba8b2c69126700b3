package ecsclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Caps on the bodies read, in bytes.
const (
	maxBody = 1 << 20
	// maxList is for lists, which are decoded as they arrive. A server may carry
	// 43,692 characters of user data and about as much of everything else, so a
	// page of 200 can have 17 MiB; usually it has less than one.
	maxList = 32 << 20
	maxHead = 16 << 10 // size up to which a list is kept for an error text
)

// call is one call of the API.
type call struct {
	op, method, path string
	query            url.Values
	body             []byte
	cap              int64
	// decode reads the body of a 2xx answer. Its error means that the answer
	// does not contain what it should.
	decode func(io.Reader) error
	// before is the latest time at which the transport may start to write the body;
	// zero means no limit.
	before time.Time
}

// try sends q once. It returns nil or an *Error with its verdict.
func (c *Client) try(ctx context.Context, q call, leave entry) *Error {
	defer leave.leave()
	began := time.Now()
	e := c.exchange(ctx, q, leave)
	if c.observe != nil {
		verdict := "ok"
		if e != nil {
			verdict = e.Verdict.String()
		}
		c.observe(q.op, verdict, time.Since(began))
	}
	return e
}

func (c *Client) exchange(ctx context.Context, q call, leave entry) *Error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var sent sending
	body := newOutgoing(q.body, q.before)
	req, err := c.request(sent.watch(ctx), q, body, leave.keys)
	if err != nil {
		return &Error{Op: q.op, Verdict: Refused, Err: err}
	}
	if err := ctx.Err(); err != nil {
		return &Error{Op: q.op, Verdict: NotAccepted, Err: err}
	}
	carrier := c.reads
	if !isRead(q.op) {
		carrier = c.writes
		defer body.giveUpInTime(cancel)()
	}
	resp, err := carrier.Do(req)
	var e *Error
	if err != nil {
		e = &Error{Op: q.op, Verdict: Unclear, Err: withoutURL(err)}
	} else {
		defer func() { _ = resp.Body.Close() }()
		e = c.answer(q, resp, leave)
	}
	if e != nil && e.Verdict == Unclear {
		if unread := q.body != nil && body.giveUp(); unread || err != nil && sent.surelyNot() {
			e.Verdict = NotAccepted
		}
		if body.late() {
			e.Err = errTooLate
		}
	}
	return e
}

// request builds and signs the request. Each try gets a new one, because a signature is
// valid for 15 minutes only, and the keys may have been replaced.
func (c *Client) request(ctx context.Context, q call, body *outgoing, keys Credentials) (*http.Request, error) {
	address := c.base + q.path
	if len(q.query) > 0 {
		address += "?" + encodeQuery(q.query)
	}
	req, err := http.NewRequestWithContext(ctx, q.method, address, nil)
	if err != nil {
		return nil, withoutURL(err)
	}
	// Without GetBody the transport cannot send a body a second time. For the
	// same reason there is no Idempotency-Key header: with it net/http may repeat a
	// POST.
	if q.body != nil {
		req.Body, req.ContentLength = body, int64(len(q.body))
	}
	req.Header.Set("User-Agent", "ecsbot")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("X-Project-Id", c.projectID)
	if q.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	sign(req, q.body, keys, time.Now())
	return req, nil
}

// answer decodes a successful response and judges any other.
func (c *Client) answer(q call, resp *http.Response, leave entry) *Error {
	limited := &io.LimitedReader{R: resp.Body, N: q.cap + 1}
	good := resp.StatusCode >= 200 && resp.StatusCode < 300
	head := head{most: maxBody}
	if good && q.op == opList {
		head.most = maxHead
	}
	body := io.TeeReader(limited, &head)
	var readErr error
	if good {
		readErr = q.decode(body)
		if readErr == nil && limited.N > 0 {
			c.passed(leave)
			return nil
		}
	}
	if _, err := io.Copy(io.Discard, body); err != nil {
		readErr = err // more exact than the error of decoding
	}
	if limited.N <= 0 {
		readErr = fmt.Errorf("the answer is larger than %d bytes", q.cap)
	}

	f := readFault(head.kept)
	e := &Error{
		Op:         q.op,
		Status:     resp.StatusCode,
		Code:       f.code,
		Message:    f.message,
		RequestID:  f.requestID,
		RetryAfter: retryAfter(resp.Header.Get("Retry-After"), time.Now()),
		Verdict:    judge(q.op, resp.StatusCode, f.code),
		Err:        readErr,
	}
	if id := resp.Header.Get("X-Request-Id"); id != "" {
		e.RequestID = brief(id, 128)
	}
	if e.Code == "" && e.Message == "" && e.Err == nil {
		e.Message = fmt.Sprintf("no error text in the answer (%d bytes of %q)",
			q.cap+1-limited.N, brief(resp.Header.Get("Content-Type"), 64))
	}
	if e.Verdict == NotAccepted && e.RetryAfter == 0 {
		e.RetryAfter = busyPause
	}
	switch {
	case e.Verdict == Authentication:
		c.lockout.failed(time.Now(), leave)
		if c.source.refused(leave.keys) {
			e.Verdict, e.RetryAfter = NotAccepted, replacedPause
		}
	case e.Status < 500 && e.Code != "" && gatewayCode(e.Code) == "":
		c.passed(leave) // the service itself answered, so the gateway accepted the keys
	}
	return e
}

// replacedPause is how long to wait after a refusal of keys that are being replaced. Then
// the new ones are known, if they are complete.
const replacedPause = time.Second

// passed notes that the keys of a call were accepted.
func (c *Client) passed(e entry) {
	c.lockout.passed(e)
	c.source.accepted(e.keys)
}

// longestPause is the longest Retry-After that is accepted. The cloud's own limits are
// per minute; a longer pause comes from a proxy, and would stop all submissions for no
// good reason.
const longestPause = 5 * time.Minute

// retryAfter reads a Retry-After header: seconds, or a date relative to now.
func retryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if seconds, err := strconv.Atoi(header); err == nil {
		return min(time.Duration(min(max(seconds, 0), 24*60*60))*time.Second, longestPause)
	}
	if at, err := http.ParseTime(header); err == nil {
		return min(max(at.Sub(now), 0), longestPause)
	}
	return 0
}

// withoutURL removes the *url.Error that net/http wraps around every error: Error.Op
// says what was called, and the address would only repeat the ids.
func withoutURL(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

// sending observes how far a request got.
type sending struct {
	asked, connected atomic.Bool
}

func (s *sending) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { s.asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { s.connected.Store(true) },
	})
}

// surelyNot reports whether the request was certainly not sent: the transport
// was looking for a connection and never had one (DNS, dial, proxy, TLS, or
// the context ended meanwhile). From the moment it has one, another goroutine
// may be writing. A transport that reports nothing proves nothing.
func (s *sending) surelyNot() bool {
	return s.asked.Load() && !s.connected.Load()
}

// head keeps what is written to it, up to a size; beyond it keeps nothing. Error texts
// are short; a page of servers is dropped, with the user data in it.
type head struct {
	most int
	kept []byte
	over bool
}

func (h *head) Write(p []byte) (int, error) {
	if h.over = h.over || len(h.kept)+len(p) > h.most; h.over {
		h.kept = nil
	} else {
		h.kept = append(h.kept, p...)
	}
	return len(p), nil
}
