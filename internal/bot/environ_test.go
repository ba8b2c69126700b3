package bot_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ecsbot/internal/bot"
)

// complete is an environment with which the bot starts.
func complete(more ...string) []string {
	env := []string{"REDIS_URL=redis://localhost:6379/0", "ECS_REGION=ap-southeast-1"}
	for name, value := range filledIn {
		env = append(env, name+"="+value)
	}
	return append(env, more...)
}

// loadEnviron reads an environment and, if it is not empty, a file .env.
func loadEnviron(t *testing.T, environ []string, dotenv string) (bot.Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), ".env")
	if dotenv != "" {
		if err := os.WriteFile(path, []byte(dotenv), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	e, err := bot.ReadEnviron(environ, path)
	if err != nil {
		t.Fatal(err)
	}
	return e.Load()
}

func TestMisspeltSettingsAreRefusedWithTheRightName(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"PROTECTED_SERVER", "PROTECTED_SERVERS?"},
		{"PROTECTED_TAG", "PROTECTED_TAGS?"},
		{"PROTECTED_SERVERS_FIEL", "PROTECTED_SERVERS_FILE?"},
		{"PROTECT_SERVERS", "PROTECTED_SERVERS?"},
		{"protected_servers", "PROTECTED_SERVERS?"},
		{"PROTECTED_NAMES", "PROTECTED_SERVERS, PROTECTED_TAGS"},
		{"REQUESTER", "REQUESTERS?"},
		{"REQUESTER_IDS", "REQUESTERS"},
		{"REQEUSTERS", "REQUESTERS?"},
		{"APPROVAL_TLL", "APPROVAL_TTL?"},
		{"APPROVALS_REQUIERD", "APPROVALS_REQUIRED?"},
		{"APPROVAL_TIMEOUT", "APPROVAL_TTL"},
		{"ALLOWED_CHANNEL", "ALLOWED_CHANNELS?"},
		{"ALLOW_CHANNELS", "ALLOWED_CHANNELS?"},
		{"ALLOW_SELF_APPROVALS", "ALLOW_SELF_APPROVAL?"},
		{"MAX_SERVER", "MAX_SERVERS?"},
		{"ECS_STOPRATE", "ECS_STOP_RATE?"},
		{"ECS_BATCHSIZE", "ECS_BATCH_SIZE?"},
		{"SUBMIT_QUARANTAINE", "SUBMIT_QUARANTINE?"},
		{"SLACK_SOCKET", "SLACK_SOCKETS?"},
		{"SLACK_API_ULR", "SLACK_API_URL?"},
		{"HUAWEICLOUD_SDK_SECURITYTOKEN", "HUAWEICLOUD_SDK_SECURITY_TOKEN?"},
		{"JOB_DEADLNE", "JOB_DEADLINE?"},
		{"LOG_LEVL", "LOG_LEVEL?"},
		{"LOGFORMAT", "LOG_FORMAT?"},
		{"HTTP_ADR", "HTTP_ADDR?"},
		{"REASON_REQUIRE", "REASON_REQUIRED?"},
		{"ALLOW_VOLATILE", "ALLOW_VOLATILE_REDIS"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for where, load := range map[string]func() (bot.Config, error){
				"environment": func() (bot.Config, error) { return loadEnviron(t, complete(tt.name+"=SECRET"), "") },
				".env":        func() (bot.Config, error) { return loadEnviron(t, complete(), tt.name+"=SECRET\n") },
				"both":        func() (bot.Config, error) { return loadEnviron(t, complete(tt.name+"=SECRET"), tt.name+"=SECRET\n") },
			} {
				_, err := load()
				if fault := faultOf(err, tt.name); !strings.Contains(fault, "is not a setting") || !strings.Contains(fault, tt.want) {
					t.Errorf("%s: %q, want %s", where, fault, tt.want)
				}
				if err != nil && (strings.Contains(err.Error(), "SECRET") || strings.Contains(err.Error(), "\n")) {
					t.Errorf("%s: the value is repeated, or the name told twice: %v", where, err)
				}
			}
		})
	}
}

