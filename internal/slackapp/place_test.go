package slackapp

import "testing"

func TestPlacesInTheLineAreCounted(t *testing.T) {
	for n, want := range map[int]string{
		0: "", 1: "", 2: "2nd", 3: "3rd", 4: "4th", 11: "11th", 12: "12th", 13: "13th", 20: "20th", 21: "21st", 22: "22nd", 111: "111th", 1002: "1,002nd",
	} {
		if want != "" {
			want = "; this request is " + want + " in line"
		}
		if got := sayPlace(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
