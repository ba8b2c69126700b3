package main

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// dist is the page as `make page` built it from its sources beside it.
//
//go:embed page/dist
var dist embed.FS

// built is the page that this program holds.
func built() fs.FS {
	page, err := fs.Sub(dist, "page/dist")
	if err != nil {
		panic(err) // the folder is a constant
	}
	return page
}

// showPage serves the page until ctx ends. An address that is taken is replaced
// by a free one. files, if not empty, is a folder with another build of the page.
func showPage(ctx context.Context, address, files string, open, logs bool) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("%s is no loopback address like 127.0.0.1: whoever reaches the page can do anything in it", host)
	}
	page := built()
	if files != "" {
		page = os.DirFS(files)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		l, err = (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	}
	if err != nil {
		return err
	}
	g, err := newPlayground(ctx, logs)
	if err != nil {
		l.Close()
		return err
	}
	defer g.Close()
	srv := &http.Server{Handler: guarded(l.Addr().String(), g.handler(page)), ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	url := "http://" + l.Addr().String()
	fmt.Printf("The demo is at %s (a simulation: nothing is real). Ctrl-C ends it.\n", url)
	if open {
		openBrowser(url)
	}
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		srv.Close()
		<-served
		return nil
	}
}

// guarded lets in only pages of our own: other pages of the same browser can
// reach loopback addresses, too.
func guarded(host string, h http.Handler) http.Handler {
	h = http.NewCrossOriginProtection().Handler(h)
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_, port, _ := net.SplitHostPort(host)
		if r.Host != host && r.Host != net.JoinHostPort("localhost", port) {
			http.Error(rw, "unknown host", http.StatusMisdirectedRequest)
			return
		}
		rw.Header().Set("Content-Security-Policy", "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		rw.Header().Set("X-Content-Type-Options", "nosniff")
		rw.Header().Set("Cache-Control", "no-cache")
		h.ServeHTTP(rw, r)
	})
}

// handler serves the page, its news, and what it can do.
func (g *playground) handler(page fs.FS) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(page))
	mux.Handle("GET /live", g.live)
	mux.Handle("POST /slack/", http.StripPrefix("/slack", g.Slack.Control()))
	for _, p := range g.projects {
		mux.Handle("POST /cloud/"+p.Name+"/", http.StripPrefix("/cloud/"+p.Name, p.Cloud.Control()))
	}
	mux.HandleFunc("GET /demo/files/{id}", g.file)
	mux.HandleFunc("POST /demo/replicas", order(func(o struct{ Name, Do string }) (string, error) { return g.setReplica(o.Name, o.Do) }))
	mux.HandleFunc("POST /demo/store", order(func(o onOrOff) (string, error) { return o.set(g.setStore) }))
	mux.HandleFunc("POST /demo/slack", order(func(o onOrOff) (string, error) { return o.set(g.setSlack) }))
	mux.HandleFunc("POST /demo/speed", order(func(o struct{ Speed float64 }) (string, error) { return "", g.setSpeed(o.Speed) }))
	mux.HandleFunc("POST /demo/break", order(func(o struct{ What, Project string }) (string, error) { return g.breakIt(o.What, o.Project) }))
	return mux
}

// onOrOff is an order that has to say which.
type onOrOff struct{ Up *bool }

func (o onOrOff) set(do func(bool) (string, error)) (string, error) {
	if o.Up == nil {
		return "", errors.New(`"up" is missing`)
	}
	return do(*o.Up)
}

// order serves one thing that can be done to the machinery. The answer's text
// says what was done.
func order[T any](do func(T) (string, error)) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		var in T
		body := json.NewDecoder(http.MaxBytesReader(rw, r.Body, 1<<16))
		body.DisallowUnknownFields()
		text, err := "", body.Decode(&in)
		if err == nil {
			text, err = do(in)
		}
		answer := map[string]string{"text": text}
		rw.Header().Set("Content-Type", "application/json")
		if err != nil {
			answer = map[string]string{"error": err.Error()}
			rw.WriteHeader(http.StatusBadRequest)
		}
		json.NewEncoder(rw).Encode(answer)
	}
}

// file serves a file that the bot has shared.
func (g *playground) file(rw http.ResponseWriter, r *http.Request) {
	for _, f := range g.Slack.Files() {
		if f.ID == r.PathValue("id") && f.Complete {
			rw.Header().Set("Content-Type", "text/csv; charset=utf-8")
			rw.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Name}))
			rw.Write(f.Content)
			return
		}
	}
	http.NotFound(rw, r)
}

// openBrowser shows the page, where there is a screen to show it on.
func openBrowser(url string) {
	var open []string
	switch {
	case runtime.GOOS == "darwin":
		open = []string{"open", url}
	case runtime.GOOS == "windows":
		open = []string{"rundll32", "url.dll,FileProtocolHandler", url}
	case os.Getenv("DISPLAY") != "" || os.Getenv("WAYLAND_DISPLAY") != "":
		open = []string{"xdg-open", url}
	default:
		return
	}
	cmd := exec.Command(open[0], open[1:]...)
	if err := cmd.Start(); err != nil {
		fmt.Println("Please open it in your browser.")
		return
	}
	go cmd.Wait() // it may be the browser itself, and then outlives the demo
}
