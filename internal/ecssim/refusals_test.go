package ecssim_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"ecsbot/internal/ecssim"
)

// The refusals that two of the maker's SDKs were seen to understand, with the
// statuses and codes of the documentation.
func TestRefusalsAreTheDocumentedOnes(t *testing.T) {
	cloud := ecssim.New(ecssim.Options{})
	defer cloud.Close()
	o := cloud.Options()
	const other = "fedcba9876543210fedcba9876543210"
	for _, tt := range []struct {
		method, path, body string
		status             int
		code               string // in which shape it comes is part of it
	}{
		{"GET", "/v1/" + o.ProjectID + "/cloudservers/nobody", "", 404, `{"error":{"code":"Ecs.0114",`},
		{"GET", "/v1/" + o.ProjectID + "/jobs/nothing", "", 400, `{"code":"Common.0011",`},
		{"GET", "/v1/" + other + "/cloudservers/detail", "", 400, `{"error":{"code":"Ecs.0023",`},
		{"GET", "/v1/" + o.ProjectID + "/cloudservers/detail?limit=1001", "", 400, `{"error":{"code":"Ecs.0005",`},
		{"GET", "/v1.1/" + o.ProjectID + "/cloudservers/detail", "", 404, `{"error_code":"APIGW.0101",`},
		{"POST", "/v1/" + o.ProjectID + "/cloudservers/action", `{"os-stop":{"servers":null}}` + "\n", 400, `{"error":{"code":"Ecs.0005",`},
		{"POST", "/v1/" + o.ProjectID + "/cloudservers/action", `{"os-stop":{"servers":[]}}`, 200, `{"job_id":"`},
	} {
		req, err := http.NewRequestWithContext(t.Context(), tt.method, "http://ecs.example.com"+tt.path, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		ecssim.Sign(req, o, []byte(tt.body))
		resp, err := cloud.Transport().RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != tt.status || !strings.HasPrefix(string(text), tt.code) || resp.Header.Get("X-Request-Id") == "" || resp.Header.Get("Server") != "api-gateway" {
			t.Errorf("%s %s %s: HTTP %d %s %v, want %d %s", tt.method, tt.path, tt.body, resp.StatusCode, text, resp.Header, tt.status, tt.code)
		}
	}
}
