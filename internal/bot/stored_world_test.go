package bot_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/redistest"
	"ecsbot/internal/slacksim"

	"github.com/redis/go-redis/v9"
)

// stage is a workspace, a cloud and a Redis for bots that run as processes of
// their own, of this version or of another one. It needs nothing of the engine and
// no other helper of this package, so that the same file can be put into an older
// version to make records with it (see testdata/stored/README.md).
type stage struct {
	t     *testing.T
	slack *slacksim.Workspace
	cloud *ecssim.Cloud
	redis *redistest.Server
	db    *redis.Client
	env   map[string]string
	base  string              // under which the workspace answers
	names map[string]string   // label → id of a request
	ids   map[string][]string // label → servers of that request
	next  int                 // number of the next server
}

// stagePeople are on every stage; ben and carla approve.
var stagePeople = []string{"UANNA", "UBEN", "UCARLA", "UDORA"}

func newStage(t *testing.T, cloud ecssim.Options) *stage {
	t.Helper()
	s := &stage{
		t: t, slack: slacksim.New(slacksim.Options{PostGap: -1}), cloud: ecssim.New(cloud), redis: redistest.Start(t),
		names: map[string]string{}, ids: map[string][]string{},
	}
	s.db = s.redis.Client()
	slackHTTP, cloudHTTP := httptest.NewServer(s.slack.Handler()), httptest.NewServer(s.cloud.Handler())
	s.base = slackHTTP.URL
	t.Cleanup(func() {
		s.slack.Close()
		s.cloud.Close()
		slackHTTP.CloseClientConnections()
		cloudHTTP.CloseClientConnections()
		slackHTTP.Close()
		cloudHTTP.Close()
		s.db.Close()
	})
	s.slack.AddChannel(slacksim.Channel{ID: "COPS", Name: "ops"})
	for _, id := range stagePeople {
		s.slack.AddUser(slacksim.User{ID: id, Name: strings.ToLower(id[1:])})
	}
	s.slack.Join("COPS", append(stagePeople, slacksim.BotUserID)...)
	s.slack.AddGroup(slacksim.Group{ID: "SDUTY", Handle: "duty", Users: []string{"UCARLA"}})
	o := s.cloud.Options()
	s.env = map[string]string{
		"SLACK_BOT_TOKEN": "xoxb-sim", "SLACK_APP_TOKEN": "xapp-sim", "SLACK_API_URL": s.base + "/api/",
		"APPROVAL_CHANNEL": "COPS", "APPROVERS": "UBEN,SDUTY",
		"HUAWEICLOUD_SDK_AK": o.AccessKey, "HUAWEICLOUD_SDK_SK": o.SecretKey, "HUAWEICLOUD_SDK_PROJECT_ID": o.ProjectID,
		"ECS_ENDPOINT": cloudHTTP.URL, "ECS_REGION": "sim-1", "REDIS_URL": s.redis.URL(), "HTTP_ADDR": "127.0.0.1:0",
		"ECSBOT_TEST_FAST": "1", "LOG_FORMAT": "text", "LOG_LEVEL": "debug",
	}
	return s
}

// program is a bot that runs.
type program struct {
	cmd  *exec.Cmd
	log  *bytes.Buffer
	done chan struct{} // closed when it has ended
}

// run starts a bot of the binary at path and waits for its sockets.
func (s *stage) run(path string, env ...string) *program {
	s.t.Helper()
	before := s.slack.OpenConnections()
	p := &program{cmd: exec.Command(path), log: &bytes.Buffer{}, done: make(chan struct{})}
	p.cmd.Dir = s.t.TempDir()
	for name, value := range s.env {
		p.cmd.Env = append(p.cmd.Env, name+"="+value)
	}
	p.cmd.Env = append(p.cmd.Env, env...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		p.cmd.Wait()
	}()
	s.t.Cleanup(func() {
		p.kill()
		if s.t.Failed() {
			s.t.Logf("log of %s:\n%s", path, p.log)
		}
	})
	s.until("sockets of "+path, func() bool {
		return p.ended() || 2 <= len(slices.DeleteFunc(s.slack.OpenConnections(), func(n int) bool { return slices.Contains(before, n) }))
	})
	return p
}

// kill ends the bot as kill -9 does.
func (p *program) kill() {
	p.cmd.Process.Kill()
	<-p.done
}

