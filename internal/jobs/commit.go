package jobs

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/audit"

	"github.com/redis/go-redis/v9"
)

// Why a change was not made. Nothing of it was then.
var (
	errConflict = errors.New("record was changed by somebody else")
	errLost     = errors.New("claim was lost")
	errLate     = errors.New("past the deadline")
	errMost     = errors.New("one more would be too many")
)

// errNoPermit says that the cloud's quota leaves no room now.
type errNoPermit struct {
	why  string // full, line or frozen
	wait time.Duration
}

func (e *errNoPermit) Error() string { return fmt.Sprintf("no permit: %s for %v", e.why, e.wait) }

// errTaken names servers that are part of other requests.
type errTaken map[string]string // server id → request id

func (e errTaken) Error() string { return fmt.Sprintf("%d servers are taken", len(e)) }

// change is one move, as lua/commit.lua makes it.
type change struct {
	Op      string           `json:"op"`
	Keep    bool             `json:"keep,omitempty"` // made even if Redis is full, and tried until it can be
	action  approvals.Action // whose quota Permit, Settle and Freeze are about
	minor   bool             // what is written is progress that no Home has to show at once
	Hold    *hold            `json:"hold,omitempty"`   // this claim must still be held
	Same    []same           `json:"same,omitempty"`   // these records must still be as they were read
	Before  int64            `json:"before,omitempty"` // ms of Redis time; refused from then on
	Request string           `json:"request,omitempty"`
	Lock    []string         `json:"lock,omitempty"`   // server ids, for Request
	Unlock  []string         `json:"unlock,omitempty"` // server ids, held by Request
	Most    *most            `json:"most,omitempty"`   // refused if the set holds so many

	Write     []write  `json:"write,omitempty"`
	Put       []put    `json:"put,omitempty"`
	Drop      []string `json:"drop,omitempty"`
	Push      []put    `json:"push,omitempty"`
	Pop       *pop     `json:"pop,omitempty"`
	Audit     []string `json:"audit,omitempty"`
	AuditKeep int      `json:"audit_keep,omitempty"` // how many entries the audit log keeps
	Index     []index  `json:"index,omitempty"`
	Expire    []expire `json:"expire,omitempty"`
	Trim      *trim    `json:"trim,omitempty"`

	Permit *permit `json:"permit,omitempty"`
	Settle *settle `json:"settle,omitempty"`
	Freeze int64   `json:"freeze,omitempty"` // ms
	Leave  string  `json:"leave,omitempty"`  // request that gives up its place in the line

	Wake   []wake  `json:"wake,omitempty"`
	Homes  *moved  `json:"homes,omitempty"`  // something moves that open Homes show
	Finish *finish `json:"finish,omitempty"` // gives the held item back
}

type hold struct {
	Item  string `json:"item"`
	Fence string `json:"fence"`
}

type write struct {
	Key  string `json:"key"`
	Ver  uint64 `json:"ver,string"` // the version that is replaced; 0: there is none
	Body string `json:"body"`
}

type same struct {
	Key string `json:"key"`
	Ver uint64 `json:"ver,string"` // 0: there is none
}

// most bounds the members of a sorted set.
type most struct {
	Key string `json:"key"`
	N   int    `json:"n"`
}

type put struct {
	Key  string `json:"key"`
	Body string `json:"body"`
}

type pop struct {
	Key string `json:"key"`
	N   int    `json:"n"`
}

type index struct {
	Key    string `json:"key"`
	Member string `json:"member"`
	Score  int64  `json:"score,omitempty"`
	Out    bool   `json:"out,omitempty"`
}

type expire struct {
	Key string `json:"key"`
	S   int64  `json:"s"`
}

// trim takes the members of a sorted set away whose score is below Before.
type trim struct {
	Key    string `json:"key"`
	Before int64  `json:"before"`
}

