package slacksim_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"ecsbot/internal/slacksim"
)

func videoOf(more string) string {
	return `[{"type":"video","title":` + plainText(1) + `,"video_url":"https://x","thumbnail_url":"https://x"` + more + `}]`
}

func cardOf(more string) string { return `[{"type":"card"` + more + `}]` }

func numberOf(more string) string {
	return inputOf(`{"type":"number_input","is_decimal_allowed":true` + more + `}`)
}

func contextActions(element string) string {
	return `[{"type":"context_actions","elements":[` + element + `]}]`
}

func feedbackOf(more string) string {
	button := `{"text":` + plainText(4) + `,"value":"v"`
	return contextActions(`{"type":"feedback_buttons","positive_button":` + button + more + `},"negative_button":` + button + `}}`)
}

func iconOf(more string) string {
	return contextActions(`{"type":"icon_button","icon":"trash","text":` + plainText(4) + more + `}`)
}

func chartOf(chart string) string {
	return `[{"type":"data_visualization","title":"t","chart":` + chart + `}]`
}

func segment(label, value string) string { return `{"label":"` + label + `","value":` + value + `}` }

func pieOf(segments string) string { return chartOf(`{"type":"pie","segments":[` + segments + `]}`) }

func lineOf(series, axis string) string {
	return chartOf(`{"type":"line","series":[` + series + `],"axis_config":{` + axis + `}}`)
}

func seriesOf(name, points string) string { return `{"name":"` + name + `","data":[` + points + `]}` }

const axisA = `"categories":["A"]`

func dataTableOf(rows, size int) string {
	return `[{"type":"data_table","caption":"c","rows":[` + times(rows, `[{"type":"raw_text","text":"`+x(size)+`"}]`) + `]}]`
}

func sourceOf(source string) string {
	return `[{"type":"task_card","task_id":"t","title":"t","status":"complete","sources":[` + source + `]}]`
}

