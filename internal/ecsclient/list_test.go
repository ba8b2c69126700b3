package ecsclient

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
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

	mu       sync.Mutex
	requests []string
}

func (f *fleet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
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
		fleet *fleet
		pages int
	}{
		{"none", &fleet{}, 1},
		{"short page", &fleet{n: 30}, 1},
		{"exactly one page", &fleet{n: 200}, 2}, // a count of one page proves nothing
		{"exactly two pages", &fleet{n: 400}, 2},
		{"three pages", &fleet{n: 450}, 3},
		{"three pages, no count", &fleet{n: 450, noCount: true}, 3},
		{"count is the page's", &fleet{n: 450, pageCount: true}, 3},
		{"a lower limit than asked for", &fleet{n: 250, maxLimit: 100}, 3},
		{"rows repeat", &fleet{n: 390, overlap: 10}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(tt.fleet)
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
		fleet *fleet
		calls int // at most: the first call is made alone, others at the same time
	}{
		{"understood", &fleet{n: 500}, 3},
		{"filter ignored", &fleet{n: 500, ignoreIDs: true}, 3 + 3},
		{"only the first id understood", &fleet{n: 500, firstOnly: true}, 3 + 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(tt.fleet)
			defer server.Close()
			asked := append(names(250, 500), "s9999", "s250")
			got, err := clientOf(t, server.URL, nil).ListServers(t.Context(), Filter{IDs: asked})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(slices.Sorted(slices.Values(idsOf(got))), slices.Sorted(slices.Values(names(250, 500)))) {
				t.Errorf("got %v", idsOf(got))
			}
			if len(tt.fleet.requests) > tt.calls {
				t.Errorf("%d calls, want at most %d", len(tt.fleet.requests), tt.calls)
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

func TestListFiltersByNameAndTag(t *testing.T) {
	f := &fleet{n: 4}
	server := httptest.NewServer(f)
	defer server.Close()
	c := clientOf(t, server.URL, nil)
	if got, err := c.ListServers(t.Context(), Filter{Name: "web 1*", Tag: "env=dev"}); err != nil || len(got) != 4 {
		t.Errorf("got %v, %v; want all that the cloud lists", idsOf(got), err)
	}
	if want := "limit=200&name=web%201%2A&offset=1&tags=env%3Ddev"; !slices.Contains(f.requests, want) {
		t.Errorf("asked %q, want %q", f.requests, want)
	}
}

// Only a tag without any value has two spellings. A value may end in "=", as
// base64 does.
func TestOnlyAnEmptyValueIsLeftOutOfTheTagFilter(t *testing.T) {
	for tag, want := range map[string]string{
		"hash=Zm8=": "hash=Zm8=", "hash=Zm8": "hash=Zm8", "hash=Zm8==": "hash=Zm8==", "hash": "hash", "hash=": "hash",
	} {
		asked := ""
		cloud := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked = r.URL.Query().Get("tags")
			_, _ = io.WriteString(w, `{"count":0,"servers":[]}`)
		}))
		_, err := clientOf(t, cloud.URL, nil).ListServers(t.Context(), Filter{Tag: tag})
		cloud.Close()
		if err != nil || asked != want {
			t.Errorf("%s: asked for %q, want %q (%v)", tag, asked, want, err)
		}
	}
}

func TestListRefusesWhatItCannotRead(t *testing.T) {
	for _, body := range []string{`{}`, `{"servers":null}`, `{"servers":{}}`, `{"servers":[7]}`, `{"servers":[{"name":"x"}]}`, `[]`, `<html>`, `null`, `7`, ``,
		`{"servers":[{"id":"a"}`, `{"servers":[{"id":"a"}]`, `{"servers":[]} {}`, `{"servers":[null]}`, `{"count":{},"servers":[`} {
		if p, err := pageIn(strings.NewReader(body)); err == nil {
			t.Errorf("%s: got %+v", body, p)
		}
	}
}

func TestListBodyIsCapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clientOf(t, "http://ecs.example.com", func(c *Config) {
			c.Transport = &script{answers: []func(*http.Request) (*http.Response, error){
				says(200, `{"servers":[]}`+strings.Repeat(" ", 1<<20)),
			}}
		})
		c.listCap = 1 << 20 // the real one takes long to be read
		_, err := c.ListServers(t.Context(), Filter{})
		if e := asError(t, err); e.Verdict != Unclear || !strings.Contains(e.Error(), "larger than") {
			t.Errorf("got %v", err)
		}
	})
}

// A list that breaks off is reported as what it is, not as one that cannot be read.
func TestAListThatBreaksOffSaysSo(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, `{"count":2,"servers":[{"id":"a","status":"ACTIVE"},`)
	}))
	defer server.Close()
	got, err := clientOf(t, server.URL, nil).ListServers(t.Context(), Filter{})
	if e := asError(t, err); got != nil || e.Verdict != Unclear || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %d servers, %v", len(got), err)
	}
}

