package slackapp

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// scopeOf are the bot scopes that the methods of the Web API ask for, by the
// names that the library gives them (Slack's method pages).
var scopeOf = map[string][]string{
	"AuthTestContext":               nil,
	"GetPermalinkContext":           nil,
	"FunctionCompleteErrorContext":  nil,
	"OpenViewContext":               nil,
	"UpdateViewContext":             nil,
	"SendMessageContext":            nil, // a response_url needs none
	"PublishViewContext":            nil,
	"UploadToURL":                   nil, // the address itself is the permission
	"GetUploadURLExternalContext":   {"files:write"},
	"CompleteUploadExternalContext": {"files:write"},
	"PostMessageContext":            {"chat:write"},
	"PostEphemeralContext":          {"chat:write"},
	"UpdateMessageContext":          {"chat:write"},
	"GetUserInfoContext":            {"users:read"},
	"GetUserGroupMembersContext":    {"usergroups:read"},
	"GetConversationInfoContext":    {"channels:read", "groups:read"},
	"GetConversationHistoryContext": {"channels:history", "groups:history"},
	"GetConversationRepliesContext": {"channels:history", "groups:history"},
}

// The manifest asks for the scopes of the methods that the code calls, for
// those of the slash command, and for nothing else.
func TestManifestAsksForWhatTheCodeUses(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{"commands": true}
	call := regexp.MustCompile(`\.api\.(\w+)\(`)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range call.FindAllStringSubmatch(string(source), -1) {
			scopes, known := scopeOf[m[1]]
			if !known {
				t.Errorf("%s calls %s, of which this test does not know the scopes", name, m[1])
			}
			for _, s := range scopes {
				want[s] = true
			}
		}
	}
	m := decodedManifest(t)
	got := slices.Sorted(slices.Values(m.OAuth.Scopes.Bot))
	if !slices.Equal(got, slices.Sorted(maps.Keys(want))) {
		t.Errorf("the manifest asks for %v, the code uses %v", got, slices.Sorted(maps.Keys(want)))
	}
}

// Each scope says what it is for.
func TestManifestExplainsEachScope(t *testing.T) {
	for _, s := range decodedManifest(t).OAuth.Scopes.Bot {
		if !regexp.MustCompile(`(?m)^ +- ` + regexp.QuoteMeta(s) + ` # .+$`).MatchString(Manifest) {
			t.Errorf("scope %s is not explained", s)
		}
	}
}

// The limits of Slack's manifest schema hold.
func TestManifestKeepsSlacksLimits(t *testing.T) {
	m := decodedManifest(t)
	if n := len([]rune(m.Display.Name)); n == 0 || n > 35 {
		t.Errorf("the name has %d characters", n)
	}
	if n := len([]rune(m.Display.Description)); n > 140 {
		t.Errorf("the description has %d characters", n)
	}
	if len(m.Features.Commands) != 1 || !m.Features.Commands[0].Escape || len([]rune(m.Features.Commands[0].Hint)) > 1000 {
		t.Errorf("the command is %+v", m.Features.Commands)
	}
	if !m.Settings.SocketMode || !m.Settings.Interactivity.Enabled {
		t.Error("Socket Mode or interactivity is off")
	}
	if !m.Features.Home.Enabled || !slices.Equal(m.Settings.Events.Bot, []string{"app_home_opened", "subteam_members_changed", "subteam_updated"}) {
		t.Errorf("the Home tab is %v, the events are %v", m.Features.Home.Enabled, m.Settings.Events.Bot)
	}
	if link := ManifestLink(); !strings.HasPrefix(link, "https://api.slack.com/apps?new_app=1&manifest_yaml=") || strings.Contains(link, "\n") {
		t.Errorf("odd link %q", link)
	}
}

type decoded struct {
	Display struct {
		Name        string `json:"name"`
		Description string `json:"description"`
	} `json:"display_information"`
	Features struct {
		Home struct {
			Enabled  bool `json:"home_tab_enabled"`
			Messages bool `json:"messages_tab_enabled"`
			ReadOnly bool `json:"messages_tab_read_only_enabled"`
		} `json:"app_home"`
		Commands []struct {
			Command string `json:"command"`
			Hint    string `json:"usage_hint"`
			Escape  bool   `json:"should_escape"`
		} `json:"slash_commands"`
	} `json:"features"`
	OAuth struct {
		Scopes struct {
			Bot []string `json:"bot"`
		} `json:"scopes"`
	} `json:"oauth_config"`
	Settings struct {
		Events struct {
			Bot []string `json:"bot_events"`
		} `json:"event_subscriptions"`
		SocketMode    bool `json:"socket_mode_enabled"`
		Interactivity struct {
			Enabled bool `json:"is_enabled"`
		} `json:"interactivity"`
	} `json:"settings"`
}

func decodedManifest(t *testing.T) decoded {
	t.Helper()
	raw, err := ManifestJSON()
	if err != nil {
		t.Fatal(err)
	}
	var m decoded
	if err := json.Unmarshal([]byte(raw), &m); err != nil {
		t.Fatal(err)
	}
	return m
}
