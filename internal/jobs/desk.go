package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/audit"
	"ecsbot/internal/store"
)

// Ask makes a request of what a person wants, and owes its card to the
// channel. The same ask (by its Op) twice makes one request and returns it
// twice. A dry run makes none. What the person can mend comes back as a
// *approvals.Refusal; then nothing was made.
func (e *Engine) Ask(ctx context.Context, ask approvals.Ask) (approvals.Request, error) {
	if err := e.admit(&ask); err != nil {
		return approvals.Request{}, err
	}
	id, made, err := e.idFor(ctx, ask.OpID)
	if err != nil || made.ID != "" {
		return made, err
	}
	if !ask.DryRun {
		if err := e.roomForOpen(ctx, ask.By.ID); err != nil {
			return approvals.Request{}, err
		}
	}
	if err := e.countAsk(ctx, ask); err != nil {
		return approvals.Request{}, err
	}
	frozen, err := e.inventory.Resolve(ctx, ask, e.now())
	if err != nil {
		return approvals.Request{}, err
	}
	if err := e.unlocked(ctx, id, frozen); err != nil {
		return approvals.Request{}, err
	}
	r, err := approvals.New(id, ask, frozen, e.Policy, e.now())
	if err != nil || ask.DryRun {
		return r, err
	}
	return r, e.create(ctx, r, frozen, nil)
}

// admit refuses an ask that is for another project, or whose person may not ask.
// An ask that names no project is for this one.
func (e *Engine) admit(ask *approvals.Ask) error {
	ask.Project = cmp.Or(ask.Project, e.Project)
	if ask.Project != e.Project {
		return &approvals.Refusal{Kind: approvals.WrongProject, Asked: ask.Project, Known: e.Project}
	}
	return e.Policy.MayAsk(ask.By)
}

// Servers finds the servers that a person names and makes no request
// ([inventory.Inventory.Find]).
func (e *Engine) Servers(ctx context.Context, ask approvals.Ask) (found []approvals.Server, missing *approvals.Refusal, err error) {
	if err := e.admit(&ask); err != nil {
		return nil, nil, err
	}
	return e.inventory.Find(ctx, ask)
}

// Suggest finds up to n servers by what a person has typed so far
// ([inventory.Inventory.Suggest]).
func (e *Engine) Suggest(ctx context.Context, typed string, n int) ([]approvals.Server, error) {
	return e.inventory.Suggest(ctx, typed, n)
}

// WarmSuggestions begins to read what Suggest needs and returns at once.
func (e *Engine) WarmSuggestions(ctx context.Context) { e.inventory.Warm(ctx) }

// idFor finds an id for the request that op asks for, or the request that op
// has made before.
func (e *Engine) idFor(ctx context.Context, op string) (id string, made approvals.Request, err error) {
	for n := range 100 {
		id = approvals.IDFor(op, n)
		r, err := e.loadRequest(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			return id, made, nil
		}
		if err != nil {
			return "", made, err
		}
		if r.Body.CommandID == op {
			return id, r.Body, nil
		}
	}
	return "", made, errors.New("no free request id in 100 tries")
}

// create stores a new request with everything that follows from it, and whatever
// more adds to the change.
func (e *Engine) create(ctx context.Context, r approvals.Request, frozen approvals.ServerList, more func(*store.Change)) error {
	k := e.keys
	ch := store.NewChange().
		Write(k.request(r.ID), 0, r).
		Write(k.thread(r.ID), 0, thread{Channel: r.Channel}).
		Log(audit.Entry{Event: "asked", Request: r.ID, By: r.Requester, To: string(r.State), Count: r.Total, Digest: r.Digest, Reason: r.Reason, Worker: e.store.Worker()}).
		Also(tell(k, r.ID, e.note(approvals.Note{ID: r.ID + "/card", Topic: approvals.TopicCard, By: r.Requester}))).
		Wake(requestItem(r.ID), r.NextDue(e.RemindGap).Sub(r.Created))
	if r.State == approvals.Approved { // by the click that asked for it
		d := r.LastDecision()
		ch.Log(audit.Entry{Event: string(d.Choice), Request: r.ID, By: d.By, From: string(approvals.Pending), To: string(r.State), Digest: r.Digest, Worker: e.store.Worker()}).
			Also(tell(k, r.ID, e.approvedNote(r, d))).
			Wake(requestItem(r.ID), 0)
	}
	if r.Total > len(r.Sample) {
		ch.Also(tell(k, r.ID, e.note(approvals.Note{ID: r.ID + approvals.ListNote, Topic: approvals.TopicList, Count: r.Total})))
	}
	ch.Put(k.serverList(r.ID), frozen).Add(k.open(), r.ID, r.Created.UnixMilli())
	e.countOpen(ch, r)
	for _, s := range frozen.Servers {
		ch.Lock(r.ID, s.ID)
	}
	if more != nil {
		more(ch)
	}
	_, err := e.commit(ctx, ch)
	var taken store.Taken
	if errors.As(err, &taken) {
		return &approvals.Refusal{Kind: approvals.ServersTaken, Taken: taken}
	}
	if errors.Is(err, store.ErrTooMany) {
		return e.tooManyOpen()
	}
	if err != nil {
		return err
	}
	e.Metrics.moves.WithLabelValues(string(r.State)).Inc()
	return nil
}

