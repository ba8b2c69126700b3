package approvals

import (
	"slices"
	"testing"
)

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "ab", 2}, {"help", "hlep", 1}, {"kitten", "sitting", 3}, {"да", "ад", 1}} {
		if got := Distance(test.a, test.b); got != test.want {
			t.Errorf("Distance(%q, %q) = %d, want %d", test.a, test.b, got, test.want)
		}
	}
}

func TestNear(t *testing.T) {
	names := []string{"web-1", "web-2", "Web-1", "web-11", "db-primary", "db-primery", "сервер-1", "x"}
	for _, tt := range []struct {
		typed string
		want  []string
	}{
		{"WEB-1", []string{"Web-1", "web-1"}},
		{"wbe-2", []string{"web-2"}},
		{"db-primray", []string{"db-primary", "db-primery"}},
		{"сервр-1", []string{"сервер-1"}},
		{"y", nil},
		{"nothing-like-it", nil},
		{"", nil},
	} {
		if got := Near(tt.typed, names, 2); !slices.Equal(got, tt.want) {
			t.Errorf("Near(%q) = %q, want %q", tt.typed, got, tt.want)
		}
	}
	if got := Near("web-3", names, 3); !slices.Equal(got, []string{"Web-1", "web-1", "web-2"}) {
		t.Errorf("Near(web-3) = %q", got)
	}
}
