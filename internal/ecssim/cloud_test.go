package ecssim_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ecsbot/internal/ecsclient"
	"ecsbot/internal/ecssim"
)

// world is a cloud in a bubble, with servers a, b, c, … and our client for it.
func world(t *testing.T, servers int, opts ecssim.Options) (*ecssim.Cloud, *ecsclient.Client) {
	t.Helper()
	cloud := ecssim.New(opts)
	t.Cleanup(cloud.Close)
	for i := range servers {
		cloud.Add(ecssim.Server{ID: fmt.Sprintf("s%d", i), Name: fmt.Sprintf("web-%d", i)})
	}
	return cloud, clientFor(t, cloud, "http://ecs.example.com", func(c *ecsclient.Config) { c.Transport = cloud.Transport() })
}

func clientFor(t *testing.T, cloud *ecssim.Cloud, address string, change func(*ecsclient.Config)) *ecsclient.Client {
	t.Helper()
	o := cloud.Options()
	cfg := ecsclient.Config{
		Endpoint: address, ProjectID: o.ProjectID,
		Credentials: ecsclient.Credentials{
			AccessKey: o.AccessKey, SecretKey: ecsclient.Secret(o.SecretKey), SecurityToken: ecsclient.Secret(o.SecurityToken),
		},
	}
	if change != nil {
		change(&cfg)
	}
	client, err := ecsclient.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func fixed(d time.Duration) ecssim.Options {
	return ecssim.Options{JobTime: func(string) time.Duration { return d }}
}

func state(t *testing.T, cloud *ecssim.Cloud, id string) string {
	t.Helper()
	s, ok := cloud.Server(id)
	if !ok {
		return "gone"
	}
	return s.Status + " " + s.VMState + " " + s.TaskState
}

func TestStopGoesThroughTheDocumentedStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud, client := world(t, 2, fixed(20*time.Second))
		before, _ := client.ShowServer(t.Context(), "s0")
		job, err := client.Stop(t.Context(), []string{"s0", "s1"}, ecsclient.Soft)
		if err != nil {
			t.Fatal(err)
		}
		during, err := client.ShowServer(t.Context(), "s0")
		if err != nil || during.Status != "ACTIVE" || during.TaskState != "powering-off" || during.Updated == before.Updated {
			t.Errorf("during: %+v, %v", during, err)
		}
		j, err := client.ShowJob(t.Context(), job)
		if err != nil || j.Done() || len(j.SubJobs) != 2 || j.SubJobs[0].Done() {
			t.Errorf("during: %+v, %v", j, err)
		}
		time.Sleep(21 * time.Second)
		after, err := client.ShowServer(t.Context(), "s0")
		if err != nil || after.Status != "SHUTOFF" || after.TaskState != "" || after.Updated == during.Updated {
			t.Errorf("after: %+v, %v", after, err)
		}
		if j, err = client.ShowJob(t.Context(), job); err != nil || j.Done() || !j.SubJobs[0].Done() {
			t.Errorf("the parent should lag: %+v, %v", j, err)
		}
		time.Sleep(5 * time.Second)
		if j, err = client.ShowJob(t.Context(), job); err != nil || j.Status != ecsclient.JobSucceeded || j.End.IsZero() {
			t.Errorf("at the end: %+v, %v", j, err)
		}
		if _, err = client.Start(t.Context(), []string{"s0"}); err != nil {
			t.Fatal(err)
		}
		if got := state(t, cloud, "s0"); got != "SHUTOFF stopped powering-on" {
			t.Error(got)
		}
		time.Sleep(time.Minute)
		if got := state(t, cloud, "s0"); got != "ACTIVE active " {
			t.Error(got)
		}
		time.Sleep(25 * time.Hour)
		_, err = client.ShowJob(t.Context(), job)
		if e, ok := errors.AsType[*ecsclient.Error](err); !ok || !e.JobGone() {
			t.Errorf("a day later: %v", err)
		}
	})
}

func TestEachServerOfABatchHasItsOwnOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud, client := world(t, 6, fixed(20*time.Second))
		errs := errors.Join(
			cloud.StopByHand("s1"), cloud.Lock("s2", true), cloud.FailServer("s4", "Ecs.0611", "host is unwell"), cloud.StickServer("s5"))
		if errs != nil {
			t.Fatal(errs)
		}
		if _, err := client.Stop(t.Context(), []string{"s3"}, ecsclient.Soft); err != nil {
			t.Fatal(err)
		}
		job, err := client.Stop(t.Context(), []string{"s0", "s1", "s2", "s3", "s4", "s5", "nobody"}, ecsclient.Soft)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		j, err := client.ShowJob(t.Context(), job)
		if err != nil || j.Done() {
			t.Fatalf("%+v, %v", j, err)
		}
		want := map[string]string{
			"s0": "SUCCESS ", "s1": "FAIL Ecs.0100", "s2": "FAIL Ecs.0605", "s3": "FAIL Ecs.0603",
			"s4": "FAIL Ecs.0611", "s5": "RUNNING ", "nobody": "FAIL Ecs.0114",
		}
		for _, s := range j.SubJobs {
			if got := s.Status + " " + s.ErrorCode; got != want[s.ServerID] || (s.ErrorCode != "" && s.FailReason == "") {
				t.Errorf("%s: %s (%s), want %s", s.ServerID, got, s.FailReason, want[s.ServerID])
			}
		}
		if err := cloud.StopByHand("s5"); err != nil {
			t.Fatal(err)
		}
		if cloud.StopCount("s3") != 2 || cloud.StopCount("nobody") != 1 {
			t.Error("stops are miscounted")
		}
		job, err = client.Stop(t.Context(), []string{"s1"}, ecsclient.Soft)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if j, err = client.ShowJob(t.Context(), job); err != nil || j.Status != ecsclient.JobFailed || j.ErrorCode != "Common.0021" {
			t.Errorf("%+v, %v", j, err)
		}
	})
}

func TestHardIsQuickerAndHandsAreQuickest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud, client := world(t, 2, fixed(20*time.Second))
		if _, err := client.Stop(t.Context(), []string{"s0"}, ecsclient.Hard); err != nil {
			t.Fatal(err)
		}
		job, err := client.Stop(t.Context(), []string{"s1"}, ecsclient.Soft)
		if err != nil {
			t.Fatal(err)
		}
		if err := cloud.StartByHand("s1"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(6 * time.Second)
		if got := state(t, cloud, "s0"); got != "SHUTOFF stopped " {
			t.Error(got)
		}
		time.Sleep(time.Minute)
		if got := state(t, cloud, "s1"); got != "ACTIVE active " {
			t.Error(got)
		}
		if j, err := client.ShowJob(t.Context(), job); err != nil || j.Status != ecsclient.JobFailed {
			t.Errorf("%+v, %v", j, err)
		}
	})
}

func TestJobsFailStickAndVanish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud, client := world(t, 3, fixed(20*time.Second))
		cloud.FailJob("Common.0022", "submission failed")
		var jobs []string
		for i := range 3 {
			if i == 1 {
				cloud.StickJobs(1)
			}
			job, err := client.Stop(t.Context(), []string{fmt.Sprintf("s%d", i)}, ecsclient.Soft)
			if err != nil {
				t.Fatal(err)
			}
			jobs = append(jobs, job)
		}
		cloud.VanishJob(jobs[2])
		time.Sleep(time.Hour)
		if j, err := client.ShowJob(t.Context(), jobs[0]); err != nil || j.Status != "FAIL" || j.ErrorCode != "Common.0022" || state(t, cloud, "s0") != "ACTIVE active " {
			t.Errorf("%+v, %v", j, err)
		}
		if j, err := client.ShowJob(t.Context(), jobs[1]); err != nil || j.Status != "RUNNING" || state(t, cloud, "s1") != "SHUTOFF stopped " {
			t.Errorf("%+v, %v", j, err)
		}
		_, err := client.ShowJob(t.Context(), jobs[2])
		if e, ok := errors.AsType[*ecsclient.Error](err); !ok || !e.JobGone() || state(t, cloud, "s2") != "SHUTOFF stopped " {
			t.Errorf("%v", err)
		}
	})
}

func TestQuotaHoldsInAnyWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := fixed(time.Second)
		opts.Limit = 10
		cloud, client := world(t, 12, opts)
		ids := []string{"s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10"}
		_, err := client.Stop(t.Context(), ids, ecsclient.Soft)
		if ecsclient.VerdictOf(err) != ecsclient.Throttled || cloud.MaxInWindow(time.Minute) != 0 {
			t.Fatalf("eleven at once: %v", err)
		}
		for i, n := range []int{6, 4} {
			if _, err := client.Stop(t.Context(), ids[:n], ecsclient.Soft); err != nil {
				t.Fatal(i, err)
			}
			time.Sleep(10 * time.Second)
		}
		_, err = client.Stop(t.Context(), ids[:5], ecsclient.Soft)
		e, ok := errors.AsType[*ecsclient.Error](err)
		if !ok || e.Verdict != ecsclient.Throttled || e.Code != "APIGW.0308" || e.RetryAfter != 40*time.Second {
			t.Fatalf("got %v", err)
		}
		time.Sleep(e.RetryAfter - time.Nanosecond)
		if _, err := client.Stop(t.Context(), ids[:5], ecsclient.Soft); ecsclient.VerdictOf(err) != ecsclient.Throttled {
			t.Error("let through too early")
		}
		time.Sleep(time.Nanosecond)
		if _, err := client.Stop(t.Context(), ids[:5], ecsclient.Soft); err != nil {
			t.Error(err)
		}
		if got := cloud.MaxInWindow(time.Minute); got != 10 {
			t.Errorf("at most %d in a window", got)
		}
		if got := cloud.MaxInWindow(2 * time.Minute); got != 15 {
			t.Errorf("at most %d in two windows", got)
		}
	})
}

func TestTooManyInOneCall(t *testing.T) {
	cloud := ecssim.New(ecssim.Options{Limit: 5000})
	defer cloud.Close()
	var b strings.Builder
	for i := range 1001 {
		fmt.Fprintf(&b, `,{"id":"s%d"}`, i)
	}
	status, text := send(t, cloud, "POST", "/cloudservers/action", `{"os-stop":{"servers":[`+b.String()[1:]+`]}}`)
	if status != 400 || !strings.Contains(text, "Ecs.0118") {
		t.Errorf("%d %s", status, text)
	}
}

// send sends what our client would not, signed all the same.
func send(t *testing.T, cloud *ecssim.Cloud, method, path, body string) (int, string) {
	t.Helper()
	o := cloud.Options()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://ecs.example.com/v1/"+o.ProjectID+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	ecssim.Sign(req, o, []byte(body))
	resp, err := cloud.Transport().RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestOddBodiesAreRefused(t *testing.T) {
	cloud := ecssim.New(ecssim.Options{})
	defer cloud.Close()
	for body, want := range map[string]int{
		`{"os-stop":{"servers":[]}}`:                      200, // as recorded
		`{"os-stop":{"type":"SOFT","servers":[]}}` + "\n": 200,
		`{"os-stop":{}}`:                                  400,
		`{"os-stop":{"type":"soft","servers":[]}}`:        400,
		`{"os-stop":{"servers":[{}]}}`:                    400,
		`{"os-stop":{"servers":["a"]}}`:                   400,
		`{"reboot":{"servers":[]}}`:                       400,
		`{"reboot":{"type":"HARD","servers":[]}}`:         200,
		`{"os-stop":{"servers":[]},"reboot":{}}`:          400,
		`{"explode":{}}`:                                  400,
		``:                                                400,
	} {
		if status, text := send(t, cloud, "POST", "/cloudservers/action", body); status != want {
			t.Errorf("%q: %d %s, want %d", body, status, text, want)
		}
	}
	if status, text := send(t, cloud, "GET", "/flavors/x", ""); status != 404 || !strings.Contains(text, "APIGW.0101") {
		t.Errorf("%d %s", status, text)
	}
}

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

func TestSignaturesAreCheckedAndKeysLocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := ecssim.New(ecssim.Options{})
		defer cloud.Close()
		o := cloud.Options()
		try := func(change func(*http.Request, *ecssim.Options)) int {
			req, err := http.NewRequestWithContext(t.Context(), "GET", "http://h/v1/"+o.ProjectID+"/cloudservers/detail?name=a%20b&limit=1", nil)
			if err != nil {
				t.Fatal(err)
			}
			opts := o
			change(req, &opts)
			if opts.AccessKey != "" {
				ecssim.Sign(req, opts, nil)
			}
			if opts.Seed == 1 {
				req.URL.RawQuery = "limit=2" // tampered with on the way
			}
			resp, err := cloud.Transport().RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			if resp.Header.Get("X-Request-Id") == "" {
				t.Error("no request id")
			}
			return resp.StatusCode
		}
		good := func(*http.Request, *ecssim.Options) {}
		for name, bad := range map[string]func(*http.Request, *ecssim.Options){
			"no signature":  func(_ *http.Request, o *ecssim.Options) { o.AccessKey = "" },
			"wrong key":     func(_ *http.Request, o *ecssim.Options) { o.AccessKey = "AK2" },
			"wrong secret":  func(_ *http.Request, o *ecssim.Options) { o.SecretKey = "x" },
			"changed query": func(_ *http.Request, o *ecssim.Options) { o.Seed = 1 },
			"odd token":     func(_ *http.Request, o *ecssim.Options) { o.SecurityToken = "tok" },
		} {
			if got := try(bad); got != 401 {
				t.Errorf("%s: HTTP %d", name, got)
			}
			if got := try(good); got != 200 {
				t.Errorf("then good: HTTP %d", got)
			}
		}
		wrong := func(_ *http.Request, o *ecssim.Options) { o.SecretKey = "x" }
		for range 5 {
			try(wrong)
		}
		if got := try(good); got != 200 {
			t.Errorf("five failures: HTTP %d", got)
		}
		for range 6 {
			try(wrong)
		}
		if got := try(good); got != 401 {
			t.Errorf("six failures: HTTP %d", got)
		}
		time.Sleep(5 * time.Minute)
		if got := try(good); got != 200 {
			t.Errorf("five minutes later: HTTP %d", got)
		}
	})
}

func TestOurClientDoesNotLockItsKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := ecssim.New(ecssim.Options{})
		defer cloud.Close()
		client := clientFor(t, cloud, "http://h", func(c *ecsclient.Config) {
			c.Transport, c.Credentials.SecretKey = cloud.Transport(), "wrong"
		})
		for range 10 {
			_, err := client.ListServers(t.Context(), ecsclient.Filter{})
			if ecsclient.VerdictOf(err) != ecsclient.Authentication {
				t.Fatal(err)
			}
		}
		if n := len(cloud.Calls()); n != 3 {
			t.Errorf("%d calls", n)
		}
	})
}

// Both ways of failing, as the client sees them and as the servers do.
func TestFaultsOverBothRoads(t *testing.T) {
	for _, tt := range []struct {
		name    string
		fault   ecssim.Fault
		verdict string
		acted   bool
	}{
		{"refusal", ecssim.Refuse(400, "Ecs.0005", "bad"), "refused", false},
		{"502", ecssim.HTML502, "unclear", false},
		{"502, acted", ecssim.Fault{Kind: ecssim.KindStatus, Status: 502, Acts: true}, "unclear", true},
		{"throttle", ecssim.Throttle(7 * time.Second), "throttled", false},
		{"no job id", ecssim.NoJobID, "unclear", false},
		{"broken json", ecssim.BrokenJSON, "unclear", true},
		{"reset before", ecssim.ResetBefore, "unclear", false},
		{"reset after", ecssim.ResetAfter, "unclear", true},
		{"late", ecssim.AcceptLate(0), "unclear", true},
		{"delay", ecssim.Delay(time.Millisecond), "ok", true},
		{"hang", ecssim.Hang, "unclear", false},
	} {
		check := func(t *testing.T, cloud *ecssim.Cloud, client *ecsclient.Client) {
			cloud.FailNext("stop", 1, tt.fault)
			_, err := client.Stop(t.Context(), []string{"s0"}, ecsclient.Soft)
			verdict := "ok"
			if err != nil {
				verdict = ecsclient.VerdictOf(err).String()
			}
			if verdict != tt.verdict {
				t.Errorf("got %s: %v", verdict, err)
			}
			for deadline := time.Now().Add(2 * time.Second); tt.acted && cloud.StopCount("s0") == 0 && time.Now().Before(deadline); {
				time.Sleep(time.Millisecond)
			}
			if acted := cloud.StopCount("s0") == 1; acted != tt.acted {
				t.Errorf("acted: %v", acted)
			}
			calls := cloud.Calls()
			if len(calls) != 1 || calls[0].Op != "stop" || calls[0].StopType != "SOFT" || calls[0].Fault != string(tt.fault.Kind) || (calls[0].JobID != "") != tt.acted {
				t.Errorf("calls %+v", calls)
			}
		}
		t.Run(tt.name+" in a bubble", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud, client := world(t, 1, fixed(20*time.Second))
				check(t, cloud, client)
			})
		})
		t.Run(tt.name+" over TCP", func(t *testing.T) {
			cloud := ecssim.New(fixed(time.Hour))
			cloud.Add(ecssim.Server{ID: "s0"})
			server := httptest.NewServer(cloud.Handler())
			defer server.Close()
			defer cloud.Close()
			timeout := 5 * time.Second
			if tt.name == "hang" {
				timeout = 50 * time.Millisecond
			}
			check(t, cloud, clientFor(t, cloud, server.URL, func(c *ecsclient.Config) { c.Timeout = timeout }))
		})
	}
	t.Run("unreachable", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			cloud, client := world(t, 1, fixed(20*time.Second))
			cloud.FailNext("*", 1, ecssim.Unreachable)
			if _, err := client.Stop(t.Context(), []string{"s0"}, ecsclient.Soft); ecsclient.VerdictOf(err) != ecsclient.NotAccepted {
				t.Error(err)
			}
			if _, err := client.Stop(t.Context(), []string{"s0"}, ecsclient.Soft); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("late means late", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			cloud, client := world(t, 1, fixed(20*time.Second))
			cloud.FailNext("stop", 1, ecssim.AcceptLate(30*time.Second))
			if _, err := client.Stop(t.Context(), []string{"s0"}, ecsclient.Soft); ecsclient.VerdictOf(err) != ecsclient.Unclear {
				t.Error(err)
			}
			time.Sleep(29 * time.Second)
			if got := state(t, cloud, "s0"); got != "ACTIVE active " {
				t.Error(got)
			}
			time.Sleep(2 * time.Second)
			if got := state(t, cloud, "s0"); got != "ACTIVE active powering-off" {
				t.Error(got)
			}
		})
	})
}

func TestReadsRecoverFromFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud, client := world(t, 3, ecssim.Options{})
		cloud.FailNext("list", 1, ecssim.HTML502)
		cloud.FailNext("list", 1, ecssim.ResetBefore)
		if got, err := client.ListServers(t.Context(), ecsclient.Filter{}); err != nil || len(got) != 3 {
			t.Errorf("%v, %v", got, err)
		}
		cloud.FailNext("show", 9, ecssim.Throttle(0))
		if _, err := client.ShowServer(t.Context(), "s0"); ecsclient.VerdictOf(err) != ecsclient.Throttled {
			t.Error(err)
		}
		cloud.ClearFaults()
		if _, err := client.ShowServer(t.Context(), "s0"); err != nil {
			t.Error(err)
		}
		if _, err := client.ShowServer(t.Context(), "nobody"); ecsclient.VerdictOf(err) != ecsclient.Refused {
			t.Error(err)
		}
	})
}

func TestWatchTellsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud, client := world(t, 1, fixed(20*time.Second))
		var (
			mu    sync.Mutex
			heard []string
		)
		stop := cloud.Watch(func(e ecssim.Event) {
			_ = cloud.Servers() // may call back
			mu.Lock()
			defer mu.Unlock()
			switch {
			case e.Server != nil:
				heard = append(heard, e.Server.Status+" "+e.Server.TaskState)
			case e.Call != nil:
				heard = append(heard, fmt.Sprintf("%s %d", e.Call.Op, e.Call.Status))
			}
		})
		if _, err := client.Stop(t.Context(), []string{"s0"}, ecsclient.Soft); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		stop()
		if err := cloud.Delete("s0"); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		if got := strings.Join(heard, ","); got != "ACTIVE powering-off,stop 200,SHUTOFF " {
			t.Error(got)
		}
	})
}

