package ecsclient

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ecsbot/internal/ecssim"
)

// server is an ECS with an agency, in a bubble.
type server struct {
	t        *testing.T
	metadata *ecssim.Metadata
	source   Source
	log      *bytes.Buffer
}

func newServer(t *testing.T, opts ecssim.MetadataOptions) *server {
	s := &server{t: t, metadata: ecssim.NewMetadata(opts), log: &bytes.Buffer{}}
	s.source = Agency(AgencyConfig{Metadata: "http://metadata/", Transport: s.metadata.Transport(), Log: slog.New(slog.NewTextHandler(s.log, nil))})
	return s
}

// keys returns the keys in use, which have to be there and must not have ended.
func (s *server) keys() Credentials {
	s.t.Helper()
	keys, err := s.source.current(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, k := range s.metadata.Issued() {
		if k.AccessKey == keys.AccessKey {
			if !time.Now().Before(k.Ends) || k.SecretKey != keys.SecretKey.Reveal() || k.SecurityToken != keys.SecurityToken.Reveal() {
				s.t.Errorf("signs at %v with %s, which ends at %v", time.Now(), k.AccessKey, k.Ends)
			}
		}
	}
	return keys
}

// fails returns the error of a request that gets no keys.
func (s *server) fails() error {
	s.t.Helper()
	keys, err := s.source.current(s.t.Context())
	if err == nil {
		s.t.Fatalf("there are keys: %s", keys.AccessKey)
	}
	return err
}

// calls returns what the metadata service was asked for since it was called last.
func (s *server) calls() (since func() string) {
	seen := 0
	return func() string {
		var ops []string
		all := s.metadata.Calls()
		for _, c := range all[seen:] {
			op := c.Op
			if c.Token {
				op += "+"
			}
			ops = append(ops, op)
		}
		seen = len(all)
		return strings.Join(ops, " ")
	}
}

func (s *server) logged(n int, words string) {
	s.t.Helper()
	if got := strings.Count(s.log.String(), words); got != n {
		s.t.Errorf("%q is logged %d times, want %d:\n%s", words, got, n, s.log)
	}
}

func TestManyRequestsGetKeysWithOneQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, ecssim.MetadataOptions{TokensRequired: true})
		calls := s.calls()
		s.metadata.FailNext(ecssim.MetadataToken, 1, ecssim.Delay(time.Second))
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() { s.keys() })
		}
		all.Wait()
		if got := calls(); got != "token keys+" {
			t.Errorf("asked for %s", got)
		}
	})
}

// New keys are there an hour before the old ones end, not earlier, and nothing is asked
// for between.
func TestKeysAreRefreshedAnHourBeforeTheyEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, ecssim.MetadataOptions{TokensRequired: true})
		calls := s.calls()
		for day := range 5 {
			first := s.keys()
			if got := calls(); day == 0 && got != "token keys+" || day > 0 && got != "" {
				t.Errorf("day %d: asked for %q", day, got)
			}
			time.Sleep(23*time.Hour - time.Millisecond)
			if s.keys() != first || calls() != "" {
				t.Errorf("day %d: keys were replaced early", day)
			}
			time.Sleep(time.Millisecond)
			if s.keys() == first {
				t.Errorf("day %d: keys were not replaced an hour before their end", day)
			}
			if got := calls(); got != "token keys+" {
				t.Errorf("day %d: asked for %q", day, got)
			}
		}
		if s.log.Len() != 0 {
			t.Errorf("the log has\n%s", s.log)
		}
	})
}

// The service has no new keys until shortly before the end of the old ones: it is asked
// again, but not with every request.
func TestKeysThatAreNotNewYetAreAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, ecssim.MetadataOptions{Life: time.Hour, Renew: time.Minute})
		calls := s.calls()
		first := s.keys()
		asked := 0
		for s.keys() == first {
			time.Sleep(100 * time.Millisecond)
			asked += strings.Count(calls(), "keys+")
		}
		if asked > 6 {
			t.Errorf("asked %d times", asked)
		}
	})
}

