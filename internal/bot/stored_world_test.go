package bot_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
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

// storedWorld is a whole world as one version of the bot has left it.
type storedWorld struct {
	About   string              `json:"about"`
	Taken   int64               `json:"taken"`         // ms, by Redis's clock
	Run     string              `json:"run"`           // run id of the Redis process
	Env     map[string]string   `json:"env,omitempty"` // settings that differ from a stage's own
	Names   map[string]string   `json:"requests"`
	IDs     map[string][]string `json:"servers"`
	Slack   storedSlack         `json:"slack"`
	Cloud   storedCloud         `json:"cloud"`
	Records []storedKey         `json:"redis"`
}

type storedSlack struct {
	Messages []slacksim.Message `json:"messages"`
	Private  []slacksim.Message `json:"private,omitempty"`
	Files    []slacksim.File    `json:"files,omitempty"`
	Views    []slacksim.View    `json:"views,omitempty"`
}

type storedCloud struct {
	Servers []ecssim.Server `json:"servers"`
	Stops   map[string]int  `json:"stops"`
	Jobs    []storedJob     `json:"jobs,omitempty"`
}

// storedJob is a job that had not ended.
type storedJob struct {
	ID      string   `json:"id"`
	Servers []string `json:"servers"`
}

// storedKey is one key of Redis with its value, of which one field is set.
type storedKey struct {
	Key    string                `json:"key"`
	TTL    int64                 `json:"ttl_ms,omitempty"`
	String *readable             `json:"string,omitempty"`
	Hash   map[string]readable   `json:"hash,omitempty"`
	List   []readable            `json:"list,omitempty"`
	Set    []string              `json:"set,omitempty"`
	ZSet   map[string]float      `json:"zset,omitempty"`
	Stream []map[string]readable `json:"stream,omitempty"` // the entry's id is its field ""
}

// readable is a string of Redis. One that is a JSON object stands in the file as
// that object, and comes back byte by byte.
type readable string

func (r readable) MarshalJSON() ([]byte, error) {
	var compact bytes.Buffer
	if strings.HasPrefix(string(r), "{") && json.Compact(&compact, []byte(r)) == nil && compact.String() == string(r) {
		return []byte(r), nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(string(r))
	return bytes.TrimSpace(b.Bytes()), err
}

func (r *readable) UnmarshalJSON(raw []byte) error {
	if raw[0] != '{' {
		return json.Unmarshal(raw, (*string)(r))
	}
	var compact bytes.Buffer
	err := json.Compact(&compact, raw)
	*r = readable(compact.String())
	return err
}

// float is a score; it is written without an exponent.
type float float64

func (f float) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(f), 'f', -1, 64), nil
}

