package slackapp

import (
	"encoding/json"
	"errors"
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
	unseen := map[MistakeKind]bool{}
	for kind := range mistakesInWords {
		unseen[kind] = true
	}
	for _, input := range wrongInputs(t) {
		var want Mistakes
		for i, kind := range input.Kinds {
			want = append(want, Mistake{MistakeKind(kind), input.Words[i], input.Hints[i]})
			delete(unseen, MistakeKind(kind))
		}
		expectMistakes(t, input.Text, want)
	}
	for _, onlyInLongTexts := range []MistakeKind{TooLong, ReasonTooLong, TooManyServers} {
		delete(unseen, onlyInLongTexts)
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
