package jobs

import (
	"strconv"
	"strings"

	"ecsbot/internal/approvals"
	"ecsbot/internal/store"
)

// keys names the engine's keys in Redis for one project. The store has keys of its
// own. All names have the store's prefix.
//
//	halt    hash    record of the freeze
//	open    zset    requests that have not ended → ms of their creation
//	ended   zset    requests that have ended → ms of their end
//	quiet   hash    Slack channel or method → ms until which it is rate limited (Retry-After)
//	opened  zset    user who has the Home open → µs of the last opening
//	moved   string  µs of the last change that Homes show
//	rested  string  up to which change and opening all Homes are updated
//	drawn   hash    user → µs of the last update of the Home
//	homes   hash    as opened; written by older replicas
//	swept   string  the freeze and the loss of the last sweep of all cards
//	private zset    user with private messages in the outbox → ms at which they are due
//	said    hash    user → the Home's answer to a click in it
//	r:<id>  t:<id>  b:<id>:<n>  p:<user>   records: hash of ver, op, body
//	s:<id>  string  the server list        o:<id>  list  outbox: notes for the thread
//	own:<user>   zset    requests of one person that have not ended → ms of their creation
//	asks:<user>  zset    asks of one person in the last hour → ms
//	known:<id>   string  what Slack last said about a person or a user group
//	renew:<id>   string  ms at which Slack said that it changed
//	d:<id>  string  a draft: an ask that was shown but not made yet
type keys string

func keysOf(project string) keys { return keys(store.Prefix(project)) }

func (k keys) freeze() string { return string(k) + "halt" }

func (k keys) open() string { return string(k) + "open" }

func (k keys) ended() string { return string(k) + "ended" }

func (k keys) retryAfter() string { return string(k) + "quiet" }

func (k keys) homes() string { return string(k) + "homes" }

func (k keys) homesOpened() string { return string(k) + "opened" }

func (k keys) homesChanged() string { return string(k) + "moved" }

func (k keys) homesSettled() string { return string(k) + "rested" }

func (k keys) cardsSwept() string { return string(k) + "swept" }

func (k keys) homesDrawn() string { return string(k) + "drawn" }

func (k keys) homeAnswers() string { return string(k) + "said" }

func (k keys) own(user string) string { return string(k) + "own:" + user }

func (k keys) asks(user string) string { return string(k) + "asks:" + user }

func (k keys) known(id string) string { return string(k) + "known:" + id }

func (k keys) knownStale(id string) string { return string(k) + "renew:" + id }

func (k keys) privates() string { return string(k) + "private" }

func (k keys) private(user string) string { return string(k) + "p:" + user }

func (k keys) request(id string) string { return string(k) + "r:" + id }

func (k keys) thread(id string) string { return string(k) + "t:" + id }

func (k keys) serverList(id string) string { return string(k) + "s:" + id }

func (k keys) draft(id string) string { return string(k) + "d:" + id }

func (k keys) batch(id string, n int) string { return string(k) + "b:" + id + ":" + strconv.Itoa(n) }

// quotaName names the quota of an action in the store: the cloud counts each project
// for itself, and stops and starts separately. project is its [approvals.Project.RecordID].
func quotaName(project string, a approvals.Action) string {
	switch {
	case project == "":
		return string(a)
	case a == approvals.Stop:
		return project
	}
	return project + ":" + string(a)
}

// itemKind is the first part of a work item's name in the due list. Names are
// stored: they must not change.
type itemKind string

const (
	kindEnvelope itemKind = "i" // an envelope from Slack; the store names these
	kindRequest  itemKind = "r" // a request that expires, or has to be cut into batches
	kindBatch    itemKind = "b" // a batch: to be sent, polled or reconciled
	kindThread   itemKind = "t" // the outbox of a thread, or "@" and a channel: of its announcements
	kindPrivate  itemKind = "p" // the outbox of private messages to a person
	kindStep     itemKind = "w" // a Workflow Builder step whose request has ended
	kindOldHome  itemKind = "h" // a person's Home; made by older replicas only

	// Kinds with a single item, which has no id.

	kindHomes itemKind = homesItem
	kindCards itemKind = cardsItem
)

const (
	homesItem = "homes" // updates open Homes
	cardsItem = "cards" // updates the cards of open requests
)

// kindOf splits an item's name into its kind and its id.
func kindOf(item string) (kind itemKind, id string) {
	before, id, _ := strings.Cut(item, ":")
	return itemKind(before), id
}

func (k itemKind) item(id string) string { return string(k) + ":" + id }

func requestItem(id string) string { return kindRequest.item(id) }

func threadItem(id string) string { return kindThread.item(id) }

func privateItem(user string) string { return kindPrivate.item(user) }

func batchItem(id string, n int) string { return kindBatch.item(id + ":" + strconv.Itoa(n)) }
