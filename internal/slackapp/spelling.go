package slackapp

import (
	"unicode/utf8"
)

// nearest returns the candidate at most two slips away from what was typed,
// or "". Where two slips would be all there is, nothing is near.
func nearest(typed string, candidates []string) string {
	found, best := "", 3
	for _, c := range candidates {
		if len(typed) > len(c)*4+8 {
			continue // too long to be near; spares the work
		}
		d := editDistance(typed, c)
		if d < best && d < utf8.RuneCountInString(typed) && d < len(c)-1 {
			found, best = c, d
		}
	}
	return found
}

// editDistance counts the letters to add, drop, change or swap with their
// neighbour to make a into b.
func editDistance(a, b string) int {
	x, y := []rune(a), []rune(b)
	d := make([][]int, len(x)+1)
	for i := range d {
		d[i] = make([]int, len(y)+1)
		d[i][0] = i
	}
	for j := range y {
		d[0][j+1] = j + 1
	}
	for i := range x {
		for j := range y {
			change := d[i][j]
			if x[i] != y[j] {
				change++
			}
			d[i+1][j+1] = min(change, d[i][j+1]+1, d[i+1][j]+1)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				d[i+1][j+1] = min(d[i+1][j+1], d[i-1][j-1]+1)
			}
		}
	}
	return d[len(x)][len(y)]
}
