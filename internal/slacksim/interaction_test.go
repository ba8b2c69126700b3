package slacksim_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"ecsbot/internal/slacksim"
)

// interactions passes on what people do, acked with what answer returns for it.
func (r *rig) interactions(t *testing.T, answer func(slack.InteractionCallback) any) <-chan slack.InteractionCallback {
	t.Helper()
	got := make(chan slack.InteractionCallback, 10)
	r.connect(t, 1, func(sm *socketmode.Client, ev socketmode.Event) {
		switch data := ev.Data.(type) {
		case slack.InteractionCallback:
			payload := any(nil)
			if answer != nil {
				payload = answer(data)
			}
			got <- data
			if payload == nil {
				sm.Ack(*ev.Request)
			} else {
				sm.Ack(*ev.Request, payload)
			}
		case slack.SlashCommand:
			got <- slack.InteractionCallback{TriggerID: data.TriggerID, ResponseURL: data.ResponseURL}
			sm.Ack(*ev.Request)
		}
	})
	return got
}

func TestClick(t *testing.T) {
	r := newRig(t, slacksim.Options{})
	got := r.interactions(t, nil)
	root := r.post(t, slack.MsgOptionText("root", false))
	ts := r.post(t, slack.MsgOptionText("card", false), slack.MsgOptionTS(root), slack.MsgOptionBlocks(section("a"), button("approve", "r1", "Approve")),
		slack.MsgOptionMetadata(slack.SlackMetadata{EventType: "card", EventPayload: map[string]any{"id": "r1"}}))
	if a, err := r.Click(soon(t), "UBOB", "COPS", ts, "approve"); err != nil || !a.Acked {
		t.Fatal(a, err)
	}
	c := <-got
	action := c.ActionCallback.BlockActions[0]
	if c.Type != slack.InteractionTypeBlockActions || c.User.ID != "UBOB" || c.Channel.ID != "COPS" || c.Container.MessageTs != ts ||
		c.Container.ThreadTs != root || c.Message.Timestamp != ts || c.Message.Metadata.EventPayload["id"] != "r1" || c.TriggerID == "" || c.ResponseURL == "" {
		t.Errorf("payload: %+v", c)
	}
	if action.ActionID != "approve" || action.Value != "r1" || action.BlockID != "buttons" || action.ActionTs == "" || action.Text.Text != "Approve" {
		t.Errorf("action: %+v", action)
	}

	if _, err := r.Click(soon(t), "UBOB", "COPS", ts, "deny"); err == nil {
		t.Error("clicked a button that is not there")
	}
	if _, err := r.Click(soon(t), "UBOB", "COPS", "1.000001", "approve"); err == nil {
		t.Error("clicked in a message that is not there")
	}
	if a, err := r.ClickForged(soon(t), "UBOB", "COPS", ts, "approve", "r2"); err != nil || !a.Acked {
		t.Error(a, err)
	}
	if v := (<-got).ActionCallback.BlockActions[0].Value; v != "r2" {
		t.Error("forged value:", v)
	}
	r.AddChannel(slacksim.Channel{ID: "CSECRET", Name: "secret", Private: true})
	r.Join("CSECRET", slacksim.BotUserID)
	_, secret, _ := r.api.PostMessageContext(t.Context(), "CSECRET", slack.MsgOptionBlocks(button("go", "1", "Go")))
	if _, err := r.Click(soon(t), "UBOB", "CSECRET", secret, "go"); err == nil {
		t.Error("clicked in a private channel from outside")
	}
}

