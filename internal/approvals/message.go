package approvals

import (
	"encoding/json"
	"time"
)

// Topic is what a message to people is about.
type Topic string

const (
	TopicCard        Topic = "card"      // the first message of a request
	TopicApproved    Topic = "approved"  // a yes was counted
	TopicDenied      Topic = "denied"    // ended by a no
	TopicCancelled   Topic = "cancelled" // withdrawn, or no further batch will be sent
	TopicExpired     Topic = "expired"   // nobody decided in time
	TopicSent        Topic = "sent"      // the cloud took a batch; carries its job id
	TopicUnclear     Topic = "unclear"   // a call's answer was lost; the bot looks before it repeats
	TopicOverdue     Topic = "late"      // a job is overdue and watched on
	TopicPaused      Topic = "paused"    // the store was restarted; submission waits
	TopicTrouble     Topic = "trouble"   // the work cannot go on for now; says why
	TopicOutcome     Topic = "end"       // the outcome
	TopicFrozenBatch Topic = "held"      // a freeze keeps a batch from being sent
	TopicResolved    Topic = "settled"   // a person said what became of servers that were not known

	// TopicBatchFailed: servers of a batch failed; told besides the outcome.
	TopicBatchFailed Topic = "batch_failed"

	TopicReminder Topic = "reminder" // nobody has decided yet
	TopicList     Topic = "list"     // all servers as a file, where the card does not hold them
	TopicResults  Topic = "results"  // what became of each server as a file, where that is much to read

	// TopicUnshared: a file could not be attached; Code is Slack's.
	TopicUnshared Topic = "unshared"

	// Announcements: they belong to a channel, not to a request.

	TopicFrozen   Topic = "frozen" // nothing is sent from now on
	TopicUnfrozen Topic = "thawed" // the freeze is lifted
)

// Note is something owed to the people in a request's thread. It says what is
// to be told, not how.
type Note struct {
	ID    string    `json:"id"` // also in the message's metadata: by it the message is found again
	Topic Topic     `json:"topic"`
	At    time.Time `json:"at"`
	By    string    `json:"by,omitempty"`
	Count int       `json:"count,omitempty"` // TopicApproved: yeses so far; TopicSent: servers
	Batch int       `json:"batch,omitempty"`
	Job   string    `json:"job,omitempty"`
	Why   string    `json:"why,omitempty"`  // a person's or the cloud's words, or that of [Note.Because]
	Code  string    `json:"code,omitempty"` // the cloud's
	Next  time.Time `json:"next,omitzero"`  // a file that could not be attached is not tried before
}

// Message is one post: one note, or several that were owed at the same time and are
// told together, the outcome last. In a channel that is behind they are of any topics
// that join, else of one topic.
type Message struct {
	Request Request
	Notes   []Note
	Batches []Batch // TopicEnd and TopicResults: all of them
	Freeze  Freeze  // TopicCard: what the first picture of the card shows of it
	Refused string  // why the channel did not take it, as Slack's code; only for private messages
}

// ID is the message's own id: that of its first note.
func (m Message) ID() string { return m.Notes[0].ID }

// Merges reports whether notes of the topic that are owed at the same time are
// told in one post.
func (t Topic) Merges() bool { return t == TopicSent || t == TopicBatchFailed }

// Joins reports whether the topic may be told in one post with others. What is a message
// of its own by its nature does not: the card, a file, an announcement, a reminder.
func (t Topic) Joins() bool {
	return t != TopicCard && t != TopicReminder && !t.File() && !t.Announces()
}

// Concludes reports whether the topic is told with all batches.
func (t Topic) Concludes() bool { return t == TopicOutcome || t == TopicResults }

// File reports whether the topic is a file. Other notes need not wait
// for one that cannot be attached.
func (t Topic) File() bool { return t == TopicList || t == TopicResults }

// Personal reports whether what the topic tells has to reach somebody even
// where the channel does not take it.
func (t Topic) Personal() bool {
	switch t {
	case TopicSent, TopicReminder, TopicList, TopicResults, TopicUnshared, TopicPaused, TopicApproved:
		return false
	}
	return true
}

// Announces reports whether the topic is a channel's own, told as a message by
// itself and about no request.
func (t Topic) Announces() bool { return t == TopicFrozen || t == TopicUnfrozen }

// DeliveryStatus is what became of an attempt to say something.
type DeliveryStatus int

const (
	// Posted: it stands in Slack.
	Posted DeliveryStatus = iota
	// NotPosted: it certainly does not stand there; try again later.
	NotPosted
	// MaybePosted: it may stand there or not. Look before repeating.
	MaybePosted
	// Rejected: it can never be said there (no such channel, archived, …).
	Rejected
)

// Delivery tells the fate of an attempt to say something.
type Delivery struct {
	Status      DeliveryStatus
	TS          string        // Said: the message's timestamp
	RetryAfter  time.Duration // NotSaid: Slack asks to wait so long; 0 if it does not say
	WholeMethod bool          // NotSaid: the wait holds for all calls of that kind
	UnknownCode bool          // NotSaid: for a reason that nobody knows; it may pass or not
	Code        string        // Slack's error code, if it gave one
	Err         error         // for the log
}

// FindError says why a message could not be looked for.
type FindError struct {
	Final      bool          // another try will do no better: a right is missing, say
	RetryAfter time.Duration // Slack asks to wait so long; 0 if it does not say
	Err        error
}

func (e *FindError) Error() string { return e.Err.Error() }
func (e *FindError) Unwrap() error { return e.Err }

// Envelope is something that Slack sent and that a person waits for: a
// command, a click, a filled-in form. It is stored before it is acknowledged.
type Envelope struct {
	ID   string          `json:"id"` // the same for every delivery of the same act
	Kind string          `json:"kind"`
	At   time.Time       `json:"at"`
	Body json.RawMessage `json:"body"`
	By   string          `json:"by,omitempty"` // who did it
	Lane Lane            `json:"lane,omitempty"`
}

// Lane says how much of a hurry there is.
type Lane string

const (
	// LaneUsual: in its turn.
	LaneUsual Lane = ""
	// LaneBrake: it only holds back (a freeze, a denial, a cancellation). It
	// comes before everything else and never becomes too old.
	LaneBrake Lane = "brake"
	// LaneSlow: it reads much and changes nothing that others wait for. Few of
	// these are worked on at the same time, and of one person one after the other.
	LaneSlow Lane = "slow"
)

// What ends the id of a request's note of [TopicList] and of [TopicResults].
const (
	ListNote    = "/list"
	ResultsNote = "/results"
)
