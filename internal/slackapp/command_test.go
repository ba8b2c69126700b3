package slackapp

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

const uuid = "1f0c5a3e-7d2b-4e8a-9c61-0a2b3c4d5e6f"

func servers(names ...string) Command { return Command{Servers: names} }

func TestParse(t *testing.T) {
	tests := []struct {
		text string
		want Command
	}{
		{"", Command{Verb: Form}},
		{" \u200b\n", Command{Verb: Form}},

		{"web-1", servers("web-1")},
		{"web-1 web-2", servers("web-1", "web-2")},
		{"web-1,web-2 , web-3,\nweb-4,", servers("web-1", "web-2", "web-3", "web-4")},
		{"Web-1 web-1 Web-1", servers("Web-1", "web-1")},
		{strings.ToUpper(uuid) + " " + uuid, servers(uuid)},
		{"web-** *_test", servers("web-*", "*_test")},
		{"сервер-1 服务器2 e\u0301te", servers("сервер-1", "服务器2", "e\u0301te")},
		{"stop", servers("stop")},
		{"form", servers("form")},
		{"lists web-1", servers("lists", "web-1")},
		{"web-1 help", servers("web-1", "help")},

		{"web-1 --hard", Command{Servers: []string{"web-1"}, Hard: true}},
		{"--HARD web-1 --Hard", Command{Servers: []string{"web-1"}, Hard: true}},
		{"web-1 --soft --type soft", servers("web-1")},
		{"web-1 --type=Hard", Command{Servers: []string{"web-1"}, Hard: true}},
		{"web-1 --dry-run", Command{Servers: []string{"web-1"}, DryRun: true}},
		{"web-1,--dry-run", Command{Servers: []string{"web-1"}, DryRun: true}},
		{"--project prod web-1", Command{Servers: []string{"web-1"}, Project: "prod"}},
		{`--project="my project" web-1`, Command{Servers: []string{"web-1"}, Project: "my project"}},
		{"--tag env=dev --tag=tier=web --tag env=dev", Command{Tags: []string{"env=dev", "tier=web"}}},
		{`--tag team="blue sky" --tag "owner = ann" --tag note=""`, Command{Tags: []string{"team=blue sky", "owner=ann", "note="}}},
		{"--tag path=a/b=c", Command{Tags: []string{"path=a/b=c"}}},

		{`web-1 --reason "disk  full" web-2`, Command{Servers: []string{"web-1", "web-2"}, Reason: "disk full"}},
		{"web-1 --reason disk full,\n see ops, now --hard", Command{Servers: []string{"web-1"}, Reason: "disk full, see ops, now", Hard: true}},
		{"web-1 --reason=disk, full", Command{Servers: []string{"web-1"}, Reason: "disk, full"}},
		{`web-1 --reason='don't panic' web-2`, Command{Servers: []string{"web-1", "web-2"}, Reason: "don't panic"}},
		{`web-1 --reason "say \"stop\" now"`, Command{Servers: []string{"web-1"}, Reason: `say "stop" now`}},
		{"--reason disk full -- web-1", Command{Servers: []string{"web-1"}, Reason: "disk full"}},
		{"web-1 --reason down — see wiki -5 –later --> db", Command{Servers: []string{"web-1"}, Reason: "down — see wiki -5 –later --> db"}},
		{"web-1 --reason a &lt;b&gt; &amp;amp; <@U1|joe> <@U2> <#C1|ops> <http://x.org|x.org> <https://y.org/z>",
			Command{Servers: []string{"web-1"}, Reason: "a <b> &amp; @joe @U2 #ops x.org https://y.org/z"}},
		{"web-1 --reason disk full `--dry-run`", Command{Servers: []string{"web-1"}, Reason: "disk full", DryRun: true}},
		{"web-1 --reason `disk full` —hard", Command{Servers: []string{"web-1"}, Reason: "disk full", Hard: true}},
		{"web-1 --reason restart `nginx`", Command{Servers: []string{"web-1"}, Reason: "restart `nginx`"}},

		{"-- help --hard -x", servers("help", "--hard", "-x")},
		{`"help" '--hard'`, servers("help", "--hard")},
		{"web-1 -- list", servers("web-1", "list")},

		{"web-1 —hard –dry-run", Command{Servers: []string{"web-1"}, Hard: true, DryRun: true}},
		{"web-1 −−hard —-dry‑run", Command{Servers: []string{"web-1"}, Hard: true, DryRun: true}},
		{"web–1 web‑2 db—3", servers("web-1", "web-2", "db-3")},
		{"— help", servers("help")},
		{"-- —hard", servers("--hard")},
		{"web-1 —reason “disk full” —hard", Command{Servers: []string{"web-1"}, Reason: "disk full", Hard: true}},
		{"web-1 --reason „disk full“", Command{Servers: []string{"web-1"}, Reason: "disk full"}},
		{"web-1 --reason «it’s ‘full’ now»", Command{Servers: []string{"web-1"}, Reason: "it’s ‘full’ now"}},
		{"web-1\u00a0web-2\u202fweb-3\u3000web-4\tweb-5\u2028web-6", servers("web-1", "web-2", "web-3", "web-4", "web-5", "web-6")},
		{"\ufeffweb\u200b-1 w\u00adeb-2 web\u2060-3", servers("web-1", "web-2", "web-3")},
		{"`web-1` `web-2`, `" + uuid + "`", servers("web-1", "web-2", uuid)},
		{"`web-1 --hard`", Command{Servers: []string{"web-1"}, Hard: true}},
		{"```\nweb-1\nweb-2\n```", servers("web-1", "web-2")},
		{"“web-1” ‘web-2’", servers("web-1", "web-2")},
		{"• web-1\n• web-2", servers("web-1", "web-2")},
		{"* web-1\n * web-*\n- db-1", servers("web-1", "web-*", "db-1")},
		{"<http://web01.example.com|web01.example.com> <https://db.example.com:8080/>", servers("web01.example.com", "db.example.com")},
		{"web-1，web-2、web-3", servers("web-1", "web-2", "web-3")},

		{"HELP", Command{Verb: Help}},
		{"--help", Command{Verb: Help}},
		{"—help", Command{Verb: Help}},
		{"`list`", Command{Verb: List}},
		{"status S-7F3K2", Command{Verb: Status, ID: "S-7F3K2"}},
		{"status `s-7f3k2x`", Command{Verb: Status, ID: "S-7F3K2X"}},
		{"Approve  7f3k2 ", Command{Verb: Approve, ID: "S-7F3K2"}},
		{"cancel S–7F3K2.", Command{Verb: Cancel, ID: "S-7F3K2"}},
		{"deny S-7F3K2", Command{Verb: Deny, ID: "S-7F3K2"}},
		{"deny S-7F3K2, too many — use  web-*", Command{Verb: Deny, ID: "S-7F3K2", Reason: "too many — use web-*"}},
		{"deny S-7F3K2 – “too many”", Command{Verb: Deny, ID: "S-7F3K2", Reason: "“too many”"}},
		{"deny S-7F3K2 “too many”", Command{Verb: Deny, ID: "S-7F3K2", Reason: "too many"}},
		{"history", Command{Verb: History}},
		{"history 20", Command{Verb: History, N: 20}},
		{"freeze", Command{Verb: Freeze}},
		{"freeze \"a\" and \"b\"", Command{Verb: Freeze, Reason: `"a" and "b"`}},
		{"freeze migration of <#C1|ops>", Command{Verb: Freeze, Reason: "migration of #ops"}},
		{"UNFREEZE", Command{Verb: Unfreeze}},
	}
	for _, test := range tests {
		got, err := Parse(test.text)
		if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("Parse(%q)\n got %+v, %v\nwant %+v", test.text, got, err, test.want)
		}
		if again, err := Parse(canonical(got)); err != nil || !reflect.DeepEqual(again, got) {
			t.Errorf("Parse(%q), the canonical form\n got %+v, %v\nwant %+v", canonical(got), again, err, got)
		}
	}
}

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

