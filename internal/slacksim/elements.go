package slacksim

import (
	"encoding/json"
	"fmt"
)

// element is an interactive element with the block that holds it.
type element struct {
	BlockID   string
	BlockType string
	Optional  bool // of an input block
	Dispatch  bool // of an input block: it sends actions, too
	Type      string
	ActionID  string
	Value     string
	URL       string
	Options   []json.RawMessage // those of option groups, too
	Fields    map[string]json.RawMessage
}

// elements lists the interactive elements of blocks, also inside containers.
func elements(blocks json.RawMessage) []element {
	var list []element
	var blockList []map[string]json.RawMessage
	json.Unmarshal(blocks, &blockList)
	for _, b := range blockList {
		for _, raw := range elementsOf(b) {
			if e, ok := readElement(b, raw); ok {
				list = append(list, e)
			}
		}
		if inner, ok := b["child_blocks"]; ok {
			list = append(list, elements(inner)...)
		}
	}
	return list
}

// elementsOf returns everything in the places where a block can have elements.
func elementsOf(block map[string]json.RawMessage) []json.RawMessage {
	var list []json.RawMessage
	switch textOf(block["type"]) {
	case "actions", "context_actions":
		json.Unmarshal(block["elements"], &list)
	case "card":
		json.Unmarshal(block["actions"], &list)
	case "section":
		if block["accessory"] != nil {
			list = append(list, block["accessory"])
		}
	case "input":
		list = append(list, block["element"])
	}
	return list
}

func readElement(block map[string]json.RawMessage, raw json.RawMessage) (element, bool) {
	e := element{BlockID: textOf(block["block_id"]), BlockType: textOf(block["type"])}
	if json.Unmarshal(raw, &e.Fields) != nil || e.Fields == nil {
		return e, false
	}
	json.Unmarshal(block["optional"], &e.Optional)
	json.Unmarshal(block["dispatch_action"], &e.Dispatch)
	e.Type, e.ActionID = textOf(e.Fields["type"]), textOf(e.Fields["action_id"])
	e.Value, e.URL = textOf(e.Fields["value"]), textOf(e.Fields["url"])
	json.Unmarshal(e.Fields["options"], &e.Options)
	var groups []struct{ Options []json.RawMessage }
	json.Unmarshal(e.Fields["option_groups"], &groups)
	for _, g := range groups {
		e.Options = append(e.Options, g.Options...)
	}
	return e, e.Type != "image"
}

// textOf is a JSON string's text, or empty.
func textOf(raw json.RawMessage) string {
	var s string
	json.Unmarshal(raw, &s)
	return s
}

// withIDs gives each block and element the id that Slack gives those without,
// different from all others of the same blocks.
func withIDs(blocks json.RawMessage) json.RawMessage {
	return ids{newID: func() string { return newUUID()[:5] }, taken: map[string]bool{}}.fill(blocks)
}

// ids makes the ids of one set of blocks.
type ids struct {
	newID func() string
	taken map[string]bool
}

// next is an id that nothing else has.
func (g ids) next() json.RawMessage {
	id := g.newID()
	for g.taken[id] {
		id = g.newID()
	}
	g.taken[id] = true
	return mustJSON(id)
}

func (g ids) fill(blocks json.RawMessage) json.RawMessage {
	var list []map[string]json.RawMessage
	if json.Unmarshal(blocks, &list) != nil || list == nil {
		return blocks
	}
	for _, b := range list {
		g.taken[textOf(b["block_id"])] = true
	}
	for _, b := range list {
		if b["block_id"] == nil {
			b["block_id"] = g.next()
		}
		switch textOf(b["type"]) {
		case "actions", "context_actions":
			var inner []json.RawMessage
			if json.Unmarshal(b["elements"], &inner) == nil {
				for i := range inner {
					inner[i] = g.withActionID(inner[i])
				}
				b["elements"] = mustJSON(inner)
			}
		case "section":
			if b["accessory"] != nil {
				b["accessory"] = g.withActionID(b["accessory"])
			}
		case "input":
			b["element"] = g.withActionID(b["element"])
		case "container":
			b["child_blocks"] = g.fill(b["child_blocks"])
		}
	}
	return mustJSON(list)
}

