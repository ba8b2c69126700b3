package store

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"
)

// Never is the due time of what is done for good.
const Never = time.Duration(-1)

// Change is what [Store.Commit] makes as a whole or not at all. Its methods add to
// it and return it. It is not safe for concurrent use, and once it was committed
// it must not be added to.
type Change struct {
	move  move
	quota string  // whose permits it is about
	call  *Permit // for which a permit is asked
}

// move is a change as lua/commit.lua reads it.
type move struct {
	Op      string   `json:"op"`
	Keep    bool     `json:"keep,omitempty"`
	Hold    *hold    `json:"hold,omitempty"`    // this lease must still be held
	Same    []same   `json:"same,omitempty"`    // these records must still be as they were read
	Before  int64    `json:"before,omitempty"`  // ms of Redis time; refused from then on
	Request string   `json:"request,omitempty"` // who locks and unlocks
	Lock    []string `json:"lock,omitempty"`
	Unlock  []string `json:"unlock,omitempty"`
	Most    *most    `json:"most,omitempty"` // refused if the set holds so many

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
	Block  int64   `json:"block,omitempty"` // ms
	Leave  string  `json:"leave,omitempty"` // request that gives up its place in the line

	Wake   []wake  `json:"wake,omitempty"`
	Signal *signal `json:"signal,omitempty"`
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

// settle lets a permit count for MS more; 0 gives it back unused.
type settle struct {
	ID string `json:"id"`
	MS int64  `json:"ms"`
}

type wake struct {
	Item string `json:"item"`
	MS   int64  `json:"ms"`
}

type signal struct {
	Key     string `json:"key"`
	Viewers string `json:"viewers"`
	Item    string `json:"item"`
}

type finish struct {
	MS int64 `json:"ms"` // due again after so long; -1: never
}

// NewChange begins a change.
func NewChange() *Change { return &Change{move: move{Op: rand.Text()}} }

// Also applies what several changes have in common.
func (ch *Change) Also(add func(*Change)) *Change {
	add(ch)
	return ch
}

// FencedBy makes the change depend on the lease. What a step has learned may be
// nowhere else yet, so it is kept ([Change.EvenIfFull]); a step that begins something
// takes that back ([Change.NewWork]).
func (ch *Change) FencedBy(l Lease) *Change {
	ch.move.Hold = &hold{l.Item, l.Fence}
	return ch.EvenIfFull()
}

// EvenIfFull has the change made even if Redis is full, and tried again for as long
// as there is time while Redis cannot take it: it says what happened, or holds
// something back.
func (ch *Change) EvenIfFull() *Change {
	ch.move.Keep = true
	return ch
}

// NewWork is the contrary of [Change.EvenIfFull], for new work: a full Redis refuses it,
// and a Redis that cannot take it now is not waited for.
func (ch *Change) NewWork() *Change {
	ch.move.Keep = false
	return ch
}

// Expect refuses the change with [ErrConflict] unless the record has this
// version; 0 is none.
func (ch *Change) Expect(key string, ver uint64) *Change {
	ch.move.Same = append(ch.move.Same, same{key, ver})
	return ch
}

// NotAfter refuses the change with [ErrLate] from then on, by Redis's clock.
func (ch *Change) NotAfter(at time.Time) *Change {
	ch.move.Before = at.UnixMilli()
	return ch
}

// AtMost refuses the change with [ErrTooMany] if the sorted set has n members.
func (ch *Change) AtMost(key string, n int) *Change {
	ch.move.Most = &most{key, n}
	return ch
}

// Lock locks ids for their holder, or refuses the change with [Taken].
func (ch *Change) Lock(holder string, ids ...string) *Change {
	ch.move.Request, ch.move.Lock = holder, append(ch.move.Lock, ids...)
	return ch
}

// Unlock frees those of ids that the holder has. A change locks and unlocks for
// one holder.
func (ch *Change) Unlock(holder string, ids ...string) *Change {
	ch.move.Request, ch.move.Unlock = holder, append(ch.move.Unlock, ids...)
	return ch
}

// Write makes body the record's next version after ver; 0 makes a new record.
// With another version the change is refused with [ErrConflict].
func (ch *Change) Write(key string, ver uint64, body any) *Change {
	ch.move.Write = append(ch.move.Write, write{key, ver, marshal(body)})
	return ch
}

// Written names the records that the change writes.
func (ch *Change) Written() []string {
	names := make([]string, len(ch.move.Write))
	for i, w := range ch.move.Write {
		names[i] = w.Key
	}
	return names
}

// Put keeps a body that has no version.
func (ch *Change) Put(key string, body any) *Change {
	ch.move.Put = append(ch.move.Put, put{key, marshal(body)})
	return ch
}

// Drop deletes keys, after all writing.
func (ch *Change) Drop(names ...string) *Change {
	ch.move.Drop = append(ch.move.Drop, names...)
	return ch
}

// Push puts a body at the end of a list.
func (ch *Change) Push(key string, body any) *Change {
	ch.move.Push = append(ch.move.Push, put{key, marshal(body)})
	return ch
}

// Pop takes n bodies from the head of a list, after all pushing.
func (ch *Change) Pop(key string, n int) *Change {
	ch.move.Pop = &pop{key, n}
	return ch
}

// Log adds an entry to the audit log.
func (ch *Change) Log(entry any) *Change {
	ch.move.Audit = append(ch.move.Audit, marshal(entry))
	return ch
}

// Add puts a member with its score into a sorted set.
func (ch *Change) Add(key, member string, score int64) *Change {
	ch.move.Index = append(ch.move.Index, index{Key: key, Member: member, Score: score})
	return ch
}

// Remove takes a member out of a sorted set.
func (ch *Change) Remove(key, member string) *Change {
	ch.move.Index = append(ch.move.Index, index{Key: key, Member: member, Out: true})
	return ch
}

// Trim takes the members out of a sorted set whose score is not above before.
func (ch *Change) Trim(key string, before int64) *Change {
	ch.move.Trim = &trim{key, before}
	return ch
}

// Expire has a key go after a while.
func (ch *Change) Expire(key string, after time.Duration) *Change {
	ch.move.Expire = append(ch.move.Expire, expire{key, int64(after.Seconds())})
	return ch
}

// Quota names the quota that [Change.Permit], [Change.StartWindow], [Change.Block] and
// [Change.LeaveQueue] are about.
func (ch *Change) Quota(name string) *Change {
	ch.quota = name
	return ch
}

// Permit asks for a permit, or refuses the change with [NoRoom].
func (ch *Change) Permit(p Permit) *Change {
	ch.call = &p
	return ch
}

// StartWindow lets a permit count for so long from now on; 0 gives it back unused.
func (ch *Change) StartWindow(permit string, counts time.Duration) *Change {
	ch.move.Settle = &settle{permit, counts.Milliseconds()}
	return ch
}

// Block keeps permits from being granted for a while. It never shortens.
func (ch *Change) Block(d time.Duration) *Change {
	ch.move.Block = d.Milliseconds()
	return ch
}

// LeaveQueue gives up a request's place in the queue for permits.
func (ch *Change) LeaveQueue(request string) *Change {
	ch.move.Leave = request
	return ch
}

// Wake makes an item due in a while; one that is worked on, when it is given back.
func (ch *Change) Wake(item string, in time.Duration) *Change {
	ch.move.Wake = append(ch.move.Wake, wake{item, ms(in)})
	return ch
}

// Signal notes the time under key, and makes item due soon if viewers is not
// empty: what they see has changed.
func (ch *Change) Signal(key, viewers, item string) *Change {
	ch.move.Signal = &signal{key, viewers, item}
	return ch
}

// Release gives the held item back, due again after d, or [Never].
func (ch *Change) Release(d time.Duration) *Change {
	ch.move.Finish = &finish{ms(d)}
	return ch
}

func ms(d time.Duration) int64 {
	if d == Never {
		return -1
	}
	return d.Milliseconds()
}

// marshal is for the program's own types, all of which can be marshalled.
func marshal(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("store: marshal %T: %v", v, err))
	}
	return string(b)
}
