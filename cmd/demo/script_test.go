package main

import (
	"strings"
	"testing"
)

// A story that is not as it must be ends there, and the script says why.
func TestAStoryThatGoesWrongEndsTheScript(t *testing.T) {
	t.Parallel()
	s := &script{}
	if err := s.tell(func(*script) {}); err != nil {
		t.Errorf("a story that goes well: %v", err)
	}
	err := s.tell(func(s *script) {
		s.Errorf("one server was stopped %d times", 2)
		s.Fatalf("there is no card")
		t.Error("the story goes on")
	})
	if err == nil || !strings.Contains(err.Error(), "stopped 2 times") || !strings.Contains(err.Error(), "no card") {
		t.Errorf("the script says %v", err)
	}
	defer func() {
		if thrown := recover(); thrown != "a mistake in the program" {
			t.Errorf("caught %v", thrown)
		}
	}()
	s.tell(func(*script) { panic("a mistake in the program") })
	t.Error("a panic of the program's own is swallowed")
}
