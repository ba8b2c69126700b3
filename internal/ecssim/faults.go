package ecssim

import (
	"encoding/json"
	"maps"
	"net/http"
	"time"
)

// Kind says in which way a call goes wrong.
type Kind string

// Kinds of fault. "Acted" means that the call has its full effect nevertheless.
const (
	KindStatus      Kind = "status"       // an answer of one's choice; not acted, unless Fault.Acts
	KindThrottle    Kind = "throttle"     // 429 APIGW.0308; not acted
	KindNoJobID     Kind = "no_job_id"    // 202 with Common.0024 and no job id; not acted
	KindBrokenJSON  Kind = "broken_json"  // acted; the answer ends in the middle
	KindUnreachable Kind = "unreachable"  // no connection comes about, over Transport; over Handler as reset_before
	KindResetBefore Kind = "reset_before" // the connection is reset; not acted
	KindResetAfter  Kind = "reset_after"  // acted; the connection is reset before the answer
	KindAcceptLate  Kind = "accept_late"  // the connection is reset; acts only after Fault.Wait
	KindDelay       Kind = "delay"        // acted and answered, after Fault.Wait
	KindHang        Kind = "hang"         // no answer until the caller gives up; not acted
)

// Fault is something that goes wrong with one call. Make it with the functions
// and variables below.
type Fault struct {
	Kind   Kind
	Wait   time.Duration // throttle: Retry-After; accept_late and delay: how long
	Status int           // status: the answer
	Body   string
	Header map[string]string
	Acts   bool // status: the call has its effect all the same
}

// Faults without parameters.
var (
	HTML502     = Status(http.StatusBadGateway, "<html><body><h1>502 Bad Gateway</h1></body></html>", map[string]string{"Content-Type": "text/html"})
	NoJobID     = Fault{Kind: KindNoJobID}
	BrokenJSON  = Fault{Kind: KindBrokenJSON}
	Unreachable = Fault{Kind: KindUnreachable}
	ResetBefore = Fault{Kind: KindResetBefore}
	ResetAfter  = Fault{Kind: KindResetAfter}
	Hang        = Fault{Kind: KindHang}
)

// Status answers as given; the call is not acted on.
func Status(code int, body string, header map[string]string) Fault {
	return Fault{Kind: KindStatus, Status: code, Body: body, Header: maps.Clone(header)}
}

// Refuse answers with an error in the usual shape of the ECS service.
func Refuse(status int, code, message string) Fault {
	body, _ := json.Marshal(ecsError(status, code, message).body) // strings only
	return Status(status, string(body), nil)
}

// Throttle answers as the gateway does to too many requests. Retry-After is
// left out if it is zero, as the real gateway may.
func Throttle(retryAfter time.Duration) Fault {
	return Fault{Kind: KindThrottle, Wait: retryAfter}
}

// AcceptLate cuts the connection at once, and acts when d has passed.
func AcceptLate(d time.Duration) Fault { return Fault{Kind: KindAcceptLate, Wait: d} }

// Delay acts and answers after d.
func Delay(d time.Duration) Fault { return Fault{Kind: KindDelay, Wait: d} }

type pendingFault struct {
	op    string
	times int
	fault Fault
}

// FailNext makes the next calls go wrong. op is "stop", "start", "reboot",
// "job", "list", "show", or "*" for any. Faults for one op are used up in the
// order in which they were given.
func (c *Cloud) FailNext(op string, times int, f Fault) {
	c.do(func() { c.faults = append(c.faults, &pendingFault{op, times, f}) })
}

// ClearFaults takes back all faults that have not struck yet, of calls and of
// jobs; servers keep theirs.
func (c *Cloud) ClearFaults() {
	c.do(func() { c.faults, c.failJobs, c.stuck = nil, nil, 0 })
}

// takeFault finds the fault for a call. c.mu is held.
func (c *Cloud) takeFault(op string) (Fault, bool) {
	for _, p := range c.faults {
		if p.times > 0 && (p.op == op || p.op == "*") {
			p.times--
			return p.fault, true
		}
	}
	return Fault{}, false
}
