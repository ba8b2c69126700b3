package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Lease is the exclusive right to work on an item until it ends. Its fence (fencing
// token) lets the store refuse changes of a worker whose lease was lost.
type Lease struct {
	Item  string
	Fence string
	Tries int64     // claims since the item was last released
	Until time.Time // when the lease ends, by our clock
	lane  string    // usual, brake, or slow:PERSON
}

// Lanes counts items: all of them, those of the usual lane, and slow ones. Items of
// the brake lane are limited by All only.
type Lanes struct{ All, Usual, Slow int }

const (
	slowLane  = "slow:"
	brakeLane = "brake"
)

// Slow reports whether the item is in the slow lane, where the items of one person
// are handled one at a time.
func (l Lease) Slow() bool { return strings.HasPrefix(l.lane, slowLane) }

// Brake reports whether the item is in the brake lane: it stops something, and comes
// before all others.
func (l Lease) Brake() bool { return l.lane == brakeLane }

// parkFor is how long a slow item waits in its person's queue before it is in the due
// list again, for older replicas that know no lanes. It must be much shorter than
// the time after which an envelope is too old to be handled.
const parkFor = time.Minute

// Claim leases as many due items of each lane as free allows, and returns when the
// next one is due; a negative time means never.
func (s *Store) Claim(ctx context.Context, free Lanes) ([]Lease, time.Duration, error) {
	k := s.keys
	until := time.Now().Add(s.cfg.Lease) // before the call, so it ends too early rather than too late
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

// Release releases an item without a change, due again in a while or [Never]. With
// countsAsCrash its claim still counts in [Lease.Tries]. Releasing a lost lease has
// no effect. It is retried until ctx ends.
func (s *Store) Release(ctx context.Context, l Lease, in time.Duration, countsAsCrash bool) error {
	k := s.keys
	err := s.retry(ctx, true, func() error {
		return releaseScript.Run(ctx, s.rdb, []string{k.due(), k.claims(), k.owners(), k.tries(), k.woken()},
			l.Item, l.Fence, ms(in), flag(countsAsCrash)).Err()
	})
	s.cfg.Wake()
	return doing("release", err)
}

// NextSlow lets the person's next slow item be claimed. Without it that item waits
// until this lease ends.
func (s *Store) NextSlow(ctx context.Context, l Lease) error {
	if !l.Slow() {
		return nil
	}
	at := s.Now().Add(-50 * time.Millisecond) // our estimate of Redis's time may be ahead
	person := redis.Z{Score: float64(at.UnixMilli()), Member: strings.TrimPrefix(l.lane, slowLane)}
	return doing("release the next item of a person", s.rdb.ZAddXX(ctx, s.keys.slow(), person).Err())
}
