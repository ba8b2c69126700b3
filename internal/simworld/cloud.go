package simworld

import (
	"slices"
	"strings"

	"ecsbot/internal/ecssim"
)

// Status is the state of a server as the cloud shows it.
func (p *People) Status(id string) string {
	s, _ := p.Cloud.Server(id)
	return s.Status
}

// Stops are the calls that asked the cloud to stop something.
func (p *People) Stops() []ecssim.Call { return p.calls("stop") }

// Starts are the calls that asked the cloud to start something.
func (p *People) Starts() []ecssim.Call { return p.calls("start") }

func (p *People) calls(op string) []ecssim.Call {
	return slices.DeleteFunc(p.Cloud.Calls(), func(c ecssim.Call) bool { return c.Op != op })
}

// StartsOf counts the calls that asked the cloud to start the server.
func (p *People) StartsOf(id string) int {
	n := 0
	for _, c := range p.Starts() {
		if slices.Contains(c.IDs, id) {
			n++
		}
	}
	return n
}

// Untouched checks that no stop ever named one of the servers.
func (p *People) Untouched(ids ...string) {
	p.T.Helper()
	p.StopsOf(0, ids...)
	for _, id := range ids {
		for _, c := range p.Stops() {
			if strings.Contains(c.Body, id) {
				p.T.Errorf("a call named %s: %s", id, c.Body)
			}
		}
	}
}

// Stopped checks that exactly one stop named each of the servers, and that each
// is off.
func (p *People) Stopped(ids ...string) {
	p.T.Helper()
	p.StopsOf(1, ids...)
	for _, id := range ids {
		p.Is("SHUTOFF", id)
	}
}

// StopsOf checks how often the cloud was asked to stop each of the servers.
func (p *People) StopsOf(times int, ids ...string) {
	p.T.Helper()
	for _, id := range ids {
		if n := p.Cloud.StopCount(id); n != times {
			p.T.Errorf("server %s was stopped %d times, want %d", id, n, times)
		}
	}
}

// Is checks the state of each of the servers.
func (p *People) Is(status string, ids ...string) {
	p.T.Helper()
	for _, id := range ids {
		if s := p.Status(id); s != status {
			p.T.Errorf("server %s is %s, want %s", id, s, status)
		}
	}
}
