package bot_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"ecsbot/internal/approvals"
	"ecsbot/internal/slacksim"
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
