package slacksim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Surface is where blocks are shown. Not every block may be shown everywhere.
type Surface string

// The three surfaces.
const (
	OnMessage Surface = "message"
	OnModal   Surface = "modal"
	OnHome    Surface = "home"
)

// BlockError is one fault in blocks.
type BlockError struct {
	Pointer string // JSON pointer to the place, "" for the whole
	Problem string
}

func (e BlockError) Error() string { return e.Pointer + ": " + e.Problem }

// BlockErrors are all faults found in blocks.
type BlockErrors []BlockError

func (p BlockErrors) Error() string {
	var lines []string
	for _, e := range p {
		lines = append(lines, e.Error())
	}
	return strings.Join(lines, "\n")
}

// answer is the Web API's answer for the faults.
func (p BlockErrors) answer(code string) error {
	d := &detailedError{code: code}
	for _, e := range p {
		d.messages = append(d.messages, fmt.Sprintf("[ERROR] %s [json-pointer:%s]", e.Problem, e.Pointer))
	}
	return d
}

// CheckBlocks checks a JSON array of blocks against Slack's documented limits:
// counts, lengths, required fields, unknown types and keys, and where each
// may be. The error is a BlockErrors with everything that was found. The total
// text of a message's blocks is not part of it; see BlockText.
func CheckBlocks(surface Surface, raw json.RawMessage) error {
	if p := checkBlocks(surface, raw, ""); len(p) > 0 {
		return p
	}
	return nil
}

// CheckView checks a whole view, as it is given to views.open ("type":"modal")
// or views.publish ("type":"home").
func CheckView(raw json.RawMessage) error {
	var s shape
	if err := json.Unmarshal(raw, &s); err != nil {
		return BlockErrors{{"/view", err.Error()}}
	}
	if len(raw) > maxViewSize {
		return BlockErrors{{"/view", "larger than 250 kB"}}
	}
	if p := checkView(s.Type, s); len(p) > 0 {
		return p
	}
	return nil
}

// BlockText is the number of characters that count for the limit on all block
// text of one message (about 13,000), & < > of plain text counted as entities.
func BlockText(raw json.RawMessage) int { return blockText(raw) }

func checkBlocksAnswer(surface Surface, raw json.RawMessage, code, prefix string) error {
	if p := checkBlocks(surface, raw, prefix); len(p) > 0 {
		return p.answer(code)
	}
	return nil
}

func checkBlocks(surface Surface, raw json.RawMessage, prefix string) BlockErrors {
	c := newChecker(surface)
	var list []any
	if err := json.Unmarshal(raw, &list); err != nil {
		c.fail(prefix, "must be an array of blocks")
		return c.faults
	}
	c.blocks(list, prefix)
	return c.faults
}

// checkView checks the frame of a view and its blocks.
func checkView(kind string, s shape) BlockErrors {
	c := newChecker(Surface(kind))
	if s.Type != kind || kind != "modal" && kind != "home" {
		c.fail("/view/type", "must be %q", kind)
	}
	frame := map[string]any{"callback_id": s.CallbackID, "private_metadata": s.PrivateMetadata, "external_id": s.ExternalID}
	c.chars(frame, "/view", "callback_id", 0, 255)
	c.chars(frame, "/view", "private_metadata", 0, 3000)
	c.chars(frame, "/view", "external_id", 0, 255)
	for key, raw := range map[string]json.RawMessage{"title": s.Title, "submit": s.Submit, "close": s.Close} {
		var v any
		json.Unmarshal(raw, &v)
		if v != nil {
			frame[key] = v
		}
	}
	if kind == "modal" {
		c.required(frame, "/view", "title")
		for _, key := range []string{"title", "submit", "close"} {
			c.plain(frame, "/view", key, 1, 24)
		}
	}
	var list []any
	if json.Unmarshal(s.Blocks, &list) != nil {
		c.fail("/view/blocks", "must be an array of blocks")
		return c.faults
	}
	// Slack's blocks.validate lets an empty view pass, other validators do not. It
	// is of no use to anybody, so an app that sends one has a fault.
	if len(list) == 0 {
		c.fail("/view/blocks", "must have at least 1 item")
	}
	c.blocks(list, "/view/blocks")
	if kind == "modal" && frame["submit"] == nil && c.inputs > 0 {
		c.fail("/view/submit", "required when there are input blocks")
	}
	return c.faults
}

