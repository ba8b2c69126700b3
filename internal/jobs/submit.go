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

	"github.com/redis/go-redis/v9"
)

// submit sends a queued batch: look at its servers, write permit and intent in
// one step, make one call, write its answer.
func (e *Engine) submit(ctx context.Context, c claim, b stored[approvals.Batch]) error {
	r, err := e.loadRequest(ctx, b.body.Request)
	if err != nil {
		return err
	}
	if r.body.Stop != nil {
		return e.cancelBatch(ctx, c, b)
	}
	if why := e.held.Load(); why != nil {
		e.waitsNoMore(ctx, r.body, b.body) // for the limit: it waits for the store
		return e.waitFor(ctx, c, b, b.body, *why)
	}
	halt, err := e.loadFreeze(ctx)
	if err != nil {
		return err
	}
	if halt.body.On {
		e.waitsNoMore(ctx, r.body, b.body) // for the limit: it waits for people
		return e.waitForThaw(ctx, c, r, b.body, halt.body)
	}
	if lapsed, err := e.lapse(ctx, c, r, b); err != nil || lapsed {
		return err
	}
	if size := min(e.BatchSize, e.Rate); len(b.body.Waiting()) > size {
		return e.split(ctx, c, r, b, size)
	}
	if t, err := e.room(ctx, b.body); err != nil || t.wait > 0 {
		if err == nil {
			err = e.waitsForLimit(ctx, c, r, b.body, t)
		}
		return err
	}
	defer e.waitsNoMore(ctx, r.body, b.body)
	seen, err := e.lookBefore(ctx, b.body.Waiting())
	if err != nil {
		return e.unseen(ctx, c, r, b, err)
	}
	crashpoint("submit.looked")
	next, live := b.body.Prepare(seen, e.Policy.Protection, time.UnixMilli(e.since.Load()))
	if len(next.Waiting()) == 0 {
		return e.endBatch(ctx, c, b, next, nil)
	}
	if len(live) == 0 {
		// Only servers of an earlier, unclear try are left, and it is being done
		// to them right now.
		if e.now().Sub(next.Intent) > e.GiveUp {
			return e.endBatch(ctx, c, b, next.GiveUp(e.now()), nil)
		}
		return e.waitFor(ctx, c, b, next, "it is being done to its servers right now")
	}
	return e.send(ctx, c, b, next, live, r, halt)
}

// lookBefore bounds the look at the servers so that the call after it has its
// full time within the step.
func (e *Engine) lookBefore(ctx context.Context, ids []string) (map[string]approvals.Server, error) {
	ctx, cancel := context.WithTimeout(ctx, e.Lease*2/5)
	defer cancel()
	return e.inventory.Read(ctx, ids)
}

// unseen deals with servers that could not be read before their call. A
// certain no is the result; anything else is tried again, and told once. A large
// batch that takes too long to be read is cut in two.
func (e *Engine) unseen(ctx context.Context, c claim, r stored[approvals.Request], b stored[approvals.Batch], err error) error {
	if v := ecsclient.VerdictOf(err); v == ecsclient.Authentication || v == ecsclient.Refused {
		e.Log.ErrorContext(ctx, "the cloud refuses to show the servers", "request", b.body.Request, "batch", b.body.N, "err", err)
		return e.refuse(ctx, c, b, b.body, err)
	}
	e.Log.WarnContext(ctx, "servers could not be read before their call", "request", b.body.Request, "batch", b.body.N, "err", err)
	if n := len(b.body.Waiting()); n > slowBatch && errors.Is(err, context.DeadlineExceeded) {
		return e.split(ctx, c, r, b, (n+1)/2)
	}
	return e.waitFor(ctx, c, b, b.body, "the cloud does not show the servers")
}

// slowBatch is up to how many servers a batch is not cut any further because
// reading them takes too long: so many are one page.
const slowBatch = 100

