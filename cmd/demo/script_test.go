package main

import (
	"strings"
	"testing"

	"ecsbot/internal/slacksim"
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

// What the script prints is read by people: ids are short, and a form shows its fields
// without what helps to fill them in.
func TestTheScriptPrintsWhatPeopleRead(t *testing.T) {
	t.Parallel()
	s := &show{names: map[string]string{"UMIA": "mia", "SDBA": "dba", "COPS": "ops"}}
	for text, want := range map[string]string{
		"job `2cd2879a2cd6cfda50485bef1e717668`":                "job 2cd2879a…",
		"batch-2 (5f3a000c-4d3f-4c2a-9b1e-00000000000c)":        "batch-2 (5f3a000c…)",
		":gear: <@UMIA> in <https://sim.slack.com/x|S-7K3MQ>":   "⚙️  @mia in S-7K3MQ",
		"<!subteam^SDBA> in <#COPS>":                            "@dba in #ops",
		"deadbeef and 2cd2879a2cd6cfda50485bef1e7176681 remain": "deadbeef and 2cd2879a2cd6cfda50485bef1e7176681 remain",
	} {
		if got := s.readable(text); got != want {
			t.Errorf("%q is printed as %q, want %q", text, got, want)
		}
	}
	form := slacksim.View{Title: "Stop servers", Raw: []byte(`{"blocks":[{"type":"input","label":{"type":"plain_text","text":"Servers"},"hint":{"type":"plain_text","text":"All of them."},"element":{"type":"plain_text_input","placeholder":{"type":"plain_text","text":"web-1"}}}]}`)}
	if got := formText(form); got != "Stop servers\nServers" {
		t.Errorf("the form is printed as %q", got)
	}
}
