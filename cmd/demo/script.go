package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"ecsbot/internal/slacksim"
)

// play plays the five stories. It returns an error if one of them does not end
// as it must: the demo is a test, too.
func play(ctx context.Context, logs bool) error {
	w, err := newWorld(ctx, newCloud(0, time.Second), nil, printed(logs), func() {})
	if err != nil {
		return err
	}
	defer w.Close()
	s := &show{began: time.Now(), out: os.Stdout, names: names(w.slack), seen: map[string]string{}}
	defer w.slack.Watch(s.slack)()
	defer w.cloud.Watch(s.cloud)()

	s.title("A Slack and a cloud that are not real, and the real bot between them")
	if err := w.startBot(ctx); err != nil {
		return err
	}
	s.stage("the bot is connected")
	for _, story := range []func(context.Context, *world, *show) error{succeeds, failsInPart, denied, secondThoughts, killed} {
		if err := story(ctx, w, s); err != nil {
			return err
		}
	}
	s.title("Five stories, each with a true ending")
	return nil
}

// printed prints the lines of the bots' logs, if that is wanted.
func printed(logs bool) func(bot, line string) {
	if !logs {
		return func(string, string) {}
	}
	return func(bot, line string) { fmt.Fprintln(os.Stderr, "bot", bot, line) }
}

func names(w *slacksim.Workspace) map[string]string {
	names := map[string]string{}
	for _, u := range w.Users() {
		names[u.ID] = u.Name
	}
	return names
}
