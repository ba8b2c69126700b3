package jobs

import (
	"slices"
	"testing"

	"ecsbot/internal/approvals"
	"ecsbot/internal/ecssim"
)

// A person who names a tag stops the servers that bear it, and no others: a
// value may end in "=", as base64 does.
func TestATagChoosesOnlyServersThatBearIt(t *testing.T) {
	w := newWorld(t)
	w.cloud.Add(
		ecssim.Server{ID: "padded", Tags: []string{"hash=Zm8="}}, ecssim.Server{ID: "plain", Tags: []string{"hash=Zm8"}},
		ecssim.Server{ID: "bare", Tags: []string{"hash"}}, ecssim.Server{ID: "empty", Tags: []string{"hash="}},
		ecssim.Server{ID: "both", Tags: []string{"hash=Zm8=", "env=dev"}},
	)
	e := w.opened()
	for _, tt := range []struct {
		tags, want []string
	}{
		{[]string{"hash=Zm8="}, []string{"both", "padded"}},
		{[]string{"hash=Zm8"}, []string{"plain"}},
		{[]string{"hash"}, []string{"bare", "empty"}},
		{[]string{"hash="}, []string{"bare", "empty"}},
		{[]string{"env=dev", "hash=Zm8="}, []string{"both"}},
		{[]string{"env=dev", "hash=Zm8"}, nil},
	} {
		found, _, err := e.Servers(t.Context(), approvals.Ask{Op: "op", By: anna, Tags: tt.tags})
		var got []string
		for _, s := range found {
			got = append(got, s.Name)
		}
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("--tag %q chooses %q, want %q (%v)", tt.tags, got, tt.want, err)
		}
	}
}
