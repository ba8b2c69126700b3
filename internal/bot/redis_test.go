package bot_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/redistest"
)

// Whatever is wrong between the bot and its Redis, /readyz says so in a sentence
// that says what to look at, and shows neither address nor password.
func TestEachTroubleWithRedisHasItsSentence(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	selfSigned(t, dir)
	port, tlsPort, sentinel := freePort(t), freePort(t), freePort(t)
	setUsers(t, redistest.Start(t, "--port", port, "--bind", "127.0.0.1"), "other on >pa55word ~* +@all", "default resetkeys ~nothing:*")
	redistest.Start(t, "--tls-port", tlsPort, "--bind", "127.0.0.1", "--tls-cert-file", dir+"/cert.pem", "--tls-key-file", dir+"/key.pem", "--tls-ca-cert-file", dir+"/cert.pem")
	locked := freePort(t)
	setUsers(t, redistest.Start(t, "--port", locked, "--bind", "127.0.0.1"), "other on >pa55word ~* +@all", "default off")
	runSentinel(t, sentinel, locked)

	for name, tt := range map[string]struct{ url, want string }{
		"nothing listens":         {"redis://:pa55word@127.0.0.1:" + freePort(t), "Redis does not answer"},
		"no such host":            {"redis://:pa55word@nowhere.invalid:6379", "Redis does not answer"},
		"wrong password":          {"redis://other:wr0ng@127.0.0.1:" + port, "refuses the user name or the password"},
		"no password":             {"redis://127.0.0.1:" + locked, "wants a password"},
		"not permitted":           {"redis://127.0.0.1:" + port, "does not permit"},
		"unknown certificate":     {"rediss://127.0.0.1:" + tlsPort, "certificate of Redis is not trusted"},
		"client certificate":      {"rediss://127.0.0.1:" + tlsPort + "?skip_verify=true", "may want a client certificate"},
		"no Sentinel":             {"redis://127.0.0.1:" + freePort(t) + "?master_name=main", "no Sentinel answers"},
		"not a Sentinel":          {"redis://other:pa55word@127.0.0.1:" + port + "?master_name=main", "names a Redis where a Sentinel should be"},
		"unknown master name":     {"redis://127.0.0.1:" + sentinel + "?master_name=mian", "no Sentinel knows a primary by the master_name"},
		"password behind it":      {"redis://127.0.0.1:" + sentinel + "?master_name=main", "&password="},
		"no node of the cluster":  {"redis://127.0.0.1:" + freePort(t) + "?addr=127.0.0.1:" + freePort(t), "Redis does not answer"},
		"a socket that is absent": {"unix://" + dir + "/absent", "Redis does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &world{t: t, env: map[string]string{
				"SLACK_BOT_TOKEN": "xoxb-sim", "SLACK_APP_TOKEN": "xapp-sim", "SLACK_API_URL": "http://127.0.0.1:1/",
				"APPROVERS": ben, "HUAWEICLOUD_SDK_AK": "ak", "HUAWEICLOUD_SDK_SK": "sk", "HUAWEICLOUD_SDK_PROJECT_ID": "p",
				"ECS_REGION": "sim-1", "REDIS_URL": tt.url, "HTTP_ADDR": "127.0.0.1:0",
			}}
			s := w.serve()
			var said string
			for deadline := time.Now().Add(15 * time.Second); !strings.Contains(said, tt.want); {
				var code int
				if code, said = s.get("/readyz"); code != http.StatusServiceUnavailable {
					t.Fatalf("/readyz is %d: %s", code, said)
				}
				if time.Now().After(deadline) {
					t.Fatalf("/readyz says %q, want %q", said, tt.want)
				}
				time.Sleep(50 * time.Millisecond)
			}
			for _, secret := range []string{"pa55word", "wr0ng", "127.0.0.1", "nowhere", dir} {
				if strings.Contains(said, secret) {
					t.Errorf("/readyz shows %s: %s", secret, said)
				}
			}
			if n := len(s.log.lines("waiting for Redis")); n == 0 {
				t.Error("the log has nothing about it")
			}
			if n := len(s.log.lines("pa55word")) + len(s.log.lines("wr0ng")); n != 0 {
				t.Error("the log shows the password")
			}
		})
	}
}

// setUsers changes who may do what in a Redis; after the last of the rules the
// default user need not get in any more.
func setUsers(t *testing.T, r *redistest.Server, users ...string) {
	t.Helper()
	c := r.Client()
	defer c.Close()
	for _, user := range users {
		args := []any{"ACL", "SETUSER"}
		for word := range strings.FieldsSeq(user) {
			args = append(args, word)
		}
		if err := c.Do(t.Context(), args...).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// selfSigned writes a certificate for 127.0.0.1 that is its own authority.
func selfSigned(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "redis"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// runSentinel runs a Sentinel that watches a primary called main.
func runSentinel(t *testing.T, port, primary string) {
	t.Helper()
	conf := filepath.Join(t.TempDir(), "sentinel.conf")
	text := fmt.Sprintf("port %s\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 %s 1\n", port, primary)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("redis-server", conf, "--sentinel")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
}

// freePort is a port of this machine that nothing listened on a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}
