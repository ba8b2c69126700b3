package config

import (
	"net/url"
	"regexp"
	"strings"
	"time"
	_ "time/tzdata" // the container image has no time zones
)

// form is what a text has to look like.
type form struct {
	what    string         // "… is not " what
	write   string         // "; write " write
	example string         // a text of this form
	pattern *regexp.Regexp // which every such text fits; also in the JSON schema
	check   func(string) bool
}

// fits reports whether a text has the form.
func (f form) fits(s string) bool {
	return f.pattern.MatchString(s) && (f.check == nil || f.check(s))
}

const oneDay = `(mon|tue|wed|thu|fri|sat|sun)`

var forms = map[string]form{
	"keyspace":   {"a name of keys", "letters, digits, dots and hyphens like ecsbot, at most 64", "ecsbot", regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`), nil},
	"project":    {"a project's name", "lower-case letters, digits and hyphens like prod, at most 30", "prod", regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?$`), nil},
	"rule":       {"a rule's name", "lower-case letters, digits and hyphens like production, at most 40", "production", regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`), nil},
	"region":     {"a region's id", "it like ap-southeast-1", "ap-southeast-1", regexp.MustCompile(`^[a-z]{2,}(-[a-z0-9]+)+$`), nil},
	"endpoint":   {"an https address", "it like https://ecs.ap-southeast-1.myhuaweicloud.com", "https://ecs.ap-southeast-1.myhuaweicloud.com", regexp.MustCompile(`^https?://[^/]`), isEndpoint},
	"project_id": {"a project's id", "the id from \"My Credentials\" in the console", "0123456789abcdef0123456789abcdef", regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`), nil},
	"variable":   {"the name of a variable", "a name like PROD_SK; the secret belongs into that variable, not into this file", "PROD_SK", regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,63}$`), isVariable},
	"path":       {"the path of a file", "it like /run/secrets/prod_sk; the secret belongs into that file, not into this one", "/run/secrets/prod_sk", regexp.MustCompile(`^[^\n]*/[^\n]+$`), nil},
	"channel":    {"a channel's id", "it like C0123456789, not the channel's name", "C0123456789", regexp.MustCompile(`^[CG][A-Z0-9]{2,}$`), nil},
	"member":     {"the id of a user or a user group", "user ids (U…) or user-group ids (S…)", "S0123456789", regexp.MustCompile(`^[UWS][A-Z0-9]{2,}$`), nil},
	"server":     {"an id, a name or a pattern", "one of them for each entry; in a pattern * is any text and nothing else is special", "web-*", regexp.MustCompile(`^[^\s,^$|()\[\]{}?\\+]+$`), nil},
	"tag":        {"a tag", "key or key=value; there are no patterns in tags", "env=production", regexp.MustCompile(`^[^\s=,*][^=,*\n]*(=[^*\n]*)?$`), nil},
	"day":        {"a day or a range of days", "mon, tue, wed, thu, fri, sat, sun, or a range like mon-fri", "mon-fri", regexp.MustCompile(`^` + oneDay + `(-` + oneDay + `)?$`), nil},
	"from":       {"a time of day", "it like 08:00", "18:00", regexp.MustCompile(`^([01][0-9]|2[0-3]):[0-5][0-9]$`), nil},
	"to":         {"a time of day", "it like 18:00, at most 24:00", "08:00", regexp.MustCompile(`^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$`), nil},
	"zone":       {"a time zone", "it like Europe/Berlin or UTC", "Europe/Berlin", regexp.MustCompile(`^[A-Z][A-Za-z0-9_+/-]+$`), isZone},
	"regexp":     {"a regular expression", "it like CHG-[0-9]+", "CHG-[0-9]+", regexp.MustCompile(`^.{1,200}$`), isRegexp},
	"sentence":   {"a sentence", "one line of at most 300 characters that tells people why", "Payroll is running; ask again tomorrow.", regexp.MustCompile(`^.*\S.*$`), isSentence},
}

// isVariable refuses a text that is rather an access key: those are long and have no
// underscore.
func isVariable(s string) bool { return len(s) < 16 || strings.Contains(s, "_") }

func isEndpoint(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	h := u.Hostname()
	loopback := h == "localhost" || h == "127.0.0.1" || h == "::1"
	return u.Scheme == "https" || u.Scheme == "http" && loopback
}

func isZone(s string) bool {
	_, err := time.LoadLocation(s)
	return err == nil && s != "Local"
}

func isRegexp(s string) bool {
	_, err := regexp.Compile(s)
	return err == nil
}

func isSentence(s string) bool { return len([]rune(s)) <= 300 && !strings.ContainsAny(s, "\r\n") }
