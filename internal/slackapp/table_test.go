package slackapp

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ecsbot/internal/approvals"
	"ecsbot/internal/slacksim"

	"github.com/slack-go/slack"
)

// bothForms compares both forms of a message with their golden files; there is a
// newer one only where the newer form has blocks of its own. Neither of those has
// buttons, and the text beside them has everything that they show.
func bothForms(t *testing.T, name string, v view, draw func(view) ([]slack.Block, string)) {
	t.Helper()
	v.Newer = false
	classic, _ := draw(v)
	goldenBlocks(t, slacksim.OnMessage, name, classic)
	if hasNewer(classic) {
		t.Errorf("%s: the classic form has newer blocks", name)
	}
	v.Newer = true
	newer, text := draw(v)
	if hasNewer(newer) {
		goldenBlocks(t, slacksim.OnMessage, "newer/"+name, newer)
		checkNewer(t, name, newer, text)
		return
	}
	if asJSON(t, newer) != asJSON(t, classic) {
		t.Errorf("%s: without newer blocks the two forms differ", name)
	}
	if _, err := os.Stat(filepath.Join("testdata", "newer", name+".json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s has a golden file of its newer form, which has no newer blocks: %v", name, err)
	}
}

// checkNewer holds newer blocks to what is promised of them.
func checkNewer(t *testing.T, name string, blocks []slack.Block, text string) {
	t.Helper()
	for _, b := range blocks {
		if !slices.Contains(newerBlocks, b.BlockType()) {
			continue
		}
		raw := asJSON(t, b)
		if strings.Contains(raw, `"button"`) {
			t.Errorf("%s: a %s has a button", name, b.BlockType())
		}
		list, err := json.Marshal([]slack.Block{b})
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.FieldsFunc(slacksim.BlocksText(list), func(r rune) bool { return r == '\n' || r == '|' }) {
			line = strings.Trim(line, " •")
			if skipInText[line] || isNumber(line) || strings.HasSuffix(text, "…") || strings.Contains(text, " more.") {
				continue
			}
			if !strings.Contains(bare(text), bare(line)) {
				t.Errorf("%s: the text beside the %s does not say %q:\n%s", name, b.BlockType(), line, text)
			}
		}
	}
}

// skipInText is what frames newer blocks, and tells nothing by itself.
var skipInText = map[string]bool{"": true, sayTableCaption: true, sayNothing: true, "Server": true, "Result": true, "Code": true, "Reason": true, "Seconds": true}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// bare is text without what only formats it.
func bare(s string) string {
	return strings.NewReplacer("*", "", "`", "", "&lt;", "<", "&gt;", ">", "&amp;", "&", "‹", "<", "›", ">").Replace(s)
}

// What went wrong is at the top of the table; it has at most 100 rows and 10,000
// characters, and the message says what became of the rest.
func TestTheTableOfResultsIsWorstFirstAndBounded(t *testing.T) {
	for _, c := range []struct {
		what    string
		m       approvals.Message
		least   int // rows
		after   string
		atFirst string
	}{
		{"all kinds", newScene(t, 6).ended(true, inTurn(wasStopped, wasOff, wasLeftOut, didFail, isNotKnown, wasNotSent)), 6, "Jobs in the console: ", "unknown"},
		{"many found off", newScene(t, 1200).ended(false, all(wasOff)), 100, "/ecs-stop status S-22222", "found stopped"},
		{"many bad", newScene(t, 1200).ended(false, inTurn(wasStopped, wasStopped, didFail)), 80, "in the file that follows", "failed"},
		{"long", crowd(t, 500, approvals.Soft).ended(false, failsDifferently), 20, "in the file that follows", "failed"},
	} {
		blocks, text := outcomeTable(c.m, "")
		table, is := blocks[1].(*slack.DataTableBlock)
		if !is {
			t.Fatalf("%s: the second block is a %T", c.what, blocks[1])
		}
		rows := table.Rows[1:]
		if len(rows) < c.least || len(rows) > 100 {
			t.Errorf("%s: the table has %d rows, want %d to 100", c.what, len(rows), c.least)
		}
		if got := rows[0][1].(*slack.DataTableRawTextCell).Text; got != c.atFirst {
			t.Errorf("%s: the first row says %q, want %q", c.what, got, c.atFirst)
		}
		said := slacksim.BlocksText(drawn(t, slacksim.OnMessage, blocks))
		if !strings.Contains(said, c.after) {
			t.Errorf("%s: after the table it does not say %q", c.what, c.after)
		}
		total := 0
		for _, b := range c.m.Batches {
			total += len(b.Results)
		}
		if rest := count(total-len(rows), "more server"); total > len(rows) && !strings.Contains(said, rest+" are ") {
			t.Errorf("%s: it does not tell of %s", c.what, rest)
		}
		if !strings.HasPrefix(text, sayEnd(c.m.Request)) {
			t.Errorf("%s: the text begins with %.200q", c.what, text)
		}
	}
}

// A cell is plain text: nothing in it may become a mention.
func TestACellPingsNobody(t *testing.T) {
	s := newScene(t, 1)
	s.f.Servers[0].Name = "<!channel> \u202e<@UBEN>"
	blocks, _ := outcomeTable(s.ended(false, all(wasStopped)), "")
	if raw := asJSON(t, blocks[1]); strings.Contains(raw, "<") || strings.Contains(raw, `\u003c`) || strings.Contains(raw, "\u202e") {
		t.Errorf("the table holds %s", raw)
	}
}

// Seconds are a number where they are known.
func TestTheTableTellsSeconds(t *testing.T) {
	done := wasStopped
	done.Seconds = 42
	blocks, _ := outcomeTable(newScene(t, 2).ended(false, inTurn(done, wasNotSent)), "")
	table := blocks[1].(*slack.DataTableBlock)
	if is, ok := table.Rows[2][4].(*slack.DataTableRawNumberCell); !ok || is.Value != 42 {
		t.Errorf("the seconds are %+v", table.Rows[2][4])
	}
	if is, ok := table.Rows[1][4].(*slack.DataTableRawTextCell); !ok || is.Text != sayNothing {
		t.Errorf("of a server that was not sent the seconds are %+v", table.Rows[1][4])
	}
}
