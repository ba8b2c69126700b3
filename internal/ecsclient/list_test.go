package ecsclient

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
)

// fleet serves the list of n servers s0, s1, … and lets a test bend its rules.
type fleet struct {
	n         int
	ignoreIDs bool // takes no notice of server_id
	firstOnly bool // understands only the first server_id
	overlap   int  // rows of the page before that are repeated
	maxLimit  int  // gives fewer than asked for
	noCount   bool
	pageCount bool // count means the page
	requests  []string
}

func (f *fleet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.requests = append(f.requests, r.URL.RawQuery)
	q := r.URL.Query()
	limit, _ := strconv.Atoi(q.Get("limit"))
	if f.maxLimit > 0 {
		limit = min(limit, f.maxLimit)
	}
	var rows []map[string]any
	count := f.n
	if ids := q["server_id"]; len(ids) > 0 && !f.ignoreIDs {
		if f.firstOnly {
			ids = ids[:1]
		}
		for _, id := range ids {
			if i, err := strconv.Atoi(strings.TrimPrefix(id, "s")); err == nil && i < f.n {
				rows = append(rows, row(i))
			} else {
				rows = append(rows, map[string]any{"id": id, "fault": map[string]any{"code": 404}, "status": nil, "name": nil})
			}
		}
		count = len(rows)
	} else {
		page, _ := strconv.Atoi(q.Get("offset"))
		from := max(0, (page-1)*limit-f.overlap)
		for i := from; i < min(f.n, from+limit); i++ {
			rows = append(rows, row(i))
		}
	}
	answer := map[string]any{"servers": rows, "count": count}
	if rows == nil {
		answer["servers"] = []any{}
	}
	if f.pageCount {
		answer["count"] = len(rows)
	}
	if f.noCount {
		delete(answer, "count")
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func row(i int) map[string]any {
	tags := []string{"env=dev", "bare"}
	if i%2 == 1 {
		tags = []string{"env=development"}
	}
	return map[string]any{"id": fmt.Sprintf("s%d", i), "name": fmt.Sprintf("web-%d", i), "status": "ACTIVE", "tags": tags}
}

func names(from, to int) []string {
	var ids []string
	for i := from; i < to; i++ {
		ids = append(ids, fmt.Sprintf("s%d", i))
	}
	return ids
}

func idsOf(servers []Server) []string {
	var ids []string
	for _, s := range servers {
		ids = append(ids, s.ID)
	}
	return ids
}

func TestListPagesThroughEverything(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fleet fleet
		pages int
	}{
		{"none", fleet{}, 1},
		{"short page", fleet{n: 30}, 1},
		{"exactly one page", fleet{n: 200}, 2}, // a count of one page proves nothing
		{"exactly two pages", fleet{n: 400}, 2},
		{"three pages", fleet{n: 450}, 3},
		{"three pages, no count", fleet{n: 450, noCount: true}, 3},
		{"count is the page's", fleet{n: 450, pageCount: true}, 3},
		{"a lower limit than asked for", fleet{n: 250, maxLimit: 100}, 3},
		{"rows repeat", fleet{n: 390, overlap: 10}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(&tt.fleet)
			defer server.Close()
			got, err := clientOf(t, server.URL, nil).ListServers(t.Context(), Filter{})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(idsOf(got), names(0, tt.fleet.n)) {
				t.Errorf("got %d servers", len(got))
			}
			if len(tt.fleet.requests) != tt.pages {
				t.Errorf("%d requests, want %d: %q", len(tt.fleet.requests), tt.pages, tt.fleet.requests)
			}
		})
	}
}

func TestListByID(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fleet fleet
		calls int
	}{
		{"understood", fleet{n: 500}, 3},
		{"filter ignored", fleet{n: 500, ignoreIDs: true}, 1 + 3},
		{"only the first id understood", fleet{n: 500, firstOnly: true}, 1 + 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(&tt.fleet)
			defer server.Close()
			asked := append(names(250, 500), "s9999", "s250")
			got, err := clientOf(t, server.URL, nil).ListServers(t.Context(), Filter{IDs: asked})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(slices.Sorted(slices.Values(idsOf(got))), slices.Sorted(slices.Values(names(250, 500)))) {
				t.Errorf("got %v", idsOf(got))
			}
			if len(tt.fleet.requests) != tt.calls {
				t.Errorf("%d calls, want %d", len(tt.fleet.requests), tt.calls)
			}
		})
	}
	t.Run("none asked for", func(t *testing.T) {
		c := clientOf(t, "http://ecs.example.com", func(c *Config) { c.Transport = transportFunc(nil) })
		got, err := c.ListServers(t.Context(), Filter{IDs: []string{}})
		if err != nil || len(got) != 0 {
			t.Errorf("got %v, %v", got, err)
		}
	})
}

