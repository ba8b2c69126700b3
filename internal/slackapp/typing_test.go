package slackapp

import (
	"slices"
	"testing"
)

func TestAsTyped(t *testing.T) {
	for text, want := range map[string]string{
		"<http://x.org|x.org>":                   "x.org",
		"<http://x.org>":                         "http://x.org",
		"<http://x.org?a=1&amp;b|x.org?a&amp;b>": "x.org?a&b",
		"<mailto:joe@x.org>":                     "joe@x.org",
		"<tel:123|123>":                          "123",
		"<@U1> <@W2|ann> <@U3|@joe>":             "@U1 @ann @joe",
		"<#C1|ops> <#C2|> <#C3>":                 "#ops #C2 #C3",
		"<!subteam^S1> <!subteam^S1|@ops>":       "@S1 @ops",
		"<!here> <!channel|channel>":             "@here @channel",
		"<!date^1^{date}|today>":                 "today",
		"&lt;@U1&gt; &amp;lt;":                   "<@U1> &lt;",
		"<web-1> <":                              "<web-1> <",
		"a\u00a0b\r\nc\u2029d\te":                "a b\n\nc\nd e",
		"a\u200d\u00ad\ufeff\ufe0fb":             "ab",
		"a\xffb":                                 "a\ufffdb",
		"```\na\n```":                            "\na\n",
		" `a b` ":                                "a b",
		"`a` `b`":                                "`a` `b`",
		"```a `b` c```":                          "a `b` c",
		"```":                                    "```",
	} {
		if got := asTyped(text); got != want {
			t.Errorf("asTyped(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestWords(t *testing.T) {
	for text, want := range map[string][]string{
		"a, b,,c\nd":          {"a", "b", "c", "d"},
		"` ``` `a`":           {"a"},
		`"a b" 'c' d'e f"g`:   {"a b", "c", "d'e", `f"g`},
		`k="v w",x`:           {"k=v w", "x"},
		`"a\"b\\" "\n"`:       {`a"b\`, `\n`},
		"„a b“ »c d« ‹e› ”f”": {"a b", "c d", "e", "f"},
		"'don't' x":           {"don't", "x"},
		`a "b c`:              {"a", "b c"},
		"* a\n  - b\n*c * d":  {"a", "b", "*c", "*", "d"},
		"•a • b":              {"a", "b"},
		"* --hard":            {"*", "--hard"},
		"a\n*":                {"a", "*"},
	} {
		s := typingScanner{text: []rune(text)}
		var got []string
		for w, ok := s.next(); ok; w, ok = s.next() {
			got = append(got, w.text)
		}
		if !slices.Equal(got, want) {
			t.Errorf("words of %q: %q, want %q", text, got, want)
		}
	}
}

func TestFlagOfWord(t *testing.T) {
	for text, want := range map[string]string{
		"web-1": "", "--hard": "--hard", "--Hard=x": "--hard", "-h": "-h",
		"—HARD": "--hard", "–hard": "--hard", "−hard": "--hard", "‑hard": "-hard",
		"---x": "--x", "—dry–run": "--dry-run", "--": "--", "—": "--", "-": "-", "": "",
	} {
		if got := (typedWord{text: text}).flag(); got != want {
			t.Errorf("flag of %q = %q, want %q", text, got, want)
		}
	}
}

func TestNearest(t *testing.T) {
	for typed, want := range map[string]string{
		"hard": "hard", "hrad": "hard", "sfto": "soft", "dryrun": "dry-run",
		"tga": "tag", "t": "", "at": "", "force": "", "see": "", "": "", "projekt": "project",
	} {
		if got := nearest(typed, flagNames); got != want {
			t.Errorf("nearest(%q) = %q, want %q", typed, got, want)
		}
	}
}

func TestEditDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "ab", 2}, {"help", "hlep", 1}, {"kitten", "sitting", 3}, {"да", "ад", 1}} {
		if got := editDistance(test.a, test.b); got != test.want {
			t.Errorf("editDistance(%q, %q) = %d, want %d", test.a, test.b, got, test.want)
		}
	}
}
