// Command demo plays the bot in a simulated world: a small Slack, a small
// cloud, an embedded store, and the real bot between them as a process of its
// own, over real HTTP and WebSocket. It needs no account and no network, and
// nothing in it is real.
//
//	go run ./cmd/demo
//
// serves one page for the browser: the Slack on the left, the cloud and the
// machine room on the right, and everything in it can be used and broken.
//
//	go run ./cmd/demo -script
//
// plays six stories and prints the conversation as it happens: a request that
// succeeds, one that fails in part and is retried, one that is denied, one whose
// servers are started again, one whose bot is killed in the middle and that
// the next one finishes, and requests about which rules decide.
//
// For trying things by hand, the worlds can be served by themselves:
//
//	go run ./cmd/demo -serve-slack 127.0.0.1:8081
//	go run ./cmd/demo -serve-cloud 127.0.0.1:8082
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"ecsbot/internal/bot"
)

// runAsBot, as the first argument, makes this program the bot itself: the demo
// starts itself again that way, to have a process that it can kill.
const runAsBot = "run-as-bot"

func main() {
	if len(os.Args) > 1 && os.Args[1] == runAsBot {
		os.Exit(bot.Main(nil, os.Stdout, os.Stderr))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends it at once
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	address := flag.String("addr", "127.0.0.1:7007", "serve the page at this loopback `address`, or at a free port where it is taken")
	stay := flag.Bool("no-browser", false, "do not open the page in the browser")
	files := flag.String("page", "", "serve another build of the page from this `folder`")
	script := flag.Bool("script", false, "play six stories in the terminal and end")
	slackAt := flag.String("serve-slack", "", "serve the simulated Slack alone at this `address`")
	cloudAt := flag.String("serve-cloud", "", "serve the simulated cloud alone at this `address`")
	servers := flag.Int("servers", 40, "servers in the simulated cloud, with -serve-cloud")
	logs := flag.Bool("logs", false, "print the bots' logs, too")
	flag.Parse()
	switch {
	case flag.NArg() > 0:
		return fmt.Errorf("unknown argument %q; see -h", flag.Arg(0))
	case *slackAt != "":
		w, err := newSlack()
		if err != nil {
			return err
		}
		defer w.Close()
		return serve(ctx, *slackAt, w.Handler(), w.Control())
	case *cloudAt != "":
		c := newCloud(*servers, 2*time.Second)
		defer c.Close()
		return serve(ctx, *cloudAt, c.Handler(), c.Control())
	case *script:
		return play(ctx, *logs)
	}
	return showPage(ctx, *address, *files, !*stay, *logs)
}

// serve serves one of the simulated worlds, with its controls below /sim/,
// until ctx ends.
func serve(ctx context.Context, address string, world, control http.Handler) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/sim/", control)
	mux.Handle("/", world)
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { srv.Close() })
	fmt.Println("serving on http://" + l.Addr().String() + " (a simulation; nothing is real)")
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
