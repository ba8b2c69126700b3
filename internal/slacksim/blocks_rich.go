package slacksim

import "fmt"

// richText checks a rich_text block: sections, lists, preformatted text, quotes.
func (c *checker) richText(b fields, at string) {
	for i, v := range c.list(b, at, "elements", 0, 1000) {
		at := fmt.Sprintf("%s/elements/%d", at, i)
		e := c.object(v, at)
		switch e["type"] {
		case "rich_text_section", "rich_text_preformatted", "rich_text_quote":
			c.inline(e, at)
		case "rich_text_list":
			c.oneOf(e, at, "style", "bullet", "ordered")
			c.required(e, at, "style")
			for j, item := range c.list(e, at, "elements", 1, 1000) {
				at := fmt.Sprintf("%s/elements/%d", at, j)
				section := c.object(item, at)
				if section["type"] != "rich_text_section" {
					c.fail(at+"/type", "must be rich_text_section")
				}
				c.inline(section, at)
			}
		default:
			c.fail(at+"/type", "unsupported type: %v", e["type"])
		}
	}
}

// inlineFields are the fields that the parts of a line of rich text must have.
var inlineFields = map[string][]string{
	"text": {"text"}, "link": {"url"}, "emoji": {"name"}, "user": {"user_id"}, "usergroup": {"usergroup_id"},
	"channel": {"channel_id"}, "broadcast": {"range"}, "date": {"timestamp", "format"}, "color": {"value"}, "team": {"team_id"},
}

func (c *checker) inline(e fields, at string) {
	for i, v := range c.list(e, at, "elements", 0, 1000) {
		at := fmt.Sprintf("%s/elements/%d", at, i)
		part := c.object(v, at)
		kind, _ := part["type"].(string)
		want, ok := inlineFields[kind]
		if !ok {
			c.fail(at+"/type", "unsupported type: %s", kind)
			continue
		}
		c.required(part, at, want...)
		if kind == "text" {
			c.chars(part, at, "text", 1, 12000)
		}
		if kind == "broadcast" {
			c.oneOf(part, at, "range", "here", "channel", "everyone")
		}
	}
}

func (c *checker) table(b fields, at string) {
	for i, row := range c.list(b, at, "rows", 1, 100) {
		at := fmt.Sprintf("%s/rows/%d", at, i)
		cells, ok := row.([]any)
		if !ok || len(cells) == 0 || len(cells) > 20 {
			c.fail(at, "must have 1 to 20 cells")
		}
		for j, cell := range cells {
			c.cells += c.cell(cell, fmt.Sprintf("%s/%d", at, j), "raw_text", "raw_number", "rich_text")
		}
	}
	for i, v := range c.list(b, at, "column_settings", 0, 20) {
		if v == nil {
			continue // a column without settings
		}
		at := fmt.Sprintf("%s/column_settings/%d", at, i)
		o := c.object(v, at)
		c.known(o, at, "align", "is_wrapped")
		c.oneOf(o, at, "align", "left", "center", "right")
	}
}

// cell checks one cell of a table and returns how many characters it has.
func (c *checker) cell(v any, at string, kinds ...string) int {
	o := c.object(v, at)
	c.oneOf(o, at, "type", kinds...)
	c.required(o, at, "type")
	switch o["type"] {
	case "raw_text":
		c.required(o, at, "text")
		c.chars(o, at, "text", 1, 20000)
	case "raw_number":
		c.required(o, at, "value")
	case "rich_text":
		c.richText(o, at)
	case "action_cell":
		if o["element"] != nil {
			c.element(o["element"], at+"/element", inActions)
		}
	}
	return textSize(o)
}

