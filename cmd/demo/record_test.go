package main

import (
	"testing"
	"time"
)

// A look at the record that failed is made up for, without another word.
func TestALookThatFailedIsMadeUpFor(t *testing.T) {
	t.Parallel()
	g := started(t)
	if err := g.Slack.WaitConnected(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	g.store.Close()
	g.record.mu.Lock()
	g.record.latest = change{}
	g.record.mu.Unlock()
	g.record.wrote()
	time.Sleep(2500 * time.Millisecond) // the look fails, and the second one that follows every word
	if err := g.store.Restart(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); g.record.last()["kind"] == nil; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nobody looked again")
		}
	}
}
