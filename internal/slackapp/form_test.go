package slackapp

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/command"
	"ecsbot/internal/slacksim"

	"github.com/slack-go/slack"
)

const uuid = "1f0c5a3e-7d2b-4e8a-9c61-0a2b3c4d5e6f"

// longest are names as long as the cloud allows, in several scripts, with what
// would be markup if nobody escaped it.
var longest = []string{
	strings.Repeat("w", 64), strings.Repeat("服", 64), strings.Repeat("ж", 64), strings.Repeat("&", 64),
	"<!channel>" + strings.Repeat("<", 54), "*`_~" + strings.Repeat("é", 60),
}

func someServers(n int) []approvals.Server {
	all := make([]approvals.Server, n)
	for i := range all {
		all[i] = approvals.Server{
			ID: fmt.Sprintf("%08x-0000-4000-8000-%012x", i, i), Name: longest[i%len(longest)], Address: "100.100.100.100",
			Status: "ACTIVE", Task: "powering-off",
		}
	}
	return all
}

func requestOf(f approvals.ServerList) approvals.Request {
	now := time.Unix(1_700_000_000, 0)
	return approvals.Request{
		ID: "S-23456", State: approvals.Pending,
		Asked:   approvals.Asked{Project: strings.Repeat("p", 64), Mode: approvals.Hard, Reason: strings.Repeat("&", command.MaxReason), Requester: "UANN", Channel: "COPS", Created: now},
		Listed:  approvals.Listed{Total: len(f.Servers), Sample: f.Servers[:min(20, len(f.Servers))], LeftOut: f.LeftOut[:min(20, len(f.LeftOut))], LeftOutCount: len(f.LeftOut), Digest: "01234567"},
		Decided: approvals.Decided{Expires: now.Add(time.Hour), ApprovalsNeeded: 2},
	}
}

func checkModal(t *testing.T, v slack.ModalViewRequest) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := slacksim.CheckView(raw); err != nil {
		t.Errorf("the view breaks Slack's limits: %v\n%s", err, raw)
	}
	if len(raw) > 100_000 {
		t.Errorf("the view has %d bytes", len(raw))
	}
	return string(raw)
}

func TestViewsKeepSlacksLimits(t *testing.T) {
	for _, required := range []bool{false, true} {
		v := viewOf(approvals.Policy{Approvers: []string{"UBEN", "SDUTY"}, MaxServers: 1000, ReasonRequired: required})
		checkModal(t, v.form(modalState{Channel: "COPS"}))
	}
	checkModal(t, infoModal(sayMistakes("/ecs-stop", command.Mistakes{{Kind: command.BadTag, Word: "x", Hint: "y"}})))
	for _, n := range []int{1, 30, 31, 100, 1000, 5000} {
		all := someServers(n + n/3)
		f := approvals.ServerList{Servers: all[:n]}
		for _, s := range all[n:] {
			f.LeftOut = append(f.LeftOut, approvals.LeftOut{Server: s, Skip: approvals.SkipLocked})
		}
		r := requestOf(f)
		checkModal(t, previewOf(r, "{}"))
		seen := 0
		pages := (len(all) + perPage - 1) / perPage
		for page := range pages {
			if page > 3 && page < pages-2 {
				seen += perPage // they are all alike
				continue
			}
			raw := checkModal(t, serversPage(r, f, page))
			seen += strings.Count(raw, "-0000-4000-8000-")
			if strings.Contains(raw, actPrev) != (page > 0) || strings.Contains(raw, actNext) != (page < pages-1) {
				t.Errorf("page %d of %d has the wrong buttons", page+1, pages)
			}
		}
		if seen != len(all) {
			t.Errorf("%d pages show %d of %d servers", pages, seen, len(all))
		}
		checkModal(t, serversPage(r, f, -1))
		checkModal(t, serversPage(r, f, pages+7))
	}
}

// markup is what Slack shows in fewer characters than it is written.
var markup = regexp.MustCompile(`<!date[^|]*\|2026-([^>]*) UTC>|(?::[a-z_]+:)`)

