package bot_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/slacksim"

	"github.com/redis/go-redis/v9"
)

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
