package ecsclient

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"
)

// receiver is a cloud that counts the requests which it got as a whole.
type receiver struct{ complete atomic.Int32 }

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if body, err := io.ReadAll(req.Body); err == nil && len(body) > 0 {
		r.complete.Add(1)
	}
	_, _ = io.WriteString(w, `{"job_id":"j"}`)
}

// stall is how long something on the way to the cloud takes.
const stall = 500 * time.Millisecond

// dawdling hands the body of a request out only after a while. Its headers are
// ready then.
type dawdling struct{ http.RoundTripper }

func (d dawdling) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Body = slowBody{r.Body}
	return d.RoundTripper.RoundTrip(r)
}

type slowBody struct{ io.ReadCloser }

func (s slowBody) Read(p []byte) (int, error) {
	time.Sleep(stall)
	return s.ReadCloser.Read(p)
}

// slowProxy carries connections to a server and waits before it says anything:
// before the tunnel is open, if connect, or before the first byte goes on.
func slowProxy(t *testing.T, to string, connect bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	carry := func(near net.Conn) {
		defer func() { _ = near.Close() }()
		from := bufio.NewReader(near)
		if connect {
			if req, err := http.ReadRequest(from); err != nil || req.Method != http.MethodConnect {
				return
			}
		}
		time.Sleep(stall)
		if connect {
			_, _ = io.WriteString(near, "HTTP/1.1 200 Connection established\r\n\r\n")
		}
		far, err := net.Dial("tcp", to)
		if err != nil {
			return
		}
		defer func() { _ = far.Close() }()
		go func() { // ends with the tunnel
			_, _ = io.Copy(near, far)
			_ = near.Close()
		}()
		_, _ = io.Copy(far, from)
	}
	go func() { // ends with the listener
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			go carry(near)
		}
	}()
	return l.Addr().String()
}

// Whatever takes too long between the caller's last check and the first byte of
// the body: the call is surely not accepted, and the cloud has never seen it.
func TestAStopThatCannotLeaveInTimeIsSurelyNotAccepted(t *testing.T) {
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	for _, tt := range []struct {
		name    string
		secure  bool
		http2   bool
		through func(t *testing.T, host string, transport *http.Transport) http.RoundTripper
	}{
		{"the dial takes too long", false, false, func(_ *testing.T, _ string, tr *http.Transport) http.RoundTripper {
			tr.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				select {
				case <-time.After(stall):
					return dial(ctx, network, address)
				case <-ctx.Done():
					return nil, ctx.Err()
				}
			}
			return tr
		}},
		{"the dial takes too long and will not be stopped", false, false, func(_ *testing.T, _ string, tr *http.Transport) http.RoundTripper {
			tr.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				time.Sleep(stall)
				return dial(context.WithoutCancel(ctx), network, address)
			}
			return tr
		}},
		{"the TLS handshake takes too long", true, false, func(t *testing.T, host string, tr *http.Transport) http.RoundTripper {
			by := slowProxy(t, host, false)
			tr.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) { return dial(ctx, network, by) }
			return tr
		}},
		{"the proxy's CONNECT takes too long", true, false, func(t *testing.T, host string, tr *http.Transport) http.RoundTripper {
			tr.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: slowProxy(t, host, true)})
			return tr
		}},
		{"HTTP/2 over a slow proxy", true, true, func(t *testing.T, host string, tr *http.Transport) http.RoundTripper {
			tr.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: slowProxy(t, host, true)})
			return tr
		}},
		{"the body is asked for too late", false, false, func(_ *testing.T, _ string, tr *http.Transport) http.RoundTripper { return dawdling{tr} }},
		{"the body is asked for too late, HTTP/2", true, true, func(_ *testing.T, _ string, tr *http.Transport) http.RoundTripper { return dawdling{tr} }},
	} {
		for inTime, before := range map[bool]time.Duration{true: time.Minute, false: stall / 5} {
			t.Run(fmt.Sprintf("%s/in time %t", tt.name, inTime), func(t *testing.T) {
				t.Parallel()
				var cloud receiver
				server := httptest.NewUnstartedServer(&cloud)
				server.EnableHTTP2 = tt.http2
				if tt.secure {
					server.StartTLS()
				} else {
					server.Start()
				}
				transport := &http.Transport{ForceAttemptHTTP2: tt.http2, DisableKeepAlives: !tt.http2}
				if tt.secure {
					transport.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
					transport.TLSClientConfig.NextProtos = nil
				}
				c := clientOf(t, server.URL, func(c *Config) {
					c.Transport = tt.through(t, server.Listener.Addr().String(), transport)
				})
				slot, err := c.Slot(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				job, err := slot.Stop(t.Context(), []string{"a"}, Soft, began.Add(before))
				took := time.Since(began)
				time.Sleep(time.Until(began.Add(stall * 3 / 2))) // for whatever comes late
				transport.CloseIdleConnections()
				server.Close() // waits for what it is at
				got := cloud.complete.Load()
				if inTime {
					if err != nil || job != "j" || got != 1 {
						t.Errorf("got %q, %v; the cloud saw %d requests", job, err, got)
					}
					return
				}
				if e := asError(t, err); e.Verdict != NotAccepted || !strings.Contains(err.Error(), "in time") {
					t.Errorf("got %v: %v", e.Verdict, err)
				}
				if got != 0 {
					t.Errorf("the cloud saw %d whole requests", got)
				}
				if took >= stall && !strings.Contains(tt.name, "asked for") {
					t.Errorf("it took %v to give up, %v after the latest moment", took, took-before)
				}
			})
		}
	}
}

