//go:build fixtures

package bot_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/slacksim"
)

var storeIn = flag.String("store-in", "", "the folder for the worlds that TestMakeStored writes")

// maker brings a world into some state and leaves no bot running. The settings are
// also those of the bot that carries the world on.
type maker struct {
	name, about string
	cloud       ecssim.Options
	env         map[string]string
	make        func(s *stage, bot string)
}

var quick = ecssim.Options{MinJobTime: 100 * time.Millisecond, MaxJobTime: 300 * time.Millisecond, Seed: 1}

// hours is a cloud whose jobs do not end while a world is made.
var hours = ecssim.Options{MinJobTime: time.Hour, MaxJobTime: time.Hour}

// crash has the bot killed at a point of its program.
func crash(s *stage, bot, at, label string, n int) {
	p := s.run(bot, "ECSBOT_CRASH_AT="+at)
	s.ask(label, n, "--reason night")
	s.click("UBEN", label, clickApprove)
	s.until("kill at "+at, p.ended)
}

var makers = []maker{
	{name: "ended", about: "Every state in which a request ends, one that waits, a draft, an open Home, a freeze that was lifted.",
		cloud: quick, env: map[string]string{"ECS_BATCH_SIZE": "10", "ECS_STOP_RATE": "100"}, make: makeEnded},
	{name: "frozen", about: "A freeze is on: one request is approved and waits, one is not decided.",
		cloud: quick, make: func(s *stage, bot string) {
			p := s.run(bot)
			s.types("UBEN", "freeze release of the shop")
			s.until("freeze", func() bool { return s.record("halt")["on"] == true })
			s.ask("held", 3)
			s.ask("pending", 2)
			s.click("UBEN", "held", clickApprove)
			s.until("word of the freeze", func() bool {
				return slacksContains(s, "held", "/held/") && len(s.db.Keys(s.t.Context(), s.key("o:*")).Val()) == 0
			})
			p.kill()
		}},
	{name: "approved", about: "Killed when a request was approved and its batches were not made.",
		cloud: quick, make: func(s *stage, bot string) { crash(s, bot, "plan.before", "approved", 2) }},
	{name: "intended", about: "Killed when the intent of a call was written and nothing was sent.",
		cloud: quick, make: func(s *stage, bot string) { crash(s, bot, "submit.intended", "intended", 2) }},
	{name: "called", about: "Killed when the cloud had taken a call and nobody had written it down.",
		cloud: quick, make: func(s *stage, bot string) {
			crash(s, bot, "submit.called", "called", 2)
			s.until("servers off", func() bool { x, _ := s.cloud.Server(s.ids["called"][1]); return x.Status == "SHUTOFF" })
		}},
	{name: "ambiguous", about: "The answers to two calls were lost; one of them had no effect, the other one had. Killed in the quarantine.",
		cloud: hours, make: func(s *stage, bot string) {
			p := s.run(bot)
			s.ask("lost", 2)
			s.ask("done", 2)
			s.cloud.FailNext("stop", 1, ecssim.ResetBefore)
			s.click("UBEN", "lost", clickApprove)
			s.waitBatch("lost", 0, "ambiguous")
			s.cloud.FailNext("stop", 1, ecssim.ResetAfter)
			s.click("UBEN", "done", clickApprove)
			s.waitBatch("done", 0, "ambiguous")
			p.kill()
		}},
	{name: "throttled", about: "The cloud refused a call for its own limit: the batch waits and says why, the quota is blocked.",
		cloud: quick, make: func(s *stage, bot string) {
			p := s.run(bot)
			s.ask("throttled", 2)
			s.cloud.FailNext("stop", 1, ecssim.Throttle(5*time.Second))
			s.click("UBEN", "throttled", clickApprove)
			s.until("trouble", func() bool { return s.record("b:" + s.names["throttled"] + ":0")["trouble"] != nil })
			time.Sleep(300 * time.Millisecond)
			p.kill()
		}},
	{name: "reconciling", about: "A call's answer was lost, the quarantine is over, and the servers cannot be read.",
		cloud: quick, make: func(s *stage, bot string) {
			p := s.run(bot)
			s.ask("reconciling", 2)
			s.cloud.FailNext("stop", 1, ecssim.ResetBefore)
			s.click("UBEN", "reconciling", clickApprove)
			s.waitBatch("reconciling", 0, "ambiguous")
			for _, op := range []string{"list", "show"} {
				s.cloud.FailNext(op, 10000, ecssim.HTML502)
			}
			s.waitBatch("reconciling", 0, "reconciling")
			p.kill()
		}},
	{name: "running", about: "Jobs run. One request was cancelled meanwhile, one waits for the quota.",
		cloud: hours, env: map[string]string{"ECS_BATCH_SIZE": "2", "ECS_STOP_RATE": "4"}, make: func(s *stage, bot string) {
			p := s.run(bot)
			s.ask("running", 2)
			s.ask("stopping", 4)
			s.ask("waiting", 2)
			s.click("UBEN", "running", clickApprove)
			s.waitBatch("running", 0, "running")
			s.click("UBEN", "stopping", clickApprove)
			s.waitBatch("stopping", 0, "running")
			s.click("UBEN", "waiting", clickApprove)
			s.waitBatch("waiting", 0, "queued")
			s.types("UANNA", "cancel "+s.names["stopping"])
			s.until("cancellation", func() bool { return s.record("r:" + s.names["stopping"])["stop"] != nil })
			p.kill()
		}},
	{name: "card", about: "Killed when a card stood in Slack and nobody had written down where.",
		cloud: quick, make: func(s *stage, bot string) {
			p := s.run(bot, "ECSBOT_CRASH_AT=post.posted/card")
			s.types("UANNA", s.servers("card", 1))
			s.until("kill", p.ended)
			s.names["card"] = requestOf(s.slack.Messages("COPS")[0])
		}},
	{name: "owed", about: "Killed before an outcome was told.",
		cloud: quick, make: func(s *stage, bot string) { crash(s, bot, "post.before/end", "owed", 2) }},
	{name: "told", about: "Killed when an outcome stood in Slack and nobody had written that down.",
		cloud: quick, make: func(s *stage, bot string) { crash(s, bot, "post.posted/end", "told", 2) }},
	{name: "private", about: "The channel takes no messages, and the person cannot be told privately either: the outcome is owed.",
		cloud: ecssim.Options{MinJobTime: 2 * time.Second, MaxJobTime: 2 * time.Second}, make: func(s *stage, bot string) {
			p := s.run(bot)
			s.ask("private", 1)
			s.click("UBEN", "private", clickApprove)
			s.waitBatch("private", 0, "running")
			s.until("end of what is owed so far", func() bool { return s.db.Exists(s.t.Context(), s.key("o:"+s.names["private"])).Val() == 0 })
			s.slack.FailNext("chat.postMessage", 1, slacksim.ErrorCode("is_archived", false))
			for _, method := range []string{"chat.postMessage", "response_url", "chat.postEphemeral"} {
				s.slack.FailNext(method, 10000, slacksim.Status(503))
			}
			s.wait("private", "succeeded")
			time.Sleep(time.Second)
			p.kill()
		}},
	{name: "envelopes", about: "Acts of people of each kind that were acknowledged and not carried out.",
		cloud: quick, make: makeEnvelopes},
}