func (g ids) withActionID(raw json.RawMessage) json.RawMessage {
	var e map[string]json.RawMessage
	if json.Unmarshal(raw, &e) != nil || e == nil || e["action_id"] != nil || textOf(e["type"]) == "image" {
		return raw
	}
	e["action_id"] = g.next()
	return mustJSON(e)
}

// option returns the option of an element with a value. An external select has
// none of its own; offered are those of the last suggestion.
func (e element) option(value string, offered []Option) (any, error) {
	for _, raw := range e.Options {
		var o struct{ Value string }
		if json.Unmarshal(raw, &o) == nil && o.Value == value {
			return raw, nil
		}
	}
	for _, o := range offered {
		if o.Value == value {
			return o.object(), nil
		}
	}
	return nil, fmt.Errorf("slacksim: %s %q has no option %q", e.Type, e.ActionID, value)
}

// state is what an element's entry in state.values looks like for a value, which
// is a string or a list of strings; nil means what it was set to at first.
func (e element) state(value any, offered []Option) (object, error) {
	o := object{"type": e.Type}
	one, _ := value.(string)
	many, err := texts(value)
	if err != nil {
		return nil, err
	}
	// first takes the initial setting if no value was given.
	first := func(key, initial string) {
		switch raw := e.Fields[initial]; {
		case value != nil && one != "":
			o[key] = one
		case value == nil && raw != nil:
			o[key] = raw
		default:
			o[key] = nil
		}
	}
	switch e.Type {
	case "plain_text_input", "number_input", "email_text_input", "url_text_input":
		first("value", "initial_value")
	case "datepicker":
		first("selected_date", "initial_date")
	case "timepicker":
		first("selected_time", "initial_time")
	case "datetimepicker":
		first("selected_date_time", "initial_date_time")
	case "users_select":
		first("selected_user", "initial_user")
	case "channels_select":
		first("selected_channel", "initial_channel")
	case "conversations_select":
		first("selected_conversation", "initial_conversation")
	case "static_select", "external_select", "radio_buttons", "overflow":
		first("selected_option", "initial_option")
		if one != "" {
			if o["selected_option"], err = e.option(one, offered); err != nil {
				return nil, err
			}
		}
	case "multi_users_select":
		o["selected_users"] = many
	case "multi_channels_select":
		o["selected_channels"] = many
	case "multi_conversations_select":
		o["selected_conversations"] = many
	case "checkboxes", "multi_static_select", "multi_external_select":
		list := []any{}
		for _, v := range many {
			x, err := e.option(v, offered)
			if err != nil {
				return nil, err
			}
			list = append(list, x)
		}
		o["selected_options"] = list
		if value == nil && e.Fields["initial_options"] != nil {
			o["selected_options"] = e.Fields["initial_options"]
		}
	case "button":
		return nil, nil
	}
	return o, nil
}

// texts makes a list of a string, a list of strings or nil.
func texts(value any) ([]string, error) {
	switch v := value.(type) {
	case nil:
		return []string{}, nil
	case string:
		if v == "" {
			return []string{}, nil
		}
		return []string{v}, nil
	case []string:
		return v, nil
	case []any: // out of JSON
		list := []string{}
		for _, x := range v {
			s, ok := x.(string)
			if !ok {
				return nil, fmt.Errorf("slacksim: a value must be a string or a list of strings, not %T in a list", x)
			}
			list = append(list, s)
		}
		return list, nil
	}
	return nil, fmt.Errorf("slacksim: a value must be a string or a list of strings, not %T", value)
}

// blank reports whether a state is empty.
func blank(state object) bool {
	for key, v := range state {
		if key == "type" {
			continue
		}
		switch v := v.(type) {
		case nil:
		case string:
			return v == ""
		case []string:
			return len(v) == 0
		case []any:
			return len(v) == 0
		default:
			return false
		}
	}
	return true
}