// The transport may send the headers of a call before it asks for the body. What
// the cloud sees of a call that is late by then ends there: it is no request.
func TestNoByteOfALateBodyReachesTheCloud(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	arrived := make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		got, _ := io.ReadAll(conn)
		arrived <- string(got)
	}()
	_, writes := transports(nil)
	c := clientOf(t, "http://"+l.Addr().String(), func(c *Config) {
		c.Transport = dawdling{writes}
	})
	slot, err := c.Slot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := slot.Stop(t.Context(), []string{"a"}, Soft, time.Now().Add(stall/5)); VerdictOf(err) != NotAccepted {
		t.Errorf("got %v", err)
	}
	got := <-arrived
	if _, body, _ := strings.Cut(got, "\r\n\r\n"); body != "" || strings.Contains(got, "chunked") {
		t.Errorf("the cloud saw %q", got)
	}
}

// An answer that came although the body was never sent is not one to the stop.
func TestAnAnswerToAnUnsentBodyIsNotAccepted(t *testing.T) {
	c := clientOf(t, "http://ecs.example.com", func(c *Config) {
		c.Transport = transportFunc(says(503, ""))
	})
	if _, err := stopNow(t.Context(), c, []string{"a"}, Soft); VerdictOf(err) != NotAccepted {
		t.Errorf("got %v: %v", VerdictOf(err), err)
	}
}

func TestTheBodyIsHandedOutOnlyInTime(t *testing.T) {
	read := func(o *outgoing) string {
		b, err := io.ReadAll(o)
		if err != nil {
			return err.Error()
		}
		return string(b)
	}
	now := time.Now()
	for name, tt := range map[string]struct {
		body *outgoing
		want string
	}{
		"any time":   {newOutgoing([]byte("stop"), time.Time{}), "stop"},
		"in time":    {newOutgoing([]byte("stop"), now.Add(time.Minute)), "stop"},
		"too late":   {newOutgoing([]byte("stop"), now.Add(-time.Millisecond)), errTooLate.Error()},
		"wall clock": {newOutgoing([]byte("stop"), now.Round(0).Add(-time.Millisecond)), errTooLate.Error()},
	} {
		if got := read(tt.body); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
		if unsent := tt.body.giveUp(); unsent != (tt.want != "stop") || tt.body.late() != unsent {
			t.Errorf("%s: unsent %t, late %t", name, unsent, tt.body.late())
		}
	}
	given := newOutgoing([]byte("stop"), time.Time{})
	if !given.giveUp() || read(given) != errTooLate.Error() || given.late() {
		t.Error("a body that was given up was handed out")
	}
}

