package slacksim

import (
	"fmt"
	"net"
	"net/http"
	"time"
)

// Fault is something that goes wrong with a call. Each says whether the call
// was carried out all the same.
type Fault struct {
	kind  string
	done  bool // the call is carried out before the fault strikes
	after time.Duration
	code  int
	name  string
}

// String names the fault.
func (f Fault) String() string { return f.kind }

var (
	// ResetBefore cuts the connection without an answer; nothing was done.
	ResetBefore = Fault{kind: "reset_before"}
	// ResetAfter carries the call out and then cuts the connection: done, but the
	// answer is lost.
	ResetAfter = Fault{kind: "reset_after", done: true}
	// Hang never answers, until the client goes away; nothing was done.
	Hang = Fault{kind: "hang"}
	// HangAfter carries the call out and then never answers.
	HangAfter = Fault{kind: "hang_after", done: true}
)

// RateLimited answers 429; nothing was done. retryAfter is rounded up to seconds.
func RateLimited(retryAfter time.Duration) Fault {
	return Fault{kind: "rate_limited", after: retryAfter}
}

// Status answers with an HTTP status and a page that is no JSON; nothing was done.
func Status(code int) Fault { return Fault{kind: "status", code: code} }

// StatusAfter is Status for a call that was carried out.
func StatusAfter(code int) Fault { return Fault{kind: "status_after", code: code, done: true} }

// Delay waits before the call is carried out and answered as usual.
func Delay(d time.Duration) Fault { return Fault{kind: "delay", after: d} }

// ErrorCode answers {"ok":false,"error":code}. Slack's internal_error and
// fatal_error may come when the call was carried out; done says if it was.
func ErrorCode(code string, done bool) Fault { return Fault{kind: "error", name: code, done: done} }

type plannedFault struct {
	method string
	times  int
	fault  Fault
}

// FailNext plans a fault for the next calls of a method: a Web API method,
// "response_url", "upload", or "*" for any of them. Faults of a method's own
// come before those of "*", and otherwise in the order in which they were planned.
func (w *Workspace) FailNext(method string, times int, f Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = append(w.faults, &plannedFault{method, times, f})
}

// ClearFaults forgets the faults that have not struck yet.
func (w *Workspace) ClearFaults() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = nil
}

// Down takes Slack down, or up again. While it is down each call gets a 503,
// sockets are cut, and nothing that people do reaches the app.
func (w *Workspace) Down(down bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = down
	if down {
		for _, c := range w.conns {
			c.leaving = true
			c.cut()
		}
	}
}

// takeFault returns the fault for a call that has arrived, zero for none.
func (w *Workspace) takeFault(method string) Fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down {
		return Status(http.StatusServiceUnavailable)
	}
	for _, name := range []string{method, "*"} {
		for _, p := range w.faults {
			if p.method == name && p.times > 0 {
				p.times--
				return p.fault
			}
		}
	}
	return Fault{}
}

// faultBefore lets a fault strike that comes before the call is carried out. It
// reports whether that was the end of the call.
func (w *Workspace) faultBefore(rw http.ResponseWriter, r *http.Request, call *Call, f Fault) bool {
	if f.done || f.kind == "" {
		return false
	}
	if f.kind == "delay" {
		w.note(call, fmt.Sprintf("delay %v", f.after))
		return !w.sleep(r.Context(), f.after)
	}
	w.strike(rw, r, call, f)
	return true
}

// strike lets a fault end a call and records it.
func (w *Workspace) strike(rw http.ResponseWriter, r *http.Request, call *Call, f Fault) {
	w.note(call, f.kind)
	switch f.kind {
	case "rate_limited":
		w.refuseRate(rw, call, f.after)
	case "status", "status_after":
		w.record(call, f.code, nil, f.kind)
		http.Error(rw, http.StatusText(f.code), f.code)
	case "error":
		w.finish(rw, call, http.StatusOK, envelopeAnswer(nil, apiError(f.name)))
	case "reset_before", "reset_after":
		w.record(call, 0, nil, f.kind)
		reset(rw)
	case "hang", "hang_after":
		w.record(call, 0, nil, f.kind)
		select {
		case <-r.Context().Done():
		case <-w.done:
		}
		reset(rw)
	}
}

func (w *Workspace) note(call *Call, fault string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	call.Fault = fault
}

// reset cuts the connection of a request, so that the client sees it break.
func reset(rw http.ResponseWriter) {
	if h, ok := rw.(http.Hijacker); ok {
		if c, _, err := h.Hijack(); err == nil {
			if tcp, ok := c.(*net.TCPConn); ok {
				tcp.SetLinger(0) // a reset, not an orderly end
			}
			c.Close()
			return
		}
	}
	panic(http.ErrAbortHandler)
}