// unlocked refuses if a server is part of another request. Those that would be
// left out count, too: one that another request is stopping right now looks
// just like one that is stopped already. What the very same ask has taken, done
// twice at once, is not another's. (The last word has the commit.)
func (e *Engine) unlocked(ctx context.Context, id string, f approvals.ServerList) error {
	var ids []string
	for _, s := range f.Servers {
		ids = append(ids, s.ID)
	}
	for _, l := range f.LeftOut {
		ids = append(ids, l.Server.ID)
	}
	if len(ids) == 0 {
		return nil
	}
	taken, err := e.store.Holders(ctx, ids...)
	if err != nil {
		return fmt.Errorf("read locks: %w", err)
	}
	maps.DeleteFunc(taken, func(_, holder string) bool { return holder == id })
	if len(taken) > 0 {
		return &approvals.Refusal{Kind: approvals.ServersTaken, Taken: taken}
	}
	return nil
}

// Approve counts p's yes to the request. op names the click or command; the
// same one twice counts once. What keeps it from counting is a
// *approvals.Refusal. The yeses of former approvers, who are none any more, do
// not count beside it.
func (e *Engine) Approve(ctx context.Context, id string, p approvals.Person, op string, former ...string) (approvals.Request, error) {
	return e.decide(ctx, id, op, func(r approvals.Request, now time.Time) (approvals.Request, error) {
		if _, err := r.Approve(p, e.Policy, op, now); err != nil {
			return r, err // told of the request as it stands
		}
		return r.VoidApprovalsOf(former).Approve(p, e.Policy, op, now)
	})
}

// Deny ends a pending request with p's no.
func (e *Engine) Deny(ctx context.Context, id string, p approvals.Person, reason, op string) (approvals.Request, error) {
	return e.decide(ctx, id, op, func(r approvals.Request, now time.Time) (approvals.Request, error) {
		return r.Deny(p, e.Policy, reason, op, now)
	})
}

// Cancel withdraws a pending request, or keeps a running one from sending more.
func (e *Engine) Cancel(ctx context.Context, id string, p approvals.Person, op string) (approvals.Request, error) {
	return e.decide(ctx, id, op, func(r approvals.Request, now time.Time) (approvals.Request, error) {
		return r.Cancel(p, e.Policy, op, now)
	})
}

// decide makes one decision: the method decides on the value, the store takes
// it only if nobody was faster, else it is decided anew on what is there now.
func (e *Engine) decide(ctx context.Context, id, op string, move func(approvals.Request, time.Time) (approvals.Request, error)) (approvals.Request, error) {
	for {
		r, err := e.loadRequest(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			return approvals.Request{}, &approvals.Refusal{Kind: approvals.NotFound, Request: approvals.Request{ID: id}}
		}
		if err != nil {
			return approvals.Request{}, err
		}
		if _, made := r.Body.DecisionByOp(op); made {
			return r.Body, nil
		}
		next, err := move(r.Body, e.now())
		if err != nil {
			return r.Body, err
		}
		ch, err := e.decision(ctx, r, next)
		if err != nil {
			return r.Body, err
		}
		switch _, err = e.commit(ctx, ch); {
		case errors.Is(err, store.ErrConflict):
			continue
		case errors.Is(err, store.ErrLate):
			return r.Body, &approvals.Refusal{Kind: approvals.TooLate, Request: r.Body}
		case err != nil:
			return r.Body, err
		}
		crashpoint("decision.committed")
		e.Metrics.moves.WithLabelValues(string(next.State)).Inc()
		return next, nil
	}
}

// decision is the change from r to next, which a person or the clock decided.
func (e *Engine) decision(ctx context.Context, r store.Stored[approvals.Request], next approvals.Request) (*store.Change, error) {
	ch := store.NewChange()
	d, err := e.writeDecision(ctx, ch, r, next)
	if err != nil {
		return nil, err
	}
	ch.Wake(requestItem(next.ID), 0)
	if d.Choice != approvals.ChoseApprove { // it holds back, or says what is so
		ch.EvenIfFull()
	}
	if r.Body.State == approvals.Pending && d.By != "" {
		// The last word on lateness is Redis's clock, the same for all replicas.
		ch.NotAfter(r.Body.Expires)
	}
	n := e.note(approvals.Note{By: d.By, Why: d.Reason, Count: next.Approvals()})
	switch d.Choice {
	case approvals.ChoseApprove:
		n = e.approvedNote(next, d)
	case approvals.ChoseDeny:
		n.Topic, n.ID = approvals.TopicDenied, next.ID+"/denied"
	case approvals.ChoseCancel:
		n.Topic, n.ID = approvals.TopicCancelled, next.ID+"/cancelled"
	case approvals.ChoseExpire:
		n.Topic, n.ID = approvals.TopicExpired, next.ID+"/expired"
	case approvals.ChoseServersOff, approvals.ChoseServersOn:
		n.Topic, n.ID, n.Count = approvals.TopicResolved, next.ID+"/settled", r.Body.Tally.Unknown
	case approvals.ChoseNoCard:
		return ch, nil // there is no thread to tell it in
	}
	return ch.Also(tell(e.keys, next.ID, n)), nil
}

