package store

import (
	"errors"
	"net"
	"strings"
	"testing"

	"ecsbot/internal/redistest"
)

// onlyFault is the one fault that Check finds at address.
func onlyFault(t *testing.T, address string, files TLS) Fault {
	t.Helper()
	s, err := Open(address, files)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	all, err := s.Check(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatalf("%d faults, %v, %v", len(all), all, err)
	}
	if f := all[0]; f.Passing || f.Loss || f.Warning || f.Fix == "" || strings.Contains(f.String(), "secret") {
		t.Errorf("got %+v", f)
	}
	return all[0]
}

// What only a person can change is said as such, and not waited for.
func TestWhatRedisRefusesIsNamedWithWhatToDo(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		path := strings.TrimPrefix(w.redis.URL(), "unix://")
		for user, rules := range map[string]string{
			"blind": "on >secret ~* +@all -info", "weak": "on >secret ~{ecsbot}:ready +@all", "mute": "on >secret ~* +info +@connection",
			"old": "on >secret ~* +@all -time",
		} {
			args := []any{"ACL", "SETUSER", user}
			for rule := range strings.FieldsSeq(rules) {
				args = append(args, rule)
			}
			if err := w.rdb.Do(t.Context(), args...).Err(); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.rdb.ConfigSet(t.Context(), "requirepass", "secret").Err(); err != nil {
			t.Fatal(err)
		}
		for address, want := range map[string]string{
			"unix://" + path:                     "REDIS_URL",
			"unix://:wrong-secret@" + path:       "REDIS_URL",
			"unix://nobody:wrong-secret@" + path: "REDIS_URL",
			"unix://blind:secret@" + path:        "+info",
		} {
			if f := onlyFault(t, address, TLS{}); !strings.Contains(f.Fix, want) {
				t.Errorf("%s: %s", address, f)
			}
		}
		// These may ask, but not work.
		for _, user := range []string{"weak", "mute", "old"} {
			err := w.workerAt("unix://" + user + ":secret@" + path).Join(t.Context())
			var f Fault
			if !errors.As(err, &f) || !strings.Contains(f.Fix, "ACL LOG") {
				t.Errorf("%s: %v", user, err)
			}
		}
	})
}

func TestRedisOverTLS(t *testing.T) {
	t.Parallel()
	for _, binary := range redistest.Binaries() {
		t.Run(binary, func(t *testing.T) {
			t.Parallel()
			c := redistest.NewCerts(t)
			port := redistest.FreePort(t)
			// tls-auth-clients yes is the default.
			s := redistest.StartBinary(t, binary, "--tls-port", port, "--tls-cert-file", c.Server, "--tls-key-file", c.ServerKey, "--tls-ca-cert-file", c.CA)
			address := "rediss://" + net.JoinHostPort("127.0.0.1", port)
			for what, tt := range map[string]struct {
				address string
				files   TLS
				want    string
			}{
				"unknown CA":     {address, TLS{}, "REDIS_TLS_CA_FILE"},
				"no certificate": {address, TLS{CA: c.CA}, "REDIS_TLS_CERT_FILE"},
				"another host":   {"rediss://localhost:" + port, TLS{CA: c.CA, Cert: c.Client, Key: c.ClientKey}, "the host as the certificate has it"},
			} {
				if f := onlyFault(t, tt.address, tt.files); !strings.Contains(f.Fix, tt.want) {
					t.Errorf("%s: %s", what, f)
				}
			}
			store, err := Open(address, TLS{CA: c.CA, Cert: c.Client, Key: c.ClientKey})
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			if all, err := store.Check(t.Context()); err != nil || len(all) != 0 {
				t.Errorf("got %v, %v", all, err)
			}
			if err := store.client.Ping(t.Context()).Err(); err != nil || store.RunID() == "" {
				t.Errorf("%v, run id %q", err, store.RunID())
			}
			// Without a client certificate, where the server does not ask for one.
			admin := s.Client()
			defer admin.Close()
			if err := admin.ConfigSet(t.Context(), "tls-auth-clients", "no").Err(); err != nil {
				t.Fatal(err)
			}
			open, err := Open(address, TLS{CA: c.CA})
			if err != nil {
				t.Fatal(err)
			}
			defer open.Close()
			if err := open.client.Ping(t.Context()).Err(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestCertificatesThatAreOfNoUseAreRefused(t *testing.T) {
	t.Parallel()
	c := redistest.NewCerts(t)
	for what, tt := range map[string]struct {
		address string
		files   TLS
	}{
		"no TLS":        {"redis://localhost", TLS{CA: c.CA}},
		"no key":        {"rediss://localhost", TLS{Cert: c.Client}},
		"no such file":  {"rediss://localhost", TLS{CA: c.CA + "x"}},
		"not a CA":      {"rediss://localhost", TLS{CA: c.ClientKey}},
		"another's key": {"rediss://localhost", TLS{Cert: c.Client, Key: c.ServerKey}},
		"sentinels":     {"redis://localhost?master_name=m", TLS{CA: c.CA}},
		"cluster":       {"redis://localhost?addr=b:1", TLS{CA: c.CA}},
	} {
		if s, err := Open(tt.address, tt.files); err == nil || !errors.As(err, new(Fault)) {
			t.Errorf("%s: %v", what, err)
			if err == nil {
				s.Close()
			}
		}
	}
	for _, address := range []string{"rediss://localhost", "rediss://localhost?master_name=m", "rediss://localhost?addr=b:1"} {
		s, err := Open(address, TLS{CA: c.CA, Cert: c.Client, Key: c.ClientKey})
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		s.Close()
	}
}
