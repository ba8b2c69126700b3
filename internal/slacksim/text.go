package slacksim

import (
	"encoding/json"
	"strings"
)

// PlainText is all text of a message: its blocks in order, one line a block,
// with button labels in brackets; or its text if it has no blocks. Mentions and
// entities are kept as written.
func PlainText(m Message) string {
	if m.Blocks == nil {
		return m.Text
	}
	return BlocksText(m.Blocks)
}

// BlocksText is the text of blocks, as in PlainText; of a view, pass its "blocks".
func BlocksText(blocks json.RawMessage) string {
	var list []any
	if json.Unmarshal(blocks, &list) != nil {
		return ""
	}
	var lines []string
	for _, b := range list {
		if line := strings.TrimSpace(writing(b)); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// ViewText is the title and the text of a view.
func ViewText(v View) string {
	return strings.TrimSpace(v.Title + "\n" + BlocksText(v.blocks()))
}

// writing is the text of one block, element or text object.
func writing(v any) string {
	o, ok := v.(fields)
	if !ok {
		return ""
	}
	switch kind, _ := o["type"].(string); kind {
	case "plain_text", "mrkdwn", "text", "raw_text", "raw_number", "markdown":
		if s, ok := o["text"].(string); ok {
			return s
		}
		return jsonText(o["value"])
	case "button", "icon_button", "workflow_button":
		return "[" + writing(o["text"]) + "]"
	case "divider":
		return "---"
	case "image":
		return jsonText(o["alt_text"])
	case "user":
		return "<@" + jsonText(o["user_id"]) + ">"
	case "usergroup":
		return "<!subteam^" + jsonText(o["usergroup_id"]) + ">"
	case "channel":
		return "<#" + jsonText(o["channel_id"]) + ">"
	case "emoji":
		return ":" + jsonText(o["name"]) + ":"
	case "link":
		if s := jsonText(o["text"]); s != "" {
			return s
		}
		return jsonText(o["url"])
	case "rich_text_section", "rich_text_preformatted", "rich_text_quote":
		return joined(o["elements"], "")
	case "rich_text", "rich_text_list":
		return joined(o["elements"], "\n")
	case "table", "data_table":
		var lines []string
		rows, _ := o["rows"].([]any)
		for _, row := range rows {
			lines = append(lines, joined(row, " | "))
		}
		return strings.Join(append([]string{jsonText(o["caption"])}, lines...), "\n")
	}
	var parts []string
	for _, key := range []string{"label", "title", "text", "subtitle", "body"} {
		if s, ok := o[key].(string); ok {
			parts = append(parts, s)
		} else {
			parts = append(parts, writing(o[key]))
		}
	}
	for _, key := range []string{"fields", "options"} {
		parts = append(parts, joined(o[key], "\n"))
	}
	parts = append(parts, joined(o["elements"], " "), joined(o["actions"], " "))
	for _, key := range []string{"accessory", "element", "placeholder", "hint"} {
		parts = append(parts, writing(o[key]))
	}
	parts = append(parts, joined(o["tasks"], "\n"), writing(o["details"]), writing(o["output"]), joined(o["child_blocks"], "\n"))
	var filled []string
	for _, p := range parts {
		if p != "" {
			filled = append(filled, p)
		}
	}
	return strings.Join(filled, "\n")
}

func joined(v any, by string) string {
	list, _ := v.([]any)
	var parts []string
	for _, x := range list {
		if s := writing(x); s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, by)
}

// jsonText is a string as it is, and any other value as JSON.
func jsonText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	return string(mustJSON(v))
}
