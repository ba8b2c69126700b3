package jobs

import (
	"fmt"
	"testing"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/ecssim"
)

// large adds n servers as a real fleet has them: with long names and tags.
func (w *world) large(n int) {
	servers := make([]ecssim.Server, n)
	for i := range servers {
		servers[i] = ecssim.Server{
			ID: fmt.Sprintf("%08x-0000-4000-8000-%012x", i+1, i+1), Name: fmt.Sprintf("prod-cn-north-4-web-frontend-%04d", i+1),
			Status: "ACTIVE", VMState: "active",
			Tags: []string{"env=dev", "team=platform-engineering", "cost-center=4711-0815", "owner=somebody@example.com"},
		}
	}
	w.cloud.Add(servers...)
}

// askLarge asks for all of them.
func (w *world) askLarge(e *Engine, op string) approvals.Request {
	w.t.Helper()
	r, err := e.Ask(w.t.Context(), approvals.Ask{OpID: op, By: anna, AskedIn: "COPS", Channel: "COPS", Servers: []string{"prod-*"}, Mode: approvals.Soft})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// leaves counts the bytes of a request's records that are still there after
// the given time, without the audit log.
func (w *world) leaves(r approvals.Request, after time.Duration) int64 {
	w.t.Helper()
	var sum int64
	for _, key := range do(w, w.rdb.Keys(w.t.Context(), string(w.keys)+"*"+r.ID+"*")) {
		if ttl := do(w, w.rdb.TTL(w.t.Context(), key)); ttl < 0 || ttl > after {
			sum += do(w, w.rdb.MemoryUsage(w.t.Context(), key, 0))
		}
	}
	return sum
}

const day = 24 * time.Hour

// What is withdrawn, denied or expires leaves no list of its servers for long.
func TestWhatWasNeverCarriedOutLeavesLittle(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(w *world, e *Engine, r approvals.Request) error{
		"cancelled": func(w *world, e *Engine, r approvals.Request) error {
			_, err := e.Cancel(w.t.Context(), r.ID, anna, "c")
			return err
		},
		"denied": func(w *world, e *Engine, r approvals.Request) error {
			_, err := e.Deny(w.t.Context(), r.ID, ben, "no", "d")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.large(300)
			e := w.opened()
			r := w.askLarge(e, "op")
			if err := end(w, e, r); err != nil {
				t.Fatal(err)
			}
			if most := int64(30 << 10); w.leaves(r, day) > most {
				t.Errorf("after a day %d bytes are left of a request of 300 servers that was %s; at most %d", w.leaves(r, day), name, most)
			}
			if left := w.leaves(r, 31*day); left != 0 {
				t.Errorf("%d bytes are left after 31 days", left)
			}
		})
	}
}

func TestTheAuditLogDoesNotGrowWithoutEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.fleet(1)[0]
	e := w.opened(func(c *Config) { c.AuditKeep = 100 })
	for n := range 150 {
		r := w.ask(e, fmt.Sprint("op", n), id)
		if _, err := e.Cancel(t.Context(), r.ID, anna, fmt.Sprint("c", n)); err != nil {
			t.Fatal(err)
		}
	}
	// Redis trims by whole nodes of 100 entries.
	if n := do(w, w.rdb.XLen(t.Context(), w.key("audit"))); n > 250 {
		t.Errorf("%d entries; 100 should be kept", n)
	}
}

// BenchmarkGrowth tells what requests of 1,000 servers leave in Redis. Its
// figures stand in docs/figures.md.
func BenchmarkGrowth(b *testing.B) {
	for b.Loop() {
		w := newWorld(b)
		w.large(1000)
		e := w.opened(func(c *Config) { c.Projects[0].Rate = 1000 })
		r := w.askLarge(e, "op")
		b.ReportMetric(float64(w.leaves(r, 0)), "B/pending")
		if _, err := e.Cancel(b.Context(), r.ID, anna, "c"); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(w.leaves(r, 0)), "B/cancelled")
		b.ReportMetric(float64(w.leaves(r, day)), "B/cancelled-1d")
		b.ReportMetric(float64(w.leaves(r, 30*day)), "B/cancelled-30d")

		before := do(w, w.rdb.MemoryUsage(b.Context(), w.key("audit"), 0))
		r = w.askLarge(e, "op2")
		if _, err := e.Approve(b.Context(), r.ID, ben, "a"); err != nil {
			b.Fatal(err)
		}
		stop := w.run(e, newMessenger())
		end := w.ended(60*time.Second, e, r.ID)
		w.within(10*time.Second, "every note is posted", func() bool { return do(w, w.rdb.Exists(b.Context(), w.keys.outbox(r.ID))) == 0 })
		stop()
		if end.Tally.Stopped != 1000 {
			b.Fatalf("%+v", end.Tally)
		}
		b.ReportMetric(float64(w.leaves(r, day)), "B/stopped-1d")
		b.ReportMetric(float64(w.leaves(r, 30*day)), "B/stopped-30d")
		b.ReportMetric(float64(do(w, w.rdb.MemoryUsage(b.Context(), w.key("audit"), 0))-before), "B/audit")
	}
}
