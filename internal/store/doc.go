// Package store keeps the records of one project in Redis, hands out work by
// leases, and guards the cloud's quota. It is the only package that uses
// Redis, and all Lua is here. It does not know what a record means: a body is any
// value that can be marshalled, a quota has a name, a work item is a string.
//
// [Open] makes a connection ([Redis]), [New] what one project keeps there
// ([Store]). A record is a hash with a version; it is read with [Load] and changes
// only by [Store.Commit], which writes a whole [Change] or nothing of it: records,
// due times, audit entries, locks and permits together. A change whose answer was
// lost is sent again; its operation id makes sure that it is written once.
//
// Work is a list of due times. [Store.Claim] hands out what is due under a lease
// with a fencing token; a change that depends on a lease is refused once somebody
// else holds it. The workers' heartbeats ([Store.Beat]) make the items of dead
// workers due, and detect a Redis that was restarted, emptied or rolled back, or
// whose clock jumped: then no permit is granted for a window.
//
// The few writes outside of a change are caches, marks and rate limits, which may
// be lost ([Store.Set], [Store.Mark], [Store.Count]). Enqueueing work has scripts of
// its own ([Store.Record], [Store.Viewed], [Store.WakeWaiting]).
package store