func TestResponseURL(t *testing.T) {
	r := newRig(t, slacksim.Options{})
	r.AddChannel(slacksim.Channel{ID: "CNOBOT", Name: "nobot"})
	got := r.interactions(t, nil)
	if _, err := r.Command(soon(t), "UANN", "CNOBOT", "/stop", "x"); err != nil {
		t.Fatal(err)
	}
	url := (<-got).ResponseURL
	send := func(options ...slack.MsgOption) error {
		_, _, _, err := r.api.SendMessageContext(t.Context(), "", options...)
		return err
	}
	var long []slack.Block
	for range 5 {
		long = append(long, section(strings.Repeat("x", 2900)))
	}
	for i, err := range []error{
		send(slack.MsgOptionResponseURL(url, "ephemeral"), slack.MsgOptionText("one", false)),
		send(slack.MsgOptionReplaceOriginal(url), slack.MsgOptionText("two", false)),
		send(slack.MsgOptionResponseURL(url, "in_channel"), slack.MsgOptionText("three", false)),
		send(slack.MsgOptionResponseURL(url, "ephemeral"), slack.MsgOptionBlocks(long...)),
		send(slack.MsgOptionResponseURL(url, "ephemeral"), slack.MsgOptionText("five", false)),
	} {
		if err != nil {
			t.Errorf("post %d: %v", i+1, err)
		}
	}
	if err := send(slack.MsgOptionResponseURL(url, "ephemeral"), slack.MsgOptionText("six", false)); err == nil {
		t.Error("a sixth post was taken")
	}
	p := r.Private("UANN")
	if len(p) != 3 || p[0].Text != "two" || p[0].Edited != 1 || !p[0].FromResponseURL || p[2].Text != "five" {
		t.Errorf("private: %+v", p)
	}
	if m := r.Messages("CNOBOT"); len(m) != 1 || m[0].Text != "three" {
		t.Errorf("messages: %+v", m)
	}
	if err := send(slack.MsgOptionResponseURL(r.url+"/response/none", "ephemeral"), slack.MsgOptionText("x", false)); err == nil {
		t.Error("an unknown response URL was taken")
	}
}

func TestResponseURLOfAClick(t *testing.T) {
	r := newRig(t, slacksim.Options{})
	got := r.interactions(t, nil)
	ts := r.post(t, slack.MsgOptionBlocks(button("go", "1", "Go")))
	if _, err := r.Click(soon(t), "UANN", "COPS", ts, "go"); err != nil {
		t.Fatal(err)
	}
	url := (<-got).ResponseURL
	if _, _, _, err := r.api.SendMessageContext(t.Context(), "", slack.MsgOptionReplaceOriginal(url), slack.MsgOptionText("gone", false)); err != nil {
		t.Error(err)
	}
	if m := r.Messages("COPS"); len(m) != 1 || m[0].Text != "gone" || m[0].Blocks != nil {
		t.Errorf("%+v", m)
	}
	eph, err := r.api.PostEphemeralContext(t.Context(), "COPS", "UANN", slack.MsgOptionBlocks(button("ok", "2", "OK")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Click(soon(t), "UANN", "COPS", eph, "ok"); err != nil {
		t.Fatal(err)
	}
	c := <-got
	if !c.Container.IsEphemeral || c.Container.MessageTs != eph {
		t.Errorf("container: %+v", c.Container)
	}
	if _, _, _, err := r.api.SendMessageContext(t.Context(), "", slack.MsgOptionDeleteOriginal(c.ResponseURL)); err != nil {
		t.Error(err)
	}
	if p := r.Private("UANN"); len(p) != 1 || !p[0].Deleted {
		t.Errorf("%+v", p)
	}
	r.FailNext("response_url", 1, slacksim.Status(http.StatusBadGateway))
	if _, _, _, err := r.api.SendMessageContext(t.Context(), "", slack.MsgOptionResponseURL(c.ResponseURL, "ephemeral"), slack.MsgOptionText("x", false)); err == nil {
		t.Error("no error")
	}
}

func plain(s string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, s, false, false)
}

// modal asks for a reason, a kind and servers.
func modal(title string) slack.ModalViewRequest {
	query := 2
	servers := slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeExternal, nil, "pick")
	servers.MinQueryLength = &query
	soft, hard := slack.NewOptionBlockObject("SOFT", plain("Soft"), nil), slack.NewOptionBlockObject("HARD", plain("Hard"), nil)
	kind := slack.NewRadioButtonsBlockElement("kind", soft, hard)
	kind.InitialOption = soft
	return slack.ModalViewRequest{
		Type: slack.VTModal, Title: plain(title), Submit: plain("Ask"), CallbackID: "ask", PrivateMetadata: "p",
		Blocks: slack.Blocks{BlockSet: []slack.Block{
			slack.NewInputBlock("servers", plain("Servers"), nil, servers),
			slack.NewInputBlock("reason", plain("Reason"), nil, slack.NewPlainTextInputBlockElement(nil, "text")),
			slack.NewInputBlock("kind", plain("Kind"), nil, kind),
			button("more", "m1", "More"),
		}},
	}
}

