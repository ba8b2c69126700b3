package slackapp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
		v := view{Policy: approvals.Policy{Approvers: []string{"UBEN", "SDUTY"}, MaxServers: 1000, ReasonRequired: required}}
		checkModal(t, v.form(`{"channel":"COPS"}`))
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

func TestCardOffersTheListIfItIsLonger(t *testing.T) {
	short := make([]approvals.Server, 20)
	for i := range short {
		short[i] = approvals.Server{ID: uuid, Name: "web", Status: "ACTIVE"}
	}
	if longerThanCard(requestOf(approvals.ServerList{Servers: short})) {
		t.Error("20 short names are all on the card, and yet there is a button")
	}
	for _, all := range [][]approvals.Server{append(short, short...), someServers(19)} {
		if !longerThanCard(requestOf(approvals.ServerList{Servers: all})) {
			t.Errorf("%d servers do not fit the card, and there is no button", len(all))
		}
	}
}

func TestOptionsShowTheStateWhateverTheName(t *testing.T) {
	for _, s := range someServers(len(longest)) {
		text := sayOption(s)
		if n := len([]rune(text)); n > maxOption {
			t.Errorf("%d characters: %s", n, text)
		}
		if !strings.HasSuffix(text, " · ACTIVE, powering-off · 100.100.100.100") {
			t.Errorf("no state or address: %s", text)
		}
	}
	if got := sayOption(approvals.Server{Name: "a\u202eb\n", Status: "SHUTOFF"}); got != "ab · SHUTOFF" {
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
	w, wrong := v.readForm(filled("web-1, `web-2`\n* batch-*", `env=dev --tag team="blue sky"`, "HARD", "  disk\nfull ", uuid, "web-1"))
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
	v := view{Policy: approvals.Policy{ReasonRequired: true}}
	for _, tt := range []struct {
		view slack.View
		want map[string]string // block → part of its error
	}{
		{filled("", "", "SOFT", "x"), map[string]string{pickBlock: "No server is named"}},
		{filled("web-1; *", "env", "SOFT", ""), map[string]string{namesBlock: `"web-1;" has a semicolon`, tagsBlock: `"env" is not a tag. Write "env=value".`, whyBlock: "required"}},
		{filled("web-1 --hard", "--hard", "SOFT", "x"), map[string]string{namesBlock: `"--hard" does not belong`, tagsBlock: `"--hard" does not belong`}},
		{filled("env=dev", "env=", "SOFT", "x"), map[string]string{namesBlock: "the field for tags", tagsBlock: `Write env=value, or env="" if`}},
		{filled("<@U1|joe>", "env=a env=b", "SOFT", "x"), map[string]string{namesBlock: "a person or a channel", tagsBlock: "contradicts"}},
		{slack.View{}, map[string]string{whyBlock: "required"}},
	} {
		_, wrong := v.readForm(tt.view)
		if len(wrong) != len(tt.want) {
			t.Errorf("told %q, want %q", wrong, tt.want)
		}
		for block, words := range tt.want {
			if !strings.Contains(wrong[block], words) || strings.Contains(wrong[block], "`") {
				t.Errorf("%s is told %q, want %q", block, wrong[block], words)
			}
		}
	}
}

func TestMissingNamesComeWithNamesLikeThem(t *testing.T) {
	said := sayRefusal(&approvals.Refusal{Kind: approvals.Unresolved, Missing: []string{"wbe-1", "zzz"}, Near: map[string][]string{"wbe-1": {"web-1", "<web>-2"}}})
	for _, want := range []string{"`wbe-1` names no server that I can see. Did you mean `web-1` or `&lt;web&gt;-2`?", "`zzz` names no server that I can see\n"} {
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

// golden compares a view with testdata/views/<name>.json, which can be pasted
// into Slack's Block Kit Builder. ECSBOT_GOLDEN=write writes it anew.
func golden(t *testing.T, name string, v slack.ModalViewRequest) {
	t.Helper()
	checkModal(t, v)
	var got bytes.Buffer
	enc := json.NewEncoder(&got)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "views", name+".json")
	if os.Getenv("ECSBOT_GOLDEN") == "write" {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, got.Bytes(), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("%s has changed; look at it and write it anew\n%s", path, got.String())
	}
}

func TestViewsLookAsTheyDid(t *testing.T) {
	v := view{Policy: approvals.Policy{Approvers: []string{"UBEN", "SDUTY"}, MaxServers: 1000}}
	golden(t, "form", v.form(`{"channel":"COPS"}`))
	goldens(t, "form_hard", withRisk(v.form(`{"channel":"COPS"}`), "HARD"))
	v.Policy.ReasonRequired = true
	golden(t, "form_reason_required", v.form(`{"channel":"COPS"}`))
	golden(t, "looking", infoModal(sayLooking))
	golden(t, "asking", infoModal(sayAsking))

	f := approvals.ServerList{LeftOut: []approvals.LeftOut{{Server: approvals.Server{ID: uuid, Name: "db-1", Status: "SHUTOFF"}, Skip: approvals.SkipOff}}}
	for i := range 70 {
		f.Servers = append(f.Servers, approvals.Server{ID: fmt.Sprintf("%08x-0000-4000-8000-%012x", i, i), Name: fmt.Sprintf("web-%d", i+1), Status: "ACTIVE", Address: fmt.Sprintf("10.0.0.%d", i+1)})
	}
	r := requestOf(f)
	r.Project, r.Reason = "eu-1", "night <!channel>"
	goldens(t, "preview_hard_left_out", previewOf(r, "{}"))
	small := r
	small.Mode, small.Total, small.Sample, small.LeftOut, small.LeftOutCount = approvals.Soft, 1, f.Servers[:1], nil, 0
	golden(t, "preview", previewOf(small, "{}"))
	golden(t, "asked", infoModal(sayAsked(small)))
	golden(t, "missing", infoModal(sayRefusal(&approvals.Refusal{Kind: approvals.Unresolved, Missing: []string{"wbe-1", "zzz"}, Near: map[string][]string{"wbe-1": {"web-1"}}})))
	golden(t, "servers_first", serversPage(r, f, 0))
	golden(t, "servers_middle", serversPage(r, f, 1))
	golden(t, "servers_last", serversPage(r, f, 2))
}