// A card is as long with thousands of servers as with ten, it always leads to all of
// them, and what has to be known is read before the names and the buttons.
func TestACardFitsOneScreen(t *testing.T) {
	v := viewOf(approvals.Policy{Approvers: []string{"UBEN", "UCARLA"}})
	for _, n := range []int{1, 10, 100, 5000} {
		s := newScene(t, n)
		s.ask.Mode = approvals.Hard
		for i := range n {
			s.f.Servers[i].Name = []string{"prod-web", "api", "batch", "cache-a", "db-replica"}[i%5] + fmt.Sprintf("-%d", i)
			s.f.LeftOut = append(s.f.LeftOut, approvals.LeftOut{Server: s.f.Servers[i], Skip: []approvals.SkipReason{approvals.SkipOff, approvals.SkipProtected}[i%2]})
		}
		for name, r := range map[string]approvals.Request{"pending": s.pending(), "running": s.running(), "ended": s.ended(false, inTurn(wasStopped, didFail)).Request} {
			raw := asJSON(t, first(v.card(r, approvals.Freeze{})))
			text := slacksim.BlocksText([]byte(raw))
			lines := 0
			for line := range strings.Lines(text) {
				lines += 1 + len([]rune(markup.ReplaceAllString(line, "$1")))/45 // of a phone
			}
			if most := map[string]int{"pending": 26, "running": 10, "ended": 9}[name]; lines > most {
				t.Errorf("%s, %d servers: %d lines on a phone, at most %d are allowed\n%s", name, n, lines, most, text)
			}
			if strings.Contains(text, "-0000-4000-8000-") {
				t.Errorf("%s, %d servers: an id that nobody needs\n%s", name, n, text)
			}
			if !strings.Contains(raw, map[string]string{"pending": actShow, "running": actShow, "ended": actResults}[name]) {
				t.Errorf("%s, %d servers: nothing leads to all of them", name, n)
			}
			if name == "pending" && (strings.Index(text, "Power off") > strings.Index(text, sayRequestNames(r)) || strings.Index(text, "look") > strings.Index(text, "[Approve]")) {
				t.Errorf("%d servers: a warning comes too late\n%s", n, text)
			}
		}
	}
}

// What is on its way can be stopped from its card, as long as something is not sent.
func TestARunningCardCanBeStopped(t *testing.T) {
	s := newScene(t, 300)
	v, frozen := s.view(), approvals.Freeze{On: true, By: "UBEN", At: noon}
	for name, tt := range map[string]struct {
		r    approvals.Request
		f    approvals.Freeze
		want bool
	}{
		"approved": {s.approved(), approvals.Freeze{}, true}, "running": {s.running(), approvals.Freeze{}, true}, "on hold": {s.running(), frozen, true},
		"cancelled while it runs": {s.cancelled(s.running()), approvals.Freeze{}, false}, "denied": {s.denied(""), approvals.Freeze{}, false},
		"ended": {s.ended(false, all(wasStopped)).Request, approvals.Freeze{}, false},
	} {
		raw := asJSON(t, first(v.card(tt.r, tt.f)))
		if got := strings.Contains(raw, actCancel) && strings.Contains(raw, sayStopSending) && strings.Contains(raw, `"confirm"`); got != tt.want {
			t.Errorf("%s: it can be stopped: %v, want %v", name, got, tt.want)
		}
		if said := strings.Contains(raw, "Sending is frozen by"); said != tt.f.On {
			t.Errorf("%s: it tells of a freeze: %v", name, said)
		}
	}
}

func TestOptionsShowTheStateWhateverTheName(t *testing.T) {
	for _, s := range someServers(len(longest)) {
		text := sayOption(s, false)
		if n := len([]rune(text)); n > maxOption {
			t.Errorf("%d characters: %s", n, text)
		}
		if !strings.HasSuffix(text, " · stopping · 100.100.100.100") {
			t.Errorf("no state or address: %s", text)
		}
	}
	if got := sayOption(approvals.Server{Name: "a\u202eb\n", Status: "SHUTOFF"}, true); got != "ab · stopped · protected" {
		t.Errorf("got %q", got)
	}
}

// filled is a form as Slack sends it back.
func filled(names, tags, how, why string, picked ...string) slack.View {
	text := func(s string) map[string]slack.BlockAction {
		return map[string]slack.BlockAction{textInput: {Value: s}}
	}
	var options []slack.OptionBlockObject
	for _, p := range picked {
		options = append(options, slack.OptionBlockObject{Value: p})
	}
	return slack.View{State: &slack.ViewState{Values: map[string]map[string]slack.BlockAction{
		pickBlock:  {pickInput: {SelectedOptions: options}},
		namesBlock: text(names), tagsBlock: text(tags), whyBlock: text(why),
		howBlock: {textInput: {SelectedOption: slack.OptionBlockObject{Value: how}}},
	}}}
}

func TestFormIsReadAsTheCommandIs(t *testing.T) {
	v := view{}
	w, wrong := v.readForm(filled("web-1, `web-2`\n* batch-*", `env=dev --tag team="blue sky"`, "HARD", "  disk\nfull ", uuid, "web-1"), modalState{})
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	if want := []string{uuid, "web-1", "web-2", "batch-*"}; !slices.Equal(w.Servers, want) {
		t.Errorf("servers %q, want %q", w.Servers, want)
	}
	if want := []string{"env=dev", "team=blue sky"}; !slices.Equal(w.Tags, want) {
		t.Errorf("tags %q, want %q", w.Tags, want)
	}
	if !w.Hard || w.Reason != "disk full" {
		t.Errorf("got %+v", w)
	}
}

