package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"ecsbot/internal/slacksim"
)

// thread is one request as it stands in Slack.
type thread struct {
	w    *world
	ts   string
	last string // the reply that ends waited for
}

// patience bounds each wait of the script.
const patience = 40 * time.Second

// ask types the command and waits for the card.
func (w *world) ask(ctx context.Context, s *show, user, text string) (*thread, error) {
	return w.newCard(ctx, func() error {
		s.types(user, "types  /ecs-stop "+text)
		_, err := w.slack.Command(ctx, user, ops, "/ecs-stop", text)
		return err
	})
}

// newCard waits for the card that comes of what is done.
func (w *world) newCard(ctx context.Context, do func() error) (*thread, error) {
	before := len(w.slack.Messages(ops))
	if err := do(); err != nil {
		return nil, err
	}
	err := w.until(ctx, "card", func() bool { return len(w.slack.Messages(ops)) > before })
	if err != nil {
		return nil, err
	}
	return &thread{w: w, ts: w.slack.Messages(ops)[before].TS}, read(ctx)
}

// until waits for something to appear in Slack.
func (w *world) until(ctx context.Context, what string, cond func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := w.slack.Wait(ctx, cond); err != nil {
		return fmt.Errorf("no %s came: %w", what, err)
	}
	return nil
}

// read is the time that people take to read what has just appeared.
func read(ctx context.Context) error {
	select {
	case <-time.After(time.Second):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *thread) click(ctx context.Context, user, action string) error {
	_, err := t.w.slack.Click(ctx, user, ops, t.ts, action)
	return err
}

// clickLast clicks a button under the last reply.
func (t *thread) clickLast(ctx context.Context, user, action string) error {
	_, err := t.w.slack.Click(ctx, user, ops, t.last, action)
	return err
}

// ends waits for a reply in the thread that holds all the words.
func (t *thread) ends(ctx context.Context, words ...string) error {
	err := t.w.until(ctx, fmt.Sprintf("reply with %q", words), func() bool {
		for _, m := range t.w.slack.Thread(ops, t.ts) {
			if m.TS != t.ts && holds(slacksim.PlainText(m), words) {
				t.last = m.TS
				return true
			}
		}
		return false
	})
	if err != nil {
		return err
	}
	return read(ctx)
}

// private waits for a private answer to user that holds the word.
func (w *world) private(ctx context.Context, user, word string) error {
	err := w.until(ctx, fmt.Sprintf("private answer with %q", word), func() bool {
		return slices.ContainsFunc(w.slack.Private(user), func(m slacksim.Message) bool {
			return strings.Contains(slacksim.PlainText(m), word)
		})
	})
	if err != nil {
		return err
	}
	return read(ctx)
}

// announced waits for a message in the channel that holds the words.
func (w *world) announced(ctx context.Context, words ...string) error {
	err := w.until(ctx, fmt.Sprintf("announcement with %q", words), func() bool {
		return slices.ContainsFunc(w.slack.Messages(ops), func(m slacksim.Message) bool { return holds(slacksim.PlainText(m), words) })
	})
	if err != nil {
		return err
	}
	return read(ctx)
}

// screen waits until the form that user has on top holds the words.
func (w *world) screen(ctx context.Context, s *show, user string, words ...string) error {
	text := ""
	err := w.until(ctx, fmt.Sprintf("form with %q", words), func() bool {
		v, open := w.slack.View(user)
		text = slacksim.ViewText(v)
		return open && holds(text, words)
	})
	if err != nil {
		return err
	}
	s.sees(user, text)
	return read(ctx)
}

// home waits until the user's Home holds the words, and returns its view.
func (w *world) home(ctx context.Context, s *show, user string, words ...string) (slacksim.View, error) {
	var home slacksim.View
	err := w.until(ctx, fmt.Sprintf("Home with %q", words), func() bool {
		home, _ = w.slack.HomeView(user)
		return holds(slacksim.ViewText(home), words)
	})
	if err != nil {
		return home, err
	}
	s.sees(user, slacksim.ViewText(home))
	return home, read(ctx)
}

// stopped checks how often the cloud was asked to stop each server.
func (w *world) stopped(times map[int]int) error {
	for n, want := range times {
		if got := w.cloud.StopCount(server(n, "").ID); got != want {
			return fmt.Errorf("server %d was stopped %d times, want %d", n, got, want)
		}
	}
	return nil
}

func holds(text string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}