// trigger runs a command and returns its trigger_id.
func (r *rig) trigger(t *testing.T, got <-chan slack.InteractionCallback) string {
	t.Helper()
	if _, err := r.Command(soon(t), "UANN", "COPS", "/stop", ""); err != nil {
		t.Fatal(err)
	}
	return (<-got).TriggerID
}

func TestModal(t *testing.T) {
	r := newRig(t, slacksim.Options{})
	ctx := t.Context()
	var answer any
	got := r.interactions(t, func(c slack.InteractionCallback) any {
		if c.Type == slack.InteractionTypeBlockSuggestion {
			return slack.OptionsResponse{Options: []*slack.OptionBlockObject{
				slack.NewOptionBlockObject("id-1", plain(c.Value+"-1"), nil), slack.NewOptionBlockObject("id-2", plain(c.Value+"-2"), nil)}}
		}
		return answer
	})
	v, err := r.api.OpenViewContext(ctx, r.trigger(t, got), modal("Stop servers"))
	if err != nil {
		t.Fatal(err)
	}
	seen, ok := r.View("UANN")
	if !ok || seen.ID != v.ID || seen.Hash != v.Hash || seen.Title != "Stop servers" || seen.CallbackID != "ask" || seen.PrivateMetadata != "p" || seen.RootID != v.ID {
		t.Errorf("view: %+v", seen)
	}

	if _, err := r.Suggest(soon(t), "UANN", v.ID, "servers", "pick", "w"); err == nil {
		t.Error("asked for suggestions with too few characters")
	}
	options, err := r.Suggest(soon(t), "UANN", v.ID, "servers", "pick", "web")
	if err != nil || len(options) != 2 || options[1] != (slacksim.Option{Text: "web-2", Value: "id-2"}) {
		t.Errorf("suggestions: %+v, %v", options, err)
	}
	if c := <-got; c.ActionID != "pick" || c.BlockID != "servers" || c.Value != "web" {
		t.Errorf("suggestion: %+v", c)
	}

	if a, err := r.ClickInView(soon(t), "UANN", v.ID, "more", ""); err != nil || !a.Acked {
		t.Error(a, err)
	}
	if c := <-got; c.View.ID != v.ID || c.ActionCallback.BlockActions[0].Value != "m1" || c.Container.ViewID != v.ID {
		t.Errorf("click: %+v", c)
	}

	values := map[string]map[string]any{"servers": {"pick": []string{"id-2"}}}
	if _, err := r.Submit(soon(t), "UANN", v.ID, values); err == nil {
		t.Error("submitted without a required field")
	}
	values["reason"] = map[string]any{"text": "weekend"}
	answer = slack.NewErrorsViewSubmissionResponse(map[string]string{"reason": "say more"})
	if a, err := r.Submit(soon(t), "UANN", v.ID, values); err != nil || !a.Acked {
		t.Fatal(a, err)
	}
	c := <-got
	state := c.View.State.Values
	if c.Type != slack.InteractionTypeViewSubmission || c.View.CallbackID != "ask" || state["reason"]["text"].Value != "weekend" ||
		state["kind"]["kind"].SelectedOption.Value != "SOFT" || state["servers"]["pick"].SelectedOptions[0].Value != "id-2" {
		t.Errorf("submission: %+v", c.View)
	}
	if seen, _ := r.View("UANN"); seen.Errors["reason"] != "say more" {
		t.Errorf("errors: %+v", seen.Errors)
	}
	answer = slack.NewErrorsViewSubmissionResponse(map[string]string{"nowhere": "x"})
	if _, err := r.Submit(soon(t), "UANN", v.ID, values); err == nil {
		t.Error("errors for a block that is not there were shown")
	}
	next := modal("Second")
	answer = slack.NewPushViewSubmissionResponse(&next)
	if _, err := r.Submit(soon(t), "UANN", v.ID, values); err != nil {
		t.Error(err)
	}
	second, _ := r.View("UANN")
	if second.Title != "Second" || second.RootID != v.ID || second.PreviousID != v.ID {
		t.Errorf("pushed: %+v", second)
	}
	next.Title = plain("Working")
	answer = slack.NewUpdateViewSubmissionResponse(&next)
	values["servers"]["pick"] = []string{}
	if _, err := r.Submit(soon(t), "UANN", "", values); err == nil {
		t.Error("submitted without servers")
	}
	if _, err := r.Suggest(soon(t), "UANN", "", "servers", "pick", "web"); err != nil {
		t.Error(err)
	}
	values["servers"]["pick"] = []string{"id-1"}
	if _, err := r.Submit(soon(t), "UANN", "", values); err != nil {
		t.Error(err)
	}
	if seen, _ := r.View("UANN"); seen.ID != second.ID || seen.Title != "Working" || seen.Hash == second.Hash {
		t.Errorf("updated: %+v", seen)
	}
	_, err = r.api.UpdateViewContext(ctx, next, "", second.Hash, second.ID)
	wantCode(t, err, "hash_conflict")
	if _, err := r.api.UpdateViewContext(ctx, next, "", "", second.ID); err != nil {
		t.Error(err)
	}
	answer = slack.NewClearViewSubmissionResponse()
	if _, err := r.Submit(soon(t), "UANN", "", values); err != nil {
		t.Error(err)
	}
	if seen, open := r.View("UANN"); open {
		t.Errorf("still open: %+v", seen)
	}
	_, err = r.api.UpdateViewContext(ctx, next, "", "", second.ID)
	wantCode(t, err, "not_found")
}

