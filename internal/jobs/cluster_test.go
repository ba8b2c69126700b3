package jobs

import (
	"strings"
	"testing"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/redistest"
)

// In a cluster the connections of whatever node say nothing; the node that holds
// the project's keys is asked.
func TestARequestOnAClusterWhoseNodeRestarts(t *testing.T) {
	t.Parallel()
	port := redistest.FreePort(t)
	w := newWorldOn(t, redistest.Start(t, "--port", port, "--cluster-enabled", "yes", "--cluster-port", redistest.FreePort(t)))
	if err := w.rdb.Do(t.Context(), "CLUSTER", "ADDSLOTSRANGE", 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
	up := func() bool { return strings.Contains(do(w, w.rdb.ClusterInfo(t.Context())), "cluster_state:ok") }
	w.within(10*time.Second, "the cluster", up)
	url := "redis://127.0.0.1:" + port + "?addr=127.0.0.1:" + port
	e := w.engineAt(url)
	if faults, err := e.cfg.Redis.Check(t.Context()); err != nil || len(faults) != 0 {
		t.Fatal(faults, err)
	}
	if err := e.Bind(t.Context(), "T1", "UBOT"); err != nil {
		t.Fatal(err)
	}
	ids := w.fleet(2)
	stop := w.run(e, newMessenger())
	r := w.approved(e, "op1", ids[0])
	if end := w.ended(10*time.Second, e, r.ID); end.State != approvals.Succeeded {
		t.Errorf("it is %s", end.State)
	}
	stop()
	before := e.cfg.Redis.RunID()
	w.redis.Kill()
	w.redis.Restart()
	w.within(10*time.Second, "the cluster is back", up)
	w.beatAgain(e)
	if e.cfg.Redis.RunID() == before || e.cfg.Redis.RunID() == "" || !w.blocked(e) {
		t.Errorf("run id %q, was %q", e.cfg.Redis.RunID(), before)
	}
	// Confirmation by replicas holds there, too.
	e = w.engineAt(url, func(c *Config) { c.Confirm = 1 })
	r = w.approved(e, "op2", ids[1])
	w.shift(w.keys, e.cfg.window().Milliseconds())
	w.run(e, newMessenger())
	w.within(10*time.Second, "it waits", func() bool { return w.troubled(e, approvals.CauseUnconfirmed) })
	if n := len(w.stops()); n != 1 {
		t.Errorf("%d calls", n)
	}
}
