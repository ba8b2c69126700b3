package slackapp

import (
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
