package ecsclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// StopType says how a server is stopped.
type StopType string

const (
	// Soft asks the operating system to shut down.
	Soft StopType = "SOFT"
	// Hard pulls the plug: unsaved data is lost, and the file system may suffer.
	Hard StopType = "HARD"
)

// MaxServers is how many servers one Stop or Start may name. The cloud counts
// at most 1,000 within a minute over all calls; that budget is the caller's.
const MaxServers = 1000

// Stop asks the cloud to stop servers and returns the id of the job that does
// so. An id given twice is sent once. It sends one request and never repeats
// it; any error is an *Error, whose verdict says whether the cloud may have
// acted ("Stopping ECSs in a Batch").
func (c *Client) Stop(ctx context.Context, ids []string, how StopType) (jobID string, err error) {
	if how != Soft && how != Hard {
		return "", &Error{Op: opStop, Verdict: Refused, Err: fmt.Errorf("unknown stop type %q", how)}
	}
	return c.power(ctx, opStop, "os-stop", ids, how)
}

// Start asks the cloud to start servers. All that is said of Stop holds here too.
func (c *Client) Start(ctx context.Context, ids []string) (jobID string, err error) {
	return c.power(ctx, opStart, "os-start", ids, "")
}

type serverRef struct {
	ID string `json:"id"`
}

type powerAction struct {
	Type    StopType    `json:"type,omitempty"`
	Servers []serverRef `json:"servers"`
}

func (c *Client) power(ctx context.Context, op, action string, ids []string, how StopType) (string, error) {
	servers, err := refs(ids)
	if err != nil {
		return "", &Error{Op: op, Verdict: Refused, Err: err}
	}
	body, err := json.Marshal(map[string]powerAction{action: {Type: how, Servers: servers}})
	if err != nil {
		return "", &Error{Op: op, Verdict: Refused, Err: err}
	}
	if e := c.admit(ctx, op); e != nil {
		return "", e
	}
	var jobID string
	e := c.try(ctx, call{
		op:     op,
		method: http.MethodPost,
		path:   "/v1/" + c.projectID + "/cloudservers/action",
		body:   body,
		cap:    maxBody,
		decode: func(b []byte) (err error) {
			jobID, err = jobIDIn(b)
			return err
		},
	})
	if e != nil {
		return "", e
	}
	return jobID, nil
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