// Wrong values and wrong names are reported together.
func TestMisspeltNamesAreToldWithAllOtherFaults(t *testing.T) {
	_, err := loadEnviron(t, []string{"APPROVER=U1AAAAAAA", "LOG_LEVEL=loud"}, "PROTECTED_SERVER=db-*\nSLACK_TOKEN=x\n")
	for _, name := range []string{"APPROVERS", "APPROVER", "LOG_LEVEL", "PROTECTED_SERVER", "SLACK_TOKEN", "SLACK_BOT_TOKEN", "REDIS_URL"} {
		if faultOf(err, name) == "" {
			t.Errorf("%s is not told of:\n%v", name, err)
		}
	}
}

// A file .env is the bot's own: no other name in it has any effect.
func TestANameInTheFileThatIsNoSettingIsRefused(t *testing.T) {
	_, err := loadEnviron(t, complete(), "HTTPS_PROXY=http://proxy:3128\n")
	if fault := faultOf(err, "HTTPS_PROXY"); !strings.Contains(fault, "not a setting") || !strings.Contains(fault, "environment") {
		t.Errorf("a proxy in .env, where it has no effect: %v", err)
	}
	c, err := loadEnviron(t, complete(), "PROTECTED_SERVERS=db-*\nHUAWEICLOUD_SDK_SK_FILE=\n")
	if err != nil || !slices.Equal(c.Projects[0].Policy.Protection.Servers, []string{"db-*"}) {
		t.Errorf("settings in .env: %v, %v", c.Projects[0].Policy.Protection.Servers, err)
	}
}

// Variables that others set must not keep the bot from starting.
func TestForeignVariablesOfTheEnvironmentAreLeftAlone(t *testing.T) {
	serviceLinks := func(service string) []string {
		return []string{
			service + "_SERVICE_HOST=10.96.0.10", service + "_SERVICE_PORT=6379", service + "_SERVICE_PORT_HTTP=80", service + "_PORT=tcp://10.96.0.10:6379",
			service + "_PORT_6379_TCP=tcp://10.96.0.10:6379", service + "_PORT_6379_TCP_PROTO=tcp", service + "_PORT_6379_TCP_PORT=6379", service + "_PORT_6379_TCP_ADDR=10.96.0.10",
		}
	}
	for name, foreign := range map[string][]string{
		"a shell": {"PATH=/bin", "HOME=/", "LANG=C.UTF-8", "SHLVL=1", "_=/bin/bot", "TZ=UTC", "TERM=xterm", "HOSTNAME=bot-1", "LOGNAME=bot", "MAIL=/var/mail/bot"},
		"Go, proxies, TLS": {"GODEBUG=x=1", "GOMAXPROCS=2", "GOMEMLIMIT=1GiB", "HTTP_PROXY=http://p", "HTTPS_PROXY=http://p", "NO_PROXY=x",
			"http_proxy=http://p", "ALL_PROXY=p", "SSL_CERT_FILE=/ca.pem", "SSL_CERT_DIR=/certs"},
		"Kubernetes": slices.Concat(serviceLinks("KUBERNETES"), serviceLinks("REDIS"), serviceLinks("REDIS_MASTER"), serviceLinks("APPROVAL_BOT"),
			serviceLinks("APPROVALS"), serviceLinks("SLACK_BOT"), serviceLinks("ECS_STOP"), serviceLinks("PROTECTED_API"), []string{"POD_NAME=bot-1", "NODE_NAME=n"}),
		"Redis charts": {"REDIS_HOST=r", "REDIS_PORT=6379", "REDIS_PASSWORD=p", "REDIS_DB=0", "REDIS_USER=u", "REDIS_TLS=1", "REDIS_ADDR=r:1", "REDIS_TLS_URL=rediss://r", "ALLOW_EMPTY_PASSWORD=yes"},
		"AWS ECS":      {"ECS_CONTAINER_METADATA_URI=http://x", "ECS_CONTAINER_METADATA_URI_V4=http://x", "ECS_AGENT_URI=http://x", "ECS_CLUSTER=c", "AWS_REGION=x"},
		"Huawei's SDK": {"HUAWEICLOUD_SDK_DOMAIN_ID=d", "HUAWEICLOUD_SDK_CREDENTIALS_FILE=/c", "HUAWEICLOUD_SDK_IDP_ID=i", "HUAWEICLOUD_SDK_ID_TOKEN_FILE=/t", "HUAWEICLOUD_SDK_REGIONS_FILE=/r",
			"HUAWEICLOUD_SDK_IAM_ENDPOINT=https://x", "HUAWEICLOUD_SDK_STS_ENDPOINT=https://x", "HUAWEICLOUD_SDK_REGION_ECS_X=https://x"},
		"Jenkins":        {"JOB_NAME=deploy", "JOB_BASE_NAME=deploy", "JOB_URL=http://x", "JOB_DISPLAY_URL=http://x", "BUILD_ID=1", "NODE_LABELS=x", "LOG_DIR=/l"},
		"GitLab, GitHub": {"CI=true", "CI_JOB_ID=1", "CI_COMMIT_REF_PROTECTED=true", "GITHUB_JOB=x", "GITHUB_TOKEN=x", "RUNNER_OS=Linux"},
		"Slack's others": {"SLACK_WEBHOOK_URL=https://x", "SLACK_SIGNING_SECRET=x", "SLACK_CLIENT_ID=x", "SLACK_CHANNEL=c", "SLACK_ACCESS_TOKEN=x", "SLACK_BOT_USER_ID=U1"},
		"frameworks":     {"ALLOWED_HOSTS=*", "ALLOWED_ORIGINS=*", "MAX_THREADS=5", "MAX_CONNECTIONS=9", "LOG_FILE=/l", "HTTP_PORT=80", "HTTP_HOST=x", "SMTP_ADDR=x", "TCP_ADDR=x", "WEB_CONCURRENCY=2", "JOB_TIMEOUT=1"},
		// Ours is set: so the other one, two letters away, is somebody else's.
		"a second Redis": {"REDIS_URI=redis://other"},
		"others' names":  {"LOGLEVEL=debug", "EC2_REGION=eu-west-1"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := loadEnviron(t, complete(foreign...), ""); err != nil {
				t.Errorf("it does not start:\n%v", err)
			}
		})
	}
}

