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

// submit sends a queued batch: it reads the servers, commits permit and intent in one
// transaction, makes one call, and stores the answer.
func (s *sender) submit(ctx context.Context, lease store.Lease, b store.Stored[approvals.Batch]) error {
	r, err := s.loadRequest(ctx, b.Body.Request)
	if err != nil {
		return err
	}
	if r.Body.Cancellation != nil {
		return s.cancelBatch(ctx, lease, b)
	}
	if cause := s.suspended.Load(); cause != nil {
		s.permits.clearWaiting(ctx, r.Body, b.Body) // it waits for the store, not for the quota
		return s.waitForCause(ctx, lease, b, b.Body, *cause)
	}
	freeze, err := s.loadFreeze(ctx)
	if err != nil {
		return err
	}
	if freeze.Body.On {
		s.permits.clearWaiting(ctx, r.Body, b.Body) // it waits for people, not for the quota
		return s.waitForUnfreeze(ctx, lease, r, b.Body, freeze.Body)
	}
	if lapsed, err := s.lapse(ctx, lease, r, b); err != nil || lapsed {
		return err
	}
	if size := min(s.BatchSize, s.Rate); len(b.Body.WithoutOutcome()) > size {
		return s.split(ctx, lease, r, b, size)
	}
	if no, err := s.permits.room(ctx, b.Body); err != nil || no != nil {
		if err == nil {
			err = s.permits.noteWaiting(ctx, lease, r, b.Body, no)
		}
		return err
	}
	defer s.permits.clearWaiting(ctx, r.Body, b.Body)
	seen, err := s.readBeforeSend(ctx, b.Body.WithoutOutcome())
	if err != nil {
		return s.readFailed(ctx, lease, r, b, err)
	}
	crashpoint("submit.looked")
	next, toSend := b.Body.Prepare(seen, s.Policy.Protection, s.store.LastLoss())
	if len(next.WithoutOutcome()) == 0 {
		return s.endBatch(ctx, lease, b, next, nil)
	}
	if len(toSend) == 0 {
		// Only servers of an earlier, unclear call are left, and the action is in
		// progress on all of them.
		if s.now().Sub(next.IntentAt) > s.cfg.GiveUp {
			return s.endBatch(ctx, lease, b, next.GiveUp(s.now()), nil)
		}
		return s.waitForCause(ctx, lease, b, next, approvals.CauseInProgress)
	}
	return s.send(ctx, lease, b, next, toSend, r, freeze)
}

// readBeforeSend reads servers, with a time limit that leaves the call after it its
// full time within the step.
func (s *sender) readBeforeSend(ctx context.Context, ids []string) (map[string]approvals.Server, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Lease*2/5)
	defer cancel()
	return s.inventory.Read(ctx, ids)
}

// readFailed handles servers that could not be read before their call. If the cloud
// refuses, that is the result; any other error is retried, and reported once. A large
// batch that takes too long to read is split in two.
func (s *sender) readFailed(ctx context.Context, lease store.Lease, r store.Stored[approvals.Request], b store.Stored[approvals.Batch], err error) error {
	if v := ecsclient.VerdictOf(err); v == ecsclient.Authentication || v == ecsclient.Refused {
		s.cfg.Log.ErrorContext(ctx, "the cloud refuses to list the servers of a batch", "request", b.Body.Request, "batch", b.Body.Index, "err", err)
		return s.refuse(ctx, lease, b, b.Body, err)
	}
	s.cfg.Log.WarnContext(ctx, "servers of a batch could not be read before their call; the batch is retried", "request", b.Body.Request, "batch", b.Body.Index, "err", err)
	if n := len(b.Body.WithoutOutcome()); n > slowBatch && errors.Is(err, context.DeadlineExceeded) {
		return s.split(ctx, lease, r, b, (n+1)/2)
	}
	return s.waitForCause(ctx, lease, b, b.Body, approvals.CauseUnreadable)
}

// slowBatch is the number of servers up to which a batch is not split because reading
// them takes too long: they are one page.
const slowBatch = 100

