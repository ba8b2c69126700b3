package ecsclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Statuses of a job and of its sub-jobs. Anything else (INIT, RUNNING, or a
// word not yet invented) means "not finished".
const (
	JobSucceeded = "SUCCESS"
	JobFailed    = "FAIL"
)

// Job is an asynchronous task of the cloud. SubJobs has the outcome of each server; the
// parent's status alone tells nothing about a single one.
type Job struct {
	ID, Status            string
	ErrorCode, FailReason string // empty unless the job failed
	SubJobs               []SubJob
}

// Done reports whether the job is over, with success or failure.
func (j Job) Done() bool { return j.Status == JobSucceeded || j.Status == JobFailed }

// SubJob is the part of a job that deals with one server. It may end long before
// the whole job does.
type SubJob struct {
	ID, Status, ErrorCode string
	// FailReason is the specific cause if the cloud names one
	// (errorcode_message), else its general reason.
	FailReason string
	ServerID   string
}

// ShowJob queries the status of a job ("Querying Task Execution Status"). Finished
// jobs are kept for one day; after that Error.JobGone holds.
func (c *Client) ShowJob(ctx context.Context, id string) (Job, error) {
	if !plainID(id) {
		return Job{}, &Error{Op: opJob, Verdict: Refused, Err: fmt.Errorf("malformed job id %q", brief(id, 64))}
	}
	var job Job
	err := c.read(ctx, call{
		op:   opJob,
		path: "/v1/" + c.projectID + "/jobs/" + id,
		cap:  maxBody,
		decode: whole(func(body []byte) (err error) {
			job, err = jobIn(body, id)
			return err
		}),
	})
	if err != nil {
		return Job{}, err
	}
	return job, nil
}

// wireJob is a job or a sub-job on the wire.
type wireJob struct {
	ID         text                `json:"job_id"`
	Status     text                `json:"status"`
	ErrorCode  text                `json:"error_code"`
	FailReason text                `json:"fail_reason"`
	Entities   loose[wireEntities] `json:"entities"`
}

// wireEntities contains lists for other kinds of job, hence loose.
type wireEntities struct {
	SubJobs  loose[[]loose[wireJob]] `json:"sub_jobs"`
	ServerID text                    `json:"server_id"`
	Cause    text                    `json:"errorcode_message"`
}

func jobIn(body []byte, id string) (Job, error) {
	var w wireJob
	if err := json.Unmarshal(body, &w); err != nil {
		return Job{}, errors.New("the answer is not readable JSON")
	}
	if w.Status == "" {
		return Job{}, errors.New("the answer has no status")
	}
	if w.ID != "" && string(w.ID) != id {
		return Job{}, errors.New("the answer is about another job")
	}
	job := Job{
		ID: id, Status: string(w.Status),
		ErrorCode: string(w.ErrorCode), FailReason: w.reason(),
	}
	for _, s := range w.Entities.is.SubJobs.is {
		job.SubJobs = append(job.SubJobs, s.is.sub())
	}
	// A job of a single server may name it in the parent.
	if len(job.SubJobs) == 0 && w.Entities.is.ServerID != "" {
		w.ID = text(id)
		job.SubJobs = []SubJob{w.sub()}
	}
	return job, nil
}

func (w wireJob) sub() SubJob {
	return SubJob{
		ID: string(w.ID), Status: string(w.Status),
		ErrorCode: string(w.ErrorCode), FailReason: w.reason(),
		ServerID: string(w.Entities.is.ServerID),
	}
}

// reason is the specific cause, unless the general reason contains it.
func (w wireJob) reason() string {
	general := brief(string(w.FailReason), maxMessage)
	cause := brief(string(w.Entities.is.Cause), maxMessage)
	if cause != "" && !strings.Contains(general, cause) {
		return cause
	}
	return general
}
