package slacksim

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// Ids that are made up never meet those that are there, nor each other, however
// often the dice fall alike.
func TestMadeUpIDsDiffer(t *testing.T) {
	rolls := 0
	g := ids{newID: func() string { rolls++; return fmt.Sprint("x", rolls/3) }, taken: map[string]bool{}}
	button := `{"type":"button","text":{"type":"plain_text","text":"b"}}`
	blocks := `[{"type":"divider"},{"type":"divider","block_id":"x1"},{"type":"actions","elements":[` + button + `,` + button + `]},
		{"type":"container","title":{"type":"plain_text","text":"c"},"child_blocks":[{"type":"divider"},{"type":"divider"}]}]`
	filled := g.fill(json.RawMessage(blocks))
	if err := CheckBlocks(OnMessage, filled); err != nil {
		t.Errorf("%v\n%s", err, filled)
	}
	if n := strings.Count(string(filled), `_id":"x`); n != 8 {
		t.Errorf("%d ids: %s", n, filled)
	}
}
