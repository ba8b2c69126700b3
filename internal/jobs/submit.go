package jobs

import (
	"context"
	"errors"
	"fmt"

	"ecsbot/internal/approvals"
	"ecsbot/internal/audit"
	"ecsbot/internal/ecsclient"
	"ecsbot/internal/store"
)

// submit sends a queued batch: look at its servers, write permit and intent in
// one step, make one call, write its answer.
func (s *sender) submit(ctx context.Context, lease store.Lease, b store.Stored[approvals.Batch]) error {
	r, err := s.loadRequest(ctx, b.Body.Request)
	if err != nil {
		return err
	}
	if r.Body.Cancellation != nil {
		return s.cancelBatch(ctx, lease, b)
	}
	if why := s.suspended.Load(); why != nil {
		s.permits.clearWaiting(ctx, r.Body, b.Body) // for the limit: it waits for the store
		return s.waitForCause(ctx, lease, b, b.Body, *why)
	}
	freeze, err := s.loadFreeze(ctx)
	if err != nil {
		return err
	}
	if freeze.Body.On {
		s.permits.clearWaiting(ctx, r.Body, b.Body) // for the limit: it waits for people
		return s.waitForUnfreeze(ctx, lease, r, b.Body, freeze.Body)
	}
	if lapsed, err := s.lapse(ctx, lease, r, b); err != nil || lapsed {
		return err
	}
	if size := min(s.cfg.BatchSize, s.cfg.Rate); len(b.Body.WithoutOutcome()) > size {
		return s.split(ctx, lease, r, b, size)
	}
	if t, err := s.permits.room(ctx, b.Body); err != nil || t != nil {
		if err == nil {
			err = s.permits.noteWaiting(ctx, lease, r, b.Body, t)
		}
		return err
	}
	defer s.permits.clearWaiting(ctx, r.Body, b.Body)
	seen, err := s.readBeforeSend(ctx, b.Body.WithoutOutcome())
	if err != nil {
		return s.readFailed(ctx, lease, r, b, err)
	}
	crashpoint("submit.looked")
	next, toSend := b.Body.Prepare(seen, s.cfg.Policy.Protection, s.store.LastLoss())
	if len(next.WithoutOutcome()) == 0 {
		return s.endBatch(ctx, lease, b, next, nil)
	}
	if len(toSend) == 0 {
		// Only servers of an earlier, unclear try are left, and it is being done
		// to them right now.
		if s.now().Sub(next.IntentAt) > s.cfg.GiveUp {
			return s.endBatch(ctx, lease, b, next.GiveUp(s.now()), nil)
		}
		return s.waitForCause(ctx, lease, b, next, approvals.CauseInProgress)
	}
	return s.send(ctx, lease, b, next, toSend, r, freeze)
}

// readBeforeSend bounds the look at the servers so that the call after it has its
// full time within the step.
func (s *sender) readBeforeSend(ctx context.Context, ids []string) (map[string]approvals.Server, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Lease*2/5)
	defer cancel()
	return s.inventory.Read(ctx, ids)
}

// readFailed deals with servers that could not be read before their call. A
// certain no is the result; anything else is tried again, and told once. A large
// batch that takes too long to be read is cut in two.
func (s *sender) readFailed(ctx context.Context, lease store.Lease, r store.Stored[approvals.Request], b store.Stored[approvals.Batch], err error) error {
	if v := ecsclient.VerdictOf(err); v == ecsclient.Authentication || v == ecsclient.Refused {
		s.cfg.Log.ErrorContext(ctx, "the cloud refuses to show the servers", "request", b.Body.Request, "batch", b.Body.Index, "err", err)
		return s.refuse(ctx, lease, b, b.Body, err)
	}
	s.cfg.Log.WarnContext(ctx, "servers could not be read before their call", "request", b.Body.Request, "batch", b.Body.Index, "err", err)
	if n := len(b.Body.WithoutOutcome()); n > slowBatch && errors.Is(err, context.DeadlineExceeded) {
		return s.split(ctx, lease, r, b, (n+1)/2)
	}
	return s.waitForCause(ctx, lease, b, b.Body, approvals.CauseUnreadable)
}

// slowBatch is up to how many servers a batch is not cut any further because
// reading them takes too long: so many are one page.
const slowBatch = 100

// split cuts a batch that is too large: for the settings, which were others
// when it was made, or for the time that its servers may be read in.
func (s *sender) split(ctx context.Context, lease store.Lease, r store.Stored[approvals.Request], b store.Stored[approvals.Batch], size int) error {
	if b.Body.FromNewer() {
		return s.waitForCause(ctx, lease, b, b.Body, approvals.CauseNewerVersion)
	}
	kept, moved := b.Body.Split(size, r.Body.Batches)
	next := r.Body.AddBatches(len(moved))
	s.cfg.Log.InfoContext(ctx, "a batch is split", "request", kept.Request, "batch", kept.Index, "size", size, "new_batches", len(moved))
	ch := s.moveBatch(lease, b, kept, audit.Split).Release(0).
		Write(s.keys.request(next.ID), r.Ver, next).
		Wake(batchItem(kept.Request, moved[0].Index), 0)
	for _, m := range moved {
		ch.Write(s.keys.batch(m.Request, m.Index), 0, m)
	}
	_, err := s.commit(ctx, ch)
	return err
}

