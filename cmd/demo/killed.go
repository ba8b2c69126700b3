package main

import (
	"sync"
	"time"

	"ecsbot/internal/ecssim"
)

// killed kills the bot at the worst moment: the cloud has taken the call, the
// bot has not heard of it.
func killed(s *script) {
	s.title("5. The bot is killed in the middle")
	s.Cloud.Add(server(31, "job-1"), server(32, "job-2"))
	var once sync.Once
	acted := make(chan struct{})
	stopWatching := s.Cloud.Watch(func(e ecssim.Event) {
		if e.Server != nil && e.Server.TaskState == "powering-off" {
			once.Do(func() { close(acted) })
		}
	})
	defer stopWatching()
	s.Cloud.FailNext("stop", 1, ecssim.Delay(2*time.Second))
	card := s.asks(mia, "job-1 job-2 --reason \"queue is empty\"")
	s.clicks(olga, card, "ecs_stop_approve", "Approve and confirms")
	select {
	case <-acted:
	case <-s.ctx.Done():
		s.must(s.ctx.Err())
	case <-time.After(20 * time.Second):
		s.Fatalf("the cloud was not called")
	}
	s.w.bots[0].kill()
	s.stage("the bot is killed (kill -9) before it hears the cloud's answer")
	s.must(s.w.startBot(s.ctx))
	s.stage("another bot starts; it knows only what stands in Redis")
	s.Reply(card, "are stopped")
	s.Stopped(server(31, "").ID, server(32, "").ID)
	s.stage("the cloud was asked to stop each server exactly once")
}
