package jobs

import (
	"cmp"
	"context"
	"errors"

	"ecsbot/internal/approvals"
	"ecsbot/internal/store"
)

// StartStopped asks to start those servers that the request id has stopped and that
// are still off. It needs approval like a stop. Of ask only the person, the channels
// and the OpID are used.
func (d *desk) StartStopped(ctx context.Context, id string, ask approvals.Ask) (approvals.Request, error) {
	return d.askAgain(ctx, id, ask, func(old approvals.Request, pol approvals.Policy, batches []approvals.Batch) (approvals.Ask, []approvals.Server, error) {
		if err := pol.MayAsk(ask.By); err != nil {
			return ask, nil, err
		}
		ask.Action = approvals.Start
		servers := approvals.StoppedBy(batches)
		if old.Action != approvals.Stop || len(servers) == 0 {
			return ask, nil, &approvals.Refusal{Kind: approvals.NoneStopped, Request: old}
		}
		return ask, servers, nil
	})
}

// RetryFailed asks again for those servers of the request id that failed or were not
// sent. If the person may approve it and the old approval would still hold, the same
// click approves the new request.
func (d *desk) RetryFailed(ctx context.Context, id string, ask approvals.Ask) (approvals.Request, error) {
	return d.askAgain(ctx, id, ask, func(old approvals.Request, pol approvals.Policy, batches []approvals.Batch) (approvals.Ask, []approvals.Server, error) {
		// A person who may not ask may still approve: whether that matters is decided in
		// askAgain.
		if err := pol.MayAsk(ask.By); err != nil && pol.MayDecide(ask.By) != nil {
			return ask, nil, err
		}
		ask.Action, ask.Mode, ask.Reason = old.Action, old.Mode, old.Reason
		servers := approvals.FailedOf(batches)
		if old.RetriedBy != "" {
			return ask, nil, &approvals.Refusal{Kind: approvals.RetriedBefore, Request: old}
		}
		if len(servers) == 0 {
			return ask, nil, &approvals.Refusal{Kind: approvals.NoneFailed, Request: old}
		}
		return ask, servers, nil
	})
}

// askAgain makes a new request for servers of an old one that has ended. The new list
// contains only servers of the old one.
func (d *desk) askAgain(ctx context.Context, id string, ask approvals.Ask, pick func(approvals.Request, approvals.Policy, []approvals.Batch) (approvals.Ask, []approvals.Server, error)) (approvals.Request, error) {
	fresh, made, err := d.idFor(ctx, ask.OpID)
	if err != nil || made.ID != "" {
		return made, err
	}
	old, err := d.loadRequest(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return approvals.Request{}, approvals.NoSuchRequest(id)
	}
	if err != nil {
		return approvals.Request{}, err
	}
	p := d.projects.of(old.Body)
	if p == nil {
		return approvals.Request{}, &approvals.Refusal{Kind: approvals.ProjectGone, Request: old.Body}
	}
	if !old.Body.State.Final() {
		return approvals.Request{}, &approvals.Refusal{Kind: approvals.NotEnded, Request: old.Body}
	}
	batches, err := d.loadBatches(ctx, old.Body)
	if err != nil {
		return approvals.Request{}, err
	}
	next, servers, err := pick(old.Body, p.Policy, batches)
	if err != nil {
		return approvals.Request{}, err
	}
	next.FollowUpOf, next.Project, next.ProjectID = old.Body.ID, p.Name, p.RecordID
	next.Ticket = cmp.Or(next.Ticket, old.Body.Ticket)
	now := d.now()
	renewed := next.Action == old.Body.Action && old.Body.CarriesApproval(ask.By, p.Policy, now) && mayStillAsk(p.Policy, old.Body, ask)
	if !renewed { // else the request belongs to the old requester
		if err := p.Policy.MayAsk(ask.By); err != nil {
			return approvals.Request{}, err
		}
		if err := d.roomForOpen(ctx, p.Policy, ask.By.ID); err != nil {
			return approvals.Request{}, err
		}
	}
	if err := d.countAsk(ctx, p.Policy, ask); err != nil {
		return approvals.Request{}, err
	}
	list, err := p.inventory.Recheck(ctx, next.Action, servers, p.Policy.Protection, d.now())
	if err != nil {
		return approvals.Request{}, err
	}
	if renewed {
		// The requester stays the same person; the click is the approval.
		if ask.By.ID != old.Body.Requester {
			next.By = ask.PreviousRequester
		}
		next.ResponseURL = "" // it belongs to the person who clicked
	}
	r, err := approvals.New(fresh, next, list, p.Policy, now)
	if err != nil {
		return r, err
	}
	if renewed && r.State == approvals.Pending {
		if r, err = r.Approve(ask.By, p.Policy, &list, ask.OpID, now); err != nil {
			return r, err
		}
	}
	return r, d.create(ctx, p.Policy, r, list, func(ch *store.Change) {
		if r.Action != old.Body.Action {
			return // a start is no retry of a stop
		}
		// A request is retried once: a second click, however late, is refused. What fails
		// again is a matter of the new request.
		retried := old.Body
		retried.RetriedBy = r.ID
		ch.Write(d.keys.request(retried.ID), old.Ver, retried)
	})
}

// mayStillAsk reports whether the requester of old may ask now: no click may retry a
// request of a person who has lost the right to ask.
func mayStillAsk(pol approvals.Policy, old approvals.Request, ask approvals.Ask) bool {
	for _, p := range []approvals.Person{ask.By, ask.PreviousRequester} {
		if p.ID == old.Requester {
			return pol.MayAsk(p) == nil
		}
	}
	return false
}
