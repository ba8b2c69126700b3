package inventory

import (
	"slices"
	"testing"

	"ecsbot/internal/ecssim"
)

func TestSuggestionsAreOrderedByLikeness(t *testing.T) {
	cloud := newCloud(t, "web-10", "web-1", "old-web", "api")
	cloud.Add(ecssim.Server{ID: "ebb0c0de-0000-4000-8000-000000000000", Name: "zeta", Tags: []string{"Role=Web"}})
	inv, _ := of(t, cloud)
	for _, tt := range []struct {
		typed string
		n     int
		want  []string
	}{
		{"web", 10, []string{"web-1", "web-10", "old-web", "zeta"}}, // begins with it, has it, has it in a tag
		{" WEB ", 10, []string{"web-1", "web-10", "old-web", "zeta"}},
		{"web", 2, []string{"web-1", "web-10"}},
		{"ebb", 10, []string{"zeta"}}, // by its id
		{"0000-4000", 10, nil},        // only the beginning of an id counts
		{"", 10, []string{"api", "zeta", "web-1", "web-10", "old-web"}},
	} {
		found, err := inv.Suggest(t.Context(), tt.typed, tt.n)
		if got := namesOf(found); err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%q suggests %q, want %q (%v)", tt.typed, got, tt.want, err)
		}
	}
}
