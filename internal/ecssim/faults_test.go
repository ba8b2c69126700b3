package ecssim_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ecsbot/internal/ecsclient"
	"ecsbot/internal/ecssim"
)

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
			_, err := stopNow(t.Context(), client, []string{"s0"}, ecsclient.Soft)
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
			if _, err := stopNow(t.Context(), client, []string{"s0"}, ecsclient.Soft); ecsclient.VerdictOf(err) != ecsclient.NotAccepted {
				t.Error(err)
			}
			if _, err := stopNow(t.Context(), client, []string{"s0"}, ecsclient.Soft); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("late means late", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			cloud, client := world(t, 1, fixed(20*time.Second))
			cloud.FailNext("stop", 1, ecssim.AcceptLate(30*time.Second))
			if _, err := stopNow(t.Context(), client, []string{"s0"}, ecsclient.Soft); ecsclient.VerdictOf(err) != ecsclient.Unclear {
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
		cloud.FailNext("list", 9, ecssim.Throttle(0))
		if _, err := showNow(t, client, "s0"); ecsclient.VerdictOf(err) != ecsclient.Throttled {
			t.Error(err)
		}
		cloud.ClearFaults()
		if _, err := showNow(t, client, "s0"); err != nil {
			t.Error(err)
		}
	})
}

// Our client lists; others show one server at a time.
func TestOneServerIsShown(t *testing.T) {
	cloud := ecssim.New(ecssim.Options{})
	defer cloud.Close()
	cloud.Add(ecssim.Server{ID: "s0", Name: "web-0"})
	if status, text := send(t, cloud, "GET", "/cloudservers/s0", ""); status != 200 || !strings.HasPrefix(text, `{"server":{`) || !strings.Contains(text, `"name":"web-0"`) {
		t.Errorf("HTTP %d %s", status, text)
	}
	if status, text := send(t, cloud, "GET", "/cloudservers/nobody", ""); status != 404 || !strings.Contains(text, "Ecs.0114") {
		t.Errorf("HTTP %d %s", status, text)
	}
}
