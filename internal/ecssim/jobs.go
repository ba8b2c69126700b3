package ecssim

import (
	"net/http"
	"time"
)

// job is an action on several servers; part is what it does to one of them.
type job struct {
	id, status string
	failure
	begin, end time.Time
	parts      []*part
	open       int // parts that have not ended
	lag        time.Duration
	stuck      bool
}

type part struct {
	id, server, status string
	failure
	cause      string // errorcode_message
	begin, end time.Time
}

const (
	running   = "RUNNING"
	succeeded = "SUCCESS"
	failed    = "FAIL"
)

// VanishJob makes the cloud forget a job; asking for it gives Common.0011. The
// servers go on regardless.
func (c *Cloud) VanishJob(id string) {
	c.do(func() { delete(c.jobs, id) })
}

// VanishJobs makes the cloud forget all jobs so far.
func (c *Cloud) VanishJobs() {
	c.do(func() { clear(c.jobs) })
}

// FailJob makes the next job fail as a whole: it is accepted, and then nothing
// is done to any server.
func (c *Cloud) FailJob(code, reason string) {
	c.do(func() { c.failJobs = append(c.failJobs, failure{code, reason}) })
}

// StickJobs makes the next n jobs stay RUNNING without end, while their servers are
// stopped or started.
func (c *Cloud) StickJobs(n int) {
	c.do(func() { c.stuck = n })
}

// begin starts a job. c.mu is held.
func (c *Cloud) begin(act action) *job {
	now := time.Now()
	j := &job{id: newID(), status: "INIT", begin: now}
	c.jobs[j.id] = j
	if c.stuck > 0 {
		c.stuck--
		j.stuck = true
	}
	if len(c.failJobs) > 0 {
		j.failure = c.failJobs[0]
		c.failJobs = c.failJobs[1:]
		c.working(c.jobTime("")/4, func() { c.end(j) })
		return j
	}
	for _, id := range act.ids {
		p := &part{id: newID(), server: id, status: running, begin: now}
		j.parts = append(j.parts, p)
		j.open++
	}
	for _, p := range j.parts {
		takes := c.jobTime(p.server)
		if act.stopType == "HARD" {
			takes /= 4
		}
		// The parent closes some time after its last part; a recorded one took a
		// quarter longer.
		j.lag = max(j.lag, takes/4)
		c.work(j, p, act, takes)
	}
	c.working(j.lag/10, func() {
		if j.status == "INIT" {
			j.status = running
		}
	})
	if len(j.parts) == 0 { // an empty list is accepted, as a recording shows
		c.working(c.jobTime("")/4, func() { c.end(j) })
	}
	return j
}

// work begins one part and arranges for its end. c.mu is held.
func (c *Cloud) work(j *job, p *part, act action, takes time.Duration) {
	s, ok := c.servers[p.server]
	if f := objection(s, ok, act); f != nil {
		// It takes a moment until the cloud finds out.
		c.working(takes/10, func() { c.endPart(j, p, f) })
		return
	}
	s.TaskState = act.task()
	if act.op == "reboot" {
		s.Status = "REBOOT"
	}
	c.touch(s)
	touched := s.touched
	c.working(takes, func() {
		s, ok := c.servers[p.server]
		switch {
		case !ok:
			c.endPart(j, p, &failure{"Ecs.0114", "The ECS does not exist."})
		case s.touched != touched && s.Status == act.target():
			c.endPart(j, p, nil) // a person did it in the console meanwhile
		case s.touched != touched:
			c.endPart(j, p, &failure{"Ecs.0100", "The ECS status was changed by another operation."})
		case s.stuck:
		case s.fail != nil:
			if act.op == "start" {
				s.set(shutoff)
			} else {
				s.set(active)
			}
			c.touch(s)
			c.endPart(j, p, s.fail)
		default:
			s.set(act.target())
			c.touch(s)
			c.endPart(j, p, nil)
		}
	})
}

// objection is why an action on a server fails straight away; nil if it does not.
// The codes are those of the error-code page.
func objection(s *server, exists bool, act action) *failure {
	switch {
	case !exists, s.bareMetal(): // the latter is an assumption
		return &failure{"Ecs.0114", "The ECS does not exist."}
	case s.Locked:
		return &failure{"Ecs.0605", "The ECS is locked."}
	case s.TaskState != "":
		return &failure{"Ecs.0603", "Another command is being executed on the ECS (task state " + s.TaskState + "). Try again after 1 minute."}
	case act.op == "start" && s.Status != shutoff, act.op != "start" && s.Status != active:
		return &failure{"Ecs.0100", "The ECS status " + s.Status + " does not meet the requirements."}
	}
	return nil
}

// endPart ends one part, and after a while the whole job with the last one.
// c.mu is held.
func (c *Cloud) endPart(j *job, p *part, f *failure) {
	p.status, p.end = succeeded, time.Now()
	if f != nil {
		p.status, p.cause = failed, f.reason
		p.failure = failure{f.code, "The operation on the ECS failed."}
	}
	j.open--
	if j.open == 0 {
		c.working(j.lag, func() { c.end(j) })
	}
}

// end closes a job and arranges for it to be forgotten. c.mu is held.
func (c *Cloud) end(j *job) {
	if j.stuck {
		return
	}
	j.status, j.end = succeeded, time.Now()
	if j.code != "" {
		j.status = failed
	}
	for _, p := range j.parts {
		if p.status == failed {
			j.status = failed
			j.failure = failure{"Common.0021", "A sub job failed."}
		}
	}
	c.after(c.opts.JobRetention, func() { delete(c.jobs, j.id) })
}

// showJob answers the job query. c.mu is held.
func (c *Cloud) showJob(id string) answer {
	j, ok := c.jobs[id]
	if !ok {
		return answer{status: http.StatusBadRequest, body: map[string]string{
			"code": "Common.0011", "message": "The job does not exist: " + id,
		}}
	}
	parts := make([]any, 0, len(j.parts))
	for _, p := range j.parts {
		entities := map[string]any{"server_id": p.server}
		if p.cause != "" {
			entities["errorcode_message"] = p.cause
		}
		parts = append(parts, map[string]any{
			"job_id": p.id, "job_type": "serverActions", "status": p.status,
			"begin_time": stamp(p.begin), "end_time": stamp(p.end),
			"error_code": orNull(p.code), "fail_reason": orNull(p.reason),
			"entities": entities,
		})
	}
	return answer{status: http.StatusOK, body: map[string]any{
		"job_id": j.id, "job_type": "serversAction", "status": j.status,
		"begin_time": stamp(j.begin), "end_time": stamp(j.end),
		"error_code": j.whenFailed(j.code), "fail_reason": j.whenFailed(j.reason),
		"entities": map[string]any{"sub_jobs_total": len(parts), "sub_jobs": parts},
	}}
}

// whenFailed hides s until the job has failed.
func (j *job) whenFailed(s string) any {
	if j.status != failed {
		return nil
	}
	return orNull(s)
}

func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
