package main

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// The blocks of 2026 as the page draws them: alerts in the form, its preview and Deny,
// lists that fold, a plan while the work goes on, and the table of results, which
// sorts and turns its pages. The pictures of docs/slack.md are made on the way.
func TestPageNewerBlocks(t *testing.T) {
	t.Parallel()
	p := open(t, 2300, 1300)
	settled := chromedp.Sleep(500 * time.Millisecond) // what fades in is there
	p.clicks(`button[aria-label="Close the tour"]`, "")

	for _, s := range p.g.Cloud.Servers() {
		if s.Name == "cache-91" || s.Name == "cache-95" {
			p.g.Cloud.FailServer(s.ID, "Ecs.0810", "The server did not stop in time.")
		}
	}
	p.says(`/ecs-stop cache-1* cache-9* --reason "night"`)
	p.sees("article button", "Approve")
	p.becomes("Noah Approver")
	p.approves("Stop ", "Stop ")
	p.request(100*time.Second, "partially_failed")
	p.opensThread()
	p.sees(inThread+" .data-table", "Ecs.0810")
	p.run("settle", settled)
	p.keep("slack-outcome.png", p.part(inThread+":has(.data-table)"))
	table := fmt.Sprintf("document.querySelector(%q)", inThread+" .data-table")
	first := table + `.querySelector("tbody th").innerText`
	p.clicks(inThread+" .data-table thead button", "Server")
	up := evaluated[string](p, first)
	p.clicks(inThread+" .data-table thead button", "Server")
	p.waits(pagePatience, "the other end first", fmt.Sprintf("%s !== %q", first, up))
	before := evaluated[string](p, first)
	p.clicks(inThread+" .pages button", "Next rows")
	p.waits(pagePatience, "other rows", fmt.Sprintf("%s !== %q", first, before))
	p.clicks(`button[aria-label="Close thread"]`, "")

	p.becomes("Mia Requester")
	p.says("/ecs-stop")
	p.sees("[role=dialog]", "Stop servers")
	p.clicks("[role=dialog] .choices label", "Power off")
	p.sees("[role=dialog] .alert[data-level=error]", "Power off:")
	p.clicks("[role=dialog] .choices label", "Graceful shutdown")
	p.waits(pagePatience, "no alert for a graceful shutdown", `!document.querySelector("[role=dialog] .alert")`)
	p.clicks("[role=dialog] .choices label", "Power off")
	p.sees("[role=dialog] .alert[data-level=error]", "Power off:")
	p.clicks(`[role=dialog] [data-block=names]`, "")
	p.types("api-* batch-*", "")
	p.clicks(`[role=dialog] [data-block=why]`, "")
	p.types("power test", "")
	p.run("settle", settled)
	p.keep("slack-form.png", p.part("[role=dialog]"))
	p.clicks("[role=dialog] button", "Review")
	p.sees("[role=dialog]", "Review request")
	p.sees("[role=dialog] .alert[data-level=error]", "Power off:")
	p.clicks("[role=dialog] button", "Send request")
	p.absent("[role=dialog]", "")

	p.sees("article details summary", "servers")
	if evaluated[bool](p, `document.querySelector("article details").open`) {
		t.Error("the list of servers is not folded")
	}
	p.becomes("Noah Approver")
	p.run("settle", settled)
	p.keep("slack-card.png", p.part("article"))
	p.clicks("article details summary", "Skipped")
	p.sees("article details[open]", "already stopped")
	p.clicks("article details summary", "Skipped")
	p.clicks("article button", "Deny")
	p.sees("[role=dialog] .alert[data-level=error]", "Power off:")
	p.run("settle", settled)
	p.keep("slack-deny.png", p.part("[role=dialog]"))
	p.clicks("[role=dialog] button", "Back")
	p.absent("[role=dialog]", "")

	p.speed(4)
	p.approves("Stop ", "Stop ")
	p.sees("article .plan", "waits for Huawei Cloud's limit")
	p.run("settle", settled)
	p.keep("slack-plan.png", p.part("article"))
	if unknown := evaluated[bool](p, `document.querySelector(".unknown") !== null`); unknown {
		t.Errorf("there is a block that the page cannot draw:\n%s", p.text())
	}
}

// part is the last visible element of a selector as PNG.
func (p *tab) part(selector string) []byte {
	p.t.Helper()
	r := evaluated[struct{ X, Y, W, H, Scale float64 }](p, `(e => { e.scrollIntoView({block: "nearest"}); const r = e.getBoundingClientRect(); return {X: r.x, Y: r.y, W: r.width, H: r.height, Scale: devicePixelRatio} })(`+found(selector, "")+`)`)
	whole, err := png.Decode(bytes.NewReader(p.picture()))
	if err != nil {
		p.t.Fatal(err)
	}
	at := func(v float64) int { return int(v * r.Scale) }
	cut := image.Rect(at(r.X), at(r.Y), at(r.X+min(r.W, 730)), at(r.Y+r.H)) // text ends there.Intersect(whole.Bounds())
	if cut.Empty() {
		p.t.Fatalf("%s is not in view", selector)
	}
	var out bytes.Buffer
	if err := png.Encode(&out, whole.(interface {
		SubImage(image.Rectangle) image.Image
	}).SubImage(cut)); err != nil {
		p.t.Fatal(err)
	}
	return out.Bytes()
}
