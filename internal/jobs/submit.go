package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/audit"
	"ecsbot/internal/ecsclient"
	"ecsbot/internal/store"
)

// submit sends a queued batch: look at its servers, write permit and intent in
// one step, make one call, write its answer.
func (e *Engine) submit(ctx context.Context, c store.Lease, b store.Stored[approvals.Batch]) error {
	r, err := e.loadRequest(ctx, b.Body.Request)
	if err != nil {
		return err
	}
	if r.Body.Cancellation != nil {
		return e.cancelBatch(ctx, c, b)
	}
	if why := e.suspended.Load(); why != nil {
		e.clearWaiting(ctx, r.Body, b.Body) // for the limit: it waits for the store
		return e.waitForCause(ctx, c, b, b.Body, *why)
	}
	halt, err := e.loadFreeze(ctx)
	if err != nil {
		return err
	}
	if halt.Body.On {
		e.clearWaiting(ctx, r.Body, b.Body) // for the limit: it waits for people
		return e.waitForUnfreeze(ctx, c, r, b.Body, halt.Body)
	}
	if lapsed, err := e.lapse(ctx, c, r, b); err != nil || lapsed {
		return err
	}
	if size := min(e.BatchSize, e.Rate); len(b.Body.WithoutOutcome()) > size {
		return e.split(ctx, c, r, b, size)
	}
	if t, err := e.room(ctx, b.Body); err != nil || t != nil {
		if err == nil {
			err = e.noteWaiting(ctx, c, r, b.Body, t)
		}
		return err
	}
	defer e.clearWaiting(ctx, r.Body, b.Body)
	seen, err := e.readBeforeSend(ctx, b.Body.WithoutOutcome())
	if err != nil {
		return e.readFailed(ctx, c, r, b, err)
	}
	crashpoint("submit.looked")
	next, live := b.Body.Prepare(seen, e.Policy.Protection, e.store.LastLoss())
	if len(next.WithoutOutcome()) == 0 {
		return e.endBatch(ctx, c, b, next, nil)
	}
	if len(live) == 0 {
		// Only servers of an earlier, unclear try are left, and it is being done
		// to them right now.
		if e.now().Sub(next.IntentAt) > e.GiveUp {
			return e.endBatch(ctx, c, b, next.GiveUp(e.now()), nil)
		}
		return e.waitForCause(ctx, c, b, next, approvals.CauseInProgress)
	}
	return e.send(ctx, c, b, next, live, r, halt)
}

// readBeforeSend bounds the look at the servers so that the call after it has its
// full time within the step.
func (e *Engine) readBeforeSend(ctx context.Context, ids []string) (map[string]approvals.Server, error) {
	ctx, cancel := context.WithTimeout(ctx, e.Lease*2/5)
	defer cancel()
	return e.inventory.Read(ctx, ids)
}

// readFailed deals with servers that could not be read before their call. A
// certain no is the result; anything else is tried again, and told once. A large
// batch that takes too long to be read is cut in two.
func (e *Engine) readFailed(ctx context.Context, c store.Lease, r store.Stored[approvals.Request], b store.Stored[approvals.Batch], err error) error {
	if v := ecsclient.VerdictOf(err); v == ecsclient.Authentication || v == ecsclient.Refused {
		e.Log.ErrorContext(ctx, "the cloud refuses to show the servers", "request", b.Body.Request, "batch", b.Body.Index, "err", err)
		return e.refuse(ctx, c, b, b.Body, err)
	}
	e.Log.WarnContext(ctx, "servers could not be read before their call", "request", b.Body.Request, "batch", b.Body.Index, "err", err)
	if n := len(b.Body.WithoutOutcome()); n > slowBatch && errors.Is(err, context.DeadlineExceeded) {
		return e.split(ctx, c, r, b, (n+1)/2)
	}
	return e.waitForCause(ctx, c, b, b.Body, approvals.CauseUnreadable)
}

// slowBatch is up to how many servers a batch is not cut any further because
// reading them takes too long: so many are one page.
const slowBatch = 100

