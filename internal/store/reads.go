package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// Get reads a key that was put or set into body. Without the key it returns
// [ErrNotFound].
func (s *Store) Get(ctx context.Context, key string, body any) error {
	all, err := s.Values(ctx, key)
	if err != nil {
		return err
	}
	if all[0] == "" {
		return fmt.Errorf("read %s: %w", key, ErrNotFound)
	}
	return doing("read "+key, json.Unmarshal([]byte(all[0]), body))
}

// Values reads strings as they are. A key that does not exist gives an empty string.
func (s *Store) Values(ctx context.Context, names ...string) ([]string, error) {
	raw, err := s.rdb.MGet(ctx, names...).Result()
	return texts(raw), doing("read "+names[0], err)
}

// Set sets a string that expires after life, or never if life is 0. It is for
// values that may be lost: no version protects them.
func (s *Store) Set(ctx context.Context, key, value string, life time.Duration) error {
	return doing("write "+key, s.rdb.Set(ctx, key, value, life).Err())
}

// Fields reads fields of a hash. A field that does not exist gives an empty string.
func (s *Store) Fields(ctx context.Context, key string, fields ...string) ([]string, error) {
	raw, err := s.rdb.HMGet(ctx, key, fields...).Result()
	return texts(raw), doing("read "+key, err)
}

// Mark sets a field of a hash to a time: when something was last done or may next be
// done. It works even if Redis is full.
func (s *Store) Mark(ctx context.Context, key, field string, value int64) error {
	return doing("write "+key, markScript.Run(ctx, s.rdb, []string{key}, field, value).Err())
}

// Member is a member of a sorted set.
type Member struct {
	Name  string
	Score int64
}

// Range lists members of a sorted set by ascending score, from position first to
// position last; negative positions count from the end.
func (s *Store) Range(ctx context.Context, key string, first, last int64) ([]Member, error) {
	raw, err := s.rdb.ZRangeWithScores(ctx, key, first, last).Result()
	all := make([]Member, len(raw))
	for i, z := range raw {
		all[i].Name, _ = z.Member.(string)
		all[i].Score = int64(z.Score)
	}
	return all, doing("list "+key, err)
}

// Names returns the members' names.
func Names(members []Member) []string {
	names := make([]string, len(members))
	for i, m := range members {
		names[i] = m.Name
	}
	return names
}

// Size counts the members of a sorted set.
func (s *Store) Size(ctx context.Context, key string) (int, error) {
	n, err := s.rdb.ZCard(ctx, key).Result()
	return int(n), doing("count "+key, err)
}

// Forget removes names from sorted sets and hashes in one pipeline.
func (s *Store) Forget(ctx context.Context, names, sets, hashes []string) error {
	members := make([]any, len(names))
	for i, name := range names {
		members[i] = name
	}
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, key := range sets {
			p.ZRem(ctx, key, members...)
		}
		for _, key := range hashes {
			p.HDel(ctx, key, names...)
		}
		return nil
	})
	return doing("forget", err)
}

// List reads the bodies of a list from position first to position last.
func (s *Store) List(ctx context.Context, key string, first, last int64) ([]string, error) {
	all, err := s.rdb.LRange(ctx, key, first, last).Result()
	return all, doing("read "+key, err)
}

// Holders maps those of ids that are locked to their holders.
func (s *Store) Holders(ctx context.Context, ids ...string) (map[string]string, error) {
	all, err := s.Fields(ctx, s.keys.locks(), ids...)
	if err != nil {
		return nil, err
	}
	holders := map[string]string{}
	for i, holder := range all {
		if holder != "" {
			holders[ids[i]] = holder
		}
	}
	return holders, nil
}

// Count is a rate limit: it counts name among what happened within the last life.
// If there would be more than most it counts nothing and returns how long to wait.
// The same name counts once.
func (s *Store) Count(ctx context.Context, key, name string, life time.Duration, most int) (wait time.Duration, err error) {
	err = s.retry(ctx, false, func() error {
		n, err := countScript.Run(ctx, s.rdb, []string{key}, name, life.Milliseconds(), most).Int64()
		wait = time.Duration(n) * time.Millisecond
		return err
	})
	return wait, doing("count in "+key, err)
}

// Time asks Redis for the time.
func (s *Store) Time(ctx context.Context) (time.Time, error) {
	now, err := s.rdb.Time(ctx).Result()
	return now, doing("ask the time", err)
}

// Writable checks by a write that Redis takes writes now. The key is one of the
// project's own, so that no access rule has to name another one, and so that in a
// cluster it is on the node that the project uses.
func (s *Store) Writable(ctx context.Context) error {
	return doing("write to Redis", s.rdb.Set(ctx, s.keys.ready(), time.Now().Unix(), time.Minute).Err())
}

// texts returns the strings of an answer; a missing value is empty.
func texts(raw []any) []string {
	all := make([]string, len(raw))
	for i, v := range raw {
		all[i], _ = v.(string)
	}
	return all
}

// Has reports which of the names are members of a sorted set. Their scores must
// not be 0.
func (s *Store) Has(ctx context.Context, key string, names ...string) ([]bool, error) {
	scores, err := s.rdb.ZMScore(ctx, key, names...).Result()
	has := make([]bool, len(names))
	for i, score := range scores {
		has[i] = score != 0
	}
	return has, doing("read "+key, err)
}
