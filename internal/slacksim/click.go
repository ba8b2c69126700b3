package slacksim

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"time"
)

// Click presses a button of a message, an ephemeral one included. It fails if
// the user cannot see the message or the button is not in it (any more).
func (w *Workspace) Click(ctx context.Context, user, channel, ts, actionID string) (Answer, error) {
	return w.click(ctx, user, channel, ts, actionID, nil)
}

// ClickForged is a click on a button that has another value, or that is not in
// the message (any more). Slack itself does not send this; a stale client or a
// wrong assumption may look like it.
func (w *Workspace) ClickForged(ctx context.Context, user, channel, ts, actionID, value string) (Answer, error) {
	return w.click(ctx, user, channel, ts, actionID, &value)
}

func (w *Workspace) click(ctx context.Context, user, channel, ts, actionID string, forged *string) (Answer, error) {
	w.mu.Lock()
	u, c, err := w.place(user, channel)
	if err != nil {
		w.mu.Unlock()
		return Answer{}, err
	}
	m := w.visible(c, user, ts)
	if m == nil {
		w.mu.Unlock()
		return Answer{}, fmt.Errorf("slacksim: no message %s in %s for %s", ts, channel, user)
	}
	e, ok := element{Type: "button", ActionID: actionID, BlockID: "forged"}, false
	for _, x := range elements(m.Blocks) {
		if x.ActionID == actionID {
			e, ok = x, true
		}
	}
	if forged != nil {
		e.Value = *forged
	} else if !ok {
		w.mu.Unlock()
		return Answer{}, fmt.Errorf("slacksim: message %s has no element %q", ts, actionID)
	}
	action, err := w.action(e, e.Value, nil)
	if err != nil {
		w.mu.Unlock()
		return Answer{}, err
	}
	ephemeral := m.EphemeralTo != ""
	r := w.newResponseURL(&responseURL{user: user, channel: channel, thread: m.ThreadTS, message: ts, ephem: ephemeral})
	container := object{"type": "message", "message_ts": ts, "channel_id": channel, "is_ephemeral": ephemeral}
	if m.ThreadTS != "" {
		container["thread_ts"] = m.ThreadTS
	}
	payload := w.interaction("block_actions", u)
	payload["container"] = container
	payload["channel"] = object{"id": channel, "name": c.Name}
	payload["trigger_id"] = w.newTrigger(user, "")
	payload["response_url"] = w.base + "/response/" + r.id
	payload["state"] = object{"values": stateOf(m.Blocks, func(x element) (any, []Option) {
		if x.key() == e.key() {
			return e.Value, nil
		}
		return nil, nil
	})}
	payload["actions"] = []object{action}
	if !ephemeral {
		payload["message"] = w.messageObject(m, true)
	}
	w.mu.Unlock()
	return w.deliver(ctx, "interactive", payload, nil)
}

// visible returns a message that a user can see, or nil. The lock is held.
func (w *Workspace) visible(c *channel, user, ts string) *Message {
	if m := c.message(ts); m != nil {
		return m
	}
	for _, m := range w.private {
		if m.Channel == c.ID && m.EphemeralTo == user && m.TS == ts && !m.Deleted {
			return m
		}
	}
	return nil
}

// interaction begins the payload of an interaction.
func (w *Workspace) interaction(kind string, u *User) object {
	return object{
		"type": kind, "api_app_id": AppID, "token": "sim", "enterprise": nil, "is_enterprise_install": false,
		"team": object{"id": w.opt.TeamID, "domain": w.opt.TeamDomain},
		"user": object{"id": u.ID, "username": u.Name, "name": u.Name, "team_id": u.TeamID},
	}
}

// action is one entry of the payload's actions. The lock is held.
func (w *Workspace) action(e element, value any, offered []Option) (object, error) {
	o := object{
		"type": e.Type, "action_id": e.ActionID, "block_id": e.BlockID,
		"action_ts": formatTS(time.Now().UnixMicro()),
	}
	if e.Type == "button" {
		o["value"] = value
		for _, key := range []string{"text", "style", "url"} {
			if e.Fields[key] != nil {
				o[key] = e.Fields[key]
			}
		}
		return o, nil
	}
	state, err := e.state(value, offered)
	if err != nil {
		return nil, err
	}
	maps.Copy(o, state)
	return o, nil
}

