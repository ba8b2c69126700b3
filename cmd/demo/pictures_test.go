package main

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// pictures is where the pictures of the README go; without it they are made and
// thrown away.
var pictures = flag.String("pictures", "", "write the pictures of README and docs to this `folder`")

// The pictures of the README: every run makes them, so that `make pictures` can
// make them again whenever the page has changed.
func TestPagePictures(t *testing.T) {
	t.Parallel()
	p := open(t, 1600, 900)
	var f film
	take := func(shown time.Duration) {
		t.Helper()
		if err := f.add(p.picture(), shown); err != nil {
			t.Fatal(err)
		}
	}
	settled := chromedp.Sleep(600 * time.Millisecond) // what fades in is there
	p.clicks(`button[aria-label="Close the tour"]`, "")
	p.run("settle", settled)
	take(1200 * time.Millisecond)
	ask := `/ecs-stop cache-9* --reason "night"`
	p.clicks(composer, "")
	for from := 0; from < len(ask); from += 6 {
		p.types(ask[from:min(from+6, len(ask))], "")
		take(120 * time.Millisecond)
	}
	take(600 * time.Millisecond)
	p.types("", kb.Enter)
	p.sees("article", "Requested by")
	take(2 * time.Second)
	p.becomes("Noah Approver")
	take(1500 * time.Millisecond)
	p.clicks("article button", "Approve")
	p.sees("[role=alertdialog]", "Stop ")
	take(1800 * time.Millisecond)
	p.clicks("[role=alertdialog] button", "Stop ")
	p.sees("article", "repl")
	p.opensThread()
	for range 60 { // as it goes, some pictures a second
		take(150 * time.Millisecond)
		if evaluated[bool](p, "Boolean("+found(inThread, "stopped in")+")") {
			break
		}
		p.run("look on", chromedp.Sleep(150*time.Millisecond))
	}
	p.sees(inThread, "stopped in")
	p.run("settle", settled)
	take(5 * time.Second)
	p.keep("demo-light.png", p.picture())
	p.run("dark", p.dark(true), settled)
	p.keep("demo-dark.png", p.picture())

	p.run("light", p.dark(false))
	p.clicks(`button[aria-label="Close thread"]`, "")
	p.becomes("Mia Requester")
	p.says(`/ecs-stop web-1 web-2 --reason "night"`)
	p.sees("article", "Stop 2 servers")
	p.becomes("Noah Approver")
	p.run("phone", chromedp.EmulateViewport(390, 844, chromedp.EmulateScale(2)), settled)
	p.sees("article button", "Approve")
	p.keep("demo-phone.png", p.picture())
	if *pictures != "" {
		out, err := os.Create(filepath.Join(*pictures, "demo.gif"))
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		if err := f.write(out); err != nil {
			t.Fatal(err)
		}
	}
}

// keep writes a picture, if they are wanted.
func (p *tab) keep(name string, picture []byte) {
	p.t.Helper()
	if *pictures == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(*pictures, name), picture, 0o644); err != nil {
		p.t.Fatal(err)
	}
}