// split splits a batch that is too large: for the settings, which have changed since
// it was made, or for reading its servers in time.
func (s *sender) split(ctx context.Context, lease store.Lease, r store.Stored[approvals.Request], b store.Stored[approvals.Batch], size int) error {
	if b.Body.FromNewer() {
		return s.waitForCause(ctx, lease, b, b.Body, approvals.CauseNewerVersion)
	}
	kept, moved := b.Body.Split(size, r.Body.Batches)
	next := r.Body.AddBatches(len(moved))
	s.cfg.Log.InfoContext(ctx, "batch split", "request", kept.Request, "batch", kept.Index, "size", size, "new_batches", len(moved))
	ch := s.moveBatch(lease, b, kept, audit.Split).Release(0).
		Write(s.keys.request(next.ID), r.Ver, next).
		Wake(batchItem(kept.Request, moved[0].Index), 0)
	for _, m := range moved {
		ch.Write(s.keys.batch(m.Request, m.Index), 0, m)
	}
	_, err := s.commit(ctx, ch)
	return err
}

// cancelBatch ends a queued batch of a cancelled request. Servers of an earlier call
// whose answer was lost are read once more: that call cannot be taken back.
func (s *sender) cancelBatch(ctx context.Context, lease store.Lease, b store.Stored[approvals.Batch]) error {
	unclear := b.Body.InUnclearCall()
	var seen map[string]approvals.Server
	if len(unclear) > 0 {
		var err error
		if seen, err = s.readBeforeSend(ctx, unclear); err != nil {
			s.cfg.Log.WarnContext(ctx, "servers of a cancelled request could not be read", "request", b.Body.Request, "batch", b.Body.Index, "err", err)
			return s.waitForCause(ctx, lease, b, b.Body, approvals.CauseUnreadable)
		}
	}
	next, wait := b.Body.Cancel(seen)
	if wait && s.now().Sub(b.Body.IntentAt) < s.cfg.GiveUp {
		return s.recheckLater(ctx, lease, b, next, next.IntentAt, jittered(10*s.cfg.RetryIn/3))
	}
	next = next.GiveUp(s.now())
	if len(unclear) == 0 {
		var err error
		if next, err = next.To(approvals.BatchCancelled); err != nil {
			return err
		}
	}
	return s.endBatch(ctx, lease, b, next, nil)
}

// lapse stops the sending of a request whose approval is too old.
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
	s.cfg.Log.WarnContext(ctx, "approval lapsed: it became too old before it was used; nothing more is sent", "request", next.ID, "batch", b.Body.Index)
	_, err := s.commit(ctx, store.NewChange().FencedBy(lease).Release(0).
		Write(s.keys.request(next.ID), r.Ver, next).
		Log(audit.Entry{Event: audit.Lapse, Request: next.ID, From: string(r.Body.State), To: string(next.State), Worker: s.store.Worker()}).
		Also(tell(s.keys, next.ID, s.note(approvals.Note{ID: next.ID + "/lapsed", Topic: approvals.TopicLapsed}))))
	return true, err
}

// waitForCause leaves a batch queued for a while, and reports the cause in the
// thread, once. next has what was found out about its servers.
func (ss *senders) waitForCause(ctx context.Context, lease store.Lease, b store.Stored[approvals.Batch], next approvals.Batch, cause approvals.Cause) error {
	next.Trouble = cause
	ch := store.NewChange().FencedBy(lease).Release(jittered(ss.cfg.RetryIn)).
		Quota(quotaName(next.ProjectID, next.Action)).LeaveQueue(next.Request) // a batch that waits for something else must not block the queue for permits
	if marshal(next) != marshal(b.Body) {
		ss.writeBatch(ch, b, next)
	}
	if b.Body.Trouble != cause {
		ch.Also(tell(ss.keys, next.Request, ss.troubleNote(next)))
	}
	_, err := ss.commit(ctx, ch)
	return err
}

func (ss *senders) troubleNote(b approvals.Batch) approvals.Note {
	return ss.note(approvals.Note{
		ID:    fmt.Sprintf("%s/%d/trouble/%d", b.Request, b.Index, ss.now().UnixMilli()),
		Topic: approvals.TopicTrouble, Batch: b.Index,
	}.Because(b.Trouble))
}

// waitForUnfreeze leaves a batch queued while a freeze is on, and reports that in its
// thread, once for each freeze and request.
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
