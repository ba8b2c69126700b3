package bot_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The image has to hold the licence texts of what is linked into the program.
func TestTheImageHoldsTheLicenceOfEachModule(t *testing.T) {
	dockerfile, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(dockerfile), "sh cmd/bot/licenses.sh /image/licenses") {
		t.Error("the Dockerfile does not collect them")
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "sh", "cmd/bot/licenses.sh", dir)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "GOPROXY=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	modules := goList(t, "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}", "-deps", "./cmd/bot")
	n := 0
	for _, path := range append(modules, "go", "ecsbot") {
		if path == "" {
			continue
		}
		n++
		texts, err := filepath.Glob(filepath.Join(dir, path, "LICEN?E*"))
		if err != nil || len(texts) == 0 {
			t.Errorf("%s has no licence text: %v", path, err)
		}
	}
	if n < 12 {
		t.Errorf("only %d modules were looked at", n)
	}
}
