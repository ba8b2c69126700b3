package bot_test

import (
	"strings"
	"testing"

	"ecsbot/internal/bot"
)

// All faults are told at once, a line each, and none repeats a secret, also not
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
