package ecsclient

import (
	"testing"
	"testing/synctest"
	"time"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/secret"
)

// cloudWith is a simulated cloud with two running servers, and a client whose keys come
// from a source.
func cloudWith(t *testing.T, source Source) (*ecssim.Cloud, *Client) {
	t.Helper()
	cloud := ecssim.New(ecssim.Options{AccessKey: "AK1", SecretKey: "SK1"})
	t.Cleanup(cloud.Close)
	cloud.Add(ecssim.Server{ID: "a", Name: "web-1"}, ecssim.Server{ID: "b", Name: "web-2"})
	return cloud, clientIn(t, cloud, source)
}

func clientIn(t *testing.T, cloud *ecssim.Cloud, source Source) *Client {
	t.Helper()
	c, err := New(Config{Endpoint: "http://ecs", ProjectID: cloud.Options().ProjectID, Credentials: source, Transport: cloud.Transport()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// signers returns the access keys that signed the calls from the nth on.
func signers(cloud *ecssim.Cloud, n int) (keys []string) {
	for _, c := range cloud.Calls()[n:] {
		keys = append(keys, c.Key)
	}
	return keys
}

func stopIn(t *testing.T, c *Client, id string) error {
	t.Helper()
	slot, err := c.Slot(t.Context())
	if err != nil {
		return err
	}
	_, err = slot.Stop(t.Context(), []string{id}, Soft, time.Now().Add(time.Minute))
	return err
}

// Keys are replaced and the old ones revoked at the same moment, in the middle of
// things: a read finds the new ones by itself, and a stop is worth repeating.
func TestKeysThatAreRevokedAsTheyAreReplaced(t *testing.T) {
	for _, what := range []string{"read", "stop"} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newKeyDir(t, "AK1", "SK1")
				cloud, c := cloudWith(t, d.source)
				if _, err := c.ListServers(t.Context(), Filter{}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Hour)
				d.write("ak", "AK2")
				d.write("sk", "SK2")
				cloud.AddKey(ecssim.Key{AccessKey: "AK2", SecretKey: "SK2"})
				cloud.RevokeKey("AK1")
				if what == "read" {
					if _, err := c.ListServers(t.Context(), Filter{}); err != nil {
						t.Error(err)
					}
					return
				}
				err := stopIn(t, c, "a")
				e, ok := err.(*Error)
				if !ok || e.Verdict != NotAccepted || e.Status != 401 || e.RetryAfter != time.Second {
					t.Fatalf("the stop: %v", err)
				}
				time.Sleep(e.RetryAfter)
				if err := stopIn(t, c, "a"); err != nil {
					t.Error(err)
				}
				if n := cloud.StopCount("a"); n != 1 {
					t.Errorf("stopped %d times", n)
				}
			})
		})
	}
}

// After two refusals nothing is sent for five minutes with a key; another key may work.
func TestNewKeysEndThePauseOfTheOldOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newKeyDir(t, "AK0", "SK0")
		cloud, c := cloudWith(t, d.source)
		list := func() Verdict {
			_, err := c.ListServers(t.Context(), Filter{})
			if err == nil {
				return -1
			}
			return VerdictOf(err)
		}
		for range 5 {
			if got := list(); got != Authentication {
				t.Fatalf("verdict %v", got)
			}
		}
		if n := len(cloud.Calls()); n != maxFailures {
			t.Errorf("%d calls with a wrong key", n)
		}
		time.Sleep(10 * time.Second)
		d.write("ak", "AK1")
		d.write("sk", "SK1")
		time.Sleep(2 * time.Second)
		if got := list(); got != -1 {
			t.Errorf("verdict %v with new keys", got)
		}
	})
}

// The old key is revoked while only half of the new one is there: the half does not sign
// with the old secret key, which has worked and so belongs to the old access key.
func TestHalfOfAKeyDoesNotSignAfterARevocation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newKeyDir(t, "AK1", "SK1")
		cloud, c := cloudWith(t, d.source)
		list := func() error {
			_, err := c.ListServers(t.Context(), Filter{})
			return err
		}
		if err := list(); err != nil {
			t.Fatal(err)
		}
		cloud.RevokeKey("AK1")
		cloud.AddKey(ecssim.Key{AccessKey: "AK2", SecretKey: "SK2"})
		d.write("ak", "AK2")
		for range 10 {
			if list() == nil {
				t.Error("a revoked key works")
			}
			time.Sleep(10 * time.Second)
		}
		for _, key := range signers(cloud, 0) {
			if key != "AK1" {
				t.Fatalf("%s signed with another secret key", key)
			}
		}
		if n := len(cloud.Calls()); n != 1+maxFailures {
			t.Errorf("%d calls", n)
		}
		d.write("sk", "SK2")
		time.Sleep(2 * time.Second)
		if err := list(); err != nil {
			t.Error(err)
		}
	})
}

