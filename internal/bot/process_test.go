package bot_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

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
	cmd *exec.Cmd
	log *bytes.Buffer
	end chan error
}

// spawn starts a bot as a process of its own, on the quick clock. It ends with
// the test.
func (w *world) spawn(env ...string) *process {
	w.t.Helper()
	p, err := w.launch(botProgram(w.t), w.t.TempDir(), env)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { w.end(p) })
	return p
}

// launch is spawn for any goroutine: the caller ends the process.
func (w *world) launch(program, dir string, env []string) (*process, error) {
	p := &process{log: &bytes.Buffer{}, end: make(chan error, 1)}
	p.cmd = exec.Command(program)
	p.cmd.Dir = dir
	p.cmd.Env = []string{"ECSBOT_TEST_FAST=1", "LOG_FORMAT=text", "LOG_LEVEL=debug"}
	for name, value := range w.env {
		p.cmd.Env = append(p.cmd.Env, name+"="+value)
	}
	p.cmd.Env = append(p.cmd.Env, env...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { p.end <- p.cmd.Wait() }()
	return p, nil
}

// end kills a process and shows its log if the test has failed.
func (w *world) end(p *process) {
	p.kill()
	if w.t.Failed() {
		w.t.Logf("log of a bot:\n%s", p.log)
	}
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

// superviseBot runs one bot and starts it again whenever it ends, as a container's
// supervisor does. It counts how often it was killed.
func (w *world) superviseBot(env []string) *atomic.Int32 {
	w.t.Helper()
	program, dir := botProgram(w.t), w.t.TempDir()
	p, err := w.launch(program, dir, env)
	if err != nil {
		w.t.Fatal(err)
	}
	var crashes atomic.Int32
	all, done := []*process{p}, make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { // all belongs to it until it has ended
		for {
			p := all[len(all)-1]
			select {
			case <-done:
				return
			case err := <-p.end:
				p.end <- err
			}
			if p.killed() {
				crashes.Add(1)
			}
			next, err := w.launch(program, dir, env)
			if err != nil {
				w.t.Errorf("start the bot again: %v", err)
				return
			}
			all = append(all, next)
		}
	})
	w.t.Cleanup(func() {
		close(done)
		wg.Wait()
		for _, p := range all {
			w.end(p)
		}
	})
	w.Within(20*time.Second, "sockets", func() bool { return w.Slack.Connections() == 2 })
	return &crashes
}
