package store

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

var slowLimit = Limit{Name: "CSLOW", Gap: time.Hour, Burst: 1}

// turn asks for the turn of an item under a claim of its own.
func (w *world) turn(s *Store, limit Limit, item string, score int64) Turn {
	w.t.Helper()
	w.asked++
	ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Second)
	defer cancel()
	turn, err := s.Turn(ctx, Lease{Item: item, Fence: fmt.Sprint(w.asked)}, limit, score, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return turn
}

// dueIn is when an item is due; negative if it is not.
func (w *world) dueIn(item string) time.Duration {
	w.t.Helper()
	at, err := w.rdb.ZScore(w.t.Context(), w.keys.due(), item).Result()
	if err == redis.Nil {
		return -1
	}
	return time.Until(time.UnixMilli(int64(at)))
}

// rest makes as much time pass for a limit as n turns need.
func (w *world) rest(limit Limit, n int) {
	w.t.Helper()
	full, _ := w.rdb.HGet(w.t.Context(), w.keys.pace(), limit.Name).Int64()
	w.rdb.HSet(w.t.Context(), w.keys.pace(), limit.Name, full-int64(n)*limit.Gap.Microseconds())
}

// late makes the first item of a limit's queue have its turn so long ago.
func (w *world) late(limit Limit, ago time.Duration) {
	w.t.Helper()
	w.rdb.ZAdd(w.t.Context(), w.keys.heads(), redis.Z{Score: float64(time.Now().Add(-ago).UnixMicro()), Member: limit.Name})
}

// All workers share one pace; who waits comes in the order of the scores, no matter who asks
// when, and is made due at its turn.
func TestTurnsAreSharedAndInOrder(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		a, b := w.opened(), w.opened()
		if turn := w.turn(a, slowLimit, "t:1", 10); turn.Wait != 0 || turn.Others != 0 {
			t.Fatalf("the first one has to wait: %+v", turn)
		}
		if turn := w.turn(b, slowLimit, "t:2", 30); turn.Wait < 59*time.Minute || turn.Wait > time.Hour || turn.Others != 0 {
			t.Errorf("the second one, on another worker: %+v", turn)
		}
		if turn := w.turn(a, slowLimit, "t:3", 20); turn.Wait < 59*time.Minute || turn.Wait > time.Hour || turn.Others != 1 {
			t.Errorf("a more urgent one is not before it: %+v", turn)
		}
		if turn := w.turn(b, slowLimit, "t:2", 40); turn.Wait < 119*time.Minute || turn.Wait > 2*time.Hour+overslept {
			t.Errorf("who is second waits for two turns: %+v", turn)
		}
		w.rest(slowLimit, 1)
		if turn := w.turn(b, slowLimit, "t:2", 30); turn.Wait == 0 {
			t.Error("it is the turn of another one")
		}
		if in := w.dueIn("t:3"); in != -1 {
			t.Errorf("who is first of the queue comes by itself; it is due in %v", in)
		}
		if turn := w.turn(a, slowLimit, "t:3", 20); turn.Wait != 0 || turn.Others != 1 {
			t.Errorf("the first one has its turn now: %+v", turn)
		}
		if in := w.dueIn("t:2"); in < 59*time.Minute || in > time.Hour {
			t.Errorf("the next one is due in %v", in)
		}
		if turn := w.turn(a, Limit{Name: "COTHER", Gap: time.Hour, Burst: 1}, "t:2", 30); turn.Wait != 0 {
			t.Errorf("another channel has to wait: %+v", turn)
		}
	})
}

func TestALaterScoreDoesNotLoseThePlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.opened()
	w.turn(s, slowLimit, "t:0", 1)
	w.turn(s, slowLimit, "t:1", 10)
	w.turn(s, slowLimit, "t:2", 20)
	w.turn(s, slowLimit, "t:1", 30)
	if first := do(w, w.rdb.ZRange(t.Context(), w.keys.turns(slowLimit.Name), 0, 0)); !slices.Equal(first, []string{"t:1"}) {
		t.Errorf("first is %v", first)
	}
}

// An answer is lost and the script runs again.
func TestARepeatTakesNoSecondTurn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.opened()
	lease := Lease{Item: "t:1", Fence: "7"}
	for range 2 {
		if turn, err := s.Turn(t.Context(), lease, slowLimit, 10, 0); err != nil || turn.Wait != 0 {
			t.Fatal(turn, err)
		}
	}
	if turn := w.turn(s, slowLimit, "t:2", 20); turn.Wait > time.Hour {
		t.Errorf("the next one has to wait %v: two turns were taken", turn.Wait)
	}
}

