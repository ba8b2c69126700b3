package bot_test

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/redistest"
)

// A bot that is started before its Redis answers probes from the first moment,
// says why it is not ready, and serves as soon as Redis is there.
func TestABotThatIsStartedBeforeRedisWaitsForIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.fleet(1)
	w.redis.Kill()
	s := w.serve()

	causes := s.notReady("Redis does not answer", "no Slack socket")
	if n := strings.Count(strings.TrimSpace(causes), "\n") + 1; n != 3 || !strings.Contains(causes, "\nsettings ") {
		t.Errorf("%d lines for 2 causes and the settings:\n%s", n, causes)
	}
	if strings.Contains(causes, w.redis.Dir()) {
		t.Errorf("/readyz tells where Redis is: %s", causes)
	}
	w.Within(5*time.Second, "word in the log", func() bool { return len(s.log.lines("waiting for Redis", "level=WARN", w.redis.Dir())) == 1 })

	w.redis.Restart()
	s.ready()
	card := w.Ask(anna, "web-1")
	w.Click(ben, card, approve)
	w.Reply(card, "<@UANNA>", "1 server stopped")
	w.Stopped(ids[0])

	// It says so again when Redis goes while it works, and gets well by itself.
	w.redis.Kill()
	if causes := s.notReady("Redis does not answer"); strings.Contains(causes, w.redis.Dir()) || strings.Contains(causes, "socket") {
		t.Errorf("/readyz says %q", causes)
	}
	w.redis.Restart()
	s.ready()
}

// A Redis that does not let the bot in is logged as an error, with each new cause,
// and nothing of the password is shown. When it is put right, the bot serves.
func TestABotWithAWrongPasswordSaysSoAndWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.redis.Client()
	defer c.Close()
	set := func(args ...any) {
		t.Helper()
		if err := c.Do(t.Context(), append([]any{"ACL", "SETUSER", "bot"}, args...)...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	set("on", ">other", "~*", "+@all")
	w.env["REDIS_URL"] = strings.Replace(w.redis.URL(), "unix://", "unix://bot:pa55word@", 1)
	s := w.serve()

	causes := s.notReady("Redis refuses the user name or the password in REDIS_URL")
	w.Within(5*time.Second, "error in the log", func() bool { return len(s.log.lines("level=ERROR", "waiting for Redis", "WRONGPASS")) == 1 })

	// With the right password the rights are missing, first of all, then of scripts.
	set(">pa55word", "-@all", "+info", "+hello", "+client")
	s.notReady("Redis does not permit", "docs/redis.md")
	w.Within(5*time.Second, "error in the log", func() bool { return len(s.log.lines("level=ERROR", "waiting for Redis", "NOPERM")) == 1 })
	set("+set")
	w.Within(5*time.Second, "error in the log", func() bool { return len(s.log.lines("level=ERROR", "waiting for Redis", "evalsha")) >= 1 })
	s.notReady("Redis does not permit", "docs/redis.md")
	if n := w.Slack.Connections(); n != 0 {
		t.Errorf("%d sockets are up, though nothing that comes over them can be recorded", n)
	}

	set("+@all")
	s.ready()
	if n := len(s.log.lines("waiting for Redis")); n != 3 {
		t.Errorf("the log has %d words about Redis, want one for each cause:\n%s", n, s.log.lines("waiting for Redis"))
	}
	if strings.Contains(causes, "pa55word") || len(s.log.lines("pa55word")) != 0 {
		t.Error("the password is shown")
	}
}

// Many probes at once are not as many writes to Redis, and the key that they
// write is one of the project's.
func TestReadinessIsLookedUpOnceASecond(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.serve()
	s.ready()
	c := w.redis.Client()
	defer c.Close()
	before := setCalls(t, w.redis)
	began := time.Now()
	const probes = 300
	for range probes {
		if code, said := s.get("/readyz"); code != http.StatusOK {
			t.Fatalf("not ready any more: %s", said)
		}
	}
	wrote, most := setCalls(t, w.redis)-before, int(time.Since(began)/time.Second)+1
	if wrote > most+1 { // the bot may have set another string meanwhile
		t.Errorf("%d probes within %v were %d writes, at most %d are needed", probes, time.Since(began).Round(time.Millisecond), wrote, most)
	}
	for _, key := range w.keys("*") {
		if !strings.HasPrefix(key, "{p:"+w.env["HUAWEICLOUD_SDK_PROJECT_ID"]+"}:") {
			t.Errorf("%s is not a key of the project", key)
		}
	}
}

var setStat = regexp.MustCompile(`cmdstat_set:calls=(\d+)`)

func setCalls(t *testing.T, r *redistest.Server) int {
	t.Helper()
	c := r.Client()
	defer c.Close()
	info, err := c.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	if m := setStat.FindStringSubmatch(info); m != nil {
		fmt.Sscan(m[1], &n)
	}
	return n
}

var aclLine = regexp.MustCompile(`(?m)^ACL SETUSER ecsbot on >PASSWORD (.*)$`)

// The access rules that docs/redis.md states are enough for a request from its
// card to its end, and for a restart.
func TestTheAccessRulesOfTheManualAreEnough(t *testing.T) {
	t.Parallel()
	manual, err := os.ReadFile("../../docs/redis.md")
	if err != nil {
		t.Fatal(err)
	}
	m := aclLine.FindStringSubmatch(string(manual))
	if m == nil {
		t.Fatal("docs/redis.md has no rules")
	}
	w := newWorld(t)
	ids := w.fleet(2)
	rules := []any{"ACL", "SETUSER", "ecsbot", "on", ">pa55word"}
	for rule := range strings.FieldsSeq(strings.ReplaceAll(m[1], "PROJECT_ID", w.env["HUAWEICLOUD_SDK_PROJECT_ID"])) {
		rules = append(rules, rule)
	}
	c := w.redis.Client()
	defer c.Close()
	if err := c.Do(t.Context(), rules...).Err(); err != nil {
		t.Fatal(err)
	}
	w.env["REDIS_URL"] = strings.Replace(w.redis.URL(), "unix://", "unix://ecsbot:pa55word@", 1)
	for i, name := range []string{"web-1", "web-2"} {
		s := w.serve()
		s.ready()
		card := w.Ask(anna, name+" --reason 'by the manual'")
		w.Click(ben, card, approve)
		w.Reply(card, "<@UANNA>", "1 server stopped")
		w.Stopped(ids[i])
		w.Command(anna, "history")
		w.Private(anna, "Last", requestID(card))
		s.stop()
	}
	refused, err := c.Do(t.Context(), "ACL", "LOG").Slice()
	if err != nil || len(refused) != 0 {
		t.Errorf("Redis refused something: %v, %v", refused, err)
	}
}
