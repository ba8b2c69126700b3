package jobs

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"ecsbot/internal/ecsclient"
	"ecsbot/internal/ecssim"
	"ecsbot/internal/secret"
)

func TestAnOldListIsBetterThanNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := ecssim.New(ecssim.Options{})
		t.Cleanup(cloud.Close)
		cloud.Add(ecssim.Fleet(3, 1)...)
		o := cloud.Options()
		client, err := ecsclient.New(ecsclient.Config{
			Endpoint: "http://ecs.example.com", ProjectID: o.ProjectID, Transport: cloud.Transport(),
			Credentials: ecsclient.Credentials{AccessKey: o.AccessKey, SecretKey: secret.New(o.SecretKey)},
		})
		if err != nil {
			t.Fatal(err)
		}
		var f fleet
		look := func(patience time.Duration) (int, error) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			list, err := f.now(ctx, client)
			return len(list), err
		}
		cloud.FailNext("list", 1, ecssim.Delay(3*time.Second))
		if n, err := look(time.Second); n != 0 || err == nil {
			t.Errorf("%d servers, %v; nothing can be known yet", n, err)
		}
		if n, err := look(5 * time.Second); n != 3 || err != nil {
			t.Errorf("%d servers, %v", n, err)
		}
		time.Sleep(2 * fleetLife)
		cloud.Add(ecssim.Fleet(4, 2)...)
		cloud.FailNext("list", 1, ecssim.Delay(3*time.Second))
		if n, err := look(time.Second); n != 3 || err != nil {
			t.Errorf("%d servers, %v; want the old list", n, err)
		}
		if n, err := look(5 * time.Second); n != 7 || err != nil {
			t.Errorf("%d servers, %v; want the new list", n, err)
		}
	})
}
