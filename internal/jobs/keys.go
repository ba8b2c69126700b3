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
//	first   zset    items that hold back → ms of their recording (lua/claim.lua)
//	slow    zset    person → ms from which their next slow item may be handed out
//	slow:<person>  zset  that person's slow items that are due
//	beats   zset    worker → ms of its last sign of life
//	locks   hash    server id → request it is part of
//	log, book, line permits of stops (lua/permits.lua); log:start, … those of starts
//	halt    hash    record of the freeze
//	audit   stream  one entry a move
//	open    zset    requests that have not ended → ms of their making
//	ended   zset    requests that have → ms of their end
//	quiet   hash    channel or other method of Slack's → ms before which it wants no call
//	opened  zset    user who has the Home open → µs of the last opening
//	moved   string  µs at which something moved last that Homes show
//	rested  string  up to which move and opening all Homes are drawn
//	drawn   hash    user → µs at which the Home was last drawn
//	homes   hash    as opened, of replicas older than that
//	swept   string  for which freeze and which loss the cards were last gone through
//	private zset    user who is owed something privately → ms at which it is tried
//	said    hash    user → what the Home tells in answer to a click in it
//	ready   string  written to find out whether the store takes writes
//	r:<id>  t:<id>  b:<id>:<n>  p:<user>   records: hash of ver, op, body
//	s:<id>  string  the frozen list        o:<id>  list  notes owed to Slack
//	i:<id>  string  an envelope            seen:<id>  string  it was recorded
//	own:<user>   zset    requests of one person that have not ended → ms of their making
//	asks:<user>  zset    what one person asked for in the last hour → ms
//	known:<id>   string  what Slack last said of a person or a user group
//	renew:<id>   string  ms at which Slack said that this changed
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
func (k keys) opened() string { return string(k) + "opened" }
func (k keys) moved() string  { return string(k) + "moved" }
func (k keys) rested() string { return string(k) + "rested" }
func (k keys) swept() string  { return string(k) + "swept" }
func (k keys) drawn() string  { return string(k) + "drawn" }
func (k keys) said() string   { return string(k) + "said" }
func (k keys) ready() string  { return string(k) + "ready" }

func (k keys) first() string { return string(k) + "first" }
func (k keys) slow() string  { return string(k) + "slow" }

func (k keys) parked(person string) string { return k.slow() + ":" + person }
func (k keys) own(user string) string      { return string(k) + "own:" + user }
func (k keys) asks(user string) string     { return string(k) + "asks:" + user }
func (k keys) known(id string) string      { return string(k) + "known:" + id }
func (k keys) renew(id string) string      { return string(k) + "renew:" + id }

func (k keys) privates() string              { return string(k) + "private" }
func (k keys) private(user string) string    { return string(k) + "p:" + user }
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
func privateItem(user string) string    { return "p:" + user }
func batchItem(id string, n int) string { return "b:" + id + ":" + strconv.Itoa(n) }

// Items of which there is one.
const (
	homesItem = "homes" // draws open Homes
	cardsItem = "cards" // has the cards of open requests drawn again
)
