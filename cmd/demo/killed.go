package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"ecsbot/internal/ecssim"
)

// killed kills the bot at the worst moment: the cloud has taken the call, the
// bot has not heard of it.
func killed(ctx context.Context, w *world, s *show) error {
	s.title("5. The bot is killed in the middle")
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
	w.bots[0].kill()
	s.stage("the bot is killed (kill -9) before it hears the cloud's answer")
	if err := w.startBot(ctx); err != nil {
		return err
	}
	s.stage("another bot starts; it knows only what stands in Redis")
	if err := t.ends(ctx, "are off"); err != nil {
		return err
	}
	if err := w.stopped(map[int]int{31: 1, 32: 1}); err != nil {
		return err
	}
	s.stage("the cloud was asked to stop each server exactly once")
	return nil
}
