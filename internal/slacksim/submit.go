package slacksim

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"
)

// Submit fills in the modal on top and submits it. values maps block_id and
// action_id to a string or a list of strings; what is not named keeps what FillIn
// or ClickInView entered, or its initial setting. Where the form stays open,
// values themselves are forgotten. Empty viewID means the modal on top.
//
// Like Slack's clients it refuses, with an error, to submit required fields
// empty or texts that are too short or too long. The ack's response_action is
// applied: errors, update, push, clear; none of them closes the view. Without an
// ack in time the modal stays open.
func (w *Workspace) Submit(ctx context.Context, user, viewID string, values map[string]map[string]any) (Answer, error) {
	w.mu.Lock()
	v, u, err := w.openView(user, viewID)
	if err != nil {
		w.mu.Unlock()
		return Answer{}, err
	}
	state, err := w.submission(v, values)
	if err != nil {
		w.mu.Unlock()
		return Answer{}, err
	}
	payload := w.interaction("view_submission", u)
	payload["trigger_id"] = w.newTrigger(user, v.ID)
	payload["view"] = w.viewObject(v, state)
	payload["response_urls"] = []object{}
	id := v.ID
	w.mu.Unlock()

	var refused error
	answer, err := w.deliver(ctx, "interactive", payload, func(ack json.RawMessage) { refused = w.applySubmission(user, id, ack) })
	if err == nil && answer.Acked {
		w.mu.Lock()
		err = refused
		w.mu.Unlock()
	}
	return answer, err
}

// FillIn enters values into a view without submitting them, as Submit does. The
// payloads of later clicks in the view carry them.
func (w *Workspace) FillIn(user, viewID string, values map[string]map[string]any) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	v, _, err := w.openView(user, viewID)
	if err != nil {
		return err
	}
	entered, err := w.enter(v, values)
	if err == nil {
		v.entered = entered
	}
	return err
}

// entered is what a user has entered in a view, by block_id/action_id.
type entered map[string]any

func (e element) key() string { return e.BlockID + "/" + e.ActionID }

// enter returns what a view holds once these values are entered, too. The lock
// is held.
func (w *Workspace) enter(v *View, values map[string]map[string]any) (entered, error) {
	all := entered{}
	maps.Copy(all, v.entered)
	for block, actions := range values {
		for action, value := range actions {
			e, err := v.element(block, action)
			if err != nil || block == "" {
				return nil, fmt.Errorf("slacksim: view %s has no element %q in block %q", v.ID, action, block)
			}
			if _, err := e.state(value, w.offered[v.ID+"/"+action]); err != nil {
				return nil, err
			}
			all[e.key()] = value
		}
	}
	return all, nil
}

// submission returns the state of a view with these values, or an error if it
// cannot be submitted so. The lock is held.
func (w *Workspace) submission(v *View, values map[string]map[string]any) (object, error) {
	all, err := w.enter(v, values)
	if err != nil {
		return nil, err
	}
	for _, e := range elements(v.blocks()) {
		if e.BlockType != "input" {
			continue
		}
		entry, err := e.state(all[e.key()], w.offered[v.ID+"/"+e.ActionID])
		if err != nil {
			return nil, err
		}
		if entry != nil && !e.Optional && blank(entry) {
			return nil, fmt.Errorf("slacksim: block %q must be filled in", e.BlockID)
		}
		if err := e.checkLength(all[e.key()]); err != nil {
			return nil, err
		}
	}
	return w.viewState(v, all), nil
}

// viewState is the state.values of a view into which this was entered. The lock
// is held.
func (w *Workspace) viewState(v *View, all entered) object {
	return stateOf(v.blocks(), func(e element) (any, []Option) {
		return all[e.key()], w.offered[v.ID+"/"+e.ActionID]
	})
}

// stateOf is the state.values of blocks: of each element that holds a value, what
// was given, or else what it was set to at first.
func stateOf(blocks json.RawMessage, given func(element) (any, []Option)) object {
	state := object{}
	for _, e := range elements(blocks) {
		entry, err := e.state(given(e))
		if err != nil { // it was entered before an update that took the option away
			entry, err = e.state(nil, nil)
		}
		if err != nil || entry == nil {
			continue
		}
		block, _ := state[e.BlockID].(object)
		if block == nil {
			block = object{}
			state[e.BlockID] = block
		}
		block[e.ActionID] = entry
	}
	return state
}

