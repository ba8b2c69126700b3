package bot

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"ecsbot/internal/secret"
	"ecsbot/internal/store"
)

// Config is every setting, read and checked. The names of the environment
// variables and their defaults are those of .env.example.
type Config struct {
	BotToken        secret.String
	AppToken        secret.String
	SlackURL        string // empty: Slack's own
	Sockets         int
	Blocks          string // BlocksAuto or BlocksClassic
	Step            bool   // SLACK_WORKFLOW_STEP
	AllowedChannels []string

	File     string // CONFIG_FILE; empty: one project, of the environment
	Keyspace string // names the bot's keys in Redis
	Projects []Project

	Quarantine time.Duration
	UnsureWait time.Duration
	Deadline   time.Duration

	RedisURL      secret.String // may hold a password
	RedisTLS      store.TLS
	Confirm       int // REDIS_CONFIRM
	VolatileRedis bool

	HTTPAddr  string
	LogLevel  slog.Level
	LogFormat string
}

// The values of SLACK_BLOCKS: the blocks of 2026 where Slack takes them, or never.
const (
	BlocksAuto    = "auto"
	BlocksClassic = "classic"
)

// Load reads all settings. Its error joins all faults; each names the variable and
// the fix, and none contains a secret.
func Load(lookup Lookup) (Config, error) {
	c, _, err := load(lookup)
	return c, err
}

// load also returns the names that it has looked up, which are all settings.
func load(lookup Lookup) (c Config, known map[string]bool, err error) {
	known = map[string]bool{}
	s := settings{lookup: func(name string) (string, bool) {
		known[name] = true
		return lookup(name)
	}}
	c = Config{
		BotToken:        secret.New(s.prefixed("SLACK_BOT_TOKEN", "xoxb-", "the bot token from the app's OAuth page")),
		AppToken:        secret.New(s.prefixed("SLACK_APP_TOKEN", "xapp-", "the app-level token with connections:write")),
		SlackURL:        s.base("SLACK_API_URL"),
		Sockets:         s.number("SLACK_SOCKETS", 2, 1, 5),
		Blocks:          s.choice("SLACK_BLOCKS", BlocksAuto, BlocksClassic),
		Step:            s.truth("SLACK_WORKFLOW_STEP"),
		AllowedChannels: s.list("ALLOWED_CHANNELS", channelID, "channel ids like C0123456789, separated by commas"),
		Quarantine:      s.duration("SUBMIT_QUARANTINE", 180*time.Second, 45*time.Second, time.Hour),
		UnsureWait:      s.duration("SLACK_UNSURE_WAIT", 25*time.Second, 15*time.Second, 10*time.Minute),
		Deadline:        s.duration("JOB_DEADLINE", 35*time.Minute, time.Second, 24*time.Hour),
		RedisURL:        secret.New(s.required("REDIS_URL", "an address like redis://localhost:6379/0")),
		RedisTLS:        store.TLS{CA: s.get("REDIS_TLS_CA_FILE"), Cert: s.get("REDIS_TLS_CERT_FILE"), Key: s.get("REDIS_TLS_KEY_FILE")},
		Confirm:         s.confirm("REDIS_CONFIRM"),
		VolatileRedis:   s.truth("ALLOW_VOLATILE_REDIS"),
		HTTPAddr:        s.or("HTTP_ADDR", ":8080"),
		LogFormat:       s.choice("LOG_FORMAT", "json", "text"),
	}
	c.File = s.get("CONFIG_FILE")
	c.Keyspace, c.Projects = s.projects()
	if err := c.LogLevel.UnmarshalText([]byte(cmp.Or(s.get("LOG_LEVEL"), "info"))); err != nil {
		s.fault("LOG_LEVEL", "is not a level; use debug, info, warn or error")
	}
	s.together(c)
	return c, known, errors.Join(s.faults...)
}

