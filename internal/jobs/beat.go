package jobs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/audit"

	"github.com/redis/go-redis/v9"
)

// schema is the version of the records that this code reads and writes.
const schema = "1"

// open makes an empty store ours or joins one that is. lost says that the
// store was known and is empty now.
func (e *Engine) open(ctx context.Context, lost bool) error {
	via, err := e.Redis.pin(ctx)
	if err != nil {
		return opening(err)
	}
	defer via.Close()
	empty := ""
	switch {
	case lost:
		empty = "lost"
	case e.TrustEmpty:
		empty = "trusted"
	}
	raw, err := openScript.Run(ctx, redis.Scripter(via), []string{e.keys.meta(), e.keys.book(approvals.Stop), e.keys.book(approvals.Start)},
		rand.Text(), via.run, empty, e.window().Milliseconds(), e.team, e.bot, e.Redis.replicas.Load()).Slice()
	if err != nil {
		return opening(err)
	}
	instance, found := fmt.Sprint(raw[0]), fmt.Sprint(raw[1])
	if found != schema {
		return fmt.Errorf("open store: its records have version %s, this program knows version %s; run the newer program", found, schema)
	}
	if team, bot := fmt.Sprint(raw[3]), fmt.Sprint(raw[4]); e.team != "" && (team != e.team || bot != e.bot) {
		return fmt.Errorf("open store: %w", e.foreign(team, bot))
	}
	e.instance.Store(&instance)
	e.seq.Store(asInt(raw[2]))
	e.replicas.Store(asInt(raw[5]))
	return nil
}

// opening is why the store could not be opened, with what to do if a person can
// do something.
func opening(err error) error {
	if f, ok := faultOf(err); ok {
		err = f
	}
	return fmt.Errorf("open store: %w", err)
}

// foreign is a store that another bot works with: two of them would take each
// other's requests, and give them up since they cannot post to their channels.
func (e *Engine) foreign(team, bot string) Fault {
	return Fault{
		Foreign: true,
		What:    fmt.Sprintf("this Redis keeps the requests of the Slack team %s and its bot %s, and the tokens are those of the team %s and the bot %s", team, bot, e.team, e.bot),
		Mend:    fmt.Sprintf("give this bot a Redis or a database number of its own; if the Slack app was made again and its old bot is gone for good, stop all bots and run `redis-cli HDEL %s team bot`", e.keys.meta()),
	}
}

// window is how long a permit counts: the cloud's window and the guard.
func (e *Engine) window() time.Duration { return e.Window + e.Guard }

// beats gives signs of life until ctx ends, takes up the work of dead workers,
// and notices when the store was restarted, lost or rolled back.
func (e *Engine) beats(ctx context.Context) {
	tick := time.NewTicker(e.Beat)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := e.beat(ctx); err != nil && ctx.Err() == nil {
			e.Log.WarnContext(ctx, "heartbeat failed", "err", err)
		}
	}
}

func (e *Engine) beat(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	k := e.keys
	// Run id and script go over one connection. With a run id read elsewhere a
	// failover would look like two: the script meets the new process already.
	via, err := e.Redis.pin(ctx)
	if err != nil {
		return fmt.Errorf("beat: %w", err)
	}
	defer via.Close()
	// Before the script: changes made while its answer travels are no loss.
	seen := e.seq.Load()
	began := time.Now()
	raw, err := beatScript.Run(ctx, redis.Scripter(via), []string{k.beats(), k.due(), k.owners(), k.meta(), k.book(approvals.Stop), k.book(approvals.Start),
		k.log(approvals.Stop), k.log(approvals.Start)},
		e.worker, 3*e.Beat.Milliseconds(), via.run, e.window().Milliseconds(), e.Redis.replicas.Load()).Slice()
	if err != nil {
		return fmt.Errorf("beat: %w", err)
	}
	got := time.Now()
	now, seq, instance, taken := asInt(raw[0]), asInt(raw[1]), fmt.Sprint(raw[2]), asInt(raw[3])
	e.skew.Store(int64(time.UnixMilli(now).Sub(began.Add(got.Sub(began) / 2))))
	e.since.Store(asInt(raw[5]))
	e.beaten.Store(&via.run)
	e.replicas.Store(asInt(raw[6]))
	e.Metrics.skew.Set(time.Duration(e.skew.Load()).Seconds())
	e.Metrics.frozen.Set(float64(asInt(raw[4])) / 1000)
	e.Metrics.memory.Set(e.Redis.Memory())
	if err := e.followClock(ctx, clockReading{time.UnixMilli(now), began, got}, asInt(raw[7])); err != nil {
		return err
	}
	if taken > 0 {
		e.Log.WarnContext(ctx, "took up the work of a dead replica", "items", taken)
		e.nudge()
	}
	switch known := *e.instance.Load(); {
	case instance == "":
		e.Log.ErrorContext(ctx, "the store is empty: it was lost. Nothing is sent for one window; requests made before are gone")
		return e.open(ctx, true)
	case instance != known:
		e.Log.ErrorContext(ctx, "the store is another one: the old one was lost", "was", known, "is", instance)
		if err := e.distrust(ctx); err != nil {
			return err // and notice it again
		}
		e.instance.Store(&instance)
		e.seq.Store(seq)
		return nil
	case seq < seen:
		e.Log.ErrorContext(ctx, "the store was rolled back: changes are missing", "seen", seen, "now", seq)
		if err := e.distrust(ctx); err != nil {
			return err
		}
		e.seq.Store(seq)
		return nil
	}
	e.sawSeq(seq)
	fresh := now-e.since.Load() < e.window().Milliseconds()
	return e.noticePause(ctx, fresh && asInt(raw[4]) > 0)
}

