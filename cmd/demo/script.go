package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"ecsbot/internal/simworld"
	"ecsbot/internal/slacksim"
)

// script plays the stories of the demo: people in the world, and what they do and
// see on the terminal. It is also where they report what is wrong (a
// [simworld.T]), like a *testing.T.
type script struct {
	*simworld.People
	*show
	w     *world
	ctx   context.Context
	wrong []error
}

// play plays the six stories. It returns an error if one of them does not end
// as it must: the demo is a test, too.
func play(ctx context.Context, logs bool) error {
	w, err := newWorld(ctx, newCloud(0, time.Second), newDevCloud(time.Second), nil, printed(logs), func() {})
	if err != nil {
		return err
	}
	defer w.Close()
	s := &script{w: w, ctx: ctx, show: &show{began: time.Now(), out: os.Stdout, names: names(w.Slack), seen: map[string]string{}}}
	s.People = &simworld.People{World: w.World, T: s, Ops: ops, Groups: []string{sre, dba}, Patience: 40 * time.Second, Pause: s.read}
	defer w.Slack.Watch(s.slack)()
	for _, p := range w.projects {
		defer p.Cloud.Watch(s.cloud)()
	}

	s.title("The real bot between a simulated Slack and a simulated cloud")
	if err := w.startBot(ctx); err != nil {
		return err
	}
	s.stage("the bot is connected")
	for _, story := range []func(*script){succeeds, failsInPart, denied, secondThoughts, killed, rules, (*script).Check} {
		if err := s.tell(story); err != nil {
			return err
		}
	}
	s.title("All six stories ended as they should.")
	return nil
}

// tell plays one story and returns what went wrong in it.
func (s *script) tell(story func(*script)) (err error) {
	defer func() {
		if thrown := recover(); thrown != nil && thrown != any(s) {
			panic(thrown)
		}
		err = errors.Join(s.wrong...)
	}()
	story(s)
	return nil
}

func (s *script) Helper()                  {}
func (s *script) Context() context.Context { return s.ctx }
func (s *script) Errorf(format string, args ...any) {
	s.wrong = append(s.wrong, fmt.Errorf(format, args...))
}

// Fatalf ends the story; tell returns why.
func (s *script) Fatalf(format string, args ...any) {
	s.Errorf(format, args...)
	panic(s)
}

// must ends the story if something could not be done to the world.
func (s *script) must(err error) {
	if err != nil {
		s.Fatalf("%w", err)
	}
}

// read is the time that people take to read what has just appeared.
func (s *script) read() {
	select {
	case <-time.After(time.Second):
	case <-s.ctx.Done():
		s.must(s.ctx.Err())
	}
}

// asks types the command and waits for the card.
func (s *script) asks(user, text string) slacksim.Message {
	return s.NewCard(func() { s.orders(user, text) })
}

// orders types after /ecs-stop.
func (s *script) orders(user, text string) {
	s.types(user, "types  /ecs-stop "+text)
	s.Command(user, text)
}

// clicks clicks a button; what says how that looks.
func (s *script) clicks(user string, m slacksim.Message, action, what string) {
	s.types(user, "clicks "+what)
	s.Click(user, m, action)
}

// form waits for the form that user has on top, and shows it.
func (s *script) form(user string, words ...string) {
	s.sees(user, formText(s.View(user, words...)))
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
	for _, g := range groups {
		names[g.ID] = g.Handle
	}
	for _, u := range w.Users() {
		names[u.ID] = u.Name
	}
	for _, c := range w.Channels() {
		names[c.ID] = c.Name
	}
	return names
}