// Every setting, and every setting as the name of a file, is a known name.
func TestEverySettingIsAKnownName(t *testing.T) {
	e := readExample(t)
	for _, name := range slices.Concat(slices.Collect(maps.Keys(e.required)), slices.Collect(maps.Keys(e.defaults))) {
		for _, n := range []string{name, name + "_FILE"} {
			if _, err := loadEnviron(t, nil, n+"=\n"); strings.Contains(faultOf(err, n), "is not a setting") {
				t.Errorf("%s is refused", n)
			}
		}
	}
}

func TestTheCommandLine(t *testing.T) {
	for _, tt := range []struct {
		args string
		code int
		out  string // in what is printed
		err  string // at the beginning of what is printed as an error
	}{
		{"version", 0, "ecsbot ", ""},
		{"--version", 0, "ecsbot ", ""},
		{"-version", 0, "ecsbot ", ""},
		{"help", 0, "usage: bot", ""},
		{"--help", 0, "usage: bot", ""},
		{"manifest", 0, "display_information", ""},
		{"manifest --json", 0, `"display_information"`, ""},
		{"manifest --workflow-step", 0, "\nfunctions:\n  ask_to_stop_servers:\n", ""},
		{"manifest --workflow-step --json", 0, `"ask_to_stop_servers"`, ""},
		{"foo", 2, "", "unknown command foo\n"},
		{"manifest --foo", 2, "", "unknown command manifest --foo\n"},
		{"version now", 2, "", "unknown command version now\n"},
		{"policy", 2, "", "unknown command policy\n"},
		{"policy check", 2, "", "unknown command policy check\n"},
		{"policy check a b", 2, "", "unknown command policy check a b\n"},
		{"policy chek a", 2, "", "unknown command policy chek a\n"},
	} {
		var out, err bytes.Buffer
		code := bot.Main(strings.Fields(tt.args), &out, &err)
		if code != tt.code || !strings.Contains(out.String(), tt.out) || !strings.HasPrefix(err.String(), tt.err) {
			t.Errorf("bot %s ends with %d and prints %.60q and %.60q", tt.args, code, out.String(), err.String())
		}
		if tt.code != 0 && !strings.Contains(err.String(), "usage: bot") {
			t.Errorf("bot %s does not print the usage", tt.args)
		}
	}
}
