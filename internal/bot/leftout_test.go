package bot_test

import (
	"strings"
	"testing"
	"time"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/jobs"
	"ecsbot/internal/slacksim"
)

// headingOf returns the heading (the last line that is no item of a list) above the
// line that names a server by its id.
func headingOf(text, id string) string {
	head := ""
	for l := range strings.SplitSeq(text, "\n") {
		if strings.Contains(l, id) {
			return head
		}
		if !strings.HasPrefix(l, "•") && strings.TrimSpace(l) != "" {
			head = l
		}
	}
	return ""
}

func TestServersThatCannotBeStoppedAreLeftOutAndNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "SLACK_BLOCKS", "classic", "PROTECTED_SERVERS", "DB-*,"+uuid(9), "PROTECTED_TAGS", "keep,env=prod")
	off := server(2, "off-1")
	off.Status, off.VMState = "SHUTOFF", "stopped"
	locked := server(4, "locked-1")
	locked.Locked = true
	broken := server(10, "broken-1")
	broken.Status = "ERROR"
	w.Cloud.Add(server(1, "fit-1"), off, server(3, "going-1"), locked, server(12, "metal-1", ecssim.BareMetalTag), server(5, "busy-1"), server(6, "db-1"), server(7, "vip-1", "keep=yes"),
		server(8, "prod-1", "env=prod"), server(9, "by-id-1"), broken, server(11, "near-1", "env=production"),
		server(21, "late-off"), server(22, "late-locked"), server(23, "late-busy"), server(24, "late-gone"),
		server(25, "late-keep"), server(26, "late-prod", "env=dev"), server(27, "late-db"))
	w.start(nil)
	w.busy(uuid(5))
	w.Cloud.StickServer(uuid(3))
	w.stopElsewhere(uuid(3))

	heard := w.Hears(anna)
	card := w.Ask(anna, "fit-1 off-1 going-1 locked-1 busy-1 db-1 vip-1 prod-1 by-id-1 broken-1 metal-1 near-1 --tag env=dev late-*")
	text, private := slacksim.PlainText(card), heard("created", "Skipped")
	for _, want := range []string{
		"Skipped 10: 4 protected (by-id-1, db-1, prod-1 and 1 more)", "1 already stopped (off-1)", "1 already being stopped (going-1)",
		"1 locked in the cloud (locked-1)", "1 busy with another task (busy-1)", "1 in a state that can't be stopped (broken-1)", "1 bare metal, not supported (metal-1)",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the card does not say %q:\n%s", want, text)
		}
		if !strings.Contains(private, want) {
			t.Errorf("the requester is not told %q:\n%s", want, private)
		}
	}
	if !holds(text, "Stop 9 servers") {
		t.Errorf("the card does not ask for 9 servers:\n%s", text)
	}

	// Between the card and the decision the world goes on.
	for _, err := range []error{
		w.Cloud.StopByHand(uuid(21)), w.Cloud.Lock(uuid(22), true), w.Cloud.Delete(uuid(24)),
		w.Cloud.SetTags(uuid(25), "keep"), w.Cloud.SetTags(uuid(26), "env=prod"), w.Cloud.Rename(uuid(27), "db-2"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	w.busy(uuid(23))
	w.Click(ben, card, approve)
	end := w.Reply(card, "<@UANNA>", "2 stopped", "1 found stopped", "6 skipped")
	w.Stopped(uuid(1), uuid(11))
	for name, why := range map[string]string{
		"fit-1": "Stopped and verified (2)", "near-1": "Stopped and verified (2)", "late-off": "Skipped, already stopped (1)", "late-locked": "locked", "late-busy": "busy", "late-gone": "no longer exists",
		"late-keep": "protected (3)", "late-prod": "protected (3)", "db-2": "protected (3)",
	} {
		if line := lineOf(end, name); !strings.Contains(line, why) {
			t.Errorf("the outcome says of %s %q, want %q", name, line, why)
		}
	}
	for n := 2; n <= 27; n++ {
		if n != 3 && n != 11 {
			w.Untouched(uuid(n))
		}
	}
	if n := len(w.Stops()); n != 2 || w.Cloud.StopCount(uuid(3)) != 1 {
		t.Errorf("%d stop calls, want somebody else's and ours", n)
	}
	w.CardSays(card, "2 stopped", "skipped")
}

func TestNothingIsSentIfNothingIsLeftToStop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(2)
	w.start(nil)
	card := w.Ask(anna, "web-*")
	for _, id := range ids {
		w.Cloud.StopByHand(id)
	}
	w.Click(ben, card, approve)
	w.Reply(card, "<@UANNA>", "2 of 2 servers are stopped", "no job confirms", "web-1 | found stopped | – | already stopped", "web-2 | found stopped")
	w.Untouched(ids...)
}

