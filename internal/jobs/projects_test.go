package jobs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/ecsclient"
	"ecsbot/internal/ecssim"
	"ecsbot/internal/secret"
)

const otherID = "ffffffffffffffffffffffffffffffff"

// second is another cloud with a project of its own.
type second struct {
	*ecssim.Cloud
	client *ecsclient.Client
	away   bool // its cloud does not answer
}

func (s *second) RoundTrip(req *http.Request) (*http.Response, error) {
	if s.away {
		<-req.Context().Done()
		return nil, context.Cause(req.Context())
	}
	return s.Cloud.Transport().RoundTrip(req)
}

// second makes the cloud of a second project, with n running servers "dev-1", ….
func (w *world) second(n int) *second {
	w.t.Helper()
	s := &second{Cloud: ecssim.New(ecssim.Options{MinJobTime: 20 * time.Millisecond, MaxJobTime: 60 * time.Millisecond, Seed: 2, ProjectID: otherID})}
	w.t.Cleanup(s.Close)
	for i := range n {
		s.Add(ecssim.Server{ID: fmt.Sprintf("%08x-0000-4000-9000-%012x", i+1, i+1), Name: fmt.Sprintf("dev-%d", i+1), Status: "ACTIVE", VMState: "active"})
	}
	o := s.Options()
	client, err := ecsclient.New(ecsclient.Config{
		Endpoint: "https://ecs.other.example.com", ProjectID: otherID, Transport: s,
		Credentials: ecsclient.Fixed(ecsclient.Credentials{AccessKey: o.AccessKey, SecretKey: secret.New(o.SecretKey)}),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	s.client = client
	return s
}

// with serves the second project, too, as "dev", where carla alone approves.
func (s *second) with(tune ...func(*Config)) func(*Config) {
	return func(c *Config) {
		for _, f := range tune {
			f(c)
		}
		dev := c.Projects[0]
		dev.Name, dev.ID, dev.Cloud = "dev", otherID, s.client
		dev.Channels = []string{"CDEV"}
		dev.Policy.Approvers = []string{carla.ID}
		c.Projects = append(slices.Clone(c.Projects), dev)
	}
}

// askIn asks for servers of a project.
func (w *world) askIn(e *Engine, project, op string, servers ...string) approvals.Request {
	w.t.Helper()
	ask := askOf(op, servers...)
	ask.Project = project
	r, err := e.Ask(w.t.Context(), ask)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) approve(e *Engine, r approvals.Request, by approvals.Person) {
	w.t.Helper()
	if _, err := e.Approve(w.t.Context(), r.ID, by, r.ID+"/yes"); err != nil {
		w.t.Fatal(err)
	}
}

// A full quota of one project lets the other go on, and no cloud gets more than its own
// limit in a window.
func TestEachProjectHasAQuotaOfItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(40)
	s := w.second(20)
	small := func(c *Config) { c.Projects[0].BatchSize, c.Projects[0].Rate, c.Window = 5, 12, 4*time.Second }
	e := w.opened(s.with(small))
	f := newMessenger()
	a := w.askIn(e, "demo", "a", ids...)
	w.approve(e, a, ben)
	w.run(e, f)
	w.run(w.engine(s.with(small)), f)
	w.within(10*time.Second, "the first project's window is full", func() bool { return len(w.stops()) == 2 })
	b := w.askIn(e, "dev", "b", "dev-*")
	w.approve(e, b, carla)
	w.within(3*time.Second, "the other project sends meanwhile", func() bool { return s.MaxInWindow(time.Minute) == 10 })
	w.ended(40*time.Second, e, b.ID)
	w.ended(40*time.Second, e, a.ID)
	if n, m := w.cloud.MaxInWindow(4*time.Second), s.MaxInWindow(4*time.Second); n > 12 || m > 12 {
		t.Errorf("%d and %d servers in a window", n, m)
	}
}

// A project whose cloud does not answer takes neither the steps nor the queue of others.
func TestADeadCloudHoldsUpNoOtherProject(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(30)
	s := w.second(30)
	tune := func(c *Config) { c.Projects[0].BatchSize, c.MaxSteps, c.Lease = 1, 8, 6*time.Second }
	e := w.opened(s.with(tune))
	a := w.askIn(e, "dev", "a", "dev-*")
	b := w.askIn(e, "demo", "b", ids...)
	w.approve(e, a, carla)
	w.approve(e, b, ben)
	s.away = true
	f := newMessenger()
	w.run(e, f)
	if r := w.ended(20*time.Second, e, b.ID); r.State != approvals.Succeeded {
		t.Errorf("%s is %s", r.ID, r.State)
	}
	if now, err := e.Find(t.Context(), a.ID); err != nil || now.State.Final() {
		t.Errorf("a request of the dead cloud: %s, %v", now.State, err)
	}
	// People who ask there are refused or wait, and those of the other project do not.
	for i := range 6 {
		go func() {
			ask := askOf(fmt.Sprint("dead", i), "dev-1")
			ask.Project = "dev"
			e.Ask(t.Context(), ask)
		}()
	}
	if _, err := e.Ask(t.Context(), approvals.Ask{OpID: "c", By: anna, AskedIn: "COPS", Project: "demo", Servers: []string{ids[0]}, DryRun: true}); !isRefusal(err, approvals.NothingToDo) {
		t.Errorf("an ask of the living project: %v", err)
	}
}

// isRefusal reports whether err is a refusal of the kind.
func isRefusal(err error, kind approvals.RefusalKind) bool {
	no, ok := errors.AsType[*approvals.Refusal](err)
	return ok && no.Kind == kind
}

// A restart of Redis blocks the permits of every project for a window.
func TestARestartBlocksThePermitsOfAllProjects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fleet(1)
	s := w.second(1)
	e := w.opened(s.with(func(c *Config) { c.Window = time.Minute }))
	w.beat(e)
	asked := func() bool {
		no, err := e.store.Room(t.Context(), quotaName(otherID, approvals.Stop), e.only().permits.permit(approvals.Batch{Request: "S-1", ProjectID: otherID, Remaining: 1}, 1))
		if err != nil {
			t.Fatal(err)
		}
		return no == nil
	}
	if !asked() {
		t.Fatal("a new quota of a store in use is blocked")
	}
	w.redis.Kill()
	w.redis.Restart()
	w.beatAgain(e)
	if asked() {
		t.Error("a permit of the second project right after a restart")
	}
}

