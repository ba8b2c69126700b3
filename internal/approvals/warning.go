package approvals

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Hazard is something that an approver should know before servers stop.
type Hazard string

const (
	// LooksLive: a name or tag says production.
	LooksLive Hazard = "live"
	// MayBeScaled: a name or tag hints at an Auto Scaling group, which may
	// replace a stopped member, or delete it. The cloud does not show membership.
	MayBeScaled Hazard = "scaled"
	// BilledOff: billed while it is stopped, as far as the cloud shows it.
	BilledOff Hazard = "billed"
)

// Warning is one hazard and the servers that it is about.
type Warning struct {
	Hazard Hazard   `json:"hazard"`
	Count  int      `json:"count"`
	Names  []string `json:"names"`        // the first of them
	By     []string `json:"by,omitempty"` // what hints at it: [ByName], or tags; the first of them
}

// ByName, in [Warning.By], says that the name of a server hints at the hazard.
const ByName = "name"

// warned is how many names a warning carries.
const warned = 3

// Warn finds the hazards of stopping servers, each once.
func Warn(servers []Server) []Warning {
	var all []Warning
	for _, h := range []struct {
		hazard Hazard
		has    func(Server) (has bool, by string)
	}{{LooksLive, Server.looksLive}, {MayBeScaled, Server.mayBeScaled}, {BilledOff, Server.billedOff}} {
		w := Warning{Hazard: h.hazard}
		for _, s := range servers {
			has, by := h.has(s)
			if !has {
				continue
			}
			w.Count++
			if len(w.Names) < warned {
				w.Names = append(w.Names, s.Name)
			}
			if by != "" && len(w.By) < warned && !slices.Contains(w.By, by) {
				w.By = append(w.By, by)
			}
		}
		if w.Count > 0 {
			all = append(all, w)
		}
	}
	return all
}

// looksLive reports whether a part of a tag's value or of the name says production;
// "non-prod" does not.
func (s Server) looksLive() (bool, string) {
	return s.hint(saysLive, func(tag string) bool {
		_, value, _ := strings.Cut(tag, "=")
		return saysLive(value)
	})
}

// hint reports whether a tag or the name of the server says something, and which.
func (s Server) hint(name, tag func(string) bool) (bool, string) {
	if i := slices.IndexFunc(s.Tags, tag); i >= 0 {
		return true, s.Tags[i]
	}
	if name(s.Name) {
		return true, ByName
	}
	return false, ""
}

func saysLive(text string) bool {
	before := ""
	for part := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) }) {
		switch part {
		case "prod", "prd", "live", "production":
			if !slices.Contains([]string{"non", "not", "no", "pre"}, before) {
				return true
			}
		}
		before = part
	}
	return false
}

// scaled matches names that Auto Scaling gives, and tags that people use for it. The
// two letters count only as a word of their own: "nas-1" does not match.
var scaled = regexp.MustCompile(`(?i)(^|[^\pL\pN])as-|auto.?scaling`)

func (s Server) mayBeScaled() (bool, string) {
	return s.hint(scaled.MatchString, scaled.MatchString)
}

// fullPrice matches flavors with local disks (d, i, ir) or FPGAs, and of bare metal:
// they are billed in full while they are stopped.
var fullPrice = regexp.MustCompile(`(?i)^((d|i|ir|fp)\d|physical\.)`)

// yearly is the charging mode of servers that are paid in advance.
const yearly = "1"

func (s Server) billedOff() (bool, string) {
	return s.Charge == yearly || fullPrice.MatchString(s.Flavor), ""
}
