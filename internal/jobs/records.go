package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/store"
)

func (e *Engine) loadRequest(ctx context.Context, id string) (store.Stored[approvals.Request], error) {
	return store.Load[approvals.Request](ctx, e.store, e.keys.request(id))
}

func (e *Engine) loadBatches(ctx context.Context, r approvals.Request) ([]approvals.Batch, error) {
	names := make([]string, r.Batches)
	for n := range names {
		names[n] = e.keys.batch(r.ID, n)
	}
	all, err := store.LoadAll[approvals.Batch](ctx, e.store, names)
	if err != nil {
		return nil, err
	}
	batches := make([]approvals.Batch, 0, len(all))
	for _, b := range all {
		if b.Ver > 0 { // else it is gone
			batches = append(batches, b.Body)
		}
	}
	return batches, nil
}

func (e *Engine) loadFrozen(ctx context.Context, id string) (approvals.ServerList, error) {
	var f approvals.ServerList
	if err := e.store.Get(ctx, e.keys.serverList(id), &f); err != nil {
		return f, fmt.Errorf("read servers of %s: %w", id, err)
	}
	return f, nil
}

// openIDs lists the requests that have not ended, the oldest first.
func (e *Engine) openIDs(ctx context.Context) ([]string, error) {
	members, err := e.store.Range(ctx, e.keys.open(), 0, -1)
	if err != nil {
		return nil, fmt.Errorf("list open requests: %w", err)
	}
	return store.Names(members), nil
}

// ServerList returns the list that a request is about, or a *approvals.Refusal.
func (e *Engine) ServerList(ctx context.Context, id string) (approvals.ServerList, error) {
	f, err := e.loadFrozen(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		r, err := e.loadRequest(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			return f, &approvals.Refusal{Kind: approvals.NotFound, Request: approvals.Request{ID: id}}
		}
		if err == nil {
			err = &approvals.Refusal{Kind: approvals.ListGone, Request: r.Body}
		}
		return f, err
	}
	return f, err
}

// keep is how long the records of an ended request stay. The list of servers of
// one that was never carried out is of no use after a day, and is most of it.
const (
	keepRecords = 30 * 24 * time.Hour
	keepList    = 24 * time.Hour
)

// endRequest adds to ch what every end of a request brings: its servers are free, it
// leaves the list of open ones, and its records go after a while.
func (e *Engine) endRequest(ctx context.Context, ch *store.Change, r approvals.Request) error {
	f, err := e.loadFrozen(ctx, r.ID)
	if err != nil {
		return err
	}
	k := e.keys
	ch.Quota(quota(r.Action)).LeaveQueue(r.ID).
		Trim(k.ended(), e.now().Add(-keepRecords).UnixMilli()).
		Remove(k.open(), r.ID).
		Remove(k.own(r.Requester), r.ID).
		Add(k.ended(), r.ID, r.Finished.UnixMilli())
	for _, s := range f.Servers {
		ch.Unlock(r.ID, s.ID)
	}
	names := []string{k.request(r.ID), k.thread(r.ID), k.outbox(r.ID)}
	for n := range r.Batches {
		names = append(names, k.batch(r.ID, n))
	}
	for _, name := range names {
		ch.Expire(name, keepRecords)
	}
	list := keepRecords
	if r.Batches == 0 {
		list = keepList
	}
	ch.Expire(k.serverList(r.ID), list)
	return nil
}
