package slacksim_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"ecsbot/internal/slacksim"
)

// x is a text of n characters, of more than one byte each.
func x(n int) string { return strings.Repeat("ü", n) }

func times(n int, s string) string {
	list := make([]string, n)
	for i := range list {
		list[i] = strings.ReplaceAll(s, "%", fmt.Sprint(i))
	}
	return strings.Join(list, ",")
}

func plainText(n int) string { return `{"type":"plain_text","text":"` + x(n) + `"}` }

func actions(elements string) string { return `[{"type":"actions","elements":[` + elements + `]}]` }

func accessory(element string) string {
	return `[{"type":"section","text":` + plainText(1) + `,"accessory":` + element + `}]`
}

func inputOf(element string) string {
	return `[{"type":"input","label":` + plainText(1) + `,"element":` + element + `}]`
}

func aButton(more string) string {
	return `{"type":"button","text":` + plainText(3) + more + `}`
}

func anOption(text, value int) string {
	return `{"text":` + plainText(text) + `,"value":"` + x(value) + `"}`
}

func selectOf(more string) string { return accessory(`{"type":"static_select",` + more + `}`) }

func confirmOf(title, text, yes, no int, more string) string {
	return actions(aButton(fmt.Sprintf(`,"confirm":{"title":%s,"text":%s,"confirm":%s,"deny":%s%s}`,
		plainText(title), plainText(text), plainText(yes), plainText(no), more)))
}

func tableOf(rows, cells, size int) string {
	row := `[` + times(cells, `{"type":"raw_text","text":"`+x(size)+`"}`) + `]`
	return `[{"type":"table","rows":[` + times(rows, row) + `]}]`
}