// ClickInView presses a button, or chooses an option, in a modal or in the App
// Home. An empty value takes a button's own; an empty viewID means the modal on
// top. An input block without dispatch_action sends the app nothing;
// see FillIn.
func (w *Workspace) ClickInView(ctx context.Context, user, viewID, actionID, value string) (Answer, error) {
	w.mu.Lock()
	v, u, err := w.openView(user, viewID)
	if err != nil {
		w.mu.Unlock()
		return Answer{}, err
	}
	e, err := v.element("", actionID)
	if err != nil {
		w.mu.Unlock()
		return Answer{}, err
	}
	if e.BlockType == "input" && !e.Dispatch {
		w.mu.Unlock()
		return Answer{}, fmt.Errorf("slacksim: input block %q does not dispatch actions", e.BlockID)
	}
	if value == "" {
		value = e.Value
	}
	action, err := w.action(e, value, w.offered[v.ID+"/"+actionID])
	if err != nil {
		w.mu.Unlock()
		return Answer{}, err
	}
	if e.Type != "button" {
		all, err := w.enter(v, map[string]map[string]any{e.BlockID: {actionID: value}})
		if err != nil {
			w.mu.Unlock()
			return Answer{}, err
		}
		v.entered = all
	}
	payload := w.interaction("block_actions", u)
	payload["container"] = object{"type": "view", "view_id": v.ID}
	payload["trigger_id"] = w.newTrigger(user, v.ID)
	payload["view"] = w.viewObject(v, w.viewState(v, v.entered))
	payload["actions"] = []object{action}
	w.mu.Unlock()
	return w.deliver(ctx, "interactive", payload, nil)
}

// openView returns a view that a user has before the eyes. The lock is held.
func (w *Workspace) openView(user, viewID string) (*View, *User, error) {
	u := w.users[user]
	if u == nil {
		return nil, nil, fmt.Errorf("slacksim: no user %q", user)
	}
	if h := w.homes[user]; h != nil && h.ID == viewID {
		return h, u, nil
	}
	if stack := w.stacks[user]; len(stack) > 0 {
		if top := stack[len(stack)-1]; viewID == "" || top.ID == viewID {
			return top, u, nil
		}
	}
	return nil, nil, fmt.Errorf("slacksim: %s has no view %q on top", user, viewID)
}

// element finds an element of a view. An empty blockID means any block.
func (v *View) element(blockID, actionID string) (element, error) {
	for _, e := range elements(v.blocks()) {
		if e.ActionID == actionID && (blockID == "" || e.BlockID == blockID) {
			return e, nil
		}
	}
	return element{}, fmt.Errorf("slacksim: view %s has no element %q", v.ID, actionID)
}

// Shortcut uses a global shortcut.
func (w *Workspace) Shortcut(ctx context.Context, user, callbackID string) (Answer, error) {
	w.mu.Lock()
	u := w.users[user]
	if u == nil {
		w.mu.Unlock()
		return Answer{}, fmt.Errorf("slacksim: no user %q", user)
	}
	payload := w.interaction("shortcut", u)
	payload["callback_id"], payload["trigger_id"] = callbackID, w.newTrigger(user, "")
	payload["action_ts"] = formatTS(time.Now().UnixMicro())
	w.mu.Unlock()
	return w.deliver(ctx, "interactive", payload, nil)
}

// MessageShortcut uses a shortcut on a message.
func (w *Workspace) MessageShortcut(ctx context.Context, user, channel, ts, callbackID string) (Answer, error) {
	w.mu.Lock()
	u, c, err := w.place(user, channel)
	if err != nil {
		w.mu.Unlock()
		return Answer{}, err
	}
	m := c.message(ts)
	if m == nil {
		w.mu.Unlock()
		return Answer{}, fmt.Errorf("slacksim: no message %s in %s", ts, channel)
	}
	r := w.newResponseURL(&responseURL{user: user, channel: channel})
	payload := w.interaction("message_action", u)
	payload["callback_id"], payload["trigger_id"] = callbackID, w.newTrigger(user, "")
	payload["channel"] = object{"id": channel, "name": c.Name}
	payload["message"], payload["message_ts"] = w.messageObject(m, true), ts
	payload["response_url"] = w.base + "/response/" + r.id
	payload["action_ts"] = formatTS(time.Now().UnixMicro())
	w.mu.Unlock()
	return w.deliver(ctx, "interactive", payload, nil)
}