// checker collects the faults of one set of blocks.
type checker struct {
	surface  Surface
	faults   BlockErrors
	blockIDs map[string]bool
	inputs   int
	focused  int
	markdown int // characters of all markdown blocks
	cells    int // characters of all cells of tables
	data     int // characters of all cells of data tables
	charts   int
}

func newChecker(s Surface) *checker { return &checker{surface: s, blockIDs: map[string]bool{}} }

func (c *checker) fail(at, format string, a ...any) {
	c.faults = append(c.faults, BlockError{at, fmt.Sprintf(format, a...)})
}

type fields = map[string]any

// blockKind says what a block may contain, where it may be, and what is checked.
type blockKind struct {
	on    []Surface
	keys  []string // beside type and block_id; nil: not checked
	check func(c *checker, b fields, at string)
}

var (
	everywhere = []Surface{OnMessage, OnModal, OnHome}
	nowhere    = []Surface{} // Slack shows it in what it returns, an app cannot send it
)

var blockKinds map[string]blockKind

// The table is filled here because some of its checks look into it again, for
// blocks within blocks.
func init() {
	message := []Surface{OnMessage}
	blockKinds = map[string]blockKind{
		"section":            {everywhere, []string{"text", "fields", "accessory", "expand"}, (*checker).section},
		"header":             {everywhere, []string{"text", "level"}, (*checker).header},
		"divider":            {everywhere, []string{}, func(*checker, fields, string) {}},
		"context":            {everywhere, []string{"elements"}, (*checker).context},
		"actions":            {everywhere, []string{"elements"}, (*checker).actions},
		"image":              {everywhere, []string{"image_url", "slack_file", "alt_text", "title"}, (*checker).imageBlock},
		"input":              {everywhere, []string{"label", "element", "hint", "optional", "dispatch_action"}, (*checker).input},
		"rich_text":          {everywhere, []string{"elements"}, (*checker).richText},
		"video":              {everywhere, nil, (*checker).video},
		"context_actions":    {message, []string{"elements"}, (*checker).contextActions},
		"file":               {nowhere, []string{"external_id", "source"}, (*checker).file},
		"markdown":           {message, []string{"text"}, (*checker).markdownBlock},
		"table":              {message, []string{"rows", "column_settings"}, (*checker).table},
		"data_table":         {message, nil, (*checker).dataTable},
		"container":          {message, nil, (*checker).container},
		"layout":             {message, nil, (*checker).layout},
		"card":               {[]Surface{OnMessage, OnHome}, []string{"hero_image", "icon", "slack_icon", "title", "subtitle", "body", "subtext", "actions"}, (*checker).card},
		"carousel":           {[]Surface{OnMessage, OnHome}, []string{"elements"}, (*checker).carousel},
		"alert":              {[]Surface{OnModal}, []string{"text", "level"}, (*checker).alert},
		"plan":               {message, []string{"title", "tasks"}, (*checker).plan},
		"task_card":          {message, nil, (*checker).taskCard},
		"data_visualization": {message, nil, (*checker).chart},
	}
}

func (c *checker) blocks(list []any, at string) {
	most := 100
	if c.surface == OnMessage {
		most = 50
	}
	if len(list) > most {
		c.fail(at, "no more than %d items allowed [%d]", most, len(list))
	}
	for i, v := range list {
		c.block(v, fmt.Sprintf("%s/%d", at, i))
	}
	if c.focused > 1 {
		c.fail(at, "only one element may have focus_on_load")
	}
	if c.markdown > 12000 {
		c.fail(at, "markdown blocks together have more than 12000 characters")
	}
	if c.cells > 10000 {
		c.fail(at, "table cells together have more than 10000 characters")
	}
	if c.data > 10000 {
		c.fail(at, "data table cells together have more than 10000 characters")
	}
	if c.charts > 2 {
		c.fail(at, "no more than 2 data_visualization blocks allowed")
	}
}