func slacksContains(s *stage, label, note string) bool {
	for _, m := range s.thread(label) {
		if strings.Contains(noteOf(m), note) {
			return true
		}
	}
	return false
}

func makeEnded(s *stage, bot string) {
	p := s.run(bot, "APPROVAL_TTL=1m")
	s.ask("expired", 1)
	p.stop()
	p = s.run(bot)
	stop := func(label string, n int, end string) {
		s.ask(label, n, `--reason "night of `+label+`"`)
		s.click("UBEN", label, clickApprove)
		s.wait(label, end)
	}
	stop("succeeded", 12, "succeeded")

	s.ask("partial", 3)
	s.cloud.FailServer(s.ids["partial"][1], "Ecs.0100", "It does not want to.")
	s.click("UCARLA", "partial", clickApprove)
	s.wait("partial", "partially_failed")

	s.ask("failed", 1, "--type HARD")
	s.cloud.FailServer(s.ids["failed"][0], "Ecs.0100", "It does not want to.")
	s.click("UBEN", "failed", clickApprove)
	s.wait("failed", "failed")

	s.ask("unknown", 1)
	s.cloud.FailNext("stop", 1, ecssim.ResetBefore)
	s.click("UBEN", "unknown", clickApprove)
	s.waitBatch("unknown", 0, "ambiguous")
	s.cloud.Rename(s.ids["unknown"][0], "web-renamed") // another stamp: somebody was there
	s.wait("unknown", "unknown")

	s.ask("denied", 1)
	s.types("UCARLA", "deny "+s.names["denied"]+" not before Friday")
	s.wait("denied", "denied")

	s.ask("withdrawn", 1)
	s.click("UANNA", "withdrawn", clickCancel)
	s.wait("withdrawn", "cancelled")

	s.types("UBEN", "freeze for a moment")
	s.until("freeze", func() bool { return s.record("halt")["on"] == true })
	s.ask("cancelled", 2)
	s.click("UBEN", "cancelled", clickApprove)
	s.waitBatch("cancelled", 0, "queued")
	s.types("UANNA", "cancel "+s.names["cancelled"])
	s.wait("cancelled", "cancelled")
	s.types("UBEN", "unfreeze")
	s.until("end of the freeze", func() bool { return s.record("halt")["on"] == false })

	s.ask("pending", 45, "--reason later") // the list is a file
	s.slack.OpenHome(s.t.Context(), "UBEN")
	s.types("UANNA", "")
	s.waitView("UANNA", "Stop servers")
	s.submit("UANNA", "names", s.servers("draft", 2), "why", "asked in the form")
	s.waitView("UANNA", "Review request")
	s.wait("expired", "expired")
	s.calm()
	time.Sleep(time.Second) // cards and Homes are drawn
	p.stop()
}

