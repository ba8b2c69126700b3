package main

import (
	"context"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"ecsbot/internal/bot"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// TestMain makes the test program the bot, too: a playground starts itself again
// as one.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == runAsBot {
		os.Exit(bot.Main(nil, os.Stdout, os.Stderr))
	}
	flag.Parse()
	flag.Set("test.parallel", "4") // stories wait most of their time
	code := m.Run()
	closeBrowser()
	os.Exit(code)
}

// The one browser of all tests.
var (
	browser      context.Context
	closeBrowser = func() {}
	openBrowse   = sync.OnceValue(startBrowser)
)

// names of the program, by system and by habit.
var browsers = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"}

func startBrowser() error {
	path := ""
	for _, name := range browsers {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		return fmt.Errorf("no Chromium (%s): install it with `make chromium` or your system's packages", strings.Join(browsers[:4], ", "))
	}
	ctx, endProgram := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.Flag("no-sandbox", os.Geteuid() == 0), chromedp.WSURLReadTimeout(60*time.Second),
		chromedp.DisableGPU, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("hide-scrollbars", true),
		// A mouse: without it the page takes the screen for one that is touched.
		chromedp.Flag("blink-settings", "primaryHoverType=2,availableHoverTypes=2,primaryPointerType=4,availablePointerTypes=4"),
	)...)
	ctx, endFirst := chromedp.NewContext(ctx)
	if err := chromedp.Do(ctx); err != nil {
		endFirst()
		endProgram()
		return fmt.Errorf("start %s: %w", path, err)
	}
	browser, closeBrowser = ctx, func() { endFirst(); endProgram() }
	return nil
}

// tab is somebody's page of a playground.
type tab struct {
	t   *testing.T
	g   *playground
	ctx context.Context
}

// open starts a playground and opens its page. Whatever the page complains of in
// the console fails the test.
func open(t *testing.T, width, height int64) *tab {
	t.Helper()
	if err := openBrowse(); err != nil {
		t.Fatal(err)
	}
	g := started(t)
	srv := httptest.NewUnstartedServer(nil)
	srv.Config.Handler = guarded(srv.Listener.Addr().String(), g.handler(built()))
	srv.Start()
	ctx, closeTab := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
	})
	p := &tab{t, g, ctx}
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	said := chromedp.Console(ctx)
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		for m, err := range said {
			if err != nil {
				return // the tab is closed
			}
			if m.IsException() || m.Type == "error" || m.Type == "warning" {
				t.Errorf("the page complains: %s", m)
			}
		}
	}()
	t.Cleanup(func() {
		closeTab()
		<-heard
	})
	p.run("open", chromedp.EmulateViewport(width, height), p.dark(false), chromedp.Navigate(srv.URL))
	p.sees(composer, "")
	return p
}

// pagePatience bounds each wait in the page; what takes longer says so.
const pagePatience = 30 * time.Second

func (p *tab) run(what string, do ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	p.within(pagePatience, what, do...)
}

func (p *tab) within(d time.Duration, what string, do ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, d)
	defer cancel()
	if err := chromedp.Do(ctx, do...); err != nil {
		p.t.Fatalf("%s: %v\nThe page:\n%s", what, err, p.text())
	}
}

// text is what stands in the page, for the reader of a failure.
func (p *tab) text() string {
	ctx, cancel := context.WithTimeout(p.ctx, 5*time.Second)
	defer cancel()
	text, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`))
	return text
}

// waits waits until an expression of JavaScript is true.
func (p *tab) waits(d time.Duration, what, expression string) {
	p.t.Helper()
	p.within(d, what, chromedp.Poll[chromedp.Void]("Boolean("+expression+")", chromedp.WithPollingTimeout(d), chromedp.WithPollingInterval(100*time.Millisecond)))
}

// found is an expression for the last visible element of a selector that holds
// the words.
func found(selector, words string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(%q)].filter(e => e.checkVisibility() && (e.innerText + " " + e.textContent + " " + (e.ariaLabel ?? "")).includes(%q)).at(-1)`, selector, words)
}

// sees waits until an element holds the words.
func (p *tab) sees(selector, words string) {
	p.t.Helper()
	p.waits(pagePatience, fmt.Sprintf("see %s with %q", selector, words), found(selector, words))
}

// clicks clicks, with the mouse, on the last element that holds the words.
func (p *tab) clicks(selector, words string) {
	p.t.Helper()
	p.sees(selector, words)
	at := evaluated[struct{ X, Y float64 }](p, `(e => { e.scrollIntoView({block: "nearest"}); const r = e.getBoundingClientRect(); return {X: r.x + r.width / 2, Y: r.y + r.height / 2} })(`+found(selector, words)+`)`)
	p.run("click "+words, chromedp.MouseClickXY(at.X, at.Y))
}

// evaluated is the value of an expression of JavaScript.
func evaluated[T any](p *tab, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, pagePatience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		p.t.Fatalf("%s: %v\n%s", expression, err, p.text())
	}
	return value
}

// types types into what has the focus, and presses a key afterwards, if any.
func (p *tab) types(text, key string) {
	p.t.Helper()
	p.run("type "+text, command(input.InsertText, input.InsertTextParams{Text: text}), chromedp.KeyEvent(key))
}

// command is a step that gives the browser one command of its protocol.
func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

// dark asks the browser for dark or light colours, as a system does.
func (p *tab) dark(yes bool) chromedp.Action[chromedp.Void] {
	scheme := "light"
	if yes {
		scheme = "dark"
	}
	return command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
}

// picture is the page as PNG.
func (p *tab) picture() []byte {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, pagePatience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Fatalf("picture: %v", err)
	}
	return png
}
