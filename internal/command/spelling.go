package command

import (
	"unicode/utf8"

	"ecsbot/internal/approvals"
)

// nearest returns the candidate at most two slips away from what was typed,
// or "". Where two slips would be all there is, nothing is near.
func nearest(typed string, candidates []string) string {
	found, best := "", 3
	for _, c := range candidates {
		if len(typed) > len(c)*4+8 {
			continue // too long to be near; spares the work
		}
		d := approvals.Distance(typed, c)
		if d < best && d < utf8.RuneCountInString(typed) && d < len(c)-1 {
			found, best = c, d
		}
	}
	return found
}
