package approvals

import (
	"encoding/json"
	"time"
)

// Topic is what a message to people is about.
type Topic string

const (
	TopicCard        Topic = "card"      // the first message of a request
	TopicApproved    Topic = "approved"  // an approval was counted
	TopicDenied      Topic = "denied"    // an approver denied it
	TopicCancelled   Topic = "cancelled" // withdrawn, or no further batch will be sent
	TopicExpired     Topic = "expired"   // nobody decided in time
	TopicSent        Topic = "sent"      // the cloud accepted a batch; carries its job id
	TopicUnclear     Topic = "unclear"   // a call's answer was lost; the bot reads the servers before it repeats the call
	TopicOverdue     Topic = "late"      // a job is overdue; it is still polled
	TopicPaused      Topic = "paused"    // the store was restarted; nothing is sent for a while
	TopicTrouble     Topic = "trouble"   // the work cannot go on for now; says why
	TopicOutcome     Topic = "end"       // the outcome
	TopicFrozenBatch Topic = "held"      // a freeze stops a batch from being sent
	TopicResolved    Topic = "settled"   // a person said in which state the servers with unknown outcome are

	// TopicBatchFailed: servers of a batch failed; posted in addition to the outcome.
	TopicBatchFailed Topic = "batch_failed"

	TopicReminder Topic = "reminder" // nobody has decided yet
	TopicList     Topic = "list"     // all servers as a file, if the card does not list them all
	TopicResults  Topic = "results"  // the outcome of each server as a file, if many did not end well

	// TopicRetried and TopicStart: a request for servers of this one was made; its card
	// is posted. A replica of an older version posts the topic itself.

	TopicRetried Topic = "retried"
	TopicStart   Topic = "start requested"

	// TopicUnshared: a file could not be attached; Code is Slack's.
	TopicUnshared Topic = "unshared"

	// Announcements: they belong to a channel, not to a request.

	TopicFrozen   Topic = "frozen" // nothing is sent from now on
	TopicUnfrozen Topic = "thawed" // the freeze is lifted
)

// Note is an entry of the outbox of a request's thread. It says what to post, not in
// which words.
type Note struct {
	ID    string    `json:"id"` // also in the message's metadata, to find the post again
	Topic Topic     `json:"topic"`
	At    time.Time `json:"at"`
	By    string    `json:"by,omitempty"`
	Count int       `json:"count,omitempty"` // TopicApproved: approvals so far; TopicSent: servers
	Batch int       `json:"batch,omitempty"`
	Job   string    `json:"job,omitempty"`
	Why   string    `json:"why,omitempty"`  // a person's or the cloud's text, or the cause of [Note.Because]
	Code  string    `json:"code,omitempty"` // the cloud's
	Next  time.Time `json:"next,omitzero"`  // when a file that could not be attached is retried
	As    string    `json:"as,omitempty"`   // TopicRetried, TopicStart: the id of the new request
}

// Message is one post: one note, or several that were owed at the same time and are
// told together, the outcome last. In a channel that is behind they are of any topics
// that join, else of one topic.
type Message struct {
	Request Request
	Notes   []Note
	Batches []Batch // TopicOutcome and TopicResults: all of them
	Freeze  Freeze  // TopicCard: what the card shows of it when it is posted
	Refused string  // Slack's error code for the post in the channel; only for private messages
}

// ID is the message's own id: that of its first note.
func (m Message) ID() string { return m.Notes[0].ID }

// Merges reports whether notes of the topic that are in the outbox at the same time
// become one post.
func (t Topic) Merges() bool { return t == TopicSent || t == TopicBatchFailed }

// Joins reports whether the topic may be told in one post with others. What is a message
// of its own by its nature does not: the card, a file, an announcement, a reminder.
func (t Topic) Joins() bool {
	return t != TopicCard && t != TopicReminder && !t.File() && !t.Announces()
}

// Concludes reports whether a message of the topic needs all batches.
func (t Topic) Concludes() bool { return t == TopicOutcome || t == TopicResults }

// File reports whether the topic is a file. Other notes do not wait for a file that
// cannot be attached.
func (t Topic) File() bool { return t == TopicList || t == TopicResults }

// Personal reports whether a message of the topic has to reach a person even if it
// cannot be posted in the channel.
func (t Topic) Personal() bool {
	switch t {
	case TopicSent, TopicReminder, TopicList, TopicResults, TopicUnshared, TopicPaused, TopicApproved, TopicRetried, TopicStart:
		return false
	}
	return true
}

// Announces reports whether the topic is an announcement: a message of its own in a
// channel, about no request.
func (t Topic) Announces() bool { return t == TopicFrozen || t == TopicUnfrozen }

// DeliveryStatus is the result of an attempt to post something in Slack.
type DeliveryStatus int

const (
	// Posted: the message is in Slack.
	Posted DeliveryStatus = iota
	// NotPosted: the message is certainly not in Slack; try again later.
	NotPosted
	// MaybePosted: the message may be in Slack or not. Search for it before repeating.
	MaybePosted
	// Rejected: Slack will never accept it there (no such channel, archived, …).
	Rejected
)

// Delivery describes the result of an attempt to post something in Slack.
type Delivery struct {
	Status      DeliveryStatus
	TS          string        // Posted: the message's timestamp
	RetryAfter  time.Duration // NotPosted: Slack's Retry-After; 0 if it gave none
	WholeMethod bool          // NotPosted: the Retry-After is for all calls of the method, not for one channel
	UnknownCode bool          // NotPosted: the error code is unknown to the bot, so it may be permanent
	Code        string        // Slack's error code, if it gave one
	Err         error         // for the log
}

// FindError says why a search for a message failed.
type FindError struct {
	Final      bool          // a retry will not help: a scope is missing, for example
	RetryAfter time.Duration // Slack's Retry-After; 0 if it gave none
	Err        error
}

func (e *FindError) Error() string { return e.Err.Error() }
func (e *FindError) Unwrap() error { return e.Err }

// Envelope is something that Slack sent and that a person waits for: a command, a
// click or a submitted form. It is stored before it is acknowledged.
type Envelope struct {
	ID   string          `json:"id"` // the same for every delivery of the same command or click
	Kind string          `json:"kind"`
	At   time.Time       `json:"at"`
	Body json.RawMessage `json:"body"`
	By   string          `json:"by,omitempty"` // who did it
	Lane Lane            `json:"lane,omitempty"`
}

// Lane is the priority of an envelope.
type Lane string

const (
	// LaneUsual: in order of arrival.
	LaneUsual Lane = ""
	// LaneBrake: it only stops something (a freeze, a denial, a cancellation). It
	// comes before everything else and never becomes too old.
	LaneBrake Lane = "brake"
	// LaneSlow: it reads much and changes nothing that others wait for. Few of these
	// are handled at the same time, and those of one person one by one.
	LaneSlow Lane = "slow"
)

// Suffixes of the ids of a request's notes of [TopicList] and [TopicResults].
const (
	ListNote    = "/list"
	ResultsNote = "/results"
)
