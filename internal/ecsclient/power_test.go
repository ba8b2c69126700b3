package ecsclient

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ecsbot/internal/secret"

	"golang.org/x/time/rate"
)

var testKeys = Credentials{AccessKey: "AK", SecretKey: secret.New("SK")}

// clientOf makes a client for a test server; change may adjust its configuration.
func clientOf(t *testing.T, address string, change func(*Config)) *Client {
	t.Helper()
	cfg := Config{Endpoint: address, ProjectID: "p1", Credentials: Fixed(testKeys), Timeout: 5 * time.Second}
	if change != nil {
		change(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// stopNow takes a slot and stops servers at once, without checking anything first.
func stopNow(ctx context.Context, c *Client, ids []string, how StopType) (string, error) {
	slot, err := c.Slot(ctx)
	if err != nil {
		return "", err
	}
	return slot.Stop(ctx, ids, how, time.Now().Add(time.Minute))
}

func startNow(ctx context.Context, c *Client, ids []string) (string, error) {
	slot, err := c.Slot(ctx)
	if err != nil {
		return "", err
	}
	return slot.Start(ctx, ids, time.Now().Add(time.Minute))
}

func asError(t *testing.T, err error) *Error {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("got %v, want an *Error", err)
	}
	return e
}

func TestStopIsSentOnceAndJudged(t *testing.T) {
	answer := func(status int, contentType, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.Header().Set("X-Request-Id", "req-1")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	cut := func(w http.ResponseWriter, _ *http.Request) {
		conn, _, _ := http.NewResponseController(w).Hijack()
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	}
	for _, tt := range []struct {
		name    string
		handler http.HandlerFunc
		job     string // a success if set
		want    Error
	}{
		{"accepted", answer(200, "application/json", `{"job_id":"j1"}`), "j1", Error{}},
		{"accepted, delayed", answer(202, "application/json", `{"job_id":"j2","extra":[1]}`), "j2", Error{}},
		{"202 without job", answer(202, "application/json", `{"error":{"code":"Common.0024","message":"flow limit"}}`), "", Error{Status: 202, Code: "Common.0024", Verdict: Unclear}},
		{"empty job id", answer(200, "application/json", `{"job_id":""}`), "", Error{Status: 200, Verdict: Unclear}},
		{"null job id", answer(200, "application/json", `{"job_id":null}`), "", Error{Status: 200, Verdict: Unclear}},
		{"204", answer(204, "", ""), "", Error{Status: 204, Verdict: Unclear}},
		{"empty 200", answer(200, "", ""), "", Error{Status: 200, Verdict: Unclear}},
		{"html 200", answer(200, "text/html", "<html>hello</html>"), "", Error{Status: 200, Verdict: Unclear}},
		{"broken json", answer(200, "application/json", `{"job_id":"j1`), "", Error{Status: 200, Verdict: Unclear}},
		{"oversized", answer(200, "application/json", `{"job_id":"j1"}`+strings.Repeat(" ", maxBody)), "", Error{Status: 200, Verdict: Unclear}},
		{"html 502", answer(502, "text/html", "<html>bad gateway</html>"), "", Error{Status: 502, Verdict: Unclear}},
		{"gateway timeout", answer(504, "", ""), "", Error{Status: 504, Verdict: Unclear}},
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, "", Error{Status: 307, Verdict: Refused}},
		{"throttled", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "7")
			answer(429, "application/json", `{"error_code":"APIGW.0308","error_msg":"throttled"}`)(w, r)
		}, "", Error{Status: 429, Code: "APIGW.0308", Verdict: Throttled, RetryAfter: 7 * time.Second}},
		{"keys refused", answer(401, "application/json", `{"error_code":"APIGW.0301","error_msg":"verify aksk signature fail"}`), "", Error{Status: 401, Code: "APIGW.0301", Verdict: Authentication}},
		{"busy", answer(501, "application/json", `{"error":{"code":"Ecs.0603","message":"another command"}}`), "", Error{Status: 501, Code: "Ecs.0603", Verdict: NotAccepted, RetryAfter: time.Minute}},
		{"wrong state", answer(400, "application/json", `{"error":{"code":"Ecs.0100","message":"state"}}`), "", Error{Status: 400, Code: "Ecs.0100", Verdict: Refused}},
		{"cut before the answer", cut, "", Error{Verdict: Unclear}},
		{"cut within the answer", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"job_id":`)
		}, "", Error{Status: 200, Verdict: Unclear}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var calls atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				_, _ = io.Copy(io.Discard, r.Body)
				tt.handler(w, r)
			}))
			defer server.Close()
			var observed string
			c := clientOf(t, server.URL, func(cfg *Config) {
				cfg.Observe = func(op, verdict string, _ time.Duration) { observed += op + " " + verdict + ";" }
			})
			job, err := stopNow(t.Context(), c, []string{"a"}, Soft)
			if n := calls.Load(); n != 1 {
				t.Errorf("%d requests were sent, want 1", n)
			}
			if tt.job != "" {
				if err != nil || job != tt.job || observed != "stop ok;" {
					t.Errorf("got %q, %v, observed %q", job, err, observed)
				}
				return
			}
			e := asError(t, err)
			if e.Status != tt.want.Status || e.Code != tt.want.Code || e.Verdict != tt.want.Verdict || e.RetryAfter != tt.want.RetryAfter {
				t.Errorf("got %+v, want %+v", e, tt.want)
			}
			if observed != "stop "+tt.want.Verdict.String()+";" {
				t.Errorf("observed %q", observed)
			}
			if job != "" || strings.Contains(err.Error(), "SK") || len(err.Error()) < 10 {
				t.Errorf("job %q, error text %q", job, err)
			}
		})
	}
}

func TestStopThatNeverLeftIsNotAccepted(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + listener.Addr().String()
	_ = listener.Close()

	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = nil
	untrusted.TLS = &tls.Config{}
	untrusted.StartTLS()
	defer untrusted.Close()

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		name string
		ctx  context.Context
		url  string
		cfg  func(*Config)
	}{
		{"nobody listens", t.Context(), closed, nil},
		{"certificate of a stranger", t.Context(), untrusted.URL, nil},
		{"context had ended", ended, closed, nil},
		{"limiter would take too long", t.Context(), closed, func(c *Config) {
			c.Limiter = rate.NewLimiter(rate.Every(time.Hour), 1)
			c.Limiter.Allow()
		}},
		{"dial hangs", t.Context(), closed, func(c *Config) {
			c.Timeout = 5 * time.Millisecond
			c.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(tt.ctx, 2*time.Second)
			defer cancel()
			_, err := stopNow(ctx, clientOf(t, tt.url, tt.cfg), []string{"a"}, Soft)
			if e := asError(t, err); e.Verdict != NotAccepted {
				t.Errorf("got %v: %v", e.Verdict, err)
			}
		})
	}
}

func TestStopLeftHangingIsUnclear(t *testing.T) {
	var calls atomic.Int32
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		<-release
	}))
	defer server.Close()
	defer close(release)
	_, err := stopNow(t.Context(), clientOf(t, server.URL, func(c *Config) { c.Timeout = 100 * time.Millisecond }), []string{"a"}, Soft)
	if e := asError(t, err); e.Verdict != Unclear || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v: %v", e.Verdict, err)
	}
	if n := calls.Load(); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}

// A transport that says nothing of its connections proves nothing, unless it
// never asked for the body.
func TestStopOverASilentTransportIsUnclearOnceItsBodyWasRead(t *testing.T) {
	for read, want := range map[bool]Verdict{true: Unclear, false: NotAccepted} {
		c := clientOf(t, "http://ecs.example.com", func(c *Config) {
			c.Transport = transportFunc(func(r *http.Request) (*http.Response, error) {
				if read {
					_, _ = r.Body.Read(make([]byte, 1))
				}
				return nil, errors.New("broken")
			})
		})
		if _, err := stopNow(t.Context(), c, []string{"a"}, Soft); VerdictOf(err) != want {
			t.Errorf("body read: %t, got %v: %v", read, VerdictOf(err), err)
		}
	}
}

func TestStopOnTheWire(t *testing.T) {
	var (
		mu     sync.Mutex
		bodies []string
		header http.Header
		length int64
	)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		bodies, header, length = append(bodies, r.Method+" "+r.URL.String()+" "+string(b)), r.Header, r.ContentLength
		_, _ = io.WriteString(w, `{"job_id":"j"}`)
	}))
	defer server.Close()
	c := clientOf(t, server.URL, func(c *Config) {
		c.Credentials = Fixed(Credentials{testKeys.AccessKey, testKeys.SecretKey, secret.New("TOK")})
	})
	_, err1 := stopNow(t.Context(), c, []string{"a", "b", "a"}, Hard)
	_, err2 := startNow(t.Context(), c, []string{"a"})
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`POST /v1/p1/cloudservers/action {"os-stop":{"type":"HARD","servers":[{"id":"a"},{"id":"b"}]}}`,
		`POST /v1/p1/cloudservers/action {"os-start":{"servers":[{"id":"a"}]}}`,
	}
	if !slices.Equal(bodies, want) {
		t.Errorf("got %q", bodies)
	}
	if !strings.Contains(header.Get("Authorization"), "SignedHeaders=host;x-project-id;x-sdk-date;x-security-token,") ||
		header.Get("X-Security-Token") != "TOK" || header.Get("X-Project-Id") != "p1" || header.Get("Idempotency-Key") != "" || length <= 0 {
		t.Errorf("headers %v, length %d", header, length)
	}
}

func TestStopRefusesBeforeSending(t *testing.T) {
	c := clientOf(t, "http://ecs.example.com", func(c *Config) {
		c.Transport = transportFunc(func(*http.Request) (*http.Response, error) {
			t.Error("a request was sent")
			return nil, errors.New("no")
		})
	})
	many := make([]string, MaxServers+1)
	for i := range many {
		many[i] = "s" + strconv.Itoa(i)
	}
	for name, ids := range map[string][]string{"none": nil, "too many": many, "odd": {"../jobs"}, "empty id": {""}} {
		if _, err := stopNow(t.Context(), c, ids, Soft); asError(t, err).Verdict != Refused {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := stopNow(t.Context(), c, []string{"a"}, "soft"); asError(t, err).Verdict != Refused {
		t.Errorf("odd type: %v", err)
	}
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
