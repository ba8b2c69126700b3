package approvals

import (
	"testing"
	"time"
)

// A result knows how long after the call it was known, once.
func TestAResultTellsItsSeconds(t *testing.T) {
	b := Batch{Action: Stop, State: Running, Attempt: 1, IntentAt: noon, SentAt: noon.Add(time.Second),
		Results: []Result{{Server: Server{ID: "a"}, Sent: true, SentInAttempt: 1}, {Server: Server{ID: "b"}, Sent: true, SentInAttempt: 1}}}
	part := map[string]JobPart{"a": {Done: true}}
	seen := map[string]Server{"a": {ID: "a", Status: "SHUTOFF"}}
	next, _ := b.Conclude(JobReport{Parts: part}, seen, false, Patience{GiveUp: time.Hour}, noon.Add(13*time.Second))
	if got := next.Results[0].Seconds; got != 12 || next.Results[1].Seconds != 0 {
		t.Errorf("it took %d s, of the other %d s", got, next.Results[1].Seconds)
	}
	part["b"], seen["b"] = JobPart{Failed: true}, Server{ID: "b", Status: "ACTIVE"}
	last, _ := next.Conclude(JobReport{Parts: part}, seen, true, Patience{GiveUp: time.Hour}, noon.Add(31*time.Second))
	if last.Results[0].Seconds != 12 || last.Results[1].Seconds != 30 {
		t.Errorf("in the end they took %d s and %d s", last.Results[0].Seconds, last.Results[1].Seconds)
	}
}
