package main

import (
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/approvals"
)

// The page gets what is added to a request, too: its card's place and its batches.
func TestARequestIsShownWithItsBatches(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(shownRequest{
		requestFields: requestFields(approvals.Request{ID: "S-1"}),
		Thread:        shownThread{Channel: "C1", TS: "1.2"},
		Batches:       []shownBatch{{N: 3}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"id":"S-1"`, `"thread":{"channel":"C1","ts":"1.2"}`, `"batch_list":[{"n":3,`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%s does not hold %s", b, want)
		}
	}
}

// A look at the record that failed is made up for, without another word.
func TestALookThatFailedIsMadeUpFor(t *testing.T) {
	t.Parallel()
	g := started(t)
	if err := g.Slack.WaitConnected(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	g.bots[0].kill() // from here on only the record calls the store
	address := g.store.Addr()
	g.store.Close()
	g.record.mu.Lock()
	g.record.latest = change{}
	g.record.mu.Unlock()
	g.record.wrote()
	failedLooks(t, address, 2) // the look, and the second one that follows every word
	if err := g.store.Restart(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); g.record.last()["kind"] == nil; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nobody looked again")
		}
	}
}

// failedLooks is a store that hangs up, until so many looks have failed by it. The
// calls of one look come close together; one that comes later begins the next.
func failedLooks(t *testing.T, address string, n int) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.(*net.TCPListener).SetDeadline(time.Now().Add(20 * time.Second))
	var last time.Time
	for begun := 0; begun <= n; last = time.Now() {
		c, err := l.Accept()
		if err != nil {
			t.Fatalf("%d looks at the record: %v", begun, err)
		}
		c.Close()
		if time.Since(last) > 500*time.Millisecond {
			begun++
		}
	}
}