func TestControlOverHTTP(t *testing.T) {
	cloud := ecssim.New(fixed(time.Hour))
	defer cloud.Close()
	mux := http.NewServeMux()
	mux.Handle("/sim/", cloud.Control())
	mux.Handle("/", cloud.Handler())
	server := httptest.NewServer(mux)
	defer server.Close()
	do := func(method, path, body string, want int) string {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, bytes.NewBufferString(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		text, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != want {
			t.Errorf("%s %s: HTTP %d %s, want %d", method, path, resp.StatusCode, text, want)
		}
		return string(text)
	}
	do("POST", "/sim/servers", `[{"id":"a","name":"web-1","tags":["env=dev"]},{"id":"b"}]`, 200)
	do("POST", "/sim/servers", `[{"name":"no id"}]`, 400)
	do("POST", "/sim/servers", `{`, 400)
	do("POST", "/sim/servers/a/stop", "", 200)
	do("POST", "/sim/servers/a/start", "", 200)
	do("POST", "/sim/servers/a/lock", "", 200)
	do("POST", "/sim/servers/a/unlock", "", 200)
	do("POST", "/sim/servers/a/fail", `{"code":"Ecs.0611","reason":"x"}`, 200)
	do("POST", "/sim/servers/a/stick", "", 200)
	do("POST", "/sim/servers/a/rename", `{"name":"web-9"}`, 200)
	do("POST", "/sim/servers/a/tags", `{"tags":["x=y"]}`, 200)
	do("POST", "/sim/servers/a/dance", "", 404)
	do("POST", "/sim/servers/zz/stop", "", 404)
	do("POST", "/sim/faults", `{"op":"stop","kind":"reset_before"}`, 200)
	do("POST", "/sim/faults", `{"kind":"throttle","seconds":0.5}`, 200)
	do("POST", "/sim/faults", `{"op":"stop","kind":"status","status":409,"code":"Ecs.0100","reason":"x"}`, 200)
	do("POST", "/sim/faults", `{"kind":"nonsense"}`, 400)
	do("POST", "/sim/faults", `{"kind":"status"}`, 400)
	client := clientFor(t, cloud, server.URL, nil)
	for i, want := range []ecsclient.Verdict{ecsclient.Unclear, ecsclient.Throttled, ecsclient.Refused} {
		if _, err := client.Stop(t.Context(), []string{"b"}, ecsclient.Soft); err == nil || ecsclient.VerdictOf(err) != want {
			t.Errorf("stop %d: %v, want %v", i, err, want)
		}
	}
	do("POST", "/sim/faults", `{"kind":"hang"}`, 200)
	do("DELETE", "/sim/faults", "", 200)
	if _, err := client.Stop(t.Context(), []string{"b"}, ecsclient.Soft); err != nil {
		t.Error(err)
	}
	if got := do("GET", "/sim/window?seconds=60", "", 200); !strings.Contains(got, `"max":1`) {
		t.Error(got)
	}
	do("GET", "/sim/window?seconds=x", "", 400)
	if got := do("GET", "/sim/calls", "", 200); !strings.Contains(got, `"ids":["b"]`) || strings.Count(got, `"op":"stop"`) != 4 {
		t.Error(got)
	}
	if got := do("GET", "/sim/servers", "", 200); !strings.Contains(got, `"name":"web-9"`) || !strings.Contains(got, `"powering-off"`) {
		t.Error(got)
	}
	do("POST", "/sim/jobs/vanish", `{"id":"x"}`, 200)
	do("POST", "/sim/jobs/vanish", "", 200)
	do("POST", "/sim/servers/a/delete", "", 200)
}

func TestCloseLetsGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud, client := world(t, 1, ecssim.Options{})
		cloud.FailNext("stop", 1, ecssim.Hang)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan error)
		go func() {
			_, err := client.Stop(ctx, []string{"s0"}, ecsclient.Soft)
			ended <- err
		}()
		synctest.Wait()
		cloud.Close()
		cloud.Close()
		if err := <-ended; ecsclient.VerdictOf(err) != ecsclient.Unclear {
			t.Error(err)
		}
	})
}
