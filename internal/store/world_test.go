package store

import (
	"log/slog"
	"testing"
	"time"

	"ecsbot/internal/redistest"

	"github.com/redis/go-redis/v9"
)

// world is a real Redis, for any number of workers.
type world struct {
	t     testing.TB
	redis *redistest.Server
	rdb   *redis.Client // a plain client, to look and to meddle
	keys  keys
	asked int // turns that were asked for
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldOn(t, redistest.Start(t))
}

// onEach runs a test on every kind of server there is.
func onEach(t *testing.T, test func(t *testing.T, w *world)) {
	redistest.OnEach(t, func(t *testing.T, s *redistest.Server) { test(t, newWorldOn(t, s)) })
}

func newWorldOn(t testing.TB, server *redistest.Server) *world {
	t.Helper()
	w := &world{t: t, redis: server, keys: keysOf(project), rdb: server.Client()}
	t.Cleanup(func() { w.rdb.Close() })
	return w
}

const project = "0123456789abcdef0123456789abcdef"

// key names a record of the tests.
func (w *world) key(name string) string { return string(w.keys) + name }

// worker makes one worker's store, with a connection of its own and a clock some
// thirty times quicker than the real one.
func (w *world) worker(tune ...func(*Config)) *Store {
	w.t.Helper()
	return w.workerAt(w.redis.URL(), tune...)
}

func (w *world) workerAt(url string, tune ...func(*Config)) *Store {
	w.t.Helper()
	db, err := Open(url, TLS{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { db.Close() })
	c := Config{
		Project: project, Redis: db, Log: slog.New(slog.DiscardHandler), TrustEmpty: true, AuditKeep: 1_000_000,
		Window: 2070 * time.Millisecond, Lease: 30 * time.Second, Beat: 150 * time.Millisecond,
	}
	for _, f := range tune {
		f(&c)
	}
	return New(c)
}

// opened is a worker that has joined the store.
func (w *world) opened(tune ...func(*Config)) *Store {
	w.t.Helper()
	s := w.worker(tune...)
	w.open(s)
	return s
}

func (w *world) open(s *Store) {
	w.t.Helper()
	// The first connection tells the run id; Join must not be the one to learn it.
	if err := s.rdb.Ping(w.t.Context()).Err(); err != nil {
		w.t.Fatal(err)
	}
	if err := s.Join(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// within waits until ok holds.
func (w *world) within(d time.Duration, what string, ok func() bool) {
	w.t.Helper()
	w.redis.Within(d, what, ok)
}

func do[T any](w *world, cmd interface{ Result() (T, error) }) T {
	w.t.Helper()
	return redistest.Do(w.t, cmd)
}

// shift makes ms milliseconds pass for the permits: it moves all their times
// into the past, so that nobody has to wait. A negative ms is what they see of
// a clock that was set back.
func (w *world) shift(k keys, ms int64) {
	w.t.Helper()
	if err := redistest.Shift(w.t.Context(), w.rdb, k.log(""), k.book(""), ms); err != nil {
		w.t.Fatal(err)
	}
}

func newCutter(w *world, cut func(command string) bool) *redistest.Cutter {
	w.t.Helper()
	return (&redistest.Cutter{Cut: cut}).Start(w.t, w.redis)
}