// stop ends the bot as a supervisor does, and waits for that.
func (p *program) stop() {
	p.cmd.Process.Signal(os.Interrupt)
	<-p.done
}

func (p *program) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// until waits until ok holds.
func (s *stage) until(what string, ok func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(90 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("there is no %s\n%s", what, s.transcript())
		}
	}
}

func (s *stage) transcript() string {
	var b strings.Builder
	for _, m := range s.messages() {
		fmt.Fprintf(&b, "%s %s%s %s\n", m.TS, m.ThreadTS, m.EphemeralTo, slacksim.PlainText(m))
	}
	for _, u := range stagePeople {
		for _, m := range s.slack.Private(u) {
			fmt.Fprintf(&b, "%s to %s: %s\n", m.TS, u, slacksim.PlainText(m))
		}
	}
	for _, kind := range []string{"due", "open"} {
		fmt.Fprintf(&b, "%s: %v\n", kind, s.db.ZRangeWithScores(s.t.Context(), s.key(kind), 0, -1).Val())
	}
	return b.String()
}

// messages are those of all channels, roots and replies, and not the private ones.
func (s *stage) messages() []slacksim.Message {
	var all []slacksim.Message
	for _, c := range s.slack.Channels() {
		for _, m := range s.slack.Messages(c.ID) {
			all = append(append(all, m), s.slack.Thread(c.ID, m.TS)...)
		}
	}
	return all
}

func (s *stage) key(name string) string {
	return "{p:" + s.env["HUAWEICLOUD_SDK_PROJECT_ID"] + "}:" + name
}

// record reads a record as JSON; nil if there is none.
func (s *stage) record(name string) map[string]any {
	var v map[string]any
	json.Unmarshal([]byte(s.db.HGet(s.t.Context(), s.key(name), "body").Val()), &v)
	return v
}

// state is that of the request with the label, or of its batch n.
func (s *stage) state(label string, n ...int) string {
	name := "r:" + s.names[label]
	if len(n) > 0 {
		name = fmt.Sprintf("b:%s:%d", s.names[label], n[0])
	}
	state, _ := s.record(name)["state"].(string)
	return state
}

func (s *stage) wait(label, state string) {
	s.t.Helper()
	s.until(label+" in state "+state, func() bool { return s.state(label) == state })
}

func (s *stage) waitBatch(label string, n int, state string) {
	s.t.Helper()
	s.until(fmt.Sprintf("batch %s/%d in state %s", label, n, state), func() bool { return s.state(label, n) == state })
}

// servers adds n running servers for a request with the label.
func (s *stage) servers(label string, n int) string {
	names := make([]string, n)
	for i := range names {
		s.next++
		id := fmt.Sprintf("%08x-5a5a-4b4b-8c8c-%012x", s.next, s.next)
		names[i] = fmt.Sprintf("web-%d", s.next)
		s.cloud.Add(ecssim.Server{ID: id, Name: names[i], Address: fmt.Sprintf("10.4.%d.%d", s.next/250, s.next%250+1), Tags: []string{"env=dev"}})
		s.ids[label] = append(s.ids[label], id)
	}
	return strings.Join(names, " ")
}

// type types after /ecs-stop.
func (s *stage) types(user, text string) {
	s.t.Helper()
	if a, err := s.slack.Command(s.t.Context(), user, "COPS", "/ecs-stop", text); err != nil || !a.Acked {
		s.t.Fatalf("/ecs-stop %s: acknowledged %v, %v", text, a.Acked, err)
	}
}

// ask has anna ask for n new servers, and waits for the card.
func (s *stage) ask(label string, n int, more ...string) {
	s.t.Helper()
	s.askFor(label, strings.Join(append([]string{s.servers(label, n)}, more...), " "))
}

func (s *stage) askFor(label, text string) {
	s.t.Helper()
	known := slices.Collect(maps.Values(s.names))
	s.types("UANNA", text)
	s.until("card of "+label, func() bool {
		for _, m := range s.slack.Messages("COPS") {
			if id := requestOf(m); id != "" && !slices.Contains(known, id) {
				s.names[label] = id
			}
		}
		return s.names[label] != ""
	})
	// The record of the thread is to know the card, too.
	s.until("place of the card", func() bool { return s.record("t:" + s.names[label])["ts"] != nil })
}

