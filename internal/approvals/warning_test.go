package approvals

import (
	"reflect"
	"testing"
	"time"
)

func TestWarnings(t *testing.T) {
	for _, c := range []struct {
		server Server
		want   []Hazard
	}{
		{Server{Name: "web-1"}, nil},
		{Server{Name: "prod-web-1"}, []Hazard{LooksLive}},
		{Server{Name: "eu1PRD02"}, []Hazard{LooksLive}},
		{Server{Name: "shop.live"}, []Hazard{LooksLive}},
		{Server{Name: "web-1", Tags: []string{"env=Production"}}, []Hazard{LooksLive}},
		{Server{Name: "web-1", Tags: []string{"prod=no"}}, nil}, // a value counts, not a key
		{Server{Name: "non-prod-1"}, nil},
		{Server{Name: "pre_prod_1"}, nil},
		{Server{Name: "delivery-1"}, nil},
		{Server{Name: "product-1"}, nil},
		{Server{Name: "as-config-a1b2"}, []Hazard{MayBeScaled}},
		{Server{Name: "web-as-7"}, []Hazard{MayBeScaled}},
		{Server{Name: "nas-1"}, nil},
		{Server{Name: "größeas-1"}, nil},
		{Server{Name: "x", Tags: []string{"AutoScaling=web"}}, []Hazard{MayBeScaled}},
		{Server{Name: "x", Tags: []string{"auto-scaling"}}, []Hazard{MayBeScaled}},
		{Server{Name: "x", Charge: "1"}, []Hazard{BilledOff}},
		{Server{Name: "x", Charge: "0", Flavor: "s6.large.2"}, nil},
		{Server{Name: "x", Charge: "2", Flavor: "c7t.large.2"}, nil},
		{Server{Name: "x", Flavor: "d3.4xlarge.8"}, []Hazard{BilledOff}},
		{Server{Name: "x", Flavor: "i3.2xlarge.8"}, []Hazard{BilledOff}},
		{Server{Name: "x", Flavor: "ir7.large.4"}, []Hazard{BilledOff}},
		{Server{Name: "x", Flavor: "fp1c.2xlarge.11"}, []Hazard{BilledOff}},
		{Server{Name: "x", Flavor: "physical.s3.large"}, []Hazard{BilledOff}},
		{Server{Name: "live-as-1", Charge: "1"}, []Hazard{LooksLive, MayBeScaled, BilledOff}},
	} {
		var got []Hazard
		for _, w := range Warn([]Server{c.server}) {
			got = append(got, w.Hazard)
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%+v: %v, want %v", c.server, got, c.want)
		}
	}
}

func TestAWarningIsOneForAllServers(t *testing.T) {
	got := Warn([]Server{{Name: "prod-1"}, {Name: "x"}, {Name: "prod-2"}, {Name: "prod-3"}, {Name: "prod-4"}})
	want := []Warning{{Hazard: LooksLive, Count: 4, Names: []string{"prod-1", "prod-2", "prod-3"}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestReminders(t *testing.T) {
	for _, c := range []struct {
		ttl  time.Duration
		want []time.Duration
	}{
		{time.Hour, []time.Duration{15 * time.Minute, 30 * time.Minute, 45 * time.Minute}},
		{20 * time.Minute, []time.Duration{5 * time.Minute, 10 * time.Minute, 15 * time.Minute}},
		{12 * time.Minute, []time.Duration{6 * time.Minute}},
		{4 * time.Minute, nil},
	} {
		r := Request{State: Pending, Asked: Asked{Created: noon}, Decided: Decided{Expires: noon.Add(c.ttl)}}
		var got []time.Duration
		for now := noon; now.Before(r.Expires); {
			now = r.NextDue(5 * time.Minute)
			if next, due := r.Remind(5*time.Minute, now); due {
				got = append(got, now.Sub(noon))
				r = next
			}
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("within %v: %v, want %v", c.ttl, got, c.want)
		}
	}
}

func TestReminderIsForTheUndecidedOnly(t *testing.T) {
	for name, r := range situations(t) {
		if next, due := r.Remind(time.Minute, r.Expires.Add(-time.Second)); due != (r.State == Pending) || r.State == Pending && next.RemindersSent != 3 {
			t.Errorf("%s: due %v, %d sent", name, due, next.RemindersSent)
		}
		if _, due := r.Remind(time.Minute, r.Expires); due {
			t.Errorf("%s: reminded of when its time is over", name)
		}
	}
}

func TestETA(t *testing.T) {
	r := Request{State: Executing, Listed: Listed{Total: 2500}, Work: Work{Started: noon}}
	if got := r.ETA(1000); !got.Equal(noon.Add(2 * time.Minute)) {
		t.Errorf("by the limit alone: %v", got.Sub(noon))
	}
	r.Tally, r.LastBatchAt = Tally{Stopped: 500}, noon.Add(time.Minute)
	if got := r.ETA(1000); !got.Equal(noon.Add(5 * time.Minute)) {
		t.Errorf("by what is done: %v", got.Sub(noon))
	}
	r.LastBatchAt = noon.Add(time.Second)
	if got := r.ETA(1000); !got.Equal(noon.Add(2 * time.Minute)) {
		t.Errorf("what is done does not pass the limit: %v", got.Sub(noon))
	}
	small := Request{State: Executing, Listed: Listed{Total: 5}, Work: Work{Started: noon}}
	done := r
	done.State = Succeeded
	if got := small.ETA(1000); !got.IsZero() || !done.ETA(1000).IsZero() {
		t.Errorf("an ETA is made up: %v, %v", got, done.ETA(1000))
	}
}
