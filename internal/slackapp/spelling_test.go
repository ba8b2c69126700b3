package slackapp

import (
	"testing"
)

func TestNearest(t *testing.T) {
	for typed, want := range map[string]string{
		"hard": "hard", "hrad": "hard", "sfto": "soft", "dryrun": "dry-run",
		"tga": "tag", "t": "", "at": "", "force": "", "see": "", "": "", "projekt": "project",
	} {
		if got := nearest(typed, flagNames); got != want {
			t.Errorf("nearest(%q) = %q, want %q", typed, got, want)
		}
	}
}

func TestEditDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "ab", 2}, {"help", "hlep", 1}, {"kitten", "sitting", 3}, {"да", "ад", 1}} {
		if got := editDistance(test.a, test.b); got != test.want {
			t.Errorf("editDistance(%q, %q) = %d, want %d", test.a, test.b, got, test.want)
		}
	}
}
