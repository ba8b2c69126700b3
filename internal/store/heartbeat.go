package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// Heartbeat is what a worker learns from one heartbeat.
type Heartbeat struct {
	Skew    time.Duration // Redis's clock minus ours
	Blocked time.Duration // how long no permit is granted from now on
	Taken   int           // items of dead workers that are due now
	// Lost: Redis was emptied or replaced, or has lost changes. The other fields
	// describe the state before that was handled.
	Lost bool
	// Paused: permits are blocked because Redis was restarted, or lost changes, less
	// than a window ago; see [Store.LastLoss].
	Paused bool
	// Differing are the live workers whose settings are other ones; see [Store.SetDigest].
	Differing []string
}

// Beat sends this worker's heartbeat, makes the items of dead workers due, and
// detects a Redis that was restarted, emptied or rolled back, or whose clock jumped.
// It must be called by one goroutine at a time.
func (s *Store) Beat(ctx context.Context) (Heartbeat, error) {
	k := s.keys
	// Run id and script use one connection. With a run id from another connection a
	// failover would look like two: the script may already reach the new process.
	via, err := s.redis.pin(ctx)
	if err != nil {
		return Heartbeat{}, fmt.Errorf("heartbeat: %w", err)
	}
	defer via.Close()
	// Read before the script runs: changes made while its answer is on its way are
	// no loss.
	seen := s.seq.Load()
	began := time.Now()
	raw, err := beatScript.Run(ctx, redis.Scripter(via), slices.Concat([]string{k.beats(), k.due(), k.owners(), k.meta(), k.digests()}, s.books(), s.logs()),
		s.worker, 3*s.cfg.Beat.Milliseconds(), via.run, s.cfg.Window.Milliseconds(), s.redis.replicas.Load(), *s.digest.Load()).Slice()
	if err != nil {
		return Heartbeat{}, fmt.Errorf("heartbeat: %w", err)
	}
	got := time.Now()
	now, seq, instance := asInt(raw[0]), asInt(raw[1]), fmt.Sprint(raw[2])
	s.skew.Store(int64(time.UnixMilli(now).Sub(began.Add(got.Sub(began) / 2))))
	s.loss.Store(asInt(raw[5]))
	s.beaten.Store(&via.run)
	s.replicas.Store(asInt(raw[6]))
	b := Heartbeat{Skew: s.Skew(), Taken: int(asInt(raw[3])), Blocked: time.Duration(asInt(raw[4])) * time.Millisecond}
	others, _ := raw[8].([]any)
	for _, worker := range others {
		b.Differing = append(b.Differing, fmt.Sprint(worker))
	}
	if err := s.followClock(ctx, clockReading{time.UnixMilli(now), began, got}, asInt(raw[7])); err != nil {
		return b, err
	}
	if b.Taken > 0 {
		s.cfg.Log.WarnContext(ctx, "heartbeat of another replica stopped: its work items were requeued", "items", b.Taken)
		s.cfg.Wake()
	}
	if b.Lost, err = s.checkLoss(ctx, instance, seen, seq); b.Lost || err != nil {
		return b, err
	}
	s.sawSeq(seq)
	recent := now-s.loss.Load() < s.cfg.Window.Milliseconds()
	b.Paused = recent && b.Blocked > 0
	return b, nil
}

// checkLoss reports whether Redis was emptied or replaced, or has fewer changes than
// were seen. Then permits are blocked for a window, and what was planned before
// cannot be trusted.
func (s *Store) checkLoss(ctx context.Context, instance string, seen, seq int64) (lost bool, err error) {
	switch known := *s.instance.Load(); {
	case instance == "":
		s.cfg.Log.ErrorContext(ctx, "Redis is empty: its data was lost. Nothing is sent for one window; requests made before are gone")
		return true, s.join(ctx, true)
	case instance != known:
		s.cfg.Log.ErrorContext(ctx, "Redis holds another store: the data of the old one was lost. Nothing is sent for one window", "was", known, "is", instance)
	case seq < seen:
		s.cfg.Log.ErrorContext(ctx, "Redis was rolled back: changes are missing. Nothing is sent for one window", "seen", seen, "now", seq)
	default:
		return false, nil
	}
	// The next heartbeat reports the pause.
	if err := s.block(ctx, s.cfg.Window, true, *s.quotas.Load()...); err != nil {
		return true, err // the next heartbeat finds the loss again
	}
	s.instance.Store(&instance)
	s.seq.Store(seq)
	return true, nil
}

// Restarted reports whether Redis was restarted since the last heartbeat. Until the
// next one it is unknown whether changes were lost.
func (s *Store) Restarted() bool {
	run := s.beaten.Load()
	return run != nil && *run != s.redis.RunID()
}

// Deregister removes this worker from the list of live workers. Items that it still
// holds become due at the next heartbeat of another worker.
func (s *Store) Deregister(ctx context.Context) error {
	return doing("deregister", s.rdb.ZAdd(ctx, s.keys.beats(), redis.Z{Score: 0, Member: s.worker}).Err())
}