func TestFormNamesMistakesOnTheFields(t *testing.T) {
	v := viewOf(approvals.Policy{ReasonRequired: true})
	for _, tt := range []struct {
		view slack.View
		want map[string]string // block → part of its error
	}{
		{filled("", "", "SOFT", "x"), map[string]string{pickBlock: "Choose servers here"}},
		{filled("web-1; *", "env", "SOFT", ""), map[string]string{namesBlock: `"web-1;" contains a semicolon`, tagsBlock: `"env" is not a tag. Use key=value, for example "env=value".`, whyBlock: "required"}},
		{filled("web-1 --hard", "--hard", "SOFT", "x"), map[string]string{namesBlock: `"--hard" is a flag of the command`, tagsBlock: `"--hard" is a flag of the command`}},
		{filled("env=dev", "env=", "SOFT", "x"), map[string]string{namesBlock: "the tags field", tagsBlock: `Write env=value, or env="" if`}},
		{filled("<@U1|joe>", "env=a env=b", "SOFT", "x"), map[string]string{namesBlock: "a person or a channel", tagsBlock: "contradicts"}},
		{slack.View{}, map[string]string{whyBlock: "required"}},
	} {
		_, wrong := v.readForm(tt.view, modalState{})
		if len(wrong) != len(tt.want) {
			t.Errorf("told %q, want %q", wrong, tt.want)
		}
		for block, words := range tt.want {
			if !strings.Contains(wrong[block], words) || strings.Contains(wrong[block], "`") {
				t.Errorf("%s reads %q, want %q", block, wrong[block], words)
			}
		}
	}
}

func TestMissingNamesComeWithNamesLikeThem(t *testing.T) {
	said := view{}.sayRefusal(&approvals.Refusal{Kind: approvals.Unresolved, Missing: []string{"wbe-1", "zzz"}, Near: map[string][]string{"wbe-1": {"web-1", "<web>-2"}}})
	for _, want := range []string{"I can't find a server called `wbe-1`. Did you mean `web-1` or `&lt;web&gt;-2`?", "I can't find a server called `zzz`.\n"} {
		if !strings.Contains(said+"\n", want) {
			t.Errorf("%q does not say %q", said, want)
		}
	}
}

func TestFoundServersFitOneAnswer(t *testing.T) {
	said := sayFound(someServers(5000), &approvals.Refusal{Missing: []string{"x"}})
	if len(said) > maxFallback {
		t.Errorf("%d bytes", len(said))
	}
	if !strings.Contains(said, "5,000 servers") || !strings.Contains(said, "more.") {
		t.Error(said)
	}
}

func TestManifestHasTheShortcut(t *testing.T) {
	if !strings.Contains(Manifest, "callback_id: "+formShortcut+"\n") {
		t.Error("the manifest does not name the shortcut that opens the form")
	}
}

func TestViewsLookAsTheyDid(t *testing.T) {
	v := viewOf(approvals.Policy{Approvers: []string{"UBEN", "SDUTY"}, MaxServers: 1000})
	goldenModal(t, "form", v.form(modalState{Channel: "COPS"}))
	bothModals(t, "form_hard", withRisk(v.form(modalState{Channel: "COPS"}), "HARD"))
	v.Projects[0].Policy.ReasonRequired = true
	goldenModal(t, "form_reason_required", v.form(modalState{Channel: "COPS"}))
	v.Projects = append(v.Projects, approvals.Project{Name: "dev", Policy: approvals.Policy{Approvers: []string{"UCARLA"}, MaxServers: 50}})
	goldenModal(t, "form_projects", v.form(modalState{Channel: "COPS"}))
	goldenModal(t, "form_project_chosen", v.form(modalState{Channel: "COPS", Project: "dev"}))
	goldenModal(t, "looking", infoModal(sayLooking))

	f := approvals.ServerList{LeftOut: []approvals.LeftOut{{Server: approvals.Server{ID: uuid, Name: "db-1", Status: "SHUTOFF"}, Skip: approvals.SkipOff}}}
	for i := range 70 {
		f.Servers = append(f.Servers, approvals.Server{ID: fmt.Sprintf("%08x-0000-4000-8000-%012x", i, i), Name: fmt.Sprintf("web-%d", i+1), Status: "ACTIVE", Address: fmt.Sprintf("10.0.0.%d", i+1)})
	}
	r := requestOf(f)
	r.Project, r.Reason = "eu-1", "night <!channel>"
	bothModals(t, "preview_hard_left_out", previewOf(r, "{}"))
	small := r
	small.Mode, small.Total, small.Sample, small.LeftOut, small.LeftOutCount = approvals.Soft, 1, f.Servers[:1], nil, 0
	goldenModal(t, "preview", previewOf(small, "{}"))
	goldenModal(t, "asked", infoModal(sayAsked(small)))
	goldenModal(t, "missing", infoModal(view{}.sayRefusal(&approvals.Refusal{Kind: approvals.Unresolved, Missing: []string{"wbe-1", "zzz"}, Near: map[string][]string{"wbe-1": {"web-1"}}})))
	goldenModal(t, "servers_first", serversPage(r, f, 0))
	goldenModal(t, "servers_middle", serversPage(r, f, 1))
	goldenModal(t, "servers_last", serversPage(r, f, 2))
}
