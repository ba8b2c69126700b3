// Package jobs keeps pending work in Redis and carries it out. It makes requests
// for the servers that [inventory.Inventory] finds, waits for decisions, sends
// approved batches to the cloud within its quota, polls the jobs, reads the servers,
// and posts the outcome to Slack.
//
// Everything known about a request is in Redis. Work is a list of due times: a free
// worker claims a due item, does one step, and releases it with its next due time. A
// step reads a record, decides, and commits one change: the record's new state, the
// next due time, the audit entry and the notes for Slack's outbox are written
// together or not at all. So a process may die on any line; another one finds the
// due item and continues from the record.
//
// Work items:
//
//	i:<envelope>        an envelope: something that Slack sent and a person waits for
//	r:<request>         a request that expires, or has to be cut into batches
//	b:<request>:<n>     a batch: to be sent, polled or reconciled
//	t:<request>         the outbox and the card of a request's thread
//	t:@<channel>        the outbox of a channel's announcements
//	p:<user>            the outbox of private messages to a person
//	w:<request>         a Workflow Builder step whose request has ended
//	homes               updates all open Homes
//	cards               updates the cards of all open requests
//	h:<user>            a Home, as older replicas name it
package jobs