// noticePause tells the threads of a restart of the store, while it keeps
// anything from being sent. Whoever noticed it first, a beat or a batch that
// asked for a permit, left its time in the store; each incident is told once.
func (e *Engine) noticePause(ctx context.Context, frozen bool) error {
	since := e.since.Load()
	if !frozen {
		e.paused = since // whatever it was, it is over
		return nil
	}
	if since == e.paused {
		return nil
	}
	e.Log.WarnContext(ctx, "the store was restarted; nothing is sent for one window", "window", e.window())
	if err := e.tellPaused(ctx, fmt.Sprint(since)); err != nil {
		return err
	}
	e.paused = since
	return nil
}

// restarted reports whether the store was restarted since the last heartbeat:
// until the next one it is not known whether something of the past is lost.
func (e *Engine) restarted() bool {
	run := e.beaten.Load()
	return run != nil && *run != e.Redis.RunID()
}

// distrust freezes the permits and lets servers' own stamps decide about
// whatever was planned before now. The next beat tells the threads.
func (e *Engine) distrust(ctx context.Context) error {
	return e.freezeAll(ctx, "1")
}

// freezeAll freezes the permits of every kind for a window: a clock that jumped,
// or a store that lost something, concerns them all. flag "1" also says that
// the past is not to be trusted.
func (e *Engine) freezeAll(ctx context.Context, flag string) error {
	for _, a := range []approvals.Action{approvals.Stop, approvals.Start} {
		if err := e.freeze(ctx, a, e.window(), flag); err != nil {
			return err
		}
	}
	return nil
}

// sawSeq remembers the highest count of changes seen: if the store ever shows
// a lower one, it has lost some.
func (e *Engine) sawSeq(seq int64) {
	for old := e.seq.Load(); seq > old; old = e.seq.Load() {
		if e.seq.CompareAndSwap(old, seq) {
			return
		}
	}
}

// tellPaused tells the threads of requests under way, once for an incident,
// that nothing is sent for a while.
func (e *Engine) tellPaused(ctx context.Context, incident string) error {
	ids, err := e.rdb.ZRange(ctx, e.keys.open(), 0, -1).Result()
	if err != nil {
		return fmt.Errorf("list open requests: %w", err)
	}
	for _, id := range ids {
		if err := e.tellOnePaused(ctx, id, incident); err != nil && !errors.Is(err, errConflict) && !errors.Is(err, errNoRecord) {
			return err
		}
	}
	return nil
}

func (e *Engine) tellOnePaused(ctx context.Context, id, incident string) error {
	r, err := e.loadRequest(ctx, id)
	if err != nil {
		return err
	}
	if r.body.State != approvals.Executing || r.body.Paused == incident {
		return nil
	}
	next := r.body
	next.Paused = incident
	ch := newChange().asProgress().keep().write(e.keys.request(id), r.ver, next).
		log(audit.Entry{Event: "paused", Request: id, Reason: "store restarted", Worker: e.worker}).
		tell(e.keys, id, e.note(approvals.Note{ID: id + "/paused/" + incident, Topic: approvals.TopicPaused}))
	_, err = e.commit(ctx, ch)
	return err
}

// note stamps n with the time.
func (e *Engine) note(n approvals.Note) approvals.Note {
	n.At = e.now()
	return n
}

// now is the time by Redis's clock, as far as it is known.
func (e *Engine) now() time.Time { return time.Now().Add(time.Duration(e.skew.Load())).UTC() }