// split cuts a batch that is too large: for the settings, which were others
// when it was made, or for the time that its servers may be read in.
func (e *Engine) split(ctx context.Context, c store.Lease, r store.Stored[approvals.Request], b store.Stored[approvals.Batch], size int) error {
	if b.Body.FromNewer() {
		return e.waitForCause(ctx, c, b, b.Body, approvals.CauseNewerVersion)
	}
	kept, moved := b.Body.Split(size, r.Body.Batches)
	next := r.Body.AddBatches(len(moved))
	e.Log.InfoContext(ctx, "a batch is split", "request", kept.Request, "batch", kept.Index, "size", size, "new_batches", len(moved))
	ch := e.moveBatch(c, b, kept, "split").Release(0).
		Write(e.keys.request(next.ID), r.Ver, next).
		Wake(batchItem(kept.Request, moved[0].Index), 0)
	for _, m := range moved {
		ch.Write(e.keys.batch(m.Request, m.Index), 0, m)
	}
	_, err := e.commit(ctx, ch)
	return err
}

// cancelBatch ends a batch of a cancelled request. Servers of an earlier call
// whose answer was lost are looked at once more: that something of it was sent
// cannot be taken back.
func (e *Engine) cancelBatch(ctx context.Context, c store.Lease, b store.Stored[approvals.Batch]) error {
	lost := b.Body.InUnclearCall()
	var seen map[string]approvals.Server
	if len(lost) > 0 {
		var err error
		if seen, err = e.readBeforeSend(ctx, lost); err != nil {
			e.Log.WarnContext(ctx, "servers of a cancelled request could not be read", "request", b.Body.Request, "batch", b.Body.Index, "err", err)
			return e.waitForCause(ctx, c, b, b.Body, approvals.CauseUnreadable)
		}
	}
	next, wait := b.Body.Cancel(seen)
	if wait && e.now().Sub(b.Body.IntentAt) < e.GiveUp {
		return e.recheckLater(ctx, c, b, next, next.IntentAt, jittered(10*e.RetryIn/3))
	}
	next = next.GiveUp(e.now())
	if len(lost) == 0 {
		var err error
		if next, err = next.To(approvals.BatchCancelled); err != nil {
			return err
		}
	}
	return e.endBatch(ctx, c, b, next, nil)
}

