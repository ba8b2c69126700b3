package slacksim_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/slack-go/slack"

	"ecsbot/internal/slacksim"
)

func TestControl(t *testing.T) {
	r := newRig(t, slacksim.Options{PostGap: -1})
	srv := httptest.NewServer(r.Control())
	t.Cleanup(srv.Close)
	r.connect(t, 1, ack(nil))
	do := func(method, path, body string, status int, out any) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, srv.URL+"/sim/"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if res.StatusCode != status {
			t.Errorf("%s %s: %s", method, path, res.Status)
		}
		if out != nil {
			if err := json.NewDecoder(res.Body).Decode(out); err != nil {
				t.Errorf("%s %s: %v", method, path, err)
			}
		}
	}
	do("POST", "users", `{"id":"UCAT","name":"cat","guest":true}`, 200, nil)
	do("POST", "groups", `{"id":"SAPP","handle":"approvers","users":["UCAT"]}`, 200, nil)
	do("POST", "channels", `{"id":"CNEW","name":"new"}`, 200, nil)
	do("POST", "members", `{"channel":"CNEW","join":["UCAT","UBOT"]}`, 200, nil)

	var a slacksim.Answer
	do("POST", "command", `{"user":"UCAT","channel":"CNEW","text":"/stop web-1"}`, 200, &a)
	if !a.Acked {
		t.Errorf("command: %+v", a)
	}
	ts := r.post(t, slack.MsgOptionText("root", false), slack.MsgOptionBlocks(button("go", "1", "Go")))
	r.post(t, slack.MsgOptionText("reply", false), slack.MsgOptionTS(ts))
	do("POST", "click", `{"user":"UANN","channel":"COPS","ts":"`+ts+`","action_id":"go"}`, 200, &a)
	do("POST", "click", `{"user":"UANN","channel":"COPS","ts":"`+ts+`","action_id":"gone"}`, 400, nil)
	do("POST", "click", `{"user":"UANN","channel":"COPS","ts":"`+ts+`","action_id":"gone","value":"forged"}`, 200, &a)
	do("POST", "click", `{"usr":"UANN"}`, 400, nil)

	var list []slacksim.Message
	do("GET", "messages?channel=COPS", "", 200, &list)
	if len(list) != 1 || list[0].TS != ts {
		t.Errorf("messages: %+v", list)
	}
	do("GET", "thread?channel=COPS&ts="+ts, "", 200, &list)
	if len(list) != 1 || list[0].Text != "reply" {
		t.Errorf("thread: %+v", list)
	}
	do("GET", "private?user=UANN", "", 200, &list)
	if list == nil || len(list) != 0 {
		t.Errorf("private: %+v", list)
	}
	do("POST", "faults", `{"method":"auth.test","times":1,"kind":"status","code":500}`, 200, nil)
	do("POST", "faults", `{"method":"auth.test","kind":"gremlins"}`, 400, nil)
	if _, err := r.api.AuthTestContext(t.Context()); err == nil {
		t.Error("the fault did not strike")
	}
	var calls []slacksim.Call
	do("GET", "calls?method=auth.test", "", 200, &calls)
	if len(calls) != 1 || calls[0].Status != 500 {
		t.Errorf("calls: %+v", calls)
	}
	do("POST", "changegroup", `{"group":"SAPP","users":["UCAT","UANN"]}`, 200, &a)
	if !a.Acked {
		t.Errorf("a changed group: %+v", a)
	}
	do("POST", "changegroup", `{"group":"SNONE"}`, 400, nil)
	do("POST", "fillin", `{"user":"UANN","view_id":"","values":{"why":{"text":"x"}}}`, 400, nil) // no view is open
	do("POST", "step", `{"user":"UANN","callback_id":"ask","inputs":{"user":"UANN"}}`, 400, nil) // the app has no step
	var runs []slacksim.Execution
	if do("GET", "executions", "", 200, &runs); len(runs) != 0 {
		t.Errorf("runs: %+v", runs)
	}
	do("POST", "disconnect", `{"reason":"warning"}`, 200, nil)
	var view slacksim.View
	do("GET", "view?user=UANN", "", 200, &view)
	do("GET", "nothing", "", 404, nil)
}
