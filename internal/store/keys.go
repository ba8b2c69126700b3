package store

// keys names the store's own keys in Redis for one project. All names begin with
// the hash tag {p:<project>}, so that a cluster keeps them in one slot and a script
// may change several of them. Callers name their records below the same prefix (see
// [Prefix]).
//
//	meta    hash    instance, schema, seq (changes made), fence, team and bot,
//	                replicas (the most ever seen)
//	due     zset    item → ms at which it is due
//	claims  hash    item → fence      owners  hash  item → worker
//	tries   hash    item → claims since it was last released
//	woken   hash    items that became due while they were leased
//	first   zset    items of the brake lane → ms of their recording (lua/claim.lua)
//	slow    zset    person → ms from which their next slow item may be claimed
//	slow:<person>  zset  that person's slow items that are due
//	pace    hash    limit → µs at which all its turns are free again (lua/turns.lua)
//	heads   zset    limit for which items wait → µs of the first one's turn
//	turns:<limit>  zset  items that wait for their turn → score, the lowest first
//	beats   zset    worker → ms of its last heartbeat
//	digests hash    worker → digest of its settings
//	locks   hash    locked id → holder
//	log, book, line permits of the quota "" (lua/permits.lua); log:<quota>, … those of others
//	audit   stream  audit entries
//	ready   string  written to check that Redis takes writes
//	i:<id>  string  an envelope            seen:<id>  string  it was recorded
type keys string

// Prefix is what the names of all keys of a project begin with.
func Prefix(project string) string { return "{p:" + project + "}:" }

func keysOf(project string) keys { return keys(Prefix(project)) }

func (k keys) meta() string    { return string(k) + "meta" }
func (k keys) due() string     { return string(k) + "due" }
func (k keys) claims() string  { return string(k) + "claims" }
func (k keys) owners() string  { return string(k) + "owners" }
func (k keys) tries() string   { return string(k) + "tries" }
func (k keys) woken() string   { return string(k) + "woken" }
func (k keys) first() string   { return string(k) + "first" }
func (k keys) slow() string    { return string(k) + "slow" }
func (k keys) beats() string   { return string(k) + "beats" }
func (k keys) digests() string { return string(k) + "digests" }
func (k keys) locks() string   { return string(k) + "locks" }
func (k keys) audit() string   { return string(k) + "audit" }
func (k keys) ready() string   { return string(k) + "ready" }

func (k keys) pace() string  { return string(k) + "pace" }
func (k keys) heads() string { return string(k) + "heads" }

func (k keys) turns(limit string) string   { return string(k) + "turns:" + limit }
func (k keys) parked(person string) string { return k.slow() + ":" + person }
func (k keys) envelope(id string) string   { return string(k) + "i:" + id }
func (k keys) seen(id string) string       { return string(k) + "seen:" + id }

// quotas are the names of the quotas that every store has. The first one has an empty
// name, because its keys are older than the other quotas.
var quotas = [2]string{"", "start"}

func (k keys) log(quota string) string  { return k.ofQuota("log", quota) }
func (k keys) book(quota string) string { return k.ofQuota("book", quota) }
func (k keys) line(quota string) string { return k.ofQuota("line", quota) }

func (k keys) ofQuota(name, quota string) string {
	if quota == "" {
		return string(k) + name
	}
	return string(k) + name + ":" + quota
}