// together checks combinations of settings.
func (s *settings) together(c Config) {
	if u := c.RedisURL.Reveal(); u != "" {
		if db, err := store.Open(u, store.TLS{}); err != nil {
			s.fault("REDIS_URL", badAddress(err))
		} else {
			db.Close()
		}
	}
	if s.get("AUDIT_KEY") != "" {
		s.fault("AUDIT_KEY", "is not supported by this version: it keeps audit entries but does not seal them; leave it out")
	}
}

var (
	channelID = regexp.MustCompile(`^[CG][A-Z0-9]{2,}$`)
	memberID  = regexp.MustCompile(`^[UWS][A-Z0-9]{2,}$`)
	anything  = regexp.MustCompile(`.`)
)

// placeholders are the values in .env.example that the reader has to replace.
var placeholders = map[string]string{
	"SLACK_BOT_TOKEN":            "xoxb-your-bot-token",
	"SLACK_APP_TOKEN":            "xapp-your-app-token",
	"APPROVERS":                  "U0123456789,S0123456789",
	"HUAWEICLOUD_SDK_AK":         "your-access-key-id",
	"HUAWEICLOUD_SDK_SK":         "your-secret-access-key",
	"HUAWEICLOUD_SDK_PROJECT_ID": "your-project-id",
}

// settings reads variables and collects what is wrong with them.
type settings struct {
	lookup Lookup
	faults []error
	given  map[string]bool // variables that have a fault: each gets one only
}

func (s *settings) fault(name, fix string) {
	if s.given == nil {
		s.given = map[string]bool{}
	}
	if !s.given[name] {
		s.given[name] = true
		s.faults = append(s.faults, fmt.Errorf("%s %s", name, fix))
	}
}

// get reads NAME, or the file named by NAME_FILE.
func (s *settings) get(name string) string {
	value, file := s.raw(name), s.raw(name+"_FILE")
	switch {
	case file == "":
		return value
	case value != "":
		s.fault(name, "and "+name+"_FILE are both set; keep one")
		return value
	}
	b, err := os.ReadFile(file)
	if err != nil {
		// Not the value: it may be the secret itself.
		s.fault(name+"_FILE", "names a file that cannot be read; check its path and its rights")
		return ""
	}
	return strings.TrimSpace(string(b))
}

func (s *settings) raw(name string) string {
	v, _ := s.lookup(name)
	return strings.TrimSpace(v)
}

// or reads a setting that may be set to an empty value: HTTP_ADDR= turns the endpoints
// off.
func (s *settings) or(name, otherwise string) string {
	if _, set := s.lookup(name); !set && s.get(name) == "" {
		return otherwise
	}
	return s.get(name)
}

func (s *settings) required(name, what string) string {
	v := s.get(name)
	switch {
	case v == "":
		s.fault(name, "is missing; it has to be "+what)
	case v == placeholders[name]:
		s.fault(name, "still has the example's value; it has to be "+what)
	}
	return v
}

// needed reads a setting that has to be there unless projects of a file may say it.
func (s *settings) needed(name, what string) string {
	if s.several() && s.get(name) == "" {
		return ""
	}
	return s.required(name, what)
}

func (s *settings) prefixed(name, prefix, what string) string {
	v := s.required(name, what+" ("+prefix+"…)")
	if v != "" && !strings.HasPrefix(v, prefix) {
		s.fault(name, "does not begin with "+prefix+"; it has to be "+what)
	}
	return v
}

