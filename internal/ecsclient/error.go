package ecsclient

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Verdict says what an error means for the caller's next step.
type Verdict int

const (
	// Unclear: the answer does not tell. After a stop or start the cloud may have
	// acted, so read the servers before repeating anything; after a read, just read
	// again. It is the zero value because it is the safest assumption.
	Unclear Verdict = iota
	// Refused: the cloud did nothing, and will refuse the same call again.
	Refused
	// NotAccepted: nothing was done, and the same call may succeed later.
	NotAccepted
	// Throttled: nothing was done because too much was asked in too short a time.
	Throttled
	// Authentication: the keys were not accepted. Repeating locks them: more than five
	// failures in a row lock a key for five minutes.
	Authentication
)

// String returns the verdict as a short lower-case word for a metric's label.
func (v Verdict) String() string {
	switch v {
	case Refused:
		return "refused"
	case NotAccepted:
		return "not_accepted"
	case Throttled:
		return "throttled"
	case Authentication:
		return "authentication"
	default:
		return "unclear"
	}
}

// Error is the error of every method of Client. It never contains request headers, and
// of an answer only the cloud's error text.
type Error struct {
	Op        string // "slot", "stop", "start", "job" or "list"
	Status    int    // HTTP status; 0 if no answer came
	Code      string // as "Ecs.0100" or "APIGW.0308"; may be empty
	Message   string // the cloud's error text, shortened; may be empty
	RequestID string // for Huawei's support; may be empty
	// RetryAfter is how long to wait before trying again; 0 if unknown.
	RetryAfter time.Duration
	Verdict    Verdict
	Err        error // what failed on this side of the connection; may be nil
}

// Error describes the call and its failure on one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("ecs " + e.Op)
	if e.Status != 0 {
		fmt.Fprintf(&b, ": HTTP %d", e.Status)
	}
	if e.Code != "" {
		b.WriteString(" " + e.Code)
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if e.RequestID != "" {
		b.WriteString(" (request id " + e.RequestID + ")")
	}
	return b.String()
}

// Unwrap returns Err, so that errors.Is finds a context's error.
func (e *Error) Unwrap() error { return e.Err }

// JobGone reports whether a job query failed because the cloud does not know
// the job, or no longer does: finished jobs are deleted after one day. The
// error-code page gives Common.0011 with HTTP 400; 404 is taken to mean the same.
func (e *Error) JobGone() bool {
	return e.Op == opJob && e.Code == "Common.0011" &&
		(e.Status == http.StatusBadRequest || e.Status == http.StatusNotFound)
}

// VerdictOf returns the verdict of the *Error in err's chain, and Unclear for
// any other error.
func VerdictOf(err error) Verdict {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Verdict
	}
	return Unclear
}

// busyPause is what the error-code page asks for after Ecs.0603, "another
// command is running".
const busyPause = time.Minute

// judge returns the verdict on an answer that is not a success. It follows the
// tables "ECS error codes" and "API Gateway error codes"; as the former warns
// that its HTTP statuses may be inaccurate, codes come before statuses.
//
// A 2xx gets here if it does not contain what it should: a stop without a job
// id (the flow limit Common.0024 is documented with HTTP 202) or an unreadable
// body. Then the result is unclear, whatever the code.
func judge(op string, status int, code string) Verdict {
	switch {
	case status >= 200 && status < 300:
		return Unclear
	case status == http.StatusTooManyRequests || gatewayCode(code) == "0308" || code == "Common.1503":
		return Throttled
	case status == http.StatusUnauthorized || authenticationCode(code):
		return Authentication
	case code == "Ecs.0603":
		return NotAccepted
	case status == http.StatusRequestTimeout:
		return Unclear
	case isRead(op) && (code == "Ecs.0301" || code == "Common.0025"):
		return Unclear // "the query failed", which is worth asking again
	case !isRead(op) && (belowECS(code) || inPart(code)):
		return Unclear
	case status >= 300 && status < 500:
		return Refused
	default:
		return Unclear
	}
}

// belowECS reports whether the ECS API passes on an error or timeout of a service below
// it. Such a 400 does not say whether anything was started.
func belowECS(code string) bool {
	switch code {
	case "Ecs.0000", "Ecs.0002", "Ecs.1000", "Ecs.1001", "Ecs.1002":
		return true
	}
	return false
}

// inPart reports whether a code may mean partial success: "Error Codes" in the
// appendix of the ECS API reference says of Ecs.0611 that a batch failed and to
// read its details, of Common.0021 that a sub job failed, of Common.0022 that a
// job could not be submitted, and of Common.0999 that it was terminated. None of
// them says that no server was touched.
func inPart(code string) bool {
	switch code {
	case "Ecs.0611", "Common.0021", "Common.0022", "Common.0999":
		return true
	}
	return false
}

func authenticationCode(code string) bool {
	switch gatewayCode(code) {
	case "0301", "0303", "0305", "0307":
		return true
	}
	return code == "Common.0013" || code == "Ecs.0004" || code == "Ecs.1100"
}

// gatewayCode returns the number of a gateway's code, or "". The prefix is
// APIGW on Huawei Cloud and APIG in Open Telekom Cloud and dedicated gateways.
func gatewayCode(code string) string {
	prefix, number, _ := strings.Cut(code, ".")
	if prefix == "APIGW" || prefix == "APIG" {
		return number
	}
	return ""
}
