package ecssim_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

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
		if got.ID != raw.ID || got.Name != raw.Name || got.Address != raw.Address || got.Flavor != raw.Flavor || got.ChargingMode != raw.ChargingMode || got.Zone != raw.Zone || got.Updated != raw.Updated {
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
