// Package audit defines the entries of the audit log. An entry is appended to a
// Redis stream in the same transaction as the change that it describes, so there
// is no change without its entry and no entry without its change.
//
// Entries carry ids, states and counts. They carry no tokens, and of free text
// only the reasons that people gave.
package audit

// Event says what happened. Stored values must not change: people search the log
// for them.
type Event string

// What happened to a request.
const (
	// Asked: a person made the request. Count and Digest are those of its servers.
	Asked Event = "asked"
	// Planned: an approved request was cut into batches.
	Planned Event = "planned"
	// Reminded: a reminder was added to the outbox. Count is how many there are so far.
	Reminded Event = "reminded"
	// Escalated: more people are asked, because a rule says so after a time. Rule is its
	// name.
	Escalated Event = "escalated"
	// Paused: the thread will say that nothing is sent for a while, because Redis
	// was restarted or has lost changes.
	Paused Event = "paused"
	// Finished: the last batch of the request ended.
	Finished Event = "finished"
	// PostRejected: Slack never takes one of the request's messages, so it was dropped
	// from the channel's outbox. Reason is the topic.
	PostRejected Event = "unsaid"
)

// What a person or the clock decided about a request. The values are those of
// approvals.Choice.
const (
	// Approve: an approver said yes. To is approved if that was the last yes needed.
	Approve Event = "approve"
	// Auto: rules say that the request needs no approval. Reason has their names.
	Auto Event = "auto"
	// LeaveOut: an approver took servers off the list of a pending request. Count is how
	// many, Digest that of the servers that remain.
	LeaveOut Event = "leave_out"
	// Rule: a rule denies the approved request, so it was cancelled. Reason is the
	// rule's sentence and Rule its name.
	Rule Event = "rule"
	// Deny: an approver said no.
	Deny Event = "deny"
	// Cancel: a person withdrew the request, or stopped further batches.
	Cancel Event = "cancel"
	// Expire: nobody decided in time.
	Expire Event = "expire"
	// Lapse: the approval became too old before it was used; no further batch is sent.
	Lapse Event = "lapse"
	// NoCard: the card could not be posted, so the request was cancelled.
	NoCard Event = "no_card"
	// ServersOff and ServersOn: an approver said in which state the servers are whose
	// outcome was unknown.
	ServersOff Event = "they_are_off"
	ServersOn  Event = "they_run"
)

// What happened to a batch.
const (
	// Intent: the batch got its permit and is about to be sent to the cloud.
	Intent Event = "intent"
	// Accepted: the cloud took the call and gave a job id.
	Accepted Event = "accepted"
	// RequeuedUnsent: the call was not made, or certainly not accepted; the batch is
	// back in the queue.
	RequeuedUnsent Event = "withdrawn"
	// Unclear: nobody knows whether the cloud took the call.
	Unclear Event = "unclear"
	// Reconcile: from here on the states of the servers decide what became of the batch.
	Reconcile Event = "reconcile"
	// Requeued: servers that the call never reached, or that were not the cause of a
	// refusal, are back in the queue.
	Requeued Event = "requeued"
	// Split: the batch was too large, and part of it moved to new batches.
	Split Event = "split"
	// Overdue: the batch takes longer than expected, and the thread will say so.
	Overdue Event = "late"
	// Ended: every server of the batch has an outcome.
	Ended Event = "ended"
)

// What happened to the freeze, which belongs to no request.
const (
	// Freeze: a person froze all submissions.
	Freeze Event = "freeze"
	// Unfreeze: a person lifted the freeze.
	Unfreeze Event = "unfreeze"
)

// Entry is one line of the audit log. The stream gives it its time and order.
type Entry struct {
	Event   Event  `json:"event"`
	Request string `json:"request,omitempty"`
	Batch   *int   `json:"batch,omitempty"`
	By      string `json:"by,omitempty"` // Slack user id; empty for the bot itself
	From    string `json:"from,omitempty"`
	To      string `json:"to,omitempty"`
	Count   int    `json:"count,omitempty"` // servers, or reminders
	Digest  string `json:"digest,omitempty"`
	Job     string `json:"job,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Ticket  string `json:"ticket,omitempty"`
	Rule    string `json:"rule,omitempty"`
	Worker  string `json:"worker,omitempty"` // the replica that made the change
}
