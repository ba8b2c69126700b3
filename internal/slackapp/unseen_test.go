package slackapp

import "testing"

// Two names that look alike must not differ by what cannot be seen.
func TestWhatCannotBeSeenIsTakenOut(t *testing.T) {
	for _, unseen := range []string{
		"\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u034f", "\u115f", "\u3164", "\ufe0f", "\u202e", "\u2066", "\U000e0041",
	} {
		if got := withoutControls("web" + unseen + "-1"); got != "web-1" {
			t.Errorf("of %q there is %q", unseen, got)
		}
	}
	for _, seen := range []string{"Größe-1", "サーバー", "web 1", "😀", "नमस्ते"} {
		if got := withoutControls(seen); got != seen {
			t.Errorf("%q became %q", seen, got)
		}
	}
}
