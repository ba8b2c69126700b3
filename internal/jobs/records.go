package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"ecsbot/internal/approvals"

	"github.com/redis/go-redis/v9"
)

// errNoRecord says that there is no such record (any more).
var errNoRecord = errors.New("no such record")

// stored is a record as it was read: what it holds, and which version.
type stored[T any] struct {
	body T
	ver  uint64
}

func load[T any](ctx context.Context, e *Engine, key string) (stored[T], error) {
	var s stored[T]
	fields, err := e.rdb.HMGet(ctx, key, "ver", "body").Result()
	if err != nil {
		return s, fmt.Errorf("read %s: %w", key, err)
	}
	return decode[T](key, fields)
}

func decode[T any](key string, fields []any) (stored[T], error) {
	var s stored[T]
	ver, _ := fields[0].(string)
	body, _ := fields[1].(string)
	if ver == "" {
		return s, fmt.Errorf("read %s: %w", key, errNoRecord)
	}
	var err error
	if s.ver, err = strconv.ParseUint(ver, 10, 64); err != nil {
		return s, fmt.Errorf("read %s: %w", key, err)
	}
	if err := json.Unmarshal([]byte(body), &s.body); err != nil {
		return s, fmt.Errorf("read %s: %w", key, err)
	}
	return s, nil
}

// loadAll reads records in one go. Those that are gone are left out.
func loadAll[T any](ctx context.Context, e *Engine, names []string) ([]stored[T], error) {
	all, err := loadEach[T](ctx, e, names)
	return slices.DeleteFunc(all, func(s stored[T]) bool { return s.ver == 0 }), err
}

// loadEach reads records in one go, each in the place of its name. Those that
// are gone have version 0.
func loadEach[T any](ctx context.Context, e *Engine, names []string) ([]stored[T], error) {
	if len(names) == 0 {
		return nil, nil
	}
	cmds, err := e.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, key := range names {
			p.HMGet(ctx, key, "ver", "body")
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read %d records: %w", len(names), err)
	}
	all := make([]stored[T], len(names))
	for i, cmd := range cmds {
		all[i], err = decode[T](names[i], cmd.(*redis.SliceCmd).Val())
		if err != nil && !errors.Is(err, errNoRecord) {
			return nil, err
		}
	}
	return all, nil
}

func (e *Engine) loadRequest(ctx context.Context, id string) (stored[approvals.Request], error) {
	return load[approvals.Request](ctx, e, e.keys.request(id))
}

func (e *Engine) loadBatches(ctx context.Context, r approvals.Request) ([]approvals.Batch, error) {
	names := make([]string, r.Batches)
	for n := range names {
		names[n] = e.keys.batch(r.ID, n)
	}
	all, err := loadAll[approvals.Batch](ctx, e, names)
	if err != nil {
		return nil, err
	}
	batches := make([]approvals.Batch, len(all))
	for i, b := range all {
		batches[i] = b.body
	}
	return batches, nil
}

func (e *Engine) loadFrozen(ctx context.Context, id string) (approvals.Frozen, error) {
	var f approvals.Frozen
	body, err := e.rdb.Get(ctx, e.keys.frozen(id)).Result()
	if errors.Is(err, redis.Nil) {
		return f, fmt.Errorf("read servers of %s: %w", id, errNoRecord)
	}
	if err != nil {
		return f, fmt.Errorf("read servers of %s: %w", id, err)
	}
	if err := json.Unmarshal([]byte(body), &f); err != nil {
		return f, fmt.Errorf("read servers of %s: %w", id, err)
	}
	return f, nil
}

// Frozen returns the list that a request is about, or a *approvals.Refusal.
func (e *Engine) Frozen(ctx context.Context, id string) (approvals.Frozen, error) {
	f, err := e.loadFrozen(ctx, id)
	if errors.Is(err, errNoRecord) {
		r, err := e.loadRequest(ctx, id)
		if errors.Is(err, errNoRecord) {
			return f, &approvals.Refusal{Why: approvals.NotFound, Request: approvals.Request{ID: id}}
		}
		if err == nil {
			err = &approvals.Refusal{Why: approvals.ListGone, Request: r.body}
		}
		return f, err
	}
	return f, err
}

// keep is how long the records of an ended request stay. The list of servers of
// one that was never carried out is of no use after a day, and is most of it.
const (
	keep     = 30 * 24 * time.Hour
	keepList = 24 * time.Hour
)

// end adds to ch what every end of a request brings: its servers are free, it
// leaves the list of open ones, and its records go after a while.
func (e *Engine) end(ctx context.Context, ch *change, r approvals.Request) error {
	f, err := e.loadFrozen(ctx, r.ID)
	if err != nil {
		return err
	}
	ch.action, ch.Request, ch.Leave = r.Action, r.ID, r.ID
	ch.Trim = &trim{e.keys.ended(), e.now().Add(-keep).UnixMilli()}
	for _, s := range f.Servers {
		ch.Unlock = append(ch.Unlock, s.ID)
	}
	k := e.keys
	ch.Index = append(ch.Index,
		index{Key: k.open(), Member: r.ID, Out: true},
		index{Key: k.own(r.Requester), Member: r.ID, Out: true},
		index{Key: k.ended(), Member: r.ID, Score: r.Finished.UnixMilli()})
	names := []string{k.request(r.ID), k.thread(r.ID), k.owed(r.ID)}
	for n := range r.Batches {
		names = append(names, k.batch(r.ID, n))
	}
	for _, name := range names {
		ch.Expire = append(ch.Expire, expire{name, int64(keep.Seconds())})
	}
	list := keep
	if r.Batches == 0 {
		list = keepList
	}
	ch.Expire = append(ch.Expire, expire{k.frozen(r.ID), int64(list.Seconds())})
	return nil
}