// dump writes the stage as it is. The bots must have ended.
func (s *stage) dump(path, about string, env map[string]string) {
	s.t.Helper()
	ctx := s.t.Context()
	d := storedWorld{About: about, Env: env, Names: s.names, IDs: s.ids}
	d.Taken = s.db.Time(ctx).Val().UnixMilli()
	d.Run = infoField(s.db.Info(ctx, "server").Val(), "run_id")
	d.Slack.Messages, d.Slack.Files = s.messages(), s.slack.Files()
	for _, u := range stagePeople {
		d.Slack.Private = append(d.Slack.Private, s.slack.Private(u)...)
		if v, open := s.slack.View(u); open {
			d.Slack.Views = append(d.Slack.Views, v)
		}
	}
	d.Cloud.Servers, d.Cloud.Stops = s.cloud.Servers(), map[string]int{}
	busy := map[string]bool{}
	for _, x := range d.Cloud.Servers {
		d.Cloud.Stops[x.ID] = s.cloud.StopCount(x.ID)
		busy[x.ID] = x.TaskState != ""
	}
	for _, c := range s.cloud.Calls() {
		if c.JobID != "" && slices.ContainsFunc(c.IDs, func(id string) bool { return busy[id] }) {
			d.Cloud.Jobs = append(d.Cloud.Jobs, storedJob{c.JobID, c.IDs})
		}
	}
	keys := s.db.Keys(ctx, "*").Val()
	slices.Sort(keys)
	for _, key := range keys {
		d.Records = append(d.Records, s.dumpKey(key))
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(d); err != nil {
		s.t.Fatal(err)
	}
	text := strings.ReplaceAll(b.String(), s.base, storedBase)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// storedBase stands in files for the address of the workspace.
const storedBase = "http://slack.invalid"

func infoField(info, name string) string {
	_, rest, _ := strings.Cut(info, name+":")
	value, _, _ := strings.Cut(rest, "\r\n")
	return value
}

func (s *stage) dumpKey(key string) storedKey {
	ctx := s.t.Context()
	k := storedKey{Key: key, TTL: max(0, s.db.PTTL(ctx, key).Val().Milliseconds())}
	switch kind := s.db.Type(ctx, key).Val(); kind {
	case "string":
		k.String = new(readable(s.db.Get(ctx, key).Val()))
	case "hash":
		k.Hash = map[string]readable{}
		for f, v := range s.db.HGetAll(ctx, key).Val() {
			k.Hash[f] = readable(v)
		}
	case "list":
		for _, v := range s.db.LRange(ctx, key, 0, -1).Val() {
			k.List = append(k.List, readable(v))
		}
	case "set":
		k.Set = s.db.SMembers(ctx, key).Val()
	case "zset":
		k.ZSet = map[string]float{}
		for _, z := range s.db.ZRangeWithScores(ctx, key, 0, -1).Val() {
			k.ZSet[fmt.Sprint(z.Member)] = float(z.Score)
		}
	case "stream":
		for _, m := range s.db.XRange(ctx, key, "-", "+").Val() {
			entry := map[string]readable{"": readable(m.ID)}
			for f, v := range m.Values {
				entry[f] = readable(fmt.Sprint(v))
			}
			k.Stream = append(k.Stream, entry)
		}
	default:
		s.t.Fatalf("%s is a %s", key, kind)
	}
	return k
}

// restore makes the stage what a file holds. All times move by the age of the file,
// a whole number of seconds: for the bot no time has passed, so what was to expire in
// an hour does so in an hour, leases and permits count as long as they did, and the
// servers' stamps stay equal to those in the records. The run id of Redis becomes
// that of the new one: it is as if the old bot had just stopped and the new one
// starts on the same Redis.
func (s *stage) restore(text string) storedWorld {
	s.t.Helper()
	ctx := s.t.Context()
	var head struct {
		Taken int64  `json:"taken"`
		Run   string `json:"run"`
	}
	if err := json.Unmarshal([]byte(text), &head); err != nil {
		s.t.Fatal(err)
	}
	age := s.db.Time(ctx).Val().Sub(time.UnixMilli(head.Taken)).Truncate(time.Second)
	text = later(text, time.UnixMilli(head.Taken), age)
	text = strings.ReplaceAll(text, head.Run, infoField(s.db.Info(ctx, "server").Val(), "run_id"))
	text = strings.ReplaceAll(text, storedBase, s.base)
	var d storedWorld
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		s.t.Fatal(err)
	}
	s.names, s.ids = d.Names, d.IDs
	maps.Copy(s.env, d.Env)
	s.slack.Restore(append(d.Slack.Messages, d.Slack.Private...), d.Slack.Files)
	for _, v := range d.Slack.Views {
		s.slack.RestoreView(v)
	}
	var jobs []ecssim.Past
	for _, j := range d.Cloud.Jobs {
		jobs = append(jobs, ecssim.Past(j))
	}
	s.cloud.Restore(d.Cloud.Servers, d.Cloud.Stops, jobs)
	for _, k := range d.Records {
		s.restoreResponse(k)
		s.restoreKey(k)
	}
	return d
}

// restoreResponse has the response URL work that a request or an act of a person
// holds.
func (s *stage) restoreResponse(k storedKey) {
	var of struct {
		Requester, Answer string
		Body              struct{ User, Response string }
	}
	text := k.Hash["body"]
	if k.String != nil {
		text = *k.String
	}
	if json.Unmarshal([]byte(text), &of) != nil {
		return
	}
	if _, id, ok := strings.Cut(cmp.Or(of.Answer, of.Body.Response), s.base+"/response/"); ok {
		s.slack.RestoreResponse(id, cmp.Or(of.Requester, of.Body.User), "COPS")
	}
}

func (s *stage) restoreKey(k storedKey) {
	s.t.Helper()
	ctx := s.t.Context()
	pipe := s.db.TxPipeline()
	if k.String != nil {
		pipe.Set(ctx, k.Key, string(*k.String), 0)
	}
	for f, v := range k.Hash {
		pipe.HSet(ctx, k.Key, f, string(v))
	}
	for _, v := range k.List {
		pipe.RPush(ctx, k.Key, string(v))
	}
	for _, v := range k.Set {
		pipe.SAdd(ctx, k.Key, v)
	}
	for m, score := range k.ZSet {
		pipe.ZAdd(ctx, k.Key, redis.Z{Score: float64(score), Member: m})
	}
	for _, entry := range k.Stream {
		values := map[string]any{}
		for f, v := range entry {
			if f != "" {
				values[f] = string(v)
			}
		}
		pipe.XAdd(ctx, &redis.XAddArgs{Stream: k.Key, ID: string(entry[""]), Values: values})
	}
	if k.TTL > 0 {
		pipe.PExpire(ctx, k.Key, time.Duration(k.TTL)*time.Millisecond)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		s.t.Fatalf("restore %s: %v", k.Key, err)
	}
}

var (
	stampText   = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
	stampNumber = regexp.MustCompile(`\b\d{16}\b|\b\d{13}\b|\b\d{10}\b`)
)

// later moves all times of a text: RFC 3339, and numbers that are seconds (as in
// Slack's timestamps), ms or µs near to when it was taken.
func later(text string, taken time.Time, age time.Duration) string {
	text = stampText.ReplaceAllStringFunc(text, func(s string) string {
		at, err := time.Parse(time.RFC3339Nano, s)
		if err != nil || at.Sub(taken).Abs() > 400*24*time.Hour {
			return s
		}
		layout := "2006-01-02T15:04:05Z"
		if _, fraction, ok := strings.Cut(s, "."); ok {
			layout = "2006-01-02T15:04:05." + strings.Repeat("0", len(fraction)-1) + "Z"
		}
		return at.Add(age).Format(layout)
	})
	return stampNumber.ReplaceAllStringFunc(text, func(s string) string {
		unit := map[int]time.Duration{16: time.Microsecond, 13: time.Millisecond, 10: time.Second}[len(s)]
		n, _ := strconv.ParseInt(s, 10, 64)
		at := time.Unix(0, 0).Add(time.Duration(n) * unit)
		if at.Sub(taken).Abs() > 400*24*time.Hour {
			return s
		}
		return strconv.FormatInt(n+int64(age/unit), 10)
	})
}

// otherBot is the program that the environment variable names, or that of this
// version.
func otherBot(t *testing.T, variable string) string {
	t.Helper()
	return cmp.Or(os.Getenv(variable), botProgram(t))
}
