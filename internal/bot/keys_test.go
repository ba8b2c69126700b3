package bot_test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/bot"
	"ecsbot/internal/ecssim"
)

// keyFiles keeps the keys of every bot in files, and returns a function that writes one.
func (w *world) keyFiles() (write func(name, text string)) {
	w.t.Helper()
	dir := w.t.TempDir()
	write = func(name, text string) {
		w.t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path+".new", []byte(text+"\n"), 0o600); err != nil {
			w.t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			w.t.Fatal(err)
		}
	}
	for _, name := range []string{"HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"} {
		write(name, w.env[name])
		w.env[name+"_FILE"] = filepath.Join(dir, name)
		delete(w.env, name)
	}
	return write
}

// signed returns the calls that a key signed, and how many of them were refused.
func (w *world) signed(key string) (all, refused int) {
	for _, c := range w.Cloud.Calls() {
		if c.Key == key {
			all++
			if c.Status == 401 {
				refused++
			}
		}
	}
	return all, refused
}

// signsWith waits until a key signs, and nothing but it.
func (w *world) signsWith(key string) {
	w.t.Helper()
	w.Within(20*time.Second, "call signed with "+key, func() bool {
		calls := w.Cloud.Calls()
		return len(calls) > 0 && calls[len(calls)-1].Key == key
	})
}

// Keys are replaced three times while a job runs and requests come, one file after the
// other, and the old key is revoked when the new one is in use: nobody notices.
func TestKeysInFilesAreReplacedWhileRequestsRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	write := w.keyFiles()
	ids := w.fleet(8)
	w.Cloud.StickServer(ids[0]) // its job is asked for until the end
	s := w.serve()
	s.ready()
	running := w.Ask(anna, "web-1")
	w.Click(ben, running, approve)
	w.Within(10*time.Second, "the stuck job", func() bool { return w.Cloud.StopCount(ids[0]) == 1 })
	old := w.Cloud.Options().AccessKey
	for i := range 3 {
		key, secret := fmt.Sprintf("ROTATEDKEY%d", i), fmt.Sprintf("rotated-secret-%d", i)
		w.Cloud.AddKey(ecssim.Key{AccessKey: key, SecretKey: secret})
		first, second := "HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"
		values := map[string]string{first: key, second: secret}
		if i == 1 {
			first, second = second, first
		}
		write(first, values[first])
		w.Within(20*time.Second, "word in the log", func() bool {
			return len(s.log.lines("level=WARN", "keys for the cloud are not replaced", second+"_FILE still has the old key")) >= 1+i/2
		})
		// A whole request between the two files.
		card := w.Ask(anna, fmt.Sprintf("web-%d", 2*i+2))
		w.Click(ben, card, approve)
		w.outcome(card, "1 server stopped")
		if all, _ := w.signed(key); all != 0 {
			t.Errorf("%s signed %d calls before its secret key was there", key, all)
		}
		write(second, values[second])
		w.signsWith(key)
		time.Sleep(100 * time.Millisecond) // calls under way end
		w.Cloud.RevokeKey(old)
		card = w.Ask(anna, fmt.Sprintf("web-%d", 2*i+3))
		w.Click(ben, card, approve)
		w.outcome(card, "1 server stopped")
		old = key
	}
	for _, c := range w.Cloud.Calls() {
		if c.Status == 401 {
			t.Errorf("%s with %s was refused", c.Op, c.Key)
		}
	}
	w.StopsOf(1, ids[:7]...)
	if n := len(s.log.lines("new keys for the cloud")); n != 3 {
		t.Errorf("the log says %d times that there are new keys", n)
	}
	if len(s.log.lines("rotated-secret")) != 0 || len(s.log.lines(w.Cloud.Options().SecretKey)) != 0 {
		t.Error("a key is in the log")
	}
}

// The old key is revoked at the moment in which the new one is written, and a request is
// approved at the same time: its servers are stopped, once.
func TestAKeyThatIsRevokedAtOnceDoesNotFailARequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	write := w.keyFiles()
	ids := w.fleet(2)
	s := w.serve()
	s.ready()
	card := w.Ask(anna, "web-1 web-2")
	w.Cloud.AddKey(ecssim.Key{AccessKey: "NEWKEY", SecretKey: "new-secret"})
	write("HUAWEICLOUD_SDK_AK", "NEWKEY")
	write("HUAWEICLOUD_SDK_SK", "new-secret")
	w.Cloud.RevokeKey(w.Cloud.Options().AccessKey)
	w.Click(ben, card, approve)
	w.outcome(card, "2 servers stopped")
	w.StopsOf(1, ids...)
	if _, refused := w.signed("NEWKEY"); refused != 0 {
		t.Errorf("%d calls with the new key were refused", refused)
	}
}

