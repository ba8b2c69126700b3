package jobs

import (
	"strconv"

	"ecsbot/internal/approvals"
)

// keys names everything that one project keeps in Redis. All names share the
// hash tag {p:<project>}, so that a cluster keeps them in one slot and a script
// may change several.
//
//	meta    hash    instance, schema, seq (changes made), fence, team and bot of
//	                Slack, replicas (the most ever seen)
//	due     zset    item → ms at which it has to be worked on
//	claims  hash    item → fence      owners  hash  item → worker
//	tries   hash    item → claims since it was last given back
//	woken   hash    items that became due while they were held
//	beats   zset    worker → ms of its last sign of life
//	locks   hash    server id → request it is part of
//	log, book, line permits of stops (lua/permits.lua); log:start, … those of starts
//	halt    hash    record of the freeze
//	audit   stream  one entry a move
//	open    zset    requests that have not ended → ms of their making
//	ended   zset    requests that have → ms of their end
//	quiet   hash    channel → ms before which Slack wants no post
//	homes   hash    user who has the Home open → ms of the last opening
//	shown   hash    user → ms at which the Home was last drawn
//	said    hash    user → what the Home tells in answer to a click in it
//	r:<id>  t:<id>  b:<id>:<n>   records: hash of ver, op, body
//	s:<id>  string  the frozen list        o:<id>  list  notes owed to Slack
//	i:<id>  string  an envelope            seen:<id>  string  it was recorded
//	d:<id>  string  an ask that a person was shown and has not made yet
type keys string

func keysOf(project string) keys { return keys("{p:" + project + "}:") }

func (k keys) meta() string   { return string(k) + "meta" }
func (k keys) due() string    { return string(k) + "due" }
func (k keys) claims() string { return string(k) + "claims" }
func (k keys) owners() string { return string(k) + "owners" }
func (k keys) tries() string  { return string(k) + "tries" }
func (k keys) woken() string  { return string(k) + "woken" }
func (k keys) beats() string  { return string(k) + "beats" }
func (k keys) locks() string  { return string(k) + "locks" }
func (k keys) halt() string   { return string(k) + "halt" }
func (k keys) audit() string  { return string(k) + "audit" }
func (k keys) open() string   { return string(k) + "open" }
func (k keys) ended() string  { return string(k) + "ended" }
func (k keys) quiet() string  { return string(k) + "quiet" }
func (k keys) homes() string  { return string(k) + "homes" }
func (k keys) shown() string  { return string(k) + "shown" }
func (k keys) said() string   { return string(k) + "said" }

func (k keys) request(id string) string      { return string(k) + "r:" + id }
func (k keys) thread(id string) string       { return string(k) + "t:" + id }
func (k keys) frozen(id string) string       { return string(k) + "s:" + id }
func (k keys) owed(id string) string         { return string(k) + "o:" + id }
func (k keys) envelope(id string) string     { return string(k) + "i:" + id }
func (k keys) draft(id string) string        { return string(k) + "d:" + id }
func (k keys) seen(id string) string         { return string(k) + "seen:" + id }
func (k keys) batch(id string, n int) string { return string(k) + "b:" + id + ":" + strconv.Itoa(n) }

// The cloud counts stops and starts apart, and so do we.

func (k keys) log(a approvals.Action) string  { return k.quota("log", a) }
func (k keys) book(a approvals.Action) string { return k.quota("book", a) }
func (k keys) line(a approvals.Action) string { return k.quota("line", a) }

func (k keys) quota(name string, a approvals.Action) string {
	if a == approvals.Stop {
		return string(k) + name
	}
	return string(k) + name + ":" + string(a)
}

// Names of work items, as they stand in the due list.

func requestItem(id string) string      { return "r:" + id }
func threadItem(id string) string       { return "t:" + id }
func envelopeItem(id string) string     { return "i:" + id }
func homeItem(user string) string       { return "h:" + user }
func batchItem(id string, n int) string { return "b:" + id + ":" + strconv.Itoa(n) }