func (c *checker) block(v any, at string) {
	b, ok := v.(fields)
	if !ok {
		c.fail(at, "must be an object")
		return
	}
	name, _ := b["type"].(string)
	kind, ok := blockKinds[name]
	switch {
	case !ok:
		c.fail(at+"/type", "unsupported type: %s", name)
		return
	case !slices.Contains(kind.on, c.surface):
		c.fail(at+"/type", "%s is not allowed on a %s", name, c.surface)
		return
	}
	if kind.keys != nil {
		c.known(b, at, append([]string{"type", "block_id"}, kind.keys...)...)
	}
	c.chars(b, at, "block_id", 0, 255)
	if id, _ := b["block_id"].(string); id != "" {
		if c.blockIDs[id] {
			c.fail(at+"/block_id", "block_id %q already exists", id)
		}
		c.blockIDs[id] = true
	}
	kind.check(c, b, at)
}

// known refuses keys that do not belong to an object.
func (c *checker) known(o fields, at string, keys ...string) {
	for key := range o {
		if !slices.Contains(keys, key) {
			c.fail(at, "invalid additional property: %s", key)
		}
	}
}

// required refuses an object without these keys.
func (c *checker) required(o fields, at string, keys ...string) {
	for _, key := range keys {
		if o[key] == nil {
			c.fail(at, "missing required field: %s", key)
		}
	}
}

// chars checks the length of a string that may be missing.
func (c *checker) chars(o fields, at, key string, least, most int) {
	v := o[key]
	if v == nil {
		return
	}
	s, ok := v.(string)
	n := utf8.RuneCountInString(s)
	switch {
	case !ok:
		c.fail(at+"/"+key, "must be a string")
	case n > most:
		c.fail(at+"/"+key, "must be no more than %d characters [%d]", most, n)
	case n < least:
		c.fail(at+"/"+key, "must be at least %d characters [%d]", least, n)
	}
}

// oneOf checks a string that may be missing against its possible values.
func (c *checker) oneOf(o fields, at, key string, values ...string) {
	if v := o[key]; v != nil {
		if s, _ := v.(string); !slices.Contains(values, s) {
			c.fail(at+"/"+key, "must be one of %s", strings.Join(values, ", "))
		}
	}
}

// list returns an array whose length must lie within the limits.
func (c *checker) list(o fields, at, key string, least, most int) []any {
	if o[key] == nil && least == 0 {
		return nil
	}
	list, ok := o[key].([]any)
	switch {
	case !ok:
		c.fail(at+"/"+key, "must be an array")
	case len(list) < least:
		c.fail(at+"/"+key, "must have at least %d items", least)
	case len(list) > most:
		c.fail(at+"/"+key, "no more than %d items allowed [%d]", most, len(list))
	}
	return list
}

// object returns an object that must be there.
func (c *checker) object(v any, at string) fields {
	o, ok := v.(fields)
	if !ok {
		c.fail(at, "must be an object")
		return fields{}
	}
	return o
}

// plain checks a plain_text object that may be missing.
func (c *checker) plain(o fields, at, key string, least, most int) {
	if o[key] != nil {
		c.text(o[key], at+"/"+key, false, least, most)
	}
}

// mrkdwn checks a text object of either kind that may be missing.
func (c *checker) mrkdwn(o fields, at, key string, least, most int) {
	if o[key] != nil {
		c.text(o[key], at+"/"+key, true, least, most)
	}
}

func (c *checker) text(v any, at string, mrkdwn bool, least, most int) {
	t := c.object(v, at)
	switch kind, _ := t["type"].(string); {
	case kind == "plain_text":
		c.known(t, at, "type", "text", "emoji")
	case kind == "mrkdwn" && mrkdwn:
		c.known(t, at, "type", "text", "verbatim")
	case mrkdwn:
		c.fail(at+"/type", "must be plain_text or mrkdwn")
	default:
		c.fail(at+"/type", "must be plain_text")
	}
	c.required(t, at, "text")
	c.chars(t, at, "text", least, most)
}

