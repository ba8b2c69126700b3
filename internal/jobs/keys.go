package jobs

import "strconv"

// keys names everything that one project keeps in Redis. All names share the
// hash tag {p:<project>}, so that a cluster keeps them in one slot and a script
// may change several.
//
//	meta    hash    instance, schema, seq (changes made), fence
//	due     zset    item → ms at which it has to be worked on
//	claims  hash    item → fence      owners  hash  item → worker
//	tries   hash    item → claims since it was last given back
//	woken   hash    items that became due while they were held
//	beats   zset    worker → ms of its last sign of life
//	locks   hash    server id → request it is part of
//	log, book, line permits (lua/permits.lua)
//	audit   stream  one entry a move
//	open    zset    requests that have not ended → ms of their making
//	ended   zset    requests that have → ms of their end
//	quiet   hash    channel → ms before which Slack wants no post
//	r:<id>  t:<id>  b:<id>:<n>   records: hash of ver, op, body
//	s:<id>  string  the frozen list        o:<id>  list  notes owed to Slack
//	i:<id>  string  an envelope            seen:<id>  string  it was recorded
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
func (k keys) log() string    { return string(k) + "log" }
func (k keys) book() string   { return string(k) + "book" }
func (k keys) line() string   { return string(k) + "line" }
func (k keys) audit() string  { return string(k) + "audit" }
func (k keys) open() string   { return string(k) + "open" }
func (k keys) ended() string  { return string(k) + "ended" }
func (k keys) quiet() string  { return string(k) + "quiet" }

func (k keys) request(id string) string      { return string(k) + "r:" + id }
func (k keys) thread(id string) string       { return string(k) + "t:" + id }
func (k keys) frozen(id string) string       { return string(k) + "s:" + id }
func (k keys) owed(id string) string         { return string(k) + "o:" + id }
func (k keys) envelope(id string) string     { return string(k) + "i:" + id }
func (k keys) seen(id string) string         { return string(k) + "seen:" + id }
func (k keys) batch(id string, n int) string { return string(k) + "b:" + id + ":" + strconv.Itoa(n) }

// Names of work items, as they stand in the due list.

func requestItem(id string) string      { return "r:" + id }
func threadItem(id string) string       { return "t:" + id }
func envelopeItem(id string) string     { return "i:" + id }
func batchItem(id string, n int) string { return "b:" + id + ":" + strconv.Itoa(n) }
