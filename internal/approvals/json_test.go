package approvals

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

// A record may be older than the program that reads it. Each file in testdata
// has every field that was ever stored: none may be lost, renamed or read as
// something else. A new field of a record is added to its file, too.
var (
	oldRule = Rule{
		Name: "prod", Servers: []string{"web-*"}, Tags: []string{"env=dev"}, Actions: []Action{Stop, Start}, Hard: true, MoreThan: 1,
		Hours:      []Hours{{Days: []time.Weekday{time.Monday, time.Friday}, From: 8 * 60, To: 18 * 60, Zone: "Europe/Berlin"}},
		Requesters: []string{"SDEV"}, Approvers: []string{"SOPS"}, Quiet: []string{"UBOB"}, Approvals: 2, SelfApproval: new(bool),
		Escalate: &Escalation{After: 15 * time.Minute, To: []string{"SLEAD"}}, Reason: true, Ticket: "CHG-[0-9]+", Channel: "C3", TTL: time.Hour,
		Deny: "no", Auto: true, AutoHard: true,
	}
	oldRequest = Request{
		ID: "S-7K3MQ", State: PartiallyFailed,
		Asked: Asked{Action: Start, FollowUpOf: "S-23456", Project: "main", ProjectID: "0123", Mode: Hard, Reason: "night", Ticket: "CHG-1234", Requester: "UANN", AskedIn: "C1", Channel: "C2", ResponseURL: "https://answer", Step: "Fx1", CommandID: "E1", Created: noon},
		Listed: Listed{Total: 2, Digest: "898730ee", Sample: []Server{
			{ID: "a", Name: "web-1", Address: "10.0.0.5", Status: "ACTIVE", Updated: "2026-03-09T10:00:00Z", Tags: []string{"env=dev"}},
			{ID: "b", Name: "web-2", Status: "ACTIVE", Task: "rebooting", Updated: "2026-03-09T10:00:00Z", Locked: true, TagsUnknown: true},
		}, LeftOut: []LeftOut{{Server{ID: "c", Name: "web-3", Status: "SHUTOFF", Updated: "x"}, SkipOff}}, LeftOutCount: 1, Warnings: []Warning{{Hazard: LooksLive, Count: 4, Names: []string{"prod-1"}, By: []string{"env=prod"}}},
			Names: []NameRun{{First: "web-1", Last: "web-3", Count: 2, Gaps: true}, {First: "db", Count: 1, ID: "d"}}, SkipCounts: []SkipCount{{Skip: SkipOff, Count: 1, Names: []NameRun{{First: "web-3", Count: 1}}}}, Original: &OriginalList{Total: 3, Digest: "0badcafe"}},
		Decided: Decided{Expires: late, ApprovalsNeeded: 1, Decisions: []Decision{{Choice: ChoseApprove, By: "UBOB", At: after("10m"), Reason: "fine", OpID: "op1", Count: 3, Void: true}}, Cancellation: &Decision{Choice: ChoseCancel, By: "UANN", At: after("11m"), OpID: "op2"}, RemindersSent: 2,
			DefaultNeeded: 2, Rules: []Rule{oldRule}, Fits: map[string][]string{"UBOB": {"", "prod"}},
			Slots: []Slots{{Count: 1}, {Rule: "prod", Count: 2, Self: true, Circles: []Circle{{Approvers: oldRule.Approvers, Quiet: oldRule.Quiet, Escalate: oldRule.Escalate}}}}},
		Work: Work{Batches: 2, OpenBatches: 1, Tally: Tally{Stopped: 1, Off: 2, Started: 7, On: 8, LeftOut: 3, Failed: 4, Unknown: 5, NotSent: 6}, Started: after("10m1s"), Finished: after("12m"), RetriedBy: "S-TRYAG", PauseTold: "run1", FreezeTold: 1773058200000, LastBatchAt: after("11m30s"), FirstEndAt: after("10m30s"), Early: Tally{Stopped: 3}, EarlyOpen: 1, WaitingBatch: 2, QueuePosition: 3, QueueNotedAt: after("11m40s")},
	}
	oldBatch = Batch{
		Request: "S-7K3MQ", ProjectID: "0123", Action: Start, Index: 1, Remaining: 2, State: Reconciling, Attempt: 2, UnclearCalls: 1, Permit: "S-7K3MQ/1/2",
		Planned: after("10m1s"), IntentAt: after("10m2s"), JobID: "ff80", SentAt: after("10m3s"),
		Polls: 3, Rechecks: 4, OverdueTold: true, Noted: Tally{Failed: 1}, Trouble: ParseCause("away"),
		Results: []Result{
			{Server: Server{ID: "a", Name: "web-1", Status: "ACTIVE", Updated: "x"}, Sent: true, Outcome: ActionFailed, Code: "Ecs.0001", Detail: "no", Seconds: 7},
			{Server: Server{ID: "b", Name: "web-2", Status: "ACTIVE", Updated: "x"}, Outcome: Skipped, Skip: SkipBusy},
		},
	}
)

func TestOldRecordsAreStillUnderstood(t *testing.T) {
	checkRecord(t, "testdata/request.json", oldRequest)
	checkRecord(t, "testdata/batch.json", oldBatch)
	checkRecord(t, "testdata/frozen.json", ServerList{
		Action: Start, At: noon,
		Servers: []Server{{ID: "a", Name: "web-1", Status: "ACTIVE", Updated: "x"}},
		LeftOut: oldRequest.LeftOut,
	})
	checkRecord(t, "testdata/note.json", Note{
		ID: "S-7K3MQ/end", Topic: TopicOutcome, At: noon, By: "UBOB", Count: 2, Batch: 1, Job: "ff80", Why: "away", Code: "Ecs.0001", Next: noon, As: "S-TRYAG",
	})
	checkRecord(t, "testdata/freeze.json", Freeze{On: true, By: "UBOB", At: noon, Reason: "release", Channel: "C2", Ops: []string{"op1"}, FreezeTypedAt: noon, UnfreezeTypedAt: late})
	checkRecord(t, "testdata/envelope.json", Envelope{ID: "E1", Kind: "command", At: noon, Body: json.RawMessage(`{"text":"web-1"}`), By: "UANN", Lane: LaneSlow})
}

