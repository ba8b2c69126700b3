package main

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// axe looks for what keeps people from using a page; testdata/axe.LICENSE.txt says
// where it is from.
//
//go:embed testdata/axe.min.js
var axe string

// looksWithAxe is what axe finds, as text. Rules that it holds for best practice or for
// experimental count, too. What fades in has come first.
const looksWithAxe = `(async (within, rules) => {
	for (const a of document.getAnimations()) if (a.effect.getComputedTiming().endTime < Infinity) a.finish();
	const { violations } = await axe.run(within, { resultTypes: ["violations"], ...(rules ? { runOnly: rules } : { rules: { "label-content-name-mismatch": { enabled: true }, "focus-order-semantics": { enabled: true } } }) });
	const told = (n) => "\n    " + n.target.join(" ") + "\n      " + n.html.slice(0, 200) + "\n      " + [...n.any, ...n.all, ...n.none].map((c) => c.message).join("; ");
	return violations.map((v) => v.id + ": " + v.help + v.nodes.map(told).join("")).join("\n");
})`

// looksAtText finds text that is smaller than 12 px.
const looksAtText = `(() => {
	const small = new Set();
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (walk.nextNode()) {
		const e = walk.currentNode.parentElement;
		if (walk.currentNode.data.trim() && e.checkVisibility() && parseFloat(getComputedStyle(e).fontSize) < 12) small.add(getComputedStyle(e).fontSize + " " + walk.currentNode.data.trim().slice(0, 30) + " in " + e.closest("[class]").className);
	}
	return [...small].join("\n");
})()`

// looksForRings finds what does not show that it has the keyboard's focus: neither an
// outline, nor another look of itself or of the field around it.
const looksForRings = `(() => {
	const was = document.activeElement;
	const looks = (e) => [e, e.closest(".composer, .field")].map((x) => x && (({ outlineStyle, outlineWidth, boxShadow, backgroundColor }) => [outlineStyle === "none" ? "" : outlineStyle + outlineWidth, boxShadow, backgroundColor].join())(getComputedStyle(x))).join();
	const unseen = [];
	for (const e of document.querySelectorAll("a[href], button, input, textarea, select, summary, canvas[tabindex], [tabindex='0']")) {
		if (e.disabled || !e.checkVisibility() || e.closest("[inert]") || e.closest("[role=menu]")) continue;
		was?.blur();
		document.activeElement?.blur();
		const before = looks(e);
		e.focus({ focusVisible: true, preventScroll: true });
		if (document.activeElement === e && looks(e) === before) unseen.push(e.outerHTML.slice(0, 120));
	}
	document.activeElement?.blur();
	was?.focus({ preventScroll: true });
	return unseen.join("\n");
})()`

// faultless looks at a part of the page as it is, by default at all of it: with axe in
// light and in dark, and for small text.
func (p *tab) faultless(state string, part ...string) {
	p.t.Helper()
	within := "document"
	if len(part) > 0 {
		within = fmt.Sprintf("%q", part[0])
	}
	for _, look := range []struct {
		colours string
		rules   string
	}{{"dark", `["color-contrast", "link-in-text-block"]`}, {"light", "null"}} {
		p.run(look.colours, p.dark(look.colours == "dark"))
		p.waits(pagePatience, look.colours, fmt.Sprintf("document.documentElement.dataset.theme === %q", look.colours))
		if found := p.promised(looksWithAxe + "(" + within + ", " + look.rules + ")"); found != "" {
			p.t.Errorf("%s, %s:\n%s", state, look.colours, found)
		}
	}
	if over := evaluated[float64](p, "Math.max(document.documentElement.scrollHeight - innerHeight, document.documentElement.scrollWidth - innerWidth)"); over > 0 {
		p.t.Errorf("%s: the page is %v px larger than the window", state, over)
	}
	if small := evaluated[string](p, looksAtText); small != "" {
		p.t.Errorf("%s: text smaller than 12 px:\n%s", state, small)
	}
}

// promised is the text that a promise of JavaScript gives.
func (p *tab) promised(expression string) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, pagePatience)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return text
}

// openWithAxe opens a page in which axe can be asked.
func openWithAxe(t *testing.T, width, height int64) *tab {
	t.Helper()
	p := open(t, width, height)
	evaluated[bool](p, axe+"\n;true")
	return p
}

