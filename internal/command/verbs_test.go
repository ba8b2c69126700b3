package command

import (
	"slices"
	"testing"
)

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
