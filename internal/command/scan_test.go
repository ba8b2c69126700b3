package command

import (
	"slices"
	"testing"
)

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
		s := scanner{text: []rune(text)}
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
		if got := (word{text: text}).flag(); got != want {
			t.Errorf("flag of %q = %q, want %q", text, got, want)
		}
	}
}
