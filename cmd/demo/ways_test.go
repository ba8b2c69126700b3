package main

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
)

// inView waits until the last element with the words stands within the window, with
// nothing over it: nobody has to look for it.
func (p *tab) inView(selector, words string) {
	p.t.Helper()
	p.waits(pagePatience, fmt.Sprintf("%s with %q within the window", selector, words), `(e => {
		if (!e) return false;
		const r = e.getBoundingClientRect();
		if (r.top < 0 || r.left < 0 || r.bottom > innerHeight || r.right > innerWidth) return false;
		const top = document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2);
		return top && (e.contains(top) || top.contains(e));
	})(`+found(selector, words)+`)`)
}

// The whole tour, on a laptop and on a phone: what a step needs is in view when it is
// needed, and the bar never changes its height.
func TestPageTour(t *testing.T) {
	t.Parallel()
	for _, screen := range []struct {
		name          string
		width, height int64
	}{{"laptop", 1280, 800}, {"phone", 390, 844}} {
		t.Run(screen.name, func(t *testing.T) {
			t.Parallel()
			p := open(t, screen.width, screen.height)
			high := 0.0
			phase := func(step int, name string) {
				t.Helper()
				p.waits(pagePatience, fmt.Sprintf("step %d, %s", step, name), fmt.Sprintf(`document.querySelector(".tour")?.dataset.step === "%d" && document.querySelector(".tour").dataset.phase === %q`, step, name))
				now := evaluated[float64](p, `document.querySelector(".tour").getBoundingClientRect().height`)
				if high != 0 && now != high {
					t.Errorf("step %d, %s: the tour is %v px high, it was %v", step, name, now, high)
				}
				high = now
			}
			offers := func(words string) {
				t.Helper()
				p.inView(".tour .put", words)
				p.clicks(".tour .put", words)
			}
			asks := func(step int) {
				t.Helper()
				phase(step, "ask")
				offers("Type it for me")
				p.waits(pagePatience, "typed", `document.querySelector('`+composer+`').value.startsWith("/ecs-stop")`)
				p.inView(`.composer button[aria-label="Send"]`, "")
				p.clicks(`.composer button[aria-label="Send"]`, "")
			}
			approves := func() {
				t.Helper()
				p.inView("article button", "Approve")
				p.clicks("article button", "Approve")
				p.inView("[role=alertdialog] button", "Stop ")
				p.clicks("[role=alertdialog] button", "Stop ")
			}

			asks(1)
			phase(2, "decide")
			offers("Become Noah")
			approves()

			asks(3)
			phase(3, "form")
			p.finds("web-3")
			p.clicks(`[role=dialog] [data-block=why]`, "")
			p.types("try the form", "")
			p.inView("[role=dialog] button", "Review")
			p.clicks("[role=dialog] button", "Review")
			p.clicks("[role=dialog] button", "Send request")
			phase(3, "decide")
			offers("Become Noah")
			p.inView("article button", "Deny")
			p.clicks("article button", "Deny")
			p.clicks("[role=dialog] [data-block]", "")
			p.types("no", "")
			p.clicks("[role=dialog] button", "Deny")

			asks(4)
			phase(4, "decide")
			offers("Become Noah")
			if screen.name == "laptop" {
				p.inView("button", "Kill bot A") // before it is needed: that will be soon
			}
			p.speed(1) // a test has no quick hands
			approves()
			phase(4, "runs")
			p.inView("button", "Kill bot A")
			p.clicks("button", "Kill bot A")
			phase(4, "start")
			p.inView("button", "Start bot A")
			p.clicks("button", "Start bot A")
			phase(4, "resumes")
			p.speed(60)

			p.clicks(".tour li button", "Step 5") // other tests wait for the end of step 4
			asks(5)
			phase(5, "decide")
			offers("Become Olga")
			approves()
			phase(5, "runs")
			p.inView(`section[aria-label="Last 60 seconds"]`, "")
			p.clicks(".tour .put", "Show me")
			p.inView(`section[aria-label="Last 60 seconds"]`, "")
		})
	}
}

