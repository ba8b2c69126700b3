package bot_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/slacksim"
)

// storedVersions are the versions whose records this one carries on, the newest
// first.
var storedVersions = []string{"9eb4d90", "653192c"}

// storedSchema is the version whose records have only fields that this one knows.
const storedSchema = "9eb4d90"

// carried says how a stored world goes on, and how each of its requests ends.
type carried struct {
	on   func(s *stage, p *program)
	ends map[string]string
}

var carriedOn = map[string]carried{
	"ended": {carryEnded, map[string]string{
		"succeeded": "succeeded", "partial": "partially_failed", "failed": "failed", "unknown": "failed", "denied": "denied",
		"withdrawn": "cancelled", "cancelled": "cancelled", "expired": "expired", "pending": "succeeded", "draft": "succeeded", "again": "succeeded",
	}},
	"frozen":      {carryFrozen, map[string]string{"held": "succeeded", "pending": "succeeded"}},
	"approved":    {nil, map[string]string{"approved": "succeeded"}},
	"intended":    {nil, map[string]string{"intended": "succeeded"}},
	"called":      {nil, map[string]string{"called": "succeeded"}},
	"ambiguous":   {nil, map[string]string{"lost": "succeeded", "done": "succeeded"}},
	"reconciling": {nil, map[string]string{"reconciling": "succeeded"}},
	"throttled":   {nil, map[string]string{"throttled": "succeeded"}},
	"running":     {carryRunning, map[string]string{"running": "succeeded", "stopping": "partially_failed", "waiting": "succeeded"}},
	"card":        {nil, map[string]string{"card": "succeeded"}},
	"owed":        {nil, map[string]string{"owed": "succeeded"}},
	"told":        {nil, map[string]string{"told": "succeeded"}},
	"private":     {carryPrivate, map[string]string{"private": "succeeded"}},
	"envelopes": {carryEnvelopes, map[string]string{
		"approve": "succeeded", "approve-typed": "succeeded", "deny": "denied", "cancel": "cancelled", "unknown": "failed", "failed": "failed",
		"succeeded": "succeeded", "asked": "succeeded", "previewed": "succeeded", "drafted": "succeeded", "retried": "failed", "again": "succeeded",
	}},
}

// TestStoredWorldsAreCarriedOn starts this version on what older ones have left, in
// every state: nothing is stopped or told twice, everything comes to its end, and
// nothing that was written down is lost.
func TestStoredWorldsAreCarriedOn(t *testing.T) {
	botProgram(t)
	for _, version := range storedVersions {
		files, err := filepath.Glob(filepath.Join("testdata", "stored", version, "*.json"))
		if err != nil || len(files) != len(carriedOn) {
			t.Errorf("%d worlds of %s are stored, want %d (%v)", len(files), version, len(carriedOn), err)
		}
		for _, file := range files {
			name := strings.TrimSuffix(filepath.Base(file), ".json")
			t.Run(version+"/"+name, func(t *testing.T) {
				t.Parallel()
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				how, ok := carriedOn[name]
				if !ok {
					t.Fatal("nobody says how this goes on")
				}
				s := newStage(t, ecssim.Options{MinJobTime: 300 * time.Millisecond, MaxJobTime: 600 * time.Millisecond, Seed: 1})
				s.restore(string(text))
				if version == storedSchema {
					s.knowsEveryField()
				} else {
					s.addNewerFields()
				}
				was := s.everyKey()
				p := s.run(botProgram(t))
				if how.on != nil {
					how.on(s, p)
				}
				s.approveAll()
				s.checkEnds(how.ends)
				s.checkTold(name == "private")
				s.checkStops()
				s.checkKept(was)
				s.checkNames()
				s.checkAnswers()
			})
		}
	}
}

// TestStoredWorldsHoldEveryState: there is a record in each state that a request or a
// batch can be in.
func TestStoredWorldsHoldEveryState(t *testing.T) {
	t.Parallel()
	for kind, states := range map[string][]string{
		"r:": {"pending", "approved", "executing", "succeeded", "partially_failed", "failed", "unknown", "denied", "cancelled", "expired"},
		"b:": {"queued", "submitting", "running", "ambiguous", "reconciling", "succeeded", "partially_failed", "failed", "unknown", "cancelled"},
	} {
		for _, version := range storedVersions {
			found := map[string]bool{}
			files, _ := filepath.Glob(filepath.Join("testdata", "stored", version, "*.json"))
			for _, file := range files {
				text, err := os.ReadFile(file)
				var d storedWorld
				if err == nil {
					err = json.Unmarshal(text, &d)
				}
				if err != nil {
					t.Fatal(err)
				}
				for _, k := range d.Records {
					var body struct {
						State string `json:"state"`
					}
					if strings.HasPrefix(bare(k.Key), kind) {
						json.Unmarshal([]byte(k.Hash["body"]), &body)
						found[body.State] = true
					}
				}
			}
			for _, state := range states {
				if !found[state] {
					t.Errorf("%s: no record %s is %s", version, kind, state)
				}
			}
		}
	}
}

func carryEnded(s *stage, _ *program) {
	s.submit("UANNA") // the preview that was open
	s.waitNew("draft")
	s.ids["again"] = s.ids["succeeded"]
	s.click("UANNA", "succeeded", "ecs_stop_start")
	s.waitNew("again")
	s.click("UBEN", "unknown", "ecs_stop_run")
	s.until("form", func() bool { _, open := s.slack.View("UBEN"); return open })
	s.submit("UBEN", "reason", "I have seen it run")
	// The Home that was open is drawn again, with what waits now.
	if s.db.Exists(s.t.Context(), s.key("opened")).Val() == 0 {
		return // an old version kept it elsewhere; it is drawn when it is opened again
	}
	s.until("Home", func() bool {
		home, _ := s.slack.Home("UBEN")
		return strings.Contains(string(home), s.names["draft"])
	})
}