// Everything of the Slack look-alike, as axe sees it.
func TestPageIsAccessible(t *testing.T) {
	t.Parallel()
	p := openWithAxe(t, 1280, 800)
	p.faultless("the first look")
	p.clicks(composer, "")
	p.types("/ecs", "")
	p.sees("[role=listbox] [role=option]", "/ecs-stop")
	p.faultless("suggestions", ".slack")
	p.types("", strings.Repeat(kb.Backspace, 4))
	for _, s := range p.g.Cloud.Servers() {
		if s.Name == "web-2" {
			p.g.Cloud.FailServer(s.ID, "Ecs.0810", "The server did not stop in time.")
		}
	}
	p.says("/ecs-stop wbe-1")
	p.sees("article[data-private]", "wbe-1")
	p.says(`/ecs-stop web-1 web-2 --reason "see <https://example.com|the plan>, @noah, #ops"`)
	p.sees("article", "Stop 2 servers")
	p.faultless("a card and a private answer", ".slack")
	p.rings("the channel")
	p.clicks(`button[aria-label^="You are "]`, "")
	p.sees("[role=menuitemradio]", "Noah")
	p.faultless("the menu of people", ".slack")
	p.clicks("[role=menuitemradio]", "Noah Approver")
	p.sees(`button[aria-label^="You are "]`, "Noah Approver")
	p.clicks("article button", "Approve")
	p.sees("[role=alertdialog]", "Stop 2")
	p.faultless("the confirm dialog", ".slack")
	p.rings("the confirm dialog")
	p.clicks("[role=alertdialog] button", "Stop 2")
	p.request(pagePatience, "partially_failed")
	p.opensThread()
	p.sees(inThread, "Ecs.0810")
	p.faultless("a thread with an outcome")
	p.rings("a thread")

	p.clicks(".sidebar button", "ecs-stop")
	p.sees(".home article, .home .sheet button", "")
	p.faultless("Home", ".slack")
	p.rings("Home")
	p.clicks(".home [role=tab]", "Messages")
	p.faultless("Home, messages", ".slack")
	p.clicks(".sidebar button", "ops")
	p.becomes("Mia Requester")
	p.says(`/ecs-stop cache-1* cache-9* --reason "night"`)
	p.sees("article", "Stop 75 servers")
	p.becomes("Noah Approver")
	p.clicks("article button", "Deny")
	p.sees("[role=dialog]", "Deny request")
	p.faultless("Deny", ".slack")
	p.clicks("[role=dialog] button", "Back")
	p.absent("[role=dialog]", "")

	p.becomes("Mia Requester")
	p.clicks(`.composer button[aria-label="Shortcuts"]`, "")
	p.sees("[role=menuitem]", "Stop servers")
	p.faultless("the menu of shortcuts", ".slack")
	p.clicks("[role=menuitem]", "Stop servers")
	p.sees("[role=dialog]", "Stop servers")
	p.faultless("the form", ".slack")
	p.rings("the form")
	p.clicks("[role=dialog] button", "Review")
	p.sees("[role=dialog] [role=alert]", "")
	p.clicks(`[role=dialog] [data-block-id=project] input`, "") // the shortcut knows no channel
	p.clicks("[role=dialog] [role=option]", "prod")
	p.sees(`[role=dialog] [data-block-id="pick:prod"]`, "")
	p.finds("web-3")
	p.faultless("the form with mistakes and a search", ".slack")
	p.clicks("[role=dialog] .choices label", "Power off")
	p.clicks(`[role=dialog] [data-block=names]`, "")
	p.types("api-*", "")
	p.clicks(`[role=dialog] [data-block=why]`, "")
	p.types("look", "")
	p.clicks("[role=dialog] button", "Review")
	p.sees("[role=dialog]", "Review request")
	p.faultless("the preview", ".slack")
	p.clicks("[role=dialog] button", "Send request")
	p.absent("[role=dialog]", "")
	p.sees("article", "power off")
	p.clicks("article button", "Show servers")
	p.sees("[role=dialog]", "api-")
	p.faultless("the list of servers", ".slack")
}

