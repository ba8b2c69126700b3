package ecsclient

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestSecretsDoNotPrint(t *testing.T) {
	const value = "hunter2-very-secret"
	cfg := Config{
		Endpoint: "https://ecs.example.com", ProjectID: "p",
		Credentials: Credentials{AccessKey: "AK", SecretKey: value, SecurityToken: value},
	}
	client, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, v := range []any{
		cfg, &cfg, cfg.Credentials, &cfg.Credentials, cfg.Credentials.SecretKey,
		[]Secret{value}, map[string]Secret{"k": value}, client,
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	for _, log := range []*slog.Logger{
		slog.New(slog.NewTextHandler(&out, nil)), slog.New(slog.NewJSONHandler(&out, nil)),
	} {
		log.Info("x", "secret", cfg.Credentials.SecretKey, "keys", cfg.Credentials)
	}
	text, err := json.Marshal(cfg.Credentials)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(text)
	if strings.Contains(out.String(), value) || strings.Contains(out.String(), fmt.Sprintf("%x", value)) {
		t.Errorf("a secret was printed:\n%s", out.String())
	}
	if !strings.Contains(string(text), `"SecretKey":"[secret]"`) {
		t.Errorf("JSON is %s", text)
	}
}
