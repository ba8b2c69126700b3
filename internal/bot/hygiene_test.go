package bot_test

import (
	"os/exec"
	"slices"
	"testing"
)

// Slack's tokens hold long numbers, which no token of a simulation does.
func TestNoRealSecretIsCommitted(t *testing.T) {
	grep := []string{"-C", "../..", "grep", "-nE"}
	if err := exec.CommandContext(t.Context(), "git", "-C", "../..", "rev-parse").Run(); err != nil {
		grep = append(grep, "--no-index") // an unpacked archive: all its files
	}
	openFolders(t)
	for what, pattern := range map[string]string{
		"a Slack bot token": `xox[abprs]-[0-9]{9,}-`,
		"a Slack app token": `xapp-[0-9]-A[0-9A-Z]{8,}-[0-9]{9,}-`,
		"a private key":     `^-----BEGIN [A-Z ]*PRIVATE KEY-----`,
	} {
		out, err := exec.CommandContext(t.Context(), "git", append(slices.Clone(grep), "-e", pattern)...).Output()
		if e, ok := err.(*exec.ExitError); ok && e.ExitCode() == 1 {
			continue // no match
		} else if err != nil {
			t.Fatal(err)
		}
		t.Errorf("%s is committed:\n%s", what, out)
	}
}
