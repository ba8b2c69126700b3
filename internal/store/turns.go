package store

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// Limit is something that may be done only so often, over all replicas: posts in one
// channel, say. Items that have to wait form a queue; lua/turns.lua has the rules.
type Limit struct {
	Name    string
	Gap     time.Duration // one turn each
	Burst   int           // so many turns at once after a rest
	Reserve int           // turns that those who [Spare] leave to others
}

// Spare, added to a score, says that the item comes after all others and leaves them
// the limit's reserve.
const Spare = 100_000_000_000_000

// Turn is the answer to who asks for a turn.
type Turn struct {
	Wait   time.Duration // 0: it is the item's turn, which is taken with that
	Others int           // so many items wait besides
}

// overslept is added to the wait of an item that is not the first of its queue. Who
// takes the turn before makes it due earlier; this is for when nobody does.
const overslept = 5 * time.Second

// Turn asks for the turn of the lease's item, and for a place in the queue if it has to
// wait: the lowest score comes first, and an item that asks again keeps the lowest
// score it had. It is made due at its turn, so until then it costs nothing. For as long
// as quiet nobody gets a turn. A repeat of a call whose answer was lost takes no second
// turn.
func (s *Store) Turn(ctx context.Context, l Lease, limit Limit, score int64, quiet time.Duration) (Turn, error) {
	got, err := s.turn(ctx, l, limit, score, quiet)
	if err != nil {
		return Turn{}, doing("ask for a turn", err)
	}
	wait := time.Duration(got[0]) * time.Millisecond
	if got[1] > 0 {
		wait += overslept
	}
	return Turn{Wait: wait, Others: int(got[2])}, nil
}

// LeaveTurns takes the lease's item out of the limit's queue.
func (s *Store) LeaveTurns(ctx context.Context, l Lease, limit Limit) error {
	_, err := s.turn(ctx, l, limit, "", 0)
	return doing("leave a queue", err)
}

func (s *Store) turn(ctx context.Context, l Lease, limit Limit, score any, quiet time.Duration) (got []int64, err error) {
	k := s.keys
	err = s.retry(ctx, true, func() (err error) {
		got, err = turnScript.Run(ctx, s.rdb, []string{k.due(), k.claims(), k.woken(), k.pace(), k.heads(), k.turns(limit.Name)},
			limit.Name, l.Item, l.Fence, score, max(1, limit.Gap.Microseconds()), limit.Burst, limit.Reserve, quiet.Milliseconds()).Int64Slice()
		if err == nil && len(got) != 3 {
			err = fmt.Errorf("odd answer %v", got)
		}
		return err
	})
	return got, err
}

// InTurns reports in which limits' queues the item waits.
func (s *Store) InTurns(ctx context.Context, item string, limits ...string) ([]bool, error) {
	cmds, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, name := range limits {
			p.ZMScore(ctx, s.keys.turns(name), item)
		}
		return nil
	})
	if err != nil {
		return nil, doing("look into a queue", err)
	}
	waits := make([]bool, len(limits))
	for i, cmd := range cmds {
		waits[i] = cmd.(*redis.FloatSliceCmd).Val()[0] != 0
	}
	return waits, nil
}

// FreeTurns passes over items that have not come for their turn.
func (s *Store) FreeTurns(ctx context.Context) error {
	k := s.keys
	return doing("free turns", freeScript.Run(ctx, s.rdb,
		[]string{k.due(), k.claims(), k.woken(), k.pace(), k.heads()}, k.turns("")).Err())
}
