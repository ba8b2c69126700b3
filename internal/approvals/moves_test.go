package approvals

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// drawn are the moves as the package comment draws them, and those that change
// the record but not the state.
var drawn = map[State][]State{
	Pending:   {Approved, Denied, Cancelled, Expired, Pending},
	Approved:  {Executing, Cancelled},
	Executing: {Cancelled, Succeeded, PartiallyFailed, Failed, Unknown, Executing},
	Unknown:   {Succeeded, PartiallyFailed, Failed},
}

var drawnForBatches = map[BatchState][]BatchState{
	Queued:      {Submitting, BatchCancelled, BatchSucceeded, BatchPartiallyFailed, BatchFailed, BatchUnknown},
	Submitting:  {Queued, Running, Ambiguous, BatchSucceeded, BatchPartiallyFailed, BatchFailed, BatchUnknown},
	Running:     {Reconciling, BatchSucceeded, BatchPartiallyFailed, BatchFailed, BatchUnknown, Running},
	Ambiguous:   {Reconciling, Ambiguous},
	Reconciling: {Queued, BatchSucceeded, BatchPartiallyFailed, BatchFailed, BatchUnknown, Reconciling},
}

var (
	states = []State{
		Pending, Approved, Executing, Succeeded, PartiallyFailed, Failed, Unknown, Denied, Cancelled, Expired,
	}
	batchStates = []BatchState{
		Queued, Submitting, Running, Ambiguous, Reconciling,
		BatchSucceeded, BatchPartiallyFailed, BatchFailed, BatchUnknown, BatchCancelled,
	}
)

func TestMovesAreThoseOfTheDrawing(t *testing.T) {
	checkMoves(t, states, drawn, State.MayBecome)
	checkMoves(t, batchStates, drawnForBatches, BatchState.MayBecome)
	if len(moves) != len(states) || len(batchMoves) != len(batchStates) {
		t.Errorf("the tables have %d and %d states, these tests %d and %d",
			len(moves), len(batchMoves), len(states), len(batchStates))
	}
}

func checkMoves[S ~string](t *testing.T, all []S, drawn map[S][]S, mayBecome func(S, S) bool) {
	t.Helper()
	for _, from := range all {
		for _, to := range all {
			if got, want := mayBecome(from, to), slices.Contains(drawn[from], to); got != want {
				t.Errorf("%s may become %s: %t, drawn: %t", from, to, got, want)
			}
		}
		for _, odd := range []S{"", "new"} {
			if mayBecome(from, odd) || mayBecome(odd, from) {
				t.Errorf("%s has to do with the unknown state %q", from, odd)
			}
		}
	}
}

func TestTheDrawingNamesEveryState(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	requests, batches, _ := strings.Cut(string(doc), "The work is cut into batches")
	for _, s := range states {
		if !strings.Contains(requests, string(s)) {
			t.Errorf("%s is not drawn", s)
		}
	}
	for _, s := range batchStates {
		if !strings.Contains(batches, string(s)) {
			t.Errorf("%s is not drawn for batches", s)
		}
	}
}

func TestEveryStateIsReachedAndLeftUnlessFinal(t *testing.T) {
	checkPaths(t, moves, Pending, State.Final)
	checkPaths(t, batchMoves, Queued, BatchState.Final)
}

func checkPaths[S ~string](t *testing.T, moves map[S][]S, first S, final func(S) bool) {
	t.Helper()
	if got := reachable(moves, first); len(got) != len(moves) {
		t.Errorf("from %s only %v can be reached", first, got)
	}
	for s := range moves {
		onward := reachable(moves, s)
		ends := slices.ContainsFunc(onward, final)
		switch {
		case !final(s) && !ends:
			t.Errorf("%s never comes to an end", s)
		case final(s) && len(moves[s]) > 0 && string(s) != "unknown":
			t.Errorf("%s is final but may become %v", s, moves[s])
		case final(s) && slices.ContainsFunc(moves[s], func(next S) bool { return !final(next) }):
			t.Errorf("%s is final but work may go on: %v", s, moves[s])
		}
	}
}

// reachable lists first and all that can come after it.
func reachable[S ~string](moves map[S][]S, first S) []S {
	seen := map[S]bool{first: true}
	for todo := []S{first}; len(todo) > 0; todo = todo[1:] {
		for _, next := range moves[todo[0]] {
			if !seen[next] {
				seen[next] = true
				todo = append(todo, next)
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

func TestOnlyOpenStatesAreNotFinal(t *testing.T) {
	open := []State{Pending, Approved, Executing}
	for _, s := range states {
		if s.Final() == slices.Contains(open, s) {
			t.Errorf("%s: final %t", s, s.Final())
		}
	}
	openBatches := []BatchState{Queued, Submitting, Running, Ambiguous, Reconciling}
	for _, s := range batchStates {
		if s.Final() == slices.Contains(openBatches, s) {
			t.Errorf("batch %s: final %t", s, s.Final())
		}
	}
}

func TestStatesOfANewerVersionAreRefused(t *testing.T) {
	for _, want := range states {
		var got State
		if err := got.UnmarshalText([]byte(want)); err != nil || got != want {
			t.Errorf("%s is read as %q, %v", want, got, err)
		}
	}
	for _, want := range batchStates {
		var got BatchState
		if err := got.UnmarshalText([]byte(want)); err != nil || got != want {
			t.Errorf("batch %s is read as %q, %v", want, got, err)
		}
	}
	for _, odd := range []string{"", "aproved", "PENDING", "pending ", "queued", "running"} {
		got := Denied
		if err := got.UnmarshalText([]byte(odd)); err == nil || got != Denied {
			t.Errorf("request state %q is read as %q, %v", odd, got, err)
		}
	}
	for _, odd := range []string{"", "QUEUED", "pending", "executing", "partial"} {
		got := Running
		if err := got.UnmarshalText([]byte(odd)); err == nil || got != Running {
			t.Errorf("batch state %q is read as %q, %v", odd, got, err)
		}
	}
}
