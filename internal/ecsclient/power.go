package ecsclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// StopType says how a server is stopped.
type StopType string

const (
	// Soft asks the operating system to shut down.
	Soft StopType = "SOFT"
	// Hard cuts the power: unsaved data is lost, and the file system may be damaged.
	Hard StopType = "HARD"
)

// MaxServers is how many servers one Stop or Start may name. The cloud counts
// at most 1,000 within a minute over all calls; that budget is the caller's.
const MaxServers = 1000

// Slot is permission to stop or start servers once. All waiting is done before there is
// one, so that its holder can check that a call is still wanted, store the intent, and
// make the call at once.
type Slot struct {
	client *Client
	used   *atomic.Bool
}

// Slot waits for the limiter, and for a call that checks whether the keys are
// accepted. It fails if they are not (Authentication), or if ctx is over
// first (NotAccepted). A slot that is not used costs nothing but its token.
func (c *Client) Slot(ctx context.Context) (Slot, error) {
	if err := c.token(ctx); err != nil {
		return Slot{}, &Error{Op: opSlot, Verdict: NotAccepted, Err: err}
	}
	keys, err := c.source.current(ctx)
	if err != nil {
		return Slot{}, &Error{Op: opSlot, Verdict: NotAccepted, Message: "not sent", Err: err}
	}
	pause, err := c.lockout.wait(ctx, keys)
	if err != nil {
		return Slot{}, &Error{Op: opSlot, Verdict: NotAccepted, Err: err}
	}
	if pause > 0 {
		return Slot{}, pausedError(opSlot, pause)
	}
	return Slot{c, new(atomic.Bool)}, nil
}

// Stop asks the cloud to stop servers and returns the id of the job that does
// so ("Stopping ECSs in a Batch"). An id given twice is sent once. It makes one
// call and never repeats it; any error is an *Error, whose verdict says whether
// the cloud may have acted.
//
// The call waits only for its connection. If it has none at the time before, by the
// wall clock or by the monotonic one, nothing is sent and the verdict is NotAccepted.
func (s Slot) Stop(ctx context.Context, ids []string, how StopType, before time.Time) (jobID string, err error) {
	if how != Soft && how != Hard {
		return "", &Error{Op: opStop, Verdict: Refused, Err: fmt.Errorf("unknown stop type %q", how)}
	}
	return s.power(ctx, opStop, "os-stop", ids, how, before)
}

// Start asks the cloud to start servers. Everything else is as in Stop.
func (s Slot) Start(ctx context.Context, ids []string, before time.Time) (jobID string, err error) {
	return s.power(ctx, opStart, "os-start", ids, "", before)
}

type serverRef struct {
	ID string `json:"id"`
}

type powerAction struct {
	Type    StopType    `json:"type,omitempty"`
	Servers []serverRef `json:"servers"`
}

func (s Slot) power(ctx context.Context, op, action string, ids []string, how StopType, before time.Time) (string, error) {
	servers, err := refs(ids)
	if err != nil {
		return "", &Error{Op: op, Verdict: Refused, Err: err}
	}
	body, err := json.Marshal(map[string]powerAction{action: {Type: how, Servers: servers}})
	if err != nil {
		return "", &Error{Op: op, Verdict: Refused, Err: err}
	}
	leave, refused := s.enter(ctx, op, before)
	if refused != nil {
		return "", refused
	}
	var jobID string
	e := s.client.try(ctx, call{
		op:     op,
		method: http.MethodPost,
		path:   "/v1/" + s.client.projectID + "/cloudservers/action",
		body:   body,
		cap:    maxBody,
		before: before,
		decode: whole(func(b []byte) (err error) {
			jobID, err = jobIDIn(b)
			return err
		}),
	}, leave)
	if e != nil {
		return "", e
	}
	return jobID, nil
}

// keyPatience is how long a stop or start waits for credentials. Slot has just asked for
// them, so that they are usually there.
const keyPatience = time.Second

// enter uses the slot up. It hardly waits for what has changed since Slot returned,
// because the caller's intent would become too old.
func (s Slot) enter(ctx context.Context, op string, before time.Time) (entry, *Error) {
	if s.client == nil || s.used.Swap(true) {
		return entry{}, &Error{Op: op, Verdict: Refused, Err: errors.New("not sent: a slot is good for one call")}
	}
	if tooLateNow(before) {
		return entry{}, &Error{Op: op, Verdict: NotAccepted, Err: errTooLate}
	}
	ctx, cancel := context.WithTimeout(ctx, keyPatience)
	defer cancel()
	keys, err := s.client.source.current(ctx)
	if err != nil {
		return entry{}, &Error{Op: op, Verdict: NotAccepted, Message: "not sent", Err: err}
	}
	leave, pause, busy := s.client.lockout.enter(time.Now(), keys)
	switch {
	case pause > 0:
		return entry{}, pausedError(op, pause)
	case busy != nil:
		return entry{}, &Error{Op: op, Verdict: NotAccepted, Message: "not sent: another call is checking whether the keys are accepted"}
	}
	return leave, nil
}

// refs checks the ids and drops repetitions.
func refs(ids []string) ([]serverRef, error) {
	servers := make([]serverRef, 0, len(ids))
	seen := make(map[string]bool, len(ids))
	for _, id := range ids {
		if !plainID(id) {
			return nil, fmt.Errorf("malformed server id %q", brief(id, 64))
		}
		if !seen[id] {
			seen[id] = true
			servers = append(servers, serverRef{ID: id})
		}
	}
	switch {
	case len(servers) == 0:
		return nil, errors.New("no servers named")
	case len(servers) > MaxServers:
		return nil, fmt.Errorf("%d servers named, at most %d may be", len(servers), MaxServers)
	}
	return servers, nil
}

// jobIDIn finds the job id, the only proof that a stop or start was accepted.
func jobIDIn(body []byte) (string, error) {
	var answer struct {
		JobID text `json:"job_id"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return "", errors.New("the answer is not readable JSON")
	}
	id := strings.TrimSpace(string(answer.JobID))
	if id == "" {
		return "", errors.New("the answer names no job")
	}
	return id, nil
}
