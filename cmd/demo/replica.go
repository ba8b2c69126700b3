package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
)

// States of a replica.
const (
	down     = "down"
	starting = "starting"
	up       = "up" // at least one of its sockets has said hello
)

// replica is one process of the bot, which can be killed and started again.
type replica struct {
	Name string
	env  []string
	dir  string
	// hear gets each line of its log, and moved is called when its state has
	// changed. Both come from goroutines of the replica.
	hear  func(name, line string)
	moved func()

	mu    sync.Mutex
	cmd   *exec.Cmd // guarded by mu; nil while it is down
	state string    // guarded by mu
	how   string    // guarded by mu; how it came to be down
	ended chan struct{}
}

// start starts the process, unless it runs. ctx's end kills it.
func (r *replica) start(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	r.mu.Lock()
	if r.cmd != nil {
		r.mu.Unlock()
		return nil
	}
	cmd := exec.CommandContext(ctx, self, runAsBot)
	cmd.Env, cmd.Dir = r.env, r.dir
	log := &lines{each: r.line}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		r.mu.Unlock()
		return err
	}
	ended := make(chan struct{})
	r.cmd, r.state, r.how, r.ended = cmd, starting, "", ended
	r.mu.Unlock()
	r.moved()
	go func() { // ends with the process; kill and stop wait for it
		defer close(ended)
		cmd.Wait()
		log.end()
		r.mu.Lock()
		r.cmd, r.state = nil, down
		if r.how == "" {
			r.how = cmd.ProcessState.String()
		}
		r.mu.Unlock()
		r.moved()
	}()
	return nil
}

// end sends a signal and waits until the process is gone.
func (r *replica) end(with os.Signal, how string) {
	r.mu.Lock()
	cmd, ended := r.cmd, r.ended
	if cmd != nil {
		r.how = how
		if cmd.Process.Signal(with) != nil { // a system without this signal
			cmd.Process.Kill()
		}
	}
	r.mu.Unlock()
	if cmd != nil {
		<-ended
	}
}

// kill ends the process as kill -9 does. It is gone when kill returns.
func (r *replica) kill() { r.end(syscall.SIGKILL, "killed") }

// stop asks the process to end, as an orchestrator does: within ten seconds.
func (r *replica) stop() { r.end(syscall.SIGTERM, "ended softly") }

// line hears one line of the log.
func (r *replica) line(text string) {
	if strings.Contains(text, `msg="socket is up"`) {
		r.mu.Lock()
		came := r.state == starting
		if came {
			r.state = up
		}
		r.mu.Unlock()
		if came {
			r.moved()
		}
	}
	r.hear(r.Name, text)
}

// seen is a replica as the page shows it.
type seen struct {
	Name  string `json:"name"`
	State string `json:"state"`
	PID   int    `json:"pid,omitempty"`
	How   string `json:"how,omitempty"`
}

func (r *replica) look() seen {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := seen{Name: r.Name, State: r.state, How: r.how}
	if r.cmd != nil {
		s.PID = r.cmd.Process.Pid
	}
	return s
}

// lines is a writer that hands on whole lines, and what is left at the end.
type lines struct {
	each func(string)
	rest []byte
}

func (l *lines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		line, rest, found := bytes.Cut(l.rest, []byte("\n"))
		if !found {
			return len(p), nil
		}
		l.each(string(line))
		l.rest = rest
	}
}

func (l *lines) end() {
	if len(l.rest) > 0 {
		l.each(string(l.rest))
	}
}
