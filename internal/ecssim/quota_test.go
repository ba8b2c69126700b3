package ecssim_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ecsbot/internal/ecsclient"
	"ecsbot/internal/ecssim"
)

func TestQuotaHoldsInAnyWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := fixed(time.Second)
		opts.Limit = 10
		cloud, client := world(t, 12, opts)
		ids := []string{"s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10"}
		_, err := stopNow(t.Context(), client, ids, ecsclient.Soft)
		if ecsclient.VerdictOf(err) != ecsclient.Throttled || cloud.MaxInWindow(time.Minute) != 0 {
			t.Fatalf("eleven at once: %v", err)
		}
		for i, n := range []int{6, 4} {
			if _, err := stopNow(t.Context(), client, ids[:n], ecsclient.Soft); err != nil {
				t.Fatal(i, err)
			}
			time.Sleep(10 * time.Second)
		}
		_, err = stopNow(t.Context(), client, ids[:5], ecsclient.Soft)
		e, ok := errors.AsType[*ecsclient.Error](err)
		if !ok || e.Verdict != ecsclient.Throttled || e.Code != "APIGW.0308" || e.RetryAfter != 40*time.Second {
			t.Fatalf("got %v", err)
		}
		time.Sleep(e.RetryAfter - time.Nanosecond)
		if _, err := stopNow(t.Context(), client, ids[:5], ecsclient.Soft); ecsclient.VerdictOf(err) != ecsclient.Throttled {
			t.Error("let through too early")
		}
		time.Sleep(time.Nanosecond)
		if _, err := stopNow(t.Context(), client, ids[:5], ecsclient.Soft); err != nil {
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
