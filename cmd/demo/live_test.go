package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"ecsbot/internal/ecssim"
)

func TestNewsOfOneServerGoOnce(t *testing.T) {
	t.Parallel()
	got := together([]change{
		serversChanged(ecssim.Server{ID: "a", Status: "ACTIVE"}, ecssim.Server{ID: "b", Status: "ACTIVE"}),
		{"kind": "note"},
		serversChanged(ecssim.Server{ID: "a", Status: "SHUTOFF"}),
	})
	if len(got) != 2 || got[0]["kind"] != "note" {
		t.Fatalf("%v", got)
	}
	servers := got[1]["servers"].([]ecssim.Server)
	if len(servers) != 2 || servers[0].Status != "SHUTOFF" || servers[1].ID != "b" {
		t.Errorf("%v", servers)
	}
}

// Any page that the same browser shows can reach a loopback address.
func TestOnlyOurOwnPageGetsIn(t *testing.T) {
	t.Parallel()
	reached := false
	h := guarded("127.0.0.1:7007", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	for _, tt := range []struct {
		name, method, host, origin string
		in                         bool
	}{
		{"our page", "POST", "127.0.0.1:7007", "http://127.0.0.1:7007", true},
		{"by its other name", "GET", "localhost:7007", "", true},
		{"a name that was bound anew", "GET", "evil.example:7007", "", false},
		{"another page", "POST", "127.0.0.1:7007", "https://evil.example", false},
		{"another port", "POST", "127.0.0.1:7007", "http://127.0.0.1:8000", false},
	} {
		reached = false
		r := httptest.NewRequest(tt.method, "/demo/store", strings.NewReader("{}"))
		r.Host = tt.host
		if tt.origin != "" {
			r.Header.Set("Origin", tt.origin)
		}
		h.ServeHTTP(httptest.NewRecorder(), r)
		if reached != tt.in {
			t.Errorf("%s: let in %v, want %v", tt.name, reached, tt.in)
		}
	}
	for _, address := range []string{"0.0.0.0:7007", "192.0.2.1:7007", ":7007", "localhost:7007"} {
		if err := showPage(t.Context(), address, "", false, false); err == nil || !strings.Contains(err.Error(), "loopback") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// A page that comes later is told the same as one that was there all along.
func TestAPageThatComesLaterKnowsEverything(t *testing.T) {
	t.Parallel()
	g, err := newPlayground(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	g.note("something was done")
	g.slack.Say(mia, ops, "hello", "")
	kinds := map[string]int{}
	for i, c := range g.everything() {
		if i == 0 && c["kind"] != "hello" {
			t.Errorf("the first is %v", c)
		}
		kinds[c["kind"].(string)]++
	}
	for _, kind := range []string{"hello", "people", "state", "replicas", "servers", "message", "note", "requests"} {
		if kinds[kind] != 1 {
			t.Errorf("%d changes of kind %q, want one", kinds[kind], kind)
		}
	}
}
