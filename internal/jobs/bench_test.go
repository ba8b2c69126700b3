package jobs

import (
	"fmt"
	"testing"

	"ecsbot/internal/approvals"
	"ecsbot/internal/audit"
)

func BenchmarkCommit(b *testing.B) {
	w := newWorld(b)
	e := w.opened()
	var ver uint64
	for b.Loop() {
		w.commit(e, newChange().write(w.keys.request("S-1"), ver, body{"x"}).
			log(audit.Entry{Event: "x", Request: "S-1"}).tell(w.keys, "S-1", approvals.Note{ID: "x"}))
		ver++
	}
}

// BenchmarkClaim claims twenty items and gives them back.
func BenchmarkClaim(b *testing.B) {
	w := newWorld(b)
	e := w.opened()
	due := map[string]int64{}
	for n := range 5000 { // as many as may be pending on a busy day
		due[fmt.Sprintf("b:S-%d:0", n)] = int64(n)
	}
	w.dueAt(due)
	for b.Loop() {
		for _, c := range w.claims(e, 20) {
			e.release(b.Context(), c, 0, false)
		}
	}
	b.ReportMetric(float64(20*b.N)/b.Elapsed().Seconds(), "items/s")
}

func BenchmarkPermit(b *testing.B) {
	w := newWorld(b)
	e := w.opened()
	n := 0
	for b.Loop() {
		p := full(e, fmt.Sprint("S-", n), 0, 100, 100)
		if code, _ := w.acquire(e, p); code != "done" {
			b.Fatal(code)
		}
		w.settle(e, p, 1)
		n++
	}
}
