package slackapp

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ecsbot/internal/approvals"
	"ecsbot/internal/command"
	"ecsbot/internal/slacksim"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

// Whatever the pictures of testdata offer to click or to submit does something.
func TestWhatIsShownHasARoute(t *testing.T) {
	button := regexp.MustCompile(`"type": "button",(?s:.{0,400}?)"action_id": "([^"]*)"`)
	choice := regexp.MustCompile(`"type": "(?:radio_buttons|static_select)",(?s:.{0,200}?)"action_id": "([^"]*)"(?s:.*?)"dispatch_action": true`)
	form := regexp.MustCompile(`"callback_id": "([^"]*)"`)
	clickable, submittable := map[string]bool{}, map[string]bool{}
	err := filepath.WalkDir("testdata", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range button.FindAllStringSubmatch(string(text), -1) {
			clickable[m[1]] = true
		}
		for _, m := range choice.FindAllStringSubmatch(string(text), -1) {
			clickable[m[1]] = true // choosing tells the app at once
		}
		for _, m := range form.FindAllStringSubmatch(string(text), -1) {
			submittable[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for id := range clickable {
		if _, known := buttons[id]; !known {
			t.Errorf("the button %s does nothing", id)
		}
	}
	for id := range submittable {
		if _, known := forms[id]; !known {
			t.Errorf("the form %s does nothing", id)
		}
	}
	if len(clickable) != len(buttons) || len(submittable) != len(forms) {
		t.Errorf("the pictures show %d buttons of %d and %d forms of %d", len(clickable), len(buttons), len(submittable), len(forms))
	}
}

func TestRoutesAreComplete(t *testing.T) {
	for id, b := range buttons {
		if (b.open == nil) == (b.handle == nil) {
			t.Errorf("the button %s has to open something or to be handled, not both", id)
		}
	}
	kinds := []string{kindCommand, kindClick}
	for id, f := range forms {
		if f.read == nil || f.answer == nil || f.handle == nil || slices.Contains(kinds, f.kind) {
			t.Errorf("the form %s lacks a function, or a kind of its own", id)
		}
		kinds = append(kinds, f.kind)
	}
	for _, verb := range append(command.Verbs(), command.Ask) {
		if verb != command.Help && verbs[verb].handle == nil {
			t.Errorf("%s is not handled", verb)
		}
	}
}

func TestTheHelpNamesEveryVerb(t *testing.T) {
	help := sayHelp("/ecs-stop", nil)
	for _, verb := range command.Verbs() {
		if verb != command.Help && !strings.Contains(help, "`"+string(verb)) {
			t.Errorf("the help does not name %s", verb)
		}
	}
}

// A freeze, a denial and a cancellation have room when there is none for others.
func TestOnlyWhatHoldsBackHasTheReservedRoom(t *testing.T) {
	typed := func(text string) socketmode.Event { return socketmode.Event{Data: slack.SlashCommand{Text: text}} }
	clicked := func(id string) socketmode.Event {
		return socketmode.Event{Data: slack.InteractionCallback{
			Type:           slack.InteractionTypeBlockActions,
			ActionCallback: slack.ActionCallbacks{BlockActions: []*slack.BlockAction{{ActionID: id}}}}}
	}
	submitted := func(form string) socketmode.Event {
		return socketmode.Event{Data: slack.InteractionCallback{Type: slack.InteractionTypeViewSubmission, View: slack.View{CallbackID: form}}}
	}
	for name, tt := range map[string]struct {
		evt  socketmode.Event
		want bool
	}{
		"freeze": {typed("freeze"), true}, "deny": {typed("deny S-22222"), true}, "cancel": {typed("cancel S-22222"), true},
		"unfreeze": {typed("unfreeze"), false}, "ask": {typed("web-1"), false}, "a mistake": {typed("web-1 --no"), false}, "help": {typed("help"), false},
		"the deny button": {clicked(actDeny), true}, "the cancel button": {clicked(actCancel), true},
		"the approve button": {clicked(actApprove), false}, "the retry button": {clicked(actRetry), false}, "another button": {clicked("x"), false},
		"the denial": {submitted(denyForm), true}, "the resolution": {submitted(resolveForm), false}, "the request form": {submitted(requestForm), false},
		"another form": {submitted("x"), false}, "no data": {socketmode.Event{}, false},
	} {
		if got := holdsBack(tt.evt); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

// recordingDesk is an engine that stores envelopes, or fails to.
type recordingDesk struct {
	Desk
	err  error
	envs []approvals.Envelope
}

func (recordingDesk) Projects() approvals.Projects { return nil }

func (d *recordingDesk) Enqueue(_ context.Context, env approvals.Envelope) (bool, error) {
	if d.err != nil {
		return false, d.err
	}
	for _, old := range d.envs {
		if old.ID == env.ID {
			return false, nil
		}
	}
	d.envs = append(d.envs, env)
	return true, nil
}

// The kinds, lanes and ids are read by other versions in a rolling upgrade.
func TestFormsAreRecordedOnce(t *testing.T) {
	state := modalState{Request: "S-22222", Channel: "COPS", Response: "https://hooks", Home: true, Action: actTheyRun, Draft: "form:T0"}
	view := filled("web-1", "", "HARD", "disk")
	view.ID, view.Hash, view.ExternalID, view.PrivateMetadata = "V1", "h1", "ecs-stop-T0", state.String()
	view.State.Values[reasonBlock] = map[string]slack.BlockAction{reasonInput: {Value: "not now"}}
	for form, want := range map[string]struct {
		id, kind string
		lane     approvals.Lane
		in       interaction
	}{
		denyForm:    {"sub:V1:h1", "denial", approvals.LaneBrake, interaction{Reason: "not now"}},
		resolveForm: {"sub:V1:h1", "word", approvals.LaneUsual, interaction{Reason: "not now"}},
		previewForm: {"sub:V1:h1", "draft", approvals.LaneSlow, interaction{View: "ecs-stop-T0"}},
		requestForm: {"form:T1", "preview", approvals.LaneSlow, interaction{View: "ecs-stop-T1", Form: &formInput{Servers: []string{"web-1"}, Hard: true, Reason: "disk"}}},
	} {
		desk := &recordingDesk{}
		a := New(quietConfig("http://127.0.0.1:1"), desk)
		client := socketmode.New(a.api)
		cb := slack.InteractionCallback{Type: slack.InteractionTypeViewSubmission, TriggerID: "T1", User: slack.User{ID: "UBEN"}, View: view}
		cb.View.CallbackID = form
		a.sockets.recordForm(t.Context(), client, "E1", cb)
		a.sockets.recordForm(t.Context(), client, "E2", cb)
		if len(desk.envs) != 1 {
			t.Fatalf("%s: recorded %d times", form, len(desk.envs))
		}
		env := desk.envs[0]
		if env.ID != want.id || env.Kind != want.kind || env.Lane != want.lane || env.By != "UBEN" {
			t.Errorf("%s: recorded as %+v", form, env)
		}
		var in interaction
		if err := json.Unmarshal(env.Body, &in); err != nil {
			t.Fatal(err)
		}
		want.in.User, want.in.Channel, want.in.Request, want.in.Response, want.in.Home = "UBEN", "COPS", "S-22222", "https://hooks", true
		want.in.Action, want.in.Draft = actTheyRun, "form:T0"
		if diff := cmp.Diff(asJSON(t, want.in), asJSON(t, in)); diff != "" {
			t.Errorf("%s: %s", form, diff)
		}
		cb.View.PrivateMetadata = "?"
		cb.View.Hash, cb.TriggerID = "h2", "T2"
		a.sockets.recordForm(t.Context(), client, "E3", cb)
		if len(desk.envs) != 1 {
			t.Errorf("%s: a form that does not say what it is about is recorded", form)
		}
	}
}

// Of a message with replies Slack says that it is its own thread.
func TestOnlyClicksOnRepliesHaveAThread(t *testing.T) {
	for name, tt := range map[string]struct{ message, thread, want string }{
		"a card": {"1.0", "", ""}, "a card with replies": {"1.0", "1.0", ""}, "a reply": {"2.0", "1.0", "1.0"},
	} {
		desk := &recordingDesk{}
		a := New(quietConfig("http://127.0.0.1:1"), desk)
		cb := slack.InteractionCallback{
			Type: slack.InteractionTypeBlockActions, User: slack.User{ID: "UBEN"}, Container: slack.Container{ChannelID: "COPS", MessageTs: tt.message, ThreadTs: tt.thread},
			ActionCallback: slack.ActionCallbacks{BlockActions: []*slack.BlockAction{{ActionID: actRetry, Value: "S-22222"}}},
		}
		a.receiveClick(t.Context(), socketmode.New(a.api), "E1", cb)
		var in interaction
		if err := json.Unmarshal(desk.envs[0].Body, &in); err != nil || in.Thread != tt.want {
			t.Errorf("%s: in thread %q, want %q (%v)", name, in.Thread, tt.want, err)
		}
	}
}

// A form stays open with what was filled in until that is stored.
func TestAFormThatIsNotStoredStaysOpen(t *testing.T) {
	away := errors.New("no connection")
	for form, want := range map[string][3]string{ // stored, sent twice, not stored
		denyForm:    {"null", "null", `"errors"`},
		resolveForm: {"null", "null", `"errors"`},
		requestForm: {`"push"`, `"errors"`, `"errors"`},
		previewForm: {`"clear"`, `"push"`, `"push"`},
	} {
		answer := forms[form].answer
		in := interaction{View: "ecs-stop-T1"}
		for i, got := range []string{asJSON(t, answer(in, true, nil)), asJSON(t, answer(in, false, nil)), asJSON(t, answer(in, false, away))} {
			if !strings.Contains(got, want[i]) {
				t.Errorf("%s: answer %d is %s, want %s", form, i, got, want[i])
			}
			if i == 2 && !strings.Contains(got, "can't reach my database") {
				t.Errorf("%s: it does not say why: %s", form, got)
			}
		}
	}
}

// That a modal opens is seen in the stories of the whole bot.
func TestAModalThatDoesNotOpenIsExplained(t *testing.T) {
	for name, tt := range map[string]struct {
		err     error  // of the function that builds it
		code    string // with which Slack refuses to open it
		told    string // part of the private answer; empty if there is none
		refused float64
	}{
		"a refusal":  {err: &approvals.Refusal{Kind: approvals.NotApprover}, told: "Only approvers", refused: 1},
		"an answer":  {err: noModal{"not in this channel"}, told: "not in this channel"},
		"an error":   {err: errors.New("no connection"), told: "too late"},
		"not opened": {code: "expired_trigger_id", told: "too late"},
		"sent twice": {code: "exchanged_trigger_id"},
	} {
		r := newRig(t, slacksim.Options{}, deskOf{})
		r.slack.FailNext("views.open", 1, slacksim.ErrorCode(tt.code, false))
		r.app.openModal(t.Context(), interaction{User: "UANNA", Channel: "COPS"}, "T1",
			func(context.Context) (slack.ModalViewRequest, error) { return infoModal("hello"), tt.err },
			func(context.Context) string { return "too late" })
		if tried := len(r.slack.Calls("views.open")) > 0; tried != (tt.err == nil) {
			t.Errorf("%s: Slack was asked to open it: %v", name, tried)
		}
		calls := r.slack.Calls("chat.postEphemeral")
		told := asJSON(t, calls)
		if (len(calls) == 0) != (tt.told == "") || !strings.Contains(told, tt.told) {
			t.Errorf("%s: told %q, want %q", name, told, tt.told)
		}
		if got := counted(t, r, "ecsbot_refusals_total"); got != tt.refused {
			t.Errorf("%s: %v refusals counted, want %v", name, got, tt.refused)
		}
	}
}

// counted is the sum of a counter.
func counted(t *testing.T, r *rig, name string) (sum float64) {
	t.Helper()
	families, err := r.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}