// cancelBatch ends a batch of a cancelled request. Servers of an earlier call
// whose answer was lost are looked at once more: that something of it was sent
// cannot be taken back.
func (s *sender) cancelBatch(ctx context.Context, lease store.Lease, b store.Stored[approvals.Batch]) error {
	lost := b.Body.InUnclearCall()
	var seen map[string]approvals.Server
	if len(lost) > 0 {
		var err error
		if seen, err = s.readBeforeSend(ctx, lost); err != nil {
			s.cfg.Log.WarnContext(ctx, "servers of a cancelled request could not be read", "request", b.Body.Request, "batch", b.Body.Index, "err", err)
			return s.waitForCause(ctx, lease, b, b.Body, approvals.CauseUnreadable)
		}
	}
	next, wait := b.Body.Cancel(seen)
	if wait && s.now().Sub(b.Body.IntentAt) < s.cfg.GiveUp {
		return s.recheckLater(ctx, lease, b, next, next.IntentAt, jittered(10*s.cfg.RetryIn/3))
	}
	next = next.GiveUp(s.now())
	if len(lost) == 0 {
		var err error
		if next, err = next.To(approvals.BatchCancelled); err != nil {
			return err
		}
	}
	return s.endBatch(ctx, lease, b, next, nil)
}

// lapse ends the sending of a request whose approval is too old.
func (s *sender) lapse(ctx context.Context, lease store.Lease, r store.Stored[approvals.Request], b store.Stored[approvals.Batch]) (bool, error) {
	now := s.now()
	last := r.Body.LastBatchAt
	if b.Body.IntentAt.After(last) {
		last = b.Body.IntentAt
	}
	if _, old := r.Body.Lapse(last, now); !old {
		return false, nil
	}
	if b.Body.Index > 0 {
		before, err := store.Load[approvals.Batch](ctx, s.store, s.keys.batch(r.Body.ID, b.Body.Index-1))
		if err != nil {
			return false, err
		}
		if before.Body.IntentAt.After(last) {
			last = before.Body.IntentAt
		}
	}
	next, old := r.Body.Lapse(last, now)
	if !old {
		return false, nil
	}
	s.cfg.Log.WarnContext(ctx, "an approval became too old before it was acted on; nothing more is sent", "request", next.ID, "batch", b.Body.Index)
	_, err := s.commit(ctx, store.NewChange().FencedBy(lease).Release(0).
		Write(s.keys.request(next.ID), r.Ver, next).
		Log(audit.Entry{Event: audit.Lapse, Request: next.ID, From: string(r.Body.State), To: string(next.State), Worker: s.store.Worker()}).
		Also(tell(s.keys, next.ID, s.note(approvals.Note{ID: next.ID + "/lapsed", Topic: approvals.TopicLapsed}))))
	return true, err
}

// waitForCause leaves a batch in the queue for a while, and tells people why, once.
// next has what was found out about its servers.
func (s *sender) waitForCause(ctx context.Context, lease store.Lease, b store.Stored[approvals.Batch], next approvals.Batch, why approvals.Cause) error {
	next.Trouble = why
	ch := store.NewChange().FencedBy(lease).Release(jittered(s.cfg.RetryIn)).
		Quota(quotaName(next.Action)).LeaveQueue(next.Request) // one that waits for something else must not block the queue
	if marshal(next) != marshal(b.Body) {
		s.writeBatch(ch, b, next)
	}
	if b.Body.Trouble != why {
		ch.Also(tell(s.keys, next.Request, s.troubleNote(next)))
	}
	_, err := s.commit(ctx, ch)
	return err
}

func (s *sender) troubleNote(b approvals.Batch) approvals.Note {
	return s.note(approvals.Note{
		ID:    fmt.Sprintf("%s/%d/trouble/%d", b.Request, b.Index, s.now().UnixMilli()),
		Topic: approvals.TopicTrouble, Batch: b.Index,
	}.Because(b.Trouble))
}

// waitForUnfreeze leaves a batch in the queue while a freeze is on, and tells its
// thread, once for each freeze, however many batches wait.
func (s *sender) waitForUnfreeze(ctx context.Context, lease store.Lease, r store.Stored[approvals.Request], b approvals.Batch, f approvals.Freeze) error {
	if r.Body.FreezeTold == f.At.UnixMilli() {
		s.release(ctx, lease, jittered(s.cfg.RetryIn), false)
		return nil
	}
	next := r.Body
	next.FreezeTold = f.At.UnixMilli()
	_, err := s.commitProgress(ctx, store.NewChange().FencedBy(lease).Release(s.cfg.RetryIn).
		Write(s.keys.request(next.ID), r.Ver, next).
		Also(tell(s.keys, next.ID, s.note(approvals.Note{
			ID:    fmt.Sprintf("%s/held/%d", next.ID, next.FreezeTold),
			Topic: approvals.TopicFrozenBatch, Batch: b.Index, By: f.By, Why: f.Reason,
		}))))
	return err
}
