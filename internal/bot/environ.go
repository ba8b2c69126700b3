package bot

import (
	"errors"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"ecsbot/internal/approvals"

	"github.com/joho/godotenv"
)

// Lookup returns the value of a setting, and whether it is set.
type Lookup func(name string) (value string, set bool)

// Environ is where settings come from: the environment, and a file .env for those that
// the environment does not have.
type Environ struct {
	env  map[string]string
	file map[string]string
}

// ReadEnviron takes an environment as [os.Environ] returns it, and reads the file if
// it exists.
func ReadEnviron(environ []string, dotenv string) (Environ, error) {
	e := Environ{env: map[string]string{}}
	for _, line := range environ {
		if name, value, ok := strings.Cut(line, "="); ok && name != "" {
			e.env[name] = value
		}
	}
	var err error
	if e.file, err = godotenv.Read(dotenv); err != nil && !errors.Is(err, os.ErrNotExist) {
		// The parser's error contains the line, and perhaps a secret.
		return Environ{}, errors.New(dotenv + " cannot be read: look for an unclosed quote or a line without =")
	}
	return e, nil
}

// Lookup is a [Lookup].
func (e Environ) Lookup(name string) (string, bool) {
	if v, set := e.env[name]; set {
		return v, true
	}
	v, set := e.file[name]
	return v, set
}

// Load reads all settings, and refuses names that look like settings but are not: a
// bot must not start without protection because of a typing error.
func (e Environ) Load() (Config, error) {
	c, known, err := load(e.Lookup)
	return c, errors.Join(err, e.unknown(known))
}

// unknown returns an error for each name that is set and is not a setting. The file
// belongs to the bot, so every name in it has to be a setting. The environment is
// shared with other programs, whose variables must not stop the bot from starting.
func (e Environ) unknown(known map[string]bool) error {
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(e.file)) {
		if !known[name] {
			faults = append(faults, misspelt(name+" in .env", name, known))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.env)) {
		_, inFile := e.file[name]
		if !known[name] && !inFile && e.meant(name, known) {
			faults = append(faults, misspelt(name, name, known))
		}
	}
	return errors.Join(faults...)
}

// ours are prefixes of names that only this bot is known to use. Others of its
// settings begin like variables of AWS (ECS_CONTAINER_METADATA_URI),
// Kubernetes (REDIS_SERVICE_HOST), CI systems (JOB_NAME, SLACK_WEBHOOK_URL), web
// frameworks (ALLOWED_HOSTS) and of the cloud's own SDK.
var ours = []string{
	"APPROVAL", "APPROVER", "REQUESTER", "PROTECTED_", "REASON_REQ", "ALLOW_SELF", "ALLOW_VOLATILE", "ALLOWED_CHANNEL",
	"MAX_SERVER", "SLACK_SOCKET", "SLACK_UNSURE", "ECS_STOP", "ECS_BATCH", "ECS_RATE", "ECS_AGENCY", "SUBMIT_QUARANTINE", "JOB_DEADLINE",
}

// meant reports whether a variable of the environment was meant for the bot: its name
// has a prefix that only the bot uses, or differs from a setting by at most two
// letters. In the latter case it may belong to another program if the setting is set
// as well, or if the first letters differ (SMTP_ADDR, HTTP_ADDR).
func (e Environ) meant(name string, known map[string]bool) bool {
	if serviceLink(name, e.env[name]) {
		return false
	}
	upper := strings.ToUpper(name)
	for _, begin := range ours {
		if strings.HasPrefix(upper, begin) {
			return true
		}
	}
	near := nearest(name, known)
	if near == "" || upper[0] != near[0] {
		return false
	}
	_, set := e.Lookup(near)
	_, fromFile := e.Lookup(near + "_FILE")
	return !set && !fromFile && !slices.Contains(foreign, upper)
}

// foreign are variables of other programs that look like settings of the bot.
var foreign = []string{"LOGLEVEL", "EC2_REGION"}

var serviceVariable = regexp.MustCompile(`^[A-Z0-9_]+(_SERVICE_HOST|_SERVICE_PORT(_[A-Z0-9_]+)?|_PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)

// serviceLink reports whether Kubernetes set the variable for a Service, which may be
// named redis, approval-bot or ecs-stop.
func serviceLink(name, value string) bool {
	scheme, _, ok := strings.Cut(value, "://")
	return serviceVariable.MatchString(name) ||
		strings.HasSuffix(name, "_PORT") && ok && slices.Contains([]string{"tcp", "udp", "sctp"}, scheme)
}

// misspelt is the error for a name that is not a setting.
func misspelt(where, name string, known map[string]bool) error {
	if near := nearest(name, known); near != "" {
		return errors.New(where + " is not a setting; did you mean " + near + "?")
	}
	word, _, _ := strings.Cut(strings.ToUpper(name), "_")
	var alike []string
	for _, k := range slices.Sorted(maps.Keys(known)) {
		if strings.HasPrefix(k, word) && !strings.HasSuffix(k, "_FILE") {
			alike = append(alike, k)
		}
	}
	if len(alike) == 0 {
		return errors.New(where + " is not a setting of the bot; .env.example lists them. What is meant for other programs belongs into the environment")
	}
	return errors.New(where + " is not a setting; those that begin like it are " + strings.Join(alike, ", "))
}

// nearest is the setting that differs from a name by at most two letters, or "".
func nearest(name string, known map[string]bool) string {
	best, least := "", 3
	for _, k := range slices.Sorted(maps.Keys(known)) {
		if d := approvals.Distance(strings.ToUpper(name), k); d < least {
			best, least = k, d
		}
	}
	return best
}
