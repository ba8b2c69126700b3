package main

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"ecsbot/internal/ecssim"
)

func TestNewsOfOneServerGoOnce(t *testing.T) {
	t.Parallel()
	got := together([]change{
		serversChanged("prod", ecssim.Server{ID: "a", Status: "ACTIVE"}, ecssim.Server{ID: "b", Status: "ACTIVE"}),
		{"kind": "note"},
		serversChanged("prod", ecssim.Server{ID: "a", Status: "SHUTOFF"}),
	})
	if len(got) != 2 || got[0]["kind"] != "note" {
		t.Fatalf("%v", got)
	}
	servers := got[1]["servers"].([]shownServer)
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
		{"a name that was bound again", "GET", "evil.example:7007", "", false},
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
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, httptest.NewRequest("GET", "http://127.0.0.1:7007/", nil))
	if csp := answer.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'self'") {
		t.Errorf("the page may load what it likes: %q", csp)
	}
	ended, end := context.WithCancel(t.Context()) // what is served in spite of all ends at once
	end()
	for _, address := range []string{"0.0.0.0:7007", "192.0.2.1:7007", ":7007", "localhost:7007"} {
		if err := showPage(ended, address, "", false, false); err == nil || !strings.Contains(err.Error(), "loopback") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// What happens while a page gets everything is sent to it afterwards.
func TestNothingIsLostWhileAPageComes(t *testing.T) {
	t.Parallel()
	l := &live{viewers: map[*viewer]bool{}}
	l.everything = func() []change {
		l.tell(change{"kind": "note", "note": "meanwhile"})
		return []change{{"kind": "hello"}}
	}
	srv := httptest.NewServer(l)
	t.Cleanup(srv.Close)
	t.Cleanup(srv.CloseClientConnections)
	answer, err := srv.Client().Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	for _, want := range []string{`data: [{"kind":"hello"}]`, "", `data: [{"kind":"note","note":"meanwhile"}]`} {
		if !lines.Scan() || lines.Text() != want {
			t.Fatalf("%q, want %q (%v)", lines.Text(), want, lines.Err())
		}
	}
}

// A page that does not read costs no memory without end.
func TestAPageThatDoesNotReadIsCutOff(t *testing.T) {
	t.Parallel()
	l := &live{viewers: map[*viewer]bool{}, everything: func() []change { return nil }}
	p := &viewer{wake: make(chan struct{}, 1)}
	l.viewers[p] = true
	for range mostNews + 100 {
		l.tell(change{})
	}
	if n := len(p.news); n != mostNews+1 {
		t.Errorf("%d news wait, want %d", n, mostNews+1)
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		r := httptest.NewRequest("GET", "/live", nil).WithContext(t.Context())
		l.ServeHTTP(late{httptest.NewRecorder(), l}, r)
	}()
	<-gone
}

// late is a page that reads nothing until far too much has happened.
type late struct {
	*httptest.ResponseRecorder
	l *live
}

func (p late) Write(b []byte) (int, error) {
	for range mostNews + 1 {
		p.l.tell(change{})
	}
	return p.ResponseRecorder.Write(b)
}

// An order that does not say what it wants does nothing.
func TestOrdersMustBeClear(t *testing.T) {
	t.Parallel()
	g := started(t)
	h := g.handler(built())
	for _, order := range []struct{ path, body string }{
		{"/demo/store", "{}"}, {"/demo/store", `{"upp":false}`}, {"/demo/slack", ""}, {"/demo/speed", "{}"},
		{"/demo/break", "{}"}, {"/demo/replicas", `{"name":"A"}`}, {"/demo/replicas", `{"name":"A","do":"kill","now":1}`},
	} {
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, httptest.NewRequest("POST", order.path, strings.NewReader(order.body)))
		if answer.Code != http.StatusBadRequest || !strings.Contains(answer.Body.String(), `"error"`) {
			t.Errorf("%s %s: %d %s", order.path, order.body, answer.Code, answer.Body)
		}
	}
	if s := g.state(); s["store"].(map[string]any)["up"] != true || s["slack"].(map[string]any)["up"] != true || g.bots[0].look().PID == 0 {
		t.Errorf("something was done: %v", s)
	}
}

// A new page gets everything that there is.
func TestAPageThatComesLaterKnowsEverything(t *testing.T) {
	t.Parallel()
	g := started(t)
	g.note("something was done")
	g.Slack.Say(mia, ops, "hello", "")
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
