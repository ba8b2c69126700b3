package slackapp

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"ecsbot/internal/slacksim"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"
)

var update = flag.Bool("update", false, "write the files of testdata that a test compares with")

// golden compares v with testdata/<name>.json, which can be pasted into Slack's
// Block Kit Builder. go test -update writes the file.
func golden(t *testing.T, name string, v any) {
	t.Helper()
	var got bytes.Buffer
	enc := json.NewEncoder(&got)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", filepath.FromSlash(name)+".json")
	if *update {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, got.Bytes(), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s has changed; if that is right, run go test -update (-want +got):\n%s", path, diff)
	}
}

// goldenModal compares a modal with testdata/views/<name>.json.
func goldenModal(t *testing.T, name string, v slack.ModalViewRequest) {
	t.Helper()
	checkModal(t, v)
	golden(t, "views/"+name, v)
}

// goldenBlocks compares what a message or a Home shows.
func goldenBlocks(t *testing.T, surface slacksim.Surface, name string, blocks []slack.Block) {
	t.Helper()
	drawn(t, surface, blocks)
	shown := map[string]any{"blocks": blocks}
	if surface == slacksim.OnHome {
		shown["type"] = "home"
	}
	golden(t, name, shown)
}
