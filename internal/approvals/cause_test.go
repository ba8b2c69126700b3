package approvals

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// causesAsMade are all causes as they are made, with all kinds of details.
func causesAsMade() []Cause {
	all := Causes()
	return append(all,
		CauseJobNotFound.Of("ff80"),
		CauseJobTooOld.After(2*time.Hour),
		CauseManyUnclear.times(3),
		CauseJobDisagrees.showing(Server{Status: "ACTIVE", Task: "rebooting"}),
		CauseNoEffectJob.because(CauseJobTooOld.After(2*time.Hour)),
		CauseNoEffectJob.because(Cause{}),
	)
}

func TestCausesComeBackAsTheyWere(t *testing.T) {
	for _, c := range causesAsMade() {
		for _, trouble := range []Cause{c, ParseCause(c.String())} {
			b := of(Stop, runs)
			b.Trouble = trouble
			var got Batch
			if err := json.Unmarshal([]byte(marshal(t, b)), &got); err != nil || got.Trouble != c {
				t.Errorf("%q is read as %+v, %v", c, got.Trouble, err)
			}
		}
	}
	if written := marshal(t, of(Stop, runs)); strings.Contains(written, "trouble") {
		t.Errorf("a batch without trouble is written as %s", written)
	}
	if c := CauseNoEffectJob.because(CauseJobNotFound.Of("ff80")); ParseCause(c.Detail()) != CauseJobNotFound.Of("ff80") {
		t.Errorf("the cause within %q is lost", c)
	}
}

// An older replica shows people the code itself.
func TestCodesOfCausesAreReadableAndDistinct(t *testing.T) {
	readable := regexp.MustCompile(`^[a-z]+( [a-z]+)+:?$`)
	for i, c := range Causes() {
		if !readable.MatchString(c.code) || len(c.code) > 40 {
			t.Errorf("nobody can read %q", c.code)
		}
		for _, other := range Causes()[i+1:] {
			if strings.HasPrefix(other.code, c.code) || strings.HasPrefix(c.code, other.code) {
				t.Errorf("%q is taken for %q", c.code, other.code)
			}
		}
	}
}

func TestTextThatIsNoCauseStaysAsItIs(t *testing.T) {
	for _, text := range []string{
		"no", "the disk of <web-1> is busy", "cloud busy: ask later", "cloud busy ", "is ERROR",
		"the cloud does not know job ff80 any more", "job ff80 is not done after 2h0m0s", "still powering off after 6h0m0s",
		"runs on untouched, though its call was accepted: job ff80 is not done after 2h0m0s", "3 calls brought no clear answer",
	} {
		c := ParseCause(text)
		if c.Kind() != (Cause{}) || c.Detail() != text || c.String() != text {
			t.Errorf("%q is read as %+v", text, c)
		}
	}
}

// What the version before causes had codes has stored: each sentence is the
// cause that is stored in its place now, so that people are not told again of a
// trouble that lasts over an upgrade.
func TestOldSentencesAreTheirCauses(t *testing.T) {
	b, err := os.ReadFile("testdata/old_causes.json")
	if err != nil {
		t.Fatal(err)
	}
	var sentences map[string]string
	if err := json.Unmarshal(b, &sentences); err != nil {
		t.Fatal(err)
	}
	if len(sentences) != len(oldSentences) {
		t.Errorf("%d old sentences are known, %d were ever stored", len(oldSentences), len(sentences))
	}
	for sentence, code := range sentences {
		var old Batch
		record := strings.Replace(marshal(t, oldBatch), `"trouble":"away"`, `"trouble":"`+sentence+`"`, 1)
		if err := json.Unmarshal([]byte(record), &old); err != nil {
			t.Fatal(err)
		}
		if old.Trouble.String() != code || !slices.Contains(Causes(), old.Trouble) {
			t.Errorf("%q is read as %q, want %q", sentence, old.Trouble, code)
		}
		if c := (Result{Outcome: NotKnown, Detail: sentence}).Cause(); c != old.Trouble {
			t.Errorf("%q as the reason of a result is %q", sentence, c)
		}
		if c := (Note{Topic: TopicTrouble, Why: sentence}).Cause(); c != old.Trouble {
			t.Errorf("%q in a note is %q", sentence, c)
		}
	}
}

// While a freeze was on, batches of an older version held a mark of it.
func TestTheOldMarkOfAFreezeIsNoCause(t *testing.T) {
	record := strings.Replace(marshal(t, oldBatch), `"trouble":"away"`, `"trouble":"freeze of 1773058200000"`, 1)
	var old Batch
	if err := json.Unmarshal([]byte(record), &old); err != nil {
		t.Fatal(err)
	}
	if old.Trouble != (Cause{}) {
		t.Errorf("it is %q", old.Trouble)
	}
}

