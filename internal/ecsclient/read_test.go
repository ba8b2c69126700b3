package ecsclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"
)

// script answers requests one after the other; the last answer repeats.
type script struct {
	answers []func(*http.Request) (*http.Response, error)
	seen    []string
	times   []time.Time
	signed  []string
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := s.answers[min(len(s.seen), len(s.answers)-1)]
	s.seen = append(s.seen, r.Method+" "+r.URL.String())
	s.times = append(s.times, time.Now())
	s.signed = append(s.signed, r.Header.Get("Authorization"))
	return answer(r)
}

func says(status int, body string, header ...string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		h := http.Header{}
		for i := 0; i+1 < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

func breaks(*http.Request) (*http.Response, error) { return nil, errors.New("connection reset") }

const goodJob = `{"job_id":"j","job_type":"serversAction","status":"RUNNING"}`

func TestReadsAreTriedThreeTimes(t *testing.T) {
	for _, tt := range []struct {
		name    string
		answers []func(*http.Request) (*http.Response, error)
		tries   int
		verdict string
	}{
		{"at once", []func(*http.Request) (*http.Response, error){says(200, goodJob)}, 1, "ok"},
		{"second try", []func(*http.Request) (*http.Response, error){breaks, says(200, goodJob)}, 2, "ok"},
		{"third try", []func(*http.Request) (*http.Response, error){says(503, ""), says(429, "", "Retry-After", "1"), says(200, goodJob)}, 3, "ok"},
		{"network", []func(*http.Request) (*http.Response, error){breaks}, 3, "unclear"},
		{"no status", []func(*http.Request) (*http.Response, error){says(200, `{}`)}, 3, "unclear"},
		{"another job", []func(*http.Request) (*http.Response, error){says(200, `{"job_id":"k","status":"SUCCESS"}`)}, 3, "unclear"},
		{"throttled for long", []func(*http.Request) (*http.Response, error){says(429, "", "Retry-After", "3")}, 1, "throttled"},
		{"refused", []func(*http.Request) (*http.Response, error){says(404, "")}, 1, "refused"},
		{"redirect", []func(*http.Request) (*http.Response, error){says(302, "", "Location", "http://elsewhere.example.com/")}, 1, "refused"},
		{"keys", []func(*http.Request) (*http.Response, error){says(401, "")}, 1, "authentication"},
		{"body too large", []func(*http.Request) (*http.Response, error){says(200, goodJob+strings.Repeat(" ", maxBody))}, 3, "unclear"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{answers: tt.answers}
				_, err := clientOf(t, "http://ecs.example.com", func(c *Config) { c.Transport = s }).ShowJob(t.Context(), "j")
				verdict := "ok"
				if err != nil {
					verdict = VerdictOf(err).String()
				}
				if len(s.seen) != tt.tries || verdict != tt.verdict {
					t.Errorf("%d tries, %s (%v); want %d, %s", len(s.seen), verdict, err, tt.tries, tt.verdict)
				}
				if tt.name == "third try" && (s.times[2].Sub(s.times[1]) < time.Second || s.signed[0] == s.signed[2]) {
					t.Errorf("tries at %v, signed %q", s.times, s.signed)
				}
			})
		})
	}
}

func TestReadEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []func(*http.Request) (*http.Response, error){breaks}}
		c := clientOf(t, "http://ecs.example.com", func(c *Config) { c.Transport = s })
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := c.ShowJob(ctx, "j"); VerdictOf(err) != Unclear || len(s.seen) != 1 {
			t.Errorf("%d tries: %v", len(s.seen), err)
		}
	})
}

func TestLimiterSmoothsAllCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []func(*http.Request) (*http.Response, error){says(200, goodJob)}}
		c := clientOf(t, "http://ecs.example.com", func(c *Config) {
			c.Transport, c.Limiter = s, rate.NewLimiter(rate.Every(time.Second), 1)
		})
		began := time.Now()
		for range 4 {
			if _, err := c.ShowJob(t.Context(), "j"); err != nil {
				t.Fatal(err)
			}
		}
		if d := time.Since(began); d != 3*time.Second {
			t.Errorf("four calls took %v", d)
		}
	})
}

