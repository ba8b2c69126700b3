// Package redistest starts a real redis-server for a test, on a socket of its
// own in the test's directory.
package redistest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// Binary is the server that [Start] starts: redis-server, or what the environment
// variable ECSBOT_REDIS_SERVER names, for instance valkey-server.
func Binary() string { return cmp.Or(os.Getenv("ECSBOT_REDIS_SERVER"), "redis-server") }

// Binaries are all servers of its kind on this machine: [Binary] and, where it is
// installed, valkey-server. What differs between them is tested on each.
func Binaries() []string {
	all := []string{Binary()}
	if _, err := exec.LookPath("valkey-server"); err == nil && Binary() != "valkey-server" {
		all = append(all, "valkey-server")
	}
	return all
}

// Server is a redis-server that keeps what is written to it. It ends with the
// test.
type Server struct {
	t      testing.TB
	binary string
	dir    string
	args   []string
	cmd    *exec.Cmd
}

// OnEach runs a test against a server of each of [Binaries], all at the same time.
func OnEach(t *testing.T, test func(t *testing.T, s *Server)) {
	t.Parallel()
	for _, binary := range Binaries() {
		t.Run(binary, func(t *testing.T) {
			t.Parallel()
			test(t, StartBinary(t, binary))
		})
	}
}

// Start starts a server with an append-only file. Further arguments are those
// of redis-server.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	return StartBinary(t, Binary(), args...)
}

// StartBinary is [Start] with one of [Binaries].
func StartBinary(t testing.TB, binary string, args ...string) *Server {
	t.Helper()
	if _, err := exec.LookPath(binary); err != nil {
		t.Fatal(binary + " is not installed: run `make redis`, or `apt-get install redis-server`")
	}
	// Not t.TempDir: its path may be longer than a socket's path may be.
	dir, err := os.MkdirTemp("", "redis")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, binary: binary, dir: dir, args: args}
	t.Cleanup(func() {
		s.Kill()
		os.RemoveAll(dir)
	})
	s.Restart()
	return s
}

// URL is where it listens, as REDIS_URL takes it.
func (s *Server) URL() string { return "unix://" + s.socket() }

// Dir is where its files are.
func (s *Server) Dir() string { return s.dir }

func (s *Server) socket() string { return filepath.Join(s.dir, "s") }

// Kill ends the server as kill -9 does.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	s.cmd.Process.Kill()
	s.cmd.Wait()
	s.cmd = nil
	os.Remove(s.socket())
}

// Restart starts the server on the files that it has, and waits for it.
func (s *Server) Restart() {
	s.t.Helper()
	args := append([]string{
		"--port", "0", "--unixsocket", s.socket(), "--dir", s.dir, "--save", "",
		"--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction", "--loglevel", "warning",
	}, s.args...)
	s.cmd = exec.Command(s.binary, args...)
	out := &strings.Builder{}
	s.cmd.Stdout, s.cmd.Stderr = out, out
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	c := s.Client()
	defer c.Close()
	for deadline := time.Now().Add(10 * time.Second); ; {
		err := c.Ping(s.t.Context()).Err()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("redis-server did not start: %v\n%s", err, out)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// Empty kills the server, takes its data away and starts it again.
func (s *Server) Empty() {
	s.t.Helper()
	s.Kill()
	os.RemoveAll(filepath.Join(s.dir, "appendonlydir"))
	s.Restart()
}

// Client is a plain client of the server. The caller closes it.
func (s *Server) Client() *redis.Client {
	return redis.NewClient(&redis.Options{Network: "unix", Addr: s.socket(), MaxRetries: -1})
}

// Dump returns all hashes and strings whose name fits the pattern, for a test
// that failed.
func (s *Server) Dump(ctx context.Context, pattern string) map[string]string {
	c := s.Client()
	defer c.Close()
	all := map[string]string{}
	for _, key := range c.Keys(ctx, pattern).Val() {
		switch c.Type(ctx, key).Val() {
		case "hash":
			h := c.HGetAll(ctx, key).Val()
			all[key] = strings.Join([]string{h["ver"], h["body"]}, " ")
		case "string":
			all[key] = c.Get(ctx, key).Val()
		}
	}
	return all
}

// Do returns what a command gives that cannot fail unless Redis is gone; a value
// that does not exist is its zero value.
func Do[T any](t testing.TB, cmd interface{ Result() (T, error) }) T {
	t.Helper()
	v, err := cmd.Result()
	if err != nil && err != redis.Nil {
		t.Fatal(err)
	}
	return v
}

// Within waits until ok holds. If it does not, the test ends and shows what the
// server holds.
func (s *Server) Within(d time.Duration, what string, ok func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(d); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("not within %v: %s\n%s", d, what, s.text())
		}
	}
}

// text is [Server.Dump] of all keys, one on each line.
func (s *Server) text() string {
	var b strings.Builder
	all := s.Dump(context.WithoutCancel(s.t.Context()), "*")
	for _, key := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&b, "%s = %.400s\n", key, all[key])
	}
	return b.String()
}

// FreePort is a TCP port on which no process listens now.
func FreePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
