package slacksim

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

const (
	maxViewSize  = 250_000 // bytes
	maxViewStack = 3
)

// View is the current state of a modal or an App Home.
type View struct {
	ID              string            `json:"id"`
	Hash            string            `json:"hash"`
	Type            string            `json:"type"` // modal or home
	CallbackID      string            `json:"callback_id"`
	PrivateMetadata string            `json:"private_metadata"`
	ExternalID      string            `json:"external_id,omitempty"`
	Title           string            `json:"title"`
	RootID          string            `json:"root_view_id"`
	PreviousID      string            `json:"previous_view_id,omitempty"`
	User            string            `json:"user"`
	NotifyOnClose   bool              `json:"notify_on_close"`
	ClearOnClose    bool              `json:"clear_on_close"`
	Raw             json.RawMessage   `json:"raw"`              // as the app gave it, with block and action ids filled in
	Errors          map[string]string `json:"errors,omitempty"` // block_id → the error of the last submission
	Open            bool              `json:"open"`

	entered entered // since it was shown
}

// shape is what an app gives as a view.
type shape struct {
	Type            string          `json:"type"`
	Title           json.RawMessage `json:"title"`
	Blocks          json.RawMessage `json:"blocks"`
	Submit          json.RawMessage `json:"submit"`
	Close           json.RawMessage `json:"close"`
	CallbackID      string          `json:"callback_id"`
	PrivateMetadata string          `json:"private_metadata"`
	ExternalID      string          `json:"external_id"`
	ClearOnClose    bool            `json:"clear_on_close"`
	NotifyOnClose   bool            `json:"notify_on_close"`
}

// readView checks a view and returns it with ids for its blocks and elements.
func readView(raw, kind string) (shape, json.RawMessage, error) {
	var s shape
	switch {
	case raw == "":
		return s, nil, &detailedError{"invalid_arguments", []string{"[ERROR] missing required field: view"}}
	case len(raw) > maxViewSize:
		return s, nil, apiError("view_too_large")
	case json.Unmarshal([]byte(raw), &s) != nil:
		return s, nil, &detailedError{"invalid_arguments", []string{"[ERROR] failed to parse [json-pointer:/view]"}}
	}
	if problems := checkView(kind, s); len(problems) > 0 {
		return s, nil, problems.answer("invalid_arguments")
	}
	s.Blocks = withIDs(s.Blocks)
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(raw), &fields); err != nil {
		return s, nil, apiError("invalid_arguments")
	}
	fields["blocks"] = s.Blocks
	return s, mustJSON(fields), nil
}

// write puts new content into a view, which gets a new hash.
func (v *View) write(s shape, raw json.RawMessage, hash string) {
	var title struct{ Text string }
	json.Unmarshal(s.Title, &title)
	v.Type, v.CallbackID, v.PrivateMetadata, v.ExternalID = s.Type, s.CallbackID, s.PrivateMetadata, s.ExternalID
	v.Title, v.NotifyOnClose, v.ClearOnClose = title.Text, s.NotifyOnClose, s.ClearOnClose
	v.Raw, v.Hash, v.Errors = raw, hash, nil
}

// blocks are the view's blocks.
func (v *View) blocks() json.RawMessage {
	var s shape
	json.Unmarshal(v.Raw, &s)
	return s.Blocks
}

// newHash is a view's mark of its version.
func newHash() string {
	return fmt.Sprintf("%d.%s", time.Now().Unix(), newUUID()[:8])
}

// viewObject is a view as the Web API and the payloads show it.
func (w *Workspace) viewObject(v *View, values object) object {
	o := object{}
	json.Unmarshal(v.Raw, &o)
	if values == nil {
		values = object{}
	}
	maps.Copy(o, map[string]any{
		"id": v.ID, "hash": v.Hash, "team_id": w.opt.TeamID, "app_id": AppID, "bot_id": BotID,
		"app_installed_team_id": w.opt.TeamID, "root_view_id": v.RootID, "previous_view_id": nil,
		"state": object{"values": values},
	})
	if v.PreviousID != "" {
		o["previous_view_id"] = v.PreviousID
	}
	for _, key := range []string{"callback_id", "private_metadata", "external_id"} {
		if o[key] == nil {
			o[key] = ""
		}
	}
	return o
}

// useTrigger spends a trigger_id. The lock is held.
func (w *Workspace) useTrigger(id string) (*trigger, error) {
	t := w.triggers[id]
	switch {
	case t == nil:
		return nil, apiError("invalid_trigger_id")
	case t.used:
		return nil, apiError("exchanged_trigger_id")
	case time.Since(t.issued) > w.opt.TriggerLife:
		return nil, apiError("expired_trigger_id")
	}
	t.used = true
	return t, nil
}

