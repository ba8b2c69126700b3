package store

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// What a dead replica had under way is taken up, and its person need not wait
// for a lease to end.
func TestASlowActOfADeadReplicaIsTakenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s, other := w.opened(), w.opened()
	w.record(s, "1", "UANNA", "slow")
	w.record(s, "2", "UANNA", "slow")
	if got := itemsOf(w.claims(s, 10)); !slices.Equal(got, []string{"i:1"}) {
		t.Fatalf("handed out %v", got)
	}
	if got := w.claims(other, 10); len(got) != 0 {
		t.Fatalf("of one person also %v", got)
	}
	w.dueNow("i:1") // as the beat of another replica does with the claims of a dead one
	got := w.claims(other, 10)
	if len(got) != 1 || !slices.Contains([]string{"i:1", "i:2"}, got[0].Item) {
		t.Fatalf("after the death of the first one %v is handed out", got)
	}
	other.NextSlow(t.Context(), got[0])
	w.turnOf("UANNA")
	if second := itemsOf(w.claims(other, 10)); len(second) != 1 || second[0] == got[0].Item {
		t.Errorf("then %v", second)
	}
}

// oldClaim is what a replica of the version before the lanes runs.
var oldClaim = redis.NewScript(`
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local out = {}
for _, item in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[3])) do
  local fence = tostring(redis.call('HINCRBY', KEYS[5], 'fence', 1))
  redis.call('HSET', KEYS[2], item, fence)
  redis.call('HSET', KEYS[3], item, ARGV[1])
  redis.call('ZADD', KEYS[1], now + ARGV[2], item)
  out[#out + 1] = item
  redis.call('HINCRBY', KEYS[4], item, 1)
end
return out`)

// Replicas of two versions work on one store: each item is handed out, by
// whichever, and none by both.
func TestAReplicaWithoutLanesFindsEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.opened()
	k := w.keys
	old := func() []string {
		t.Helper()
		got, err := oldClaim.Run(t.Context(), w.rdb, []string{k.due(), k.claims(), k.owners(), k.tries(), k.meta()}, "old", 30_000, 100).StringSlice()
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	for n := range 3 {
		w.record(s, fmt.Sprint("slow ", n), "UANNA", "slow")
	}
	w.record(s, "brake", "UBEN", "brake")
	if got := old(); len(got) != 4 {
		t.Errorf("at once the old one finds %v", got)
	}
	for _, item := range []string{"i:slow 0", "i:slow 1", "i:slow 2", "i:brake"} { // it gives all back
		w.rdb.HDel(t.Context(), k.claims(), item)
		w.dueNow(item)
	}
	first := itemsOf(w.claims(s, 100))
	if len(first) != 2 || first[0] != "i:brake" {
		t.Errorf("the new one is handed out %v", first)
	}
	if got := old(); len(got) != 0 {
		t.Errorf("what is parked or handed out is found by the old one: %v", got)
	}
	var parked []string
	for _, item := range []string{"i:slow 0", "i:slow 1", "i:slow 2"} {
		if !slices.Contains(first, item) {
			parked = append(parked, item)
			w.dueNow(item) // the time of parking is over
		}
	}
	if got := old(); !slices.Equal(got, parked) {
		t.Errorf("then the old one finds %v, want %v", got, parked)
	}
	s.NextSlow(t.Context(), Lease{Item: first[1], lane: slowLane + "UANNA"})
	w.turnOf("UANNA")
	if got := itemsOf(w.claims(s, 100)); len(got) != 0 {
		t.Errorf("what the old one holds is handed out again: %v", got)
	}
}

// record records an envelope of a person.
func (w *world) record(s *Store, id, by, lane string) {
	w.t.Helper()
	body := map[string]string{"by": by, "lane": lane}
	if _, err := s.Record(w.t.Context(), Envelope{ID: id, Body: body, Brake: lane == "brake"}); err != nil {
		w.t.Fatal(err)
	}
}

// turnOf waits until the next slow item of a person may be handed out.
func (w *world) turnOf(person string) {
	w.t.Helper()
	w.within(5*time.Second, "turn of "+person, func() bool {
		at := do(w, w.rdb.ZScore(w.t.Context(), w.keys.slow(), person))
		return at <= float64(do(w, w.rdb.Time(w.t.Context())).UnixMilli())
	})
}

func (w *world) dueNow(item string) {
	w.t.Helper()
	if err := w.rdb.ZAdd(w.t.Context(), w.keys.due(), redis.Z{Score: 1, Member: item}).Err(); err != nil {
		w.t.Fatal(err)
	}
}