func TestTriggersAreGoodOnceAndNotForLong(t *testing.T) {
	r := newRig(t, slacksim.Options{TriggerLife: 50 * time.Millisecond})
	got := r.interactions(t, nil)
	open := func(trigger string) error {
		_, err := r.api.OpenViewContext(t.Context(), trigger, modal("x"))
		return err
	}
	wantCode(t, open("1.2.3"), "invalid_trigger_id")
	trigger := r.trigger(t, got)
	wantCode(t, open(trigger), "")
	wantCode(t, open(trigger), "exchanged_trigger_id")
	trigger = r.trigger(t, got)
	time.Sleep(60 * time.Millisecond)
	wantCode(t, open(trigger), "expired_trigger_id")
}

func TestViewsThatAreRefused(t *testing.T) {
	r := newRig(t, slacksim.Options{})
	got := r.interactions(t, nil)
	trigger := r.trigger(t, got)
	v := modal(strings.Repeat("x", 25))
	v.Submit = nil
	_, err := r.api.OpenViewContext(t.Context(), trigger, v)
	e, _ := errors.AsType[slack.SlackErrorResponse](err)
	if e.Err != "invalid_arguments" || len(e.ResponseMetadata.Messages) != 2 {
		t.Errorf("%+v", e)
	}
	v = modal("x")
	for range 90 {
		v.Blocks.BlockSet = append(v.Blocks.BlockSet, section(strings.Repeat("x", 2900)))
	}
	_, err = r.api.OpenViewContext(t.Context(), trigger, v)
	wantCode(t, err, "view_too_large")
	_, err = r.api.OpenViewContext(t.Context(), trigger, modal("still good")) // a refused view spends no trigger
	wantCode(t, err, "")
}

func TestViewStackAndClosing(t *testing.T) {
	r := newRig(t, slacksim.Options{})
	got := r.interactions(t, nil)
	v := modal("1")
	v.NotifyOnClose = true
	if _, err := r.api.OpenViewContext(t.Context(), r.trigger(t, got), v); err != nil {
		t.Fatal(err)
	}
	push := func() error {
		if _, err := r.ClickInView(soon(t), "UANN", "", "more", ""); err != nil {
			t.Fatal(err)
		}
		_, err := r.api.PushViewContext(t.Context(), (<-got).TriggerID, modal("2"))
		return err
	}
	wantCode(t, push(), "")
	wantCode(t, push(), "")
	wantCode(t, push(), "push_limit_reached")
	for range 2 {
		if a, err := r.CloseView(soon(t), "UANN", ""); err != nil || a.Acked {
			t.Error(a, err)
		}
	}
	if a, err := r.CloseView(soon(t), "UANN", ""); err != nil || !a.Acked {
		t.Error(a, err)
	}
	if c := <-got; c.Type != slack.InteractionTypeViewClosed || c.View.CallbackID != "ask" {
		t.Errorf("%+v", c)
	}
	_, err := r.api.PushViewContext(t.Context(), r.trigger(t, got), modal("2"))
	wantCode(t, err, "not_found")
}

