package bot_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Each file that ARCHITECTURE.md names exists: with its package where the package is
// named, else in some package.
func TestFilesOfTheArchitectureExist(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile("`([\\w./*-]+\\.(?:go|lua|json|yaml))`").FindAllStringSubmatch(string(text), -1)
	if len(names) < 50 {
		t.Fatalf("only %d files are named; the pattern is wrong", len(names))
	}
	for _, n := range names {
		name := n[1]
		dirs := []string{"..", "../..", "../../cmd/demo", "../store"}
		if !strings.Contains(name, "/") {
			dirs = []string{"../*", "../../cmd/*"}
		}
		found := false
		for _, dir := range dirs {
			matches, _ := filepath.Glob(filepath.Join(dir, name))
			found = found || len(matches) > 0
		}
		if !found {
			t.Errorf("ARCHITECTURE.md names %s, which does not exist", name)
		}
	}
}