// Each limit with a case that keeps it (no pointer) and one that does not.
func TestBlockLimits(t *testing.T) {
	const divider = `{"type":"divider"}`
	for _, c := range []struct {
		surface slacksim.Surface
		blocks  string
		pointer string // of the only fault; "-": none
	}{
		{slacksim.OnMessage, `{}`, ""},
		{slacksim.OnMessage, `["x"]`, "/0"},
		{slacksim.OnMessage, `[{"type":"sektion"}]`, "/0/type"},
		{slacksim.OnMessage, `[{"type":"divider","x":1}]`, "/0"},
		{slacksim.OnMessage, `[` + times(50, divider) + `]`, "-"},
		{slacksim.OnMessage, `[` + times(51, divider) + `]`, ""},
		{slacksim.OnModal, `[` + times(100, divider) + `]`, "-"},
		{slacksim.OnHome, `[` + times(101, divider) + `]`, ""},
		{slacksim.OnMessage, `[{"type":"divider","block_id":"` + x(255) + `"}]`, "-"},
		{slacksim.OnMessage, `[{"type":"divider","block_id":"` + x(256) + `"}]`, "/0/block_id"},
		{slacksim.OnMessage, `[{"type":"divider","block_id":"a"},{"type":"divider","block_id":"a"}]`, "/1/block_id"},

		{slacksim.OnMessage, `[{"type":"section"}]`, "/0"},
		{slacksim.OnMessage, `[{"type":"section","text":` + plainText(3000) + `}]`, "-"},
		{slacksim.OnMessage, `[{"type":"section","text":` + plainText(3001) + `}]`, "/0/text/text"},
		{slacksim.OnMessage, `[{"type":"section","text":` + plainText(0) + `}]`, "/0/text/text"},
		{slacksim.OnMessage, `[{"type":"section","text":{"type":"markdown","text":"x"}}]`, "/0/text/type"},
		{slacksim.OnMessage, `[{"type":"section","text":{"type":"mrkdwn","text":"x","emoji":true}}]`, "/0/text"},
		{slacksim.OnMessage, `[{"type":"section","fields":[` + times(10, plainText(2000)) + `]}]`, "-"},
		{slacksim.OnMessage, `[{"type":"section","fields":[` + times(11, plainText(1)) + `]}]`, "/0/fields"},
		{slacksim.OnMessage, `[{"type":"section","fields":[` + plainText(2001) + `]}]`, "/0/fields/0/text"},
		{slacksim.OnMessage, `[{"type":"header","text":` + plainText(150) + `}]`, "-"},
		{slacksim.OnMessage, `[{"type":"header","text":` + plainText(151) + `}]`, "/0/text/text"},
		{slacksim.OnMessage, `[{"type":"header","text":{"type":"mrkdwn","text":"x"}}]`, "/0/text/type"},
		{slacksim.OnMessage, `[{"type":"context","elements":[` + times(10, plainText(1)) + `]}]`, "-"},
		{slacksim.OnMessage, `[{"type":"context","elements":[` + times(11, plainText(1)) + `]}]`, "/0/elements"},
		{slacksim.OnMessage, `[{"type":"image","image_url":"https://x","alt_text":"` + x(2000) + `"}]`, "-"},
		{slacksim.OnMessage, `[{"type":"image","image_url":"https://x","alt_text":"` + x(2001) + `"}]`, "/0/alt_text"},
		{slacksim.OnMessage, `[{"type":"image","alt_text":"x"}]`, "/0"},

		{slacksim.OnMessage, actions(times(25, aButton(`,"action_id":"a%"`))), "-"},
		{slacksim.OnMessage, actions(times(26, aButton(`,"action_id":"a%"`))), "/0/elements"},
		{slacksim.OnMessage, actions(times(2, aButton(`,"action_id":"a"`))), "/0/elements/1/action_id"},
		{slacksim.OnMessage, actions(``), "/0/elements"},
		{slacksim.OnMessage, actions(`{"type":"knob"}`), "/0/elements/0/type"},
		{slacksim.OnMessage, actions(`{"type":"button"}`), "/0/elements/0"},
		{slacksim.OnMessage, actions(`{"type":"button","text":` + plainText(75) + `}`), "-"},
		{slacksim.OnMessage, actions(`{"type":"button","text":` + plainText(76) + `}`), "/0/elements/0/text/text"},
		{slacksim.OnMessage, actions(aButton(`,"value":"` + x(2000) + `"`)), "-"},
		{slacksim.OnMessage, actions(aButton(`,"value":"` + x(2001) + `"`)), "/0/elements/0/value"},
		{slacksim.OnMessage, actions(aButton(`,"url":"` + x(3001) + `"`)), "/0/elements/0/url"},
		{slacksim.OnMessage, actions(aButton(`,"accessibility_label":"` + x(76) + `"`)), "/0/elements/0/accessibility_label"},
		{slacksim.OnMessage, actions(aButton(`,"action_id":"` + x(256) + `"`)), "/0/elements/0/action_id"},
		{slacksim.OnMessage, actions(aButton(`,"style":"danger"`)), "-"},
		{slacksim.OnMessage, actions(aButton(`,"style":"warning"`)), "/0/elements/0/style"},
		{slacksim.OnMessage, actions(aButton(`,"colour":"red"`)), "/0/elements/0"},
		{slacksim.OnMessage, actions(`{"type":"plain_text_input"}`), "/0/elements/0/type"},

		{slacksim.OnMessage, confirmOf(100, 300, 30, 30, `,"style":"danger"`), "-"},
		{slacksim.OnMessage, confirmOf(101, 300, 30, 30, ``), "/0/elements/0/confirm/title/text"},
		{slacksim.OnMessage, confirmOf(100, 301, 30, 30, ``), "/0/elements/0/confirm/text/text"},
		{slacksim.OnMessage, confirmOf(100, 300, 31, 30, ``), "/0/elements/0/confirm/confirm/text"},
		{slacksim.OnMessage, confirmOf(100, 300, 30, 31, ``), "/0/elements/0/confirm/deny/text"},
		{slacksim.OnMessage, confirmOf(1, 1, 1, 1, `,"style":"red"`), "/0/elements/0/confirm/style"},

		{slacksim.OnMessage, selectOf(`"options":[` + times(100, anOption(75, 75)) + `]`), "-"},
		{slacksim.OnMessage, selectOf(`"options":[` + times(101, anOption(1, 1)) + `]`), "/0/accessory/options"},
		{slacksim.OnMessage, selectOf(`"options":[` + anOption(76, 1) + `]`), "/0/accessory/options/0/text/text"},
		{slacksim.OnMessage, selectOf(`"options":[` + anOption(1, 76) + `]`), "/0/accessory/options/0/value"},
		{slacksim.OnMessage, selectOf(`"option_groups":[]`), "/0/accessory/option_groups"},
		{slacksim.OnMessage, selectOf(`"options":[` + anOption(1, 1) + `],"option_groups":[]`), "/0/accessory"},
		{slacksim.OnMessage, selectOf(`"option_groups":[{"label":` + plainText(1) + `,"options":[` + times(101, anOption(1, 1)) + `]}]`), "/0/accessory/option_groups/0/options"},
		{slacksim.OnMessage, selectOf(`"options":[` + anOption(1, 1) + `],"placeholder":` + plainText(151)), "/0/accessory/placeholder/text"},
		{slacksim.OnMessage, selectOf(`"options":[` + anOption(1, 1) + `],"initial_option":` + anOption(1, 2)), "/0/accessory/initial_option"},
		{slacksim.OnMessage, accessory(`{"type":"overflow","options":[` + times(6, anOption(1, 1)) + `]}`), "/0/accessory/options"},
		{slacksim.OnMessage, accessory(`{"type":"checkboxes","options":[` + times(11, anOption(1, 1)) + `]}`), "/0/accessory/options"},
		{slacksim.OnModal, inputOf(`{"type":"radio_buttons","options":[` + times(11, anOption(1, 1)) + `]}`), "/0/element/options"},

		{slacksim.OnModal, inputOf(`{"type":"plain_text_input","min_length":3000,"max_length":3000}`), "-"},
		{slacksim.OnModal, inputOf(`{"type":"plain_text_input","min_length":3001}`), "/0/element/min_length"},
		{slacksim.OnModal, inputOf(`{"type":"plain_text_input","min_length":9,"max_length":8}`), "/0/element/min_length"},
		{slacksim.OnModal, inputOf(`{"type":"number_input"}`), "/0/element"},
		{slacksim.OnModal, inputOf(aButton(``)), "/0/element/type"},
		{slacksim.OnModal, `[{"type":"input","label":` + plainText(2001) + `,"element":{"type":"plain_text_input"}}]`, "/0/label/text"},
		{slacksim.OnModal, `[{"type":"input","label":` + plainText(1) + `}]`, "/0"},

		{slacksim.OnMessage, `[{"type":"markdown","text":"` + x(12000) + `"}]`, "-"},
		{slacksim.OnMessage, `[` + times(2, `{"type":"markdown","text":"`+x(6001)+`"}`) + `]`, ""},
		{slacksim.OnModal, `[{"type":"markdown","text":"x"}]`, "/0/type"},
		{slacksim.OnMessage, tableOf(100, 20, 5), "-"},
		{slacksim.OnMessage, tableOf(101, 1, 1), "/0/rows"},
		{slacksim.OnMessage, tableOf(1, 21, 1), "/0/rows/0"},
		{slacksim.OnMessage, tableOf(2, 1, 5001), ""},
		{slacksim.OnModal, tableOf(1, 1, 1), "/0/type"},
		{slacksim.OnModal, `[{"type":"alert","text":` + plainText(1) + `,"level":"error"}]`, "-"},
		{slacksim.OnMessage, `[{"type":"alert","text":` + plainText(1) + `}]`, "/0/type"},
		{slacksim.OnMessage, `[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"x"}]}]}]`, "-"},
		{slacksim.OnMessage, `[{"type":"rich_text","elements":[{"type":"rich_text_list","elements":[]}]}]`, "2 faults"},
		{slacksim.OnMessage, `[{"type":"container","title":` + plainText(150) + `,"child_blocks":[{"type":"divider"}]}]`, "-"},
		{slacksim.OnMessage, `[{"type":"container","title":` + plainText(150) + `,"child_blocks":[` + times(11, divider) + `]}]`, "/0/child_blocks"},
	} {
		err := slacksim.CheckBlocks(c.surface, json.RawMessage(c.blocks))
		faults, _ := errors.AsType[slacksim.BlockErrors](err)
		shown := c.blocks[:min(len(c.blocks), 90)]
		switch {
		case c.pointer == "-":
			if err != nil {
				t.Errorf("%s %s…: %v", c.surface, shown, err)
			}
		case c.pointer == "2 faults":
			if len(faults) != 2 {
				t.Errorf("%s %s…: %v", c.surface, shown, err)
			}
		case len(faults) != 1 || faults[0].Pointer != c.pointer:
			t.Errorf("%s %s…: %v, want a fault at %s", c.surface, shown, err, c.pointer)
		}
	}
}

