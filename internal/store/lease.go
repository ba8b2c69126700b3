package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Lease is the right to work on an item until its end.
type Lease struct {
	Item  string
	Fence string
	Tries int64     // claims since the item was last given back
	Until time.Time // the lease ends, by our clock
	lane  string    // usual, brake, or slow:PERSON
}

// Lanes counts items: all of them, those of the usual lane, and slow ones. What
// holds back may be any of all.
type Lanes struct{ All, Usual, Slow int }

const (
	slowLane  = "slow:"
	brakeLane = "brake"
)

// Slow reports whether the item is of the lane that may take long: a person has
// one of them worked on at a time.
func (l Lease) Slow() bool { return strings.HasPrefix(l.lane, slowLane) }

// Brake reports whether the item holds something back: it passes all others.
func (l Lease) Brake() bool { return l.lane == brakeLane }

// parkFor is how long a slow item waits with its person before it is among the
// due things again, for replicas that know of no lanes. It must be much shorter
// than the time after which its act is too old.
const parkFor = time.Minute

// Claim takes as many due items of each lane as there is room for, and tells when
// the next one is due; a negative time is never.
func (s *Store) Claim(ctx context.Context, free Lanes) ([]Lease, time.Duration, error) {
	k := s.keys
	until := time.Now().Add(s.cfg.Lease) // before the call, so rather too early
	raw, err := claimScript.Run(ctx, s.rdb, []string{k.due(), k.claims(), k.owners(), k.tries(), k.meta(), k.first(), k.slow()},
		s.worker, s.cfg.Lease.Milliseconds(), free.All, free.Usual, free.Slow, k.envelope(""), k.parked(""), parkFor.Milliseconds()).Slice()
	if err != nil {
		return nil, 0, fmt.Errorf("claim: %w", err)
	}
	var got []Lease
	for i := 1; i+3 < len(raw); i += 4 {
		got = append(got, Lease{fmt.Sprint(raw[i]), fmt.Sprint(raw[i+1]), asInt(raw[i+2]), until, fmt.Sprint(raw[i+3])})
	}
	return got, time.Duration(asInt(raw[0])) * time.Millisecond, nil
}

// Release gives an item back without a change, due again in a while or [Never].
// With keepTries its claim still counts as one that was not given back. A lease
// that is not held any more is left alone. It is tried for as long as ctx lasts.
func (s *Store) Release(ctx context.Context, l Lease, in time.Duration, keepTries bool) error {
	k := s.keys
	err := s.retry(ctx, true, func() error {
		return releaseScript.Run(ctx, s.rdb, []string{k.due(), k.claims(), k.owners(), k.tries(), k.woken()},
			l.Item, l.Fence, ms(in), flag(keepTries)).Err()
	})
	s.cfg.Wake()
	return doing("release", err)
}

// NextSlow lets the next slow item of the same person be handed out. Without it
// they wait for the end of the lease.
func (s *Store) NextSlow(ctx context.Context, l Lease) error {
	if !l.Slow() {
		return nil
	}
	at := s.Now().Add(-50 * time.Millisecond) // our idea of Redis's time may be ahead
	person := redis.Z{Score: float64(at.UnixMilli()), Member: strings.TrimPrefix(l.lane, slowLane)}
	return doing("let the next item of a person go", s.rdb.ZAddXX(ctx, s.keys.slow(), person).Err())
}
