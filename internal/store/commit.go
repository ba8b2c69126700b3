package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Why a change was not made. If it was refused, nothing of it was written.
var (
	ErrConflict = errors.New("record was changed by somebody else")
	ErrLost     = errors.New("lease was lost")
	ErrLate     = errors.New("past the deadline")
	ErrTooMany  = errors.New("the set is at its limit")
	ErrFull     = errors.New("Redis is at its maxmemory")
)

// Taken says what others have locked: id → holder.
type Taken map[string]string

func (t Taken) Error() string { return fmt.Sprintf("%d are locked by others", len(t)) }

// Receipt is what the store answered to a change.
type Receipt struct {
	Now           time.Time // by Redis's clock
	Replayed      bool      // the change had been made before: this was a repeat
	PermitMissing bool      // the permit of [Change.StartWindow] was not in the log
	Confirmed     bool      // enough replicas have the change
	Restarted     bool      // Redis is another process by now: its log may lack the permit
	Ahead         bool      // Redis's clock jumped ahead

	sent, got time.Time // when the script was sent and its answer was in, by our clock
}

// Commit writes ch. It sends the script again when an answer is lost; the operation
// id and the versions make a repeat harmless. A nil error means that the change is
// in the store.
func (s *Store) Commit(ctx context.Context, ch *Change) (Receipt, error) {
	return s.commitVia(ctx, ch, s.rdb, s.redis.RunID())
}

// commitVia is [Store.Commit] over the caller's connection, to the process with the
// run id. That connection is used once: if its answer was lost it is broken, and a
// repeat uses another one.
func (s *Store) commitVia(ctx context.Context, ch *Change, via redis.Scripter, run string) (Receipt, error) {
	k := s.keys
	names := []string{k.due(), k.claims(), k.owners(), k.tries(), k.woken(), k.meta(), k.audit(), k.locks(), k.log(ch.quota), k.book(ch.quota), k.line(ch.quota)}
	if ch.call != nil {
		ch.move.Permit = s.permit(*ch.call, run)
	}
	ch.move.AuditKeep = s.cfg.AuditKeep
	body := marshal(&ch.move)
	var raw any
	var r Receipt
	err := s.retry(ctx, ch.move.Keep, func() (err error) {
		r = Receipt{sent: time.Now(), Confirmed: true}
		raw, err = commitScript.Run(ctx, via, names, body).Result()
		r.got, via = time.Now(), s.rdb
		return err
	})
	if err != nil {
		return Receipt{}, doing("commit", err)
	}
	answer, ok := raw.([]any)
	if !ok || len(answer) < 3 {
		return Receipt{}, fmt.Errorf("commit: unexpected answer %v", raw)
	}
	s.sawSeq(asInt(answer[2]))
	r.Now = time.UnixMilli(asInt(answer[1]))
	rest := answer[3:]
	switch code := answer[0]; code {
	case "done":
		r.PermitMissing = len(rest) > 0 && asInt(rest[0]) == 1
		s.cfg.Wake()
		return r, nil
	case "again":
		r.Replayed = true
		return r, nil
	case "conflict":
		return r, ErrConflict
	case "lost":
		return r, ErrLost
	case "late":
		return r, ErrLate
	case "most":
		return r, ErrTooMany
	case "taken":
		taken := Taken{}
		for i := 0; i+1 < len(rest); i += 2 {
			taken[fmt.Sprint(rest[i])] = fmt.Sprint(rest[i+1])
		}
		return r, taken
	case "full", "line", "blocked":
		return r, &NoRoom{why: permitAnswer(fmt.Sprint(code)), Wait: time.Duration(asInt(rest[0])) * time.Millisecond}
	}
	return r, fmt.Errorf("commit: unexpected answer %v", raw)
}

// retry runs a script again, until ctx ends, while its answer is lost or Redis is
// unreachable. With patience it also waits for a Redis that answers that it cannot
// run the script now, because the results of a step may exist nowhere else yet. A
// caller that starts new work is better served by the error.
func (s *Store) retry(ctx context.Context, patience bool, do func() error) error {
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		err := do()
		if err == nil || !lostAnswer(err) && !(patience && passes(err)) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, context.Cause(ctx))
		case <-time.After(pause):
		}
	}
}

// lostAnswer reports whether it is unknown if a script ran: for every error except
// an answer of Redis itself.
func lostAnswer(err error) bool {
	var answered redis.Error
	return !errors.As(err, &answered)
}

// passes reports whether Redis answered that it cannot run the script now: it did
// not run, and it will after a failover or a restart. OOM is included: it ends when
// memory is freed.
func passes(err error) bool {
	var answered redis.Error
	if !errors.As(err, &answered) {
		return false
	}
	// If a command inside a script is refused, Redis puts words before the code.
	for _, code := range []string{
		"READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "OOM", "BUSY", "NOREPLICAS", "TRYAGAIN", "MOVED", "ASK", "MISCONF",
	} {
		if redis.HasErrorPrefix(err, code+" ") {
			return true
		}
	}
	return scriptAnswer(err, "READONLY") || outOfMemory(err)
}

// outOfMemory reports whether Redis refused a write because it is at its maxmemory.
func outOfMemory(err error) bool {
	return err != nil && (redis.HasErrorPrefix(err, "OOM ") || scriptAnswer(err, "OOM"))
}

// scriptAnswer reports whether a command within a script was refused with code.
// Redis before 7 puts the code into the middle of its message.
func scriptAnswer(err error, code string) bool {
	var answered redis.Error
	return errors.As(err, &answered) && strings.Contains(err.Error(), "-"+code+" ")
}

// doing wraps a non-nil error with what was being done, and with [ErrFull] if Redis
// is at its maxmemory.
func doing(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case outOfMemory(err):
		return fmt.Errorf("%s: %w: %w", what, ErrFull, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

func asInt(v any) int64 {
	n, _ := v.(int64)
	return n
}