// A quota that a store in use gets while permits are blocked is blocked, too.
func TestANewQuotaTakesOverTheBlock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.second(1)
	e := w.opened(func(c *Config) { c.Window = time.Minute })
	w.beat(e)
	if err := e.store.Block(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	both := w.engine(s.with(func(c *Config) { c.Window = time.Minute }))
	w.open(both)
	w.beat(both)
	no, err := both.store.Room(t.Context(), quotaName(otherID, approvals.Stop), both.only().permits.permit(approvals.Batch{Request: "S-1", ProjectID: otherID, Remaining: 1}, 1))
	if err != nil || no == nil || !no.Blocked() {
		t.Errorf("a new quota: %v, %v", no, err)
	}
}

// A request of a project that was taken out of the settings waits, says so once, and
// goes on when the project is served again. Its requester can cancel it.
func TestARequestWaitsForItsProject(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fleet(1)
	s := w.second(2)
	e := w.opened(s.with())
	a := w.askIn(e, "dev", "a", "dev-1")
	b := w.askIn(e, "dev", "b", "dev-2")
	w.approve(e, a, carla)
	served := []Project{{Project: e.projects.all()[0].Project.Project, Cloud: e.projects.all()[0].Cloud}, e.projects.all()[1].Project}
	e.SetProjects(served[:1])
	f := newMessenger()
	w.run(e, f)
	w.within(10*time.Second, "its thread says so", func() bool { return w.troubled(e, approvals.CauseProjectGone) })
	if _, err := e.Approve(t.Context(), b.ID, carla, "late"); !isRefusal(err, approvals.NotApprover) {
		t.Errorf("approved by nobody's approver: %v", err)
	}
	if _, err := e.Cancel(t.Context(), b.ID, anna, "no"); err != nil {
		t.Errorf("cancelled by its requester: %v", err)
	}
	e.SetProjects(served)
	if r := w.ended(20*time.Second, e, a.ID); r.State != approvals.Succeeded {
		t.Errorf("%s is %s", r.ID, r.State)
	}
}

func TestChooseAProject(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fleet(1)
	e := w.opened(w.second(1).with())
	for _, tt := range []struct {
		name, channel, want string
		kind                approvals.RefusalKind
	}{
		{name: "dev", want: "dev"},
		{name: "DEV", want: "dev"},
		{name: "demo", channel: "CDEV", want: "demo"},
		{channel: "CDEV", want: "dev"},
		{channel: "COPS", kind: approvals.WhichProject},
		{name: "dve", kind: approvals.WrongProject},
	} {
		p, err := e.projects.choose(tt.name, tt.channel)
		if tt.kind != "" && !isRefusal(err, tt.kind) || tt.kind == "" && (err != nil || p.Name != tt.want) {
			t.Errorf("%q in %q: %v, %v", tt.name, tt.channel, p, err)
		}
	}
	_, err := e.projects.choose("dve", "")
	if no, _ := errors.AsType[*approvals.Refusal](err); no == nil || !slices.Equal(no.Near["dve"], []string{"dev"}) || !slices.Equal(no.Projects, []string{"demo", "dev"}) {
		t.Errorf("a misspelt name: %+v", no)
	}
}
