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
	"regexp"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/redistest"
	"ecsbot/internal/simworld"
	"ecsbot/internal/slacksim"
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
			slack := slacksim.New(quiet)
			t.Cleanup(slack.Close)
			people := &simworld.People{World: &simworld.World{Slack: slack}, T: t, Ops: ops} // and no cloud
			w := &world{t: t, People: people, env: map[string]string{
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

// A Redis that must not be used is not waited for: it is a matter of settings.
func TestARedisThatIsNotFitEndsTheBot(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"without append-only file": {[]string{"--appendonly", "no"}, "appendonly yes"},
		"evicts":                   {[]string{"--maxmemory", "1gb", "--maxmemory-policy", "allkeys-lru"}, "maxmemory-policy noeviction"},
		"a replica":                {[]string{"--replicaof", "127.0.0.1 " + freePort(t)}, "point REDIS_URL at the primary"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.env["REDIS_URL"] = redistest.Start(t, tt.args...).URL()
			p := w.spawn()
			if !p.wait(15 * time.Second) {
				t.Fatal("it goes on")
			}
			if code := p.cmd.ProcessState.ExitCode(); code != 2 || !strings.Contains(p.log.String(), tt.want) {
				t.Errorf("it ends with %d, want 2 and %q:\n%s", code, tt.want, p.log)
			}
		})
	}
}

var sentinelRow = regexp.MustCompile("(?m)^\\| (Redis.*) \\| `(redis://.*)` \\|$")

// The addresses that docs/redis.md gives for Sentinels and passwords work.
func TestTheAddressesOfTheManualForSentinelsWork(t *testing.T) {
	t.Parallel()
	manual, err := os.ReadFile("../../docs/redis.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := sentinelRow.FindAllStringSubmatch(string(manual), -1)
	if len(rows) != 3 {
		t.Fatalf("the manual has %d addresses, want 3", len(rows))
	}
	for _, row := range rows {
		t.Run(row[1], func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			primary, sentinel := freePort(t), freePort(t)
			r := redistest.Start(t, "--port", primary, "--bind", "127.0.0.1")
			setUsers(t, r, "ecsbot on >REDIS_PASSWORD ~* +@all", "default resetpass >REDIS_PASSWORD")
			more := []string{"sentinel auth-pass main REDIS_PASSWORD"}
			if strings.Contains(row[2], "SENTINEL_PASSWORD") {
				more = append(more, "requirepass SENTINEL_PASSWORD")
			}
			runSentinel(t, sentinel, primary, more...)
			w.env["REDIS_URL"] = regexp.MustCompile(`sentinel-[0-9]:26379`).ReplaceAllString(row[2], "127.0.0.1:"+sentinel)
			s := w.serve()
			s.ready()
			if n := len(s.log.lines("PASSWORD")); n != 0 {
				t.Error("the log shows a password")
			}
		})
	}
}

// A Redis whose certificate is signed by an authority of one's own is reached as
// docs/redis.md says.
func TestTLSWithAnAuthorityOfOnesOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	selfSigned(t, dir)
	port, serves := freePort(t), freePort(t)
	redistest.Start(t, "--tls-port", port, "--bind", "127.0.0.1", "--tls-cert-file", dir+"/cert.pem", "--tls-key-file", dir+"/key.pem",
		"--tls-ca-cert-file", dir+"/cert.pem", "--tls-auth-clients", "no")
	if err := os.Mkdir(filepath.Join(dir, "authorities"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "authorities", "ca.pem")); err != nil {
		t.Fatal(err)
	}
	w.env["REDIS_URL"], w.env["HTTP_ADDR"] = "rediss://127.0.0.1:"+port, "127.0.0.1:"+serves
	for _, authority := range []string{"SSL_CERT_FILE=" + dir + "/cert.pem", "SSL_CERT_DIR=" + dir + "/authorities"} {
		p := w.spawn(authority)
		w.Within(10*time.Second, "ready bot with "+authority, func() bool { return answers("http://127.0.0.1:"+serves+"/readyz") == 200 })
		p.kill()
	}
}

// answers is the status code that an address answers with, or 0.
func answers(url string) int {
	resp, err := http.Get(url)
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
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

// runSentinel runs a Sentinel that watches a primary called main. more are
// further lines of its settings.
func runSentinel(t *testing.T, port, primary string, more ...string) {
	t.Helper()
	conf := filepath.Join(t.TempDir(), "sentinel.conf")
	text := fmt.Sprintf("port %s\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 %s 1\n%s\n", port, primary, strings.Join(more, "\n"))
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
