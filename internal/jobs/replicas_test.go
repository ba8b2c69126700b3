package jobs

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/redistest"
	"ecsbot/internal/store"
)

// pair is a primary with a replica, and a world around the primary.
func pair(t *testing.T, args ...string) (w *world, replica *redistest.Server) {
	t.Helper()
	port := redistest.FreePort(t)
	w = newWorldOn(t, redistest.Start(t, append([]string{"--port", port, "--repl-diskless-sync-delay", "0"}, args...)...))
	replica = redistest.Start(t, "--port", redistest.FreePort(t), "--replicaof", "127.0.0.1 "+port)
	w.inStep(1)
	return w, replica
}

// inStep waits until n replicas have all that was written.
func (w *world) inStep(n int64) {
	w.t.Helper()
	w.within(20*time.Second, "replicas in step", func() bool {
		w.rdb.Incr(w.t.Context(), "x")
		got, _ := w.rdb.Wait(w.t.Context(), int(n), time.Second).Result()
		return got >= n
	})
}

// cutOff makes the replica a primary of its own, as Sentinels do with it when
// the network has parted the two.
func cutOff(w *world, replica *redistest.Server) {
	w.t.Helper()
	c := replica.Client()
	defer c.Close()
	if err := c.Do(w.t.Context(), "REPLICAOF", "NO", "ONE").Err(); err != nil {
		w.t.Fatal(err)
	}
	w.rdb.Do(w.t.Context(), "CLIENT", "KILL", "TYPE", "replica")
	w.within(5*time.Second, "the replica is gone", func() bool {
		return strings.Contains(do(w, w.rdb.Info(w.t.Context(), "replication")), "connected_slaves:0")
	})
}

// A primary that is cut off from all its replicas is just the one that must
// send nothing: another one has been promoted, whose bots send, too.
func TestAPrimaryWithoutItsReplicaSendsNothing(t *testing.T) {
	t.Parallel()
	w, replica := pair(t)
	tune := func(c *Config) { c.Projects[0].BatchSize, c.Projects[0].Rate = 10, 10 }
	a := w.opened(tune)
	if _, err := a.cfg.Redis.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.beat(a) // the store knows now that it has a replica
	ids := w.fleet(40)
	for n := range 4 {
		w.approved(a, fmt.Sprint("op", n), ids[10*n:10*n+10]...)
	}
	w.inStep(1)
	cutOff(w, replica)

	// The bot checks Redis each half minute, and may be restarted meanwhile.
	if _, err := a.cfg.Redis.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	restarted := w.opened(tune)
	if _, err := restarted.cfg.Redis.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(do(w, w.rdb.Info(t.Context(), "replication")), "connected_slaves:0") {
		t.Fatal("it has a replica: not the case that is tested")
	}
	f := newMessenger()
	w.run(a, f)
	w.run(restarted, f)
	w.within(10*time.Second, "a thread says so", func() bool { return w.troubled(a, approvals.CauseUnconfirmed) })
	if n := len(w.stops()); n != 0 {
		t.Errorf("%d stop calls were made on a permit that no replica has", n)
	}
	// An operator who removed the replica for good says so.
	w.run(w.opened(tune, func(c *Config) { c.Confirm = store.ConfirmNone }), f)
	w.within(30*time.Second, "a call", func() bool { return len(w.stops()) > 0 })
}

func TestAsManyReplicasConfirmAsAreDemanded(t *testing.T) {
	t.Parallel()
	w, _ := pair(t)
	ids := w.fleet(2)
	strict := w.opened(func(c *Config) { c.Confirm = 2 })
	w.approved(strict, "op", ids[0])
	f := newMessenger()
	stop := w.run(strict, f)
	w.within(10*time.Second, "a thread says so", func() bool { return w.troubled(strict, approvals.CauseUnconfirmed) })
	stop()
	if n := len(w.stops()); n != 0 {
		t.Errorf("%d calls, but only one of two replicas confirmed", n)
	}
	w.run(w.opened(func(c *Config) { c.Confirm = 1 }), f)
	w.within(10*time.Second, "a call", func() bool { return len(w.stops()) == 1 })
}

func TestReplicasThatRedisDoesNotAskForAreWarnedOf(t *testing.T) {
	t.Parallel()
	warned := func(w *world) bool {
		faults, err := w.engine().cfg.Redis.Check(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(faults, func(f store.Fault) bool { return f.Warning && strings.Contains(f.Fix, "min-replicas-to-write") })
	}
	w, _ := pair(t)
	if !warned(w) {
		t.Error("not warned")
	}
	w.rdb.ConfigSet(t.Context(), "min-replicas-to-write", "1")
	if warned(w) {
		t.Error("warned of what is set")
	}
}

// troubled reports whether a batch that is under way waits because of why.
func (w *world) troubled(e *Engine, why approvals.Cause) bool {
	open, _, err := e.OpenRequests(w.t.Context(), "")
	if err != nil {
		w.t.Fatal(err)
	}
	return slices.ContainsFunc(open, func(r approvals.Request) bool {
		batches, err := e.Batches(w.t.Context(), r)
		return err == nil && slices.ContainsFunc(batches, func(b approvals.Batch) bool { return b.Trouble == why })
	})
}
