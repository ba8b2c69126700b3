package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// Config configures a store. Everything but Wake and TrustEmpty must be set.
type Config struct {
	Project string   // names the keys
	Quotas  []string // names of quotas besides those that every store has; see [Store.SetQuotas]
	Redis   *Redis
	Log     *slog.Logger
	// Wake, if set, is called when an item may have become due.
	Wake func()

	Window    time.Duration // how long a permit counts, with the guard against clock error
	Lease     time.Duration // of a claim
	Beat      time.Duration // between two heartbeats; a worker that misses three is dead
	Confirm   int           // replicas that must have an intent; see [ConfirmAuto]
	AuditKeep int           // entries that the audit log keeps

	// TrustEmpty says that nothing was ever sent from an empty store. A real store
	// may be empty because its volume was lost, so without TrustEmpty permits are
	// blocked for one window.
	TrustEmpty bool
}

// Store gives one worker access to a bot's data in Redis. It is safe for
// concurrent use.
type Store struct {
	cfg    Config
	redis  *Redis
	rdb    redis.UniversalClient
	keys   keys
	worker string
	team   string // whose store this is; see Bind
	bot    string

	seq      atomic.Int64 // highest count of changes seen
	loss     atomic.Int64 // ms: what was planned before cannot be trusted
	skew     atomic.Int64 // ns: Redis's clock minus ours
	clock    redisClock   // Redis's clock compared with ours
	back     int64        // ms at which the clock was last found to have been ahead; only Beat uses it
	replicas atomic.Int64 // the most that the store ever had
	instance atomic.Pointer[string]
	beaten   atomic.Pointer[string] // run id of Redis at the last heartbeat
	quotas   atomic.Pointer[[]string]
	digest   atomic.Pointer[string] // of this worker's settings
}

// New makes a store for a project's data in c.Redis. It does not connect.
func New(c Config) *Store {
	k := keysOf(c.Project)
	c.Redis.key = k.meta()
	if c.Wake == nil {
		c.Wake = func() {}
	}
	s := &Store{cfg: c, redis: c.Redis, rdb: c.Redis.client, keys: k, worker: rand.Text()[:8]}
	s.SetQuotas(c.Quotas)
	s.SetDigest("")
	return s
}

// SetQuotas names the quotas that calls may ask permits of, besides the two that every
// store has. A quota that the store does not know yet begins with the next heartbeat.
func (s *Store) SetQuotas(names []string) {
	all := slices.Concat(quotas[:], names)
	s.quotas.Store(&all)
}

// SetDigest says by which digest other workers can tell that they have other settings
// than this one. Without one this worker is compared with none.
func (s *Store) SetDigest(digest string) { s.digest.Store(&digest) }

// books and logs are the keys of all quotas, in the same order.
func (s *Store) books() []string { return s.ofQuotas(s.keys.book) }
func (s *Store) logs() []string  { return s.ofQuotas(s.keys.log) }

func (s *Store) ofQuotas(key func(string) string) []string {
	var names []string
	for _, quota := range *s.quotas.Load() {
		names = append(names, key(quota))
	}
	return names
}

// Worker names this worker among all that share the store.
func (s *Store) Worker() string { return s.worker }

// Now is the time by Redis's clock, as estimated at the last heartbeat.
func (s *Store) Now() time.Time { return time.Now().Add(s.Skew()).UTC() }

// Skew is Redis's clock minus ours.
func (s *Store) Skew() time.Duration { return time.Duration(s.skew.Load()) }

// LastLoss is when a restart or a loss of the store was last detected: what was
// planned before may have been sent without a record of it. If there was none, it is
// the start of Unix time.
func (s *Store) LastLoss() time.Time { return time.UnixMilli(s.loss.Load()) }

// schema is the version of the records that this code reads and writes.
const schema = "1"

// Bind names the bot and the team that the store must belong to, and joins it. A new
// store belongs to them from then on; a store of another bot is refused with a
// [Fault].
func (s *Store) Bind(ctx context.Context, team, bot string) error {
	s.team, s.bot = team, bot
	return s.Join(ctx)
}

// Join initialises an empty store, or joins an existing one. It must come before
// everything else.
func (s *Store) Join(ctx context.Context) error { return s.join(ctx, false) }

// join is [Store.Join]; lost says that the store had data and is empty now.
func (s *Store) join(ctx context.Context, lost bool) error {
	via, err := s.redis.pin(ctx)
	if err != nil {
		return joining(err)
	}
	defer via.Close()
	empty := ""
	switch {
	case lost:
		empty = "lost"
	case s.cfg.TrustEmpty:
		empty = "trusted"
	}
	raw, err := openScript.Run(ctx, redis.Scripter(via), append([]string{s.keys.meta()}, s.books()...),
		rand.Text(), via.run, empty, s.cfg.Window.Milliseconds(), s.team, s.bot, s.redis.replicas.Load()).Slice()
	if err != nil {
		return joining(err)
	}
	instance, found := fmt.Sprint(raw[0]), fmt.Sprint(raw[1])
	if found != schema {
		return fmt.Errorf("open store: its records have version %s, this program knows version %s; run the newer program", found, schema)
	}
	if team, bot := fmt.Sprint(raw[3]), fmt.Sprint(raw[4]); s.team != "" && (team != s.team || bot != s.bot) {
		return fmt.Errorf("open store: %w", s.foreign(team, bot))
	}
	s.instance.Store(&instance)
	s.seq.Store(asInt(raw[2]))
	s.replicas.Store(asInt(raw[5]))
	return nil
}

// joining wraps the error of a failed join, as a [Fault] if a person has to act.
func joining(err error) error {
	if f, ok := faultOf(err); ok {
		err = f
	}
	return fmt.Errorf("open store: %w", err)
}

// foreign is the fault of a store that another bot uses. Two bots would claim each
// other's requests, and give them up because they cannot post to their channels.
func (s *Store) foreign(team, bot string) Fault {
	return Fault{
		Foreign: true,
		What:    fmt.Sprintf("this Redis keeps the requests of the Slack team %s and its bot %s, and the tokens are those of the team %s and the bot %s", team, bot, s.team, s.bot),
		Fix:     fmt.Sprintf("give this bot a Redis or a database number of its own; if the Slack app was made again and its old bot is gone for good, stop all bots and run `redis-cli HDEL %s team bot`", s.keys.meta()),
	}
}

// sawSeq remembers the highest count of changes seen. If the store ever has a lower
// one, it has lost changes.
func (s *Store) sawSeq(seq int64) {
	for old := s.seq.Load(); seq > old; old = s.seq.Load() {
		if s.seq.CompareAndSwap(old, seq) {
			return
		}
	}
}