// permit asks for room for one call; lua/permits.lua explains the fields.
type permit struct {
	ID      string `json:"id"`
	Request string `json:"request"`
	Cost    int    `json:"cost"`
	Rest    int    `json:"rest"`
	First   bool   `json:"first"`
	Limit   int    `json:"limit"`
	Reserve int    `json:"reserve"`
	Soon    int64  `json:"soon"`
	Run     string `json:"run"`
	Window  int64  `json:"window"`
	Hold    int64  `json:"hold"`
	Busy    int64  `json:"busy"`
}

// settle lets a permit count for MS more; 0 gives it back unused.
type settle struct {
	ID string `json:"id"`
	MS int64  `json:"ms"`
}

type wake struct {
	Item string `json:"item"`
	MS   int64  `json:"ms"`
}

// moved has open Homes drawn again, however many there are, by one item.
type moved struct {
	Key    string `json:"key"`    // when something moved last
	Opened string `json:"opened"` // who has a Home open
	Item   string `json:"item"`
}

type finish struct {
	MS int64 `json:"ms"` // due again after so long; -1: never
}

// never is the due time of what is done for good.
const never = time.Duration(-1)

func newChange() *change { return &change{Op: rand.Text()} }

// under makes the change depend on the claim. What a step has learned may stand
// nowhere else yet, so it is kept; a step that begins something takes that back
// (see [change.begins]).
func (ch *change) under(c claim) *change {
	ch.Hold = &hold{c.item, c.fence}
	return ch.keep()
}

// keep has the change made even if Redis is full, and tried again for as long
// as there is time while Redis cannot take it: it says what happened, or holds
// something back.
func (ch *change) keep() *change {
	ch.Keep = true
	return ch
}

// begins is the contrary of keep, for new work: a full Redis refuses it, and a
// Redis that cannot take it now is not waited for.
func (ch *change) begins() *change {
	ch.Keep = false
	return ch
}

// done gives the held item back, due again after d, or [never].
func (ch *change) done(d time.Duration) *change {
	ch.Finish = &finish{ms(d)}
	return ch
}

func (ch *change) wake(item string, in time.Duration) *change {
	ch.Wake = append(ch.Wake, wake{item, ms(in)})
	return ch
}

func (ch *change) write(key string, ver uint64, body any) *change {
	ch.Write = append(ch.Write, write{key, ver, marshal(body)})
	return ch
}

func (ch *change) log(e audit.Entry) *change {
	ch.Audit = append(ch.Audit, marshal(e))
	return ch
}

// tell owes the request's thread a note, and sees that it is told.
func (ch *change) tell(k keys, request string, n approvals.Note) *change {
	ch.Push = append(ch.Push, put{k.owed(request), marshal(n)})
	return ch.wake(threadItem(request), 0)
}

func ms(d time.Duration) int64 {
	if d == never {
		return -1
	}
	return d.Milliseconds()
}

// marshal is for our own types, all of which can be marshalled.
func marshal(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("jobs: marshal %T: %v", v, err))
	}
	return string(b)
}

// committed is what a change's answer tells besides that it was made.
type committed struct {
	now       time.Time // by Redis's clock
	sent, got time.Time // when the script was sent and its answer was in, by ours
	again     bool      // it had been made before: this was a repeat
	unsettled bool      // the permit to be settled was not in the log
	replicas  bool      // as many replicas have it as have to
}

// commit makes ch. It repeats itself when an answer is lost: the operation id
// and the versions keep a repeat from doing anything twice. A nil error means
// that the change is in the store.
func (e *Engine) commit(ctx context.Context, ch *change) (committed, error) {
	return e.commitVia(ctx, ch, e.rdb)
}