// The cloud and the machine room, and all on a phone, as axe sees it.
func TestPageIsAccessibleInTheRoomAndOnAPhone(t *testing.T) {
	t.Parallel()
	p := openWithAxe(t, 1440, 1000)
	p.says(`/ecs-stop web-1 web-2 --reason "night"`)
	p.sees("article", "Stop 2 servers")
	p.becomes("Noah Approver")
	p.approves("Stop 2", "Stop 2")
	p.request(pagePatience, "succeeded")
	p.speed(1)
	p.becomes("Mia Requester")
	p.says(`/ecs-stop batch-* --reason "weekend"`)
	p.sees("article", "Stop 1,500 servers")
	p.becomes("Noah Approver")
	p.approves("Stop 1,500", "Stop 1,500")
	p.clicks(".requests summary", "batch")
	p.sees("article .plan", "")
	p.clicks(".breaks button", "Make one server fail")
	p.clicks(".breaks button", "Drop the call")
	p.sees(".toast", "cut off")
	p.sees(".breaks .armed", "will strike next")
	p.faultless("the room, with a fault planned")
	p.rings("the room")
	for _, hint := range []string{"is carried out, and its reply is lost", "asks to wait", "What has not struck yet will not."} {
		p.sees(".breaks small", hint) // not only under a mouse
	}
	p.waits(pagePatience, "the newest call on top", `(([first, ...rest]) => rest.length > 1 && rest.every((t) => t <= first))([...document.querySelectorAll(".calls .row time")].map((t) => t.innerText))`)
	p.opens(".calls [role=tab]", "logs", ".calls .line") // toasts may lie over it
	p.clicks(".machines button", "Kill bot A")
	p.sees(".machines", "killed")
	p.faultless("the room with a dead bot and its log")
	if at := evaluated[string](p, `document.querySelectorAll(".machines .lamp.idle").length + " " + getComputedStyle(document.querySelector(".machines .lamp.idle")).boxShadow.includes(getComputedStyle(document.querySelector(".machines .says")).color)`); at != "1 true" {
		t.Errorf("a bot that was never started: %s, want one grey ring", at)
	}
	p.clicks(".fleet input", "")
	p.types("web-3", kb.Enter)
	p.sees(".fleet [role=dialog] button", "Stop by hand")
	p.absent(".fleet [role=dialog] button", "Start by hand")
	p.faultless("a server's box")
	p.types("", kb.Escape)
	p.clicks(".fleet input", "")
	evaluated[bool](p, `document.querySelector(".fleet input").select(), true`)
	p.types("web-1", kb.Enter)
	p.sees(".fleet [role=dialog] button", "Start by hand")
	p.absent(".fleet [role=dialog] button", "Stop by hand")
	p.types("", kb.Escape)

	p.run("a phone", chromedp.EmulateViewport(390, 844))
	p.sees("article", "Stopped 2 servers")
	p.faultless("a phone, the channel")
	p.clicks(".drawer", "")
	p.sees(".sidebar button", "ops")
	p.faultless("a phone, the drawer")
	p.clicks(".drawer", "")
	p.opensThread()
	p.faultless("a phone, a thread")
	p.clicks(".sides button", "Cloud")
	p.sees(".breaks button", "Disarm all")
	p.faultless("a phone, the room")
}

// rings looks whether everything that the keyboard reaches shows its focus.
func (p *tab) rings(state string) {
	p.t.Helper()
	if unseen := evaluated[string](p, looksForRings); unseen != "" {
		p.t.Errorf("%s: no focus is seen on\n%s", state, unseen)
	}
}

// The keyboard's first stops lead past everything else.
func TestPageSkipLinks(t *testing.T) {
	t.Parallel()
	p := open(t, 390, 844)
	focused := func(what, selector string) {
		t.Helper()
		p.waits(pagePatience, what, fmt.Sprintf("document.activeElement.matches(%q)", selector))
	}
	p.types("", kb.Tab)
	focused("the first link", ".skips a")
	if w := evaluated[float64](p, "document.activeElement.getBoundingClientRect().width"); w < 50 {
		t.Errorf("the link with the focus is %v px wide", w)
	}
	p.types("", kb.Tab)
	p.types("", kb.Enter)
	focused("the message field", composer)
	evaluated[bool](p, `document.querySelector(".skips a:last-child").focus(), true`)
	p.types("", kb.Enter)
	focused("the cloud, which was hidden", ".room")
}

// Who asks their system for less motion sees none: nothing turns, pulses or slides.
func TestPageKeepsStill(t *testing.T) {
	t.Parallel()
	p := open(t, 1440, 900)
	p.run("reduced motion", command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}},
	}))
	p.speed(1)
	p.says(`/ecs-stop api-* --reason "spare"`)
	p.becomes("Noah Approver")
	p.approves("Stop ", "Stop ")
	p.clicks("button", "Start bot B") // its lamp breathes while it starts
	p.waits(pagePatience, "servers that go off", `document.querySelector("[data-stopping]").dataset.stopping > 0`)
	p.sees("article .plan [data-status=in_progress]", "")
	moving := evaluated[string](p, `document.getAnimations().filter((a) => a.playState === "running" && a.effect.getTiming().easing !== "step-end" && !a.effect.getKeyframes().every((k) => k.easing === "step-end")).map((a) => (a.animationName ?? a.transitionProperty) + " of " + a.effect.target.className).join(", ")`)
	if moving != "" {
		t.Errorf("what moves: %s", moving)
	}
	seen := p.promised(`(async () => {
		const name = Array.from({length: 400}, (_, i) => "api-" + i).find((n) => window.demoTile(n)?.state === "stopping");
		const colours = new Set();
		for (let i = 0; name && i < 10; i++) {
			const t = window.demoTile(name);
			if (t.state === "stopping") colours.add(t.colour);
			await new Promise(requestAnimationFrame);
		}
		return [...colours].join();
	})()`)
	if seen == "" || strings.Contains(seen, ",") && len(strings.Split(seen, "rgb")) > 2 {
		t.Errorf("a tile that stops is drawn in %q, want one colour", seen)
	}
}
