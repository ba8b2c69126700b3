package approvals

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Mode is how servers are stopped. The bot never escalates from soft to hard.
type Mode string

const (
	// Soft asks the guest system to shut down.
	Soft Mode = "SOFT"
	// Hard cuts the power; unsaved data is lost.
	Hard Mode = "HARD"
)

// Server is a server as the cloud showed it at one moment.
type Server struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Address string   `json:"addr,omitempty"`
	Status  string   `json:"status"`         // ACTIVE, SHUTOFF, … as the cloud says
	Task    string   `json:"task,omitempty"` // task_state; empty when idle
	Updated string   `json:"updated"`        // the cloud's stamp of the last change; compared, never parsed
	Locked  bool     `json:"locked,omitempty"`
	Tags    []string `json:"tags,omitempty"` // key=value, or a bare key
	Flavor  string   `json:"flavor,omitempty"`
	Charge  string   `json:"charge,omitempty"` // "0" pay-per-use, "1" yearly/monthly, "2" spot
	// BareMetal: a physical server, which the cloud lists among the others, while
	// it is stopped and started by another API.
	BareMetal bool `json:"bm,omitempty"`
}

var serverID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// IsServerID reports whether s has the form of a server's id, in lower case as
// the cloud writes it.
func IsServerID(s string) bool { return serverID.MatchString(s) }

// On reports whether the server runs and nothing is being done to it.
func (s Server) On() bool { return s.Status == "ACTIVE" && s.Task == "" }

// Off reports whether the server is shut down and nothing is being done to it.
func (s Server) Off() bool { return s.Status == "SHUTOFF" && s.Task == "" }

// GoingOff reports whether the server is being stopped now. It still says
// ACTIVE then; only the task tells (ECS appendix "ECS statuses").
func (s Server) GoingOff() bool { return s.Status == "ACTIVE" && s.Task == "powering-off" }

// GoingOn reports whether the server is being started now.
func (s Server) GoingOn() bool { return s.Status == "SHUTOFF" && s.Task == "powering-on" }

// Why says for what reason a server was left out.
type Why string

const (
	AlreadyOff Why = "already_off" // it is stopped
	GoingOff   Why = "going_off"   // somebody else is stopping it right now; how that ends is not ours to say
	AlreadyOn  Why = "already_on"  // it runs
	GoingOn    Why = "going_on"    // somebody else is starting it right now
	Since      Why = "since"       // changed by somebody after the request had stopped it
	IsLocked   Why = "locked"      // the cloud refuses to touch it
	IsBusy     Why = "busy"        // something else is being done to it
	Vanished   Why = "vanished"    // the cloud does not show it any more
	Protected  Why = "protected"   // the settings forbid it
	IsMetal    Why = "bare_metal"  // it belongs to another API
	Unstopped  Why = "state"       // a state that cannot be stopped from (ERROR, BUILD, …)
	Unstarted  Why = "start_state" // a state that cannot be started from
	Touched    Why = "touched"     // somebody changed it since the request was made, and the store was lost meanwhile
)

// brief is what a batch keeps of a server: enough to compare it with a later
// look and to name it. The list of the request has the rest.
func (s Server) brief() Server {
	s.Tags, s.Flavor, s.Charge = nil, "", ""
	return s
}

// LeftOut is a server that will not be stopped, and why.
type LeftOut struct {
	Server Server `json:"server"`
	Why    Why    `json:"why"`
}

// Frozen is what was asked for, down to the servers. It is made once, when the
// request is made, and never changed: what is approved is this list.
type Frozen struct {
	Action  Action    `json:"action,omitempty"`
	At      time.Time `json:"at,omitzero"` // before the first of the servers was read
	Servers []Server  `json:"servers"`
	LeftOut []LeftOut `json:"left_out,omitempty"`
}

// Digest is a short fingerprint of what is approved: action, project, mode and ids
// in the list, whatever their order. Eight hex digits of SHA-256.
func (f Frozen) Digest(project string, mode Mode) string {
	ids := make([]string, len(f.Servers))
	for i, s := range f.Servers {
		ids[i] = s.ID
	}
	slices.Sort(ids)
	h := sha256.New()
	io.WriteString(h, project+"\n"+string(mode)+"\n")
	if f.Action != Stop { // what it always was for a stop stays so
		io.WriteString(h, string(f.Action)+"\n")
	}
	io.WriteString(h, strings.Join(ids, "\n"))
	return hex.EncodeToString(h.Sum(nil)[:4])
}

// Protection names servers that must never be stopped.
type Protection struct {
	Servers []string // ids, exact names, or name patterns with *
	Tags    []string // key, or key=value
}

// Covers reports whether s is protected. Names are compared without regard to
// case: a protection that misses by a capital letter protects nothing.
func (p Protection) Covers(s Server) bool {
	for _, pat := range p.Servers {
		if strings.EqualFold(pat, s.ID) || Match(strings.ToLower(pat), strings.ToLower(s.Name)) {
			return true
		}
	}
	for _, want := range p.Tags {
		hasKey := func(tag string) bool { key, _, _ := strings.Cut(tag, "="); return key == want }
		if s.HasTag(want) || slices.ContainsFunc(s.Tags, hasKey) {
			return true
		}
	}
	return false
}

// HasTag reports whether s has exactly the tag.
func (s Server) HasTag(tag string) bool {
	return slices.ContainsFunc(s.Tags, func(t string) bool { return sameTag(t, tag) })
}

// sameTag reports whether a and b are the same tag. A tag without value is
// written "key" or "key="; any other is equal to itself alone, also if its value
// ends in "=" as base64 does.
func sameTag(a, b string) bool { return bareTag(a) == bareTag(b) }

func bareTag(tag string) string {
	if key, value, _ := strings.Cut(tag, "="); value == "" {
		return key
	}
	return tag
}

// Match reports whether name fits pattern, in which * stands for any
// characters, also none, and everything else for itself.
func Match(pattern, name string) bool {
	// Not path.Match: to it [ ? \ mean something, and its * stops at a slash.
	parts := strings.Split(pattern, "*")
	last := len(parts) - 1
	if last == 0 {
		return pattern == name
	}
	name, ok := strings.CutPrefix(name, parts[0])
	for _, part := range parts[1:last] {
		if ok {
			_, name, ok = strings.Cut(name, part)
		}
	}
	return ok && strings.HasSuffix(name, parts[last])
}

// Sort says what may be done with s when a stop is asked for or about to be
// sent: ok, or the reason to leave it out.
func (p Protection) Sort(s Server) (why Why, ok bool) {
	switch {
	case p.Covers(s):
		return Protected, false
	case s.BareMetal:
		return IsMetal, false
	case s.Off():
		return AlreadyOff, false
	case s.GoingOff():
		return GoingOff, false
	case s.Locked:
		return IsLocked, false
	case s.Task != "":
		return IsBusy, false
	case s.Status != "ACTIVE":
		return Unstopped, false
	}
	return "", true
}
