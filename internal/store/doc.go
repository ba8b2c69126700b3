// Package store keeps the records of one project in Redis, hands out work by
// leases, and guards the cloud's quota. It is the only package that speaks to
// Redis, and all Lua is here. It does not know what a record is about: a body is
// whatever can be marshalled, a quota has a name, an item of work is a string.
//
// [Open] makes a connection ([Redis]), [New] what one project keeps there
// ([Store]). A record is a hash with a version; it is read with [Load] and changes
// only by [Store.Commit], which makes a whole [Change] or nothing of it: records,
// due times, audit entries, locks and permits together. What is lost with the
// answer is repeated: by its operation id, a change is made once.
//
// Work is a list of due times. [Store.Claim] hands out what is due under a lease
// with a fencing token; a change that depends on a lease is refused once somebody
// else holds it. The workers' heartbeats ([Store.Beat]) free the leases of dead
// ones, and notice a Redis that was restarted, lost or rolled back, or whose
// clock jumped: then no permit is granted for a window.
//
// The few writes without a change are caches, marks and rate limits: what may be
// lost ([Store.Set], [Store.Mark], [Store.Count]). What begins work has a script
// of its own ([Store.Record], [Store.Viewed], [Store.WakeWaiting]).
package store
