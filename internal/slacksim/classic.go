package slacksim

import (
	"encoding/json"
	"slices"
)

// newerBlocks are the blocks of 2026, which not every workspace and client takes.
var newerBlocks = []string{"alert", "card", "carousel", "container", "data_table", "data_visualization", "layout", "plan", "task_card"}

// NewerRefused is in the answer to blocks that are refused by RefuseNewerBlocks
// alone; otherwise they are in order.
const NewerRefused = "block type is not enabled for this workspace"

// RefuseNewerBlocks makes the workspace one that does not take the blocks of 2026,
// or one that does. What was shown before stays.
func (w *Workspace) RefuseNewerBlocks(refuse bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.classic = refuse
}

// takesBlocks refuses an array of blocks with the given code if one is too new. The
// lock is held.
func (w *Workspace) takesBlocks(raw json.RawMessage, code string) error {
	var list []struct{ Type string }
	if !w.classic || json.Unmarshal(raw, &list) != nil {
		return nil
	}
	for i, b := range list {
		if slices.Contains(newerBlocks, b.Type) {
			return BlockErrors{{"/blocks/" + string(mustJSON(i)) + "/type", NewerRefused + ": " + b.Type}}.answer(code)
		}
	}
	return nil
}

// takesView is takesBlocks for a view. The lock is held.
func (w *Workspace) takesView(raw json.RawMessage) error {
	var s shape
	if json.Unmarshal(raw, &s) != nil {
		return nil
	}
	return w.takesBlocks(s.Blocks, "invalid_arguments")
}
