package approvals

import (
	"strconv"
	"strings"
	"time"
)

// Cause is why a batch waits, why the result of a call is unclear, or why the outcome
// of a server is unknown. The set is closed: [Causes] lists it, and code outside this
// package cannot add to it. What people read for each is in package slackapp.
//
// A cause is stored as a short code; a detail follows a code that ends in a colon
// ("job not found: ff80…"). During a rolling upgrade a replica of an older
// version shows people what is stored as it is, so a code is a few plain words,
// not an abbreviation. Codes must not change.
//
// Versions before this type stored whole sentences. [ParseCause] knows those that
// must not be reported twice; any other text is kept and shown as
// it is. The zero Cause means that there is none.
type Cause struct {
	code   string // empty: detail is text that this version does not know
	detail string
}

// Why a batch waits.
var (
	CauseCloudBusy     = newCause("cloud busy")                // or it cannot be reached
	CauseThrottled     = newCause("cloud rate limit")          // the cloud answered that too many calls were sent
	CauseUnreadable    = newCause("servers not readable")      // the cloud does not return the servers' states
	CauseInProgress    = newCause("servers in progress")       // the action is in progress on all remaining servers
	CauseNewerVersion  = newCause("newer version needed")      // the record has fields that this version does not know
	CauseStoreFull     = newCause("database full")             // the intent cannot be written
	CauseStoreUnsafe   = newCause("database unsafe")           // the store may lose what is written to it
	CauseStoreRestart  = newCause("database restarted")        // between the permit and the call
	CauseProcessPaused = newCause("process paused")            // for too long between the intent and the call
	CauseClockJumped   = newCause("database clock jumped")     // ahead, so that permits may have ended too early
	CauseClocksDiffer  = newCause("clocks differ")             // those of the store and of this machine, by over 10 s
	CauseUnconfirmed   = newCause("no replica confirmed")      // that it has the intent
	CauseProjectGone   = newCause("project not served")        // it is not in the settings any more
	CauseParked        = newCause("parked after many crashes") // the item is tried again after an hour
)

// Why it is unknown whether the cloud accepted a call.
var (
	CauseAnswerLost = newCause("answer lost")        // or it could not be read
	CauseSenderGone = newCause("sender interrupted") // the process that made the call did not store the answer
)

// Why a job is not polled any longer.
var (
	CauseJobNotFound = newCause("job not found:")      // detail: the job
	CauseJobTooOld   = newCause("job not done after:") // detail: how long it was polled
)

// Why the outcome of a server is unknown.
var (
	CauseServerGone      = newCause("server not found")                   // the cloud does not show it any more
	CauseChangedSince    = newCause("changed after unclear call")         // so another person may have changed it
	CauseRunsAgain       = newCause("running but changed after call")     // perhaps stopped, and started again by a person
	CauseOffAgain        = newCause("off but changed after call")         // perhaps started, and stopped again by a person
	CauseNoEffectSeen    = newCause("unchanged though seen in progress")  // with the stamp from before the call
	CauseNoEffectLost    = newCause("unchanged after unclear call")       // of a cancelled request; the call may still take effect
	CauseNoEffectJob     = newCause("unchanged after accepted call:")     // detail: why its job is not polled, a cause itself
	CauseManyUnclear     = newCause("too many unclear calls:")            // detail: how many
	CauseStillStopping   = newCause("still powering off after:")          // detail: how long the bot waited
	CauseStillStarting   = newCause("still powering on after:")           // detail: how long the bot waited
	CauseUnexpectedState = newCause("unexpected state:")                  // detail: the state
	CauseJobDisagrees    = newCause("job done but server in state:")      // detail: the state
	CauseJobSilent       = newCause("no job result and server in state:") // detail: the state
)

var causes []Cause

// newCause is for the variables above only.
func newCause(code string) Cause {
	c := Cause{code: code}
	causes = append(causes, c)
	return c
}

// Causes lists every cause, without details.
func Causes() []Cause { return append([]Cause(nil), causes...) }

// Of adds the job that a cause is about.
func (c Cause) Of(job string) Cause { return Cause{c.code, job} }

// After adds how long something lasted.
func (c Cause) After(d time.Duration) Cause {
	return Cause{c.code, d.Round(time.Second).String()}
}

// times adds how often something happened.
func (c Cause) times(n int) Cause { return Cause{c.code, strconv.Itoa(n)} }

