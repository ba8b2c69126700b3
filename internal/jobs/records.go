package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/store"
)

// records reads and changes the engine's records. Every part of the engine embeds it,
// and shares nothing else with other parts except its fields.
type records struct {
	cfg      Config
	store    *store.Store
	keys     keys
	projects *projects
}

// Projects are what people see of the projects that the bot serves now.
func (rs *records) Projects() approvals.Projects { return seen(rs.projects.all()) }

func (rs *records) loadRequest(ctx context.Context, id string) (store.Stored[approvals.Request], error) {
	return store.Load[approvals.Request](ctx, rs.store, rs.keys.request(id))
}

func (rs *records) loadBatches(ctx context.Context, r approvals.Request) ([]approvals.Batch, error) {
	names := make([]string, r.Batches)
	for n := range names {
		names[n] = rs.keys.batch(r.ID, n)
	}
	all, err := store.LoadAll[approvals.Batch](ctx, rs.store, names)
	if err != nil {
		return nil, err
	}
	batches := make([]approvals.Batch, 0, len(all))
	for _, b := range all {
		if b.Ver > 0 { // else it does not exist any more
			batches = append(batches, b.Body)
		}
	}
	return batches, nil
}

func (rs *records) loadServerList(ctx context.Context, id string) (approvals.ServerList, error) {
	var f approvals.ServerList
	if err := rs.store.Get(ctx, rs.keys.serverList(id), &f); err != nil {
		return f, fmt.Errorf("read servers of %s: %w", id, err)
	}
	return f, nil
}

// openIDs lists the requests that have not ended, the oldest first.
func (rs *records) openIDs(ctx context.Context) ([]string, error) {
	members, err := rs.store.Range(ctx, rs.keys.open(), 0, -1)
	if err != nil {
		return nil, fmt.Errorf("list open requests: %w", err)
	}
	return store.Names(members), nil
}

// How long the records of an ended request are kept. The server list of a request
// that was never carried out is useless after a day, and is most of its data.
const (
	keepRecords = 30 * 24 * time.Hour
	keepList    = 24 * time.Hour
)

// endRequest adds to ch what every end of a request needs: its servers are unlocked,
// it leaves the list of open requests, and its records expire.
func (rs *records) endRequest(ctx context.Context, ch *store.Change, r approvals.Request) error {
	f, err := rs.loadServerList(ctx, r.ID)
	if err != nil {
		return err
	}
	k := rs.keys
	ch.Quota(quotaName(r.ProjectID, r.Action)).LeaveQueue(r.ID).
		Trim(k.ended(), rs.now().Add(-keepRecords).UnixMilli()).
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
	keep := keepRecords
	if r.Batches == 0 {
		keep = keepList
	}
	ch.Expire(k.serverList(r.ID), keep)
	rs.oweStep(ch, r)
	return nil
}

// findAll reads requests with their threads. Requests that do not exist any more are
// left out.
func (rs *records) findAll(ctx context.Context, ids []string) ([]approvals.Request, error) {
	requests := make([]string, len(ids))
	threads := make([]string, len(ids))
	for i, id := range ids {
		requests[i], threads[i] = rs.keys.request(id), rs.keys.thread(id)
	}
	found, err := store.LoadAll[approvals.Request](ctx, rs.store, requests)
	if err != nil {
		return nil, err
	}
	ts, err := store.LoadAll[thread](ctx, rs.store, threads)
	if err != nil {
		return nil, err
	}
	var all []approvals.Request
	for i, r := range found {
		if r.Ver == 0 {
			continue
		}
		r.Body.Thread = approvals.Thread{Channel: ts[i].Body.Channel, TS: ts[i].Body.TS}
		all = append(all, r.Body)
	}
	return all, nil
}

// release releases an item without a change. It has a context of its own, because
// that of the step may have ended.
func (rs *records) release(ctx context.Context, lease store.Lease, in time.Duration, countsAsCrash bool) {
	// Retried while Redis is unreachable: else the item waits until its lease ends.
	ctx, cancel := rs.persistContext(ctx, lease)
	defer cancel()
	if err := rs.store.Release(ctx, lease, in, countsAsCrash); err != nil {
		rs.cfg.Log.WarnContext(ctx, "could not release an item; it is due again when its lease ends", "item", lease.Item, "err", err)
	}
}

// loadFreeze reads the freeze. Every intent expects its version
// ([store.Change.Expect]), so that no batch is sent after somebody has put it on.
func (rs *records) loadFreeze(ctx context.Context) (store.Stored[approvals.Freeze], error) {
	f, err := store.Load[approvals.Freeze](ctx, rs.store, rs.keys.freeze())
	if errors.Is(err, store.ErrNotFound) {
		return store.Stored[approvals.Freeze]{}, nil
	}
	return f, err
}

// note returns n with the current time.
func (rs *records) note(n approvals.Note) approvals.Note {
	n.At = rs.now()
	return n
}

// redrawHomes makes open Homes due for an update.
func (rs *records) redrawHomes(ch *store.Change) {
	ch.Signal(rs.keys.homesChanged(), rs.keys.homesOpened(), homesItem)
}

// persistContext is for storing the result of a call. It lasts until the lease is
// nearly over, or until 2 s after the step's context ended: an answer that is not
// stored makes the batch ambiguous.
func (rs *records) persistContext(ctx context.Context, lease store.Lease) (context.Context, context.CancelFunc) {
	enough := max(time.Second, time.Until(lease.Until)-time.Second)
	longer, cancel := context.WithTimeout(context.WithoutCancel(ctx), enough)
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-longer.Done():
		case <-time.After(2 * time.Second):
			cancel()
		}
	})
	return longer, func() { stop(); cancel() }
}
