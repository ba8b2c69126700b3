package ecssim

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// list answers the query for servers with details. c.mu is held.
func (c *Cloud) list(q url.Values) answer {
	limit, ok1 := number(q, "limit", 25)
	page, ok2 := number(q, "offset", 1)
	if !ok1 || !ok2 || limit > 1000 {
		return ecsError(http.StatusBadRequest, "Ecs.0005", "The request parameter is invalid: limit or offset")
	}
	page, limit = max(page, 1), max(limit, 1) // offset is a page number, and 0 acts as 1

	var rows []any
	if ids := splitAll(q["server_id"]); len(ids) > 0 { // overrides all other filters
		for _, id := range ids {
			if s, ok := c.servers[id]; ok {
				rows = append(rows, c.details(s))
			} else {
				rows = append(rows, missing(id))
			}
		}
	} else {
		matches := filters(q)
		for _, id := range c.order {
			if s := c.servers[id]; !slices.ContainsFunc(matches, func(m func(*server) bool) bool { return !m(s) }) {
				rows = append(rows, c.details(s))
			}
		}
	}
	from := min((page-1)*limit, len(rows))
	shown := rows[from:min(from+limit, len(rows))]
	if shown == nil {
		shown = []any{}
	}
	return answer{status: http.StatusOK, body: map[string]any{
		"count": len(rows), "servers": shown, "request_id": newID(),
	}}
}

// number reads a parameter that may be absent.
func number(q url.Values, name string, absent int) (int, bool) {
	if !q.Has(name) {
		return absent, true
	}
	n, err := strconv.Atoi(q.Get(name))
	return n, err == nil && n >= 0 && n < 1<<30
}

// splitAll takes ids given by repeating the parameter, or with commas, or both:
// the sources differ on which it is.
func splitAll(values []string) []string {
	var out []string
	for _, v := range values {
		for id := range strings.SplitSeq(v, ",") {
			if id != "" && !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
	}
	return out
}

// statusFilter is what the status filter returns beyond the status asked for.
var statusFilter = map[string][]string{
	active:  {"REBOOT", "HARD_REBOOT", "REBUILD", "MIGRATING", "RESIZE"},
	shutoff: {"RESIZE", "REBUILD"},
}

// filters gives what a server must fulfil to be listed. Name, tags and ip are
// fuzzy, as documented, so that callers have to check again.
func filters(q url.Values) []func(*server) bool {
	var out []func(*server) bool
	add := func(name string, match func(s *server, want string) bool) {
		if want := q.Get(name); want != "" {
			out = append(out, func(s *server) bool { return match(s, want) })
		}
	}
	tagField := func(s *server) string { return strings.Join(s.Tags, ",") }
	add("name", func(s *server, want string) bool {
		// "." matches any one character; everything else matches itself.
		pattern := strings.ReplaceAll(regexp.QuoteMeta(want), `\.`, `.`)
		ok, _ := regexp.MatchString(pattern, s.Name)
		return ok
	})
	add("tags", func(s *server, want string) bool { return strings.Contains(tagField(s), want) })
	add("not-tags", func(s *server, want string) bool { return !strings.Contains(tagField(s), want) })
	add("status", func(s *server, want string) bool {
		return s.Status == want || slices.Contains(statusFilter[want], s.Status)
	})
	add("ip", func(s *server, want string) bool { return strings.Contains(s.Address, want) })
	add("ip_eq", func(s *server, want string) bool { return s.Address == want })
	add("flavor", func(s *server, want string) bool { return s.Flavor == want })
	return out
}

// missing is the entry for a server that was asked for by id and does not exist.
func missing(id string) map[string]any {
	return map[string]any{
		"id": id, "fault": map[string]any{"code": 404, "message": "Instance " + id + " could not be found."},
		"name": nil, "status": nil, "updated": nil, "created": nil, "tags": nil, "addresses": nil, "flavor": nil,
		"metadata": nil, "locked": nil, "OS-EXT-STS:task_state": nil, "OS-EXT-STS:vm_state": nil,
		"OS-EXT-AZ:availability_zone": nil, "OS-EXT-SRV-ATTR:user_data": nil,
	}
}

// show answers the query for one server. c.mu is held.
func (c *Cloud) show(id string) answer {
	s, ok := c.servers[id]
	if !ok {
		return ecsError(http.StatusNotFound, "Ecs.0114", "The ECS "+id+" does not exist.")
	}
	return answer{status: http.StatusOK, body: map[string]any{"server": c.details(s)}}
}

// UserData is what the user_data of every server decodes to. Real user data contains
// such scripts, too, so it must never be kept, logged or shown.
const UserData = "#!/bin/bash\necho 'root:$6$V6azyeLwcD3CHlpY$DO-NOT-KEEP-THIS-HASH' | chpasswd -e;\n"

// userData is what the server's user_data decodes to.
func (s *server) userData() []byte {
	data := []byte(UserData)
	if size := min(s.UserDataSize, MaxUserData); size > len(data) {
		data = append(data, bytes.Repeat([]byte("# DO-NOT-KEEP-THIS-EITHER\n"), size/26+1)...)[:size]
	}
	return data
}

// details is a server as the API shows it: with more than anybody asked for,
// and numbers as strings. c.mu is held.
func (c *Cloud) details(s *server) map[string]any {
	power := 1
	if s.Status == shutoff {
		power = 4
	}
	vpc := "8a2ff5d1-3e2c-4d5c-9f0e-2a4bd3f7c001"
	return map[string]any{
		"id": s.ID, "name": s.Name, "status": s.Status, "updated": s.Updated, "created": "2026-01-02T03:04:05Z",
		"tenant_id": c.opts.ProjectID, "description": "", "locked": s.Locked, "hostId": "c7145889b2e3202cd295ceddb1742ff8941b827b586861fd0acedf64",
		"OS-EXT-AZ:availability_zone": s.Zone,
		"OS-EXT-STS:vm_state":         s.VMState,
		"OS-EXT-STS:task_state":       orNull(s.TaskState),
		"OS-EXT-STS:power_state":      power,
		"OS-EXT-SRV-ATTR:user_data":   base64.StdEncoding.EncodeToString(s.userData()),
		"flavor":                      map[string]any{"id": s.Flavor, "name": s.Flavor, "vcpus": "2", "ram": "4096", "disk": "0"},
		"metadata":                    map[string]any{"charging_mode": s.ChargingMode, "vpc_id": vpc, "os_type": "Linux"},
		"tags":                        append([]string{}, s.Tags...),
		"sys_tags":                    []any{map[string]string{"key": "_sys_enterprise_project_id", "value": "0"}},
		"enterprise_project_id":       "0",
		"addresses": map[string]any{vpc: []any{map[string]any{
			"version": "4", "addr": s.Address, "OS-EXT-IPS:type": "fixed", "OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:00:00:01",
		}}},
	}
}