func TestParseBounds(t *testing.T) {
	expectMistakes(t, strings.Repeat("é;", 2001), Mistakes{{TooLong, "", "at most 4000 characters, not 4002"}})

	reason := strings.Repeat("é", 500)
	if cmd, err := Parse("web-1 --reason " + reason); err != nil || cmd.Reason != reason {
		t.Errorf("a reason of 500 characters: %q, %v", cmd.Reason, err)
	}
	tooLong := Mistakes{{ReasonTooLong, strings.Repeat("é", 59) + "…", "at most 500 characters, not 501"}}
	expectMistakes(t, "web-1 --reason "+reason+"é", tooLong)
	expectMistakes(t, "freeze "+reason+"é", tooLong)

	name := strings.Repeat("я", 64)
	if cmd, err := Parse(name); err != nil || !slices.Equal(cmd.Servers, []string{name}) {
		t.Errorf("a name of 64 characters: %+v, %v", cmd, err)
	}

	var many []string
	for i := range 1002 {
		many = append(many, string(rune('一'+i)))
	}
	if cmd, err := Parse(strings.Join(many[:1000], " ")); err != nil || len(cmd.Servers) != 1000 {
		t.Errorf("1000 servers: %d, %v", len(cmd.Servers), err)
	}
	expectMistakes(t, strings.Join(many, ","), Mistakes{{TooManyServers, many[1000], "at most 1000"}})
}