func keysNamed(ak, sk string) Credentials {
	return Credentials{AccessKey: ak, SecretKey: secret.New(sk)}
}

func TestALockoutIsOfOneAccessKey(t *testing.T) {
	now := time.Unix(0, 0)
	one, two := keysNamed("AK1", "SK1"), keysNamed("AK2", "SK2")
	var l lockout
	may := func(keys Credentials) (entry, bool) {
		e, pause, busy := l.enter(now, keys)
		return e, pause == 0 && busy == nil
	}
	refused := func(keys Credentials) {
		t.Helper()
		e, ok := may(keys)
		if !ok {
			t.Fatal("held back")
		}
		l.failed(now, e)
		e.leave()
	}
	refused(one)
	refused(one)
	if _, ok := may(one); ok {
		t.Error("the key is used after two refusals")
	}
	if _, ok := may(keysNamed("AK1", "SK2")); ok {
		t.Error("another secret key for the same access key ends the pause")
	}
	e, ok := may(two)
	if !ok {
		t.Fatal("the new key inherits the pause")
	}
	e.leave()

	// A probe with the old key does not hold the new one back, and its answers are not
	// about the new one.
	l = lockout{}
	old, _ := may(one)
	probe, ok := may(two)
	if !ok {
		t.Fatal("a call with the old key holds back the new one")
	}
	l.failed(now, old)
	l.failed(now, old)
	old.leave()
	if _, _, busy := l.enter(now, two); busy == nil {
		t.Error("the end of the old probe ended the new one")
	}
	probe.leave()
	l.passed(old)
	if l.good {
		t.Error("an answer to the old key says that the new one works")
	}
	refused(two)
	refused(two)
	if _, ok := may(two); ok {
		t.Error("the new key has no pause of its own")
	}
}

// The keys end in the middle of the night, and every request is signed with some that
// are valid.
func TestRequestsAreSignedWithTheAgencysCurrentKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud, _ := cloudWith(t, Fixed(keysNamed("x", "x")))
		cloud.RevokeKey("AK1")
		metadata := ecssim.NewMetadata(ecssim.MetadataOptions{Cloud: cloud, TokensRequired: true})
		c := clientIn(t, cloud, Agency(AgencyConfig{Transport: metadata.Transport()}))
		for range 10 * 24 {
			if _, err := c.ListServers(t.Context(), Filter{}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
		}
		used := map[string]bool{}
		for _, key := range signers(cloud, 0) {
			used[key] = true
		}
		if len(used) < 10 {
			t.Errorf("%d keys in ten days", len(used))
		}

		// Without the metadata service and without keys nothing is sent, and nothing is
		// said of servers.
		metadata.FailNext("*", 1e6, ecssim.ResetBefore)
		time.Sleep(24 * time.Hour)
		sent := len(cloud.Calls())
		_, err := c.ListServers(t.Context(), Filter{})
		if VerdictOf(err) != NotAccepted {
			t.Errorf("list: %v", err)
		}
		if err := stopIn(t, c, "a"); VerdictOf(err) != NotAccepted {
			t.Errorf("stop: %v", err)
		}
		if len(cloud.Calls()) != sent || cloud.StopCount("a") != 0 {
			t.Error("something was sent without keys")
		}
	})
}

// A slot is taken, and then the keys end: the stop is not sent, and does not wait long
// for others, because its intent would become too old.
func TestAStopDoesNotWaitForKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud, _ := cloudWith(t, Fixed(keysNamed("x", "x")))
		metadata := ecssim.NewMetadata(ecssim.MetadataOptions{Cloud: cloud})
		c := clientIn(t, cloud, Agency(AgencyConfig{Transport: metadata.Transport()}))
		slot, err := c.Slot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(24 * time.Hour)
		metadata.FailNext("*", 1, ecssim.Hang)
		began := time.Now()
		_, err = slot.Stop(t.Context(), []string{"a"}, Soft, time.Now().Add(time.Minute))
		if VerdictOf(err) != NotAccepted || time.Since(began) != keyPatience {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		if err := stopIn(t, c, "a"); err != nil || cloud.StopCount("a") != 1 {
			t.Errorf("the next one: %v, stopped %d times", err, cloud.StopCount("a"))
		}
	})
}