func TestWhatFailsIsNamedWithTheCloudsOwnWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "SLACK_BLOCKS", "classic")
	ids := w.fleet(7)
	w.start(nil)
	w.Cloud.FailServer(ids[1], "Ecs.0810", "The guest did not shut down <in time> & was left running.")

	t.Run("one server of three", func(t *testing.T) {
		w := w.in(t)
		card := w.Ask(anna, "web-1 web-2 web-3")
		w.Click(ben, card, approve)
		end := w.Reply(card, "<@UANNA>", "2 of 3 servers stopped", "1 failed")
		if l := lineOf(end, ids[1]); !holds(l, "web-2", "Ecs.0810", "The guest did not shut down &lt;in time&gt; &amp; was left running.") || !strings.Contains(headingOf(end, ids[1]), "Failed") {
			t.Errorf("the outcome says of the failed server %q below %q", l, headingOf(end, ids[1]))
		}
		if strings.Index(end, "Failed (1)") > strings.Index(end, "Stopped and verified (2)") {
			t.Error("what failed does not come first")
		}
		w.Stopped(ids[0], ids[2])
		if w.Status(ids[1]) != "ACTIVE" || w.Cloud.StopCount(ids[1]) != 1 {
			t.Errorf("the failed server is %s after %d stops", w.Status(ids[1]), w.Cloud.StopCount(ids[1]))
		}
		w.CardSays(card, "1 failed")
	})
	t.Run("the whole job", func(t *testing.T) {
		w := w.in(t)
		w.Cloud.FailJob("Ecs.0013", "The quota of tasks is used up.")
		card := w.Ask(anna, "web-4 web-5")
		w.Click(ben, card, approve)
		end := w.Reply(card, "<@UANNA>", "no server was stopped", "2 failed")
		for _, id := range ids[3:5] {
			if !holds(lineOf(end, id), "Ecs.0013", "The quota of tasks is used up.") {
				t.Errorf("the outcome says %q", lineOf(end, id))
			}
			if w.Status(id) != "ACTIVE" {
				t.Errorf("%s is %s", id, w.Status(id))
			}
		}
		w.CardSays(card, "Failed")
		// The servers are free again.
		again := w.Ask(anna, "web-4")
		w.Click(ben, again, approve)
		w.Reply(again, "<@UANNA>", "1 server stopped")
	})
	t.Run("the whole call", func(t *testing.T) {
		w := w.in(t)
		w.Cloud.FailNext("stop", 1, ecssim.Refuse(403, "Ecs.0008", "You have no right to do this."))
		card := w.Ask(anna, "web-6 web-7")
		w.Click(ben, card, approve)
		end := w.Reply(card, "<@UANNA>", "no server was stopped", "2 failed")
		if !holds(lineOf(end, ids[5]), "Ecs.0008", "You have no right to do this.") {
			t.Errorf("the outcome says %q", lineOf(end, ids[5]))
		}
		w.refused(ids[5], ids[6])
	})
}

// refused checks that no accepted stop named one of the servers.
func (w *world) refused(ids ...string) {
	w.t.Helper()
	for _, id := range ids {
		if n := w.Cloud.StopCount(id); n != 0 || w.Status(id) != "ACTIVE" {
			w.t.Errorf("server %s was stopped %d times and is %s", id, n, w.Status(id))
		}
	}
}

