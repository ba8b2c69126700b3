package bot_test

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestMain lets more stories run at the same time than there are cores: they
// mostly wait for their worlds.
func TestMain(m *testing.M) {
	flag.Parse()
	flag.Set("test.parallel", "12") // stories wait most of their time
	code := m.Run()
	if built.dir != "" {
		os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// built is the bot's program with crash points, built once for all tests.
var built struct {
	once sync.Once
	dir  string
	err  error
	out  []byte
}

func botProgram(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "ecsbot"); built.err != nil {
			return
		}
		cmd := exec.Command("go", "build", "-tags", "crashpoints", "-o", filepath.Join(built.dir, "bot"), "ecsbot/cmd/bot")
		built.out, built.err = cmd.CombinedOutput()
	})
	if built.err != nil {
		t.Fatalf("build the bot: %v\n%s", built.err, built.out)
	}
	return filepath.Join(built.dir, "bot")
}

// process is a bot as a process of its own.
type process struct {
	t   *testing.T
	cmd *exec.Cmd
	log *bytes.Buffer
	end chan error
}

// spawn starts a bot as a process of its own, on the quick clock.
func (w *world) spawn(env ...string) *process {
	w.t.Helper()
	p := &process{t: w.t, log: &bytes.Buffer{}, end: make(chan error, 1)}
	p.cmd = exec.Command(botProgram(w.t))
	p.cmd.Dir = w.t.TempDir()
	p.cmd.Env = []string{"ECSBOT_TEST_FAST=1", "LOG_FORMAT=text", "LOG_LEVEL=debug"}
	for name, value := range w.env {
		p.cmd.Env = append(p.cmd.Env, name+"="+value)
	}
	p.cmd.Env = append(p.cmd.Env, env...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	go func() { p.end <- p.cmd.Wait() }()
	w.t.Cleanup(func() {
		p.kill()
		if w.t.Failed() {
			w.t.Logf("log of a bot:\n%s", p.log)
		}
	})
	return p
}

// kill ends the process as kill -9 does, and waits until it is gone.
func (p *process) kill() {
	p.cmd.Process.Kill()
	p.wait(10 * time.Second)
}

// wait waits for the process to end; it returns false if it does not.
func (p *process) wait(d time.Duration) bool {
	select {
	case err := <-p.end:
		p.end <- err
		return true
	case <-time.After(d):
		return false
	}
}

// gone reports whether the process has ended.
func (p *process) gone() bool { return p.wait(0) }

// killed reports whether a signal that cannot be caught ended the process.
func (p *process) killed() bool {
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}