func TestBlockText(t *testing.T) {
	blocks := `[{"type":"header","text":{"type":"plain_text","text":"a & b"}},{"type":"section","text":{"type":"mrkdwn","text":"&lt;x"}},
		{"type":"actions","elements":[` + aButton(``) + `]}]`
	if n := slacksim.BlockText(json.RawMessage(blocks)); n != 100+9+5+3 {
		t.Error(n)
	}
}

func TestPlainText(t *testing.T) {
	m := slacksim.Message{Text: "short", Blocks: json.RawMessage(`[
		{"type":"header","text":{"type":"plain_text","text":"Stop"}},
		{"type":"section","fields":[{"type":"mrkdwn","text":"*Who* <@U1>"},{"type":"mrkdwn","text":"*How* SOFT"}],"accessory":{"type":"image","alt_text":"logo"}},
		{"type":"context","elements":[{"type":"mrkdwn","text":"one"},{"type":"mrkdwn","text":"two"}]},
		{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"hi "},{"type":"user","user_id":"U2"}]}]},
		{"type":"actions","elements":[{"type":"button","text":{"type":"plain_text","text":"Approve"}},{"type":"button","text":{"type":"plain_text","text":"Deny"}}]},
		{"type":"table","rows":[[{"type":"raw_text","text":"a"},{"type":"raw_number","value":2}]]}]`)}
	want := "Stop\n*Who* <@U1>\n*How* SOFT\nlogo\none two\nhi <@U2>\n[Approve] [Deny]\na | 2"
	if got := slacksim.PlainText(m); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if got := slacksim.PlainText(slacksim.Message{Text: "short"}); got != "short" {
		t.Error(got)
	}
}
