package ecssim

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// answer is what the cloud says to a call.
type answer struct {
	status int
	body   any // for JSON, or a string to be sent as it is
	header map[string]string
}

func ecsError(status int, code, message string) answer {
	return answer{status: status, body: map[string]any{"error": map[string]string{"code": code, "message": message}}}
}

func gatewayError(status int, code, message string) answer {
	return answer{status: status, body: map[string]string{
		"error_code": code, "error_msg": message, "request_id": newID(),
	}}
}

// Handler serves the API. It needs no path prefix.
func (c *Cloud) Handler() http.Handler { return http.HandlerFunc(c.serve) }

// request is one call on its way through the cloud.
type request struct {
	op     string
	target string // id of a job or a server
	act    action
	number int // its place among the calls
}

// route finds out what is asked for.
func (c *Cloud) route(r *http.Request, body []byte) request {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(parts) != 4 || parts[0] != "v1" {
		return request{op: "other"}
	}
	switch what := r.Method + " " + parts[2]; {
	case what == "POST cloudservers" && parts[3] == "action":
		act := actionIn(body)
		if act.op == "" {
			return request{op: "other", target: "action", act: act}
		}
		return request{op: act.op, act: act}
	case what == "GET jobs":
		return request{op: "job", target: parts[3]}
	case what == "GET cloudservers" && parts[3] == "detail":
		return request{op: "list"}
	case what == "GET cloudservers":
		return request{op: "show", target: parts[3]}
	}
	return request{op: "other"}
}

// serve takes a call from its arrival to its answer, with the fault that was
// ordered for it, if any.
func (c *Cloud) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 12<<20))
	if err != nil {
		c.write(w, gatewayError(http.StatusRequestEntityTooLarge, "APIGW.0201", "The request body is too large."))
		return
	}
	q := c.route(r, body)
	var (
		fault  Fault
		struck bool
	)
	_, fields := authorizationOf(r.Header.Get("Authorization"))
	c.do(func() {
		fault, struck = c.takeFault(q.op)
		q.number = len(c.calls)
		c.calls = append(c.calls, Call{
			Time: time.Now(), Op: q.op, Method: r.Method, Path: r.URL.RequestURI(), Body: string(body),
			IDs: q.act.ids, StopType: q.act.stopType, Fault: string(fault.Kind), Key: fields["Access"],
		})
	})
	answered := func(a answer) {
		c.finish(q, a.status)
		c.write(w, a)
	}
	lost := func() {
		c.finish(q, 0)
		cut(w)
	}
	handle := func() (a answer) {
		c.do(func() { a = c.handle(q, r, body) })
		return a
	}
	if !struck {
		answered(handle())
		return
	}
	switch fault.Kind {
	case KindStatus:
		if fault.Acts {
			handle()
		}
		answered(answer{status: fault.Status, body: fault.Body, header: fault.Header})
	case KindThrottle:
		answered(throttled(fault.Wait))
	case KindNoJobID:
		answered(ecsError(http.StatusAccepted, "Common.0024", "The request is limited by flow control."))
	case KindBrokenJSON:
		a := handle()
		text, _ := json.Marshal(a.body) // made of maps and strings
		answered(answer{status: a.status, body: string(text[:len(text)/2]), header: map[string]string{"Content-Type": "application/json"}})
	case KindResetAfter:
		handle()
		lost()
	case KindAcceptLate:
		// The request's own context may be over by then; its headers and body are not.
		c.do(func() { c.after(fault.Wait, func() { c.handle(q, r, body) }) })
		lost()
	case KindDelay:
		if !c.wait(fault.Wait) {
			lost()
			return
		}
		answered(handle())
	case KindHang:
		c.finish(q, 0)
		select {
		case <-r.Context().Done():
		case <-c.done:
		}
		cut(w)
	default: // reset_before, unreachable
		lost()
	}
}

// wait passes d, whether or not the caller still listens; false if the cloud
// was closed meanwhile.
func (c *Cloud) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.done:
		return false
	}
}

// handle does what a call asks for, if it may. c.mu is held.
func (c *Cloud) handle(q request, r *http.Request, body []byte) answer {
	if refusal := c.authenticate(r, body, time.Now()); refusal != nil {
		return *refusal
	}
	project := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(project) > 1 && project[1] != c.opts.ProjectID ||
		r.Header.Get("X-Project-Id") != "" && r.Header.Get("X-Project-Id") != c.opts.ProjectID {
		return ecsError(http.StatusBadRequest, "Ecs.0023", "The project ID in the URL is different from that of the token.")
	}
	switch q.op {
	case "job":
		return c.showJob(q.target)
	case "list":
		return c.list(r.URL.Query())
	case "show":
		return c.show(q.target)
	case "other":
		if q.target != "action" {
			return gatewayError(http.StatusNotFound, "APIGW.0101", "The API does not exist or has not been published in the environment")
		}
	}
	a, job := c.perform(q.act)
	c.calls[q.number].JobID = job
	return a
}

// finish notes the end of a call; status 0 if the caller never hears of it.
func (c *Cloud) finish(q request, status int) {
	c.do(func() {
		call := &c.calls[q.number]
		call.Status = status
		c.note(Event{Call: new(*call)})
	})
}

func (c *Cloud) write(w http.ResponseWriter, a answer) {
	w.Header().Set("Server", "api-gateway")
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Request-Id", newID())
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	text, raw := a.body.(string)
	if !raw {
		b, _ := json.Marshal(a.body) // made of maps and strings
		text = string(b)
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, text) // a caller who left is no concern of the cloud
}

// cut ends the connection without an answer, if possible with a TCP reset.
func cut(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		if errors.Is(err, http.ErrNotSupported) {
			panic(http.ErrAbortHandler) // the way to say so to net/http and to Transport
		}
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
