package slacksim

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// place is where an element is; not every element may be everywhere.
type place string

const (
	inSection        place = "section"
	inActions        place = "actions"
	inInput          place = "input"
	inContextActions place = "context_actions"
)

type elementKind struct {
	in    []place
	keys  []string // beside type, action_id, confirm and focus_on_load
	check func(c *checker, e fields, at string)
}

var (
	acting   = []place{inSection, inActions}
	wherever = []place{inSection, inActions, inInput}
	asking   = []place{inInput}
	besides  = []place{inContextActions}
)

var elementKinds = map[string]elementKind{
	"button":          {acting, []string{"text", "url", "value", "style", "accessibility_label", "visible_to_user_ids", "agent_prompt", "agent_prompt_display"}, (*checker).button},
	"workflow_button": {acting, []string{"text", "workflow", "style", "accessibility_label"}, (*checker).workflowButton},
	"overflow":        {acting, []string{"options"}, (*checker).overflow},
	"image":           {[]place{inSection}, []string{"image_url", "slack_file", "alt_text"}, (*checker).picture},

	"static_select":        {wherever, []string{"placeholder", "options", "option_groups", "initial_option"}, (*checker).staticSelect},
	"external_select":      {wherever, []string{"placeholder", "initial_option", "min_query_length"}, (*checker).placeholder},
	"users_select":         {wherever, []string{"placeholder", "initial_user"}, (*checker).placeholder},
	"conversations_select": {wherever, []string{"placeholder", "initial_conversation", "default_to_current_conversation", "response_url_enabled", "filter"}, (*checker).placeholder},
	"channels_select":      {wherever, []string{"placeholder", "initial_channel", "response_url_enabled"}, (*checker).placeholder},

	"multi_static_select":        {wherever, []string{"placeholder", "options", "option_groups", "initial_options", "max_selected_items"}, (*checker).staticSelect},
	"multi_external_select":      {wherever, []string{"placeholder", "initial_options", "max_selected_items", "min_query_length"}, (*checker).placeholder},
	"multi_users_select":         {wherever, []string{"placeholder", "initial_users", "max_selected_items"}, (*checker).placeholder},
	"multi_conversations_select": {wherever, []string{"placeholder", "initial_conversations", "max_selected_items", "default_to_current_conversation", "filter"}, (*checker).placeholder},
	"multi_channels_select":      {wherever, []string{"placeholder", "initial_channels", "max_selected_items"}, (*checker).placeholder},

	"checkboxes":     {wherever, []string{"options", "initial_options", "visible_to_user_ids"}, (*checker).choices},
	"radio_buttons":  {wherever, []string{"options", "initial_option"}, (*checker).choices},
	"datepicker":     {wherever, []string{"placeholder", "initial_date"}, (*checker).placeholder},
	"timepicker":     {wherever, []string{"placeholder", "initial_time", "timezone"}, (*checker).placeholder},
	"datetimepicker": {[]place{inActions, inInput}, []string{"initial_date_time"}, (*checker).placeholder},

	"plain_text_input": {asking, []string{"placeholder", "initial_value", "multiline", "min_length", "max_length", "dispatch_action_config"}, (*checker).textInput},
	"number_input":     {asking, []string{"placeholder", "initial_value", "is_decimal_allowed", "min_value", "max_value", "dispatch_action_config"}, (*checker).numberInput},
	"email_text_input": {asking, []string{"placeholder", "initial_value", "dispatch_action_config"}, (*checker).placeholder},
	"url_text_input":   {asking, []string{"placeholder", "initial_value", "dispatch_action_config"}, (*checker).placeholder},
	"rich_text_input":  {asking, []string{"placeholder", "initial_value", "dispatch_action_config", "min_lines", "max_lines"}, (*checker).placeholder},
	"file_input":       {asking, []string{"filetypes", "max_files"}, (*checker).fileInput},

	"feedback_buttons": {besides, []string{"positive_button", "negative_button"}, (*checker).feedback},
	"icon_button":      {besides, []string{"icon", "text", "value", "accessibility_label", "visible_to_user_ids"}, (*checker).iconButton},
}

