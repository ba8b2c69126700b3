package slackapp

import (
	"testing"

	"ecsbot/internal/approvals"
)

func TestTheListIsNoFormula(t *testing.T) {
	got := listCSV(approvals.ServerList{
		Servers: []approvals.Server{{ID: "a", Name: "größe-1", Status: "ACTIVE", Address: "10.0.0.1", Flavor: "s6.large.2", Tags: []string{"env=dev", "bare"}}},
		LeftOut: []approvals.LeftOut{{Server: approvals.Server{ID: "b", Name: `=HYPERLINK("x")`, Status: "SHUTOFF"}, Skip: approvals.SkipOff}},
	})
	want := "name,id,state,address,flavor,tags,skipped\n" +
		"größe-1,a,ACTIVE,10.0.0.1,s6.large.2,env=dev bare,\n" +
		`"'=HYPERLINK(""x"")",b,SHUTOFF,,,,already stopped` + "\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTheResultsAreNoFormula(t *testing.T) {
	got := resultsCSV([]approvals.Batch{
		{Results: []approvals.Result{
			{Server: approvals.Server{ID: "a", Name: "größe-1"}, Outcome: approvals.Stopped, Seconds: 7},
			{Server: approvals.Server{ID: "b", Name: "@b"}, Outcome: approvals.ActionFailed, Code: "Ecs.0810", Detail: `=HYPERLINK("x"), no`},
		}},
		{Results: []approvals.Result{
			{Server: approvals.Server{ID: "c", Name: "c"}, Outcome: approvals.Skipped, Skip: approvals.SkipLocked},
			{Server: approvals.Server{ID: "d", Name: "d"}, Outcome: approvals.NotSent},
		}},
	})
	want := "name,id,outcome,code,reason,seconds\n" +
		"größe-1,a,stopped,,,7\n" +
		`'@b,b,failed,Ecs.0810,"'=HYPERLINK(""x""), no",` + "\n" +
		"c,c,skipped,,locked in the cloud,\n" +
		"d,d,not sent,,,\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
