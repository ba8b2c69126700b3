package bot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"ecsbot/internal/slackapp"
	"ecsbot/internal/store"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // a part failed, or the file that was checked has faults
	exitUsage  = 2 // the settings or the command line are wrong
)

const usage = `A Slack bot that stops Huawei Cloud servers after approval.

usage: bot                    run the bot
       bot manifest           print the Slack app manifest as YAML
       bot manifest --json    the same as JSON
       bot manifest --link    print a link that creates the Slack app
       bot manifest --workflow-step [--json]
                              the same with the step for Workflow Builder (paid plans)
       bot policy check FILE  print what is wrong in a configuration file
       bot policy explain --as USER SERVER…
                              print which rules apply to servers, and what USER may do
       bot version            print the version
       bot help               print this help

Settings come from environment variables or a .env file. See .env.example.
`

// Main is the program. It returns its exit code.
func Main(args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == "policy" {
		return policy(context.Background(), args[1:], stdout, stderr)
	}
	switch strings.Join(args, " ") {
	case "":
	case "version", "--version", "-version":
		fmt.Fprintln(stdout, Version())
		return exitOK
	case "manifest":
		fmt.Fprint(stdout, slackapp.Manifest)
		return exitOK
	case "manifest --json":
		return printResult(stdout, stderr, slackapp.ManifestJSON)
	case "manifest --link":
		fmt.Fprintln(stdout, slackapp.ManifestLink())
		return exitOK
	case "manifest --workflow-step":
		fmt.Fprint(stdout, slackapp.StepManifest())
		return exitOK
	case "manifest --workflow-step --json":
		return printResult(stdout, stderr, slackapp.StepManifestJSON)
	case "help", "-h", "--help":
		fmt.Fprint(stdout, usage)
		return exitOK
	default:
		return unknown(strings.Join(args, " "), stderr)
	}
	environ, err := ReadEnviron(os.Environ(), ".env")
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitUsage
	}
	c, err := environ.Load()
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitUsage
	}
	// The first SIGTERM shuts down gracefully, a second one at once.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, stop)
	return serve(ctx, c, environ.Load, logger(c, stderr))
}

// unknown refuses a command line.
func unknown(command string, stderr io.Writer) int {
	fmt.Fprintf(stderr, "unknown command %s\n\n%s", strings.TrimSpace(command), usage)
	return exitUsage
}

// printResult prints the result of do.
func printResult(stdout, stderr io.Writer, do func() (string, error)) int {
	text, err := do()
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitFailed
	}
	fmt.Fprintln(stdout, text)
	return exitOK
}

func serve(ctx context.Context, c Config, load func() (Config, error), log *slog.Logger) int {
	b, err := New(c, log, buildTune())
	if err != nil {
		log.Error("cannot start", "err", err)
		if errors.As(err, new(store.Fault)) {
			return exitUsage
		}
		return exitFailed
	}
	defer b.Close()
	b.ReloadWith(load)
	log.Info("starting", "version", Version(), "projects", len(c.Projects), "settings", c.Digest())
	err = b.Run(ctx)
	var refused refusedStore
	switch {
	case errors.As(err, &refused), errors.As(err, new(store.Fault)):
		log.Error("Redis is refused: it is not safe for requests", "err", err)
		return exitUsage
	case err != nil:
		log.Error("stopped", "err", err)
		return exitFailed
	}
	log.Info("stopped", "cause", context.Cause(ctx))
	return exitOK
}

func logger(c Config, w io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "text" {
		return slog.New(slog.NewTextHandler(w, o))
	}
	return slog.New(slog.NewJSONHandler(w, o))
}

// version can be set when the program is built where git is not at hand:
// go build -ldflags "-X ecsbot/internal/bot.version=…".
var version string

// Version names the version that the program was built from.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "ecsbot (unknown)"
	}
	if version != "" {
		return "ecsbot " + version + " " + info.GoVersion
	}
	version, dirty := info.Main.Version, ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			version = s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+changes"
		}
	}
	return "ecsbot " + version + dirty + " " + info.GoVersion
}