// lapse ends the sending of a request whose approval is too old.
func (e *Engine) lapse(ctx context.Context, c store.Lease, r store.Stored[approvals.Request], b store.Stored[approvals.Batch]) (bool, error) {
	now := e.now()
	last := r.Body.LastBatchAt
	if b.Body.IntentAt.After(last) {
		last = b.Body.IntentAt
	}
	if _, old := r.Body.Lapse(last, now); !old {
		return false, nil
	}
	if b.Body.Index > 0 {
		before, err := store.Load[approvals.Batch](ctx, e.store, e.keys.batch(r.Body.ID, b.Body.Index-1))
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
	e.Log.WarnContext(ctx, "an approval became too old before it was acted on; nothing more is sent", "request", next.ID, "batch", b.Body.Index)
	_, err := e.commit(ctx, store.NewChange().FencedBy(c).Release(0).
		Write(e.keys.request(next.ID), r.Ver, next).
		Log(audit.Entry{Event: string(approvals.ChoseLapse), Request: next.ID, From: string(r.Body.State), To: string(next.State), Worker: e.store.Worker()}).
		Also(tell(e.keys, next.ID, e.note(approvals.Note{ID: next.ID + "/lapsed", Topic: approvals.TopicLapsed}))))
	return true, err
}

// waitForCause leaves a batch in the queue for a while, and tells people why, once.
// next has what was found out about its servers.
func (e *Engine) waitForCause(ctx context.Context, c store.Lease, b store.Stored[approvals.Batch], next approvals.Batch, why approvals.Cause) error {
	next.Trouble = why
	ch := store.NewChange().FencedBy(c).Release(jittered(e.RetryIn)).
		Quota(quota(next.Action)).LeaveQueue(next.Request) // one that waits for something else must not block the queue
	if marshal(next) != marshal(b.Body) {
		e.writeBatch(ch, b, next)
	}
	if b.Body.Trouble != why {
		ch.Also(tell(e.keys, next.Request, e.troubleNote(next)))
	}
	_, err := e.commit(ctx, ch)
	return err
}

func (e *Engine) troubleNote(b approvals.Batch) approvals.Note {
	return e.note(approvals.Note{
		ID:    fmt.Sprintf("%s/%d/trouble/%d", b.Request, b.Index, e.now().UnixMilli()),
		Topic: approvals.TopicTrouble, Batch: b.Index,
	}.Because(b.Trouble))
}

// room asks for a permit for the batch: nil if it may go, else how long it has
// to wait.
func (e *Engine) room(ctx context.Context, b approvals.Batch) (*store.NoRoom, error) {
	b.Attempt++ // the one that would be made now
	no, err := e.store.Room(ctx, quota(b.Action), e.permit(b, len(b.WithoutOutcome())))
	if no != nil {
		no.Wait = e.queueWait(no.Wait)
	}
	return no, err
}

// queueWait bounds a wait for a permit: calls that end early make room earlier than
// the log can tell, so it is asked again at least each second.
func (e *Engine) queueWait(wait time.Duration) time.Duration {
	return max(5*time.Millisecond, min(wait, e.Window/60))
}

func (e *Engine) permit(b approvals.Batch, cost int) store.Permit {
	return store.Permit{
		ID: fmt.Sprintf("%s/%d/%d", b.Request, b.Index, b.Attempt),
		// Those of this batch that are not sent do not count as still to come.
		Request: b.Request, Cost: cost, Rest: b.Remaining - len(b.Results) + cost, First: b.Index == 0,
		Limit: e.Rate, Reserve: e.reserve(), Soon: e.soon(),
	}
}

// maxIntentAge is how old an intent may be when its call is begun: an older one may
// belong to a process that slept while the world went on.
const maxIntentAge = 2 * time.Second

// send writes the intent, makes the call and writes what came of it. Looking
// took its time: the intent stands only if nobody has cancelled the request or
// put a freeze on meanwhile.
func (e *Engine) send(ctx context.Context, c store.Lease, b store.Stored[approvals.Batch], next approvals.Batch, live []string, r store.Stored[approvals.Request], halt store.Stored[approvals.Freeze]) error {
	// All waiting for the cloud is done before the intent, none after it.
	slot, err := e.slot(ctx)
	if err != nil {
		return e.readFailed(ctx, c, r, b, err)
	}
	// Run id, intent and confirmation over one connection: those of one process.
	via, err := e.store.Intend(ctx)
	if err != nil {
		return err
	}
	defer via.Close()
	began, wall := time.Now(), time.Now().Round(0)
	next.Attempt++
	p := e.permit(next, len(live))
	next.Permit, next.IntentAt = p.ID, e.now()
	sending := map[string]bool{}
	for _, id := range live {
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
	ch := e.moveBatch(c, b, next, "intent").NewWork().Permit(p).
		Expect(e.keys.freeze(), halt.Ver).Expect(e.keys.request(r.Body.ID), r.Ver)
	e.wakeNext(ch, next)
	crashpoint("submit.before")
	e.follow(ch, false)
	intent, err := via.Commit(ctx, ch)
	via.Close() // not held during the call
	if full := new(store.NoRoom); errors.As(err, &full) {
		e.release(ctx, c, e.queueWait(full.Wait), false)
		return nil
	}
	if errors.Is(err, store.ErrFull) {
		return e.waitForCause(ctx, c, b, b.Body, approvals.CauseStoreFull)
	}
	if err != nil {
		return err
	}
	crashpoint("submit.intended")
	mine := store.Stored[approvals.Batch]{Body: next, Ver: b.Ver + 1}

	if why := unsafeToSend(intent, began, wall); why != (approvals.Cause{}) {
		return e.requeueUnsent(ctx, c, mine, why, e.RetryIn)
	}
	job, err := e.call(ctx, slot, next.Action, live, r.Body.Mode, began.Add(maxIntentAge))
	crashpoint("submit.called")
	e.Metrics.submitted.WithLabelValues(verdict(err)).Inc()
	return e.answered(ctx, c, mine, job, err)
}

// slot waits for leave to make a call, but not so long that the call would not
// have its full time within the step.
func (e *Engine) slot(ctx context.Context) (ecsclient.Slot, error) {
	ctx, cancel := context.WithTimeout(ctx, e.Lease/10)
	defer cancel()
	return e.Cloud.Slot(ctx)
}

// call asks the cloud for the action, once, and not after before.
func (e *Engine) call(ctx context.Context, slot ecsclient.Slot, a approvals.Action, ids []string, mode approvals.Mode, before time.Time) (job string, err error) {
	if a == approvals.Start {
		return slot.Start(ctx, ids, before)
	}
	return slot.Stop(ctx, ids, ecsclient.StopType(mode), before)
}

func verdict(err error) string {
	if err == nil {
		return "ok"
	}
	return ecsclient.VerdictOf(err).String()
}

// unsafeToSend says why a call must not be made although its intent is written, or is zero.
func unsafeToSend(intent store.Receipt, began, wall time.Time) approvals.Cause {
	took := max(time.Since(began), time.Now().Round(0).Sub(wall))
	off := time.Until(intent.Now)
	switch {
	case intent.Restarted:
		// The process that granted the permit is gone or being left; the next one's
		// log may lack it.
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

// maxClockOffset is how far the two wall clocks may be apart. Jumps are found by the
// monotonic clock; this is for a clock that was never right.
const maxClockOffset = 10 * time.Second

// requeueUnsent puts a batch back in the queue whose call was surely not accepted,
// and gives its permit back. People are told once for each kind of trouble.
func (e *Engine) requeueUnsent(ctx context.Context, c store.Lease, b store.Stored[approvals.Batch], why approvals.Cause, in time.Duration) error {
	next, err := b.Body.Unsent().To(approvals.Queued)
	if err != nil {
		return err
	}
	next.Trouble = why
	ch := e.moveBatch(c, b, next, "withdrawn").Release(in)
	ch.StartWindow(next.Permit, 0)
	if why == approvals.CauseClocksDiffer || why == approvals.CauseClockJumped {
		// What is wrong with a clock blocks the permits: some may have ended too early.
		ch.StartWindow(next.Permit, e.window()).Block(e.window())
		if err := e.store.Block(ctx, e.window()); err != nil {
			return err
		}
	}
	if b.Body.Trouble != why {
		ch.Also(tell(e.keys, next.Request, e.troubleNote(next)))
	}
	e.Log.WarnContext(ctx, "batch put back in the queue", "request", next.Request, "batch", next.Index, "why", why, "in", in)
	_, err = e.commit(ctx, ch)
	return err
}

// answered writes what the cloud said to the call.
func (e *Engine) answered(ctx context.Context, c store.Lease, b store.Stored[approvals.Batch], job string, err error) error {
	ctx, cancel := e.persistContext(ctx, c)
	defer cancel()
	if err == nil {
		e.Log.InfoContext(ctx, "the cloud took a batch", "request", b.Body.Request, "batch", b.Body.Index, "job", job)
		return e.accepted(ctx, c, b, job)
	}
	e.Log.WarnContext(ctx, "the call was not accepted", "action", cmp.Or(b.Body.Action, "stop"), "request", b.Body.Request, "batch", b.Body.Index, "verdict", verdict(err), "err", err)
	api := new(ecsclient.Error)
	errors.As(err, &api)
	switch ecsclient.VerdictOf(err) {
	case ecsclient.NotAccepted:
		return e.requeueUnsent(ctx, c, b, approvals.CauseCloudBusy, max(api.RetryAfter, e.RetryIn))
	case ecsclient.Throttled:
		return e.throttled(ctx, c, b, api.RetryAfter)
	case ecsclient.Refused, ecsclient.Authentication:
		return e.refuse(ctx, c, b, b.Body, err)
	}
	return e.markAmbiguous(ctx, c, b, approvals.CauseAnswerLost, api.RequestID)
}

// persistContext gives what was learned all the time that there is to be written
// down: until the lease is nearly over, or until 2 s after the step was ended.
// An answer that is lost becomes a doubt.
func (e *Engine) persistContext(ctx context.Context, c store.Lease) (context.Context, context.CancelFunc) {
	enough := max(time.Second, time.Until(c.Until)-time.Second)
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

func (e *Engine) accepted(ctx context.Context, c store.Lease, b store.Stored[approvals.Batch], job string) error {
	next := b.Body
	next.JobID, next.SentAt, next.Polls, next.Trouble = job, e.now(), 0, approvals.Cause{}
	next, err := next.To(approvals.Running)
	if err != nil {
		return err
	}
	ch := e.moveBatch(c, b, next, "accepted").Release(jittered(e.Polls[0]))
	// With the anchor at the end the permit is held on: the job may take hours.
	counts := e.window()
	if e.Anchor == AnchorFinish {
		counts += max(e.GiveUp, e.MaxJobAge) + store.PermitLife
	}
	ch.StartWindow(next.Permit, counts)
	sent := 0
	for _, r := range next.Results {
		if r.SentInAttempt == next.Attempt {
			sent++
		}
	}
	ch.Also(tell(e.keys, next.Request, e.note(approvals.Note{ID: next.Permit + "/sent", Topic: approvals.TopicSent, Batch: next.Index, Job: job, Count: sent})))
	got, err := e.commit(ctx, ch)
	if err != nil {
		return err
	}
	crashpoint("submit.accepted")
	if got.PermitMissing {
		return e.permitMissing(ctx, next)
	}
	return nil
}

// permitMissing blocks the permits when one is missing that must be there: the
// log is not what it was.
func (e *Engine) permitMissing(ctx context.Context, b approvals.Batch) error {
	e.Log.ErrorContext(ctx, "a permit under way is missing in the log; nothing is sent for one window", "permit", b.Permit)
	return e.store.Block(ctx, e.window())
}

// throttled puts the batch back and blocks the permits of its kind: the cloud
// counts otherwise than we do, or others use the same quota.
func (e *Engine) throttled(ctx context.Context, c store.Lease, b store.Stored[approvals.Batch], after time.Duration) error {
	wait := max(after, e.window())
	if err := e.store.Block(ctx, wait, quota(b.Body.Action)); err != nil {
		return err
	}
	return e.requeueUnsent(ctx, c, b, approvals.CauseThrottled, e.queueWait(wait))
}

// refuse deals with a certain no. Servers that turn out to be unfit meanwhile
// explain it: they are left out, and the others go back to the queue. If none
// is, the cloud's own words are the result of each.
func (e *Engine) refuse(ctx context.Context, c store.Lease, b store.Stored[approvals.Batch], next approvals.Batch, refused error) error {
	api := new(ecsclient.Error)
	errors.As(refused, &api)
	again := false
	if api.Verdict == ecsclient.Refused {
		next, again = e.explained(ctx, next)
	}
	settled := func(ch *store.Change) {
		if next.Permit != "" {
			ch.StartWindow(next.Permit, e.window())
		}
	}
	if again {
		next, err := next.Unsent().To(approvals.Queued)
		if err != nil {
			return err
		}
		ch := e.moveBatch(c, b, next, "requeued").Release(e.RetryIn)
		settled(ch)
		_, err = e.commit(ctx, ch)
		return err
	}
	return e.endBatch(ctx, c, b, next.Refused(api.Code, api.Message), settled)
}

// explained looks at the servers of a refused call. Those that cannot be sent
// as they are now get that as their outcome. again reports that this explains
// the refusal, or that some are on their way by an earlier call: the others may
// be sent again.
func (e *Engine) explained(ctx context.Context, b approvals.Batch) (next approvals.Batch, again bool) {
	seen, err := e.inventory.Read(ctx, b.WithoutOutcome())
	if err != nil {
		e.Log.WarnContext(ctx, "servers could not be looked at after a refusal", "request", b.Request, "batch", b.Index, "err", err)
		return b, false
	}
	next, live := b.Unsent().Prepare(seen, e.Policy.Protection, time.Time{})
	open := len(next.WithoutOutcome())
	return next, open > 0 && (open < len(b.WithoutOutcome()) || len(live) < open)
}
