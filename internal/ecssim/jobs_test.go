package ecssim_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"ecsbot/internal/ecsclient"
)

func TestStopGoesThroughTheDocumentedStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud, client := world(t, 2, fixed(20*time.Second))
		before, _ := showNow(t, client, "s0")
		job, err := stopNow(t.Context(), client, []string{"s0", "s1"}, ecsclient.Soft)
		if err != nil {
			t.Fatal(err)
		}
		during, err := showNow(t, client, "s0")
		if err != nil || during.Status != "ACTIVE" || during.TaskState != "powering-off" || during.Updated == before.Updated {
			t.Errorf("during: %+v, %v", during, err)
		}
		j, err := client.ShowJob(t.Context(), job)
		if err != nil || j.Done() || len(j.SubJobs) != 2 || j.SubJobs[0].Status != "RUNNING" {
			t.Errorf("during: %+v, %v", j, err)
		}
		time.Sleep(21 * time.Second)
		after, err := showNow(t, client, "s0")
		if err != nil || after.Status != "SHUTOFF" || after.TaskState != "" || after.Updated == during.Updated {
			t.Errorf("after: %+v, %v", after, err)
		}
		if j, err = client.ShowJob(t.Context(), job); err != nil || j.Done() || j.SubJobs[0].Status != ecsclient.JobSucceeded {
			t.Errorf("the parent should lag: %+v, %v", j, err)
		}
		time.Sleep(5 * time.Second)
		if j, err = client.ShowJob(t.Context(), job); err != nil || j.Status != ecsclient.JobSucceeded {
			t.Errorf("at the end: %+v, %v", j, err)
		}
		if _, err = startNow(t.Context(), client, []string{"s0"}); err != nil {
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
		if _, err := stopNow(t.Context(), client, []string{"s3"}, ecsclient.Soft); err != nil {
			t.Fatal(err)
		}
		job, err := stopNow(t.Context(), client, []string{"s0", "s1", "s2", "s3", "s4", "s5", "nobody"}, ecsclient.Soft)
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
		job, err = stopNow(t.Context(), client, []string{"s1"}, ecsclient.Soft)
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
		if _, err := stopNow(t.Context(), client, []string{"s0"}, ecsclient.Hard); err != nil {
			t.Fatal(err)
		}
		job, err := stopNow(t.Context(), client, []string{"s1"}, ecsclient.Soft)
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
			job, err := stopNow(t.Context(), client, []string{fmt.Sprintf("s%d", i)}, ecsclient.Soft)
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