func TestJobsWithoutEndAreToldTruly(t *testing.T) {
	t.Parallel()
	w := slow(t, "SLACK_BLOCKS", "classic", "JOB_DEADLINE", "1s")
	ids := w.fleet(5)
	w.start(func(c *jobs.Config) {
		fast(c)
		c.MaxJobAge, c.GiveUp = 4*time.Second, 2*time.Minute
	})
	// The job never ends, though its servers are stopped.
	w.Cloud.StickJobs(1)
	stuckJob := w.Ask(anna, "web-1")
	w.Click(ben, stuckJob, approve)
	w.Reply(stuckJob, "Sent to Huawei Cloud")
	// A server never stops.
	w.Cloud.StickServer(ids[1])
	stuckServer := w.Ask(anna, "web-2 web-3")
	w.Click(ben, stuckServer, approve)
	w.Reply(stuckServer, "Sent to Huawei Cloud")
	// The cloud forgets a job under way, and all of it goes well.
	vanished := w.Ask(anna, "web-4")
	w.Click(ben, vanished, approve)
	w.Reply(vanished, "Sent to Huawei Cloud")
	w.Cloud.VanishJob(w.Stops()[2].JobID)
	// The cloud forgets a job under way, and its server goes on running.
	w.Cloud.FailServer(ids[4], "Ecs.0810", "no")
	lost := w.Ask(anna, "web-5")
	w.Click(ben, lost, approve)
	w.Reply(lost, "Sent to Huawei Cloud")
	w.Cloud.VanishJob(w.Stops()[3].JobID)

	t.Run("a forgotten job, servers off", func(t *testing.T) {
		w := w.in(t)
		end := w.Reply(vanished, "<@UANNA>", "1 server is stopped")
		if head := lineOf(end, "web-4"); !strings.Contains(head, "no job confirms it") {
			t.Errorf("a server whose job was forgotten stands below %q", head)
		}
		w.Stopped(ids[3])
	})
	t.Run("a forgotten job, the server runs", func(t *testing.T) {
		w := w.in(t)
		end := w.Reply(lost, "<@UANNA>", "state of 1 server is unknown", "Check it in the Huawei Cloud console")
		if l := lineOf(end, ids[4]); !holds(l, "web-5", "running") || strings.Contains(end, "1 stopped") {
			t.Errorf("of a server that runs and whose job was forgotten it says %q", l)
		}
		if n := w.Cloud.StopCount(ids[4]); n != 1 {
			t.Errorf("it was stopped %d times", n)
		}
	})
	t.Run("a job that never ends, though its parts do", func(t *testing.T) {
		w := w.in(t)
		end := w.Reply(stuckJob, "<@UANNA>", "1 server stopped")
		if strings.Contains(end, "found stopped") {
			t.Errorf("a server whose part of the job is over is told as %q", end)
		}
		w.Stopped(ids[0])
		if n := w.Count(stuckJob, "still running after"); n != 0 {
			t.Errorf("%d messages say that the job is overdue", n)
		}
	})
	t.Run("a server that never stops", func(t *testing.T) {
		w := w.in(t)
		late := w.Reply(stuckServer, "still running after", w.Stops()[1].JobID, "1 server left", "post the result here")
		if strings.Contains(late, "after 0") {
			t.Errorf("no time at all is too late: %s", late)
		}
		if n := w.Count(stuckServer, "still running after"); n != 1 {
			t.Errorf("%d messages say that the job is overdue", n)
		}
		if n := w.Count(stuckServer, "<@UANNA>", requestID(stuckServer)+": "); n != 0 {
			t.Errorf("an end was told before it came:\n%s", w.Transcript())
		}
		w.CardSays(stuckServer, "Stopping")
		w.Cloud.StopByHand(ids[1])
		w.Reply(stuckServer, "<@UANNA>", "2 of 2 servers are stopped")
		w.Stopped(ids[2])
	})
}