func TestEitherClockMakesACallTooLate(t *testing.T) {
	now := time.Now()
	for name, tt := range map[string]struct {
		before, now, wall time.Time
		want              bool
	}{
		"early":              {now, now.Add(-time.Second), now.Round(0).Add(-time.Second), false},
		"at the last moment": {now, now, now.Round(0), false},
		"late":               {now, now.Add(time.Second), now.Round(0).Add(time.Second), true},
		"machine slept":      {now, now.Add(-time.Second), now.Round(0).Add(time.Hour), true},
		"clock set back":     {now, now.Add(time.Second), now.Round(0).Add(-time.Hour), true},
		"no latest moment":   {time.Time{}, now, now.Round(0), false},
	} {
		if got := over(tt.before, tt.now, tt.wall); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
	// Nothing is begun for a call that is late from the start.
	c := clientOf(t, "http://ecs.example.com", func(c *Config) {
		c.Transport = transportFunc(func(*http.Request) (*http.Response, error) {
			t.Error("a connection was asked for")
			return says(200, `{"job_id":"j"}`)(nil)
		})
	})
	slot, err := c.Slot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := slot.Stop(t.Context(), []string{"a"}, Soft, time.Now().Add(-time.Nanosecond)); VerdictOf(err) != NotAccepted {
		t.Errorf("got %v", err)
	}
}

func TestASlotWaitsForAllThatACallWouldWaitFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []func(*http.Request) (*http.Response, error){says(200, `{"job_id":"j"}`)}}
		c := clientOf(t, "http://ecs.example.com", func(c *Config) {
			c.Transport, c.Limiter = s, rate.NewLimiter(rate.Every(time.Second), 1)
		})
		began := time.Now()
		for range 3 {
			slot, err := c.Slot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			waited := time.Now()
			if _, err := slot.Start(t.Context(), []string{"a"}, time.Now().Add(time.Nanosecond)); err != nil || !time.Now().Equal(waited) {
				t.Errorf("the call waited for %v: %v", time.Since(waited), err)
			}
			// It is good for one call.
			if _, err := slot.Start(t.Context(), []string{"a"}, time.Now().Add(time.Minute)); asError(t, err).Verdict != Refused {
				t.Error(err)
			}
		}
		if d := time.Since(began); d != 2*time.Second || len(s.seen) != 3 {
			t.Errorf("three slots took %v, and %d calls were made", d, len(s.seen))
		}
		ended, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if _, err := c.Slot(ended); VerdictOf(err) != NotAccepted {
			t.Error(err)
		}
		if _, err := (Slot{}).Stop(t.Context(), []string{"a"}, Soft, time.Now()); VerdictOf(err) != Refused {
			t.Error(err)
		}
	})
}

// Between the slot and the call the keys may be refused. The call does not wait
// to find out more.
func TestASlotIsNoWayRoundTheLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refuse := &script{answers: []func(*http.Request) (*http.Response, error){says(401, "")}}
		c := clientOf(t, "http://ecs.example.com", func(c *Config) { c.Transport = refuse })
		slot, err := c.Slot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for range maxFailures {
			_, _ = c.ShowJob(t.Context(), "j")
		}
		began := time.Now()
		_, err = slot.Stop(t.Context(), []string{"a"}, Soft, time.Now().Add(time.Minute))
		if VerdictOf(err) != Authentication || len(refuse.seen) != maxFailures || !time.Now().Equal(began) {
			t.Errorf("%v after %d calls", err, len(refuse.seen))
		}
		if _, err := c.Slot(t.Context()); VerdictOf(err) != Authentication {
			t.Error(err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		c := clientOf(t, "http://ecs.example.com", func(c *Config) {
			c.Transport = transportFunc(func(r *http.Request) (*http.Response, error) {
				time.Sleep(time.Second)
				return says(200, goodJob)(r)
			})
		})
		slot, err := c.Slot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error)
		go func() {
			_, err := c.ShowJob(t.Context(), "j")
			ended <- err
		}()
		synctest.Wait()
		began := time.Now()
		if _, err := slot.Stop(t.Context(), []string{"a"}, Soft, time.Now().Add(time.Minute)); VerdictOf(err) != NotAccepted || !time.Now().Equal(began) {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		if _, err := c.Slot(t.Context()); err != nil || time.Since(began) != time.Second {
			t.Errorf("a slot after %v: %v", time.Since(began), err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