// A bot with an agency works through several lives of its keys while a job runs.
func TestTheKeysOfAnAgencyEndWhileRequestsRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	metadata := w.agency(ecssim.MetadataOptions{Life: 4 * time.Second, TokensRequired: true})
	ids := w.fleet(4)
	w.Cloud.StickServer(ids[0])
	s := w.serve()
	s.ready()
	for i := range 3 {
		card := w.Ask(anna, fmt.Sprintf("web-%d", i+1))
		w.Click(ben, card, approve)
		if i > 0 {
			w.outcome(card, "1 server stopped")
		}
		lives := len(metadata.Issued())
		w.Within(30*time.Second, "another life of the keys", func() bool { return len(metadata.Issued()) > lives })
		w.signsWith(metadata.Issued()[lives].AccessKey)
	}
	w.StopsOf(1, ids[:3]...)
	for _, c := range metadata.Calls() {
		if c.Op == ecssim.MetadataKeys && !c.Token {
			t.Error("keys were asked for without a token")
		}
	}
	for _, k := range metadata.Issued() {
		if len(s.log.lines(k.SecretKey)) != 0 || len(s.log.lines(k.SecurityToken)) != 0 {
			t.Error("a key is in the log")
		}
	}
}

// The metadata service is away when somebody asks: nothing is created, the log says
// why, and when it is back the bot works without a restart.
func TestABotWaitsForItsMetadataService(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	metadata := w.agency(ecssim.MetadataOptions{})
	metadata.FailNext("*", 1e6, ecssim.Status(401, "", nil))
	ids := w.fleet(1)
	s := w.serve()
	s.ready()
	heard := w.Hears(anna)
	w.Command(anna, "web-1")
	heard("No request was created")
	if n := len(s.log.lines("level=ERROR", "refuses to give a token (HTTP 401)")); n == 0 {
		t.Error("the log does not say why")
	}
	if n := len(w.Cloud.Calls()); n != 0 {
		t.Errorf("%d calls without keys", n)
	}
	for _, c := range metadata.Calls() {
		if c.Op != ecssim.MetadataToken {
			t.Errorf("after a 401 the service was asked for %s", c.Op)
		}
	}
	metadata.ClearFaults()
	time.Sleep(2 * time.Second) // the pause after a failed question
	card := w.Ask(anna, "web-1")
	w.Click(ben, card, approve)
	w.outcome(card, "1 server stopped")
	w.Stopped(ids...)
}

// agency gives every bot's server an agency, and leaves the bots no other keys.
func (w *world) agency(opts ecssim.MetadataOptions) *ecssim.Metadata {
	w.t.Helper()
	opts.Cloud = w.Cloud
	w.Cloud.RevokeKey(w.Cloud.Options().AccessKey)
	metadata := ecssim.NewMetadata(opts)
	served := httptest.NewServer(metadata.Handler())
	w.t.Cleanup(served.Close)
	w.metadata = served.URL
	delete(w.env, "HUAWEICLOUD_SDK_AK")
	delete(w.env, "HUAWEICLOUD_SDK_SK")
	w.env["ECS_AGENCY"] = "true"
	return metadata
}

func TestAnAgencyAndKeysContradictEachOther(t *testing.T) {
	e := readExample(t)
	without := map[string]string{"ECS_AGENCY": "true", "HUAWEICLOUD_SDK_AK": "", "HUAWEICLOUD_SDK_SK": ""}
	c := e.mustLoad(t, without)
	if want := (bot.Keys{Agency: true}); c.Projects[0].Keys != want {
		t.Errorf("%+v", c.Projects[0].Keys)
	}
	for _, name := range []string{"HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_SECURITY_TOKEN"} {
		for _, set := range []string{name, name + "_FILE"} {
			change := map[string]string{set: "SECRET"}
			for other, value := range without {
				if other != set {
					change[other] = value
				}
			}
			_, err := e.load(change)
			if fault := faultOf(err, set); !strings.Contains(fault, "ECS_AGENCY=true") || strings.Contains(err.Error(), "\n") || strings.Contains(fault, "SECRET") {
				t.Errorf("%s with an agency: %v", set, err)
			}
		}
	}
	if _, err := e.load(map[string]string{"ECS_AGENCY": "perhaps"}); faultOf(err, "ECS_AGENCY") == "" {
		t.Error(err)
	}
}

// The settings keep where a key was read, so that it can be read again.
func TestSettingsKnowTheFilesOfTheKeys(t *testing.T) {
	e := readExample(t)
	dir := t.TempDir()
	change := map[string]string{}
	var paths []string
	for _, name := range []string{"HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_SECURITY_TOKEN"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(" value of "+name+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		change[name], change[name+"_FILE"] = "", path
		paths = append(paths, path)
	}
	c := e.mustLoad(t, change)
	var got []string
	for _, k := range []struct{ path, name, value string }{
		{c.Projects[0].Keys.AccessKey.Path, c.Projects[0].Keys.AccessKey.Name, c.Projects[0].Keys.AccessKey.Value.Reveal()},
		{c.Projects[0].Keys.SecretKey.Path, c.Projects[0].Keys.SecretKey.Name, c.Projects[0].Keys.SecretKey.Value.Reveal()},
		{c.Projects[0].Keys.SecurityToken.Path, c.Projects[0].Keys.SecurityToken.Name, c.Projects[0].Keys.SecurityToken.Value.Reveal()},
	} {
		got = append(got, k.path)
		if !strings.HasSuffix(k.name, "_FILE") || k.value != "value of "+strings.TrimSuffix(k.name, "_FILE") {
			t.Errorf("%+v", k)
		}
	}
	if !slices.Equal(got, paths) {
		t.Errorf("files %q, want %q", got, paths)
	}
}