func TestClosingAllViewsOfAModal(t *testing.T) {
	for _, way := range []string{"the X", "clear_on_close"} {
		t.Run(way, func(t *testing.T) {
			r := newRig(t, slacksim.Options{})
			got := r.interactions(t, nil)
			root := modal("1")
			root.NotifyOnClose, root.CallbackID = true, "root"
			if _, err := r.api.OpenViewContext(t.Context(), r.trigger(t, got), root); err != nil {
				t.Fatal(err)
			}
			top := modal("2")
			top.ClearOnClose = way == "clear_on_close"
			if _, err := r.ClickInView(soon(t), "UANN", "", "more", ""); err != nil {
				t.Fatal(err)
			}
			if _, err := r.api.PushViewContext(t.Context(), (<-got).TriggerID, top); err != nil {
				t.Fatal(err)
			}
			var a slacksim.Answer
			var err error
			if top.ClearOnClose {
				a, err = r.CloseView(soon(t), "UANN", "")
			} else {
				a, err = r.CloseModal(soon(t), "UANN")
			}
			if err != nil || !a.Acked {
				t.Error(a, err)
			}
			if c := <-got; c.Type != slack.InteractionTypeViewClosed || c.View.CallbackID != "root" || !c.IsCleared {
				t.Errorf("%+v", c)
			}
			if v, open := r.View("UANN"); open {
				t.Errorf("%s is still open", v.ID)
			}
		})
	}
}

func TestHome(t *testing.T) {
	r := newRig(t, slacksim.Options{})
	got := r.interactions(t, nil)
	home := slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: []slack.Block{section("hello"), button("go", "1", "Go")}}}
	publish := func(hash *string) (*slack.ViewResponse, error) {
		return r.api.PublishViewContext(t.Context(), slack.PublishViewContextRequest{UserID: "UANN", View: home, Hash: hash})
	}
	first, err := publish(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := publish(&first.Hash); err != nil {
		t.Error(err)
	}
	_, err = publish(&first.Hash)
	wantCode(t, err, "hash_conflict")
	v, ok := r.HomeView("UANN")
	if raw, _ := r.Home("UANN"); !ok || !json.Valid(raw) || !strings.Contains(slacksim.ViewText(v), "hello") {
		t.Errorf("home: %+v", v)
	}
	if a, err := r.ClickInView(soon(t), "UANN", v.ID, "go", ""); err != nil || !a.Acked {
		t.Error(a, err)
	}
	if c := <-got; c.View.ID != v.ID || c.View.Type != slack.VTHomeTab {
		t.Errorf("click: %+v", c.View)
	}
}

func TestShortcuts(t *testing.T) {
	r := newRig(t, slacksim.Options{})
	got := r.interactions(t, nil)
	ts := r.Say("UANN", "COPS", "stop web-1 please", "")
	if a, err := r.Shortcut(soon(t), "UANN", "ask"); err != nil || !a.Acked {
		t.Error(a, err)
	}
	if c := <-got; c.Type != slack.InteractionTypeShortcut || c.CallbackID != "ask" || c.TriggerID == "" {
		t.Errorf("%+v", c)
	}
	if a, err := r.MessageShortcut(soon(t), "UBOB", "COPS", ts, "ask"); err != nil || !a.Acked {
		t.Error(a, err)
	}
	if c := <-got; c.Type != slack.InteractionTypeMessageAction || c.Message.Text != "stop web-1 please" || c.ResponseURL == "" {
		t.Errorf("%+v", c)
	}
}

