package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/config"
	"ecsbot/internal/ecssim"

	"github.com/chromedp/chromedp"
)

// The demo's file holds on every day of the week, and its rules are about what the page
// says; none is about a server of the tour.
func TestTheRulesOfTheDemo(t *testing.T) {
	t.Parallel()
	prod, dev := ecssim.New(ecssim.Options{}), newDevCloud(time.Second)
	defer prod.Close()
	defer dev.Close()
	w := &world{projects: []project{{"prod", ops, prod}, {"dev", devs, dev}}}
	path := filepath.Join(t.TempDir(), "projects.yaml")
	env := config.Environment{Project: config.Project{Credentials: config.Credentials{AccessKey: config.Reference{Env: "AK"}}}}
	monday := time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)
	for day := range 7 {
		now := monday.AddDate(0, 0, day)
		if err := w.configure(path, "http://127.0.0.1:1", "http://127.0.0.1:2", now); err != nil {
			t.Fatal(err)
		}
		file, err := config.Read(path, env)
		if err != nil {
			t.Fatalf("%s: %v", now.Weekday(), err)
		}
		if file.Keyspace != keyspace || len(file.Projects) != 2 {
			t.Fatalf("keyspace %q, %d projects", file.Keyspace, len(file.Projects))
		}
		demand := func(project int, server string) approvals.Demand {
			s := approvals.Subject{Action: approvals.Stop, Mode: approvals.Soft, Servers: []approvals.Server{{ID: server, Name: server}}}
			return file.Projects[project].Policy.Demand(s, now.Add(10*time.Hour)) // a demo that stays open into the next day
		}
		for _, name := range []string{"web-1", "api-7", "batch-1500", "cache-9", "worker-3", "bastion-1"} {
			if d := demand(0, name); len(d.Rules) > 0 || d.Approvals() != 1 {
				t.Errorf("%s: rules %v, %d approvals; the tour knows of none", name, d.Names(), d.Approvals())
			}
		}
		if d := demand(0, "db-1"); d.Approvals() != 2 || !slices.Equal(d.Names(), []string{"databases", "reliability"}) {
			t.Errorf("db-1: rules %v, %d approvals", d.Names(), d.Approvals())
		}
		if _, denied := demand(0, "pay-1").Denied(); !denied {
			t.Errorf("pay-1 may be stopped on %s", now.Weekday())
		}
		if d := demand(1, "dev-1"); !d.Automatic {
			t.Errorf("dev-1 needs %d approvals", d.Approvals())
		}
		if d := demand(1, "build-1"); d.Automatic || d.Approvals() != 1 {
			t.Errorf("build-1 needs %d approvals", d.Approvals())
		}
	}
}

// The smallest file in the README is one that the bot takes, and the README's words on
// it hold.
func TestTheFileOfTheREADME(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(readme), "```yaml\n")
	text, _, found := strings.Cut(text, "```")
	env := config.Environment{Project: config.Project{Credentials: config.Credentials{AccessKey: config.Reference{Env: "AK"}}}}
	env.Policy.ApprovalsRequired = 1
	file, err := config.Parse("README.md", []byte(text), env)
	if !found || err != nil || len(file.Projects) != 2 {
		t.Fatalf("%d projects, %v\n%s", len(file.Projects), err, text)
	}
	for _, tt := range []struct {
		project   int
		servers   []string
		approvals int
	}{{0, []string{"db-1"}, 1}, {0, []string{"web-1"}, 1}, {0, []string{"db-1", "web-1"}, 2}, {1, []string{"sandbox-1"}, 0}, {1, []string{"web-1"}, 1}} {
		s := approvals.Subject{Action: approvals.Stop, Mode: approvals.Soft}
		for _, name := range tt.servers {
			s.Servers = append(s.Servers, approvals.Server{ID: name, Name: name})
		}
		d := file.Projects[tt.project].Policy.Demand(s, time.Now())
		if d.Approvals() != tt.approvals || d.Automatic != (tt.approvals == 0) {
			t.Errorf("%v of project %d: %d approvals, automatic %t", tt.servers, tt.project, d.Approvals(), d.Automatic)
		}
	}
}

