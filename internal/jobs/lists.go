package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"ecsbot/internal/approvals"
	"ecsbot/internal/store"
)

// Find returns a request with the place of its thread, or a *approvals.Refusal.
func (d *desk) Find(ctx context.Context, id string) (approvals.Request, error) {
	all, err := d.findAll(ctx, []string{id})
	if err != nil {
		return approvals.Request{}, err
	}
	if len(all) == 0 {
		return approvals.Request{}, approvals.NoSuchRequest(id)
	}
	return all[0], nil
}

// Batches returns all batches of a request, in order.
func (d *desk) Batches(ctx context.Context, r approvals.Request) ([]approvals.Batch, error) {
	return d.loadBatches(ctx, r)
}

// listed is how many of the oldest, and how many of the newest, requests a list
// contains at most.
const listed = 100

// OpenRequests lists the requests that have not ended, the oldest first. If there are
// more than 200 it lists the 100 oldest, the 100 newest and all of the user's own;
// more is how many others there are.
func (d *desk) OpenRequests(ctx context.Context, user string) (open []approvals.Request, more int, err error) {
	k := d.keys
	all, err := d.store.Size(ctx, k.open())
	if err != nil {
		return nil, 0, fmt.Errorf("list open requests: %w", err)
	}
	var ids []string
	for _, part := range []struct {
		key         string
		first, last int64
	}{{k.open(), 0, listed - 1}, {k.open(), -listed, -1}, {k.own(user), 0, -1}} {
		members, err := d.store.Range(ctx, part.key, part.first, part.last)
		if err != nil {
			return nil, 0, fmt.Errorf("list open requests: %w", err)
		}
		ids = append(ids, store.Names(members)...)
	}
	slices.Sort(ids)
	found, err := d.findAll(ctx, slices.Compact(ids))
	if err != nil {
		return nil, 0, err
	}
	open = slices.DeleteFunc(found, func(r approvals.Request) bool { return r.State.Final() })
	slices.SortFunc(open, func(a, b approvals.Request) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	return open, max(0, all-len(found)), nil
}

// EndedRequests lists the last n requests that have ended, the newest first.
func (d *desk) EndedRequests(ctx context.Context, n int) ([]approvals.Request, error) {
	members, err := d.store.Range(ctx, d.keys.ended(), int64(-n), -1)
	if err != nil {
		return nil, fmt.Errorf("list ended requests: %w", err)
	}
	slices.Reverse(members)
	return d.findAll(ctx, store.Names(members))
}

// ServerList returns the server list of a request, or a *approvals.Refusal.
func (d *desk) ServerList(ctx context.Context, id string) (approvals.ServerList, error) {
	f, err := d.loadServerList(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		r, err := d.loadRequest(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			return f, approvals.NoSuchRequest(id)
		}
		if err == nil {
			err = &approvals.Refusal{Kind: approvals.ListGone, Request: r.Body}
		}
		return f, err
	}
	return f, err
}
