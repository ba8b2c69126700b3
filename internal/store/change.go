package store

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"
)

// Never is the due time of an item that is finished.
const Never = time.Duration(-1)

// Change is a transaction: [Store.Commit] makes all of it or nothing. Its methods
// add to it and return it. It is not safe for concurrent use, and must not be
// added to after it was committed.
type Change struct {
	move  move
	quota string  // that its permits belong to
	call  *Permit // the permit that it needs
}

// move is a change as lua/commit.lua reads it.
type move struct {
	Op      string   `json:"op"`
	Keep    bool     `json:"keep,omitempty"`
	Lease   *lease   `json:"lease,omitempty"`   // this lease must still be held
	Expect  []expect `json:"expect,omitempty"`  // these records must still have the version that was read
	Before  int64    `json:"before,omitempty"`  // ms of Redis time; the change is refused from then on
	Request string   `json:"request,omitempty"` // who locks and unlocks
	Lock    []string `json:"lock,omitempty"`
	Unlock  []string `json:"unlock,omitempty"`
	Most    *most    `json:"most,omitempty"` // the change is refused if the set is that large

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

	Permit      *permit      `json:"permit,omitempty"`
	StartWindow *startWindow `json:"start_window,omitempty"`
	Block       int64        `json:"block,omitempty"` // ms
	Leave       string       `json:"leave,omitempty"` // request that leaves the queue for permits

	Wake    []wake   `json:"wake,omitempty"`
	Signal  *signal  `json:"signal,omitempty"`
	Release *release `json:"release,omitempty"` // releases the leased item
}

type lease struct {
	Item  string `json:"item"`
	Fence string `json:"fence"`
}

type write struct {
	Key  string `json:"key"`
	Ver  uint64 `json:"ver,string"` // the version that is replaced; 0: the record is new
	Body string `json:"body"`
}

type expect struct {
	Key string `json:"key"`
	Ver uint64 `json:"ver,string"` // 0: there is no such record
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

// trim removes the members of a sorted set whose score is at most Before.
type trim struct {
	Key    string `json:"key"`
	Before int64  `json:"before"`
}

// startWindow lets a permit count for MS more; 0 returns it unused.
type startWindow struct {
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

type release struct {
	MS int64 `json:"ms"` // until it is due again; -1: never
}

// NewChange starts an empty change with an operation id of its own.
func NewChange() *Change { return &Change{move: move{Op: rand.Text()}} }

// Also lets add contribute to the change: what several changes have in common.
func (ch *Change) Also(add func(*Change)) *Change {
	add(ch)
	return ch
}

// FencedBy makes the change depend on the lease: [ErrLost] refuses it once somebody
// else holds the item. The results of a step may exist nowhere else yet, so they are
// written even if Redis is full ([Change.EvenIfFull]); a step that starts new work
// undoes that with [Change.NewWork].
func (ch *Change) FencedBy(l Lease) *Change {
	ch.move.Lease = &lease{l.Item, l.Fence}
	return ch.EvenIfFull()
}

// EvenIfFull has the change written even if Redis is at its maxmemory, and retried
// until the context ends while Redis cannot take it. It is for changes that record
// what happened, or that stop something.
func (ch *Change) EvenIfFull() *Change {
	ch.move.Keep = true
	return ch
}

// NewWork is the opposite of [Change.EvenIfFull]: a full Redis refuses the change,
// and Commit does not wait for a Redis that cannot take it now.
func (ch *Change) NewWork() *Change {
	ch.move.Keep = false
	return ch
}

// Expect refuses the change with [ErrConflict] unless the record has this version;
// 0 means that there must be no such record.
func (ch *Change) Expect(key string, ver uint64) *Change {
	ch.move.Expect = append(ch.move.Expect, expect{key, ver})
	return ch
}

// NotAfter refuses the change with [ErrLate] from at on, by Redis's clock.
func (ch *Change) NotAfter(at time.Time) *Change {
	ch.move.Before = at.UnixMilli()
	return ch
}

// AtMost refuses the change with [ErrTooMany] if the sorted set has n members.
func (ch *Change) AtMost(key string, n int) *Change {
	ch.move.Most = &most{key, n}
	return ch
}

// Lock locks ids for holder, or refuses the change with [Taken].
func (ch *Change) Lock(holder string, ids ...string) *Change {
	ch.move.Request, ch.move.Lock = holder, append(ch.move.Lock, ids...)
	return ch
}

// Unlock frees those of ids that holder has locked. One change can lock and unlock
// for one holder only.
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

// Put sets a key to a body without a version.
func (ch *Change) Put(key string, body any) *Change {
	ch.move.Put = append(ch.move.Put, put{key, marshal(body)})
	return ch
}

// Drop deletes keys, after all writes.
func (ch *Change) Drop(names ...string) *Change {
	ch.move.Drop = append(ch.move.Drop, names...)
	return ch
}

// Push appends a body to a list.
func (ch *Change) Push(key string, body any) *Change {
	ch.move.Push = append(ch.move.Push, put{key, marshal(body)})
	return ch
}

// Pop removes n bodies from the head of a list, after all pushes.
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

// Trim removes the members of a sorted set whose score is at most before.
func (ch *Change) Trim(key string, before int64) *Change {
	ch.move.Trim = &trim{key, before}
	return ch
}

// Expire deletes a key after a while.
func (ch *Change) Expire(key string, after time.Duration) *Change {
	ch.move.Expire = append(ch.move.Expire, expire{key, int64(after.Seconds())})
	return ch
}

// Quota names the quota that [Change.Permit], [Change.StartWindow], [Change.Block] and
// [Change.LeaveQueue] refer to.
func (ch *Change) Quota(name string) *Change {
	ch.quota = name
	return ch
}

// Permit takes a permit, or refuses the change with [NoRoom].
func (ch *Change) Permit(p Permit) *Change {
	ch.call = &p
	return ch
}

// StartWindow lets a permit count for the given time from now on; 0 returns it
// unused.
func (ch *Change) StartWindow(permit string, counts time.Duration) *Change {
	ch.move.StartWindow = &startWindow{permit, counts.Milliseconds()}
	return ch
}

// Block lets no permit be granted for a while. It never shortens an earlier block.
func (ch *Change) Block(d time.Duration) *Change {
	ch.move.Block = d.Milliseconds()
	return ch
}

// LeaveQueue removes a request from the queue for permits.
func (ch *Change) LeaveQueue(request string) *Change {
	ch.move.Leave = request
	return ch
}

// Wake makes an item due in a while. An item that is leased becomes due when it is
// released.
func (ch *Change) Wake(item string, in time.Duration) *Change {
	ch.move.Wake = append(ch.move.Wake, wake{item, ms(in)})
	return ch
}

// Signal sets key to the time of this change, and makes item due soon if the set of
// viewers is not empty, because what they see has changed.
func (ch *Change) Signal(key, viewers, item string) *Change {
	ch.move.Signal = &signal{key, viewers, item}
	return ch
}

// Release releases the item of [Change.FencedBy], due again after d, or [Never].
func (ch *Change) Release(d time.Duration) *Change {
	ch.move.Release = &release{ms(d)}
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
