package bot_test

import (
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ecsbot/internal/bot"

	"github.com/joho/godotenv"
)

// example is .env.example as a person reads it.
type example struct {
	text     string
	required map[string]string // NAME=placeholder
	defaults map[string]string // #NAME=default
	examples [][2]string       // # Example: NAME=value
	plain    bot.Config        // as it stands
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
		t.Fatal("as it stands it does not load: ", err)
	}
	return e
}

// load reads the placeholders with some settings changed.
func (e example) load(change map[string]string) (bot.Config, error) {
	return bot.Load(func(name string) (string, bool) {
		if v, set := change[name]; set {
			return v, true
		}
		v, set := e.required[name]
		return v, set
	})
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

func TestTheExampleLoadsAsItStandsAndNamesOnlyWhatIsRequired(t *testing.T) {
	e := readExample(t)
	for name := range e.required {
		if _, err := e.load(map[string]string{name: ""}); err == nil {
			t.Errorf("without %s it would load as well: it need not be set", name)
		}
	}
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
		c := e.mustLoad(t, map[string]string{name: value})
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
	if before.Kind() == reflect.Struct {
		for i := range before.NumField() {
			filled(t, name, before.Field(i), after.Field(i))
		}
		return
	}
	empty := before.IsZero() && (before.Kind() == reflect.String || before.Kind() == reflect.Slice)
	if !empty && !reflect.DeepEqual(before.Interface(), after.Interface()) {
		t.Errorf("%s is shown without a default, but has one: %v", name, before)
	}
}
