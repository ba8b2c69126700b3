package approvals

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Near returns up to n of the names that typed may stand for: first those that differ
// only in case, then those with the smallest distance. Names that are not similar are
// left out.
func Near(typed string, names []string, n int) []string {
	type candidate struct {
		name string
		away int
	}
	low := strings.ToLower(typed)
	length := utf8.RuneCountInString(low)
	most := min(3, max(1, length/3))
	var found []candidate
	for _, name := range names {
		other := strings.ToLower(name)
		apart := utf8.RuneCountInString(other) - length
		if name == typed || apart > most || -apart > most {
			continue
		}
		if d := Distance(low, other); d <= most && d < length {
			found = append(found, candidate{name, d})
		}
	}
	slices.SortFunc(found, func(a, b candidate) int { return cmp.Or(cmp.Compare(a.away, b.away), cmp.Compare(a.name, b.name)) })
	var near []string
	for _, c := range found {
		if len(near) < n && !slices.Contains(near, c.name) {
			near = append(near, c.name)
		}
	}
	return near
}

// Distance counts the letters to add, drop, change or swap with their
// neighbour to make a into b.
func Distance(a, b string) int {
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