// A window of 1280 by 800 that is zoomed to 200 %: the conversation and a form can be
// read, and the tour is there for who wants it.
func TestPageAtTwiceTheSize(t *testing.T) {
	t.Parallel()
	p := open(t, 640, 400)
	high := func(selector string, least float64) {
		t.Helper()
		if h := evaluated[float64](p, fmt.Sprintf("document.querySelector(%q).getBoundingClientRect().height", selector)); h < least {
			t.Errorf("%s is %v px high, want %v", selector, h, least)
		}
	}
	if wide := evaluated[float64](p, "document.documentElement.scrollWidth"); wide > 640 {
		t.Errorf("the page is %v px wide", wide)
	}
	high(".messages", 180)
	p.inView(composer, "")
	p.clicks(".tour button", "Tour")
	p.inView(".tour .put", "Type it for me")
	p.clicks(`button[aria-label="Close the tour"]`, "")
	high(".messages", 180)
	p.says(`/ecs-stop web-1 --reason "zoom"`)
	p.opens("article button", "Reply in thread", `aside[aria-label="Thread"]`)
	high(".thread .messages", 180)
	p.clicks(`.thread .back`, "")
	p.says("/ecs-stop")
	p.sees("[role=dialog]", "Stop servers")
	high(".modal .content", 150)
	p.inView("[role=dialog] button", "Review")
}

// opens presses something that is seen only with the mouse or the focus on it.
func (p *tab) opens(selector, words, then string) {
	p.t.Helper()
	p.sees(selector, words)
	evaluated[bool](p, found(selector, words)+".click(), true")
	p.sees(then, "")
}

// Back and Forward lead through what somebody looked at, and never out of the page.
func TestPageBack(t *testing.T) {
	t.Parallel()
	p := open(t, 390, 844)
	p.says(`/ecs-stop web-1 --reason "back"`)
	p.opens("article button", "Reply in thread", `aside[aria-label="Thread"]`)
	p.clicks(".drawer", "")
	p.clicks(".sidebar button", "ecs-stop")
	p.sees(".home", "")
	p.clicks(".sides button", "Cloud")
	p.sees(".room .fleet", "")
	back := func(n int) {
		t.Helper()
		evaluated[bool](p, fmt.Sprintf("history.go(%d), true", n))
	}
	back(-1)
	p.sees(".home", "")
	back(-1)
	p.sees(`aside[aria-label="Thread"]`, "")
	back(-1)
	p.sees(composer, "")
	p.absent(`aside[aria-label="Thread"]`, "")
	back(2)
	p.sees(".home", "")
	back(-2)
	p.sees(composer, "")
	p.clicks(".drawer", "")
	p.clicks(".sidebar button", "ops") // is where one is: no entry of its own
	p.opens("article button", "Reply in thread", `aside[aria-label="Thread"]`)
	back(-1)
	p.absent(`aside[aria-label="Thread"]`, "")
	p.sees(composer, "")
}

// What is chosen in one tab holds in the others.
func TestPageColoursOfAllTabs(t *testing.T) {
	t.Parallel()
	p := open(t, 900, 700)
	ctx, closeTab := chromedp.NewContext(p.ctx)
	defer closeTab()
	other := &tab{t, p.g, ctx}
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	other.run("open", other.dark(false), chromedp.Navigate(evaluated[string](p, "location.href")))
	other.sees(composer, "")
	p.clicks("button.theme", "")
	for _, each := range []*tab{p, other} {
		each.waits(pagePatience, "dark", `document.documentElement.dataset.theme === "dark"`)
	}
	// A tile that is off is hollow; what is left of it must stand out from the panel.
	contrast := evaluated[float64](p, `(() => {
		const light = (rgb) => rgb.match(/\d+/g).slice(0, 3).map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
		const off = Array.from({ length: 475 }, (_, i) => window.demoTile("web-" + i)).find((t) => t?.state === "off");
		return (light(off.colour) + 0.05) / (light(getComputedStyle(document.querySelector(".fleet")).backgroundColor) + 0.05);
	})()`)
	if contrast < 5 {
		t.Errorf("tiles that are off stand out %.1f to 1 in the dark, want 5", contrast)
	}
}
