package bot_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"ecsbot/internal/bot"
	"ecsbot/internal/store"
)

// All faults are reported at once, a line each, and none repeats a secret, also not
// one that was put where a file's name belongs.
func TestAllFaultsOfTheSettingsAreToldAtOnce(t *testing.T) {
	env := map[string]string{
		"SLACK_BOT_TOKEN_FILE": "xoxb-SECRET", "SLACK_APP_TOKEN": "xoxb-SECRET", "REDIS_URL": "redis://:SECRET@[/0",
		"APPROVERS": "nobody", "ECS_BATCH_SIZE": "2000", "APPROVAL_TTL": "soon", "ALLOW_SELF_APPROVAL": "perhaps",
		"LOG_LEVEL": "loud", "HUAWEICLOUD_SDK_AK": "ak",
	}
	_, err := bot.Load(func(name string) (string, bool) { v, set := env[name]; return v, set })
	if err == nil {
		t.Fatal("such settings were taken")
	}
	lines := strings.Split(err.Error(), "\n")
	for _, name := range []string{
		"SLACK_BOT_TOKEN_FILE", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "REDIS_URL", "APPROVERS", "ECS_BATCH_SIZE", "APPROVAL_TTL",
		"ALLOW_SELF_APPROVAL", "LOG_LEVEL", "HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_PROJECT_ID", "ECS_REGION",
	} {
		n := 0
		for _, line := range lines {
			if strings.HasPrefix(line, name+" ") {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s is told of %d times, want once:\n%v", name, n, err)
		}
	}
	if strings.Contains(err.Error(), "SECRET") {
		t.Errorf("a secret is repeated:\n%v", err)
	}
}

// A password with a sign that ends a host's name: the words that help hold
// nothing of it.
func TestAPasswordThatIsNotEncodedIsToldHowToWriteIt(t *testing.T) {
	for _, url := range []string{
		"redis://:SEC/RET@localhost:6379/0", "redis://:SEC?RET@localhost:6379/0", "rediss://bot:SEC#RET@localhost:6379",
		"redis://:SEC/RET@s1:26379?master_name=main",
	} {
		_, err := bot.Load(only("REDIS_URL", url))
		if fault := faultOf(err, "REDIS_URL"); !strings.Contains(fault, "%2F") || strings.Contains(fault, "SEC") || strings.Contains(fault, "RET") {
			t.Errorf("%s: %q", url, fault)
		}
	}
	for _, url := range []string{"redis://localhost/SECRET", "http://localhost", "localhost:6379", "redis://h?password=SEC&RET=1"} {
		_, err := bot.Load(only("REDIS_URL", url))
		if fault := faultOf(err, "REDIS_URL"); !strings.Contains(fault, "is not a Redis URL") || strings.Contains(fault, "SEC") || strings.Contains(fault, "RET") {
			t.Errorf("%s: %q", url, fault)
		}
	}
}

// Settings with secrets may be logged by mistake: nothing of them shows.
func TestSettingsDoNotPrintSecrets(t *testing.T) {
	env := map[string]string{
		"SLACK_BOT_TOKEN": "xoxb-SECRET", "SLACK_APP_TOKEN": "xapp-SECRET", "REDIS_URL": "redis://:SECRET@localhost:6379/0", "APPROVERS": "UBEN",
		"HUAWEICLOUD_SDK_AK": "ak", "HUAWEICLOUD_SDK_SK": "SECRET", "HUAWEICLOUD_SDK_SECURITY_TOKEN": "SECRET", "HUAWEICLOUD_SDK_PROJECT_ID": "p", "ECS_REGION": "eu-west-101",
	}
	c, err := bot.Load(func(name string) (string, bool) { v, set := env[name]; return v, set })
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	printed := []string{string(text)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%p"} {
		printed = append(printed, fmt.Sprintf(verb, c), fmt.Sprintf(verb, &c))
	}
	for _, out := range printed {
		if strings.Contains(out, "SECRET") || strings.Contains(out, fmt.Sprintf("%x", "SECRET")) {
			t.Errorf("a secret is printed: %s", out)
		}
	}
}

// Tokens and keys do not travel unencrypted, but to a simulation.
func TestAddressesAreHTTPSExceptOnThisMachine(t *testing.T) {
	for _, name := range []string{"SLACK_API_URL", "ECS_ENDPOINT"} {
		for value, want := range map[string]bool{
			"https://slack-gov.com/api/": true, "http://127.0.0.1:7081/api/": true, "http://localhost:7081/": true, "http://[::1]:7081/": true,
			"http://slack.com/api/": false, "http://127.0.0.1.example.com/": false, "http://localhost@example.com/": false, "ftp://localhost/": false, "slack.com": false,
		} {
			_, err := bot.Load(only(name, value))
			if fault := faultOf(err, name); (fault == "") != want {
				t.Errorf("%s=%s is taken: %v, want %v", name, value, fault == "", want)
			}
		}
	}
}

// only finds one setting and no other.
func only(name, value string) bot.Lookup {
	return func(n string) (string, bool) {
		if n != name {
			return "", false
		}
		return value, true
	}
}

func TestHowManyReplicasConfirmIsAutoOrANumber(t *testing.T) {
	e := readExample(t)
	for value, want := range map[string]int{"": store.ConfirmAuto, "auto": store.ConfirmAuto, "AUTO": store.ConfirmAuto, "0": store.ConfirmNone, "1": 1, "5": 5} {
		if c := e.mustLoad(t, map[string]string{"REDIS_CONFIRM": value}); c.Confirm != want {
			t.Errorf("%q is %d, want %d", value, c.Confirm, want)
		}
	}
	for _, value := range []string{"6", "-1", "all", "1.5"} {
		if _, err := e.load(map[string]string{"REDIS_CONFIRM": value}); err == nil || !strings.Contains(err.Error(), "REDIS_CONFIRM is neither auto nor a number") {
			t.Errorf("%q: %v", value, err)
		}
	}
}
