package approvals

import (
	"slices"
	"strings"
	"time"
)

// Subject is what rules are matched with: a request, or what would be one.
type Subject struct {
	Action  Action
	Mode    Mode
	Servers []Server
}

// cutsPower reports whether servers are stopped without being asked to shut down.
func (s Subject) cutsPower() bool { return s.Action == Stop && s.Mode == Hard }

// touch is how a rule touches a server.
type touch int8

const (
	apart  touch = iota // it does not
	maybe               // by tags that are not known
	surely              // it does
)

// match is a rule that matches a subject, and how it touches each server.
type match struct {
	rule    Rule
	touched []touch
}

// match returns false if the rule does not match s at that time.
func (r Rule) match(s Subject, at time.Time) (match, bool) {
	if len(r.Actions) > 0 && !slices.Contains(r.Actions, s.Action) || r.Hard && !s.cutsPower() || !r.inHours(at) {
		return match{}, false
	}
	m := match{rule: r, touched: make([]touch, len(s.Servers))}
	patterns := lower(r.Servers)
	count := 0
	for i, server := range s.Servers {
		if m.touched[i] = r.touches(server, patterns); m.touched[i] != apart {
			count++
		}
	}
	return m, count > 0 && count > r.MoreThan
}

// touches reports how the rule touches s. Where tags are not known, a rule that
// demands something counts and an automatic one does not.
func (r Rule) touches(s Server, patterns []string) touch {
	switch {
	case len(patterns) > 0 && !isNamed(patterns, s):
		return apart
	case len(r.Tags) == 0:
		return surely
	case s.TagsUnknown && r.Auto:
		return apart
	case s.TagsUnknown:
		return maybe
	case slices.ContainsFunc(r.Tags, func(want string) bool { return !s.hasTagOrKey(want) }):
		return apart
	}
	return surely
}

// inHours reports whether one of the rule's hours contains at. In a zone that nobody
// knows it is always time to demand something, and never to be automatic.
func (r Rule) inHours(at time.Time) bool {
	return len(r.Hours) == 0 || slices.ContainsFunc(r.Hours, func(h Hours) bool {
		in, err := h.Contains(at)
		return in || err != nil && !r.Auto
	})
}

// isNamed reports whether one of the patterns, in lower case, is the server's id or fits
// its name. A rule or a protection that misses by a capital letter guards nothing.
func isNamed(patterns []string, s Server) bool {
	id, name := strings.ToLower(s.ID), strings.ToLower(s.Name)
	return slices.ContainsFunc(patterns, func(p string) bool { return p == id || Match(p, name) })
}

func lower(patterns []string) []string {
	all := make([]string, len(patterns))
	for i, p := range patterns {
		all[i] = strings.ToLower(p)
	}
	return all
}

// hasTagOrKey reports whether s has the tag, or a tag with that key.
func (s Server) hasTagOrKey(want string) bool {
	return s.HasTag(want) || slices.ContainsFunc(s.Tags, func(tag string) bool {
		key, _, _ := strings.Cut(tag, "=")
		return key == want
	})
}
