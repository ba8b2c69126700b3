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
var pictures = flag.String("pictures", "", "write the README's pictures to this `folder`")

// The pictures of the README: made by every run, so that they can be made again
// by `make pictures` whenever the page has changed.
func TestPagePictures(t *testing.T) {
	t.Parallel()
	p := open(t, 1280, 760)
	save := func(name string) {
		t.Helper()
		p.keep(name, p.picture())
	}
	var f film
	take := func(shown time.Duration) {
		t.Helper()
		if err := f.add(p.picture(), shown); err != nil {
			t.Fatal(err)
		}
	}
	p.clicks(`button[aria-label="Close the tour"]`, "")
	p.run("before", chromedp.Sleep(500*time.Millisecond))
	take(1200 * time.Millisecond)
	ask := `/ecs-stop web-1* --reason "night"`
	p.clicks(composer, "")
	for from := 0; from < len(ask); from += 6 {
		p.types(ask[from:min(from+6, len(ask))], "")
		take(120 * time.Millisecond)
	}
	take(600 * time.Millisecond)
	p.types("", kb.Enter)
	p.sees("article", "asks to stop")
	take(1800 * time.Millisecond)
	p.becomes("Noah Approver")
	take(1200 * time.Millisecond)
	p.clicks("article button", "Approve")
	p.sees("[role=alertdialog]", "Stop ")
	take(1600 * time.Millisecond)
	p.clicks("[role=alertdialog] button", "Stop ")
	p.sees("article", "repl")
	p.opensThread()
	for range 60 {
		take(150 * time.Millisecond)
		if evaluated[bool](p, "Boolean("+found(inThread, "stopped. It took")+")") {
			break
		}
		p.run("look on", chromedp.Sleep(150*time.Millisecond))
	}
	p.sees(inThread, "stopped. It took")
	p.run("after", chromedp.Sleep(600*time.Millisecond))
	take(4 * time.Second)
	save("demo-light.png")
	p.run("dark", p.dark(true), chromedp.Sleep(600*time.Millisecond))
	save("demo-dark.png")
	p.run("phone", p.dark(false), chromedp.EmulateViewport(390, 844, chromedp.EmulateScale(2)), chromedp.Sleep(600*time.Millisecond))
	save("demo-phone.png")
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

func (p *tab) keep(name string, picture []byte) {
	p.t.Helper()
	if *pictures == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(*pictures, name), picture, 0o644); err != nil {
		p.t.Fatal(err)
	}
}
