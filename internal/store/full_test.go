package store

import (
	"slices"
	"strings"
	"testing"
)

// fill makes Redis refuse whatever needs memory.
func (w *world) fill() {
	w.t.Helper()
	if err := w.rdb.ConfigSet(w.t.Context(), "maxmemory", "1").Err(); err != nil {
		w.t.Fatal(err)
	}
	if err := w.rdb.Set(w.t.Context(), "x", "y", 0).Err(); !outOfMemory(err) {
		w.t.Fatalf("it is not full: %v", err)
	}
}

func TestANearlyFullRedisIsWarnedOf(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		s := w.opened()
		if _, err := s.redis.Check(t.Context()); err != nil || s.redis.Memory() != 0 {
			t.Errorf("without a limit: %v, %v", s.redis.Memory(), err)
		}
		w.fill()
		faults, err := s.redis.Check(t.Context())
		if err != nil || !slices.ContainsFunc(faults, func(f Fault) bool { return f.Warning && strings.Contains(f.What, "maxmemory") }) {
			t.Errorf("got %v, %v", faults, err)
		}
		if s.redis.Memory() < 1 {
			t.Errorf("the share in use is %v", s.redis.Memory())
		}
	})
}
