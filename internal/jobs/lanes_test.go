package jobs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ecsbot/internal/approvals"
)

// jam is a face whose acts, but those that hold back, take until it is opened.
type jam struct {
	Messenger
	open chan struct{}

	mu      sync.Mutex
	running map[string]int // person → slow acts under way
	most    int            // slow acts at the same time
	twice   []string       // persons with two at the same time
	done    map[string]int // envelope → times it was handled
}

func newJam() *jam {
	return &jam{open: make(chan struct{}), running: map[string]int{}, done: map[string]int{}}
}

func (j *jam) TellTooLate(context.Context, approvals.Envelope) {}

func (j *jam) Handle(ctx context.Context, env approvals.Envelope) error {
	if env.Lane == approvals.LaneSlow {
		j.count(env.By, 1)
		defer j.count(env.By, -1)
	}
	if env.Lane != approvals.LaneBrake {
		select {
		case <-j.open:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.done[env.ID]++
	return nil
}

func (j *jam) count(by string, n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.running[by] += n
	if j.running[by] > 1 {
		j.twice = append(j.twice, by)
	}
	sum := 0
	for _, n := range j.running {
		sum += n
	}
	j.most = max(j.most, sum)
}

func (j *jam) slow() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	sum := 0
	for _, n := range j.running {
		sum += n
	}
	return sum
}

func (j *jam) handled(id string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.done[id]
}

// record records an act of a person.
func (w *world) record(e *Engine, id, by string, lane approvals.Lane) {
	w.t.Helper()
	if _, err := e.Enqueue(w.t.Context(), approvals.Envelope{ID: id, Kind: "command", At: time.Now(), By: by, Lane: lane}); err != nil {
		w.t.Fatal(err)
	}
}

// Ten people have 400 dry runs under way and each of the other steps is taken,
// too; what holds back is done at once all the same.
func TestWhatHoldsBackPassesEverythingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.opened()
	face := newJam()
	for n := range 400 {
		w.record(e, fmt.Sprint("dry run ", n), fmt.Sprint("U", n%10), approvals.LaneSlow)
	}
	for n := range 100 {
		w.record(e, fmt.Sprint("usual ", n), "UX", approvals.LaneUsual)
	}
	w.run(e, face)
	w.within(5*time.Second, "slow acts are under way", func() bool { return face.slow() == maxSlow })
	w.record(e, "brake", "UBEN", approvals.LaneBrake)
	w.within(5*time.Second, "the brake", func() bool { return face.handled("brake") == 1 })
	if n := face.slow(); n > maxSlow {
		t.Errorf("%d slow acts at the same time, want %d at most", n, maxSlow)
	}
	close(face.open)
	w.within(20*time.Second, "all is done", func() bool { return do(w, w.rdb.ZCard(t.Context(), w.key("due"))) == 0 })
	face.mu.Lock()
	defer face.mu.Unlock()
	if len(face.done) != 501 {
		t.Errorf("%d acts were handled, want 501", len(face.done))
	}
	for id, n := range face.done {
		if n != 1 {
			t.Errorf("%s was handled %d times", id, n)
		}
	}
	if len(face.twice) > 0 {
		t.Errorf("%v had two slow acts under way", face.twice)
	}
	w.within(5*time.Second, "nothing is left of the lanes", func() bool { return len(w.laneKeys()) == 0 })
}

// laneKeys are the places that say in which order things are done.
func (w *world) laneKeys() []string {
	all := do(w, w.rdb.Keys(w.t.Context(), string(w.keys)+"slow*"))
	return append(all, do(w, w.rdb.Keys(w.t.Context(), w.key("first")))...)
}

// The persons take turns, over all replicas, and each has one act under way.
func TestOfOnePersonOneSlowActIsUnderWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	engines := []*Engine{w.opened(), w.opened()}
	for n := range 30 {
		w.record(engines[0], fmt.Sprint("heavy ", n), "UHEAVY", approvals.LaneSlow)
	}
	w.record(engines[0], "light", "ULIGHT", approvals.LaneSlow)
	face := newJam()
	for _, e := range engines {
		w.run(e, face)
	}
	w.within(5*time.Second, "one act of each", func() bool { return face.slow() == 2 })
	close(face.open)
	w.within(10*time.Second, "all is done", func() bool { return do(w, w.rdb.ZCard(t.Context(), w.key("due"))) == 0 })
	if len(face.twice) > 0 {
		t.Errorf("two at the same time: %v", face.twice)
	}
}

// Slack said when to come again. An item is given back until then, but not one
// that holds back.
func TestAnActWaitsAsLongAsSlackAsks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.opened()
	e.serve(handler{f: func(approvals.Envelope) error { return fmt.Errorf("who is it: %w", tooMuch{40 * time.Second}) }})
	w.record(e, "approve", "UBEN", approvals.LaneUsual)
	w.record(e, "freeze", "UBEN", approvals.LaneBrake)
	for _, c := range w.claims(e, 10) {
		e.step(t.Context(), c)
	}
	in := func(item string) time.Duration {
		at := do(w, w.rdb.ZScore(t.Context(), w.key("due"), item))
		return time.UnixMilli(int64(at)).Sub(e.now())
	}
	if wait := in("i:approve"); wait < 35*time.Second || wait > 41*time.Second {
		t.Errorf("the approval is tried again in %v, want 40 s", wait)
	}
	if wait := in("i:freeze"); wait > 5*time.Second {
		t.Errorf("the freeze is tried again in %v", wait)
	}
}

type tooMuch struct{ wait time.Duration }

func (t tooMuch) Error() string { return "too much" }

func (t tooMuch) RetryAfter() time.Duration { return t.wait }

// However long it stood in the queue.
func TestWhatHoldsBackIsNeverTooOld(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.opened()
	var handled []string
	e.serve(handler{f: func(env approvals.Envelope) error { handled = append(handled, env.ID); return nil }})
	for id, lane := range map[string]approvals.Lane{"brake": approvals.LaneBrake, "approval": approvals.LaneUsual, "ask": approvals.LaneSlow} {
		if _, err := e.Enqueue(t.Context(), approvals.Envelope{ID: id, At: time.Now().Add(-2 * maxEnvelopeAge), Lane: lane}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range w.claims(e, 10) {
		e.step(t.Context(), c)
	}
	if !slices.Equal(handled, []string{"brake"}) {
		t.Errorf("handled %v", handled)
	}
	if left := do(w, w.rdb.ZRange(t.Context(), w.key("due"), 0, -1)); len(left) != 0 {
		t.Errorf("left: %s", strings.Join(left, " "))
	}
}