// An item that does not come for its turn must not keep the others: it was taken up by
// a replica of an older version, say.
func TestWhoDoesNotComeIsPassedOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.opened()
	w.turn(s, slowLimit, "t:0", 1)
	for i := range 4 {
		w.turn(s, slowLimit, fmt.Sprint("t:", 1+i), int64(10+i))
	}
	w.rest(slowLimit, 1)
	if turn := w.turn(s, slowLimit, "t:2", 11); turn.Wait == 0 {
		t.Fatal("it is not waited for the first one")
	}
	w.late(slowLimit, 4*time.Second)
	if turn := w.turn(s, slowLimit, "t:2", 11); turn.Wait != 0 {
		t.Errorf("the second one has to wait %v for the first", turn.Wait)
	}
	if in := w.dueIn("t:1"); in < 0-time.Second || in > time.Second || in == -1 {
		t.Errorf("who was passed over is due in %v", in)
	}
	// Where nobody asks, those who look after the queues do it.
	w.late(slowLimit, 4*time.Second)
	if err := s.FreeTurns(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := do(w, w.rdb.ZRange(t.Context(), w.keys.turns(slowLimit.Name), 0, -1)); !slices.Equal(left, []string{"t:4"}) {
		t.Errorf("%v wait", left)
	}
	if in := w.dueIn("t:4"); in == -1 {
		t.Error("the next one is not due")
	}
}

func TestWhoLeavesLetsTheNextOneCome(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.opened()
	w.turn(s, slowLimit, "t:0", 1)
	w.turn(s, slowLimit, "t:1", 10)
	w.turn(s, slowLimit, "t:2", 20)
	waits, err := s.InTurns(t.Context(), "t:1", slowLimit.Name, "COTHER")
	if err != nil || !slices.Equal(waits, []bool{true, false}) {
		t.Fatal(waits, err)
	}
	if err := s.LeaveTurns(t.Context(), Lease{Item: "t:1"}, slowLimit); err != nil {
		t.Fatal(err)
	}
	if in := w.dueIn("t:2"); in < 59*time.Minute || in > time.Hour {
		t.Errorf("the next one is due in %v", in)
	}
	if err := s.LeaveTurns(t.Context(), Lease{Item: "t:2"}, slowLimit); err != nil {
		t.Fatal(err)
	}
	if n := do(w, w.rdb.ZCard(t.Context(), w.keys.heads())); n != 0 {
		t.Error("an empty queue is still looked after")
	}
}

func TestSpareTurnsLeaveAReserve(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.opened()
	limit := Limit{Name: "draw", Gap: time.Hour, Burst: 4, Reserve: 2}
	for i, want := range []bool{true, true, false} {
		if turn := w.turn(s, limit, fmt.Sprint("t:spare", i), Spare+int64(i)); (turn.Wait == 0) != want {
			t.Errorf("spare one %d: %+v", i, turn)
		}
	}
	for i, want := range []bool{true, true, false} {
		if turn := w.turn(s, limit, fmt.Sprint("t:urgent", i), int64(100+i)); (turn.Wait == 0) != want {
			t.Errorf("urgent one %d: %+v", i, turn)
		}
	}
	w.rest(limit, 1)
	if turn := w.turn(s, limit, "t:urgent2", 102); turn.Wait != 0 {
		t.Errorf("the urgent one that waits is not the next: %+v", turn)
	}
	if turn := w.turn(s, limit, "t:spare2", Spare+2); turn.Wait < 2*time.Hour || turn.Wait > 3*time.Hour {
		t.Errorf("two turns have to be left when it is the turn of the spare one: %+v", turn)
	}
}

func TestNobodyGetsATurnWhileItIsToBeQuiet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.opened()
	limit := Limit{Name: "draw", Gap: time.Second, Burst: 10}
	turn, err := s.Turn(t.Context(), Lease{Item: "t:1", Fence: "1"}, limit, 10, time.Hour)
	if err != nil || turn.Wait < 59*time.Minute || turn.Wait > time.Hour {
		t.Errorf("%+v, %v", turn, err)
	}
}

// The clock of Redis was hours ahead and is set right.
func TestAClockThatIsSetBackKeepsNobodyForLong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.opened()
	limit := Limit{Name: "CFAST", Gap: time.Second, Burst: 1}
	w.rdb.HSet(t.Context(), w.keys.pace(), limit.Name, time.Now().Add(5*time.Hour).UnixMicro())
	if turn := w.turn(s, limit, "t:1", 10); turn.Wait > time.Second {
		t.Errorf("it has to wait %v", turn.Wait)
	}
}

// What paces Slack works on a Redis that takes nothing new.
func TestTurnsOnAFullRedis(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.opened()
	if err := w.rdb.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	if turn := w.turn(s, slowLimit, "t:1", 10); turn.Wait != 0 {
		t.Errorf("%+v", turn)
	}
}
