package command

import (
	"reflect"
	"slices"
	"strings"
	"testing"
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
		{"retry s-7f3k2", Command{Verb: Retry, ID: "S-7F3K2"}},
		{"Start 7F3K2", Command{Verb: Start, ID: "S-7F3K2"}},
		{"-- start retry", Command{Servers: []string{"start", "retry"}}},
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

func TestParseBounds(t *testing.T) {
	expectMistakes(t, strings.Repeat("é;", 2001), Mistakes{{Kind: TooLong, Count: 4002, Limit: 4000}})

	reason := strings.Repeat("é", 500)
	if cmd, err := Parse("web-1 --reason " + reason); err != nil || cmd.Reason != reason {
		t.Errorf("a reason of 500 characters: %q, %v", cmd.Reason, err)
	}
	tooLong := Mistakes{{Kind: ReasonTooLong, Word: strings.Repeat("é", 59) + "…", Count: 501, Limit: 500}}
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
	expectMistakes(t, strings.Join(many, ","), Mistakes{{Kind: TooManyServers, Word: many[1000], Limit: 1000}})
}
