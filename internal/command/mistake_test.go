package command

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"reflect"
	"slices"
	"testing"
)

// wrongInput is an entry of testdata/wrong_inputs.json, which other packages'
// tests read too.
type wrongInput struct {
	Text                string
	Kinds, Words, Hints []string
}

func wrongInputs(t testing.TB) []wrongInput {
	t.Helper()
	data, err := os.ReadFile("testdata/wrong_inputs.json")
	if err != nil {
		t.Fatal(err)
	}
	var inputs []wrongInput
	if err := json.Unmarshal(data, &inputs); err != nil {
		t.Fatal(err)
	}
	return inputs
}

func TestParseNamesEveryMistake(t *testing.T) {
	unseen := map[string]Kind{}
	for _, kind := range Kinds() {
		unseen[kind.String()] = kind
	}
	kinds := maps.Clone(unseen)
	if _, unnamed := kinds[""]; unnamed || len(kinds) != len(Kinds()) {
		t.Errorf("the kinds' names are empty or alike: %v", kinds)
	}
	for _, input := range wrongInputs(t) {
		var want Mistakes
		for i, kind := range input.Kinds {
			if _, known := kinds[kind]; !known {
				t.Fatalf("%q is no kind of mistake.go", kind)
			}
			m := Mistake{Kind: kinds[kind], Word: input.Words[i], Hint: input.Hints[i]}
			if m.Kind == BadNumber {
				m.Limit = maxHistory
			}
			want = append(want, m)
			delete(unseen, kind)
		}
		expectMistakes(t, input.Text, want)
	}
	for _, onlyInLongTexts := range []Kind{TooLong, ReasonTooLong, TicketTooLong, TooManyServers} {
		delete(unseen, onlyInLongTexts.String())
	}
	if len(unseen) > 0 {
		t.Errorf("no example of %v", unseen)
	}
}

func expectMistakes(t *testing.T, text string, want Mistakes) {
	t.Helper()
	cmd, err := Parse(text)
	got, _ := errors.AsType[Mistakes](err)
	if !slices.Equal(got, want) {
		t.Errorf("Parse(%.100q)\n got %+v\nwant %+v", text, got, want)
	}
	if !reflect.DeepEqual(cmd, Command{}) {
		t.Errorf("Parse(%.100q) gave a command besides its mistakes: %+v", text, cmd)
	}
}

func TestMistakesReadAsOneLine(t *testing.T) {
	_, err := Parse("web-1 --hrad --force --tag")
	want := `unknown flag: "--hrad" (--hard); unknown flag: "--force"; flag needs a value: "--tag" (--tag key=value)`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
