package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/audit"
	"ecsbot/internal/store"
)

// Approve counts p's approval of the request. op is the id of the click or command;
// the same one twice counts once. If the approval does not count, the error is a
// *approvals.Refusal. earlier are those who approved before, as they are now; an approval of
// somebody who has lost that right becomes void.
func (d *desk) Approve(ctx context.Context, id string, p approvals.Person, op string, earlier ...approvals.Person) (approvals.Request, error) {
	return d.decide(ctx, id, op, func(r approvals.Request, pol approvals.Policy, now time.Time) (approvals.Request, error) {
		list, err := d.listForRules(ctx, pol, r)
		if err != nil {
			return r, err
		}
		return r.Approve(p, pol, list, op, now, earlier...)
	})
}

// listForRules is the server list of a pending request, if rules need it.
func (d *desk) listForRules(ctx context.Context, pol approvals.Policy, r approvals.Request) (*approvals.ServerList, error) {
	if r.State != approvals.Pending || !r.NeedsList(pol) {
		return nil, nil
	}
	list, err := d.loadServerList(ctx, r.ID)
	return &list, err
}

// Deny ends a pending request because p says no.
func (d *desk) Deny(ctx context.Context, id string, p approvals.Person, reason, op string) (approvals.Request, error) {
	return d.decide(ctx, id, op, func(r approvals.Request, pol approvals.Policy, now time.Time) (approvals.Request, error) {
		return r.Deny(p, pol, reason, op, now)
	})
}

// Cancel withdraws a pending request, or stops a running one from sending more
// batches.
func (d *desk) Cancel(ctx context.Context, id string, p approvals.Person, op string) (approvals.Request, error) {
	return d.decide(ctx, id, op, func(r approvals.Request, pol approvals.Policy, now time.Time) (approvals.Request, error) {
		return r.Cancel(p, pol, op, now)
	})
}

// policyOf is the policy of the project that r is about. If it is not served any more,
// nobody is an approver.
func (d *desk) policyOf(r approvals.Request) approvals.Policy {
	if p := d.projects.of(r); p != nil {
		return p.Policy
	}
	return approvals.Policy{}
}

// decide makes one decision: move decides on the request as read, and the commit
// succeeds only if the request has not changed since. Otherwise it reads and decides
// again.
func (d *desk) decide(ctx context.Context, id, op string, move func(approvals.Request, approvals.Policy, time.Time) (approvals.Request, error)) (approvals.Request, error) {
	for {
		r, err := d.loadRequest(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			return approvals.Request{}, approvals.NoSuchRequest(id)
		}
		if err != nil {
			return approvals.Request{}, err
		}
		if _, made := r.Body.DecisionByOp(op); made {
			return r.Body, nil
		}
		next, err := move(r.Body, d.policyOf(r.Body), d.now())
		if errors.Is(err, approvals.ErrOtherList) {
			continue // it became shorter between the two reads
		}
		if err != nil {
			return r.Body, err
		}
		ch, err := d.decision(ctx, r, next)
		if err != nil {
			return r.Body, err
		}
		switch _, err = d.commit(ctx, ch); {
		case errors.Is(err, store.ErrConflict):
			continue
		case errors.Is(err, store.ErrLate):
			return r.Body, &approvals.Refusal{Kind: approvals.TooLate, Request: r.Body}
		case err != nil:
			return r.Body, err
		}
		crashpoint("decision.committed")
		d.cfg.Metrics.moves.WithLabelValues(string(next.State)).Inc()
		return next, nil
	}
}

// decision is the change from r to next, as decided by a person or the clock.
func (rs *records) decision(ctx context.Context, r store.Stored[approvals.Request], next approvals.Request) (*store.Change, error) {
	ch := store.NewChange()
	d, err := rs.writeDecision(ctx, ch, r, next)
	if err != nil {
		return nil, err
	}
	ch.Wake(requestItem(next.ID), 0)
	if d.Choice != approvals.ChoseApprove { // it stops something, or records a fact
		ch.EvenIfFull()
	}
	if r.Body.State == approvals.Pending && d.By != "" {
		// Redis's clock decides whether it is too late: it is the same for all replicas.
		ch.NotAfter(r.Body.Expires)
	}
	n := rs.note(approvals.Note{By: d.By, Why: d.Reason, Count: next.Approvals()})
	switch d.Choice {
	case approvals.ChoseApprove:
		n = rs.approvedNote(next, d)
	case approvals.ChoseDeny:
		n.Topic, n.ID = approvals.TopicDenied, next.ID+"/denied"
	case approvals.ChoseCancel:
		n.Topic, n.ID = approvals.TopicCancelled, next.ID+"/cancelled"
	case approvals.ChoseExpire:
		n.Topic, n.ID = approvals.TopicExpired, next.ID+"/expired"
	case approvals.ChoseServersOff, approvals.ChoseServersOn:
		n.Topic, n.ID, n.Count = approvals.TopicResolved, next.ID+"/settled", r.Body.Tally.Unknown
	case approvals.ChoseNoCard:
		return ch, nil // without a card there is no thread
	}
	return ch.Also(tell(rs.keys, next.ID, n)), nil
}

// writeDecision adds to ch that r becomes next, and what the end of a request needs.
// It returns the decision.
func (rs *records) writeDecision(ctx context.Context, ch *store.Change, r store.Stored[approvals.Request], next approvals.Request) (approvals.Decision, error) {
	d := next.LastDecision()
	if next.Cancellation != nil && r.Body.Cancellation == nil {
		d = *next.Cancellation
	}
	ch.Write(rs.keys.request(next.ID), r.Ver, next).
		Log(audit.Entry{Event: audit.Event(d.Choice), Request: next.ID, By: d.By, From: string(r.Body.State), To: string(next.State), Digest: next.Digest, Reason: d.Reason, Worker: rs.store.Worker()})
	if next.State.Final() {
		return d, rs.endRequest(ctx, ch, next)
	}
	return d, nil
}

func (rs *records) approvedNote(r approvals.Request, d approvals.Decision) approvals.Note {
	return rs.note(approvals.Note{
		ID: fmt.Sprintf("%s/approved/%d", r.ID, r.Approvals()), Topic: approvals.TopicApproved,
		By: d.By, Why: d.Reason, Count: r.Approvals(),
	})
}

// overtaken reports whether a note is obsolete: a reminder that waited in the outbox
// until the request was decided, or failures that the outcome tells.
func (rs *records) overtaken(n approvals.Note, r approvals.Request) bool {
	return n.Topic == approvals.TopicReminder && r.State != approvals.Pending ||
		n.Topic == approvals.TopicBatchFailed && r.State.Final()
}

// Resolve records a person's statement about the servers of an ended request whose
// outcome is unknown: run says that they run, else they are off.
func (d *desk) Resolve(ctx context.Context, id string, p approvals.Person, run bool, reason, op string) (approvals.Request, error) {
	return d.decide(ctx, id, op, func(r approvals.Request, pol approvals.Policy, now time.Time) (approvals.Request, error) {
		return r.Resolve(p, pol, run, reason, op, now)
	})
}