func (w *Workspace) externalIDTaken(id string, but *View) bool {
	for _, v := range w.views {
		if v != but && v.Open && id != "" && v.ExternalID == id {
			return true
		}
	}
	return false
}

func (w *Workspace) viewsOpen(a args) (object, error) {
	s, raw, err := readView(a["view"], "modal")
	if err != nil {
		return nil, err
	}
	if w.externalIDTaken(s.ExternalID, nil) {
		return nil, apiError("duplicate_external_id")
	}
	t, err := w.useTrigger(a["trigger_id"])
	if err != nil {
		return nil, err
	}
	for len(w.stacks[t.user]) > 0 {
		w.pop(t.user) // a new modal takes the place of what was open
	}
	v := w.pushView(t.user, s, raw)
	return object{"view": w.viewObject(v, nil)}, nil
}

func (w *Workspace) viewsPush(a args) (object, error) {
	s, raw, err := readView(a["view"], "modal")
	if err != nil {
		return nil, err
	}
	if w.externalIDTaken(s.ExternalID, nil) {
		return nil, apiError("duplicate_external_id")
	}
	t, err := w.useTrigger(a["trigger_id"])
	if err != nil {
		return nil, err
	}
	switch stack := w.stacks[t.user]; {
	case t.view == "" || len(stack) == 0:
		return nil, apiError("not_found")
	case len(stack) >= maxViewStack:
		return nil, apiError("push_limit_reached")
	}
	v := w.pushView(t.user, s, raw)
	return object{"view": w.viewObject(v, nil)}, nil
}

// pushView puts a new view on top of a user's modals. The lock is held.
func (w *Workspace) pushView(user string, s shape, raw json.RawMessage) *View {
	v := &View{ID: w.nextID("V"), User: user, Open: true}
	v.RootID = v.ID
	if stack := w.stacks[user]; len(stack) > 0 {
		v.RootID, v.PreviousID = stack[0].ID, stack[len(stack)-1].ID
	}
	v.write(s, raw, newHash())
	w.views[v.ID] = v
	w.stacks[user] = append(w.stacks[user], v)
	w.tellView(ViewOpened, v)
	return v
}

// pop closes the top view of a user. The lock is held.
func (w *Workspace) pop(user string) {
	stack := w.stacks[user]
	v := stack[len(stack)-1]
	v.Open = false
	w.stacks[user] = slices.Clone(stack[:len(stack)-1])
	w.tellView(ViewClosed, v)
}

func (w *Workspace) tellView(kind string, v *View) {
	now := *v
	w.happened(Event{Kind: kind, User: v.User, View: &now})
}

func (w *Workspace) viewsUpdate(a args) (object, error) {
	var v *View
	for _, x := range w.views {
		if x.Open && (x.ID == a["view_id"] || a["external_id"] != "" && x.ExternalID == a["external_id"]) {
			v = x
		}
	}
	if v == nil || v.Type != "modal" {
		return nil, apiError("not_found")
	}
	s, raw, err := readView(a["view"], "modal")
	switch {
	case err != nil:
		return nil, err
	case a["hash"] != "" && a["hash"] != v.Hash:
		return nil, apiError("hash_conflict")
	case w.externalIDTaken(s.ExternalID, v):
		return nil, apiError("duplicate_external_id")
	}
	v.write(s, raw, newHash())
	w.tellView(ViewUpdated, v)
	return object{"view": w.viewObject(v, nil)}, nil
}

func (w *Workspace) viewsPublish(a args) (object, error) {
	user := a["user_id"]
	if w.users[user] == nil {
		return nil, apiError("user_not_found")
	}
	s, raw, err := readView(a["view"], "home")
	if err != nil {
		return nil, err
	}
	v := w.homes[user]
	if a["hash"] != "" && (v == nil || a["hash"] != v.Hash) {
		return nil, apiError("hash_conflict")
	}
	if v == nil {
		v = &View{ID: w.nextID("V"), User: user, Open: true}
		v.RootID = v.ID
		w.homes[user], w.views[v.ID] = v, v
	}
	v.write(s, raw, newHash())
	w.tellView(HomePublished, v)
	return object{"view": w.viewObject(v, nil)}, nil
}

// View returns the modal that a user has on top, if one is open.
func (w *Workspace) View(user string) (View, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if stack := w.stacks[user]; len(stack) > 0 {
		return *stack[len(stack)-1], true
	}
	return View{}, false
}

// Home returns the App Home that was last published for a user.
func (w *Workspace) Home(user string) (json.RawMessage, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if v := w.homes[user]; v != nil {
		return v.Raw, true
	}
	return nil, false
}

// HomeView is Home with its id and hash, for ClickInView.
func (w *Workspace) HomeView(user string) (View, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if v := w.homes[user]; v != nil {
		return *v, true
	}
	return View{}, false
}