func (c *checker) dataTable(b fields, at string) {
	c.required(b, at, "caption")
	// The reference says 100 rows and a header, and 10,000 characters. blocks.validate
	// lets twice as many pass; an app should not lean on that.
	rows := c.list(b, at, "rows", 2, 101)
	width := -1
	for i, row := range rows {
		at := fmt.Sprintf("%s/rows/%d", at, i)
		cells, ok := row.([]any)
		if !ok || len(cells) == 0 || len(cells) > 20 {
			c.fail(at, "must have 1 to 20 cells")
		}
		if width >= 0 && len(cells) != width {
			c.fail(at, "must have as many cells as the first row")
		}
		kinds := []string{"raw_text", "raw_number", "rich_text", "action_cell"}
		if i == 0 {
			width, kinds = len(cells), kinds[:2]
		}
		for j, cell := range cells {
			c.data += c.cell(cell, fmt.Sprintf("%s/%d", at, j), kinds...)
		}
	}
	if n, ok := b["page_size"].(float64); b["page_size"] != nil && (!ok || n < 1 || n > 100) {
		c.fail(at+"/page_size", "must be 1 to 100")
	}
}

// nested checks blocks within a block, of which only some kinds are allowed.
func (c *checker) nested(list []any, at string, kinds ...string) {
	for i, v := range list {
		at := fmt.Sprintf("%s/%d", at, i)
		if b, ok := v.(fields); ok {
			c.oneOf(b, at, "type", kinds...)
		}
		c.block(v, at)
	}
}

func (c *checker) container(b fields, at string) {
	if b["title"] == nil && b["rich_text_title"] == nil {
		c.fail(at, "must have title or rich_text_title")
	}
	c.plain(b, at, "title", 1, 150)
	c.mrkdwn(b, at, "subtitle", 1, 150)
	c.nested(c.list(b, at, "child_blocks", 1, 10), at+"/child_blocks",
		"actions", "context", "divider", "file", "header", "image", "input", "rich_text", "section", "table", "video")
}

func (c *checker) layout(b fields, at string) {
	c.required(b, at, "label")
	c.chars(b, at, "label", 1, 150)
	for i, row := range c.list(b, at, "rows", 1, 5) {
		at := fmt.Sprintf("%s/rows/%d", at, i)
		for j, item := range c.list(c.object(row, at), at, "items", 1, 3) {
			at := fmt.Sprintf("%s/items/%d", at, j)
			c.block(c.object(item, at)["block"], at+"/block")
		}
	}
}

func (c *checker) card(b fields, at string) {
	c.mrkdwn(b, at, "title", 1, 150)
	c.mrkdwn(b, at, "subtitle", 1, 150)
	c.mrkdwn(b, at, "body", 1, 200)
	c.mrkdwn(b, at, "subtext", 1, 200)
	if b["hero_image"] == nil && b["title"] == nil && b["actions"] == nil && b["body"] == nil {
		c.fail(at, "must have hero_image, title, actions or body")
	}
	for i, v := range c.list(b, at, "actions", 0, 3) {
		at := fmt.Sprintf("%s/actions/%d", at, i)
		if e, ok := v.(fields); ok && e["type"] != "button" {
			c.fail(at+"/type", "must be button")
			continue
		}
		c.element(v, at, inActions)
	}
}

func (c *checker) carousel(b fields, at string) {
	for i, v := range c.list(b, at, "elements", 1, 10) {
		at := fmt.Sprintf("%s/elements/%d", at, i)
		card := c.object(v, at)
		c.oneOf(card, at, "type", "card")
		c.card(card, at)
	}
}

func (c *checker) alert(b fields, at string) {
	c.required(b, at, "text")
	c.mrkdwn(b, at, "text", 1, 200)
	c.oneOf(b, at, "level", "default", "info", "warning", "error", "success")
}

func (c *checker) plan(b fields, at string) {
	c.required(b, at, "title")
	for i, v := range c.list(b, at, "tasks", 0, 50) {
		at := fmt.Sprintf("%s/tasks/%d", at, i)
		c.taskCard(c.object(v, at), at)
	}
}

func (c *checker) taskCard(b fields, at string) {
	c.required(b, at, "task_id", "title")
	c.oneOf(b, at, "status", "pending", "in_progress", "complete", "error")
	for _, key := range []string{"details", "output"} {
		if b[key] != nil {
			c.richText(c.object(b[key], at+"/"+key), at+"/"+key)
		}
	}
	for i, v := range c.list(b, at, "sources", 0, 1000) {
		at := fmt.Sprintf("%s/sources/%d", at, i)
		source := c.object(v, at)
		c.required(source, at, "type", "url", "text")
		c.oneOf(source, at, "type", "url")
	}
}
