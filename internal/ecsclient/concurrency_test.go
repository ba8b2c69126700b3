package ecsclient

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// slowly answers like f, each call after d, and counts how many are under way.
type slowly struct {
	fleet    *fleet
	d        time.Duration
	mu       sync.Mutex
	inFlight atomic.Int32
	most     atomic.Int32
	spoil    func(*http.Request) (*http.Response, error) // nil answers: as the fleet says
}

func (s *slowly) RoundTrip(r *http.Request) (*http.Response, error) {
	now := s.inFlight.Add(1)
	defer s.inFlight.Add(-1)
	for most := s.most.Load(); now > most && !s.most.CompareAndSwap(most, now); most = s.most.Load() {
	}
	if s.spoil != nil {
		if resp, err := s.spoil(r); resp != nil || err != nil {
			return resp, err
		}
	}
	select {
	case <-time.After(s.d):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	w := httptest.NewRecorder()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fleet.ServeHTTP(w, r)
	return w.Result(), nil
}

// The engine has 12 s for a look at a batch before its call. A thousand servers
// must be seen within that time where a page takes more than a second, too.
func TestManyServersAreReadFourPagesAtATime(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fleet *fleet
		ids   []string
		want  []string
		takes time.Duration
		atMax int32
	}{
		{"by id", &fleet{n: 1000}, names(0, 1000), inPortions(names(0, 1000)), 3 * 1200 * time.Millisecond, 4},
		{"by id, some missing", &fleet{n: 900}, names(0, 1000), inPortions(names(0, 900)), 3 * 1200 * time.Millisecond, 4},
		// One portion to find out, the first page of all, then 39 pages by fours.
		{"server_id ignored", &fleet{n: 8000, ignoreIDs: true}, names(0, 300), names(0, 300), 4 * 1200 * time.Millisecond, 4},
		{"server_id ignored, some missing", &fleet{n: 4000, ignoreIDs: true}, append(names(3700, 4000), "s9999"), names(3700, 4000), 7 * 1200 * time.Millisecond, 4},
		{"everything", &fleet{n: 4000}, nil, names(0, 4000), 6 * 1200 * time.Millisecond, 4},
		{"everything, no count", &fleet{n: 900, noCount: true}, nil, names(0, 900), 5 * 1200 * time.Millisecond, 1},
		{"everything, count is the page's", &fleet{n: 900, pageCount: true}, nil, names(0, 900), 5 * 1200 * time.Millisecond, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := &slowly{fleet: tt.fleet, d: 1200 * time.Millisecond}
				c := clientOf(t, "http://ecs.example.com", func(c *Config) { c.Transport = cloud })
				if _, err := c.ListServers(t.Context(), Filter{IDs: []string{"s0"}}); err != nil && tt.ids != nil {
					t.Fatal(err)
				}
				tt.fleet.requests = nil
				began := time.Now()
				got, err := c.ListServers(t.Context(), Filter{IDs: tt.ids})
				if err != nil || !slices.Equal(idsOf(got), tt.want) {
					t.Errorf("got %d servers, want %d in the same order: %v", len(got), len(tt.want), err)
				}
				if d := time.Since(began); d > tt.takes {
					t.Errorf("%d pages took %v, want at most %v", len(tt.fleet.requests), d, tt.takes)
				}
				if most := cloud.most.Load(); most != tt.atMax {
					t.Errorf("%d calls at the same time, want %d", most, tt.atMax)
				}
				if n := cloud.inFlight.Load(); n != 0 {
					t.Errorf("%d calls go on although the list has been returned", n)
				}
			})
		})
	}
}

// inPortions is the order in which the fleet shows servers that are asked for
// by id: the ids of a portion are sorted for the signature.
func inPortions(ids []string) []string {
	var out []string
	for portion := range slices.Chunk(ids, idsAtATime) {
		out = append(out, slices.Sorted(slices.Values(portion))...)
	}
	return out
}

