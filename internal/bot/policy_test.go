package bot

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPolicyCheckPrintsFaultsLikeACompiler(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bot.yaml")
	check := func(text string, env map[string]string) (code int, stdout, stderr string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, errs bytes.Buffer
		code = checkPolicy(file, func(name string) (string, bool) { v, set := env[name]; return v, set }, &out, &errs)
		return code, out.String(), errs.String()
	}
	two := "projects:\n" +
		"  - name: prod\n    region: eu-west-101\n    rules:\n      - {name: a, require: {reason: true}}\n      - {name: frozen, deny: \"No.\"}\n" +
		"  - name: development\n    endpoint: https://ecs.example.com\n    project_id: p2\n    agency: true\n    approvers: [S0DEV]\n"
	env := map[string]string{"HUAWEICLOUD_SDK_PROJECT_ID": "p1", "HUAWEICLOUD_SDK_AK": "a", "HUAWEICLOUD_SDK_SK_FILE": "/no/such/file", "APPROVERS": "S0OPS"}

	code, out, errs := check(two, env)
	want := "prod         eu-west-101              rules: a, frozen\ndevelopment  https://ecs.example.com  rules: none\n"
	if code != exitOK || out != want || errs != "" {
		t.Errorf("a good file: %d\n%s%s", code, out, errs)
	}

	// The environment counts as it does for the bot.
	code, out, errs = check(two, nil)
	want = file + ":2:5: approvers is missing; write user ids (U…) or user-group ids (S…), or set APPROVERS\n" +
		file + ":2:5: project_id is missing; write the id from \"My Credentials\" in the console\n" +
		file + ":2:5: the project has no credentials; write ak_env and sk_env, ak_file and sk_file, or agency: true, or set HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK\n"
	if code != exitFailed || out != "" || errs != want {
		t.Errorf("without the environment: %d\n%s%s", code, out, errs)
	}
	env["ALLOWED_CHANNELS"] = "C0OPS"
	code, _, errs = check(strings.Replace(two, "    region:", "    channels: [C0PROD]\n    region:", 1), env)
	if code != exitFailed || !strings.Contains(errs, `:3:16: channels holds "C0PROD", where the command may not be used; add it to ALLOWED_CHANNELS`) {
		t.Errorf("a channel where the command may not be used: %d\n%s", code, errs)
	}
}

func TestWhatAProjectHasFromTheEnvironment(t *testing.T) {
	env := map[string]string{
		"ECS_REGION": "eu-west-101", "ECS_ENDPOINT": "https://ecs.example.com", "HUAWEICLOUD_SDK_PROJECT_ID": "p1",
		"HUAWEICLOUD_SDK_AK": "a", "HUAWEICLOUD_SDK_SK_FILE": "/run/sk", "APPROVAL_CHANNEL": "C0OPS",
		"ECS_STOP_RATE": "500", "ECS_BATCH_SIZE": "50", "ECS_RATE_ANCHOR": "finish", "APPROVALS_REQUIRED": "2",
	}
	p := envOf(func(name string) (string, bool) { v, set := env[name]; return v, set })
	c := p.Credentials
	if p.Region != "eu-west-101" || p.Endpoint != "https://ecs.example.com" || p.ProjectID != "p1" || p.ApprovalChannel != "C0OPS" ||
		p.Rate != 500 || p.BatchSize != 50 || p.Anchor != "finish" || p.Policy.ApprovalsRequired != 2 || p.Policy.MaxServers != 1000 ||
		c.AccessKey.Env != "HUAWEICLOUD_SDK_AK" || c.SecretKey.File != "/run/sk" || c.SecurityToken.IsSet() {
		t.Errorf("%+v", p)
	}
}