func carryFrozen(s *stage, _ *program) {
	s.click("UBEN", "pending", clickApprove)
	s.wait("pending", "executing")
	s.until("word of the freeze", func() bool { return s.tells("pending", "/held/") })
	time.Sleep(time.Second) // some tries
	for _, c := range s.cloud.Calls() {
		if c.Op == "stop" {
			s.t.Errorf("in spite of the freeze a call was made: %s", c.Body)
		}
	}
	s.types("UBEN", "unfreeze")
}

// carryRunning: permits of the version before still count.
func carryRunning(s *stage, _ *program) {
	free := time.Now().Add(time.Hour).UnixMilli() // when the first of them stops counting
	for _, z := range s.db.ZRangeWithScores(s.t.Context(), s.key("log"), 0, -1).Val() {
		free = min(free, int64(z.Score))
	}
	s.wait("waiting", "succeeded")
	for _, c := range s.cloud.Calls() {
		if c.Op == "stop" && c.Time.UnixMilli() < free {
			s.t.Errorf("a call was made %d ms before a permit of the full quota stopped counting", free-c.Time.UnixMilli())
		}
	}
}

func carryPrivate(s *stage, p *program) {
	owed := len(s.db.Keys(s.t.Context(), s.key("p:UANNA")).Val()) > 0 // else the version did not know that
	about := func() int {
		n := 0
		for _, m := range s.slack.Private("UANNA") {
			if strings.Contains(slacksim.PlainText(m), s.names["private"]) && strings.Contains(slacksim.PlainText(m), "stopped") {
				n++
			}
		}
		for _, c := range s.slack.Channels() {
			for _, m := range s.slack.Messages(c.ID) {
				if c.ID != "COPS" && strings.Contains(slacksim.PlainText(m), s.names["private"]) {
					n++
				}
			}
		}
		return n
	}
	if !owed {
		return
	}
	s.until("private word", func() bool { return about() > 0 })
	time.Sleep(time.Second)
	if n := about(); n != 1 {
		s.t.Errorf("the outcome was posted %d times, want once", n)
	}
}

func carryEnvelopes(s *stage, _ *program) {
	s.until("end of all acts", func() bool { return len(s.db.Keys(s.t.Context(), s.key("i:*")).Val()) == 0 })
	if f := s.record("halt"); f["on"] != true || f["reason"] != "from an envelope" {
		s.t.Errorf("the freeze of the recorded act is %v", f)
	}
	if r := s.record("r:" + s.names["approve"]); r["state"] == "pending" {
		s.t.Errorf("a recorded approval had no effect: %v", r)
	}
	s.until("answers to recorded commands", func() bool {
		return s.heard("UDORA", s.names["succeeded"]) && s.heard("UDORA", s.names["failed"])
	})
	s.types("UBEN", "unfreeze")
	s.until("end of the freeze", func() bool { return s.record("halt")["on"] == false })
	s.waitView("UANNA", "Review request")
	s.submit("UANNA")
	s.until("cards of five new requests", func() bool {
		for _, m := range s.slack.Messages("COPS") {
			id := requestOf(m)
			r := s.record("r:" + id)
			servers, _ := r["first"].([]any)
			switch of, _ := r["of"].(string); {
			case len(servers) == 0:
			case of == s.names["failed"]:
				s.names["retried"] = id
			case of == s.names["succeeded"]:
				s.names["again"] = id
			default:
				for _, label := range []string{"asked", "previewed", "drafted"} {
					if server, _ := servers[0].(map[string]any); server["id"] == s.ids[label][0] {
						s.names[label] = id
					}
				}
			}
		}
		return s.names["asked"] != "" && s.names["previewed"] != "" && s.names["drafted"] != "" && s.names["retried"] != "" && s.names["again"] != ""
	})
}

// bare is a key without the project.
func bare(key string) string {
	_, name, _ := strings.Cut(key, "}:")
	return name
}

// waitNew waits for a card of a request without label, and gives it one.
func (s *stage) waitNew(label string) {
	s.t.Helper()
	known := slices.Collect(maps.Values(s.names))
	s.until("card of "+label, func() bool {
		for _, m := range s.slack.Messages("COPS") {
			if id := requestOf(m); id != "" && !slices.Contains(known, id) {
				s.names[label] = id
			}
		}
		return s.names[label] != ""
	})
}

// tells reports whether a note with this part in its id stands in the thread.
func (s *stage) tells(label, note string) bool {
	return slices.ContainsFunc(s.thread(label), func(m slacksim.Message) bool { return strings.Contains(noteOf(m), note) })
}

// heard reports whether user has a private message with the words.
func (s *stage) heard(user, words string) bool {
	return slices.ContainsFunc(s.slack.Private(user), func(m slacksim.Message) bool { return strings.Contains(slacksim.PlainText(m), words) })
}

// approveAll has every request approved that waits, and waits for the end of all work.
func (s *stage) approveAll() {
	s.t.Helper()
	s.until("end of everything", func() bool {
		for _, m := range s.slack.Messages("COPS") {
			if s.record("r:" + requestOf(m))["state"] == "pending" && strings.Contains(string(m.Blocks), `"`+clickApprove+`"`) {
				s.slack.Click(s.t.Context(), "UBEN", "COPS", m.TS, clickApprove)
			}
		}
		time.Sleep(50 * time.Millisecond)
		return s.db.ZCard(s.t.Context(), s.key("open")).Val() == 0
	})
	s.calm()
}

const (
	clickApprove = "ecs_stop_approve"
	clickDeny    = "ecs_stop_deny"
	clickCancel  = "ecs_stop_cancel"
)