// A portion that cannot be read must not make its servers look deleted.
func TestOneUnreadPortionFailsTheWholeList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent atomic.Int32
		f := &fleet{n: 1000}
		cloud := &slowly{fleet: f, d: time.Second}
		cloud.spoil = func(r *http.Request) (*http.Response, error) {
			sent.Add(1)
			if slices.Contains(r.URL.Query()["server_id"], "s150") {
				return &http.Response{StatusCode: 403, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"error":{"code":"Ecs.0110","message":"no rights"}}`))}, nil
			}
			return nil, nil
		}
		c := clientOf(t, "http://ecs.example.com", func(c *Config) { c.Transport = cloud })
		if _, err := c.ListServers(t.Context(), Filter{IDs: []string{"s0"}}); err != nil {
			t.Fatal(err)
		}
		sent.Store(0)
		began := time.Now()
		got, err := c.ListServers(t.Context(), Filter{IDs: names(0, 1000)})
		if e := asError(t, err); got != nil || e.Code != "Ecs.0110" || e.Verdict != Refused {
			t.Errorf("got %d servers, %v", len(got), err)
		}
		if d := time.Since(began); d != 0 || sent.Load() > 4 {
			t.Errorf("the other %d portions were waited for: %v", sent.Load(), d)
		}
		if n := cloud.inFlight.Load(); n != 0 {
			t.Errorf("%d calls go on although the list has been returned", n)
		}
	})
}

// refusing is a gateway that refuses the keys, 100 ms after each call.
type refusing struct{ calls atomic.Int32 }

func (g *refusing) RoundTrip(*http.Request) (*http.Response, error) {
	g.calls.Add(1)
	time.Sleep(100 * time.Millisecond)
	return says(401, `{"error_code":"APIGW.0301","error_msg":"Incorrect IAM authentication information"}`)(nil)
}

// The gateway locks a key after more than five failures in a row, and two
// replicas share a key. However many calls are made at once, two replicas stay
// below that.
func TestTwoReplicasCannotLockTheirKey(t *testing.T) {
	for _, tt := range []struct {
		name string
		call func(context.Context, *Client)
	}{
		{"jobs", func(ctx context.Context, c *Client) { _, _ = c.ShowJob(ctx, "j") }},
		{"lists", func(ctx context.Context, c *Client) { _, _ = c.ListServers(ctx, Filter{IDs: names(0, 900)}) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gateway := new(refusing)
				var wg sync.WaitGroup
				for range 2 {
					c := clientOf(t, "http://ecs.example.com", func(c *Config) { c.Transport = gateway })
					for range 20 {
						wg.Go(func() { tt.call(t.Context(), c); tt.call(t.Context(), c) })
					}
				}
				wg.Wait()
				if n := gateway.calls.Load(); n > 5 {
					t.Errorf("%d refused authentications, the key is locked at 6", n)
				}
			})
		})
	}
}

// Keys that were good may become bad. From the first refusal on one call at a
// time finds out; the others wait for it.
func TestAfterARefusalOneCallAtATimeProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls, most, now atomic.Int32
		var refuse atomic.Int32
		transport := transportFunc(func(*http.Request) (*http.Response, error) {
			calls.Add(1)
			most.Store(max(most.Load(), now.Add(1)))
			defer now.Add(-1)
			time.Sleep(time.Second)
			if refuse.Add(-1) >= 0 {
				return says(401, `{"error_code":"APIGW.0301","error_msg":"no"}`)(nil)
			}
			return says(200, goodJob)(nil)
		})
		c := clientOf(t, "http://ecs.example.com", func(c *Config) { c.Transport = transport })
		show := func() error { _, err := c.ShowJob(t.Context(), "j"); return err }
		if err := show(); err != nil {
			t.Fatal(err)
		}
		refuse.Store(1)
		if err := show(); VerdictOf(err) != Authentication {
			t.Fatal(err)
		}
		most.Store(0)
		var wg sync.WaitGroup
		ended := make([]time.Duration, 6)
		began := time.Now()
		for i := range ended {
			wg.Go(func() {
				if err := show(); err != nil {
					t.Error(err)
				}
				ended[i] = time.Since(began)
			})
		}
		time.Sleep(500 * time.Millisecond)
		if n := most.Load(); n != 1 {
			t.Errorf("%d calls probe at once", n)
		}
		// A call that has no time to wait fails, and nothing is sent for it.
		before := calls.Load()
		short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := c.ShowJob(short, "j"); VerdictOf(err) != NotAccepted || !errors.Is(err, context.DeadlineExceeded) || calls.Load() != before {
			t.Errorf("got %v after %d calls, want %d", err, calls.Load(), before)
		}
		wg.Wait()
		slices.Sort(ended)
		if !slices.Equal(ended, []time.Duration{time.Second, 2 * time.Second, 2 * time.Second, 2 * time.Second, 2 * time.Second, 2 * time.Second}) {
			t.Errorf("ended after %v: want one, then all others together", ended)
		}
	})
}
