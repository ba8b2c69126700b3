package command

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
