package jobs

import (
	"net/http"
	"testing"
	"time"

	"ecsbot/internal/ecsclient"
	"ecsbot/internal/secret"

	"golang.org/x/time/rate"
)

// The last check before a call is worth nothing if the call leaves long after
// it: people have been told meanwhile that no request is sent. A stop leaves
// within two seconds of its intent, or not at all.
func TestAStopLeavesSoonAfterItsIntentOrNotAtAll(t *testing.T) {
	t.Parallel()
	const late = maxIntentAge + time.Second
	for _, tt := range []struct {
		name  string
		delay func(l *rate.Limiter, r *http.Request) (again bool)
	}{
		{"the limiter has no token", func(l *rate.Limiter, r *http.Request) bool {
			if r.Method == http.MethodPost {
				l.SetLimit(rate.Inf)
				return false
			}
			l.SetLimit(rate.Every(late)) // the call after the look has to wait
			l.Allow()
			return true
		}},
		{"no connection comes about", func(_ *rate.Limiter, r *http.Request) bool {
			if r.Method != http.MethodPost {
				return true
			}
			select {
			case <-time.After(late):
			case <-r.Context().Done():
			}
			return false
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ids := w.fleet(1)
			limiter := rate.NewLimiter(rate.Inf, 1)
			e := w.opened(func(c *Config) {
				o := w.cloud.Options()
				cloud, err := ecsclient.New(ecsclient.Config{
					Endpoint: "https://ecs.example.com", ProjectID: projectID, Transport: w, Limiter: limiter,
					Credentials: ecsclient.Fixed(ecsclient.Credentials{AccessKey: o.AccessKey, SecretKey: secret.New(o.SecretKey)}),
				})
				if err != nil {
					t.Fatal(err)
				}
				c.Projects[0].Cloud = cloud
			})
			r := w.approved(e, "op", ids...)
			w.called = func(req *http.Request) {
				if !tt.delay(limiter, req) {
					w.called = nil
				}
			}
			w.run(e, newMessenger())
			r = w.ended(20*time.Second, e, r.ID)
			batches, err := e.Batches(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			stops := w.stops()
			if len(stops) != 1 {
				t.Fatalf("%d stop calls reached the cloud, want 1", len(stops))
			}
			if old := stops[0].Time.Sub(batches[0].IntentAt); old > maxIntentAge {
				t.Errorf("the call reached the cloud %v after its intent", old)
			}
		})
	}
}