// showing adds the state of a server.
func (c Cause) showing(s Server) Cause { return Cause{c.code, s.state()} }

// because adds the cause behind the cause.
func (c Cause) because(d Cause) Cause { return Cause{c.code, d.String()} }

// Kind is the cause without its detail, for comparison. It is zero for text that this
// version does not know.
func (c Cause) Kind() Cause { return Cause{code: c.code} }

// Detail is the variable part, or the text that this version does not know. It may
// contain text of the cloud.
func (c Cause) Detail() string { return c.detail }

// String is the cause as it is stored and logged.
func (c Cause) String() string {
	if c.code == "" || c.detail == "" {
		return c.code + c.detail
	}
	return c.code + " " + c.detail
}

// ParseCause reads a stored cause. A sentence stored by an older version becomes the
// cause that it means, or stays as it is.
func ParseCause(stored string) Cause {
	if strings.HasPrefix(stored, oldFreezeMark) {
		return Cause{}
	}
	if c, ok := oldSentences[stored]; ok {
		return c
	}
	for _, c := range causes {
		if c.code == stored {
			return c
		}
		if detail, ok := strings.CutPrefix(stored, c.code+" "); ok && strings.HasSuffix(c.code, ":") {
			return Cause{c.code, detail}
		}
	}
	return Cause{detail: stored}
}

// MarshalText stores a cause as [Cause.String].
func (c Cause) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText is [ParseCause].
func (c *Cause) UnmarshalText(b []byte) error {
	*c = ParseCause(string(b))
	return nil
}

// oldFreezeMark is how older versions began the trouble of a batch that a freeze had
// stopped. The request has that now ([Request.FreezeTold]).
const oldFreezeMark = "freeze of "

// oldSentences are what versions before [Cause] stored instead of a code. Sentences
// that contain a job or a time are not among them: they are shown as they are.
var oldSentences = map[string]Cause{
	"the cloud cannot be reached or is busy":                                                 CauseCloudBusy,
	"the cloud says that too much was sent":                                                  CauseThrottled,
	"the cloud does not show the servers":                                                    CauseUnreadable,
	"it is being done to its servers right now":                                              CauseInProgress,
	"a newer version of this bot has to carry it on":                                         CauseNewerVersion,
	"my database is full":                                                                    CauseStoreFull,
	"the store may lose what is written to it":                                               CauseStoreUnsafe,
	"Redis was restarted just before the call":                                               CauseStoreRestart,
	"the process slept between intent and call":                                              CauseProcessPaused,
	"the clock of Redis jumped ahead":                                                        CauseClockJumped,
	"the clocks of Redis and of this machine are more than ten seconds apart":                CauseClocksDiffer,
	"no replica of Redis confirmed the intent":                                               CauseUnconfirmed,
	"something in it stops me again and again; the people who run me have to look at my log": CauseParked,
	"the answer was lost or could not be read":                                               CauseAnswerLost,
	"whoever sent it did not come to write down the answer":                                  CauseSenderGone,
	"the cloud does not show it any more":                                                    CauseServerGone,
	"changed after a call whose answer was lost":                                             CauseChangedSince,
	"runs, and was changed after the call: perhaps stopped, and started again by somebody":   CauseRunsAgain,
	"is off, and was changed after the call: perhaps started, and stopped again by somebody": CauseOffAgain,
	"runs on untouched, though it was seen on its way":                                       CauseNoEffectSeen,
	"stays off untouched, though it was seen on its way":                                     CauseNoEffectSeen,
	"runs on untouched, but a call for it was made and its answer lost":                      CauseNoEffectLost,
	"stays off untouched, but a call for it was made and its answer lost":                    CauseNoEffectLost,
}

// Cause is why the outcome of the server is unknown. For any other outcome it is the
// cloud's unchanged text, or zero.
func (r Result) Cause() Cause {
	if r.Outcome == NotKnown {
		return ParseCause(r.Detail)
	}
	return Cause{detail: r.Detail}
}

// notKnown sets the outcome to NotKnown, because of c.
func (r *Result) notKnown(c Cause) { r.Outcome, r.Detail = NotKnown, c.String() }

// Cause is the cause in a note of [TopicTrouble] or [TopicUnclear], as set by
// [Note.Because].
func (n Note) Cause() Cause { return ParseCause(n.Why) }

// Because is the note with its cause.
func (n Note) Because(c Cause) Note {
	n.Why = c.String()
	return n
}