// While no new keys are to be had, the old ones are used to their end; then requests
// fail with the cause; and when the service is back, they go on.
func TestOldKeysAreUsedUntilTheyEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, ecssim.MetadataOptions{Life: 24 * time.Hour})
		calls := s.calls()
		first := s.keys()
		calls()
		s.metadata.FailNext("*", 1e6, ecssim.Status(500, "", nil))
		time.Sleep(23 * time.Hour)
		asked := 0
		for range 60 * 60 {
			if s.keys() != first {
				t.Fatal("other keys")
			}
			time.Sleep(time.Second)
			asked += len(strings.Fields(calls()))
		}
		if asked < 50 || asked > 140 {
			t.Errorf("asked %d times in the last hour, want about once a minute, and more often at the end", asked)
		}
		s.logged(1, "level=WARN")
		for range 10 {
			if err := s.fails(); !strings.Contains(err.Error(), "HTTP 500") {
				t.Error(err)
			}
		}
		s.logged(1, "level=ERROR")
		s.metadata.ClearFaults()
		time.Sleep(noKeysRetry)
		if s.keys() == first {
			t.Error("keys that have ended are used")
		}
		s.logged(1, "keys of the agency again")
	})
}

func TestWhatTheMetadataServiceMayAnswer(t *testing.T) {
	const secretPart = "S3CR3TPART"
	says := func(status int, body string) ecssim.Fault { return ecssim.Status(status, body, nil) }
	credential := func(fields string) string { return `{"credential":{` + fields + `}}` }
	for _, tt := range []struct {
		name  string
		op    string
		fault ecssim.Fault
		calls string
		words string
	}{
		{"token refused", "token", says(401, secretPart), "token", "refuses to give a token (HTTP 401) and is not asked without one"},
		{"token forbidden", "token", says(403, secretPart), "token", "refuses to give a token (HTTP 403)"},
		{"token, 500", "token", says(500, secretPart), "token", "does not give a token (HTTP 500)"},
		{"token, 503", "token", says(503, secretPart), "token", "does not give a token (HTTP 503)"},
		{"token elsewhere", "token", ecssim.Status(302, "", map[string]string{"Location": "http://evil/"}), "token", "HTTP 302"},
		{"no token in it", "token", says(200, " \n"), "token", "a token that cannot be one"},
		{"a page for a token", "token", says(200, "<html>\n"+secretPart+"\r\nX: y</html>"), "token", "a token that cannot be one"},
		{"no connection", "token", ecssim.ResetBefore, "token", "http://metadata does not answer"},
		{"silence", "token", ecssim.Hang, "token", "http://metadata does not answer"},
		{"keys refused", "keys", says(401, secretPart), "token keys+", "HTTP 401); give the server an agency"},
		{"no keys", "keys", says(404, secretPart), "token keys+", "HTTP 404); give the server an agency"},
		{"keys, 502", "keys", says(502, secretPart), "token keys+", "does not give keys of the agency (HTTP 502)"},
		{"keys elsewhere", "keys", ecssim.Status(307, "", map[string]string{"Location": "http://evil/"}), "token keys+", "HTTP 307"},
		{"half of the keys", "keys", ecssim.BrokenJSON, "token keys+", "not readable JSON"},
		{"no JSON", "keys", says(200, "<html>"+secretPart+"</html>"), "token keys+", "not readable JSON"},
		{"too much", "keys", says(200, strings.Repeat(secretPart, maxMetadata)), "token keys+", "more than"},
		{"nothing", "keys", says(200, "{}"), "token keys+", "incomplete keys"},
		{"no security token", "keys", says(200, credential(`"access":"A","secret":"`+secretPart+`","expires_at":"2030-01-01T00:00:00Z"`)), "token keys+", "incomplete keys"},
		{"no end", "keys", says(200, credential(`"access":"A","secret":"`+secretPart+`","securitytoken":"T"`)), "token keys+", "when the keys end"},
		{"strange end", "keys", says(200, credential(`"access":"A","secret":"S","securitytoken":"T","expires_at":"`+secretPart+`"`)), "token keys+", "when the keys end"},
		{"over", "keys", says(200, credential(`"access":"A","secret":"`+secretPart+`","securitytoken":"T","expires_at":"1999-01-01T00:00:00.000000Z"`)), "token keys+", "have ended; check this machine's clock"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t, ecssim.MetadataOptions{})
				calls := s.calls()
				s.metadata.FailNext(tt.op, 1, tt.fault)
				began := time.Now()
				err := s.fails()
				if took := time.Since(began); took > metadataPatience { // the bubble's time
					t.Errorf("took %v", took)
				}
				if !strings.Contains(err.Error(), tt.words) {
					t.Errorf("%q does not say %q", err, tt.words)
				}
				if strings.Contains(err.Error()+s.log.String(), secretPart) {
					t.Errorf("the answer is repeated: %v\n%s", err, s.log)
				}
				if got := calls(); got != tt.calls {
					t.Errorf("asked for %q, want %q", got, tt.calls)
				}
				s.logged(1, "level=ERROR")
				if again := s.fails(); !errors.Is(again, err) || calls() != "" {
					t.Errorf("the next request asks at once, or says %v", again)
				}
				time.Sleep(noKeysRetry)
				s.keys()
			})
		})
	}
}

