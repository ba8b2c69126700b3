package store

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// What has learned something waits for the store, what begins something gets
// the error, and both only for answers that pass.
func TestOnlyWhatWasLearnedWaitsForAStoreThatAnswersNo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.opened()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	const ways = 3
	for _, answer := range []string{
		"READONLY You can't write against a read only replica. script: 1, on @user_script:1.",
		"LOADING Redis is loading the dataset in memory", "MASTERDOWN Link with MASTER is down", "CLUSTERDOWN The cluster is down",
		"BUSY Redis is busy running a script", "NOREPLICAS Not enough good replicas to write.", "TRYAGAIN Multiple keys request",
		"OOM command not allowed when used memory > 'maxmemory'.", "MOVED 3999 127.0.0.1:6381", "ASK 3999 127.0.0.1:6381",
		"ERR Error running script (call to f_1): @user_script:2: -READONLY You can't write against a read only replica.",
		"ERR Error running script (call to f_1): @user_script:2: -OOM command not allowed when used memory > 'maxmemory'.",
	} {
		if tries := triesOf(ctx, s, true, answer, ways); tries != ways {
			t.Errorf("%.20s…: what was learned was tried %d times, want %d", answer, tries, ways)
		}
		if tries := triesOf(ctx, s, false, answer, ways); tries != 1 {
			t.Errorf("%.20s…: what begins was tried %d times", answer, tries)
		}
	}
	for _, answer := range []string{"ERR wrong number of arguments", "NOPERM this user has no permissions", "WRONGTYPE Operation against a key", "NOAUTH Authentication required."} {
		if tries := triesOf(ctx, s, true, answer, ways); tries != 1 {
			t.Errorf("%.20s…: tried %d times, though that does not pass", answer, tries)
		}
	}
}

// answerError is an error that Redis answered with.
type answerError string

func (s answerError) Error() string { return string(s) }

func (answerError) RedisError() {}

var _ redis.Error = answerError("")

// triesOf has the answer given until the last of so many tries.
func triesOf(ctx context.Context, s *Store, patience bool, answer string, most int) (tries int) {
	s.retry(ctx, patience, func() error {
		if tries++; tries == most {
			return nil
		}
		return answerError(answer)
	})
	return tries
}

// The flag on the change decides, for all that a step writes.
func TestAChangeKnowsWhetherItWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.opened()
	var blocked atomic.Bool
	readOnly := func(on bool) {
		args := []any{"REPLICAOF", "NO", "ONE"}
		if on {
			args = []any{"REPLICAOF", "127.0.0.1", "1"}
		}
		if err := w.rdb.Do(t.Context(), args...).Err(); err != nil {
			t.Error(err)
		}
		blocked.Store(on)
	}
	c := w.hold(s, "r:S-1")
	readOnly(true)
	if _, err := s.Commit(t.Context(), NewChange().Write(w.key("r:S-9"), 0, body{"new"})); err == nil || !strings.Contains(err.Error(), "READONLY") {
		t.Errorf("a change that begins something: %v", err)
	}
	time.AfterFunc(200*time.Millisecond, func() { readOnly(false) })
	w.commit(s, NewChange().FencedBy(c).Write(w.key("r:S-1"), 0, body{"learned"}))
	if blocked.Load() {
		t.Error("it was made by a read-only store")
	}
	readOnly(true)
	time.AfterFunc(200*time.Millisecond, func() { readOnly(false) })
	s.Release(t.Context(), c, Never, false)
	if do(w, w.rdb.HExists(t.Context(), w.keys.claims(), c.Item)) {
		t.Error("the claim was not given back")
	}
}

// An intent whose answer was lost breaks its connection; the repeat goes over
// another one, and finds that it was made.
func TestALostAnswerToAnIntentIsAskedForAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.opened()
	if err := commitScript.Load(t.Context(), w.rdb).Err(); err != nil {
		t.Fatal(err)
	}
	cut := false
	c := newCutter(w, func(command string) bool {
		if cut || !strings.Contains(command, `"op":`) {
			return false
		}
		cut = true
		return true
	})
	s := w.workerAt(c.URL)
	via, err := s.Intend(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer via.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	got, err := via.Commit(ctx, NewChange().Write(w.key("r:S-1"), 0, body{"x"}))
	if err != nil || !got.Replayed || !cut {
		t.Errorf("got %+v, %v", got, errors.Unwrap(err))
	}
}