func (c *checker) section(b fields, at string) {
	if b["text"] == nil && b["fields"] == nil {
		c.fail(at, "must have text or fields")
	}
	c.mrkdwn(b, at, "text", 1, 3000)
	if b["fields"] != nil {
		for i, f := range c.list(b, at, "fields", 1, 10) {
			c.text(f, fmt.Sprintf("%s/fields/%d", at, i), true, 1, 2000)
		}
	}
	if b["accessory"] != nil {
		c.element(b["accessory"], at+"/accessory", inSection)
	}
}

func (c *checker) header(b fields, at string) {
	c.required(b, at, "text")
	c.plain(b, at, "text", 1, 150)
	if level, ok := b["level"].(float64); b["level"] != nil && (!ok || level < 1 || level > 4) {
		c.fail(at+"/level", "must be 1 to 4")
	}
}

func (c *checker) context(b fields, at string) {
	for i, v := range c.list(b, at, "elements", 1, 10) {
		at := fmt.Sprintf("%s/elements/%d", at, i)
		e := c.object(v, at)
		if e["type"] == "image" {
			c.image(e, at)
		} else {
			c.text(v, at, true, 1, 3000)
		}
	}
}

func (c *checker) actions(b fields, at string) {
	c.row(c.list(b, at, "elements", 1, 25), at, inActions)
}

func (c *checker) contextActions(b fields, at string) {
	c.row(c.list(b, at, "elements", 1, 5), at, inContextActions)
}

// row checks elements of one block: their action_ids must differ.
func (c *checker) row(list []any, at string, in place) {
	ids := map[string]bool{}
	for i, v := range list {
		at := fmt.Sprintf("%s/elements/%d", at, i)
		c.element(v, at, in)
		if e, ok := v.(fields); ok {
			if id, _ := e["action_id"].(string); id != "" {
				if ids[id] {
					c.fail(at+"/action_id", "action_id %q already exists", id)
				}
				ids[id] = true
			}
		}
	}
}

func (c *checker) input(b fields, at string) {
	c.inputs++
	c.required(b, at, "label", "element")
	c.plain(b, at, "label", 1, 2000)
	c.plain(b, at, "hint", 1, 2000)
	if b["element"] != nil {
		c.element(b["element"], at+"/element", inInput)
	}
}

func (c *checker) imageBlock(b fields, at string) {
	c.plain(b, at, "title", 1, 2000)
	c.picture(b, at)
}

// image checks an image element.
func (c *checker) image(e fields, at string) {
	c.known(e, at, "type", "image_url", "slack_file", "alt_text")
	c.picture(e, at)
}

func (c *checker) picture(o fields, at string) {
	c.required(o, at, "alt_text")
	c.chars(o, at, "alt_text", 0, 2000)
	c.chars(o, at, "image_url", 1, 3000)
	if (o["image_url"] == nil) == (o["slack_file"] == nil) {
		c.fail(at, "must have exactly one of image_url and slack_file")
	}
}

func (c *checker) video(b fields, at string) {
	c.required(b, at, "video_url", "thumbnail_url", "alt_text", "title")
	c.plain(b, at, "title", 1, 200)
	c.plain(b, at, "description", 1, 200)
	c.chars(b, at, "alt_text", 0, 2000)
	c.chars(b, at, "author_name", 0, 50)
	c.chars(b, at, "provider_name", 0, 50)
}

func (c *checker) file(b fields, at string) {
	c.required(b, at, "external_id", "source")
	c.oneOf(b, at, "source", "remote")
}

func (c *checker) markdownBlock(b fields, at string) {
	c.required(b, at, "text")
	c.chars(b, at, "text", 1, 12000)
	s, _ := b["text"].(string)
	c.markdown += utf8.RuneCountInString(s)
}
