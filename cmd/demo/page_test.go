package main

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/slacksim"

	"github.com/chromedp/chromedp/kb"
)

// composer is where people type in a channel.
const composer = `textarea[aria-label="Message #ops"]`

// says types a line into the composer of #ops and sends it.
func (p *tab) says(text string) {
	p.t.Helper()
	p.clicks(composer, "")
	p.types(text, kb.Enter)
}

// becomes takes another person's seat.
func (p *tab) becomes(name string) {
	p.t.Helper()
	p.clicks(`button[aria-label^="You are "]`, "")
	p.clicks(`[role=menuitemradio]`, name)
	p.sees(`button[aria-label^="You are "]`, name)
}

// approves presses Approve on the newest card, reads the dialog, and confirms.
func (p *tab) approves(dialog, yes string) {
	p.t.Helper()
	p.clicks("article button", "Approve")
	p.sees("[role=alertdialog]", dialog)
	p.clicks("[role=alertdialog] button", yes)
}

// opensThread opens the newest thread beside the channel.
func (p *tab) opensThread() {
	p.t.Helper()
	p.clicks("article button", "repl")
	p.sees(`aside[aria-label="Thread"]`, "")
}

const inThread = `aside[aria-label="Thread"] article`

// tile waits until a server's tile shows a state.
func (p *tab) tile(name, state string) {
	p.t.Helper()
	p.waits(pagePatience, name+" "+state, fmt.Sprintf(`window.demoTile(%q)?.state === %q`, name, state))
}

// brightness is an expression for the light of a server's tile as it is drawn.
func brightness(name string) string {
	return fmt.Sprintf(`window.demoTile(%q).colour.match(/\d+/g).reduce((sum, x) => sum + +x, 0)`, name)
}

func (p *tab) brightness(name string) float64 {
	p.t.Helper()
	return evaluated[float64](p, brightness(name))
}

// request waits until the newest request shows a state in the machine room.
func (p *tab) request(d time.Duration, state string) {
	p.t.Helper()
	p.waits(d, "request "+state, fmt.Sprintf(`document.querySelector("[data-request]")?.dataset.state === %q`, state))
}

// The page's tour and the README's lead through the same.
func TestTheREADMELeadsWhereThePageDoes(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("page/src/tour.jsx")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	titles := regexp.MustCompile(`(?m)^    title: "(.*)"`).FindAllSubmatch(page, -1)
	commands := regexp.MustCompile(`command: '?"?(/ecs-stop.*?)["']?,\n`).FindAllSubmatch(page, -1)
	if len(titles) != 5 || len(commands) != 4 {
		t.Fatalf("the tour has %d steps and %d commands: %q", len(titles), len(commands), commands)
	}
	for _, m := range titles {
		if !bytes.Contains(readme, []byte("**"+string(m[1])+".**")) {
			t.Errorf("README.md has no step %q", m[1])
		}
	}
	for _, m := range commands {
		if !bytes.Contains(readme, []byte("`"+string(m[1])+"`")) {
			t.Errorf("README.md does not have the command %q", m[1])
		}
	}
}

// The way that the README's tour goes first: ask, approve as somebody else, see
// it done; then the form, and a denial with its reason.
func TestPageAskApproveDeny(t *testing.T) {
	t.Parallel()
	p := open(t, 1440, 900)
	p.sees("header", "Nothing here is real")
	p.tile("web-1", "running")
	lit := p.brightness("web-1")

	p.says(`/ecs-stop web-1 web-2 --reason "night"`)
	p.sees("article[data-private]", "created")
	p.sees("article", "Stop 2 servers")
	p.request(pagePatience, "pending")
	p.becomes("Noah Approver")
	p.absent("article[data-private]", "created")
	p.approves("Stop 2 servers?", "Stop 2")
	p.sees("article", "Stopped 2 servers")
	p.opensThread()
	p.sees(inThread, "2 servers stopped")
	p.tile("web-1", "off")
	p.tile("web-2", "off")
	p.waits(pagePatience, "a dark tile", fmt.Sprintf("%s < %f", brightness("web-1"), lit/2))
	p.request(pagePatience, "succeeded")
	for _, name := range []string{"web-1", "web-2"} {
		if n := p.stops(name); n != 1 {
			t.Errorf("the cloud was asked to stop %s %d times", name, n)
		}
	}

	p.becomes("Mia Requester")
	p.says("/ecs-stop")
	p.sees("[role=dialog]", "Stop servers")
	p.finds("web-3")
	p.clicks(`[role=dialog] [data-block=why]`, "")
	p.types("try the form", "")
	p.clicks("[role=dialog] button", "Review")
	p.sees("[role=dialog]", "Review request")
	p.clicks("[role=dialog] button", "Send request")
	p.absent("[role=dialog]", "")
	p.sees("article", "try the form")
	p.sees("article", "web-3")
	p.becomes("Olga Approver")
	p.clicks("article button", "Deny")
	p.sees("[role=dialog]", "Deny request")
	p.clicks("[role=dialog] [data-block]", "")
	p.types("not <now> & here", "")
	p.clicks("[role=dialog] button", "Deny")
	p.sees("article", "Denied: stop 1 server")
	p.sees("article", "not <now> & here")
	p.request(pagePatience, "denied")
	if n := p.stops("web-3"); n != 0 {
		t.Errorf("a denied request was sent %d times", n)
	}
}

