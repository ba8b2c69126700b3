package secret

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const value = "hunter2-very-secret"

// keys are secrets as settings hold them.
type keys struct {
	Name   string
	Secret String
	Other  *String
	List   []String
	Map    map[string]String
	Keys   map[String]bool

	unexported     String
	unexportedList []String
}

func TestNothingPrintsASecret(t *testing.T) {
	s := New(value)
	k := keys{
		Name: "name", Secret: s, Other: &s, List: []String{s}, Map: map[string]String{"k": s}, Keys: map[String]bool{s: true},
		unexported: s, unexportedList: []String{s},
	}
	var out bytes.Buffer
	for _, v := range []any{s, &s, k, &k, []any{s}, [1]String{s}, map[string]any{"k": s}, fmt.Errorf("with %s and %w", s, errors.New(fmt.Sprint(s)))} {
		for verb := 'A'; verb <= 'z'; verb++ {
			for _, flag := range []string{"", "+", "#", "-40", ".3", " ", "0"} {
				fmt.Fprintf(&out, "%"+flag+string(verb)+"\n", v)
			}
		}
		fmt.Fprintln(&out, v)
	}
	for _, log := range []*slog.Logger{slog.New(slog.NewTextHandler(&out, nil)), slog.New(slog.NewJSONHandler(&out, nil))} {
		log.Info("x", "secret", s, "pointer", &s, "keys", k, "list", k.List, slog.Group("g", "secret", s))
		log.With("secret", s).WithGroup("g").Info("x", slog.Any("keys", &k))
	}
	text, err := json.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(text)
	printed := out.String()
	for _, form := range []string{value, value[:3], fmt.Sprintf("%x", value), fmt.Sprintf("%X", value), fmt.Sprint([]byte(value))} {
		if at := strings.Index(printed, form); at >= 0 {
			t.Errorf("a secret was printed: %.80s", printed[max(0, at-20):])
		}
	}
	if want := `{"Name":"name","Secret":"[secret]","Other":"[secret]","List":["[secret]"],"Map":{"k":"[secret]"},"Keys":{"[secret]":true}}`; string(text) != want {
		t.Errorf("JSON is %s, want %s", text, want)
	}
	if s.Reveal() != value || (String{}).Reveal() != "" || New("") != (String{}) {
		t.Errorf("Reveal gives %q and %q", s.Reveal(), String{}.Reveal())
	}
}
