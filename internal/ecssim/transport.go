package ecssim

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"syscall"
)

// Transport carries requests to the cloud without any network, so that callers
// and cloud can live in one synctest bubble. The host does not matter. It
// reports to httptrace as the real one does: a fault Unreachable fails before
// there is a connection, all others after.
func (c *Cloud) Transport() http.RoundTripper { return transport{c} }

type transport struct{ cloud *Cloud }

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer func() { _ = req.Body.Close() }()
	}
	ctx := req.Context()
	trace := httptrace.ContextClientTrace(ctx)
	if trace != nil && trace.GetConn != nil {
		trace.GetConn(req.URL.Host)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
	}
	if t.cloud.unreachable(req, body) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	if trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}

	arrived := req.Clone(ctx)
	arrived.Body = io.NopCloser(bytes.NewReader(body))
	if arrived.Host == "" {
		arrived.Host = req.URL.Host
	}
	answered := make(chan *http.Response, 1)
	go func() { // ends with the handler, at the latest when the cloud is closed
		defer func() {
			if v := recover(); v != nil {
				if err, ok := v.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
					panic(v)
				}
				answered <- nil
			}
		}()
		w := &recorder{header: make(http.Header), status: http.StatusOK}
		t.cloud.serve(w, arrived)
		answered <- w.response(req)
	}()
	select {
	case resp := <-answered:
		if resp == nil {
			return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
		}
		return resp, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// unreachable reports whether the next fault for this call is Unreachable, and
// uses it up. Such a call never arrives, so it is not among the Calls.
func (c *Cloud) unreachable(r *http.Request, body []byte) (yes bool) {
	op := c.route(r, body).op
	c.do(func() {
		for _, p := range c.faults {
			if p.times > 0 && (p.op == op || p.op == "*") {
				if yes = p.fault.Kind == KindUnreachable; yes {
					p.times--
				}
				return
			}
		}
	})
	return yes
}

// recorder is a ResponseWriter that keeps the answer.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header         { return w.header }
func (w *recorder) WriteHeader(status int)      { w.status = status }
func (w *recorder) Write(b []byte) (int, error) { return w.body.Write(b) }

func (w *recorder) response(req *http.Request) *http.Response {
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Request: req,
		Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()),
	}
}