func (c *checker) element(v any, at string, in place) {
	e := c.object(v, at)
	name, _ := e["type"].(string)
	kind, ok := elementKinds[name]
	switch {
	case !ok:
		c.fail(at+"/type", "unsupported type: %s", name)
		return
	case !slices.Contains(kind.in, in):
		c.fail(at+"/type", "%s is not allowed in %s", name, in)
		return
	}
	c.known(e, at, append([]string{"type", "action_id", "confirm", "focus_on_load"}, kind.keys...)...)
	c.chars(e, at, "action_id", 1, 255)
	if e["confirm"] != nil {
		c.confirm(e["confirm"], at+"/confirm")
	}
	if e["focus_on_load"] == true {
		c.focused++
	}
	for key, least := range map[string]float64{"max_selected_items": 1, "min_query_length": 0} {
		if n, ok := e[key].(float64); e[key] != nil && (!ok || n < least) {
			c.fail(at+"/"+key, "must be at least %v", least)
		}
	}
	kind.check(c, e, at)
}

func (c *checker) confirm(v any, at string) {
	o := c.object(v, at)
	c.known(o, at, "title", "text", "confirm", "deny", "style")
	c.required(o, at, "title", "text", "confirm", "deny")
	c.plain(o, at, "title", 1, 100)
	c.mrkdwn(o, at, "text", 1, 300)
	c.plain(o, at, "confirm", 1, 30)
	c.plain(o, at, "deny", 1, 30)
	c.oneOf(o, at, "style", "primary", "danger")
}

func (c *checker) button(e fields, at string) {
	c.required(e, at, "text")
	c.plain(e, at, "text", 1, 75)
	c.chars(e, at, "value", 0, 2000)
	c.chars(e, at, "url", 1, 3000)
	c.chars(e, at, "accessibility_label", 0, 75)
	c.oneOf(e, at, "style", "primary", "danger")
}

func (c *checker) workflowButton(e fields, at string) {
	c.required(e, at, "text", "workflow")
	c.plain(e, at, "text", 1, 75)
	c.oneOf(e, at, "style", "primary", "danger")
}

func (c *checker) iconButton(e fields, at string) {
	c.required(e, at, "text", "icon")
	c.plain(e, at, "text", 1, 75)
	c.chars(e, at, "value", 0, 2000)
	c.chars(e, at, "accessibility_label", 0, 75)
	c.list(e, at, "visible_to_user_ids", 0, 10)
}

func (c *checker) feedback(e fields, at string) {
	for _, key := range []string{"positive_button", "negative_button"} {
		b := c.object(e[key], at+"/"+key)
		c.required(b, at+"/"+key, "text", "value")
		c.plain(b, at+"/"+key, "text", 1, 75)
		c.chars(b, at+"/"+key, "value", 0, 2000)
		c.chars(b, at+"/"+key, "accessibility_label", 0, 75)
	}
}

// option texts, descriptions and values have a limit of 75 characters. Other
// sources allow 150; 75 is right by both.
const maxOption = 75

func (c *checker) options(list []any, at string, mrkdwn, url bool) {
	for i, v := range list {
		at := fmt.Sprintf("%s/%d", at, i)
		o := c.object(v, at)
		c.known(o, at, "text", "value", "description", "url")
		c.required(o, at, "text", "value")
		for _, key := range []string{"text", "description"} {
			if o[key] != nil {
				c.text(o[key], at+"/"+key, mrkdwn, 1, maxOption)
			}
		}
		c.chars(o, at, "value", 0, maxOption)
		c.chars(o, at, "url", 1, 3000)
		if o["url"] != nil && !url {
			c.fail(at+"/url", "only options of an overflow menu may have a url")
		}
	}
}

func (c *checker) overflow(e fields, at string) {
	c.options(c.list(e, at, "options", 1, 5), at+"/options", false, true)
}

func (c *checker) choices(e fields, at string) {
	all := c.list(e, at, "options", 1, 10)
	c.options(all, at+"/options", true, false)
	c.initial(e, at, all)
}

func (c *checker) staticSelect(e fields, at string) {
	c.placeholder(e, at)
	if (e["options"] == nil) == (e["option_groups"] == nil) {
		c.fail(at, "must have exactly one of options and option_groups")
		return
	}
	c.initial(e, at, c.selectOptions(e, at))
}

