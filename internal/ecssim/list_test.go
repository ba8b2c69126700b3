package ecssim_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ecsbot/internal/ecsclient"
	"ecsbot/internal/ecssim"
)

func TestListFilters(t *testing.T) {
	cloud := ecssim.New(ecssim.Options{})
	defer cloud.Close()
	for i := range 30 {
		cloud.Add(ecssim.Server{ID: fmt.Sprintf("s%d", i), Name: fmt.Sprintf("web-%d", i), Tags: []string{fmt.Sprintf("n=%d", i), "all"}, Address: fmt.Sprintf("10.0.0.%d", i)})
	}
	if err := cloud.StopByHand("s3"); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]int{
		"":                                 25,
		"limit=1000":                       30,
		"limit=20&offset=0":                20,
		"limit=20&offset=2":                10,
		"limit=20&offset=3":                0,
		"name=web-1&limit=100":             11, // fuzzy
		"name=w.b-2&limit=100":             11,
		"name=%5Eweb":                      0,
		"tags=n%3D1&limit=100":             11, // a substring
		"not-tags=all":                     0,
		"status=SHUTOFF":                   1,
		"status=ACTIVE&limit=100":          29,
		"ip=10.0.0.2&limit=100":            11,
		"ip_eq=10.0.0.2":                   1,
		"server_id=s1&server_id=s2":        2,
		"server_id=s1,s2,nobody&name=none": 3,
	} {
		status, text := send(t, cloud, "GET", "/cloudservers/detail?"+query, "")
		var got struct{ Servers []map[string]any }
		if err := json.Unmarshal([]byte(text), &got); err != nil || status != 200 || len(got.Servers) != want {
			t.Errorf("%s: %d servers (HTTP %d, %v), want %d", query, len(got.Servers), status, err, want)
		}
	}
	for _, query := range []string{"limit=1001", "limit=x", "offset=-1"} {
		if status, _ := send(t, cloud, "GET", "/cloudservers/detail?"+query, ""); status != 400 {
			t.Errorf("%s: HTTP %d", query, status)
		}
	}
}

func TestClientReadsTheWholeFleetAndKeepsNoUserData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud, client := world(t, 0, ecssim.Options{SecurityToken: "temporary"})
		fleet := ecssim.Fleet(450, 7)
		cloud.Add(fleet...)
		all, err := client.ListServers(t.Context(), ecsclient.Filter{})
		if err != nil || len(all) != 450 {
			t.Fatalf("%d servers, %v", len(all), err)
		}
		text := fmt.Sprintf("%+v", all)
		if strings.Contains(text, base64.StdEncoding.EncodeToString([]byte(ecssim.UserData))) || strings.Contains(text, "DO-NOT-KEEP") {
			t.Error("user_data was kept")
		}
		raw, _ := cloud.Server(fleet[9].ID)
		got := all[9]
		if got.ID != raw.ID || got.Name != raw.Name || got.Address != raw.Address || got.Flavor != raw.Flavor || got.ChargingMode != raw.ChargingMode || got.Updated != raw.Updated {
			t.Errorf("got %+v, want %+v", got, raw)
		}
		dev, err := client.ListServers(t.Context(), ecsclient.Filter{Tag: "env=dev", Name: "web-"})
		if err != nil || len(dev) == 0 {
			t.Errorf("%d servers, %v", len(dev), err)
		}
		some, err := client.ListServers(t.Context(), ecsclient.Filter{IDs: []string{fleet[1].ID, "nobody", fleet[3].ID}})
		if err != nil || len(some) != 2 {
			t.Errorf("%d servers, %v", len(some), err)
		}
	})
}