func checkRecord[T any](t *testing.T, file string, want T) {
	t.Helper()
	record, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got T
	if err := json.Unmarshal(record, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s is read as %+v, %v", file, got, err)
	}
	var was, is any
	if err := json.Unmarshal(record, &was); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(marshal(t, want)), &is); err != nil || !reflect.DeepEqual(is, was) {
		t.Errorf("%s would be written as\n%s", file, marshal(t, want))
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[T]()) {
		value := reflect.ValueOf(want).FieldByIndex(field.Index)
		if !field.Anonymous && value.IsZero() && field.IsExported() && field.Tag.Get("json") != "-" {
			t.Errorf("%s says nothing of %s", file, field.Name)
		}
	}
}

func TestRecordsComeBackAsTheyWere(t *testing.T) {
	for name, r := range situations(t) {
		r.Thread = Thread{Channel: "C2", TS: "1.2"}
		var got Request
		if err := json.Unmarshal([]byte(marshal(t, r)), &got); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got.Thread != (Thread{}) {
			t.Errorf("%s: the thread has a record of its own, and came with this one: %+v", name, got.Thread)
		}
		if got.Thread = r.Thread; !reflect.DeepEqual(got, r) {
			t.Errorf("%s\ngot  %+v\nwant %+v", name, got, r)
		}
	}
	for _, b := range PlanBatches(asked(t, rules), ServerList{Servers: serverList(3)}, 2) {
		var got Batch
		if err := json.Unmarshal([]byte(marshal(t, b)), &got); err != nil || !reflect.DeepEqual(got, b) {
			t.Errorf("got  %+v, %v\nwant %+v", got, err, b)
		}
	}
}

func TestRecordsOfANewerVersionAreRefused(t *testing.T) {
	newer := strings.Replace(marshal(t, oldRequest), `"partially_failed"`, `"paused"`, 1)
	if err := json.Unmarshal([]byte(newer), new(Request)); err == nil {
		t.Error("a request in an unknown state was read")
	}
	newer = strings.Replace(marshal(t, oldBatch), `"reconciling"`, `"resting"`, 1)
	if err := json.Unmarshal([]byte(newer), new(Batch)); err == nil {
		t.Error("a batch in an unknown state was read")
	}
	more := strings.Replace(marshal(t, oldRequest), `{`, `{"new_field":{"a":1},`, 1)
	if err := json.Unmarshal([]byte(more), new(Request)); err != nil {
		t.Errorf("a new field: %v", err)
	}
}

// An older replica works on beside a newer one: what it does not know of a
// record it writes back as it was.
func TestFieldsOfANewerVersionSurvive(t *testing.T) {
	keeps(t, oldRequest, `"new_field":{"a":[1,12345678901234567890]}`, func(r Request) Request {
		r.Reason, r.RemindersSent = "another", 7
		return r.decided(Decision{Choice: ChoseDeny, By: "U2", At: noon})
	})
	keeps(t, oldBatch, `"must_not_stop":["a"]`, func(b Batch) Batch {
		b = b.clone()
		b.Results[1].Outcome, b.OverdueTold = NotKnown, false
		return b
	})
	keeps(t, Freeze{On: true, By: "U1", At: noon, Channel: "C2", Ops: []string{"op1"}}, `"scope":"web-*"`, func(f Freeze) Freeze {
		return f.changed(false, Person{ID: "U2"}, "", "C2", "op2", noon)
	})
}

func keeps[T any](t *testing.T, record T, more string, change func(T) T) {
	t.Helper()
	newer := strings.Replace(marshal(t, record), `{`, `{`+more+`,`, 1)
	var read T
	if err := json.Unmarshal([]byte(newer), &read); err != nil {
		t.Fatal(err)
	}
	written := marshal(t, change(read))
	if !strings.Contains(written, more) {
		t.Errorf("%s is gone from\n%s", more, written)
	}
	var again T
	if err := json.Unmarshal([]byte(written), &again); err != nil {
		t.Fatal(err)
	}
	if got, want := marshal(t, change(again)), marshal(t, change(change(read))); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	plain := marshal(t, change(record))
	if strings.Contains(plain, "new_field") {
		t.Error("a record without unknown fields has some")
	}
}

func TestFieldsOfANewerVersionSurviveWithinLists(t *testing.T) {
	newer := strings.Replace(marshal(t, oldBatch), `"o":"left_out"`, `"o":"left_out","until":"noon"`, 1)
	var b Batch
	if err := json.Unmarshal([]byte(newer), &b); err != nil {
		t.Fatal(err)
	}
	b = b.clone()
	b.Results[0].Code = "Ecs.0002"
	written := marshal(t, b)
	var raw struct{ Results []map[string]any }
	if err := json.Unmarshal([]byte(written), &raw); err != nil {
		t.Fatal(err)
	}
	if raw.Results[1]["until"] != "noon" || raw.Results[0]["until"] != nil || raw.Results[0]["code"] != "Ecs.0002" {
		t.Errorf("written as %s", written)
	}
	if _, moved := of(Stop, runs).Split(1, 1); len(moved) != 0 {
		t.Error("a batch of one server was split")
	}
}