func TestRefusedKeysAreNotHammered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []func(*http.Request) (*http.Response, error){says(401, `{"error_code":"APIGW.0301","error_msg":"no"}`)}}
		c := clientOf(t, "http://ecs.example.com", func(c *Config) { c.Transport = s })
		for range 20 {
			_, err := stopNow(t.Context(), c, []string{"a"}, Soft)
			if VerdictOf(err) != Authentication {
				t.Fatal(err)
			}
			_, err = c.ShowJob(t.Context(), "j")
			if VerdictOf(err) != Authentication {
				t.Fatal(err)
			}
		}
		if len(s.seen) != maxFailures {
			t.Fatalf("%d requests were sent, want 2", len(s.seen))
		}
		_, err := c.ShowJob(t.Context(), "j")
		if e := asError(t, err); e.RetryAfter != 5*time.Minute || !strings.Contains(e.Error(), "not sent") {
			t.Errorf("got %v", err)
		}
		time.Sleep(5 * time.Minute)
		_, _ = c.ShowJob(t.Context(), "j") // one attempt, which closes it again
		_, _ = c.ShowJob(t.Context(), "j")
		if len(s.seen) != maxFailures+1 {
			t.Errorf("%d requests were sent, want 3", len(s.seen))
		}
		time.Sleep(5 * time.Minute)
		s.answers = []func(*http.Request) (*http.Response, error){says(200, goodJob)}
		for range 3 {
			if _, err := c.ShowJob(t.Context(), "j"); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestAnyAuthenticatedAnswerResetsTheCount(t *testing.T) {
	var l lockout
	now := time.Unix(0, 0)
	enter := func(now time.Time) (entry, time.Duration) {
		e, pause, busy := l.enter(now, testKeys)
		if busy != nil {
			t.Fatal("another call is said to probe")
		}
		return e, pause
	}
	for range 10 {
		e, pause := enter(now)
		if pause != 0 {
			t.Fatalf("paused for %v", pause)
		}
		l.failed(now, e)
		e.leave()
		e, _ = enter(now)
		l.passed(e)
		e.leave()
	}
	for range maxFailures {
		l.failed(now, entry{keys: testKeys})
	}
	if _, pause := enter(now.Add(time.Minute)); pause != 4*time.Minute {
		t.Errorf("paused for %v", pause)
	}
	e, pause := enter(now.Add(lockPause))
	if pause != 0 {
		t.Errorf("paused for %v after the pause", pause)
	}
	if _, pause, busy := l.enter(now.Add(lockPause), testKeys); pause != 0 || busy == nil {
		t.Error("want one attempt, and all others held back meanwhile")
	}
	e.leave()
}

// A call that was let in before the keys were refused says nothing of them now.
func TestAnOldYesDoesNotOutdoANewNo(t *testing.T) {
	var l lockout
	now := time.Unix(0, 0)
	first, _, _ := l.enter(now, testKeys)
	l.passed(first)
	first.leave()
	slow, _, _ := l.enter(now, testKeys)
	l.failed(now, slow)
	l.failed(now, slow)
	l.passed(slow)
	if _, pause, _ := l.enter(now, testKeys); pause != lockPause {
		t.Errorf("paused for %v, want %v", pause, lockPause)
	}
}

func TestJobIsDecodedTolerantly(t *testing.T) {
	const body = `{"job_id":"j","job_type":"serversAction","status":"FAIL","begin_time":"2026-11-23T10:00:00.100Z","end_time":"",
	 "error_code":"Common.0021","fail_reason":"a sub job failed","surprise":{"x":[1]},
	 "entities":{"sub_jobs_total":"3","sub_jobs":[
	  {"job_id":"s1","status":"SUCCESS","error_code":null,"fail_reason":null,"entities":{"server_id":"A"}},
	  {"job_id":"s2","status":"FAIL","error_code":"Ecs.0100","fail_reason":"wrong state","entities":{"server_id":"B","errorcode_message":"cannot stop while powering-on"}},
	  {"job_id":7,"status":"RUNNING","begin_time":12,"entities":["C"]}]}}`
	job, err := jobIn([]byte(body), "j")
	if err != nil {
		t.Fatal(err)
	}
	want := []SubJob{
		{ID: "s1", Status: "SUCCESS", ServerID: "A"},
		{ID: "s2", Status: "FAIL", ErrorCode: "Ecs.0100", FailReason: "cannot stop while powering-on", ServerID: "B"},
		{ID: "7", Status: "RUNNING"},
	}
	if !slices.Equal(job.SubJobs, want) || !job.Done() ||
		job.ErrorCode != "Common.0021" || job.FailReason != "a sub job failed" {
		t.Errorf("got %+v", job)
	}
	for _, odd := range []string{`[]`, `"x"`, `null`, `7`} {
		job, err := jobIn(fmt.Appendf(nil, `{"status":"INIT","entities":%s}`, odd), "j")
		if err != nil || job.Done() || len(job.SubJobs) != 0 {
			t.Errorf("entities %s: %+v, %v", odd, job, err)
		}
	}
	job, err = jobIn([]byte(`{"status":"SUCCESS","entities":{"server_id":"A"}}`), "j")
	if err != nil || !slices.Equal(job.SubJobs, []SubJob{{ID: "j", Status: "SUCCESS", ServerID: "A"}}) {
		t.Errorf("got %+v, %v", job, err)
	}
}

func TestRetryAfterIsCapped(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"": 0, "soon": 0, "-5": 0, "7": 7 * time.Second, " 300 ": 5 * time.Minute, "301": 5 * time.Minute, "86400": 5 * time.Minute,
		"9223372036854775807":           5 * time.Minute,
		"Tue, 24 Nov 2026 12:01:30 GMT": 90 * time.Second,
		"Tue, 24 Nov 2026 11:00:00 GMT": 0,
		"Tue, 24 Nov 2026 13:00:00 GMT": 5 * time.Minute,
		"Tue, 24 Nov 2099 12:00:00 GMT": 5 * time.Minute,
	} {
		if got := retryAfter(header, now); got != want {
			t.Errorf("Retry-After %q: wait %v, want %v", header, got, want)
		}
	}
}

func TestJobGone(t *testing.T) {
	for _, tt := range []struct {
		e    Error
		want bool
	}{
		{Error{Op: opJob, Status: 400, Code: "Common.0011"}, true},
		{Error{Op: opJob, Status: 404, Code: "Common.0011"}, true},
		{Error{Op: opJob, Status: 404}, false},
		{Error{Op: opStop, Status: 400, Code: "Common.0011"}, false},
		{Error{Op: opJob, Status: 500, Code: "Common.0011"}, false},
	} {
		if tt.e.JobGone() != tt.want {
			t.Errorf("%+v", tt.e)
		}
	}
}