func (s *settings) number(name string, otherwise, least, most int) int {
	v := s.get(name)
	if v == "" {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < least || n > most {
		s.fault(name, fmt.Sprintf("is not a number from %d to %d; the default is %d", least, most, otherwise))
		return otherwise
	}
	return n
}

// confirm reads how many replicas have to confirm: auto or a number.
func (s *settings) confirm(name string) int {
	v := strings.ToLower(s.get(name))
	if v == "" || v == "auto" {
		return store.ConfirmAuto
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > 5 {
		s.fault(name, "is neither auto nor a number from 0 to 5; the default is auto")
		return store.ConfirmAuto
	}
	if n == 0 {
		return store.ConfirmNone
	}
	return n
}

func (s *settings) duration(name string, otherwise, least, most time.Duration) time.Duration {
	v := s.get(name)
	if v == "" {
		return otherwise
	}
	d, err := time.ParseDuration(v)
	if err != nil || d < least || d > most {
		s.fault(name, fmt.Sprintf("is not a time from %v to %v; write it like 90s, 35m or 1h30m", least, most))
		return otherwise
	}
	return d
}

func (s *settings) truth(name string) bool {
	switch strings.ToLower(s.get(name)) {
	case "", "false", "no", "0", "off":
		return false
	case "true", "yes", "1", "on":
		return true
	}
	s.fault(name, "is neither true nor false")
	return false
}

func (s *settings) choice(name string, first string, others ...string) string {
	v := cmp.Or(strings.ToLower(s.get(name)), first)
	all := append([]string{first}, others...)
	if slices.Contains(all, v) {
		return v
	}
	s.fault(name, "has to be one of "+strings.Join(all, ", "))
	return first
}

func (s *settings) list(name string, form *regexp.Regexp, fix string) []string {
	var all []string
	for v := range strings.SplitSeq(s.get(name), ",") {
		v = strings.TrimSpace(v)
		if v == "" {
			continue
		}
		if slices.Contains(strings.Split(placeholders[name], ","), v) {
			s.fault(name, "still has the example's value "+strconv.Quote(v)+"; write "+fix)
			continue
		}
		if !form.MatchString(v) {
			s.fault(name, "holds "+strconv.Quote(v)+"; write "+fix)
			continue
		}
		all = append(all, v)
	}
	return all
}

func (s *settings) one(name string, form *regexp.Regexp, fix string) string {
	v := s.get(name)
	if v != "" && !form.MatchString(v) {
		s.fault(name, "is not "+fix)
	}
	return v
}

// base reads an API's base address and adds a slash at its end if there is none.
func (s *settings) base(name string) string {
	v := s.get(name)
	if v == "" {
		return ""
	}
	if u, err := url.Parse(v); err != nil || u.Host == "" || u.Scheme != "https" && !loopback(u) {
		s.fault(name, "is not an https address; write it like https://slack.com/api/")
		return ""
	}
	return strings.TrimSuffix(v, "/") + "/"
}

// besideAgency refuses keys where those of the agency are used. It reads no file.
func (s *settings) besideAgency(names ...string) {
	for _, name := range names {
		for _, set := range []string{name, name + "_FILE"} {
			if s.raw(set) != "" {
				s.fault(set, "is set, but with ECS_AGENCY=true the keys come from the agency of this server; leave one of them out")
			}
		}
	}
}

var regionID = regexp.MustCompile(`^[a-z]{2,}(-[a-z0-9]+)+$`)

// loopback reports whether u is plain http to a simulated Slack or cloud on the same
// machine, which is allowed.
func loopback(u *url.URL) bool {
	h := u.Hostname()
	return u.Scheme == "http" && (h == "localhost" || h == "127.0.0.1" || h == "::1")
}

// sentinels reports whether REDIS_URL names Sentinels, not Redis itself.
func (c Config) sentinels() bool {
	u, err := url.Parse(c.RedisURL.Reveal())
	return err == nil && u.Query().Has("master_name")
}

// badAddress says what is wrong with REDIS_URL. The error of go-redis is not shown,
// because it may contain a part of the password.
func badAddress(err error) string {
	var bad store.BadAddress
	if errors.As(err, &bad) {
		return "cannot be read; " + string(bad)
	}
	return "is not a Redis URL; write redis://, rediss:// or unix://, for Sentinel redis://HOST:26379?master_name=NAME, for a cluster redis://HOST:6379?addr=HOST2:6379"
}
