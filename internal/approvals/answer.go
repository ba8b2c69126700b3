package approvals

import "slices"

// answer is what is known of a yes-or-no question. The order is from no to yes, so that
// the least of several answers holds for all of them, and the greatest for any.
type answer int8

const (
	no answer = iota
	cannotTell
	yes
)

// among reports whether p is on the list, by id or by a group.
func (p Person) among(list []string) answer {
	on := func(ids []string) bool {
		return slices.ContainsFunc(list, func(id string) bool { return slices.Contains(ids, id) })
	}
	switch {
	case slices.Contains(list, p.ID) || on(p.Groups):
		return yes
	case on(p.UnknownGroups):
		return cannotTell
	}
	return no
}

// unsure is the refusal of p because a group of the list cannot be read.
func (p Person) unsure(rule string, list []string) *Refusal {
	var groups []string
	for _, id := range list {
		if slices.Contains(p.UnknownGroups, id) {
			groups = append(groups, id)
		}
	}
	return &Refusal{Kind: CannotTell, Rule: rule, Groups: groups}
}
