package store

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// Heartbeat is what a worker learned with one heartbeat.
type Heartbeat struct {
	Skew    time.Duration // Redis's clock minus ours
	Blocked time.Duration // for which no permit is granted
	Taken   int           // items of dead workers that are due now
	// Lost: the store is not the one that was known, or has lost changes. The rest
	// is of before that was dealt with.
	Lost bool
	// Paused: the permits are blocked since Redis was restarted, or lost something,
	// less than a window ago; see [Store.LastLoss].
	Paused bool
}

// Beat says that this worker lives, makes the work of dead workers due, and
// notices a Redis that was restarted, lost or rolled back, or whose clock jumped.
// It is called by one goroutine at a time.
func (s *Store) Beat(ctx context.Context) (Heartbeat, error) {
	k := s.keys
	// Run id and script go over one connection. With a run id read elsewhere a
	// failover would look like two: the script meets the new process already.
	via, err := s.redis.pin(ctx)
	if err != nil {
		return Heartbeat{}, fmt.Errorf("beat: %w", err)
	}
	defer via.Close()
	// Before the script: changes made while its answer travels are no loss.
	seen := s.seq.Load()
	began := time.Now()
	raw, err := beatScript.Run(ctx, redis.Scripter(via), []string{k.beats(), k.due(), k.owners(), k.meta(),
		k.book(quotas[0]), k.book(quotas[1]), k.log(quotas[0]), k.log(quotas[1])},
		s.worker, 3*s.cfg.Beat.Milliseconds(), via.run, s.cfg.Window.Milliseconds(), s.redis.replicas.Load()).Slice()
	if err != nil {
		return Heartbeat{}, fmt.Errorf("beat: %w", err)
	}
	got := time.Now()
	now, seq, instance := asInt(raw[0]), asInt(raw[1]), fmt.Sprint(raw[2])
	s.skew.Store(int64(time.UnixMilli(now).Sub(began.Add(got.Sub(began) / 2))))
	s.loss.Store(asInt(raw[5]))
	s.beaten.Store(&via.run)
	s.replicas.Store(asInt(raw[6]))
	b := Heartbeat{Skew: s.Skew(), Taken: int(asInt(raw[3])), Blocked: time.Duration(asInt(raw[4])) * time.Millisecond}
	if err := s.followClock(ctx, clockReading{time.UnixMilli(now), began, got}, asInt(raw[7])); err != nil {
		return b, err
	}
	if b.Taken > 0 {
		s.cfg.Log.WarnContext(ctx, "took up the work of a dead replica", "items", b.Taken)
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

// checkLoss reports whether the store is not the one that was known, or has fewer
// changes than were seen. Then the permits are blocked, and what was planned
// before is not to be trusted.
func (s *Store) checkLoss(ctx context.Context, instance string, seen, seq int64) (lost bool, err error) {
	switch known := *s.instance.Load(); {
	case instance == "":
		s.cfg.Log.ErrorContext(ctx, "the store is empty: it was lost. Nothing is sent for one window; requests made before are gone")
		return true, s.join(ctx, true)
	case instance != known:
		s.cfg.Log.ErrorContext(ctx, "the store is another one: the old one was lost", "was", known, "is", instance)
	case seq < seen:
		s.cfg.Log.ErrorContext(ctx, "the store was rolled back: changes are missing", "seen", seen, "now", seq)
	default:
		return false, nil
	}
	// The next beat reports the pause.
	if err := s.block(ctx, s.cfg.Window, true, quotas[:]...); err != nil {
		return true, err // and notice it again
	}
	s.instance.Store(&instance)
	s.seq.Store(seq)
	return true, nil
}

// Restarted reports whether Redis was restarted since the last heartbeat: until the
// next one it is not known whether something of the past is lost.
func (s *Store) Restarted() bool {
	run := s.beaten.Load()
	return run != nil && *run != s.redis.RunID()
}

// SignOff takes this worker off the list of the living: whatever it still holds
// is due at the next heartbeat of another one.
func (s *Store) SignOff(ctx context.Context) error {
	return doing("sign off", s.rdb.ZAdd(ctx, s.keys.beats(), redis.Z{Score: 0, Member: s.worker}).Err())
}