// A click in a view brings along what the user has entered so far, as Slack
// does since 2020: what was typed, what was chosen, what was set at first.
func TestAClickInAViewCarriesItsState(t *testing.T) {
	r := newRig(t, slacksim.Options{})
	got := r.interactions(t, nil)
	v, err := r.api.OpenViewContext(t.Context(), r.trigger(t, got), modal("Stop servers"))
	if err != nil {
		t.Fatal(err)
	}
	press := func(action, value string) map[string]map[string]slack.BlockAction {
		t.Helper()
		if _, err := r.ClickInView(soon(t), "UANN", v.ID, action, value); err != nil {
			t.Fatal(err)
		}
		c := <-got
		return c.View.State.Values
	}
	state := press("more", "")
	if state["kind"]["kind"].SelectedOption.Value != "SOFT" || state["reason"]["text"].Value != "" || len(state["reason"]) != 1 || len(state) != 3 {
		t.Errorf("at first: %+v", state)
	}
	if err := r.FillIn("UANN", v.ID, map[string]map[string]any{"reason": {"text": "weekend"}}); err != nil {
		t.Fatal(err)
	}
	if state = press("more", ""); state["reason"]["text"].Value != "weekend" {
		t.Errorf("typed: %+v", state)
	}
	if _, err := r.ClickInView(soon(t), "UANN", v.ID, "kind", "HARD"); err == nil {
		t.Error("an input block that does not dispatch sent an action")
	}
	if err := r.FillIn("UANN", v.ID, map[string]map[string]any{"kind": {"kind": "HARD"}}); err != nil {
		t.Fatal(err)
	}
	if state = press("more", ""); state["kind"]["kind"].SelectedOption.Value != "HARD" || state["reason"]["text"].Value != "weekend" {
		t.Errorf("chosen: %+v", state)
	}

	// An update keeps what was entered in the elements that stay, and what was
	// entered is submitted.
	next := modal("Stop servers now")
	next.Blocks.BlockSet = next.Blocks.BlockSet[1:] // no servers
	if _, err := r.api.UpdateViewContext(t.Context(), next, "", "", v.ID); err != nil {
		t.Fatal(err)
	}
	if state = press("more", ""); state["reason"]["text"].Value != "weekend" || len(state) != 2 {
		t.Errorf("updated: %+v", state)
	}
	if _, err := r.Submit(soon(t), "UANN", v.ID, nil); err != nil {
		t.Fatal(err)
	}
	c := <-got
	if state = c.View.State.Values; state["reason"]["text"].Value != "weekend" || state["kind"]["kind"].SelectedOption.Value != "HARD" {
		t.Errorf("submitted: %+v", state)
	}
	if err := r.FillIn("UANN", v.ID, nil); err == nil {
		t.Error("a closed view was filled in")
	}
}

// A click in a message brings along the state of its elements.
func TestAClickInAMessageCarriesItsState(t *testing.T) {
	r := newRig(t, slacksim.Options{})
	got := r.interactions(t, nil)
	soft, hard := slack.NewOptionBlockObject("SOFT", plain("Soft"), nil), slack.NewOptionBlockObject("HARD", plain("Hard"), nil)
	kind := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, plain("Kind"), "kind", soft, hard)
	kind.InitialOption = soft
	ts := r.post(t, slack.MsgOptionBlocks(slack.NewActionBlock("row", kind, slack.NewButtonBlockElement("go", "1", plain("Go")))))
	if _, err := r.Click(soon(t), "UANN", "COPS", ts, "go"); err != nil {
		t.Fatal(err)
	}
	if c := <-got; c.BlockActionState == nil || c.BlockActionState.Values["row"]["kind"].SelectedOption.Value != "SOFT" || len(c.BlockActionState.Values["row"]) != 1 {
		t.Errorf("%+v", c.BlockActionState)
	}
}

func TestAViewNeedsABlock(t *testing.T) {
	r := newRig(t, slacksim.Options{})
	got := r.interactions(t, nil)
	v := slack.ModalViewRequest{Type: slack.VTModal, Title: plain("Empty"), Blocks: slack.Blocks{BlockSet: []slack.Block{}}}
	_, err := r.api.OpenViewContext(t.Context(), r.trigger(t, got), v)
	wantCode(t, err, "invalid_arguments")
	_, err = r.api.PublishViewContext(t.Context(), slack.PublishViewContextRequest{UserID: "UANN",
		View: slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: []slack.Block{}}}})
	wantCode(t, err, "invalid_arguments")
}