// OpenHome opens the app's Home tab, which sends app_home_opened. An app that
// does not subscribe to it hears nothing, and the Answer is empty.
func (w *Workspace) OpenHome(ctx context.Context, user string) (Answer, error) {
	w.mu.Lock()
	if w.users[user] == nil {
		w.mu.Unlock()
		return Answer{}, fmt.Errorf("slacksim: no user %q", user)
	}
	event := object{
		"type": "app_home_opened", "user": user, "channel": w.direct(user).ID, "tab": "home",
		"event_ts": formatTS(time.Now().UnixMicro()),
	}
	if v := w.homes[user]; v != nil {
		event["view"] = w.viewObject(v, nil)
	}
	wanted := w.subscribed("app_home_opened")
	w.mu.Unlock()
	if !wanted {
		return Answer{}, nil
	}
	return w.SendEvent(ctx, event)
}

// Option is a choice that the app offered for an external select.
type Option struct {
	Text        string `json:"text"`
	Value       string `json:"value"`
	Description string `json:"description,omitempty"`
}

func (o Option) object() object {
	x := object{"text": object{"type": "plain_text", "text": o.Text, "emoji": true}, "value": o.Value}
	if o.Description != "" {
		x["description"] = object{"type": "plain_text", "text": o.Description, "emoji": true}
	}
	return x
}

// wireOption is an option as the app writes it.
type wireOption struct {
	Text        struct{ Text string } `json:"text"`
	Value       string                `json:"value"`
	Description struct{ Text string } `json:"description"`
}

// Suggest types text into an external select and returns what the app offers.
// What it offers can then be chosen in Submit and ClickInView.
func (w *Workspace) Suggest(ctx context.Context, user, viewID, blockID, actionID, text string) ([]Option, error) {
	w.mu.Lock()
	v, u, err := w.openView(user, viewID)
	if err != nil {
		w.mu.Unlock()
		return nil, err
	}
	e, err := v.element(blockID, actionID)
	if err == nil && e.Type != "external_select" && e.Type != "multi_external_select" {
		err = fmt.Errorf("slacksim: %q is a %s", actionID, e.Type)
	}
	least := 3
	if raw := e.Fields["min_query_length"]; raw != nil {
		json.Unmarshal(raw, &least)
	}
	if err == nil && len([]rune(text)) < least {
		err = fmt.Errorf("slacksim: %q asks only from %d characters on", actionID, least)
	}
	if err != nil {
		w.mu.Unlock()
		return nil, err
	}
	payload := w.interaction("block_suggestion", u)
	payload["container"] = object{"type": "view", "view_id": v.ID}
	payload["view"] = w.viewObject(v, nil)
	payload["action_id"], payload["block_id"], payload["value"] = e.ActionID, e.BlockID, text
	w.mu.Unlock()

	answer, err := w.deliver(ctx, "interactive", payload, nil)
	if err != nil {
		return nil, err
	}
	if !answer.Acked {
		return nil, fmt.Errorf("slacksim: no suggestions for %q came in time", actionID)
	}
	var offer struct {
		Options []wireOption `json:"options"`
		Groups  []struct {
			Options []wireOption `json:"options"`
		} `json:"option_groups"`
	}
	if err := json.Unmarshal(answer.Payload, &offer); err != nil {
		return nil, fmt.Errorf("slacksim: suggestions for %q: %w", actionID, err)
	}
	for _, g := range offer.Groups {
		offer.Options = append(offer.Options, g.Options...)
	}
	if err := checkOptions(answer.Payload); err != nil {
		return nil, err
	}
	options := []Option{}
	for _, o := range offer.Options {
		options = append(options, Option{o.Text.Text, o.Value, o.Description.Text})
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.offered[v.ID+"/"+actionID] = append(w.offered[v.ID+"/"+actionID], options...)
	return options, nil
}
