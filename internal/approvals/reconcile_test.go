package approvals

import (
	"testing"
	"time"
)

var patience = Patience{Quarantine: 3 * time.Minute, GiveUp: 6 * time.Hour}

func TestReconcile(t *testing.T) {
	for _, test := range []struct {
		name     string
		action   Action
		now      Server
		lost     int
		accepted bool // the call brought a job id
		going    bool // seen on its way before
		after    time.Duration
		want     Outcome
		do       NextStep
	}{
		{name: "is off", lost: 1, now: isOff, want: FoundOff, do: EndBatch},
		{name: "is off before the quarantine is over", lost: 1, now: isOff, after: time.Second, want: FoundOff, do: EndBatch},
		{name: "goes off", lost: 1, now: goesOff, do: WaitLonger},
		{name: "hangs in going off", lost: 1, now: goesOff, after: 6 * time.Hour, want: NotKnown, do: EndBatch},
		{name: "runs untouched", lost: 1, now: runs, do: RequeueBatch},
		{name: "runs untouched before the quarantine is over", lost: 1, now: runs, after: 179 * time.Second, do: WaitLonger},
		{name: "runs untouched, though it was seen going off", lost: 1, going: true, now: runs, want: NotKnown, do: EndBatch},
		{name: "runs untouched for the third time", lost: 3, now: runs, want: NotKnown, do: EndBatch},
		{name: "runs untouched after an accepted call", accepted: true, now: runs, want: NotKnown, do: EndBatch},
		{name: "was started again by a person", lost: 1, now: runsOther, want: NotKnown, do: EndBatch},
		{name: "vanished", lost: 1, now: vanished, want: NotKnown, do: EndBatch},
		{name: "reboots", lost: 1, now: reboots, want: NotKnown, do: EndBatch},
		{name: "is broken", lost: 1, now: broken, want: NotKnown, do: EndBatch},
		{name: "start: runs", action: Start, lost: 1, now: runsOther, want: FoundOn, do: EndBatch},
		{name: "start: comes up", action: Start, lost: 1, now: goesOn, do: WaitLonger},
		{name: "start: stays off untouched", action: Start, lost: 1, now: isOff, do: RequeueBatch},
		{name: "start: stopped again by a person", action: Start, lost: 1, now: isOffSame, want: NotKnown, do: EndBatch},
	} {
		was := runs
		if test.action == Start {
			was = isOff
		}
		b := of(test.action, was)
		b.State, b.UnclearCalls, b.IntentAt = Reconciling, test.lost, noon
		b.Results[0].Sent, b.Results[0].SeenInProgress = true, test.going
		if test.accepted {
			b.JobID = "job"
		}
		if test.after == 0 {
			test.after = 4 * time.Minute
		}
		before := imprintOf(b)
		next, do := b.Reconcile(sees(test.now), patience, noon.Add(test.after))
		if imprintOf(b) != before {
			t.Errorf("%s: the batch itself was changed", test.name)
		}
		if got := next.Results[0].Outcome; got != test.want || do != test.do {
			t.Errorf("%s: %q, next %d; want %q, %d", test.name, got, do, test.want, test.do)
		}
	}
}

// One server that hangs keeps none of the others.
func TestReconcileKeepsWhatIsKnown(t *testing.T) {
	b := of(Stop, runs)
	b.State, b.UnclearCalls, b.IntentAt = Reconciling, 1, noon
	other := runs
	other.ID = "b"
	b.Results = append(b.Results, Result{Server: other, Sent: true})
	next, do := b.Reconcile(map[string]Server{"a": isOff, "b": {ID: "b", Status: "ACTIVE", Task: "powering-off"}}, patience, noon.Add(time.Hour))
	if do != WaitLonger || next.Results[0].Outcome != FoundOff || next.Results[1].Outcome != "" || !next.Results[1].SeenInProgress {
		t.Errorf("next %d, %+v", do, next.Results)
	}
}

// One that hangs does not keep those that the call never reached.
func TestAServerOnItsWayKeepsNoneThatMayBeSentAgain(t *testing.T) {
	b := of(Stop, runs)
	b.State, b.UnclearCalls, b.IntentAt = Reconciling, 1, noon
	other := runs
	other.ID = "b"
	b.Results = append(b.Results, Result{Server: other})
	b.Results[0].Sent, b.Results[1].Sent = true, true
	seen := map[string]Server{"a": goesOff, "b": other}
	if next, do := b.Reconcile(seen, patience, noon.Add(time.Hour)); do != RequeueBatch || len(next.WithoutOutcome()) != 2 {
		t.Errorf("next %d, %+v", do, next.Results)
	}
	if _, do := b.Reconcile(seen, patience, noon.Add(time.Minute)); do != WaitLonger {
		t.Errorf("within the quarantine: next %d", do)
	}
}

func TestARefusalDoesNotTellOfALostCall(t *testing.T) {
	for lost, want := range map[int]Outcome{0: ActionFailed, 1: NotKnown} {
		b := of(Stop, runs)
		b.State, b.UnclearCalls, b.Results[0].Sent = Queued, lost, true
		if r := b.Refused("Ecs.0005", "no").Results[0]; r.Outcome != want || r.Code != "Ecs.0005" {
			t.Errorf("after %d lost calls: %+v", lost, r)
		}
	}
}

