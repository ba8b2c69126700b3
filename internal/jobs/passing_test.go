package jobs

import (
	"context"
	"net/http"
	"testing"
	"time"

	"ecsbot/internal/approvals"
)

// A failover makes the store read-only just when the cloud has answered. The job
// id stands nowhere else yet.
func TestAJobIDInHandSurvivesAReadOnlyStore(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		ids := w.fleet(1)
		e := w.opened()
		r := w.approved(e, "op", ids...)
		w.called = func(req *http.Request) {
			if req.Method != http.MethodPost {
				return
			}
			w.rdb.Do(t.Context(), "REPLICAOF", "127.0.0.1", "1")
			time.AfterFunc(400*time.Millisecond, func() { w.rdb.Do(context.WithoutCancel(t.Context()), "REPLICAOF", "NO", "ONE") })
		}
		w.run(e, newMessenger())
		end := w.ended(20*time.Second, e, r.ID)
		batches, err := e.Batches(t.Context(), end)
		if err != nil || len(batches) != 1 || batches[0].JobID == "" || end.State != approvals.Succeeded {
			t.Errorf("%s, %+v, %v", end.State, batches, err)
		}
	})
}
