package store

import (
	"fmt"
	"testing"
)

func BenchmarkCommit(b *testing.B) {
	w := newWorld(b)
	s := w.opened()
	var ver uint64
	for b.Loop() {
		w.commit(s, NewChange().Write(w.key("r:S-1"), ver, body{"x"}).
			Log(entry{"x"}).Push(w.key("o:S-1"), note{"x"}).Wake("t:S-1", 0))
		ver++
	}
}

// BenchmarkClaim claims twenty items and gives them back.
func BenchmarkClaim(b *testing.B) {
	w := newWorld(b)
	s := w.opened()
	due := map[string]int64{}
	for n := range 5000 { // as many as may be pending on a busy day
		due[fmt.Sprintf("b:S-%d:0", n)] = int64(n)
	}
	w.dueAt(due)
	for b.Loop() {
		for _, c := range w.claims(s, 20) {
			s.Release(b.Context(), c, 0, false)
		}
	}
	b.ReportMetric(float64(20*b.N)/b.Elapsed().Seconds(), "items/s")
}

func BenchmarkPermit(b *testing.B) {
	w := newWorld(b)
	s := w.opened()
	n := 0
	for b.Loop() {
		p := full(s, fmt.Sprint("S-", n), 0, 100, 100)
		if code, _ := w.acquire(s, p); code != "done" {
			b.Fatal(code)
		}
		w.startWindow(s, p, 1)
		n++
	}
}
