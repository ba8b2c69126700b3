package jobs

import (
	"cmp"
	"context"
	"errors"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/audit"
	"ecsbot/internal/ecsclient"
	"ecsbot/internal/store"
)

// throttled is an error with a Retry-After.
type throttled interface {
	error
	RetryAfter() time.Duration
}

// maxIntentAge is how old an intent may be when its call begins. The process of an
// older one may have been suspended while the servers changed.
const maxIntentAge = 2 * time.Second

// send commits the intent, makes the call and stores its result. Reading the servers
// took time: the intent is committed only if nobody has cancelled the request or put
// a freeze on meanwhile.
func (s *sender) send(ctx context.Context, lease store.Lease, b store.Stored[approvals.Batch], next approvals.Batch, toSend []string, r store.Stored[approvals.Request], freeze store.Stored[approvals.Freeze]) error {
	// All waiting for the cloud's rate limiter comes before the intent, none after it.
	slot, err := s.slot(ctx)
	if err != nil {
		return s.readFailed(ctx, lease, r, b, err)
	}
	// Run id, intent and confirmation use one connection, so they are of one process.
	via, err := s.store.Intend(ctx)
	if err != nil {
		return err
	}
	defer via.Close()
	began, wall := time.Now(), time.Now().Round(0)
	next.Attempt++
	p := s.permits.permit(next, len(toSend))
	next.Permit, next.IntentAt = p.ID, s.now()
	sending := map[string]bool{}
	for _, id := range toSend {
		sending[id] = true
	}
	for i := range next.Results {
		if sending[next.Results[i].Server.ID] {
			next.Results[i].Sent, next.Results[i].SentInAttempt = true, next.Attempt
		}
	}
	next, err = next.To(approvals.Submitting)
	if err != nil {
		return err
	}
	ch := s.moveBatch(lease, b, next, audit.Intent).NewWork().Permit(p).
		Expect(s.keys.freeze(), freeze.Ver).Expect(s.keys.request(r.Body.ID), r.Ver)
	s.wakeNext(ch, next)
	crashpoint("submit.before")
	s.follow(ch, false)
	intent, err := via.Commit(ctx, ch)
	via.Close() // not kept during the call
	if full, ok := errors.AsType[*store.NoRoom](err); ok {
		s.release(ctx, lease, s.permits.queueWait(full.Wait), false)
		return nil
	}
	if errors.Is(err, store.ErrFull) {
		return s.waitForCause(ctx, lease, b, b.Body, approvals.CauseStoreFull)
	}
	if err != nil {
		return err
	}
	crashpoint("submit.intended")
	written := store.Stored[approvals.Batch]{Body: next, Ver: b.Ver + 1}

	if cause := unsafeToSend(intent, began, wall); cause != (approvals.Cause{}) {
		return s.requeueUnsent(ctx, lease, written, cause, s.cfg.RetryIn)
	}
	job, err := s.call(ctx, slot, next.Action, toSend, r.Body.Mode, began.Add(maxIntentAge))
	crashpoint("submit.called")
	s.cfg.Metrics.submitted.WithLabelValues(verdict(err)).Inc()
	return s.answered(ctx, lease, written, job, err)
}

// slot waits for the cloud client's permission to make a call, with a time limit that
// leaves the call its full time within the step.
func (s *sender) slot(ctx context.Context) (ecsclient.Slot, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Lease/10)
	defer cancel()
	return s.Cloud.Slot(ctx)
}

// call makes the stop or start call, once, and not after the given time.
func (s *sender) call(ctx context.Context, slot ecsclient.Slot, a approvals.Action, ids []string, mode approvals.Mode, before time.Time) (job string, err error) {
	if a == approvals.Start {
		return slot.Start(ctx, ids, before)
	}
	return slot.Stop(ctx, ids, ecsclient.StopType(mode), before)
}

// verdict is the verdict on a call as a metric's label.
func verdict(err error) string {
	if err == nil {
		return "ok"
	}
	return ecsclient.VerdictOf(err).String()
}

// unsafeToSend returns why a call must not be made although its intent is committed;
// the zero cause if it may.
func unsafeToSend(intent store.Receipt, began, wall time.Time) approvals.Cause {
	took := max(time.Since(began), time.Now().Round(0).Sub(wall))
	off := time.Until(intent.Now)
	switch {
	case intent.Restarted:
		// The Redis process that granted the permit was replaced; the log of the new one
		// may lack it.
		return approvals.CauseStoreRestart
	case took > maxIntentAge:
		return approvals.CauseProcessPaused
	case intent.Ahead:
		return approvals.CauseClockJumped
	case off > maxClockOffset+took || off < -maxClockOffset-took:
		return approvals.CauseClocksDiffer
	case !intent.Confirmed:
		return approvals.CauseUnconfirmed
	}
	return approvals.Cause{}
}