// commitVia is commit over a connection of the caller's. That serves once: when
// its answer was lost it is broken, and a repeat goes over another one.
func (e *Engine) commitVia(ctx context.Context, ch *change, via redis.Scripter) (committed, error) {
	k := e.keys
	names := []string{k.due(), k.claims(), k.owners(), k.tries(), k.woken(), k.meta(), k.audit(), k.locks(), k.log(ch.action), k.book(ch.action), k.line(ch.action)}
	e.follow(ch)
	ch.AuditKeep = e.AuditKeep
	body := marshal(ch)
	var raw any
	var c committed
	err := e.retry(ctx, ch.Keep, func() (err error) {
		c = committed{sent: time.Now(), replicas: true}
		raw, err = commitScript.Run(ctx, via, names, body).Result()
		c.got, via = time.Now(), e.rdb
		return err
	})
	if storeFull(err) {
		return committed{}, fmt.Errorf("commit: %w: %w", &approvals.Refusal{Why: approvals.StoreFull}, err)
	}
	if err != nil {
		return committed{}, fmt.Errorf("commit: %w", err)
	}
	answer, ok := raw.([]any)
	if !ok || len(answer) < 3 {
		return committed{}, fmt.Errorf("commit: odd answer %v", raw)
	}
	e.sawSeq(asInt(answer[2]))
	c.now = time.UnixMilli(asInt(answer[1]))
	rest := answer[3:]
	switch code := answer[0]; code {
	case "done":
		c.unsettled = len(rest) > 0 && asInt(rest[0]) == 1
		e.nudge()
		return c, nil
	case "again":
		c.again = true
		return c, nil
	case "conflict":
		return c, errConflict
	case "lost":
		return c, errLost
	case "late":
		return c, errLate
	case "most":
		return c, errMost
	case "taken":
		taken := errTaken{}
		for i := 0; i+1 < len(rest); i += 2 {
			taken[fmt.Sprint(rest[i])] = fmt.Sprint(rest[i+1])
		}
		return c, taken
	case "full", "line", "frozen":
		return c, &errNoPermit{fmt.Sprint(code), time.Duration(asInt(rest[0])) * time.Millisecond}
	}
	return c, fmt.Errorf("commit: odd answer %v", raw)
}

// retry runs a script again while its answer is lost or Redis is away, for as
// long as ctx lasts. With patience it also waits for a Redis that answers that
// it cannot take the script now: what a step has learned may stand nowhere else
// yet. Who merely wants to begin something is better off with the error.
func (e *Engine) retry(ctx context.Context, patience bool, do func() error) error {
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		err := do()
		if err == nil || !lostAnswer(err) && !(patience && passes(err)) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, context.Cause(ctx))
		case <-time.After(pause):
		}
	}
}

// lostAnswer reports whether a script may or may not have run: everything but
// an error that Redis itself answered with.
func lostAnswer(err error) bool {
	var answered redis.Error
	return !errors.As(err, &answered)
}

// passes reports whether Redis answered that it cannot do it now: the script did
// not run, and after a failover or a restart it will. OOM is among them, though
// what is kept is written by a full Redis, too: it ends when memory is freed.
func passes(err error) bool {
	var answered redis.Error
	if !errors.As(err, &answered) {
		return false
	}
	// Redis answers a script's own refused commands with words before the code.
	for _, code := range []string{
		"READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "OOM", "BUSY", "NOREPLICAS", "TRYAGAIN", "MOVED", "ASK", "MISCONF",
	} {
		if redis.HasErrorPrefix(err, code+" ") {
			return true
		}
	}
	return scriptAnswer(err, "READONLY") || storeFull(err)
}

// storeFull reports whether Redis refused a write since it is at its maxmemory.
func storeFull(err error) bool {
	return err != nil && (redis.HasErrorPrefix(err, "OOM ") || scriptAnswer(err, "OOM"))
}

// scriptAnswer reports whether a command within a script was refused with code.
// Redis before 7 puts the code into the middle of its own words.
func scriptAnswer(err error, code string) bool {
	var answered redis.Error
	return errors.As(err, &answered) && strings.Contains(err.Error(), "-"+code+" ")
}

func asInt(v any) int64 {
	n, _ := v.(int64)
	return n
}