// Some regions have no tokens. A service that has given one has them.
func TestTheModeWithoutATokenIsForRegionsThatHaveNoOther(t *testing.T) {
	for _, status := range []int{404, 405} {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t, ecssim.MetadataOptions{NoTokens: true})
			calls := s.calls()
			s.metadata.FailNext(ecssim.MetadataToken, 1, ecssim.Status(status, "", nil))
			s.keys()
			if got := calls(); got != "token keys" {
				t.Errorf("asked for %s", got)
			}
		})
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t, ecssim.MetadataOptions{})
			calls := s.calls()
			first := s.keys()
			calls()
			time.Sleep(23 * time.Hour)
			s.metadata.FailNext(ecssim.MetadataToken, 1, ecssim.Status(status, "", nil))
			if s.keys() != first || calls() != "token" {
				t.Error("asked without a token after there was one")
			}
			s.logged(1, "gives no token any more")
		})
	}
	// Where a token is required, the other mode is refused, and that is the end of it.
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, ecssim.MetadataOptions{NoTokens: true, TokensRequired: true})
		if err := s.fails(); !strings.Contains(err.Error(), "HTTP 401") {
			t.Error(err)
		}
	})
}

// One request waits for new keys; the others have no reason to.
func TestOnlyOneRequestWaitsForNewKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, ecssim.MetadataOptions{})
		first := s.keys()
		time.Sleep(23 * time.Hour)
		s.metadata.FailNext(ecssim.MetadataToken, 1, ecssim.Hang)
		began := time.Now()
		waited := make(chan time.Duration, 1)
		go func() { s.keys(); waited <- time.Since(began) }()
		synctest.Wait()
		for range 100 {
			if s.keys() != first {
				t.Error("other keys")
			}
		}
		if time.Since(began) != 0 {
			t.Errorf("the others waited %v", time.Since(began))
		}
		if got := <-waited; got != metadataPatience {
			t.Errorf("the one that asked waited %v", got)
		}
	})
}

// A request that is given up does not wait, and says nothing of the service.
func TestARequestThatIsGivenUpLeavesTheQuestionToTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, ecssim.MetadataOptions{})
		s.metadata.FailNext(ecssim.MetadataToken, 1, ecssim.Hang)
		began := time.Now()
		var all sync.WaitGroup
		for i := range 3 { // one asks, two wait for it
			ctx, cancel := context.WithTimeout(t.Context(), time.Second+time.Duration(i))
			defer cancel()
			all.Go(func() {
				_, err := s.source.current(ctx)
				if i == 0 && !errors.Is(err, context.DeadlineExceeded) || i > 0 && err != nil {
					t.Errorf("request %d: %v", i, err)
				}
			})
			synctest.Wait()
		}
		all.Wait()
		if took := time.Since(began); took > time.Second+2 {
			t.Errorf("took %v", took)
		}
		s.keys()
		if s.log.Len() != 0 {
			t.Errorf("the log has\n%s", s.log)
		}
	})
}

// Keys that the cloud refuses are replaced early, but not with each refusal.
func TestRefusedKeysAreAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, ecssim.MetadataOptions{})
		old := s.keys()
		time.Sleep(time.Hour)
		s.metadata.Rotate()
		if s.keys() != old {
			t.Fatal("asked for no reason")
		}
		if !s.source.refused(old) {
			t.Error("the refusal is said to be final")
		}
		now := s.keys()
		if now == old {
			t.Error("refused keys are used on")
		}
		if !s.source.refused(old) {
			t.Error("a refusal of keys that are not in use is said to be final")
		}
		calls := s.calls()
		calls()
		for range 10 {
			if s.source.refused(now) {
				t.Error("asked again within a minute")
			}
			s.keys()
		}
		if got := calls(); got != "" {
			t.Errorf("asked for %s", got)
		}
	})
}

func TestTheMetadataServiceIsAskedWithoutAProxy(t *testing.T) {
	transport := Agency(AgencyConfig{}).(*agency).http.Transport.(*http.Transport)
	if transport.Proxy != nil {
		t.Error("there may be a proxy, which would be asked for its own keys")
	}
}