func TestMistakesReadAsOneLine(t *testing.T) {
	_, err := Parse("web-1 --hrad --force --tag")
	want := `unknown flag: "--hrad" (--hard); unknown flag: "--force"; flag needs a value: "--tag" (--tag key=value)`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestEveryVerbIsKnown(t *testing.T) {
	if len(verbNames) != len(verbForms) {
		t.Errorf("%d names, %d forms", len(verbNames), len(verbForms))
	}
	for _, name := range verbNames {
		if verbForms[Verb(name)] == "" {
			t.Errorf("%s has no form", name)
		}
	}
}

// canonical writes a command as Slack would deliver it if it were typed
// without any habit.
func canonical(c Command) string {
	var words []string
	add := func(format string, args ...any) { words = append(words, fmt.Sprintf(format, args...)) }
	if c.Verb == Form {
		return ""
	}
	if c.Verb != Ask {
		add("%s", c.Verb)
	}
	if c.ID != "" {
		add("%s", c.ID)
	}
	if c.N != 0 {
		add("%d", c.N)
	}
	if c.Hard {
		add("--hard")
	}
	if c.DryRun {
		add("--dry-run")
	}
	if c.Project != "" {
		add("--project %s", quotedForSlack(c.Project))
	}
	for _, tag := range c.Tags {
		add("--tag %s", quotedForSlack(tag))
	}
	switch {
	case c.Reason == "":
	case c.Verb == Ask:
		add("--reason %s", quotedForSlack(c.Reason))
	default:
		add("%s", quotedForSlack(c.Reason))
	}
	if c.Verb == Ask {
		add("-- %s", strings.Join(c.Servers, " "))
	}
	return strings.Join(words, " ")
}

func quotedForSlack(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r == '\\' || quoteFamily(r) != "" {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return `"` + strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(b.String()) + `"`
}

func FuzzParse(f *testing.F) {
	for _, input := range wrongInputs(f) {
		f.Add(input.Text)
	}
	f.Add("`web–1`, <http://db.example.com|db.example.com> —reason “it’s full” --tag a=\"b c\" −−hard -- list")
	f.Add("deny s-7f3k2 – “too \\\"many\\\"” &amp;lt;")
	f.Add("```\n* web-*\n• \u200bdb\u00a0--project='a b'```")
	f.Fuzz(func(t *testing.T, text string) {
		cmd, err := Parse(text)
		if err != nil {
			checkMistakes(t, cmd, err)
			return
		}
		if reflect.DeepEqual(cmd, Command{}) {
			t.Fatal("neither a command nor a mistake")
		}
		checkCommand(t, cmd)
		form := canonical(cmd)
		if utf8.RuneCountInString(form) > maxText {
			return // escapes may make it longer than what was typed
		}
		if again, err := Parse(form); err != nil || !reflect.DeepEqual(again, cmd) {
			t.Fatalf("canonical form %q\n got %+v, %v\nwant %+v", form, again, err, cmd)
		}
	})
}

func checkMistakes(t *testing.T, cmd Command, err error) {
	t.Helper()
	mistakes, ok := errors.AsType[Mistakes](err)
	if !ok || len(mistakes) == 0 || !reflect.DeepEqual(cmd, Command{}) {
		t.Fatalf("got %+v and %#v", cmd, err)
	}
	for i, m := range mistakes {
		if mistakesInWords[m.Kind] == "" || slices.Contains(mistakes[:i], m) {
			t.Errorf("unknown kind or repeat: %+v", m)
		}
		if utf8.RuneCountInString(m.Word) > maxWord || utf8.RuneCountInString(m.Hint) > 2*maxWord {
			t.Errorf("too long: %+v", m)
		}
		if s := strings.ReplaceAll(m.Word+m.Hint, "\uFFFD", ""); strings.ContainsFunc(s, isHiddenControl) || strings.Contains(s, "\n") {
			t.Errorf("not fit to be shown: %q", m)
		}
	}
}

func checkCommand(t *testing.T, cmd Command) {
	t.Helper()
	for i, name := range cmd.Servers {
		if !isServerName(name) || slices.Contains(cmd.Servers[:i], name) {
			t.Errorf("server %q: not a name or a repeat", name)
		}
		if serverID.MatchString(name) && name != strings.ToLower(name) {
			t.Errorf("server id %q is not in lower case", name)
		}
	}
	for _, s := range append([]string{cmd.Reason, cmd.Project, cmd.ID}, cmd.Tags...) {
		if strings.ContainsFunc(s, isHiddenControl) || s != oneLine(s) {
			t.Errorf("control characters or loose space in %q", s)
		}
	}
	if cmd.Verb == Ask && len(cmd.Servers)+len(cmd.Tags) == 0 {
		t.Error("asks for nothing")
	}
}
