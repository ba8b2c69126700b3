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

// Server is a server as the cloud described it at one moment.
type Server struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Address string   `json:"addr,omitempty"`
	Status  string   `json:"status"`         // ACTIVE, SHUTOFF, … as the cloud says
	Task    string   `json:"task,omitempty"` // task_state; empty when idle
	Updated string   `json:"updated"`        // the cloud's stamp of the last change; compared, never parsed
	Locked  bool     `json:"locked,omitempty"`
	Tags    []string `json:"tags,omitempty"` // key=value, or a bare key
	// TagsUnknown: the cloud did not say which tags it has.
	TagsUnknown bool   `json:"tags_unknown,omitempty"`
	Flavor      string `json:"flavor,omitempty"`
	Charge      string `json:"charge,omitempty"` // "0" pay-per-use, "1" yearly/monthly, "2" spot
	// BareMetal: a physical server, which the cloud lists among the others, while
	// it is stopped and started by another API.
	BareMetal bool `json:"bm,omitempty"`
}

var serverID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// IsServerID reports whether s has the form of a server's id, in lower case as
// the cloud writes it.
func IsServerID(s string) bool { return serverID.MatchString(s) }

// IsOn reports whether the server runs and nothing is being done to it.
func (s Server) IsOn() bool { return s.Status == "ACTIVE" && s.Task == "" }

// IsOff reports whether the server is shut down and nothing is being done to it.
func (s Server) IsOff() bool { return s.Status == "SHUTOFF" && s.Task == "" }

// IsGoingOff reports whether the server is being stopped now. It still says
// ACTIVE then; only the task tells (ECS appendix "ECS statuses").
func (s Server) IsGoingOff() bool { return s.Status == "ACTIVE" && s.Task == "powering-off" }

// IsGoingOn reports whether the server is being started now.
func (s Server) IsGoingOn() bool { return s.Status == "SHUTOFF" && s.Task == "powering-on" }

// SkipReason is why a server was left out of a request or a call.
type SkipReason string

const (
	SkipOff              SkipReason = "already_off" // it is stopped
	SkipGoingOff         SkipReason = "going_off"   // somebody else is stopping it now, with unknown result
	SkipOn               SkipReason = "already_on"  // it runs
	SkipGoingOn          SkipReason = "going_on"    // somebody else is starting it now
	SkipChangedSince     SkipReason = "since"       // changed by somebody after the request had stopped it
	SkipLocked           SkipReason = "locked"      // locked in the cloud
	SkipBusy             SkipReason = "busy"        // another task is in progress
	SkipVanished         SkipReason = "vanished"    // the cloud does not list it any more
	SkipProtected        SkipReason = "protected"   // protected by the settings
	SkipBareMetal        SkipReason = "bare_metal"  // bare metal: needs another API
	SkipStopState        SkipReason = "state"       // a state that cannot be stopped from (ERROR, BUILD, …)
	SkipStartState       SkipReason = "start_state" // a state that cannot be started from
	SkipLeftOut          SkipReason = "left_out"    // an approver left it out
	SkipChangedMeanwhile SkipReason = "touched"     // it has changed since the request was made, and the store was lost meanwhile
)

// brief is what a batch keeps of a server: enough to compare it with a later read and
// to name it. The server list of the request has the rest.
func (s Server) brief() Server {
	s.Tags, s.TagsUnknown, s.Flavor, s.Charge = nil, false, "", ""
	return s
}

// LeftOut is a server that will not be stopped, and why.
type LeftOut struct {
	Server Server     `json:"server"`
	Skip   SkipReason `json:"why"`
}

// ServerList is the list of servers that a request is about. It is made with the
// request, and people approve exactly this list. It only ever becomes shorter, when an
// approver leaves some out.
type ServerList struct {
	Action  Action    `json:"action,omitempty"`
	At      time.Time `json:"at,omitzero"` // before the first server was read
	Servers []Server  `json:"servers"`
	LeftOut []LeftOut `json:"left_out,omitempty"`
}

// Digest is a short fingerprint of what is approved: action, project, mode and ids
// in the list, whatever their order. Eight hex digits of SHA-256.
func (f ServerList) Digest(project string, mode Mode) string {
	ids := make([]string, len(f.Servers))
	for i, s := range f.Servers {
		ids[i] = s.ID
	}
	slices.Sort(ids)
	h := sha256.New()
	io.WriteString(h, project+"\n"+string(mode)+"\n")
	if f.Action != Stop { // digests of stops must not change
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
	return isNamed(lower(p.Servers), s) || slices.ContainsFunc(p.Tags, s.hasTagOrKey)
}

// HasTag reports whether s has exactly the tag. This is the only rule by which tags
// are compared; the cloud's own filter is fuzzy.
func (s Server) HasTag(tag string) bool {
	return slices.ContainsFunc(s.Tags, func(t string) bool { return sameTag(t, tag) })
}

// sameTag reports whether a and b are the same tag. A tag without value is written
// "key" or "key="; any other tag equals only itself, also if its value ends in "=" as
// base64 does.
func sameTag(a, b string) bool { return bareTag(a) == bareTag(b) }

func bareTag(tag string) string {
	if key, value, _ := strings.Cut(tag, "="); value == "" {
		return key
	}
	return tag
}

// Match reports whether name fits pattern, in which * matches any characters, also
// none, and everything else matches itself.
func Match(pattern, name string) bool {
	// Not path.Match: there [ ? \ are special, and * does not match a slash.
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

// Eligible reports whether s may be stopped, when that is asked for and before it is
// sent, or why it is skipped.
func (p Protection) Eligible(s Server) (why SkipReason, ok bool) {
	switch {
	case p.Covers(s):
		return SkipProtected, false
	case s.BareMetal:
		return SkipBareMetal, false
	case s.IsOff():
		return SkipOff, false
	case s.IsGoingOff():
		return SkipGoingOff, false
	case s.Locked:
		return SkipLocked, false
	case s.Task != "":
		return SkipBusy, false
	case s.Status != "ACTIVE":
		return SkipStopState, false
	}
	return "", true
}
