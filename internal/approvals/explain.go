package approvals

import "time"

// Explanation is which rules apply to servers, and what each demands.
type Explanation struct {
	Demand
	Touched  [][]Server // by each of the rules
	Defaults []Server   // need the policy's approvers
	Auto     []Server   // need no approval
}

// Explain tells what a request for s would have to satisfy. Without rules all servers
// need the policy's approvers.
func (pol Policy) Explain(s Subject, at time.Time) Explanation {
	e := Explanation{Demand: pol.Demand(s, at)}
	matches := pol.matches(s, at)
	for _, m := range matches {
		var touched []Server
		for i, server := range s.Servers {
			if m.touched[i] != apart {
				touched = append(touched, server)
			}
		}
		e.Touched = append(e.Touched, touched)
	}
	for i, server := range s.Servers {
		switch auto, byDefault := standing(s, matches, i); {
		case byDefault:
			e.Defaults = append(e.Defaults, server)
		case auto:
			e.Auto = append(e.Auto, server)
		}
	}
	return e
}
