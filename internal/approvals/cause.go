package approvals

import (
	"strconv"
	"strings"
	"time"
)

// Cause is why a batch waits, why it is not clear what became of a call, or why
// the outcome of a server is not known. The set is closed: [Causes] lists it,
// and code outside this package cannot add to it. What people read for each is
// with the words of the Slack side.
//
// A cause is stored as a short code; one that ends in a colon has a detail after
// it ("job not found: ff80…"). During a rolling upgrade a replica of an older
// version shows people what is stored as it is, so a code is a few plain words,
// not an abbreviation. Codes must not change.
//
// Versions before this type stored whole sentences. [ParseCause] knows those
// whose repetition must not be told again; any other text is kept and shown as
// it is. The zero Cause means that there is none.
type Cause struct {
	code   string // empty: detail is text that is no cause of this version
	detail string
}

// Why a batch waits.
var (
	CauseCloudBusy     = newCause("cloud busy")                // it cannot be reached, or is busy
	CauseThrottled     = newCause("cloud rate limit")          // the cloud says that too much was sent
	CauseUnreadable    = newCause("servers not readable")      // the cloud does not show what the servers are now
	CauseInProgress    = newCause("servers in progress")       // the action is being done to all servers that are left
	CauseNewerVersion  = newCause("newer version needed")      // the record holds what this version does not know
	CauseStoreFull     = newCause("database full")             // the intent cannot be written
	CauseStoreUnsafe   = newCause("database unsafe")           // the store may lose what is written to it
	CauseStoreRestart  = newCause("database restarted")        // between the permit and the call
	CauseProcessPaused = newCause("process paused")            // for too long between the intent and the call
	CauseClockJumped   = newCause("database clock jumped")     // ahead, so that permits may have ended too early
	CauseClocksDiffer  = newCause("clocks differ")             // those of the store and of this machine, by over 10 s
	CauseUnconfirmed   = newCause("no replica confirmed")      // that it has the intent
	CauseParked        = newCause("parked after many crashes") // the item is tried again after an hour
)

// Why it is not clear whether the cloud took a call.
var (
	CauseAnswerLost = newCause("answer lost")        // or it could not be read
	CauseSenderGone = newCause("sender interrupted") // the process that made the call did not store the answer
)

// Why a job is not followed any longer.
var (
	CauseJobNotFound = newCause("job not found:")      // detail: the job
	CauseJobTooOld   = newCause("job not done after:") // detail: how long it was followed
)

// Why the outcome of a server is not known.
var (
	CauseServerGone      = newCause("server not found")                   // the cloud does not show it any more
	CauseChangedSince    = newCause("changed after unclear call")         // so it may be as it is by somebody else's doing
	CauseRunsAgain       = newCause("running but changed after call")     // perhaps stopped, and started again by somebody
	CauseOffAgain        = newCause("off but changed after call")         // perhaps started, and stopped again by somebody
	CauseNoEffectSeen    = newCause("unchanged though seen in progress")  // and it bears the stamp from before the call
	CauseNoEffectLost    = newCause("unchanged after unclear call")       // of a cancelled request; it may come to have an effect
	CauseNoEffectJob     = newCause("unchanged after accepted call:")     // detail: why its job is not followed, a cause itself
	CauseManyUnclear     = newCause("too many unclear calls:")            // detail: how many
	CauseStillStopping   = newCause("still powering off after:")          // detail: how long it was waited for
	CauseStillStarting   = newCause("still powering on after:")           // detail: how long it was waited for
	CauseUnexpectedState = newCause("unexpected state:")                  // detail: the state
	CauseJobDisagrees    = newCause("job done but server in state:")      // detail: the state
	CauseJobSilent       = newCause("no job result and server in state:") // detail: the state
)

var causes []Cause

// newCause is for the variables above alone.
func newCause(code string) Cause {
	c := Cause{code: code}
	causes = append(causes, c)
	return c
}

// Causes lists every cause, without details.
func Causes() []Cause { return append([]Cause(nil), causes...) }

// Of adds what a cause is about: a job.
func (c Cause) Of(job string) Cause { return Cause{c.code, job} }

// After adds how long something was waited for.
func (c Cause) After(d time.Duration) Cause {
	return Cause{c.code, d.Round(time.Second).String()}
}

// times adds how often something happened.
func (c Cause) times(n int) Cause { return Cause{c.code, strconv.Itoa(n)} }

// showing adds the state that a server is in.
func (c Cause) showing(s Server) Cause { return Cause{c.code, s.state()} }

// because adds another cause.
func (c Cause) because(d Cause) Cause { return Cause{c.code, d.String()} }

// Kind is the cause without its detail, for comparing: zero for text that is no
// cause of this version.
func (c Cause) Kind() Cause { return Cause{code: c.code} }

// Detail is what varies from case to case, or the text that is no cause of this
// version. It may be foreign text.
func (c Cause) Detail() string { return c.detail }

// String is the cause as it is stored and logged.
func (c Cause) String() string {
	if c.code == "" || c.detail == "" {
		return c.code + c.detail
	}
	return c.code + " " + c.detail
}

// ParseCause reads a stored cause. A sentence that an older version stored is
// the cause that it means, or stays as it is.
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

// MarshalText makes a record hold [Cause.String].
func (c Cause) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText is [ParseCause].
func (c *Cause) UnmarshalText(b []byte) error {
	*c = ParseCause(string(b))
	return nil
}

// oldFreezeMark began what a batch held while a freeze kept it from being sent.
// The request holds that now ([Request.FreezeTold]).
const oldFreezeMark = "freeze of "

// oldSentences are what versions before [Cause] stored where it has a code now.
// Those with a job or a time in them are not among them: they are shown as they
// are.
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

// Cause is why the outcome of the server is not known. For any other outcome it
// is what the cloud said, as it stands, or zero.
func (r Result) Cause() Cause {
	if r.Outcome == NotKnown {
		return ParseCause(r.Detail)
	}
	return Cause{detail: r.Detail}
}

// notKnown ends the waiting for a server: its outcome is not known, because of c.
func (r *Result) notKnown(c Cause) { r.Outcome, r.Detail = NotKnown, c.String() }

// Cause is what a note of [TopicTrouble] or [TopicUnclear] tells of, made by
// [Note.Because].
func (n Note) Cause() Cause { return ParseCause(n.Why) }

// Because is the note with its cause.
func (n Note) Because(c Cause) Note {
	n.Why = c.String()
	return n
}
