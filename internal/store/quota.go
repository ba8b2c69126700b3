package store

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// Permit is what a call asks of the quota; lua/permits.lua has the rules.
type Permit struct {
	ID      string
	Request string        // that waits in the queue
	Cost    int           // servers in the call
	Rest    int           // servers that the request still has to send, this call included
	First   bool          // it is the request's first call
	Limit   int           // within a window
	Reserve int           // room that large requests leave for the first call of a small one
	Soon    time.Duration // how long a small one may have to wait for that room
}

// PermitLife is how long a permit counts if its window is never started
// ([Change.StartWindow]). It must be longer than any time between a permit and the
// end of its call.
const PermitLife = 10 * time.Minute

// permit is a [Permit] as the scripts read it.
type permit struct {
	ID      string `json:"id"`
	Request string `json:"request"`
	Cost    int    `json:"cost"`
	Rest    int    `json:"rest"`
	First   bool   `json:"first"`
	Limit   int    `json:"limit"`
	Reserve int    `json:"reserve"`
	Soon    int64  `json:"soon"`
	Run     string `json:"run"`
	Window  int64  `json:"window"`
	TTL     int64  `json:"ttl"`
	Busy    int64  `json:"busy"`
}

// permit is p for the Redis process with the run id.
func (s *Store) permit(p Permit, run string) *permit {
	return &permit{
		ID: p.ID, Request: p.Request, Cost: p.Cost, Rest: p.Rest, First: p.First, Limit: p.Limit, Reserve: p.Reserve, Soon: p.Soon.Milliseconds(),
		Run: run, Window: s.cfg.Window.Milliseconds(), TTL: PermitLife.Milliseconds(), Busy: s.cfg.Lease.Milliseconds(),
	}
}

// NoRoom says why a call gets no permit now, and when to ask again. It is an error
// of [Store.Commit].
type NoRoom struct {
	Wait  time.Duration
	Place int          // in the queue, if those before it have to wait, too
	why   permitAnswer // full, line or blocked
}

// permitAnswer is what lua/permits.lua answers to the question for a permit.
type permitAnswer string

const (
	permitYes     permitAnswer = "yes"
	permitFull    permitAnswer = "full"    // the quota is used up
	permitLine    permitAnswer = "line"    // other requests come first
	permitBlocked permitAnswer = "blocked" // no permit is granted for a while
)

func (n *NoRoom) Error() string { return fmt.Sprintf("no permit: %s for %v", n.why, n.Wait) }

// Full reports that the quota is used up. If not, others come first or permits are
// blocked.
func (n *NoRoom) Full() bool { return n.why == permitFull }

// Blocked reports that no permit is granted for a while, whatever room there is.
func (n *NoRoom) Blocked() bool { return n.why == permitBlocked }

// Room asks whether a call would get its permit now, and puts the request in the
// queue. It returns nil if the call would. The permit itself is granted with a
// [Change].
func (s *Store) Room(ctx context.Context, quota string, p Permit) (*NoRoom, error) {
	if err := s.redis.refresh(ctx); err != nil {
		return nil, fmt.Errorf("ask for a permit: %w", err)
	}
	k := s.keys
	raw, err := roomScript.Run(ctx, s.rdb, []string{k.log(quota), k.book(quota), k.line(quota)}, marshal(s.permit(p, s.redis.RunID()))).Slice()
	if err != nil {
		return nil, fmt.Errorf("ask for a permit: %w", err)
	}
	why := permitAnswer(fmt.Sprint(raw[0]))
	if why == permitYes {
		return nil, nil
	}
	return &NoRoom{why: why, Wait: time.Duration(asInt(raw[1])) * time.Millisecond, Place: int(asInt(raw[2]))}, nil
}

// Block lets no permit of the named quotas, or of any quota if none is named, be
// granted for d. It never shortens an earlier block.
func (s *Store) Block(ctx context.Context, d time.Duration, names ...string) error {
	if len(names) == 0 {
		names = *s.quotas.Load()
	}
	return s.block(ctx, d, false, names...)
}

// block is [Store.Block]; lost says that Redis may have lost changes.
func (s *Store) block(ctx context.Context, d time.Duration, lost bool, names ...string) error {
	for _, quota := range names {
		err := s.retry(ctx, true, func() error {
			return blockScript.Run(ctx, s.rdb, []string{s.keys.book(quota)}, d.Milliseconds(), flag(lost)).Err()
		})
		if err != nil {
			return doing("block permits", err)
		}
	}
	return nil
}

// Values of [Config.Confirm] besides a number of replicas.
const (
	ConfirmAuto = 0  // one if the store ever had a replica, even if it has none now
	ConfirmNone = -1 // none, for a store whose replicas were removed for good
)

// Intent is a connection for committing the intent of one call. It makes sure that
// the run id in the permit, the change and its confirmation belong to one Redis
// process.
type Intent struct {
	s   *Store
	via *pinned
}

// Intend opens the connection. The caller closes it.
func (s *Store) Intend(ctx context.Context) (*Intent, error) {
	via, err := s.redis.pin(ctx)
	if err != nil {
		return nil, fmt.Errorf("write the intent: %w", err)
	}
	return &Intent{s, via}, nil
}

// Close returns the connection to the pool.
func (i *Intent) Close() error { return i.via.Close() }

// Commit writes the change and, if [Config.Confirm] demands it, waits until replicas
// have it, so that the intent survives a failover. The number does not depend on
// the replicas connected now: a primary that was cut off has none, and must not go
// on. The call may only be made if the receipt allows it.
func (i *Intent) Commit(ctx context.Context, ch *Change) (Receipt, error) {
	s := i.s
	r, err := s.commitVia(ctx, ch, redis.Scripter(i.via), i.via.run)
	if n := s.confirmations(); err == nil && n > 0 {
		// A repeat wrote nothing on this connection, so replicas cannot confirm it.
		r.Confirmed = !r.Replayed && i.via.confirmed(ctx, n)
	}
	r.Restarted = i.via.run != s.redis.RunID()
	r.Ahead = s.clock.ahead(clockReading{r.Now, r.sent, r.got}) > clockJump
	return r, err
}

// confirmations is how many replicas must have an intent before its call.
func (s *Store) confirmations() int {
	switch {
	case s.cfg.Confirm > 0:
		return s.cfg.Confirm
	case s.cfg.Confirm == ConfirmAuto && max(s.replicas.Load(), int64(s.redis.replicas.Load())) > 0:
		return 1
	}
	return 0
}
