package slackapp

import (
	"slices"
	"strings"
	"testing"

	"ecsbot/internal/command"
)

func TestEveryMistakeHasItsSentence(t *testing.T) {
	said := map[string]command.Kind{}
	for _, kind := range command.Kinds() {
		m := command.Mistake{Kind: kind, Word: "a`<b>", Hint: "a`<c>", Count: 6000, Limit: 5000}
		for _, s := range []string{sayMistake(m), sayFieldMistake(m)} {
			if strings.Contains(s, ": "+kind.String()) {
				t.Errorf("%s has no sentence: %s", kind, s)
			}
			if strings.ContainsAny(s, "<>") {
				t.Errorf("%s: foreign text is not escaped: %s", kind, s)
			}
			if other, is := said[s]; is && other != kind {
				t.Errorf("%s and %s are said alike: %s", kind, other, s)
			}
			said[s] = kind
		}
	}
}

// What can be wrong in a field is said without the flags of the command.
func TestFieldsDoNotSpeakCommandLine(t *testing.T) {
	for _, text := range []string{"env", "env=", "=x", "env=a env=b", "env=a; env=b", "a=b", "*", "web/1", "<@U1>", `"web-1`, "1f0c5a3e-7d2b-4e8a-9c61-0a2b3c4d5e6", "web-1;web-2"} {
		_, servers := command.Servers(text, nil)
		_, tags := command.Tags(text)
		for _, m := range slices.Concat(servers, tags) {
			if s := plainly(sayFieldMistake(m)); strings.Contains(s, "--") || strings.ContainsAny(s, "`&") {
				t.Errorf("%q: %s", text, s)
			}
		}
	}
}