// The limits of the newer blocks and of what the bot does not use, each with a
// case that keeps it (no pointer) and one that does not. Where the pages of
// Slack's reference are silent, these are the answers of its blocks.validate; where
// the two differ, the stricter one holds.
func TestNewerBlockLimits(t *testing.T) {
	a := segment("A", "1")
	var labels, points []string
	for i := range 21 {
		labels = append(labels, fmt.Sprintf(`"C%d"`, i))
		points = append(points, segment(fmt.Sprintf("C%d", i), "1"))
	}
	axis := func(n int) string { return `"categories":[` + strings.Join(labels[:n], ",") + `]` }
	data := func(n int) string { return strings.Join(points[:n], ",") }
	named := func(n int) string { return times(n, seriesOf("S%", a)) }
	for _, c := range []struct {
		surface slacksim.Surface
		blocks  string
		pointer string // of the only fault; "-": none
	}{
		{slacksim.OnMessage, videoOf(`,"alt_text":"` + x(2000) + `"`), "-"},
		{slacksim.OnMessage, videoOf(`,"alt_text":""`), "-"},
		{slacksim.OnMessage, videoOf(`,"alt_text":"` + x(2001) + `"`), "/0/alt_text"},
		{slacksim.OnMessage, videoOf(`,"alt_text":"x","provider_name":"` + x(50) + `"`), "-"},
		{slacksim.OnMessage, videoOf(`,"alt_text":"x","provider_name":"` + x(51) + `"`), "/0/provider_name"},

		{slacksim.OnModal, numberOf(`,"min_value":"1","max_value":"1"`), "-"},
		{slacksim.OnModal, numberOf(`,"min_value":"2","max_value":"1"`), "/0/element/min_value"},
		{slacksim.OnModal, numberOf(`,"min_value":"9","max_value":"10"`), "-"}, // as numbers, not as texts

		{slacksim.OnModal, `[{"type":"alert","text":` + plainText(200) + `}]`, "-"},
		{slacksim.OnModal, `[{"type":"alert","text":` + plainText(201) + `}]`, "/0/text/text"},

		{slacksim.OnMessage, cardOf(`,"title":` + plainText(150) + `,"actions":[` + times(3, aButton(`,"action_id":"a%"`)) + `]`), "-"},
		{slacksim.OnMessage, cardOf(`,"actions":[` + times(4, aButton(`,"action_id":"a%"`)) + `]`), "/0/actions"},
		{slacksim.OnMessage, cardOf(`,"actions":[{"type":"users_select"}]`), "/0/actions/0/type"},
		{slacksim.OnMessage, cardOf(`,"body":` + plainText(1) + `,"subtext":` + plainText(200)), "-"},
		{slacksim.OnMessage, cardOf(`,"body":` + plainText(1) + `,"subtext":` + plainText(201)), "/0/subtext/text"},
		{slacksim.OnMessage, cardOf(`,"subtext":` + plainText(1)), "/0"},
		{slacksim.OnHome, cardOf(`,"title":` + plainText(1)), "-"},
		{slacksim.OnModal, cardOf(`,"title":` + plainText(1)), "/0/type"},
		{slacksim.OnHome, `[{"type":"carousel","elements":[{"type":"card","title":` + plainText(1) + `}]}]`, "-"},
		{slacksim.OnModal, `[{"type":"carousel","elements":[{"type":"card","title":` + plainText(1) + `}]}]`, "/0/type"},
		{slacksim.OnMessage, `[{"type":"file","external_id":"F","source":"remote"}]`, "/0/type"},
		{slacksim.OnMessage, `[{"type":"container","title":` + plainText(1) + `,"child_blocks":[{"type":"file","external_id":"F","source":"remote"}]}]`, "/0/child_blocks/0/type"},

		{slacksim.OnMessage, feedbackOf(`,"accessibility_label":"` + x(75) + `"`), "-"},
		{slacksim.OnMessage, feedbackOf(`,"accessibility_label":"` + x(76) + `"`), "/0/elements/0/positive_button/accessibility_label"},
		{slacksim.OnMessage, iconOf(`,"visible_to_user_ids":[` + times(10, `"U%"`) + `]`), "-"},
		{slacksim.OnMessage, iconOf(`,"visible_to_user_ids":[` + times(11, `"U%"`) + `]`), "/0/elements/0/visible_to_user_ids"},

		{slacksim.OnMessage, pieOf(times(12, segment("S%", "0.5"))), "-"},
		{slacksim.OnMessage, pieOf(times(13, segment("S%", "1"))), "/0/chart/segments"},
		{slacksim.OnMessage, pieOf(segment(x(20), "1")), "-"},
		{slacksim.OnMessage, pieOf(segment(x(21), "1")), "/0/chart/segments/0/label"},
		{slacksim.OnMessage, pieOf(segment("A", "0")), "/0/chart/segments/0/value"},
		{slacksim.OnMessage, pieOf(segment("A", `"1"`)), "/0/chart/segments/0/value"},

		{slacksim.OnMessage, lineOf(named(12), axisA), "-"},
		{slacksim.OnMessage, lineOf(named(13), axisA), "/0/chart/series"},
		{slacksim.OnMessage, lineOf(seriesOf("S", a)+","+seriesOf("S", a), axisA), "/0/chart/series/1/name"},
		{slacksim.OnMessage, lineOf(seriesOf(x(20), a), axisA), "-"},
		{slacksim.OnMessage, lineOf(seriesOf(x(21), a), axisA), "/0/chart/series/0/name"},
		{slacksim.OnMessage, lineOf(seriesOf("S", segment("A", "-1")), axisA), "-"},
		{slacksim.OnMessage, lineOf(seriesOf("S", segment(x(20), "1")), `"categories":["`+x(20)+`"]`), "-"},
		{slacksim.OnMessage, lineOf(seriesOf("S", segment(x(21), "1")), `"categories":["`+x(21)+`"]`), "2 faults"}, // the point's and the category's
		{slacksim.OnMessage, lineOf(seriesOf("S", segment("B", "1")), axisA), "/0/chart/series/0/data"},
		{slacksim.OnMessage, lineOf(seriesOf("S", a), `"categories":["A","B"]`), "/0/chart/series/0/data"},
		{slacksim.OnMessage, lineOf(seriesOf("S", data(20)), axis(20)), "-"},
		{slacksim.OnMessage, lineOf(seriesOf("S", data(20)), axis(21)), "2 faults"}, // too many, and one without a point
		{slacksim.OnMessage, lineOf(seriesOf("S", a), `"categories":[]`), "2 faults"},
		{slacksim.OnMessage, lineOf(seriesOf("S", a), axisA+`,"x_label":"`+x(50)+`","y_label":"`+x(50)+`"`), "-"},
		{slacksim.OnMessage, lineOf(seriesOf("S", a), axisA+`,"x_label":"`+x(51)+`"`), "/0/chart/axis_config/x_label"},
		{slacksim.OnMessage, lineOf(seriesOf("S", a), axisA+`,"y_label":"`+x(51)+`"`), "/0/chart/axis_config/y_label"},
		{slacksim.OnMessage, chartOf(`{"type":"bar","series":[` + seriesOf("S", a) + `]}`), "/0/chart"},

		{slacksim.OnMessage, dataTableOf(101, 20), "-"},
		{slacksim.OnMessage, dataTableOf(102, 1), "/0/rows"},
		{slacksim.OnMessage, dataTableOf(2, 5000), "-"},
		{slacksim.OnMessage, dataTableOf(2, 5001), ""},

		// What Slack's validator lets pass, whatever other libraries say.
		{slacksim.OnMessage, `[{"type":"table","rows":[[{"type":"raw_text","text":"a"},{"type":"raw_text","text":"b"}],[{"type":"raw_text","text":"c"}]]}]`, "-"},
		{slacksim.OnMessage, `[{"type":"table","rows":[[{"type":"raw_text","text":"a"}]],"column_settings":[{"align":"left"},{"is_wrapped":true}]}]`, "-"},
		{slacksim.OnMessage, `[{"type":"table","rows":[[{"type":"raw_text","text":"a"}]],"column_settings":[` + times(21, `{}`) + `]}]`, "/0/column_settings"},
		{slacksim.OnMessage, sourceOf(`{"type":"url","url":"","text":"x"}`), "-"},
		{slacksim.OnMessage, sourceOf(`{"type":"url","url":"` + x(3001) + `","text":"x"}`), "-"},
		{slacksim.OnMessage, sourceOf(`{"type":"url","text":"x"}`), "/0/sources/0"},
		{slacksim.OnMessage, sourceOf(`{"type":"link","url":"https://x","text":"x"}`), "/0/sources/0/type"},
	} {
		err := slacksim.CheckBlocks(c.surface, json.RawMessage(c.blocks))
		faults, _ := errors.AsType[slacksim.BlockErrors](err)
		shown := c.blocks[:min(len(c.blocks), 110)]
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
