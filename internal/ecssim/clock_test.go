package ecssim_test

import (
	"testing"
	"testing/synctest"
	"time"

	"ecsbot/internal/ecsclient"
)

func TestSpeedChangesActionsUnderWayAndThoseToCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud, client := world(t, 2, fixed(60*time.Second))
		stop := func(id string) {
			if _, err := stopNow(t.Context(), client, []string{id}, ecsclient.Soft); err != nil {
				t.Fatal(err)
			}
		}
		offAfter := func(id string, want time.Duration) {
			t.Helper()
			time.Sleep(want - time.Second)
			synctest.Wait()
			if s := state(t, cloud, id); s != "ACTIVE active powering-off" {
				t.Errorf("%s is %s a second too early", id, s)
			}
			time.Sleep(time.Second)
			synctest.Wait()
			if s := state(t, cloud, id); s != "SHUTOFF stopped " {
				t.Errorf("%s is %s, want it off after %v", id, s, want)
			}
		}
		stop("s0")
		time.Sleep(30 * time.Second)
		cloud.SetSpeed(10)
		offAfter("s0", 3*time.Second) // half of it was left
		stop("s1")
		time.Sleep(3 * time.Second)
		cloud.SetSpeed(1)
		offAfter("s1", 30*time.Second) // half of it was left again
	})
}