// An error text is short. Of a longer answer to a list nothing is held, for it
// is full of user data.
func TestErrorTextsOfListsAreShort(t *testing.T) {
	for padding, want := range map[int]string{0: "Ecs.0301", maxHead: ""} {
		synctest.Test(t, func(t *testing.T) {
			c := clientOf(t, "http://ecs.example.com", func(c *Config) {
				c.Transport = transportFunc(says(200, `{"error":{"code":"Ecs.0301","message":"m"}}`+strings.Repeat(" ", padding)))
			})
			_, err := c.ListServers(t.Context(), Filter{})
			if e := asError(t, err); e.Code != want || e.Verdict != Unclear {
				t.Errorf("%d more bytes: %v", padding, err)
			}
		})
	}
}

func TestServerDetails(t *testing.T) {
	const body = `{"count":1,"servers":[{"id":"a","name":"web-1","status":"ACTIVE","updated":"2026-11-23T10:00:00Z","locked":"true",
	 "OS-EXT-AZ:availability_zone":"ap-southeast-1a","OS-EXT-STS:vm_state":"active","OS-EXT-STS:task_state":"powering-off",
	 "OS-EXT-SRV-ATTR:user_data":"c2VjcmV0","flavor":{"id":"c7.large.2","vcpus":2},"metadata":{"charging_mode":0},"tags":["env=dev",null,"bare",{"k":1}],
	 "addresses":{"vpc-b":[{"version":"4","addr":"10.0.0.9","OS-EXT-IPS:type":"fixed"}],
	  "vpc-a":[{"addr":"fe80::1","OS-EXT-IPS:type":"fixed"},{"addr":"1.2.3.4","OS-EXT-IPS:type":"floating"},{"addr":"10.0.0.5","OS-EXT-IPS:type":"fixed"}]},
	 "surprise":[{}]}],"surprise":[{"servers":[{"id":"b"}]}]}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
	defer server.Close()
	c := clientOf(t, server.URL, nil)
	servers, err := c.ListServers(t.Context(), Filter{IDs: []string{"a"}})
	if err != nil || len(servers) != 1 {
		t.Fatal(servers, err)
	}
	got := servers[0]
	want := Server{
		ID: "a", Name: "web-1", Status: "ACTIVE", TaskState: "powering-off", Updated: "2026-11-23T10:00:00Z",
		Flavor: "c7.large.2", ChargingMode: "0", Locked: true, Address: "10.0.0.5", Tags: []string{"env=dev", "bare"},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// A server without tags is another thing than an answer that does not say its tags.
func TestTagsThatAreNotSaid(t *testing.T) {
	for body, unknown := range map[string]bool{
		`"tags":[]`: false, `"tags":["env=dev"]`: false, `"tags":[null]`: false,
		`"name":"web-1"`: true, `"tags":null`: true, `"tags":"env=dev"`: true, `"tags":{"env":"dev"}`: true,
	} {
		var w wireServer
		if err := json.Unmarshal([]byte(`{`+body+`}`), &w); err != nil || w.server().TagsUnknown != unknown {
			t.Errorf("%s: tags unknown: %v, %v", body, w.server().TagsUnknown, err)
		}
	}
}

func TestBareMetalIsRecognised(t *testing.T) {
	for body, want := range map[string]bool{
		`"tags":["__type_baremetal"]`:                                    true,
		`"tags":["env=dev","__type_baremetal=true"]`:                     true,
		`"tags":null,"sys_tags":[{"key":"__type_baremetal"}]`:            true,
		`"sys_tags":[7,{"key":"__type_baremetal","value":""}]`:           true,
		`"metadata":{"__type_baremetal":""}`:                             true,
		`"flavor":{"id":"physical.o2.medium"}`:                           true,
		`"flavor":{"id":"9","name":"physical.o2.medium"}`:                true,
		`"flavor":{"id":"c7.large.2","name":"c7.large.2"}`:               false,
		`"flavor":"physical"`:                                            false,
		`"tags":["__type_baremetal_x","kind=__type_baremetal"]`:          false,
		`"metadata":{"charging_mode":"0"}`:                               false,
		`"metadata":{"__type_baremetal":null},"name":"__type_baremetal"`: false,
		`"sys_tags":[{"key":"_sys_enterprise_project_id","value":"0"}]`:  false,
		`"sys_tags":"__type_baremetal","metadata":["__type_baremetal"]`:  false,
	} {
		p, err := pageIn(strings.NewReader(`{"servers":[{"id":"a","status":"ACTIVE",` + body + `}]}`))
		if err != nil || p.servers[0].BareMetal != want {
			t.Errorf("%s: %v, want %t", body, err, want)
		}
	}
}

func TestNewNamesAllFaults(t *testing.T) {
	if _, err := New(Config{Endpoint: "https://h", ProjectID: "p"}); err == nil || !strings.Contains(err.Error(), "credentials") {
		t.Errorf("without credentials: %v", err)
	}
	_, err := New(Config{Endpoint: "ftp://x", Credentials: Fixed(Credentials{})})
	for _, word := range []string{"endpoint", "project", "access key", "secret key"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%q is not named in %v", word, err)
		}
	}
	for _, endpoint := range []string{"https://a:b@h", "https://h/path", "https://h?x=1", "h", "://"} {
		if _, err := New(Config{Endpoint: endpoint, ProjectID: "p", Credentials: Fixed(testKeys)}); err == nil {
			t.Errorf("%s was accepted", endpoint)
		}
	}
	if got := EndpointOf("cn-north-4"); got != "https://ecs.cn-north-4.myhuaweicloud.com" {
		t.Error(got)
	}
}
