package bot_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/approvals"
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

func (s *stage) checkEnds(ends map[string]string) {
	s.t.Helper()
	for label, want := range ends {
		if got := s.state(label); got != want {
			s.t.Errorf("%s (%s) ended as %q, want %q", label, s.names[label], got, want)
		}
		for n := 0; s.record(fmt.Sprintf("b:%s:%d", s.names[label], n)) != nil; n++ {
			if !slices.Contains([]string{"succeeded", "partially_failed", "failed", "unknown", "cancelled"}, s.state(label, n)) {
				s.t.Errorf("batch %d of %s is %s", n, label, s.state(label, n))
			}
		}
		// The card shows the end: the thread's record was read and written on.
		if s.record("r:" + s.names[label])["retried"] != nil { // noted after the end; the card does not show it
			continue
		}
		if drawn, ver := fmt.Sprint(s.record("t:" + s.names[label])["drawn"]), s.db.HGet(s.t.Context(), s.key("r:"+s.names[label]), "ver").Val(); drawn != ver {
			s.t.Errorf("the card of %s shows version %s of the request, which has version %s", label, drawn, ver)
		}
	}
	if locks := s.db.HLen(s.t.Context(), s.key("locks")).Val(); locks != 0 {
		s.t.Errorf("%d servers are locked after all work", locks)
	}
}

// checkTold: there is one card of each request, nothing is posted twice, and how it
// ended is posted once.
func (s *stage) checkTold(elsewhere bool) {
	s.t.Helper()
	cards, told, ends := map[string]int{}, map[string]int{}, map[string]int{}
	for _, m := range s.messages() {
		ids, request := notesOf(m), requestOf(m)
		if m.User != slacksim.BotUserID || len(ids) == 0 {
			continue
		}
		if m.ThreadTS == "" && request != "" {
			cards[request]++
		}
		for _, id := range ids {
			told[id]++
			if slices.ContainsFunc([]string{"/end", "/cancelled", "/denied", "/expired"}, func(end string) bool { return strings.HasSuffix(id, end) }) {
				ends[request]++
			}
		}
	}
	for id, n := range told {
		// 653192c kept for which freeze it had told a thread in another place.
		if n != 1 && !(n == 2 && strings.Contains(id, "/held/") && strings.Contains(s.t.Name(), "653192c")) {
			s.t.Errorf("%s was posted %d times", id, n)
		}
	}
	for label, id := range s.names {
		if id != "" && cards[id] != 1 {
			s.t.Errorf("%s has %d cards", label, cards[id])
		}
		if id != "" && ends[id] == 0 && !elsewhere {
			s.t.Errorf("no message says how %s ended", label)
		}
	}
	if s.t.Failed() {
		s.t.Log(s.transcript())
	}
}

// checkStops: no server was stopped twice, by both versions together.
func (s *stage) checkStops() {
	s.t.Helper()
	for label, ids := range s.ids {
		for _, id := range ids {
			n := s.cloud.StopCount(id)
			// A person asked for another try of the one that failed.
			if n > 1 && !(label == "failed" && s.names["retried"] != "") {
				s.t.Errorf("%s of %s was stopped %d times", id, label, n)
			}
			if x, _ := s.cloud.Server(id); s.state(label) == "succeeded" && s.names["again"] == "" && (n != 1 || x.Status != "SHUTOFF") {
				s.t.Errorf("%s of %s is %s and was stopped %d times", id, label, x.Status, n)
			}
		}
	}
}

// checkAnswers: anyone who asks hears of all requests, the old ones too.
func (s *stage) checkAnswers() {
	s.t.Helper()
	heard := len(s.slack.Private("UDORA"))
	has := func(words string) bool {
		return slices.ContainsFunc(s.slack.Private("UDORA")[heard:], func(m slacksim.Message) bool { return strings.Contains(slacksim.PlainText(m), words) })
	}
	s.types("UDORA", "history 50")
	for label, id := range s.names {
		if id != "" {
			s.until(label+" in the history", func() bool { return has(id) })
		}
	}
	for label, id := range s.names {
		if id == "" {
			continue
		}
		heard = len(s.slack.Private("UDORA"))
		s.types("UDORA", "status "+id)
		s.until("status of "+label, func() bool { return has(id) })
	}
}