func (e element) checkLength(value any) error {
	text, ok := value.(string)
	if !ok || e.Type != "plain_text_input" {
		return nil
	}
	least, most := 0, 3000
	json.Unmarshal(e.Fields["min_length"], &least)
	json.Unmarshal(e.Fields["max_length"], &most)
	if n := utf8.RuneCountInString(text); n > most || n < least && n > 0 {
		return fmt.Errorf("slacksim: the text in %q must have %d to %d characters", e.BlockID, least, most)
	}
	return nil
}

// applySubmission does what the ack of a view_submission says. An error is what
// the user sees as "we had some trouble connecting". The lock is held.
func (w *Workspace) applySubmission(user, viewID string, ack json.RawMessage) error {
	v := w.views[viewID]
	stack := w.stacks[user]
	if !v.Open || len(stack) == 0 || stack[len(stack)-1] != v {
		return nil // it went while the app was thinking
	}
	var r struct {
		Action string            `json:"response_action"`
		Errors map[string]string `json:"errors"`
		View   json.RawMessage   `json:"view"`
	}
	if len(ack) > 0 {
		if err := json.Unmarshal(ack, &r); err != nil {
			return fmt.Errorf("slacksim: answer to the submission: %w", err)
		}
	}
	switch r.Action {
	case "":
		w.pop(user)
	case "clear":
		for len(w.stacks[user]) > 0 {
			w.pop(user)
		}
	case "errors":
		var inputs []string
		for _, e := range elements(v.blocks()) {
			if e.BlockType == "input" {
				inputs = append(inputs, e.BlockID)
			}
		}
		for block := range r.Errors {
			if !slices.Contains(inputs, block) {
				return fmt.Errorf("slacksim: errors name %q, which is no input block", block)
			}
		}
		if len(r.Errors) == 0 {
			return fmt.Errorf("slacksim: response_action errors without errors")
		}
		v.Errors = r.Errors
		w.tellView(ViewUpdated, v)
	case "update", "push":
		s, raw, err := readView(string(r.View), "modal")
		if err == nil {
			err = w.takesView(r.View)
		}
		switch {
		case err != nil:
			return fmt.Errorf("slacksim: response_action %s: %w", r.Action, err)
		case r.Action == "push" && len(stack) >= maxViewStack:
			return apiError("push_limit_reached")
		case r.Action == "push":
			w.pushView(user, s, raw)
		default:
			v.write(s, raw, newHash())
			w.tellView(ViewUpdated, v)
		}
	default:
		return fmt.Errorf("slacksim: unknown response_action %q", r.Action)
	}
	return nil
}

// CloseView presses the close button of the modal's view on top, which leads back
// to the view below, if there is one, or out of the modal if the view has
// clear_on_close. The app hears of it only if the view has notify_on_close;
// otherwise the Answer is empty.
func (w *Workspace) CloseView(ctx context.Context, user, viewID string) (Answer, error) {
	return w.closeViews(ctx, user, viewID, false)
}

// CloseModal presses the X, which closes all views of the modal. The app hears of
// it only if the root view has notify_on_close; otherwise the Answer is empty.
func (w *Workspace) CloseModal(ctx context.Context, user string) (Answer, error) {
	return w.closeViews(ctx, user, "", true)
}

func (w *Workspace) closeViews(ctx context.Context, user, viewID string, all bool) (Answer, error) {
	w.mu.Lock()
	v, u, err := w.openView(user, viewID)
	if err == nil && v.Type != "modal" {
		err = fmt.Errorf("slacksim: view %s is no modal", v.ID)
	}
	if err != nil {
		w.mu.Unlock()
		return Answer{}, err
	}
	all = all || v.ClearOnClose
	if all {
		v = w.views[v.RootID]
	}
	payload := w.interaction("view_closed", u)
	payload["view"], payload["is_cleared"] = w.viewObject(v, nil), all
	w.pop(user)
	for all && len(w.stacks[user]) > 0 {
		w.pop(user)
	}
	notify := v.NotifyOnClose
	w.mu.Unlock()
	if !notify {
		return Answer{}, nil
	}
	return w.deliver(ctx, "interactive", payload, nil)
}

// ViewByID returns any view that was ever opened or published.
func (w *Workspace) ViewByID(id string) (View, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if v := w.views[id]; v != nil {
		return *v, true
	}
	return View{}, false
}