// maxClockOffset is how far the wall clocks of Redis and of this machine may be apart.
// Jumps are detected by the monotonic clock; this detects a clock that was never
// right.
const maxClockOffset = 10 * time.Second

// requeueUnsent puts a batch back in the queue whose call was certainly not accepted,
// and returns its permit. The thread gets a note once for each cause.
func (s *sender) requeueUnsent(ctx context.Context, lease store.Lease, b store.Stored[approvals.Batch], cause approvals.Cause, in time.Duration) error {
	next, err := b.Body.Unsent().To(approvals.Queued)
	if err != nil {
		return err
	}
	next.Trouble = cause
	ch := s.moveBatch(lease, b, next, audit.RequeuedUnsent).Release(in)
	ch.StartWindow(next.Permit, 0)
	if cause == approvals.CauseClocksDiffer || cause == approvals.CauseClockJumped {
		// A wrong clock blocks permits: some may have ended too early.
		ch.StartWindow(next.Permit, s.cfg.window()).Block(s.cfg.window())
		if err := s.store.Block(ctx, s.cfg.window()); err != nil {
			return err
		}
	}
	if b.Body.Trouble != cause {
		ch.Also(tell(s.keys, next.Request, s.troubleNote(next)))
	}
	s.cfg.Log.WarnContext(ctx, "batch requeued: its call was not made or not accepted", "request", next.Request, "batch", next.Index, "cause", cause, "in", in)
	_, err = s.commit(ctx, ch)
	return err
}

// answered stores the cloud's answer to the call.
func (s *sender) answered(ctx context.Context, lease store.Lease, b store.Stored[approvals.Batch], job string, err error) error {
	ctx, cancel := s.persistContext(ctx, lease)
	defer cancel()
	if err == nil {
		s.cfg.Log.InfoContext(ctx, "the cloud accepted a batch", "request", b.Body.Request, "batch", b.Body.Index, "job", job)
		return s.accepted(ctx, lease, b, job)
	}
	s.cfg.Log.WarnContext(ctx, "the call was not accepted", "action", cmp.Or(b.Body.Action, "stop"), "request", b.Body.Request, "batch", b.Body.Index, "verdict", verdict(err), "err", err)
	api := apiError(err)
	switch ecsclient.VerdictOf(err) {
	case ecsclient.NotAccepted:
		return s.requeueUnsent(ctx, lease, b, approvals.CauseCloudBusy, max(api.RetryAfter, s.cfg.RetryIn))
	case ecsclient.Throttled:
		return s.throttled(ctx, lease, b, api.RetryAfter)
	case ecsclient.Refused, ecsclient.Authentication:
		return s.refuse(ctx, lease, b, b.Body, err)
	}
	return s.markAmbiguous(ctx, lease, b, approvals.CauseAnswerLost, api.RequestID)
}

// apiError is the cloud client's error, or an empty one.
func apiError(err error) *ecsclient.Error {
	if api, ok := errors.AsType[*ecsclient.Error](err); ok {
		return api
	}
	return &ecsclient.Error{}
}

func (s *sender) accepted(ctx context.Context, lease store.Lease, b store.Stored[approvals.Batch], job string) error {
	next := b.Body
	next.JobID, next.SentAt, next.Polls, next.Trouble = job, s.now(), 0, approvals.Cause{}
	next, err := next.To(approvals.Running)
	if err != nil {
		return err
	}
	ch := s.moveBatch(lease, b, next, audit.Accepted).Release(jittered(s.cfg.pollPause(0)))
	// With AnchorFinish the permit counts until the job ends, which may take hours.
	counts := s.cfg.window()
	if s.Anchor == AnchorFinish {
		counts += max(s.cfg.GiveUp, s.cfg.MaxJobAge) + store.PermitLife
	}
	ch.StartWindow(next.Permit, counts)
	sent := 0
	for _, r := range next.Results {
		if r.SentInAttempt == next.Attempt {
			sent++
		}
	}
	ch.Also(tell(s.keys, next.Request, s.note(approvals.Note{ID: next.Permit + "/sent", Topic: approvals.TopicSent, Batch: next.Index, Job: job, Count: sent})))
	got, err := s.commit(ctx, ch)
	if err != nil {
		return err
	}
	crashpoint("submit.accepted")
	if got.PermitMissing {
		return s.permits.permitMissing(ctx, next)
	}
	return nil
}

// throttled requeues the batch and blocks the permits of its quota, for at least the
// cloud's Retry-After: the cloud counts in another way than the bot, or others use
// the same quota.
func (s *sender) throttled(ctx context.Context, lease store.Lease, b store.Stored[approvals.Batch], retryAfter time.Duration) error {
	wait := max(retryAfter, s.cfg.window())
	if err := s.store.Block(ctx, wait, quotaName(b.Body.ProjectID, b.Body.Action)); err != nil {
		return err
	}
	return s.requeueUnsent(ctx, lease, b, approvals.CauseThrottled, s.permits.queueWait(wait))
}
