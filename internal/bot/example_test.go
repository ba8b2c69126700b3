package bot_test

import (
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/bot"
	"ecsbot/internal/secret"

	"github.com/joho/godotenv"
)

// example is .env.example as a person reads it.
type example struct {
	text     string
	required map[string]string // NAME=value; some of the values are placeholders
	defaults map[string]string // #NAME=default
	examples [][2]string       // # Example: NAME=value
	plain    bot.Config        // as it stands, filled in
}

var (
	defaultLine = regexp.MustCompile(`(?m)^#([A-Z][A-Z0-9_]*=.*)$`)
	exampleLine = regexp.MustCompile(`(?m)^# Example[^:]*: ([A-Z][A-Z0-9_]*)=(.*)$`)
)

func readExample(t *testing.T) example {
	t.Helper()
	b, err := os.ReadFile("../../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	e := example{text: string(b), defaults: map[string]string{}}
	if e.required, err = godotenv.Unmarshal(e.text); err != nil {
		t.Fatal(err)
	}
	for _, m := range defaultLine.FindAllStringSubmatch(e.text, -1) {
		one, err := godotenv.Unmarshal(m[1])
		if err != nil {
			t.Fatalf("%s: %v", m[0], err)
		}
		for name := range one {
			if _, twice := e.defaults[name]; twice {
				t.Errorf("%s is there twice", name)
			}
		}
		maps.Copy(e.defaults, one)
	}
	for _, m := range exampleLine.FindAllStringSubmatch(e.text, -1) {
		e.examples = append(e.examples, [2]string{m[1], m[2]})
	}
	if e.plain, err = e.load(nil); err != nil {
		t.Fatal("filled in it does not load: ", err)
	}
	return e
}

// filledIn are values for what only the reader of the example knows. Its other
// required lines work as they stand.
var filledIn = map[string]string{
	"SLACK_BOT_TOKEN": "xoxb-1-2-abc", "SLACK_APP_TOKEN": "xapp-1-A1-2-abc", "APPROVERS": "U0AAAAAAA,S0BBBBBBB",
	"HUAWEICLOUD_SDK_AK": "ABCDEFGH", "HUAWEICLOUD_SDK_SK": "abcdefgh", "HUAWEICLOUD_SDK_PROJECT_ID": "00112233445566778899aabbccddeeff",
}

// load reads the filled-in example with some settings changed.
func (e example) load(change map[string]string) (bot.Config, error) {
	return bot.Load(func(name string) (string, bool) {
		for _, from := range []map[string]string{change, filledIn} {
			if v, set := from[name]; set {
				return v, true
			}
		}
		v, set := e.required[name]
		return v, set
	})
}

// faultOf is the line of an error that is about a setting, or "".
func faultOf(err error, name string) string {
	if err == nil {
		return ""
	}
	for line := range strings.Lines(err.Error()) {
		if strings.HasPrefix(line, name+" ") {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

func (e example) mustLoad(t *testing.T, change map[string]string) bot.Config {
	t.Helper()
	c, err := e.load(change)
	if err != nil {
		t.Errorf("%v: %v", change, err)
	}
	return c
}

func TestTheExampleHasEverySettingAndNoOther(t *testing.T) {
	e := readExample(t)
	read := map[string]bool{}
	bot.Load(func(name string) (string, bool) { read[name] = true; return "", false })

	for name := range read {
		if read[strings.TrimSuffix(name, "_FILE")] && strings.HasSuffix(name, "_FILE") {
			continue // every setting may be kept in a file
		}
		_, required := e.required[name]
		_, optional := e.defaults[name]
		_, err := e.load(map[string]string{name: "x"})
		refused := err != nil && strings.Contains(err.Error(), name+" is not supported")
		switch {
		case refused && (required || optional):
			t.Errorf("%s is offered, but this version refuses it", name)
		case refused && !strings.Contains(e.text, name):
			t.Errorf("%s is refused by this version, which is not said", name)
		case refused:
		case required && optional:
			t.Errorf("%s is both required and commented out", name)
		case !required && !optional:
			t.Errorf("%s is read, but not in the example", name)
		}
	}
	for _, name := range append(slices.Collect(maps.Keys(e.required)), slices.Collect(maps.Keys(e.defaults))...) {
		if !read[name] {
			t.Errorf("%s is in the example, but nothing reads it", name)
		}
	}
}

func TestTheExampleNamesOnlyWhatIsRequired(t *testing.T) {
	e := readExample(t)
	for name := range e.required {
		if _, err := e.load(map[string]string{name: ""}); err == nil {
			t.Errorf("without %s it would load as well: it need not be set", name)
		}
	}
}

// Somebody who copies the example and forgets to fill in a line learns which,
// without a secret being repeated. The other lines may stay as they are.
func TestTheExamplesOwnValuesAreRefused(t *testing.T) {
	e := readExample(t)
	_, err := bot.Load(func(name string) (string, bool) { v, set := e.required[name]; return v, set })
	if err == nil {
		t.Fatal("the untouched example is taken")
	}
	if n := strings.Count(err.Error(), "\n") + 1; n != len(filledIn) {
		t.Errorf("%d faults, want %d, one for each value that only the reader knows:\n%v", n, len(filledIn), err)
	}
	for name := range filledIn {
		placeholder := e.required[name]
		if placeholder == "" {
			t.Errorf("%s is not in the example", name)
		}
		_, err := e.load(map[string]string{name: placeholder})
		fault := faultOf(err, name)
		if !strings.Contains(fault, "still has the example's value") {
			t.Errorf("%s as in the example: %q", name, fault)
		}
		if name != "APPROVERS" && strings.Contains(fault, placeholder) {
			t.Errorf("the fault repeats the value: %s", fault)
		}
	}
	// One of several ids that was left in is found, too.
	for id := range strings.SplitSeq(e.required["APPROVERS"], ",") {
		if _, err := e.load(map[string]string{"APPROVERS": "U0CCCCCCC," + id}); !strings.Contains(faultOf(err, "APPROVERS"), id) {
			t.Errorf("%s among the approvers is taken", id)
		}
	}
}

// settingComment is a comment with the setting below it.
var settingComment = regexp.MustCompile(`(?m)((?:^# .*\n)+)^#?([A-Z][A-Z0-9_]*)=`)

// statedRange is "1 to 20" or "45s to 1h" in a comment.
var statedRange = regexp.MustCompile(`\b([0-9]+[smh]?) to ([0-9]+[smh]?)\b`)

// The example states the range of every number and every time, and both ends are
// the real ones.
func TestTheExampleStatesTheRealRanges(t *testing.T) {
	e := readExample(t)
	stated := map[string][2]string{}
	for _, m := range settingComment.FindAllStringSubmatch(e.text, -1) {
		text := strings.ReplaceAll(m[1], "\n# ", " ")
		if r := statedRange.FindStringSubmatch(text); r != nil {
			stated[m[2]] = [2]string{r[1], r[2]}
		}
	}
	tried := 0
	for name := range e.defaults {
		_, err := e.load(map[string]string{name: "x"})
		fault := faultOf(err, name)
		bounded := strings.Contains(fault, "a number from") || strings.Contains(fault, "a time from")
		ends, ok := stated[name]
		if bounded != ok {
			t.Errorf("%s: a range is stated: %v; the program says: %q", name, ok, fault)
		}
		if !ok {
			continue
		}
		tried++
		for value, want := range map[string]bool{
			ends[0]: true, ends[1]: true, beyond(t, ends[0], -1): false, beyond(t, ends[1], +1): false,
		} {
			_, err := e.load(map[string]string{name: value})
			if fault := faultOf(err, name); (fault == "") != want {
				t.Errorf("%s=%s is taken: %v, want %v: %s", name, value, fault == "", want, fault)
			}
		}
	}
	if tried < 9 {
		t.Errorf("only %d ranges were tried", tried)
	}
}

// beyond is the next value below or above a number or a time.
func beyond(t *testing.T, end string, by int) string {
	t.Helper()
	if n, err := strconv.Atoi(end); err == nil {
		return strconv.Itoa(n + by)
	}
	d, err := time.ParseDuration(end)
	if err != nil {
		t.Fatal(err)
	}
	return (d + time.Duration(by)*time.Millisecond).String()
}

func TestTheExampleShowsTheRealDefaults(t *testing.T) {
	e := readExample(t)
	for name, value := range e.defaults {
		if c := e.mustLoad(t, map[string]string{name: value}); !reflect.DeepEqual(c, e.plain) {
			t.Errorf("%s=%s is not the default", name, value)
		}
	}

	// Each optional setting has an example that is another value. Where the
	// default shown is nothing, the example fills what was empty.
	given := map[string]bool{}
	for _, x := range e.examples {
		name, value := x[0], x[1]
		given[name] = true
		change := map[string]string{name: value}
		if name == "ECS_AGENCY" { // instead of the keys
			change["HUAWEICLOUD_SDK_AK"], change["HUAWEICLOUD_SDK_SK"] = "", ""
		}
		if name == "CONFIG_FILE" { // the example is meant for the root of the project
			change[name] = "../../" + value
		}
		c := e.mustLoad(t, change)
		if name == "CONFIG_FILE" {
			if len(c.Projects) < 2 || len(c.Projects[0].Policy.Rules) == 0 {
				t.Errorf("the example file has %d projects", len(c.Projects))
			}
			continue
		}
		if reflect.DeepEqual(c, e.plain) {
			t.Errorf("the example %s=%s changes nothing", name, value)
		}
		if v, optional := e.defaults[name]; optional && v == "" {
			filled(t, name, reflect.ValueOf(e.plain), reflect.ValueOf(c))
		}
	}
	for name := range e.defaults {
		if !given[name] {
			t.Errorf("%s has no example", name)
		}
	}
}

// filled checks that after differs from before only where before is an empty
// text or list: nothing else can be without a default.
func filled(t *testing.T, name string, before, after reflect.Value) {
	t.Helper()
	isSecret := before.Type() == reflect.TypeFor[secret.String]()
	if before.Kind() == reflect.Struct && !isSecret {
		for i := range before.NumField() {
			filled(t, name, before.Field(i), after.Field(i))
		}
		return
	}
	if before.Kind() == reflect.Slice && before.Len() == after.Len() && before.Len() > 0 {
		for i := range before.Len() {
			filled(t, name, before.Index(i), after.Index(i))
		}
		return
	}
	empty := before.IsZero() && (isSecret || before.Kind() == reflect.String || before.Kind() == reflect.Slice)
	if !empty && !reflect.DeepEqual(before.Interface(), after.Interface()) {
		t.Errorf("%s is shown without a default, but has one: %v", name, before)
	}
}