// finds searches for a server in the form and chooses it. While the bot still
// reads the fleet nothing is found, and a person types again.
func (p *tab) finds(name string) {
	p.t.Helper()
	p.clicks(`[role=dialog] input[role=combobox]`, "")
	for deadline := time.Now().Add(pagePatience); ; {
		p.types(name, "")
		p.waits(pagePatience, "an answer", `/No results|`+name+` /.test(document.querySelector("[role=dialog] .options:not([hidden])").innerText)`)
		if evaluated[bool](p, "Boolean("+found(`[role=dialog] [role=option]`, name+" ")+")") || time.Now().After(deadline) {
			break
		}
		p.types("", strings.Repeat(kb.Backspace, len(name)))
	}
	p.clicks(`[role=dialog] [role=option]`, name+" ")
}

// absent waits until no element holds the words.
func (p *tab) absent(selector, words string) {
	p.t.Helper()
	p.waits(pagePatience, fmt.Sprintf("%s without %q", selector, words), "!("+found(selector, words)+")")
}

// stops is how often the cloud was asked to stop the server.
func (p *tab) stops(name string) int {
	for _, s := range p.g.Cloud.Servers() {
		if s.Name == name {
			return p.g.Cloud.StopCount(s.ID)
		}
	}
	p.t.Fatalf("no server %s", name)
	return 0
}

// The bot is killed while servers go off, and its next process tells the end.
func TestPageKillTheBotInTheMiddle(t *testing.T) {
	t.Parallel()
	p := open(t, 1440, 900)
	p.says(`/ecs-stop api-* --reason "spare"`)
	p.sees("article", "Requested by")
	p.becomes("Noah Approver")
	p.speed(1) // so slow that there is a middle
	p.approves("Stop ", "Stop ")
	p.waits(pagePatience, "servers that go off", `document.querySelector("[data-stopping]").dataset.stopping > 0`)
	p.clicks("button", "Kill bot A")
	p.sees(`section[aria-label="Machines"]`, "killed")
	p.waits(pagePatience, "sockets gone", `document.querySelector('section[aria-label="Machines"]').innerText.includes("0 sockets")`)
	list := p.g.record.last()["requests"].([]shownRequest)
	if list[0].State != approvals.Executing {
		t.Errorf("killed when the request was %s", list[0].State)
	}
	p.speed(60)
	p.clicks("button", "Start bot A")
	// A call whose intent was written when the bot died may have been sent, or not:
	// the quarantine must be over before it is repeated.
	p.request(100*time.Second, "succeeded")
	p.opensThread()
	end := fmt.Sprintf("%d of %[1]d servers", list[0].Total)
	p.sees(inThread, end)
	told := 0
	for _, root := range p.g.Slack.Messages(ops) {
		for _, m := range p.g.Slack.Thread(ops, root.TS) {
			if strings.Contains(slacksim.PlainText(m), end) {
				told++
			}
		}
	}
	if told != 1 {
		t.Errorf("the outcome was posted %d times", told)
	}
	for _, s := range p.g.Cloud.Servers() {
		if n := p.g.Cloud.StopCount(s.ID); n > 1 {
			t.Errorf("the cloud was asked to stop %s %d times", s.Name, n)
		}
	}
}

func (p *tab) speed(x float64) {
	p.t.Helper()
	if err := p.g.setSpeed(x); err != nil {
		p.t.Fatal(err)
	}
}

// 1,500 servers take more than a minute, and the chart shows why.
func TestPageLargeRequestRespectsTheLine(t *testing.T) {
	t.Parallel()
	p := open(t, 1440, 900)
	p.clicks("button", "Start bot B")
	p.says(`/ecs-stop batch-* --reason "weekend"`)
	p.sees("article", "Stop 1,500 servers")
	p.becomes("Olga Approver")
	p.approves("Stop 1,500 servers?", "Stop 1,500")
	chart := `document.querySelector('section[aria-label="Last 60 seconds"] [data-most], section[aria-label="Last 60 seconds"][data-most]').dataset`
	p.waits(pagePatience, "a full window", chart+".now >= 900") // a small request could still go
	p.sees("article", "waits for Huawei Cloud's limit")
	p.request(100*time.Second, "succeeded")
	most := p.g.Cloud.MaxInWindow(time.Minute)
	if most > 1000 {
		t.Errorf("the cloud took %d in 60 s", most)
	}
	if shown := evaluated[int](p, "+"+chart+".most"); shown != most {
		t.Errorf("the chart shows %d in 60 s, the cloud took %d", shown, most)
	}
	p.sees("article", "Stopped 1,500 servers")
	p.tile("batch-1", "off")
	p.tile("batch-1500", "off")
}

// A browser has six lines to one server: a tab that nobody sees gives its line back,
// and knows everything again when it is seen.
func TestPageInAHiddenTabHoldsNoLine(t *testing.T) {
	t.Parallel()
	p := open(t, 1440, 900)
	lines := func() int {
		p.g.live.mu.Lock()
		defer p.g.live.mu.Unlock()
		return len(p.g.live.viewers)
	}
	hide := func(hidden bool, want int) {
		t.Helper()
		evaluated[bool](p, fmt.Sprintf(`Object.defineProperty(document, "hidden", {value: %t, configurable: true}), document.dispatchEvent(new Event("visibilitychange"))`, hidden))
		for end := time.Now().Add(pagePatience); lines() != want; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("hidden %t: %d lines, want %d", hidden, lines(), want)
			}
		}
	}
	hide(true, 0)
	hide(true, 0)
	hide(false, 1)
	hide(true, 0)
	hide(false, 1)
	p.says("/ecs-stop web-1")
	p.sees("article", "Stop 1 server")
}