// What the cloud said of a server that failed is never taken for a cause.
func TestOnlyAnUnknownOutcomeHasACause(t *testing.T) {
	for _, r := range []Result{
		{Outcome: ActionFailed, Code: "Ecs.0005", Detail: CauseServerGone.String()},
		{Outcome: FoundOff, Detail: CauseServerGone.String()},
	} {
		if c := r.Cause(); c.Kind() != (Cause{}) || c.Detail() != r.Detail {
			t.Errorf("%+v has the cause %+v", r, c)
		}
	}
	r := Result{}
	r.notKnown(CauseStillStopping.After(6 * time.Hour))
	if c := r.Cause(); r.Outcome != NotKnown || c.Kind() != CauseStillStopping || c.Detail() != "6h0m0s" {
		t.Errorf("%+v has the cause %+v", r, c)
	}
}

func TestANoteKeepsItsCause(t *testing.T) {
	n := Note{ID: "S-7K3MQ/1/trouble", Topic: TopicTrouble, At: noon, Batch: 1}.Because(CauseClocksDiffer)
	var got Note
	if err := json.Unmarshal([]byte(marshal(t, n)), &got); err != nil || got.Cause() != CauseClocksDiffer {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestEachUnknownOutcomeHasItsCause(t *testing.T) {
	failing := Server{ID: "a", Status: "ERROR", Updated: "2"}
	startedAndStopped := Server{ID: "a", Status: "SHUTOFF", Updated: "3"}
	was := Server{ID: "a", Status: "SHUTOFF", Updated: "1"}
	followed := func(b *Batch) { b.JobID, b.Trouble = "ff80", CauseJobNotFound.Of("ff80") }
	sent := func(b *Batch) { b.State, b.UnclearCalls, b.Results[0].Sent = Queued, 1, true }
	reconciled := func(b Batch, now Server, after time.Duration) Result {
		next, _ := b.Reconcile(sees(now), patience, noon.Add(after))
		return next.Results[0]
	}
	prepared := func(b Batch, now Server, _ time.Duration) Result {
		next, _ := b.Prepare(sees(now), protection, time.Time{})
		return next.Results[0]
	}
	cancelled := func(b Batch, now Server, _ time.Duration) Result {
		next, _ := b.Cancel(sees(now))
		return next.Results[0]
	}
	concluded := func(part JobPart) func(Batch, Server, time.Duration) Result {
		return func(b Batch, now Server, after time.Duration) Result {
			b.Attempt, b.Results[0].SentInAttempt = 1, 1
			next, _ := b.Conclude(JobReport{Over: true, Parts: map[string]JobPart{"a": part}}, sees(now), true, patience, noon.Add(after))
			return next.Results[0]
		}
	}
	for _, test := range []struct {
		name   string
		action Action
		make   func(*Batch)
		now    Server
		after  time.Duration
		decide func(Batch, Server, time.Duration) Result
		want   Cause
	}{
		{"vanished", Stop, nil, vanished, time.Hour, reconciled, CauseServerGone},
		{"hangs", Stop, nil, goesOff, 7 * time.Hour, reconciled, CauseStillStopping.After(7 * time.Hour)},
		{"start hangs", Start, nil, goesOn, 7 * time.Hour, reconciled, CauseStillStarting.After(7 * time.Hour)},
		{"accepted", Stop, followed, runs, time.Hour, reconciled, CauseNoEffectJob.because(CauseJobNotFound.Of("ff80"))},
		{"was seen on its way", Stop, func(b *Batch) { b.Results[0].SeenInProgress = true }, runs, time.Hour, reconciled, CauseNoEffectSeen},
		{"too often unclear", Stop, func(b *Batch) { b.UnclearCalls = 3 }, runs, time.Hour, reconciled, CauseManyUnclear.times(3)},
		{"started again", Stop, nil, runsOther, time.Hour, reconciled, CauseRunsAgain},
		{"start: stopped again", Start, func(b *Batch) { b.Results[0].Server = was }, startedAndStopped, time.Hour, reconciled, CauseOffAgain},
		{"broken", Stop, nil, failing, time.Hour, reconciled, CauseUnexpectedState.showing(failing)},
		{"queued, changed", Stop, sent, runsOther, 0, prepared, CauseChangedSince},
		{"queued, vanished", Stop, sent, vanished, 0, prepared, CauseServerGone},
		{"queued, was seen on its way", Stop, func(b *Batch) { sent(b); b.Results[0].SeenInProgress = true }, runs, 0, prepared, CauseNoEffectSeen},
		{"cancelled", Stop, sent, runs, 0, cancelled, CauseNoEffectLost},
		{"job done, vanished", Stop, nil, vanished, time.Minute, concluded(JobPart{Done: true}), CauseServerGone},
		{"job done, runs", Stop, nil, runs, time.Minute, concluded(JobPart{Done: true}), CauseJobDisagrees.showing(runs)},
		{"job silent, runs", Stop, nil, runs, time.Minute, concluded(JobPart{}), CauseJobSilent.showing(runs)},
		{"job done, hangs", Stop, nil, goesOff, 7 * time.Hour, concluded(JobPart{Done: true}), CauseStillStopping.After(7 * time.Hour)},
	} {
		b := of(test.action, runs)
		b.State, b.IntentAt = Reconciling, noon
		if test.make != nil {
			test.make(&b)
		}
		if r := test.decide(b, test.now, test.after); r.Outcome != NotKnown || r.Cause() != test.want {
			t.Errorf("%s: %q, because of %q; want %q", test.name, r.Outcome, r.Cause(), test.want)
		}
	}
}