// requestOf is the request that a message's metadata names.
func requestOf(m slacksim.Message) string {
	var meta struct {
		Payload struct {
			Request string `json:"request"`
		} `json:"event_payload"`
	}
	json.Unmarshal(m.Metadata, &meta)
	if strings.HasPrefix(meta.Payload.Request, "@") {
		return ""
	}
	return meta.Payload.Request
}

// notesOf are all the notes that a message's metadata names.
func notesOf(m slacksim.Message) []string {
	var meta struct {
		Payload struct {
			ID  string `json:"id"`
			All string `json:"all"`
		} `json:"event_payload"`
	}
	json.Unmarshal(m.Metadata, &meta)
	if meta.Payload.All == "" { // of a version that told one note in each post
		return strings.Fields(meta.Payload.ID)
	}
	return strings.Fields(meta.Payload.All)
}

// noteOf is the note that a message's metadata names.
func noteOf(m slacksim.Message) string {
	var meta struct {
		Payload struct {
			ID string `json:"id"`
		} `json:"event_payload"`
	}
	json.Unmarshal(m.Metadata, &meta)
	return meta.Payload.ID
}

// card is the card of a request; outcome the message that has its last word.
func (s *stage) card(label string) slacksim.Message {
	for _, m := range s.slack.Messages("COPS") {
		if requestOf(m) == s.names[label] && s.names[label] != "" {
			return m
		}
	}
	s.t.Fatalf("%s has no card", label)
	return slacksim.Message{}
}

func (s *stage) thread(label string) []slacksim.Message {
	return s.slack.Thread("COPS", s.card(label).TS)
}

func (s *stage) outcome(label string) slacksim.Message {
	for _, m := range s.thread(label) {
		if slices.ContainsFunc(notesOf(m), func(id string) bool { return strings.HasSuffix(id, "/end") }) {
			return m
		}
	}
	s.t.Fatalf("no message says how %s ended\n%s", label, s.transcript())
	return slacksim.Message{}
}

// click waits for the button, which may be drawn some time after what it is for.
func (s *stage) click(user, label, action string) {
	s.t.Helper()
	where := s.card
	if action == "ecs_stop_retry" || action == "ecs_stop_start" || action == "ecs_stop_are_off" || action == "ecs_stop_run" {
		where = s.outcome
	}
	s.until(action+" of "+label, func() bool { return strings.Contains(string(where(label).Blocks), `"`+action+`"`) })
	m := where(label)
	if a, err := s.slack.Click(s.t.Context(), user, m.Channel, m.TS, action); err != nil || !a.Acked {
		s.t.Fatalf("click on %s of %s: acknowledged %v, %v", action, label, a.Acked, err)
	}
}

// submit submits the modal that user has on top; values are pairs of a block and
// its text.
func (s *stage) submit(user string, values ...string) {
	s.t.Helper()
	all := map[string]map[string]any{}
	for i := 0; i+1 < len(values); i += 2 {
		all[values[i]] = map[string]any{"text": values[i+1]}
	}
	if a, err := s.slack.Submit(s.t.Context(), user, "", all); err != nil || !a.Acked {
		s.t.Fatalf("the form of %s: acknowledged %v, %v", user, a.Acked, err)
	}
}

func (s *stage) waitView(user, words string) {
	s.t.Helper()
	s.until("view with "+words, func() bool {
		v, open := s.slack.View(user)
		return open && strings.Contains(slacksim.ViewText(v), words)
	})
}

// calm waits until nothing is due but what waits for people, and nothing is owed.
func (s *stage) calm() {
	s.t.Helper()
	s.until("end of all work", func() bool {
		for _, z := range s.db.ZRangeWithScores(s.t.Context(), s.key("due"), 0, -1).Val() {
			item := fmt.Sprint(z.Member)
			if id, ok := strings.CutPrefix(item, "r:"); ok && s.record("r:" + id)["state"] == "pending" {
				continue
			}
			if strings.HasPrefix(item, "p:") { // waits until it is a day old
				continue
			}
			return false
		}
		return len(s.db.Keys(s.t.Context(), s.key("o:*")).Val()) == 0 && len(s.db.Keys(s.t.Context(), s.key("i:*")).Val()) == 0
	})
}
