package bot_test

import (
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// arrows is the picture of the packages: what each imports of its siblings.
var arrows = map[string]string{
	"cmd/bot":            "internal/bot",
	"cmd/demo":           "internal/bot internal/jobs internal/store internal/approvals internal/simworld internal/slacksim internal/ecssim",
	"internal/bot":       "internal/slackapp internal/jobs internal/store internal/approvals internal/ecsclient internal/config internal/inventory internal/secret",
	"internal/slackapp":  "internal/approvals internal/command internal/secret",
	"internal/command":   "internal/approvals",
	"internal/jobs":      "internal/approvals internal/store internal/inventory internal/ecsclient internal/audit",
	"internal/inventory": "internal/approvals internal/ecsclient",
	"internal/config":    "internal/approvals",
	"internal/store":     "",
	"internal/approvals": "",
	"internal/ecsclient": "internal/secret",
	"internal/audit":     "",
	"internal/secret":    "",
	"internal/simworld":  "internal/slackapp internal/slacksim internal/ecssim", // the demo and tests live in it
	"internal/slacksim":  "",
	"internal/ecssim":    "",
	"internal/redistest": "", // only tests import it
}

// homes says which packages alone may import a library, whatever its subpackage.
var homes = map[string]string{
	"github.com/slack-go/slack":     "internal/slackapp",
	"github.com/redis/go-redis":     "internal/store internal/redistest",
	"github.com/alicebob/miniredis": "cmd/demo",
}

func TestPackagesImportOnlyAsThePictureShows(t *testing.T) {
	packages := goList(t, `{{.ImportPath}} {{join .Imports " "}}`, "./...")
	for _, line := range packages {
		path, imports, _ := strings.Cut(line, " ")
		name := strings.TrimPrefix(path, "ecsbot/")
		allowed, known := arrows[name]
		if !known {
			t.Errorf("%s is not in the picture", name)
		}
		for arrow := range strings.FieldsSeq(allowed) {
			if !hasWord(imports, "ecsbot/"+arrow) {
				t.Errorf("%s does not import %s, which the picture shows", name, arrow)
			}
		}
		for imported := range strings.FieldsSeq(imports) {
			if sibling, ok := strings.CutPrefix(imported, "ecsbot/"); ok && !hasWord(allowed, sibling) {
				t.Errorf("%s imports %s, which the picture does not show", name, sibling)
			}
			for library, home := range homes {
				if isUnder(imported, library) && !hasWord(home, name) {
					t.Errorf("%s imports %s, which belongs to %s", name, imported, home)
				}
			}
		}
		switch name[strings.LastIndex(name, "/")+1:] {
		case "util", "utils", "common", "helper", "helpers", "type", "types":
			t.Errorf("%s: name the package for what it is about", name)
		}
	}
	if len(packages) != len(arrows) {
		t.Errorf("the picture shows %d packages, there are %d", len(arrows), len(packages))
	}
}

func TestTheProgramLinksNoSimulation(t *testing.T) {
	linked := goList(t, "{{.ImportPath}}", "-deps", "./cmd/bot")
	if !slices.Contains(linked, "ecsbot/internal/jobs") {
		t.Fatal("cmd/bot does not even link jobs: this test looks in the wrong place")
	}
	for _, path := range linked {
		for _, never := range []string{"ecsbot/internal/slacksim", "ecsbot/internal/ecssim", "ecsbot/internal/simworld", "ecsbot/internal/redistest", "github.com/alicebob/miniredis"} {
			if isUnder(path, never) {
				t.Errorf("cmd/bot links %s", path)
			}
		}
	}
}

func goList(t *testing.T, format string, args ...string) []string {
	t.Helper()
	openFolders(t)
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-f", format}, args...)...)
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if e, ok := err.(*exec.ExitError); ok {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, e.Stderr)
	} else if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// openFolders opens each folder of the repository. The cache of go test does not
// see what other programs read for a test; this way it notices every change.
func openFolders(t *testing.T) {
	t.Helper()
	filepath.WalkDir("../..", func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == ".git" {
			return fs.SkipDir
		}
		return nil
	})
}

// hasWord reports whether a list of words holds one.
func hasWord(list, word string) bool { return slices.Contains(strings.Fields(list), word) }

// isUnder reports whether an import path is root or lies below it.
func isUnder(path, root string) bool { return path == root || strings.HasPrefix(path, root+"/") }
