package command

import (
	"slices"
	"strings"
	"testing"
)

func TestFieldsAreReadAsTheCommandIs(t *testing.T) {
	servers, wrong := Servers("web-1, `web-2`\n* batch-*\n- "+strings.ToUpper(uuid), []string{"db-1", "web-1"})
	if want := []string{"db-1", "web-1", "web-2", "batch-*", uuid}; !slices.Equal(servers, want) || len(wrong) > 0 {
		t.Errorf("servers %q, want %q; %v", servers, want, wrong)
	}
	tags, wrong := Tags(`env=dev, --tag team="blue sky" "owner =  ann" note="" env=dev`)
	if want := []string{"env=dev", "team=blue sky", "owner=ann", "note="}; !slices.Equal(tags, want) || len(wrong) > 0 {
		t.Errorf("tags %q, want %q; %v", tags, want, wrong)
	}
	reason, wrong := Reason("  disk --hard\nfull ")
	if want := "disk --hard full"; reason != want || len(wrong) > 0 {
		t.Errorf("reason %q, want %q; %v", reason, want, wrong)
	}
}

func TestMistakesInFields(t *testing.T) {
	servers := func(text string) Mistakes { _, wrong := Servers(text, nil); return wrong }
	tags := func(text string) Mistakes { _, wrong := Tags(text); return wrong }
	reason := func(text string) Mistakes { _, wrong := Reason(text); return wrong }
	for _, tt := range []struct {
		read func(string) Mistakes
		text string
		want Mistakes
	}{
		{servers, "", nil},
		{servers, "web-1; *", Mistakes{{Kind: Semicolon, Word: "web-1;", Hint: "web-1"}, {Kind: PatternTooWide, Word: "*"}}},
		{servers, "web-1 --hard env=dev", Mistakes{{Kind: UnexpectedWord, Word: "--hard"}, {Kind: TagNotServer, Word: "env=dev"}}},
		{servers, "<@U1|joe> \"web-1 web-2", Mistakes{{Kind: MentionNotServer, Word: "@joe"}, {Kind: OpenQuote, Word: "\"web-1 web-2"}}},
		{tags, "", nil},
		{tags, "env --hard", Mistakes{{Kind: BadTag, Word: "env", Hint: "env=value"}, {Kind: UnexpectedWord, Word: "--hard"}}},
		{tags, "env= \"\"", Mistakes{{Kind: TagWithoutValue, Word: "env=", Hint: "env"}, {Kind: BadTag, Word: "\"\"", Hint: "key=value"}}},
		{tags, "env=a; env=b", Mistakes{{Kind: Semicolon, Word: "env=a;"}}},
		{tags, "env=a env=b team=\"x", Mistakes{{Kind: Contradiction, Word: "env=b", Hint: "env=a"}, {Kind: OpenQuote, Word: "team=\"x"}}},
		{reason, strings.Repeat("x", 501), Mistakes{{Kind: ReasonTooLong, Word: strings.Repeat("x", 59) + "…", Count: 501, Limit: 500}}},
		{reason, "a\u202eb", Mistakes{{Kind: ControlCharacter, Word: "a\ufffdb", Hint: "U+202E"}}},
	} {
		if got := tt.read(tt.text); !slices.Equal(got, tt.want) {
			t.Errorf("%.40q\n got %+v\nwant %+v", tt.text, got, tt.want)
		}
	}
}
