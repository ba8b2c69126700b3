package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/store"
)

// StartStopped asks for just those servers to be started that the request id has
// stopped and that still are off. It needs approval like a stop. Of ask only
// who, where and the op count.
func (e *Engine) StartStopped(ctx context.Context, id string, ask approvals.Ask) (approvals.Request, error) {
	if err := e.Policy.MayAsk(ask.By); err != nil {
		return approvals.Request{}, err
	}
	return e.askAgain(ctx, id, ask, func(old approvals.Request, batches []approvals.Batch) (approvals.Ask, []approvals.Server, error) {
		ask.Action = approvals.Start
		servers := approvals.StoppedBy(batches)
		if old.Action != approvals.Stop || len(servers) == 0 {
			return ask, nil, &approvals.Refusal{Kind: approvals.NoneStopped, Request: old}
		}
		return ask, servers, nil
	})
}

// RetryFailed asks for those servers of the request id again that failed or were not
// sent. Where the person may approve it and the old approval would still hold,
// the new request is approved by the same click.
func (e *Engine) RetryFailed(ctx context.Context, id string, ask approvals.Ask) (approvals.Request, error) {
	// Who may not ask may still approve; which of both it is shows below.
	if err := e.Policy.MayAsk(ask.By); err != nil && e.Policy.MayDecide(ask.By) != nil {
		return approvals.Request{}, err
	}
	return e.askAgain(ctx, id, ask, func(old approvals.Request, batches []approvals.Batch) (approvals.Ask, []approvals.Server, error) {
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

// askAgain makes a new request for servers of an old one that has ended.
// Nothing that was not in the old one's list can come into the new one's.
func (e *Engine) askAgain(ctx context.Context, id string, ask approvals.Ask, pick func(approvals.Request, []approvals.Batch) (approvals.Ask, []approvals.Server, error)) (approvals.Request, error) {
	fresh, made, err := e.idFor(ctx, ask.OpID)
	if err != nil || made.ID != "" {
		return made, err
	}
	old, err := e.loadRequest(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return approvals.Request{}, &approvals.Refusal{Kind: approvals.NotFound, Request: approvals.Request{ID: id}}
	}
	if err != nil {
		return approvals.Request{}, err
	}
	if !old.Body.State.Final() {
		return approvals.Request{}, &approvals.Refusal{Kind: approvals.NotEnded, Request: old.Body}
	}
	batches, err := e.loadBatches(ctx, old.Body)
	if err != nil {
		return approvals.Request{}, err
	}
	next, servers, err := pick(old.Body, batches)
	if err != nil {
		return approvals.Request{}, err
	}
	next.FollowUpOf, next.Project = old.Body.ID, e.Project
	now := e.now()
	renewed := next.Action == old.Body.Action && old.Body.CarriesApproval(ask.By, e.Policy, now) && e.mayStillAsk(old.Body, ask)
	if !renewed { // else it is not the clicker's own request
		if err := e.Policy.MayAsk(ask.By); err != nil {
			return approvals.Request{}, err
		}
		if err := e.roomForOpen(ctx, ask.By.ID); err != nil {
			return approvals.Request{}, err
		}
	}
	if err := e.countAsk(ctx, ask); err != nil {
		return approvals.Request{}, err
	}
	frozen, err := e.inventory.Recheck(ctx, next.Action, servers, e.now())
	if err != nil {
		return approvals.Request{}, err
	}
	if renewed {
		// The wish stays that of who had it first; the click is the approval.
		next.By = approvals.Person{ID: old.Body.Requester}
		next.ResponseURL = "" // it leads to whoever clicked
	}
	r, err := approvals.New(fresh, next, frozen, e.Policy, now)
	if err != nil {
		return r, err
	}
	if renewed {
		if r, err = r.Approve(ask.By, e.Policy, ask.OpID, now); err != nil {
			return r, err
		}
	}
	return r, e.create(ctx, r, frozen, func(ch *store.Change) {
		if r.Action != old.Body.Action {
			return // starting again is not trying again
		}
		// The rest is tried again once: a second click, however late, finds that
		// somebody was faster. What is left then is the new request's.
		tried := old.Body
		tried.RetriedBy = r.ID
		ch.Write(e.keys.request(tried.ID), old.Ver, tried)
	})
}

// mayStillAsk reports whether the requester of old may ask now: nobody's click
// renews the wish of somebody who has lost the right to have it.
func (e *Engine) mayStillAsk(old approvals.Request, ask approvals.Ask) bool {
	for _, p := range []approvals.Person{ask.By, ask.PreviousRequester} {
		if p.ID == old.Requester {
			return e.Policy.MayAsk(p) == nil
		}
	}
	return false
}

// Resolve takes a person's word for the servers of an ended request of which it
// could not be found out what became of them.
func (e *Engine) Resolve(ctx context.Context, id string, p approvals.Person, run bool, reason, op string) (approvals.Request, error) {
	return e.decide(ctx, id, op, func(r approvals.Request, now time.Time) (approvals.Request, error) {
		return r.Resolve(p, e.Policy, run, reason, op, now)
	})
}

// failureNote tells of the servers of a batch that failed; the first one's code
// and reason stand for all, the outcome has each.
func (e *Engine) failureNote(b approvals.Batch) (n approvals.Note, failed bool) {
	n = e.note(approvals.Note{
		ID: fmt.Sprintf("%s/%d/failed", b.Request, b.Index), Topic: approvals.TopicBatchFailed, Batch: b.Index, Job: b.JobID,
	})
	for _, r := range b.Results {
		if r.Outcome != approvals.ActionFailed {
			continue
		}
		if n.Count == 0 {
			n.Code, n.Why = r.Code, r.Detail
		}
		n.Count++
	}
	return n, n.Count > 0
}
