package jobs

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ecsbot/internal/ecssim"
)

// Asks that need all servers at the same time share one reading, and none of
// them sees servers as they were before it was made.
func TestOneReadingOfTheFleetServesAllWhoNeedIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(20)
	var readings atomic.Int32
	w.called = func(r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/cloudservers/detail") {
			readings.Add(1)
		}
	}
	w.cloud.FailNext("list", 1000, ecssim.Delay(300*time.Millisecond))
	e := w.opened()
	const asks = 12
	var wg sync.WaitGroup
	for n := range asks {
		wg.Go(func() {
			ask := askOf(fmt.Sprint("op", n), "web-1", "web-2", "web-3", "web-4", "web-5", "web-6")
			ask.DryRun = true
			if _, err := e.Ask(t.Context(), ask); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	// One that was begun before some of them asked, and one after.
	if n := readings.Load(); n > 2 {
		t.Errorf("%d readings for %d asks", n, asks)
	}
	w.cloud.ClearFaults()
	if err := w.cloud.StopByHand(ids[0]); err != nil {
		t.Fatal(err)
	}
	ask := askOf("later", "web-1", "web-2", "web-3", "web-4", "web-5", "web-6")
	ask.DryRun = true
	r, err := e.Ask(t.Context(), ask)
	if err != nil || r.Total != 5 {
		t.Errorf("after one was stopped by hand %d servers are to be stopped, %v", r.Total, err)
	}
}