// A server may carry 32 KiB of user_data, 43,692 characters as it is sent. A page
// of 200 such servers has more than eight megabytes, none of which is kept.
func TestClientReadsAFleetWithAsMuchUserDataAsThereMayBe(t *testing.T) {
	cloud := ecssim.New(ecssim.Options{})
	defer cloud.Close()
	fleet := ecssim.Fleet(250, 3)
	for i := range fleet {
		fleet[i].UserDataSize = ecssim.MaxUserData
	}
	cloud.Add(fleet...)
	var largest atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		counted := &counter{ResponseWriter: w}
		cloud.Handler().ServeHTTP(counted, r)
		largest.Store(max(largest.Load(), counted.n))
	}))
	defer server.Close()
	_, text := send(t, cloud, "GET", "/cloudservers/"+fleet[0].ID, "")
	var shown struct {
		Server map[string]any `json:"server"`
	}
	if err := json.Unmarshal([]byte(text), &shown); err != nil || len(shown.Server["OS-EXT-SRV-ATTR:user_data"].(string)) != 43692 {
		t.Fatalf("the simulated server has not 43,692 characters of user_data: %v", err)
	}
	client := clientFor(t, cloud, server.URL, nil)
	all, err := client.ListServers(t.Context(), ecsclient.Filter{})
	if err != nil || len(all) != 250 {
		t.Fatalf("%d servers, %v", len(all), err)
	}
	for i, s := range all {
		if s.ID != fleet[i].ID || s.Name != fleet[i].Name {
			t.Errorf("server %d is %s, want %s", i, s.Name, fleet[i].Name)
		}
	}
	if n := largest.Load(); n < 8<<20 {
		t.Errorf("the largest page had %d bytes only", n)
	}
	if text := fmt.Sprintf("%+v", all); strings.Contains(text, "DO-NOT-KEEP") || strings.Contains(text, shown.Server["OS-EXT-SRV-ATTR:user_data"].(string)[:40]) {
		t.Error("user_data was kept")
	}
}

// counter counts what is written.
type counter struct {
	http.ResponseWriter
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return c.ResponseWriter.Write(p)
}

// Physical servers stand in the list unless they are asked not to, and the API
// cannot stop them.
func TestBareMetalIsListedAndNotStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud, client := world(t, 2, fixed(20*time.Second))
		if err := cloud.SetTags("s1", "env=dev", ecssim.BareMetalTag); err != nil {
			t.Fatal(err)
		}
		all, err := client.ListServers(t.Context(), ecsclient.Filter{})
		if err != nil || len(all) != 2 || all[0].BareMetal || !all[1].BareMetal {
			t.Errorf("got %+v, %v", all, err)
		}
		status, text := send(t, cloud, "GET", "/cloudservers/detail?not-tags=__type_baremetal", "")
		if status != 200 || !strings.Contains(text, `"count":1,`) || strings.Contains(text, `"s1"`) {
			t.Errorf("without physical servers: HTTP %d %s", status, text)
		}
		job, err := stopNow(t.Context(), client, []string{"s0", "s1"}, ecsclient.Soft)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		j, err := client.ShowJob(t.Context(), job)
		if err != nil || j.Status != ecsclient.JobFailed || j.SubJobs[0].Status != ecsclient.JobSucceeded || j.SubJobs[1].Status != ecsclient.JobFailed {
			t.Errorf("got %+v, %v", j, err)
		}
		if got := state(t, cloud, "s1"); got != "ACTIVE active " {
			t.Errorf("the physical server is %s", got)
		}
	})
}

func TestFleetIsRepeatable(t *testing.T) {
	one, two := ecssim.Fleet(300, 5), ecssim.Fleet(300, 5)
	if fmt.Sprint(one) != fmt.Sprint(two) || fmt.Sprint(one) == fmt.Sprint(ecssim.Fleet(300, 6)) {
		t.Error("the seed does not decide")
	}
	seen := make(map[string]bool)
	for _, s := range one {
		if seen[s.ID] || seen[s.Name] || seen[s.Address] || len(s.ID) != 36 {
			t.Errorf("%+v", s)
		}
		seen[s.ID], seen[s.Name], seen[s.Address] = true, true, true
	}
}
