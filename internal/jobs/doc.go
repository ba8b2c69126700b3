// Package jobs keeps pending work in Redis and carries it out: it makes requests
// for the servers that [inventory.Inventory] finds, waits for decisions, sends
// approved batches to the cloud within its quota, watches the jobs, reads the
// servers and tells Slack what became of them.
//
// All that is known of a request stands in Redis. Work is a list of due times;
// whoever is free claims what is due, does one step, and gives it back with
// the next time it is due. A step reads a record, decides, and makes one
// change of it: the record's new state, the next due time, the audit entry and
// the words owed to Slack land together or not at all. So a process may die on
// any line; another one finds what is due and goes on from the record.
//
// Items of work:
//
//	i:<envelope>        something Slack sent and a person waits for
//	r:<request>         a request that expires, or has to be cut into batches
//	b:<request>:<n>     a batch: to be sent, watched, or looked at
//	t:<request>         a Slack thread in which something is to be said
//	t:@<channel>        a channel in which something is to be announced
//	h:<user>            a Home to be drawn again
package jobs
