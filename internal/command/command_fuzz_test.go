package command

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"ecsbot/internal/approvals"
)

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
	if c.Ticket != "" {
		add("--ticket %s", quotedForSlack(c.Ticket))
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
	if c.Verb == Ask || c.Verb == ShowServers || c.Verb == Explain {
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

func checkMistakes(t *testing.T, cmd Command, err error) {
	t.Helper()
	mistakes, ok := errors.AsType[Mistakes](err)
	if !ok || len(mistakes) == 0 || !reflect.DeepEqual(cmd, Command{}) {
		t.Fatalf("got %+v and %#v", cmd, err)
	}
	for i, m := range mistakes {
		if slices.Contains(mistakes[:i], m) {
			t.Errorf("repeated: %+v", m)
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
		if approvals.IsServerID(strings.ToLower(name)) && name != strings.ToLower(name) {
			t.Errorf("server id %q is not in lower case", name)
		}
	}
	for _, s := range append([]string{cmd.Reason, cmd.Project, cmd.Ticket, cmd.ID}, cmd.Tags...) {
		if strings.ContainsFunc(s, isHiddenControl) || s != oneLine(s) {
			t.Errorf("control characters or loose space in %q", s)
		}
	}
	if (cmd.Verb == Ask || cmd.Verb == ShowServers || cmd.Verb == Explain) && len(cmd.Servers)+len(cmd.Tags) == 0 {
		t.Error("asks for nothing")
	}
}