// selectOptions checks options or option_groups and returns all options.
func (c *checker) selectOptions(e fields, at string) []any {
	if e["option_groups"] == nil {
		all := c.list(e, at, "options", 1, 100)
		c.options(all, at+"/options", false, false)
		return all
	}
	var all []any
	for i, v := range c.list(e, at, "option_groups", 1, 100) {
		at := fmt.Sprintf("%s/option_groups/%d", at, i)
		g := c.object(v, at)
		c.known(g, at, "label", "options")
		c.required(g, at, "label")
		c.plain(g, at, "label", 1, maxOption)
		list := c.list(g, at, "options", 1, 100)
		c.options(list, at+"/options", false, false)
		all = append(all, list...)
	}
	return all
}

// initial checks that what is chosen at first is among the options.
func (c *checker) initial(e fields, at string, all []any) {
	among := func(v any) bool {
		return slices.ContainsFunc(all, func(o any) bool { return reflect.DeepEqual(o, v) })
	}
	if v := e["initial_option"]; v != nil && !among(v) {
		c.fail(at+"/initial_option", "must be one of the options")
	}
	if e["initial_options"] != nil {
		for i, v := range c.list(e, at, "initial_options", 1, 100) {
			if !among(v) {
				c.fail(fmt.Sprintf("%s/initial_options/%d", at, i), "must be one of the options")
			}
		}
	}
}

func (c *checker) placeholder(e fields, at string) {
	c.plain(e, at, "placeholder", 1, 150)
}

func (c *checker) textInput(e fields, at string) {
	c.placeholder(e, at)
	low, hasLow := e["min_length"].(float64)
	high, hasHigh := e["max_length"].(float64)
	switch {
	case hasLow && (low < 0 || low > 3000):
		c.fail(at+"/min_length", "must be 0 to 3000")
	case hasHigh && (high < 1 || high > 3000):
		c.fail(at+"/max_length", "must be 1 to 3000")
	case hasLow && hasHigh && low > high:
		c.fail(at+"/min_length", "must not be above max_length")
	}
	most := 3000
	if hasHigh {
		most = int(high)
	}
	c.chars(e, at, "initial_value", 0, most)
}

func (c *checker) numberInput(e fields, at string) {
	c.placeholder(e, at)
	c.required(e, at, "is_decimal_allowed")
	low, hasLow := c.numeral(e, at, "min_value")
	high, hasHigh := c.numeral(e, at, "max_value")
	if hasLow && hasHigh && low > high {
		c.fail(at+"/min_value", "must not be above max_value")
	}
}

// numeral returns a number in a string, which may be missing.
func (c *checker) numeral(o fields, at, key string) (float64, bool) {
	s, ok := o[key].(string)
	n, err := strconv.ParseFloat(s, 64)
	if o[key] != nil && (!ok || err != nil) {
		c.fail(at+"/"+key, "must be a number in a string")
	}
	return n, ok && err == nil
}

func (c *checker) fileInput(e fields, at string) {
	if n, ok := e["max_files"].(float64); e["max_files"] != nil && (!ok || n < 1 || n > 10) {
		c.fail(at+"/max_files", "must be 1 to 10")
	}
}

// checkOptions checks the answer to a block_suggestion; no options are allowed.
func checkOptions(raw json.RawMessage) error {
	var e fields
	if err := json.Unmarshal(raw, &e); err != nil || e == nil {
		return BlockErrors{{"", "must be an object with options or option_groups"}}
	}
	c := newChecker(OnModal)
	if list, ok := e["options"].([]any); ok && len(list) == 0 {
		return nil
	}
	if (e["options"] == nil) == (e["option_groups"] == nil) {
		c.fail("", "must have exactly one of options and option_groups")
	} else {
		c.selectOptions(e, "")
	}
	if len(c.faults) > 0 {
		return c.faults
	}
	return nil
}

// blockText adds up the texts of blocks: what is under "text" in text
// objects, rich text, cells and markdown.
func blockText(raw json.RawMessage) int {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return 0
	}
	return textSize(v)
}

// headerText is what each header costs beside its text, as measured.
const headerText = 100

func textSize(v any) int {
	n := 0
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			n += textSize(x)
		}
	case fields:
		kind, _ := v["type"].(string)
		if s, ok := v["text"].(string); ok {
			if kind != "mrkdwn" { // there & < > are already entities
				s = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
			}
			n += len([]rune(s))
		}
		if kind == "header" {
			n += headerText
		}
		for key, x := range v {
			if key != "confirm" {
				if _, isText := x.(string); !isText {
					n += textSize(x)
				}
			}
		}
	}
	return n
}