// everyKey is what is stored now.
func (s *stage) everyKey() map[string]storedKey {
	all := map[string]storedKey{}
	for _, key := range s.db.Keys(s.t.Context(), "*").Val() {
		all[bare(key)] = s.dumpKey(key)
	}
	return all
}

// lasting are the fields of a record that never change once they are written, by
// what the record is of. Others may change; only those of passing may go.
var lasting = map[string][]string{
	"r:": {"id", "project", "action", "of", "mode", "reason", "requester", "from", "channel", "answer", "origin", "created", "expires", "total", "digest", "first", "out", "out_sum", "warnings", "started", "stop"},
	"b:": {"request", "action", "n", "rest", "planned"},
	"t:": {"channel", "ts"},
}

var passing = []string{"open", "held", "paused", "waiting", "place", "placed", "late", "trouble", "looks", "polls", "intent", "refused", "undrawn", "blind", "permit", "job", "sent", "frozen"}

// checkKept: what did not have to change is as it was, byte by byte, and what did
// has lost nothing.
func (s *stage) checkKept(was map[string]storedKey) {
	s.t.Helper()
	is := s.everyKey()
	same, changed := 0, 0
	for name, old := range was {
		now, ok := is[name]
		kind, _, _ := strings.Cut(name, ":")
		kind += ":"
		switch {
		case kind == "s:" || kind == "d:" || kind == "known:" && ok && old.String != nil:
			if kind == "d:" && !ok {
				continue
			}
			if kind != "known:" && (now.String == nil || *now.String != *old.String) {
				s.t.Errorf("%s was %s and is %v", name, *old.String, now.String)
			}
		case old.Hash["body"] == "" || kind == "p:": // what is owed privately goes when it is posted
		case !ok:
			s.t.Errorf("%s is gone", name)
		case now.Hash["ver"] == old.Hash["ver"]:
			same++
			if now.Hash["body"] != old.Hash["body"] {
				s.t.Errorf("%s has the same version and another body: %s, was %s", name, now.Hash["body"], old.Hash["body"])
			}
		default:
			changed++
			s.keptFields(name, kind, old.Hash["body"], now.Hash["body"])
		}
	}
	for _, entry := range was["audit"].Stream {
		if !slices.ContainsFunc(is["audit"].Stream, func(e map[string]readable) bool { return maps.Equal(e, entry) }) {
			s.t.Errorf("the audit log has lost %v", entry)
		}
	}
	s.t.Logf("%d records as they were, %d carried on", same, changed)
}

// unexported are the fields of records whose types no other package sees. One that is
// not here may be a new name of an old one, whose value is not read any more.
var unexported = map[string][]string{
	"t:": {"channel", "ts", "drawn", "frozen", "drawn_at", "intent", "id", "at", "count", "refused", "undrawn", "blind", "apart", newerField},
	"p:": {"notes", "request", "refused", "at", "tries", "next", "told", "id", "topic", "by", "count", "batch", "job", "why", "code"},
}

// checkNames looks at the records of those types as they are now.
func (s *stage) checkNames() {
	s.t.Helper()
	for name, k := range s.everyKey() {
		kind, _, _ := strings.Cut(name, ":")
		if names := unexported[kind+":"]; names != nil && k.Hash["body"] != "" {
			var v any
			json.Unmarshal([]byte(k.Hash["body"]), &v)
			for _, field := range fieldsIn(v) {
				if !slices.Contains(names, field) {
					s.t.Errorf("%s has a field %s, which no older version wrote", name, field)
				}
			}
		}
	}
}

// fieldsIn are the names of all fields in some JSON, but not those below newerField.
func fieldsIn(v any) (names []string) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			names = append(names, fieldsIn(x)...)
		}
	case map[string]any:
		for name, x := range v {
			names = append(names, name)
			if name != newerField {
				names = append(names, fieldsIn(x)...)
			}
		}
	}
	return names
}

