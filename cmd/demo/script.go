package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/slacksim"
)

// play plays the four stories. It returns an error if one of them does not end
// as it must: the demo is a test, too.
func play(ctx context.Context, logs bool) error {
	log, closeLog, err := logFile(logs, os.TempDir())
	if err != nil {
		return err
	}
	defer closeLog()
	w, err := newWorld(log)
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
	for _, story := range []func(context.Context, *world, *show) error{succeeds, failsInPart, denied, killed} {
		if err := story(ctx, w, s); err != nil {
			return err
		}
	}
	s.title("Four requests, four true endings")
	return nil
}

func names(w *slacksim.Workspace) map[string]string {
	names := map[string]string{}
	for _, u := range w.Users() {
		names[u.ID] = u.Name
	}
	return names
}

func succeeds(ctx context.Context, w *world, s *show) error {
	s.title("1. Two servers for the night")
	w.cloud.Add(server(1, "web-1"), server(2, "web-2"), server(3, "web-3", "keep"))
	t, err := w.ask(ctx, s, mia, `web-* --reason "night"`)
	if err != nil {
		return err
	}
	s.types(guest, "clicks Approve, although he is a guest")
	if err := t.click(ctx, guest, "ecs_stop_approve"); err != nil {
		return err
	}
	if err := w.private(ctx, guest, "Guests"); err != nil {
		return err
	}
	s.types(noah, "clicks Approve and confirms")
	if err := t.click(ctx, noah, "ecs_stop_approve"); err != nil {
		return err
	}
	return t.ends(ctx, "2 servers stopped")
}

func failsInPart(ctx context.Context, w *world, s *show) error {
	s.title("2. One server does not want to")
	w.cloud.Add(server(11, "batch-1"), server(12, "batch-2"), server(13, "batch-3"))
	if err := w.cloud.FailServer(server(12, "").ID, "Ecs.0611", "the instance did not shut down in time"); err != nil {
		return err
	}
	t, err := w.ask(ctx, s, mia, "batch-1, batch-2, batch-3 —soft --reason “month's end is over”")
	if err != nil {
		return err
	}
	s.types(olga, "clicks Approve and confirms")
	if err := t.click(ctx, olga, "ecs_stop_approve"); err != nil {
		return err
	}
	return t.ends(ctx, "done in part", "batch-2", "Ecs.0611")
}

func denied(ctx context.Context, w *world, s *show) error {
	s.title("3. Not this one")
	w.cloud.Add(server(21, "db-1"))
	t, err := w.ask(ctx, s, mia, "db-1 --hard --reason \"does not answer\"")
	if err != nil {
		return err
	}
	s.types(noah, "clicks Deny")
	if err := t.click(ctx, noah, "ecs_stop_deny"); err != nil {
		return err
	}
	err = w.slack.Wait(ctx, func() bool { _, open := w.slack.View(noah); return open })
	if err != nil {
		return err
	}
	view, _ := w.slack.View(noah)
	if err := read(ctx); err != nil {
		return err
	}
	s.types(noah, "writes into the form: replication is still running")
	_, err = w.slack.Submit(ctx, noah, view.ID, map[string]map[string]any{"reason": {"text": "replication is still running"}})
	if err != nil {
		return err
	}
	return t.ends(ctx, "denied", "replication is still running")
}

// killed kills the bot at the worst moment: the cloud has taken the call, the
// bot has not heard of it.
func killed(ctx context.Context, w *world, s *show) error {
	s.title("4. The bot is killed in the middle")
	w.cloud.Add(server(31, "job-1"), server(32, "job-2"))
	var once sync.Once
	acted := make(chan struct{})
	stopWatching := w.cloud.Watch(func(e ecssim.Event) {
		if e.Server != nil && e.Server.TaskState == "powering-off" {
			once.Do(func() { close(acted) })
		}
	})
	defer stopWatching()
	w.cloud.FailNext("stop", 1, ecssim.Delay(2*time.Second))
	t, err := w.ask(ctx, s, mia, "job-1 job-2 --reason \"queue is empty\"")
	if err != nil {
		return err
	}
	s.types(olga, "clicks Approve and confirms")
	if err := t.click(ctx, olga, "ecs_stop_approve"); err != nil {
		return err
	}
	select {
	case <-acted:
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(20 * time.Second):
		return errors.New("the cloud was not called")
	}
	w.kill()
	s.stage("the bot is killed (kill -9) before it hears the cloud's answer")
	if err := w.startBot(ctx); err != nil {
		return err
	}
	s.stage("another bot starts; it knows only what stands in Redis")
	if err := t.ends(ctx, "are off"); err != nil {
		return err
	}
	for _, n := range []int{31, 32} {
		if got := w.cloud.StopCount(server(n, "").ID); got != 1 {
			return fmt.Errorf("server %d was stopped %d times", n, got)
		}
	}
	s.stage("the cloud was asked to stop each server exactly once")
	return nil
}

// thread is one request as it stands in Slack.
type thread struct {
	w  *world
	ts string
}

// patience bounds each wait of the script.
const patience = 40 * time.Second

// ask types the command and waits for the card.
func (w *world) ask(ctx context.Context, s *show, user, text string) (*thread, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	before := len(w.slack.Messages(ops))
	s.types(user, "types  /ecs-stop "+text)
	if _, err := w.slack.Command(ctx, user, ops, "/ecs-stop", text); err != nil {
		return nil, err
	}
	if err := w.slack.Wait(ctx, func() bool { return len(w.slack.Messages(ops)) > before }); err != nil {
		return nil, fmt.Errorf("no card came: %w", err)
	}
	return &thread{w, w.slack.Messages(ops)[before].TS}, read(ctx)
}

// read is the time that people take to read what has just appeared.
func read(ctx context.Context) error {
	select {
	case <-time.After(1200 * time.Millisecond):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *thread) click(ctx context.Context, user, action string) error {
	_, err := t.w.slack.Click(ctx, user, ops, t.ts, action)
	return err
}

// ends waits for a reply in the thread that holds all the words.
func (t *thread) ends(ctx context.Context, words ...string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := t.w.slack.Wait(ctx, func() bool {
		for _, m := range t.w.slack.Thread(ops, t.ts) {
			if m.TS != t.ts && holds(slacksim.PlainText(m), words) {
				return true
			}
		}
		return false
	})
	if err != nil {
		return fmt.Errorf("no reply with %q came: %w", words, err)
	}
	return read(ctx)
}

// private waits for a private answer to user that holds the word.
func (w *world) private(ctx context.Context, user, word string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := w.slack.Wait(ctx, func() bool {
		for _, m := range w.slack.Private(user) {
			if strings.Contains(slacksim.PlainText(m), word) {
				return true
			}
		}
		return false
	})
	if err != nil {
		return fmt.Errorf("no private answer with %q came: %w", word, err)
	}
	return read(ctx)
}

func holds(text string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}