func TestEvidenceOfAnUnclearCall(t *testing.T) {
	for _, test := range []struct {
		name  string
		now   Server
		all   bool
		going bool
	}{
		{"is off", isOff, true, false},
		{"goes off", goesOff, true, true},
		{"runs", runs, false, false},
		{"reboots", reboots, false, false},
		{"vanished", vanished, false, false},
	} {
		next, all := of(Stop, runs).ShowsEffect(sees(test.now))
		if all != test.all || next.Results[0].SeenInProgress != test.going {
			t.Errorf("%s: evidence %v, seen on its way %v", test.name, all, next.Results[0].SeenInProgress)
		}
	}
}

func TestConclude(t *testing.T) {
	done, failed := JobPart{Done: true}, JobPart{Failed: true, Code: "Ecs.0219", Reason: "no"}
	for _, test := range []struct {
		name    string
		action  Action
		running bool // the job as a whole
		listed  bool // the job names the server
		part    JobPart
		now     Server
		last    bool
		after   time.Duration
		want    Outcome
	}{
		{name: "done and off", listed: true, part: done, now: isOff, want: Stopped},
		{name: "done and off, the job runs on", running: true, listed: true, part: done, now: isOff, want: Stopped},
		{name: "off, its part and the job not over", running: true, listed: true, now: isOff},
		{name: "off, not listed yet, the job runs on", running: true, now: isOff},
		{name: "vanished while the job runs on", running: true, listed: true, now: vanished},
		{name: "done, not off yet", listed: true, part: done, now: runs},
		{name: "done, not off at the last look", listed: true, part: done, now: runs, last: true, want: NotKnown},
		{name: "done, going off at the last look", listed: true, part: done, now: goesOff, last: true},
		{name: "done, hangs in going off", listed: true, part: done, now: goesOff, last: true, after: 6 * time.Hour, want: NotKnown},
		{name: "failed and runs", listed: true, part: failed, now: runs, want: ActionFailed},
		{name: "failed and runs, the job runs on", running: true, listed: true, part: failed, now: runs, want: ActionFailed},
		{name: "failed, going off at the last look", listed: true, part: failed, now: goesOff, last: true},
		{name: "failed, hangs in going off", listed: true, part: failed, now: goesOff, last: true, after: 6 * time.Hour, want: NotKnown},
		{name: "failed, yet off", listed: true, part: failed, now: isOff, want: FoundOff},
		{name: "only the whole job says done, off", part: done, now: isOff, want: FoundOff},
		{name: "only the whole job says done, runs", part: done, now: runs, last: true, want: NotKnown},
		{name: "only the whole job says failed, runs", part: failed, now: runs, want: ActionFailed},
		{name: "nothing said, runs", listed: true, now: runs},
		{name: "nothing said, runs at the last look", listed: true, now: runs, last: true, want: NotKnown},
		{name: "nothing said, off", listed: true, now: isOff, want: FoundOff},
		{name: "vanished", listed: true, part: done, now: vanished, want: NotKnown},
		{name: "start: done and runs", action: Start, listed: true, part: done, now: runsOther, want: Started},
		{name: "start: only the whole job says done, runs", action: Start, part: done, now: runsOther, want: FoundOn},
		{name: "start: done, comes up at the last look", action: Start, listed: true, part: done, now: goesOn, last: true},
	} {
		b := of(test.action, runs)
		b.State, b.Attempt, b.IntentAt = Running, 1, noon
		b.Results[0].Sent, b.Results[0].SentInAttempt = true, 1
		job := JobReport{Over: !test.running, Parts: map[string]JobPart{}}
		if test.listed {
			job.Parts["a"] = test.part
		} else {
			job.Whole = test.part
		}
		if test.after == 0 {
			test.after = time.Minute
		}
		next, open := b.Conclude(job, sees(test.now), test.last, patience, noon.Add(test.after))
		r := next.Results[0]
		if r.Outcome != test.want || open != (test.want == "") {
			t.Errorf("%s: %q, open %v; want %q", test.name, r.Outcome, open, test.want)
		}
		if r.Outcome == ActionFailed && (r.Code != failed.Code || r.Detail != failed.Reason) {
			t.Errorf("%s: the cloud's words are %q %q", test.name, r.Code, r.Detail)
		}
	}
}

// The whole job's word is about servers of its own call only.
func TestConcludeLeavesEarlierCallsAlone(t *testing.T) {
	b := of(Stop, runs)
	b.State, b.Attempt = Running, 2
	b.Results[0].Sent, b.Results[0].SentInAttempt = true, 1
	next, open := b.Conclude(JobReport{Over: true, Whole: JobPart{Failed: true}}, sees(runs), false, patience, noon)
	if r := next.Results[0]; !open || r.Outcome != "" {
		t.Errorf("a server of call 1 is %q by the word of call 2", r.Outcome)
	}
}
