package command

import (
	"slices"
	"strings"
	"testing"
)

// What a form shows can be typed.
func TestEveryVerbIsKnown(t *testing.T) {
	for _, verb := range Verbs() {
		if form := verbForms[verb]; !strings.HasPrefix(form, string(verb)) {
			t.Errorf("%s has the form %q", verb, form)
		}
	}
}

func TestShowServers(t *testing.T) {
	cmd, err := Parse("servers web-* --tag env=dev")
	if err != nil || cmd.Verb != ShowServers || !slices.Equal(cmd.Servers, []string{"web-*"}) || !slices.Equal(cmd.Tags, []string{"env=dev"}) {
		t.Errorf("got %+v, %v", cmd, err)
	}
	for text, kind := range map[string]Kind{
		"servers": NoServers, "servers web-1 --hard": UnexpectedWord, "servers web-1 --dry-run": UnexpectedWord,
		"servers web-1 --reason x": UnexpectedWord, "servers *": PatternTooWide,
	} {
		_, err := Parse(text)
		if wrong, ok := err.(Mistakes); !ok || len(wrong) != 1 || wrong[0].Kind != kind {
			t.Errorf("Parse(%q) = %v, want %s", text, err, kind)
		}
	}
}