// split cuts a batch that is too large: for the settings, which were others
// when it was made, or for the time that its servers may be read in.
func (e *Engine) split(ctx context.Context, c claim, r stored[approvals.Request], b stored[approvals.Batch], size int) error {
	if b.body.FromNewer() {
		return e.waitFor(ctx, c, b, b.body, "a newer version of this bot has to carry it on")
	}
	kept, moved := b.body.Split(size, r.body.Batches)
	next := r.body.MoreBatches(len(moved))
	e.Log.InfoContext(ctx, "a batch is split", "request", kept.Request, "batch", kept.N, "size", size, "new_batches", len(moved))
	ch := e.move(c, b, kept, "split").done(0).
		write(e.keys.request(next.ID), r.ver, next).
		wake(batchItem(kept.Request, moved[0].N), 0)
	for _, m := range moved {
		ch.write(e.keys.batch(m.Request, m.N), 0, m)
	}
	_, err := e.commit(ctx, ch)
	return err
}

// cancelBatch ends a batch of a cancelled request. Servers of an earlier call
// whose answer was lost are looked at once more: that something of it was sent
// cannot be taken back.
func (e *Engine) cancelBatch(ctx context.Context, c claim, b stored[approvals.Batch]) error {
	lost := b.body.InLostCall()
	var seen map[string]approvals.Server
	if len(lost) > 0 {
		var err error
		if seen, err = e.lookBefore(ctx, lost); err != nil {
			e.Log.WarnContext(ctx, "servers of a cancelled request could not be read", "request", b.body.Request, "batch", b.body.N, "err", err)
			return e.waitFor(ctx, c, b, b.body, "the cloud does not show the servers")
		}
	}
	next, wait := b.body.Cancel(seen)
	if wait && e.now().Sub(b.body.Intent) < e.GiveUp {
		return e.keepWaiting(ctx, c, b, next, next.Intent, jittered(10*e.RetryIn/3))
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
func (e *Engine) lapse(ctx context.Context, c claim, r stored[approvals.Request], b stored[approvals.Batch]) (bool, error) {
	now := e.now()
	last := r.body.Progress
	if b.body.Intent.After(last) {
		last = b.body.Intent
	}
	if _, old := r.body.Lapse(last, now); !old {
		return false, nil
	}
	if b.body.N > 0 {
		before, err := load[approvals.Batch](ctx, e, e.keys.batch(r.body.ID, b.body.N-1))
		if err != nil {
			return false, err
		}
		if before.body.Intent.After(last) {
			last = before.body.Intent
		}
	}
	next, old := r.body.Lapse(last, now)
	if !old {
		return false, nil
	}
	e.Log.WarnContext(ctx, "an approval became too old before it was acted on; nothing more is sent", "request", next.ID, "batch", b.body.N)
	_, err := e.commit(ctx, newChange().under(c).done(0).
		write(e.keys.request(next.ID), r.ver, next).
		log(audit.Entry{Event: string(approvals.Lapsed), Request: next.ID, From: string(r.body.State), To: string(next.State), Worker: e.worker}).
		tell(e.keys, next.ID, e.note(approvals.Note{ID: next.ID + "/lapsed", Topic: approvals.TopicLapsed})))
	return true, err
}

// waitFor leaves a batch in the queue for a while, and tells people why, once.
// next has what was found out about its servers.
func (e *Engine) waitFor(ctx context.Context, c claim, b stored[approvals.Batch], next approvals.Batch, why string) error {
	next.Trouble = why
	ch := newChange().under(c).done(jittered(e.RetryIn))
	ch.action = next.Action
	ch.Leave = next.Request // whoever waits for something else holds nobody up
	if marshal(next) != marshal(b.body) {
		e.keep(ch, b, next)
	}
	if b.body.Trouble != why {
		ch.tell(e.keys, next.Request, e.troubleNote(next))
	}
	_, err := e.commit(ctx, ch)
	return err
}

func (e *Engine) troubleNote(b approvals.Batch) approvals.Note {
	return e.note(approvals.Note{
		ID:    fmt.Sprintf("%s/%d/trouble/%d", b.Request, b.N, e.now().UnixMilli()),
		Topic: approvals.TopicTrouble, Batch: b.N, Why: b.Trouble,
	})
}

// turn is what a batch that asks for its permit is told.
type turn struct {
	wait  time.Duration // 0: it may go
	why   string        // full, line or frozen
	place int           // in the line, if others are before it that have to wait, too
}

// room asks for how long the batch has to wait for its turn.
func (e *Engine) room(ctx context.Context, b approvals.Batch) (turn, error) {
	if err := e.Redis.refresh(ctx); err != nil {
		return turn{}, fmt.Errorf("ask for a permit: %w", err)
	}
	k := e.keys
	b.Attempt++ // the one that would be made now
	raw, err := roomScript.Run(ctx, e.rdb, []string{k.log(b.Action), k.book(b.Action), k.line(b.Action)}, marshal(e.permit(b, len(b.Waiting())))).Slice()
	if err != nil {
		return turn{}, fmt.Errorf("ask for a permit: %w", err)
	}
	why := fmt.Sprint(raw[0])
	if why == "yes" {
		return turn{}, nil
	}
	return turn{e.turn(time.Duration(asInt(raw[1])) * time.Millisecond), why, int(asInt(raw[2]))}, nil
}

// turn bounds a wait for a permit: calls that end early make room earlier than
// the log can tell, so it is asked again at least each second.
func (e *Engine) turn(wait time.Duration) time.Duration {
	return max(5*time.Millisecond, min(wait, e.Window/60))
}

func (e *Engine) permit(b approvals.Batch, cost int) *permit {
	return &permit{
		ID: fmt.Sprintf("%s/%d/%d", b.Request, b.N, b.Attempt),
		// Those of this batch that are not sent do not count as still to come.
		Request: b.Request, Cost: cost, Rest: b.Rest - len(b.Results) + cost, First: b.N == 0,
		Limit: e.Rate, Reserve: e.reserve(), Soon: e.soon().Milliseconds(),
		Run: e.Redis.RunID(), Window: e.window().Milliseconds(), Hold: permitHold.Milliseconds(), Busy: e.Lease.Milliseconds(),
	}
}

// sendBy is how old an intent may be when its call is begun: an older one may
// belong to a process that slept while the world went on.
const sendBy = 2 * time.Second

// send writes the intent, makes the call and writes what came of it. Looking
// took its time: the intent stands only if nobody has cancelled the request or
// put a freeze on meanwhile.
func (e *Engine) send(ctx context.Context, c claim, b stored[approvals.Batch], next approvals.Batch, live []string, r stored[approvals.Request], halt stored[approvals.Freeze]) error {
	// All waiting for the cloud is done before the intent, none after it.
	slot, err := e.slot(ctx)
	if err != nil {
		return e.unseen(ctx, c, r, b, err)
	}
	// Run id, intent and confirmation over one connection: those of one process.
	via, err := e.Redis.pin(ctx)
	if err != nil {
		return fmt.Errorf("write the intent: %w", err)
	}
	defer via.Close()
	began, wall := time.Now(), time.Now().Round(0)
	next.Attempt++
	p := e.permit(next, len(live))
	p.Run = via.run
	next.Permit, next.Intent = p.ID, e.now()
	sending := map[string]bool{}
	for _, id := range live {
		sending[id] = true
	}
	for i := range next.Results {
		if sending[next.Results[i].Server.ID] {
			next.Results[i].Sent, next.Results[i].In = true, next.Attempt
		}
	}
	next, err = next.To(approvals.Submitting)
	if err != nil {
		return err
	}
	ch := e.move(c, b, next, "intent").begins()
	ch.Permit = p
	ch.Same = append(ch.Same, same{e.keys.halt(), halt.ver}, same{e.keys.request(r.body.ID), r.ver})
	e.wakeNext(ch, next)
	crashpoint("submit.before")
	intent, err := e.intend(ctx, ch, via)
	via.Close() // not held during the call
	if full := new(errNoPermit); errors.As(err, &full) {
		e.release(ctx, c, e.turn(full.wait), false)
		return nil
	}
	if storeFull(err) {
		return e.waitFor(ctx, c, b, b.body, "my database is full")
	}
	if err != nil {
		return err
	}
	crashpoint("submit.intended")
	mine := stored[approvals.Batch]{next, b.ver + 1}

	why := e.unfit(intent, began, wall)
	if p.Run != e.Redis.RunID() {
		// The process that granted the permit is gone or being left; the next one's
		// log may lack it.
		why = "Redis was restarted just before the call"
	}
	if why != "" {
		return e.withdraw(ctx, c, mine, why, e.RetryIn)
	}
	job, err := e.call(ctx, slot, next.Action, live, r.body.Mode, began.Add(sendBy))
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

// intend commits the intent and, where that is demanded, waits until replicas
// have it, too: after a failover the intent must still be there. The number does
// not depend on the replicas connected now: a primary that was cut off has none,
// and is just the one that must not go on.
func (e *Engine) intend(ctx context.Context, ch *change, via *pinned) (committed, error) {
	got, err := e.commitVia(ctx, ch, redis.Scripter(via))
	if n := e.confirmations(); err == nil && n > 0 {
		// A repeat wrote nothing on this connection, so there is nothing that
		// could be confirmed.
		got.replicas = !got.again && via.confirmed(ctx, n)
	}
	return got, err
}

// confirmations is how many replicas must have an intent before its call.
func (e *Engine) confirmations() int {
	switch {
	case e.Confirm > 0:
		return e.Confirm
	case e.Confirm == ConfirmAuto && max(e.replicas.Load(), int64(e.Redis.replicas.Load())) > 0:
		return 1
	}
	return 0
}

// unfit says why a call must not be made although its intent is written, or "".
func (e *Engine) unfit(intent committed, began, wall time.Time) string {
	took := max(time.Since(began), time.Now().Round(0).Sub(wall))
	off := time.Until(intent.now)
	switch {
	case took > sendBy:
		return "the process slept between intent and call"
	case e.clock.ahead(clockReading{intent.now, intent.sent, intent.got}) > clockJump:
		return clockJumped
	case off > sane+took || off < -sane-took:
		return clocksDiffer
	case !intent.replicas:
		return "no replica of Redis confirmed the intent"
	}
	return ""
}

// What is wrong with a clock keeps a call from being made, and freezes the
// permits: some may have ended too early.
const (
	clocksDiffer = "the clocks of Redis and of this machine are more than ten seconds apart"
	clockJumped  = "the clock of Redis jumped ahead"
)

// sane is how far the two wall clocks may be apart. Jumps are found by the
// monotonic clock; this is for a clock that was never right.
const sane = 10 * time.Second

// withdraw puts a batch back in the queue whose call was surely not accepted,
// and gives its permit back. People are told once for each kind of trouble.
func (e *Engine) withdraw(ctx context.Context, c claim, b stored[approvals.Batch], why string, in time.Duration) error {
	next, err := b.body.Unsent().To(approvals.Queued)
	if err != nil {
		return err
	}
	next.Trouble = why
	ch := e.move(c, b, next, "withdrawn").done(in)
	ch.Settle = &settle{ID: next.Permit}
	if why == clocksDiffer || why == clockJumped {
		ch.Settle.MS = e.window().Milliseconds()
		ch.Freeze = e.window().Milliseconds()
		if err := e.freezeAll(ctx, "0"); err != nil {
			return err
		}
	}
	if b.body.Trouble != why {
		ch.tell(e.keys, next.Request, e.troubleNote(next))
	}
	e.Log.WarnContext(ctx, "batch put back in the queue", "request", next.Request, "batch", next.N, "why", why, "in", in)
	_, err = e.commit(ctx, ch)
	return err
}

// answered writes what the cloud said to the call.
func (e *Engine) answered(ctx context.Context, c claim, b stored[approvals.Batch], job string, err error) error {
	ctx, cancel := e.toTheEnd(ctx, c)
	defer cancel()
	if err == nil {
		e.Log.InfoContext(ctx, "the cloud took a batch", "request", b.body.Request, "batch", b.body.N, "job", job)
		return e.accepted(ctx, c, b, job)
	}
	e.Log.WarnContext(ctx, "the call was not accepted", "action", cmp.Or(b.body.Action, "stop"), "request", b.body.Request, "batch", b.body.N, "verdict", verdict(err), "err", err)
	api := new(ecsclient.Error)
	errors.As(err, &api)
	switch ecsclient.VerdictOf(err) {
	case ecsclient.NotAccepted:
		return e.withdraw(ctx, c, b, "the cloud cannot be reached or is busy", max(api.RetryAfter, e.RetryIn))
	case ecsclient.Throttled:
		return e.throttled(ctx, c, b, api.RetryAfter)
	case ecsclient.Refused, ecsclient.Authentication:
		return e.refuse(ctx, c, b, b.body, err)
	}
	return e.doubt(ctx, c, b, "the answer was lost or could not be read", api.RequestID)
}

// toTheEnd gives what was learned all the time that there is to be written
// down: until the lease is nearly over, or until 2 s after the step was ended.
// An answer that is lost becomes a doubt.
func (e *Engine) toTheEnd(ctx context.Context, c claim) (context.Context, context.CancelFunc) {
	enough := max(time.Second, time.Until(c.until)-time.Second)
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

func (e *Engine) accepted(ctx context.Context, c claim, b stored[approvals.Batch], job string) error {
	next := b.body
	next.JobID, next.Sent, next.Polls, next.Trouble = job, e.now(), 0, ""
	next, err := next.To(approvals.Running)
	if err != nil {
		return err
	}
	ch := e.move(c, b, next, "accepted").done(jittered(e.Polls[0]))
	// With the anchor at the end the permit is held on: the job may take hours.
	ch.Settle = &settle{next.Permit, e.window().Milliseconds()}
	if e.Anchor == AnchorFinish {
		ch.Settle.MS += (max(e.GiveUp, e.MaxJobAge) + permitHold).Milliseconds()
	}
	sent := 0
	for _, r := range next.Results {
		if r.In == next.Attempt {
			sent++
		}
	}
	ch.tell(e.keys, next.Request, e.note(approvals.Note{ID: next.Permit + "/sent", Topic: approvals.TopicSent, Batch: next.N, Job: job, Count: sent}))
	got, err := e.commit(ctx, ch)
	if err != nil {
		return err
	}
	crashpoint("submit.accepted")
	if got.unsettled {
		return e.unsettled(ctx, next)
	}
	return nil
}

// unsettled freezes the permits when one is missing that must be there: the
// log is not what it was.
func (e *Engine) unsettled(ctx context.Context, b approvals.Batch) error {
	e.Log.ErrorContext(ctx, "a permit under way is missing in the log; nothing is sent for one window", "permit", b.Permit)
	return e.freezeAll(ctx, "0")
}

// freeze keeps permits for the action from being granted for d; see freeze.lua
// for the flag.
func (e *Engine) freeze(ctx context.Context, a approvals.Action, d time.Duration, flag string) error {
	err := e.retry(ctx, true, func() error {
		return freezeScript.Run(ctx, e.rdb, []string{e.keys.book(a)}, d.Milliseconds(), flag).Err()
	})
	if err != nil {
		return fmt.Errorf("freeze permits: %w", err)
	}
	return nil
}

// throttled puts the batch back and freezes the permits of its kind: the cloud counts
// otherwise than we do, or others use the same quota.
func (e *Engine) throttled(ctx context.Context, c claim, b stored[approvals.Batch], after time.Duration) error {
	wait := max(after, e.window())
	if err := e.freeze(ctx, b.body.Action, wait, "0"); err != nil {
		return err
	}
	return e.withdraw(ctx, c, b, "the cloud says that too much was sent", e.turn(wait))
}

// refuse deals with a certain no. Servers that turn out to be unfit meanwhile
// explain it: they are left out, and the others go back to the queue. If none
// is, the cloud's own words are the result of each.
func (e *Engine) refuse(ctx context.Context, c claim, b stored[approvals.Batch], next approvals.Batch, refused error) error {
	api := new(ecsclient.Error)
	errors.As(refused, &api)
	again := false
	if api.Verdict == ecsclient.Refused {
		next, again = e.explained(ctx, next)
	}
	settled := func(ch *change) {
		if next.Permit != "" {
			ch.Settle = &settle{next.Permit, e.window().Milliseconds()}
		}
	}
	if again {
		next, err := next.Unsent().To(approvals.Queued)
		if err != nil {
			return err
		}
		ch := e.move(c, b, next, "requeued").done(e.RetryIn)
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
	seen, err := e.inventory.Read(ctx, b.Waiting())
	if err != nil {
		e.Log.WarnContext(ctx, "servers could not be looked at after a refusal", "request", b.Request, "batch", b.N, "err", err)
		return b, false
	}
	next, live := b.Unsent().Prepare(seen, e.Policy.Protection, time.Time{})
	open := len(next.Waiting())
	return next, open > 0 && (open < len(b.Waiting()) || len(live) < open)
}