func makeEnvelopes(s *stage, bot string) {
	p := s.run(bot)
	for _, label := range []string{"approve", "deny", "cancel", "approve-typed"} {
		s.ask(label, 1)
	}
	s.ask("unknown", 1)
	s.cloud.FailNext("stop", 1, ecssim.ResetBefore)
	s.click("UBEN", "unknown", clickApprove)
	s.waitBatch("unknown", 0, "ambiguous")
	s.cloud.Rename(s.ids["unknown"][0], "web-renamed")
	s.wait("unknown", "unknown")
	s.ask("failed", 1)
	s.cloud.FailServer(s.ids["failed"][0], "Ecs.0100", "It does not want to.")
	s.click("UBEN", "failed", clickApprove)
	s.wait("failed", "failed")
	s.ask("succeeded", 1)
	s.click("UBEN", "succeeded", clickApprove)
	s.wait("succeeded", "succeeded")
	s.calm()
	for _, label := range []string{"unknown", "failed", "succeeded"} {
		s.outcome(label)
	}
	// Forms are opened before Slack stops answering.
	s.types("UANNA", "")
	s.waitView("UANNA", "Stop servers")
	preview := s.servers("previewed", 1)
	s.types("UDORA", "")
	s.waitView("UDORA", "Stop servers")
	s.submit("UDORA", "names", s.servers("drafted", 1))
	s.waitView("UDORA", "Review request")
	s.click("UCARLA", "deny", clickDeny)
	s.waitView("UCARLA", "Deny")
	s.click("UBEN", "unknown", "ecs_stop_run")
	s.until("form for the word", func() bool { _, open := s.slack.View("UBEN"); return open })
	asked := s.servers("asked", 1)
	s.calm()

	// Who somebody is cannot be found out, so nothing is carried out.
	s.db.Del(s.t.Context(), s.db.Keys(s.t.Context(), s.key("known:*")).Val()...)
	p.kill()
	for _, method := range []string{"users.info", "usergroups.users.list"} {
		s.slack.FailNext(method, 10000, slacksim.Hang)
	}
	p = s.run(bot)
	var all sync.WaitGroup
	for _, act := range []func(){
		func() { s.types("UANNA", asked+" --reason asked") },
		func() { s.types("UBEN", "approve "+s.names["approve-typed"]) },
		func() { s.types("UDORA", "list") },
		func() { s.types("UDORA", "status "+s.names["succeeded"]) },
		func() { s.types("UDORA", "history") },
		func() { s.types("UBEN", "freeze from an envelope") },
		func() { s.click("UBEN", "approve", clickApprove) },
		func() { s.click("UANNA", "cancel", clickCancel) },
		func() { s.click("UANNA", "failed", "ecs_stop_retry") },
		func() { s.click("UANNA", "succeeded", "ecs_stop_start") },
		func() { s.submit("UANNA", "names", preview) },
		func() { s.submit("UDORA") },
		func() { s.submit("UCARLA", "reason", "not this one") },
		func() { s.submit("UBEN", "reason", "I have seen it run") },
	} {
		all.Go(act)
	}
	all.Wait()
	p.kill()
	if n := len(s.db.Keys(s.t.Context(), s.key("i:*")).Val()); n != 14 {
		s.t.Errorf("%d acts are recorded, want 14", n)
	}
	s.names["asked"], s.names["drafted"] = "", ""
}

// TestMakeStored makes the worlds of testdata/stored with the bot of this tree.
// README.md in that folder says when and how.
func TestMakeStored(t *testing.T) {
	if *storeIn == "" {
		t.Fatal("say where to: -store-in; testdata/stored/README.md says how")
	}
	if err := os.MkdirAll(*storeIn, 0o755); err != nil {
		t.Fatal(err)
	}
	folder, err := filepath.Abs(*storeIn)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range makers {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, m.cloud)
			for name, value := range m.env {
				s.env[name] = value
			}
			m.make(s, botProgram(t))
			s.dump(filepath.Join(folder, m.name+".json"), m.about, m.env)
		})
	}
}