// writeDecision adds to ch that r is next now, and what an end brings. It returns
// the decision.
func (e *Engine) writeDecision(ctx context.Context, ch *store.Change, r store.Stored[approvals.Request], next approvals.Request) (approvals.Decision, error) {
	d := next.LastDecision()
	if next.Cancellation != nil && r.Body.Cancellation == nil {
		d = *next.Cancellation
	}
	ch.Write(e.keys.request(next.ID), r.Ver, next).
		Log(audit.Entry{Event: string(d.Choice), Request: next.ID, By: d.By, From: string(r.Body.State), To: string(next.State), Digest: next.Digest, Reason: d.Reason, Worker: e.store.Worker()})
	if next.State.Final() {
		return d, e.endRequest(ctx, ch, next)
	}
	return d, nil
}

func (e *Engine) approvedNote(r approvals.Request, d approvals.Decision) approvals.Note {
	return e.note(approvals.Note{
		ID: fmt.Sprintf("%s/approved/%d", r.ID, r.Approvals()), Topic: approvals.TopicApproved,
		By: d.By, Why: d.Reason, Count: r.Approvals(),
	})
}

// Find returns a request as it stands, with the place of its thread, or a
// *approvals.Refusal.
func (e *Engine) Find(ctx context.Context, id string) (approvals.Request, error) {
	all, err := e.findAll(ctx, []string{id})
	if err != nil {
		return approvals.Request{}, err
	}
	if len(all) == 0 {
		return approvals.Request{}, &approvals.Refusal{Kind: approvals.NotFound, Request: approvals.Request{ID: id}}
	}
	return all[0], nil
}

// Batches returns all batches of a request, in order.
func (e *Engine) Batches(ctx context.Context, r approvals.Request) ([]approvals.Batch, error) {
	return e.loadBatches(ctx, r)
}

// listed is how many of the oldest, and how many of the newest requests a list
// has at most.
const listed = 100

// OpenRequests lists the requests that have not ended, the oldest first. Where there are
// very many it has the oldest and the newest of them and all of the user's own;
// more is how many there are besides.
func (e *Engine) OpenRequests(ctx context.Context, user string) (open []approvals.Request, more int, err error) {
	k := e.keys
	all, err := e.store.Size(ctx, k.open())
	if err != nil {
		return nil, 0, fmt.Errorf("list open requests: %w", err)
	}
	var ids []string
	for _, part := range []struct {
		key         string
		first, last int64
	}{{k.open(), 0, listed - 1}, {k.open(), -listed, -1}, {k.own(user), 0, -1}} {
		members, err := e.store.Range(ctx, part.key, part.first, part.last)
		if err != nil {
			return nil, 0, fmt.Errorf("list open requests: %w", err)
		}
		ids = append(ids, store.Names(members)...)
	}
	slices.Sort(ids)
	found, err := e.findAll(ctx, slices.Compact(ids))
	if err != nil {
		return nil, 0, err
	}
	open = slices.DeleteFunc(found, func(r approvals.Request) bool { return r.State.Final() })
	slices.SortFunc(open, func(a, b approvals.Request) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	return open, max(0, all-len(found)), nil
}

// findAll reads requests with their threads. Those that are gone are left out.
func (e *Engine) findAll(ctx context.Context, ids []string) ([]approvals.Request, error) {
	requests := make([]string, len(ids))
	threads := make([]string, len(ids))
	for i, id := range ids {
		requests[i], threads[i] = e.keys.request(id), e.keys.thread(id)
	}
	rs, err := store.LoadAll[approvals.Request](ctx, e.store, requests)
	if err != nil {
		return nil, err
	}
	ts, err := store.LoadAll[thread](ctx, e.store, threads)
	if err != nil {
		return nil, err
	}
	var all []approvals.Request
	for i, r := range rs {
		if r.Ver == 0 {
			continue
		}
		r.Body.Thread = approvals.Thread{Channel: ts[i].Body.Channel, TS: ts[i].Body.TS}
		all = append(all, r.Body)
	}
	return all, nil
}

// EndedRequests lists the last n requests that have ended, the newest first.
func (e *Engine) EndedRequests(ctx context.Context, n int) ([]approvals.Request, error) {
	members, err := e.store.Range(ctx, e.keys.ended(), int64(-n), -1)
	if err != nil {
		return nil, fmt.Errorf("list ended requests: %w", err)
	}
	slices.Reverse(members)
	return e.findAll(ctx, store.Names(members))
}
