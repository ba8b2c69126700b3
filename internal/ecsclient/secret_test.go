package ecsclient

import (
	"fmt"
	"strings"
	"testing"

	"ecsbot/internal/secret"
)

func TestNeitherSettingsNorClientPrintKeys(t *testing.T) {
	const value = "hunter2-very-secret"
	cfg := Config{
		Endpoint: "https://ecs.example.com", ProjectID: "p",
		Credentials: Credentials{AccessKey: "AK", SecretKey: secret.New(value), SecurityToken: secret.New(value)},
	}
	client, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{cfg, &cfg, cfg.Credentials, client} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if out := fmt.Sprintf(verb, v); strings.Contains(out, value) || strings.Contains(out, fmt.Sprintf("%x", value)) {
				t.Errorf("%s of %T prints a secret:\n%s", verb, v, out)
			}
		}
	}
}
