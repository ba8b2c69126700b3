package ecsclient

import (
	"strings"
	"testing"
	"unicode/utf8"
)

var faultShapes = []struct {
	name, body string
	want       fault
}{
	{"ecs", `{"error":{"code":"Ecs.0005","message":"bad parameter"}}`, fault{code: "Ecs.0005", message: "bad parameter"}},
	{"ecs with details", `{"error":{"code":"Ecs.0611","message":"failed","details":[{"code":"Ecs.0100","message":"state"}]}}`, fault{code: "Ecs.0611", message: "failed"}},
	{"only details talk", `{"error":{"code":"Ecs.0611","details":[{"code":"Ecs.0100","message":"state"}]}}`, fault{code: "Ecs.0611", message: "state"}},
	{"batch", `{"error":{"code":"Ecs.0000","message":"m"},"internalError":[{"id":"a","error_code":"Ecs.0114","error_message":"gone"}]}`, fault{code: "Ecs.0000", message: "m"}},
	{"batch without error", `{"internalError":[{"id":"a","error_code":"Ecs.0114","error_message":"gone"}]}`, fault{code: "Ecs.0114", message: "gone"}},
	{"gateway", `{"error_msg":"Incorrect IAM authentication information","error_code":"APIGW.0301","request_id":"r1"}`, fault{"APIGW.0301", "Incorrect IAM authentication information", "r1"}},
	{"policy", `{"error_code":"Pdp.0001","error_msg":"denied","encoded_authorization_message":"xyz"}`, fault{code: "Pdp.0001", message: "denied"}},
	{"job", `{"code":"Common.0011","message":"no such job"}`, fault{code: "Common.0011", message: "no such job"}},
	{"iam", `{"error":{"code":401,"message":"The request needs authentication","title":"Unauthorized"}}`, fault{code: "401", message: "The request needs authentication"}},
	{"nova", `{"conflictingRequest":{"code":409,"message":"Cannot stop"}}`, fault{code: "409", message: "Cannot stop"}},
	{"nova in ecs", `{"error":{"code":"Ecs.1000","message":"{\"badRequest\": {\"message\": \"Invalid id\", \"code\": 400}}"}}`, fault{code: "Ecs.1000", message: "Invalid id"}},
	{"not nova in ecs", `{"error":{"code":"Ecs.1000","message":"{braces} only"}}`, fault{code: "Ecs.1000", message: "{braces} only"}},
	{"words", `{"error":"unauthorized"}`, fault{message: "unauthorized"}},
	{"error first", `{"aside":{"code":"A","message":"a"},"error":{"code":"E","message":"e"}}`, fault{code: "E", message: "e"}},
	{"lines and controls", `{"code":"C","message":"one\n\ttwo"}`, fault{code: "C", message: "one two"}},
	{"html", "<html><h1>502 Bad Gateway</h1></html>", fault{}},
	{"empty", "", fault{}},
	{"null", "null", fault{}},
	{"list", `[{"code":"x"}]`, fault{}},
	{"odd types", `{"error":{"code":["x"],"message":{"y":1}},"error_code":null}`, fault{}},
}

func TestEveryErrorShapeIsRead(t *testing.T) {
	for _, tt := range faultShapes {
		t.Run(tt.name, func(t *testing.T) {
			if got := readFault([]byte(tt.body)); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func FuzzReadFault(f *testing.F) {
	for _, s := range faultShapes {
		f.Add([]byte(s.body))
	}
	f.Add([]byte(`{"code":"` + strings.Repeat("ä", 500) + `"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		got := readFault(body)
		for _, s := range []string{got.code, got.message, got.requestID} {
			if !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxMessage+1 || strings.ContainsAny(s, "\r\n") {
				t.Errorf("%q", s)
			}
		}
	})
}

func TestVerdicts(t *testing.T) {
	for _, tt := range []struct {
		op     string
		status int
		code   string
		want   Verdict
	}{
		{opStop, 202, "Common.0024", Unclear},
		{opStop, 204, "", Unclear},
		{opStop, 301, "", Refused},
		{opStop, 307, "", Refused},
		{opStop, 400, "Ecs.0005", Refused},
		{opStop, 400, "Ecs.0004", Authentication},
		{opStop, 400, "Ecs.1100", Authentication},
		{opStop, 401, "", Authentication},
		{opStop, 401, "APIGW.0301", Authentication},
		{opStop, 403, "APIG.0303", Authentication},
		{opStop, 403, "APIGW.0305", Authentication},
		{opStop, 400, "APIGW.0307", Authentication},
		{opStop, 400, "Common.0013", Authentication},
		{opStop, 403, "APIGW.0302", Refused},
		{opStop, 403, "Pdp.0001", Refused},
		{opStop, 404, "Ecs.0114", Refused},
		{opStop, 408, "", Unclear},
		{opStop, 409, "409", Refused},
		{opStop, 429, "", Throttled},
		{opStop, 503, "Common.1503", Throttled},
		{opStop, 400, "APIGW.0308", Throttled},
		{opStop, 200, "APIGW.0308", Unclear},
		{opStop, 500, "Common.0001", Unclear},
		{opStop, 501, "Ecs.0603", NotAccepted},
		{opStop, 400, "Ecs.1000", Unclear},
		{opStart, 400, "Ecs.1002", Unclear},
		{opStop, 400, "Ecs.0611", Unclear},
		{opStart, 400, "Ecs.0611", Unclear},
		{opStop, 400, "Common.0021", Unclear},
		{opStop, 400, "Common.0022", Unclear},
		{opStart, 400, "Common.0999", Unclear},
		{opJob, 400, "Common.0999", Refused},
		{opList, 400, "Ecs.0611", Refused},
		{opList, 400, "Ecs.1000", Refused},
		{opStop, 502, "", Unclear},
		{opStop, 504, "APIGW.0201", Unclear},
		{opStop, 400, "Ecs.0301", Refused},
		{opList, 400, "Ecs.0301", Unclear},
		{opJob, 400, "Common.0025", Unclear},
		{opJob, 400, "Common.0011", Refused},
		{opList, 503, "", Unclear},
	} {
		if got := judge(tt.op, tt.status, tt.code); got != tt.want {
			t.Errorf("judge(%s, %d, %q) = %v, want %v", tt.op, tt.status, tt.code, got, tt.want)
		}
	}
}