func (s *stage) keptFields(name, kind string, before, after readable) {
	s.t.Helper()
	var old, now map[string]any
	json.Unmarshal([]byte(before), &old)
	json.Unmarshal([]byte(after), &now)
	for field, value := range old {
		_, kept := now[field]
		switch {
		case slices.Contains(lasting[kind], field) || field == newerField:
			if !reflect.DeepEqual(value, now[field]) {
				s.t.Errorf("%s: %s was %v and is %v", name, field, value, now[field])
			}
		case !kept && !slices.Contains(passing, field) && name+"/"+field != "halt/reason":
			s.t.Errorf("%s has lost %s, which was %v", name, field, value)
		}
	}
	if decisions, ok := old["decisions"].([]any); ok {
		all, _ := now["decisions"].([]any)
		if len(all) < len(decisions) || !reflect.DeepEqual(all[:len(decisions)], decisions) {
			s.t.Errorf("%s: the decisions were %v and are %v", name, decisions, all)
		}
	}
	if results, ok := old["results"].([]any); ok {
		all, _ := now["results"].([]any)
		for i := range results {
			if i >= len(all) || serverIn(results[i]) != serverIn(all[i]) {
				s.t.Errorf("%s: result %d was %v; all are %v", name, i, results[i], all)
			}
		}
	}
}

// serverIn is the id of the server in a batch's result.
func serverIn(result any) any {
	r, _ := result.(map[string]any)
	server, _ := r["s"].(map[string]any)
	return server["id"]
}

// newerField stands for what a version after this one writes into records.
const newerField = "of_next_year"

func (s *stage) addNewerFields() {
	s.t.Helper()
	for name, k := range s.everyKey() {
		body := string(k.Hash["body"])
		if body == "" || strings.HasPrefix(name, "p:") {
			continue
		}
		body = `{"` + newerField + `":{"why":["not yet"]},` + body[1:]
		if err := s.db.HSet(s.t.Context(), k.Key, "body", body).Err(); err != nil {
			s.t.Fatal(err)
		}
	}
}

// knowsEveryField fails if this version has no field for something that is stored. It
// would be written back, but not understood.
func (s *stage) knowsEveryField() {
	s.t.Helper()
	type (
		request approvals.Request // without its methods for JSON, which keep what they do not know
		batch   approvals.Batch
		freeze  approvals.Freeze
	)
	into := map[string]func() any{
		"r:":   func() any { return new(request) },
		"b:":   func() any { return new(batch) },
		"halt": func() any { return new(freeze) },
		"s:":   func() any { return new(approvals.ServerList) },
		"o:":   func() any { return new(approvals.Note) },
		"i:":   func() any { return new(approvals.Envelope) },
		"d:":   func() any { return new(approvals.Ask) },
	}
	for name, k := range s.everyKey() {
		for kind, fresh := range into {
			if !strings.HasPrefix(name, kind) {
				continue
			}
			texts := append(slices.Clone(k.List), k.Hash["body"])
			if k.String != nil {
				texts = append(texts, *k.String)
			}
			for _, text := range texts {
				if text == "" {
					continue
				}
				v := fresh()
				d := json.NewDecoder(bytes.NewReader([]byte(text)))
				d.DisallowUnknownFields()
				if err := d.Decode(v); err != nil {
					s.t.Errorf("%s cannot be read: %v\n%s", name, err, text)
					continue
				}
				// What is read is written as it was, but for a cause that was a sentence.
				if again, err := json.Marshal(v); err != nil || !sameJSON(string(again), withCause(string(text))) {
					s.t.Errorf("%s is written as\n%s\nand was\n%s", name, again, text)
				}
			}
		}
	}
}

func sameJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}

// withCause is a batch with its cause as a code, where an older version wrote a
// sentence.
func withCause(batch string) string {
	var b struct {
		Trouble string `json:"trouble"`
	}
	if json.Unmarshal([]byte(batch), &b) != nil || b.Trouble == "" {
		return batch
	}
	was, _ := json.Marshal(b.Trouble)
	is, _ := json.Marshal(approvals.ParseCause(b.Trouble).String())
	return strings.Replace(batch, string(was), string(is), 1)
}
