package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// ErrNotFound says that there is no such record, or none any more.
var ErrNotFound = errors.New("no such record")

// Stored is a record as it was read, with its version.
type Stored[T any] struct {
	Body T
	Ver  uint64
}

// Load reads a record. Without one it returns [ErrNotFound].
func Load[T any](ctx context.Context, s *Store, key string) (Stored[T], error) {
	fields, err := s.rdb.HMGet(ctx, key, "ver", "body").Result()
	if err != nil {
		return Stored[T]{}, fmt.Errorf("read %s: %w", key, err)
	}
	return decode[T](key, fields)
}

func decode[T any](key string, fields []any) (Stored[T], error) {
	var s Stored[T]
	ver, _ := fields[0].(string)
	body, _ := fields[1].(string)
	if ver == "" {
		return s, fmt.Errorf("read %s: %w", key, ErrNotFound)
	}
	var err error
	if s.Ver, err = strconv.ParseUint(ver, 10, 64); err != nil {
		return s, fmt.Errorf("read %s: %w", key, err)
	}
	if err := json.Unmarshal([]byte(body), &s.Body); err != nil {
		return s, fmt.Errorf("read %s: %w", key, err)
	}
	return s, nil
}

// LoadAll reads records in one pipeline, in the order of their names. A record that
// does not exist has version 0.
func LoadAll[T any](ctx context.Context, s *Store, names []string) ([]Stored[T], error) {
	if len(names) == 0 {
		return nil, nil
	}
	cmds, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, key := range names {
			p.HMGet(ctx, key, "ver", "body")
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read %d records: %w", len(names), err)
	}
	all := make([]Stored[T], len(names))
	for i, cmd := range cmds {
		all[i], err = decode[T](names[i], cmd.(*redis.SliceCmd).Val())
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, err
		}
	}
	return all, nil
}
