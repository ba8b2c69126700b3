package command

import (
	"slices"
	"strings"
	"testing"
)

func TestTickets(t *testing.T) {
	for text, want := range map[string]string{
		"web-1 --ticket CHG-12": "CHG-12", "web-1 --ticket=CHG-12 --hard": "CHG-12", `web-1 --ticket "CHG 12"`: "CHG 12",
		"web-1 —ticket CHG–12":                "CHG-12", // dashes that a keyboard made
		"web-1 --reason disk --ticket CHG-12": "CHG-12", "web-1": "",
	} {
		if cmd, err := Parse(text); err != nil || cmd.Ticket != want || !slices.Equal(cmd.Servers, []string{"web-1"}) {
			t.Errorf("%q: %q of %v, %v", text, cmd.Ticket, cmd.Servers, err)
		}
	}
	long := strings.Repeat("x", MaxTicket+1)
	expectMistakes(t, "web-1 --ticket "+long, Mistakes{{Kind: TicketTooLong, Word: strings.Repeat("x", 59) + "…", Count: 101, Limit: 100}})
	if id, wrong := Ticket(" CHG–12 "); id != "CHG-12" || len(wrong) > 0 {
		t.Errorf("the field: %q, %v", id, wrong)
	}
	if _, wrong := Ticket(long); len(wrong) != 1 || wrong[0].Kind != TicketTooLong {
		t.Errorf("a long one: %v", wrong)
	}
	if _, wrong := Ticket("CHG\u202e1"); len(wrong) != 1 || wrong[0].Kind != ControlCharacter {
		t.Errorf("a hidden character: %v", wrong)
	}
}

func TestExplain(t *testing.T) {
	cmd, err := Parse("explain web-* --tag env=dev --hard --project dev")
	if err != nil || cmd.Verb != Explain || !slices.Equal(cmd.Servers, []string{"web-*"}) || !slices.Equal(cmd.Tags, []string{"env=dev"}) || !cmd.Hard || cmd.Project != "dev" {
		t.Errorf("%+v, %v", cmd, err)
	}
	for text, kind := range map[string]Kind{
		"explain": NoServers, "explain web-1 --reason x": UnexpectedWord, "explain web-1 --dry-run": UnexpectedWord, "explain *": PatternTooWide,
	} {
		if _, err := Parse(text); err == nil || err.(Mistakes)[0].Kind != kind {
			t.Errorf("%q: %v, want %v", text, err, kind)
		}
	}
}
