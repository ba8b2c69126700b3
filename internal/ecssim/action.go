package ecssim

import (
	"encoding/json"
	"net/http"
	"time"
)

// maxBatch is how many servers one request may name.
const maxBatch = 1000

// action is a power action as it was asked for.
type action struct {
	op       string // "stop", "start" or "reboot"; "" if the body names none
	stopType string
	ids      []string
	fault    string // why the body cannot be accepted; "" if it can
}

// task is the task state a server shows meanwhile.
func (a action) task() string {
	switch a.op {
	case "stop":
		return "powering-off"
	case "start":
		return "powering-on"
	default:
		return "rebooting"
	}
}

// target is the status a server ends up in.
func (a action) target() string {
	if a.op == "stop" {
		return shutoff
	}
	return active
}

var opOfKey = map[string]string{"os-stop": "stop", "os-start": "start", "reboot": "reboot"}

// actionIn reads a body. The single key at the top says what to do.
func actionIn(body []byte) action {
	var top map[string]json.RawMessage
	if json.Unmarshal(body, &top) != nil || len(top) != 1 {
		return action{fault: "the request body is not valid JSON with one action"}
	}
	for key, raw := range top {
		act := action{op: opOfKey[key]}
		if act.op == "" {
			return action{fault: "unknown action " + key}
		}
		var details struct {
			Type    *string `json:"type"`
			Servers []struct {
				ID string `json:"id"`
			} `json:"servers"`
		}
		if json.Unmarshal(raw, &details) != nil || details.Servers == nil {
			act.fault = "servers is missing or malformed"
			return act
		}
		for _, s := range details.Servers {
			act.ids = append(act.ids, s.ID)
			if s.ID == "" {
				act.fault = "a server has no id"
			}
		}
		switch {
		case details.Type != nil:
			act.stopType = *details.Type
			if act.stopType != "SOFT" && act.stopType != "HARD" {
				act.fault = "type must be SOFT or HARD"
			}
		case act.op == "reboot":
			act.fault = "type is missing"
		}
		return act
	}
	return action{}
}

// perform accepts an action and starts its job, or refuses it as a whole. The
// second result is the id of that job. c.mu is held.
func (c *Cloud) perform(act action) (answer, string) {
	switch {
	case act.fault != "":
		return ecsError(http.StatusBadRequest, "Ecs.0005", "The request parameter is invalid: "+act.fault), ""
	case len(act.ids) > maxBatch:
		return ecsError(http.StatusBadRequest, "Ecs.0118", "The number of tasks in the batch exceeds the limit."), ""
	}
	if act.op != "reboot" {
		if refusal := c.admit(act.op, len(act.ids), time.Now()); refusal != nil {
			return *refusal, ""
		}
	}
	if act.op == "stop" {
		for _, id := range act.ids {
			c.stops[id]++
		}
	}
	j := c.begin(act)
	return answer{status: http.StatusOK, body: map[string]string{"job_id": j.id}}, j.id
}
