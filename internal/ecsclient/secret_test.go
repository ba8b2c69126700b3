package ecsclient

import (
	"fmt"
	"strings"
	"testing"

	"ecsbot/internal/secret"
)

func TestNeitherSettingsNorClientPrintKeys(t *testing.T) {
	const value = "hunter2-very-secret"
	keys := Credentials{AccessKey: "AK", SecretKey: secret.New(value), SecurityToken: secret.New(value)}
	given := KeyFiles{AccessKey: Key{Value: secret.New("AK")}, SecretKey: Key{Value: secret.New(value)}, SecurityToken: Key{Value: secret.New(value)}}
	agency := Agency(AgencyConfig{}).(*agency)
	agency.keys = keys
	for _, source := range []Source{Fixed(keys), Files(given), agency} {
		cfg := Config{Endpoint: "https://ecs.example.com", ProjectID: "p", Credentials: source}
		client, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range []any{cfg, &cfg, cfg.Credentials, client, given} {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
				if out := fmt.Sprintf(verb, v); strings.Contains(out, value) || strings.Contains(out, fmt.Sprintf("%x", value)) {
					t.Errorf("%s of %T with %T prints a secret:\n%s", verb, v, source, out)
				}
			}
		}
	}
}