// What strikes in the cloud of one project leaves what is planned for another.
func TestBreaksOfOneProjectAreItsOwn(t *testing.T) {
	t.Parallel()
	g := started(t)
	armed := func() []planned { return g.state()["armed"].([]planned) }
	for _, in := range []string{"", "staging"} {
		for _, what := range []string{"cloud_502", "fail_server", "start_by_hand"} {
			if _, err := g.breakIt(what, in); err == nil {
				t.Errorf("%s breaks in project %q", what, in)
			}
		}
	}
	if _, err := g.breakIt("cloud_502", "dev"); err != nil || !slices.Equal(armed(), []planned{{"cloud_502", "dev"}}) {
		t.Errorf("%v, %v", armed(), err)
	}
	g.struck("cloud status", "prod")
	if len(armed()) != 1 {
		t.Error("a fault in prod took away the plan for dev")
	}
	g.struck("cloud status", "dev")
	if len(armed()) != 0 {
		t.Error("the plan for dev has struck and is still there")
	}
	if _, err := g.breakIt("fail_server", "dev"); err != nil {
		t.Error(err)
	}
	fails := func(s ecssim.Server) bool { return s.Fails != "" }
	if prod, dev := slices.ContainsFunc(g.Cloud.Servers(), fails), slices.ContainsFunc(g.projects[1].Cloud.Servers(), fails); prod || !dev {
		t.Errorf("a server fails in prod: %t, in dev: %t", prod, dev)
	}
}

// tries types a command of the hint after the tour, and sends it.
func (p *tab) tries(command string) {
	p.t.Helper()
	p.clicks(".tour .try", command)
	p.sees(`.composer button[aria-label="Send"]:enabled`, "")
	p.clicks(`.composer button[aria-label="Send"]`, "")
}

// cloud waits until the fleet of a project is shown.
func (p *tab) cloud(project string) {
	p.t.Helper()
	p.sees(`.fleet .clouds [aria-pressed="true"]`, project)
}

// most waits until the chart shows the most servers in a minute.
func (p *tab) most(n int) {
	p.t.Helper()
	p.waits(pagePatience, fmt.Sprintf("%d servers in a minute", n), fmt.Sprintf(`document.querySelector('section[aria-label="Last 60 seconds"]').dataset.most === "%d"`, n))
}

// What the page offers after the tour: a rule that asks two groups, one that denies,
// and one that asks nobody, in a project with a cloud of its own.
func TestPageRules(t *testing.T) {
	t.Parallel()
	p := openWithAxe(t, 1280, 800)
	p.clicks(".tour li button", "After the tour")
	p.cloud("prod")

	p.tries("/ecs-stop db-1")
	p.sees("article", "1 of @dba")
	p.sees("article", "1 of @sre")
	p.sees(".requests", "0 of 2 approvals")
	p.sees(".requests", "rules databases, reliability")
	p.becomes("Noah Approver")
	p.approves("Stop 1 server?", "Stop 1")
	p.sees(".requests", "1 of 2 approvals")
	if n := p.stops("db-1"); n != 0 {
		t.Errorf("db-1 was stopped %d times with one group's approval", n)
	}
	p.becomes("Olga Approver")
	p.approves("Stop 1 server?", "Stop 1")
	p.request(pagePatience, "succeeded")
	if n := p.stops("db-1"); n != 1 {
		t.Errorf("db-1 was stopped %d times", n)
	}

	p.tries("/ecs-stop pay-1")
	p.sees(`button[aria-label^="You are "]`, "Mia Requester")
	p.sees("article[data-private]", "Payroll runs until")
	p.faultless("a denied request", ".page")

	p.tries("/ecs-stop dev-*")
	p.cloud("dev")
	p.sees(`section[aria-label="#dev"] article`, "48 servers")
	p.sees(`section[aria-label="#dev"] article`, "automatically by rule sandbox")
	p.sees(`.requests [data-state="succeeded"]`, "dev")
	p.tile("dev-48", "off")
	p.tile("build-1", "running")
	p.most(48)
	if n := p.stops("pay-1"); n != 0 {
		t.Errorf("pay-1 was stopped %d times", n)
	}
	if n := len(p.g.record.last()["requests"].([]shownRequest)); n != 2 {
		t.Errorf("%d requests, want those for db-1 and dev-*", n)
	}

	p.clicks(".breaks button", "Fail the next job")
	p.sees(".breaks button .armed", "will strike next")
	p.faultless("the cloud of the project dev")
	p.clicks(".breaks .clouds button", "prod")
	p.cloud("prod")
	p.absent(".breaks button .armed", "")
	p.most(1)
	p.tile("db-1", "off")
	p.rings("the room with another cloud")

	p.run("a phone", chromedp.EmulateViewport(390, 844))
	p.clicks(".sides button", "Cloud")
	p.clicks(".fleet .clouds button", "dev")
	p.tile("dev-1", "off")
	if wide := evaluated[float64](p, "document.documentElement.scrollWidth"); wide > 390 {
		t.Errorf("the page is %v px wide on a phone", wide)
	}
	p.faultless("a phone, the cloud of the project dev")
	p.tries("/ecs-stop dev-*") // leads back to the conversation
	p.sees("article[data-private]", "already stopped")
}