func TestListChecksTagsAgain(t *testing.T) {
	f := &fleet{n: 4}
	server := httptest.NewServer(f)
	defer server.Close()
	c := clientOf(t, server.URL, nil)
	for tag, want := range map[string][]string{
		"env=dev": {"s0", "s2"}, "bare": {"s0", "s2"}, "bare=": {"s0", "s2"}, "env": nil, "env=de": nil,
	} {
		got, err := c.ListServers(t.Context(), Filter{Name: "web 1*", Tag: tag})
		if err != nil || !slices.Equal(idsOf(got), want) {
			t.Errorf("%s: got %v, %v", tag, idsOf(got), err)
		}
	}
	if !slices.Contains(f.requests, "limit=200&name=web%201%2A&offset=1&tags=env%3Ddev") {
		t.Errorf("asked %q", f.requests)
	}
}

func TestListRefusesWhatItCannotRead(t *testing.T) {
	for _, body := range []string{`{}`, `{"servers":null}`, `{"servers":{}}`, `{"servers":[7]}`, `{"servers":[{"name":"x"}]}`, `[]`, `<html>`} {
		if p, err := pageIn([]byte(body)); err == nil {
			t.Errorf("%s: got %+v", body, p)
		}
	}
}

func TestListBodyIsCapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clientOf(t, "http://ecs.example.com", func(c *Config) {
			c.Transport = &script{answers: []func(*http.Request) (*http.Response, error){
				says(200, `{"servers":[]}`+strings.Repeat(" ", maxList)),
			}}
		})
		_, err := c.ListServers(t.Context(), Filter{})
		if e := asError(t, err); e.Verdict != Unclear || !strings.Contains(e.Error(), "larger than") {
			t.Errorf("got %v", err)
		}
	})
}

func TestServerDetails(t *testing.T) {
	const body = `{"server":{"id":"a","name":"web-1","status":"ACTIVE","updated":"2026-11-23T10:00:00Z","locked":"true",
	 "OS-EXT-AZ:availability_zone":"ap-southeast-1a","OS-EXT-STS:vm_state":"active","OS-EXT-STS:task_state":"powering-off",
	 "OS-EXT-SRV-ATTR:user_data":"c2VjcmV0","flavor":{"id":"c7.large.2","vcpus":2},"metadata":{"charging_mode":0},"tags":["env=dev",null,"bare",{"k":1}],
	 "addresses":{"vpc-b":[{"version":"4","addr":"10.0.0.9","OS-EXT-IPS:type":"fixed"}],
	  "vpc-a":[{"addr":"fe80::1","OS-EXT-IPS:type":"fixed"},{"addr":"1.2.3.4","OS-EXT-IPS:type":"floating"},{"addr":"10.0.0.5","OS-EXT-IPS:type":"fixed"}]},
	 "surprise":[{}]}}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
	defer server.Close()
	c := clientOf(t, server.URL, nil)
	got, err := c.ShowServer(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	want := Server{
		ID: "a", Name: "web-1", Status: "ACTIVE", VMState: "active", TaskState: "powering-off", Updated: "2026-11-23T10:00:00Z",
		Zone: "ap-southeast-1a", Flavor: "c7.large.2", ChargingMode: "0", Locked: true, Address: "10.0.0.5", Tags: []string{"env=dev", "bare"},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestNewNamesAllFaults(t *testing.T) {
	_, err := New(Config{Endpoint: "ftp://x"})
	for _, word := range []string{"endpoint", "project", "access key", "secret key"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%q is not named in %v", word, err)
		}
	}
	for _, endpoint := range []string{"https://a:b@h", "https://h/path", "https://h?x=1", "h", "://"} {
		if _, err := New(Config{Endpoint: endpoint, ProjectID: "p", Credentials: testKeys}); err == nil {
			t.Errorf("%s was accepted", endpoint)
		}
	}
	if got := EndpointOf("cn-north-4"); got != "https://ecs.cn-north-4.myhuaweicloud.com" {
		t.Error(got)
	}
}
