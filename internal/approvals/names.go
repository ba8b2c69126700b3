package approvals

import (
	"cmp"
	"slices"
	"strings"
)

// NameRun is one server, or several whose names differ by their last number
// alone: "batch-1" to "batch-1500". A list of thousands is named by a few of them.
type NameRun struct {
	First string `json:"first"`
	Last  string `json:"last,omitempty"` // empty: one server
	Count int    `json:"n"`              // servers, at least 1
	Gaps  bool   `json:"gaps,omitempty"` // not every number between First and Last is meant
	ID    string `json:"id,omitempty"`   // of one server whose name another one has, too
}

// SkipCount is how many servers of a request are left out for one reason.
type SkipCount struct {
	Skip  SkipReason `json:"why"`
	Count int        `json:"n"`
	Names []NameRun  `json:"names"` // the first of them
}

// How many runs of names a request carries, and for each reason of leaving out.
const (
	namedRuns   = 10
	skippedRuns = 3
)

// shortestRun is how many names are worth to be written as a run.
const shortestRun = 3

// NameRuns names the servers in natural order.
func NameRuns(servers []Server) []NameRun {
	sorted := slices.Clone(servers)
	slices.SortFunc(sorted, CompareServers)
	type shape struct{ before, after string }
	var order []shape
	members := map[shape][]Server{}
	twice := map[string]int{}
	for _, s := range sorted {
		before, _, after := lastNumber(s.Name)
		k := shape{before, after}
		if len(members[k]) == 0 {
			order = append(order, k)
		}
		members[k] = append(members[k], s)
		twice[s.Name]++
	}
	var runs []NameRun
	for _, k := range order {
		group := members[k]
		distinct := !slices.ContainsFunc(group, func(s Server) bool { return twice[s.Name] > 1 })
		if len(group) >= shortestRun && distinct {
			runs = append(runs, runOf(group))
			continue
		}
		for _, s := range group {
			one := NameRun{First: s.Name, Count: 1}
			if twice[s.Name] > 1 {
				one.ID = s.ID
			}
			runs = append(runs, one)
		}
	}
	return runs
}

// runOf is the run of servers that are in natural order.
func runOf(group []Server) NameRun {
	run := NameRun{First: group[0].Name, Last: group[len(group)-1].Name, Count: len(group)}
	for i := 1; i < len(group); i++ {
		_, a, _ := lastNumber(group[i-1].Name)
		_, b, _ := lastNumber(group[i].Name)
		run.Gaps = run.Gaps || !follows(a, b)
	}
	return run
}

// follows reports whether b is the number after a, written in the same way.
func follows(a, b string) bool {
	next := []byte(a)
	for i := len(next) - 1; i >= 0; i-- {
		if next[i] < '9' {
			next[i]++
			return string(next) == b
		}
		next[i] = '0'
	}
	return "1"+string(next) == b
}

// lastNumber cuts a name around its last digits; number is empty if it has none.
func lastNumber(name string) (before, number, after string) {
	end := strings.LastIndexAny(name, digits) + 1
	start := end
	for start > 0 && isDigit(name[start-1]) {
		start--
	}
	return name[:start], name[start:end], name[end:]
}

const digits = "0123456789"

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// CompareServers orders by name as people do, "web-2" before "web-10", and servers
// of the same name by id.
func CompareServers(a, b Server) int {
	return cmp.Or(compareNames(a.Name, b.Name), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
}

// compareNames compares numbers in names by their value and the rest as text.
func compareNames(a, b string) int {
	for a != "" && b != "" {
		var x, y string
		if isDigit(a[0]) && isDigit(b[0]) {
			x, a = cutNumber(a)
			y, b = cutNumber(b)
			x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
			if c := cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y)); c != 0 {
				return c
			}
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

// cutNumber cuts the digits off the front of s.
func cutNumber(s string) (number, rest string) {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return s[:n], s[n:]
}

// countSkips counts the servers that are left out by reason, the most first.
func countSkips(out []LeftOut) []SkipCount {
	var all []SkipCount
	servers := map[SkipReason][]Server{}
	for _, l := range out {
		servers[l.Skip] = append(servers[l.Skip], l.Server)
	}
	for why, of := range servers {
		runs := NameRuns(of)
		all = append(all, SkipCount{Skip: why, Count: len(of), Names: runs[:min(skippedRuns, len(runs))]})
	}
	slices.SortFunc(all, func(a, b SkipCount) int { return cmp.Or(b.Count-a.Count, cmp.Compare(a.Skip, b.Skip)) })
	return all
}

// Named is how the first servers of the request are named. An older version has
// stored the first servers only.
func (l Listed) Named() []NameRun {
	if len(l.Names) > 0 {
		return l.Names
	}
	runs := NameRuns(l.Sample)
	return runs[:min(namedRuns, len(runs))]
}

// Skips counts what was left out, by reason. Of what an older version has stored it
// knows the first ones only.
func (l Listed) Skips() []SkipCount {
	if len(l.SkipCounts) > 0 {
		return l.SkipCounts
	}
	return countSkips(l.LeftOut)
}
