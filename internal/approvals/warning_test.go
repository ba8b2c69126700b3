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
	want := []Warning{{Hazard: LooksLive, Count: 4, Names: []string{"prod-1", "prod-2", "prod-3"}, By: []string{ByName}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// A tag that says production is named; a few of many are enough.
func TestAWarningNamesWhatHintsAtIt(t *testing.T) {
	servers := []Server{
		{Name: "api-1", Tags: []string{"team=a", "env=prod"}}, {Name: "api-2", Tags: []string{"env=prod"}}, {Name: "live-1"},
		{Name: "prod-1", Tags: []string{"stage=live"}}, {Name: "api-3", Tags: []string{"env=prd"}},
	}
	got := Warn(servers)
	if want := []string{"env=prod", ByName, "stage=live"}; len(got) != 1 || got[0].Count != 5 || !reflect.DeepEqual(got[0].By, want) {
		t.Errorf("got %+v, want by %q", got, want)
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
	// 900 a minute: 100 are left to small requests.
	r := Request{State: Executing, Listed: Listed{Total: 2500}, Work: Work{Started: noon, Batches: 25, OpenBatches: 25}}
	eta := func(r Request, want time.Duration, why string) {
		t.Helper()
		if got := r.ETA(1000, 100); !got.Equal(noon.Add(want)) {
			t.Errorf("%s: %v, want %v", why, got.Sub(noon), want)
		}
	}
	ended := func(r Request, n int, after time.Duration) Request {
		t.Helper()
		r, err := r.BatchEnded(Tally{Stopped: n}, noon.Add(after))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	eta(r, 2*time.Minute, "by the limit alone")
	r = ended(r, 100, 13*time.Second)
	eta(r, 133*time.Second, "the last batch takes as long as the first")
	for i := range 8 {
		r = ended(r, 100, 14*time.Second+time.Duration(i)*time.Second)
		eta(r, 133*time.Second, "the batches of the first minute do not move it")
	}
	r = ended(r, 100, 75*time.Second)
	eta(r, 133*time.Second, "nor does one of the second")
	eta(ended(r, 100, 2*time.Minute), 3*time.Minute, "it moves when the work falls behind")

	line := r
	line.QueuePosition = 2
	small := Request{State: Executing, Listed: Listed{Total: 500}, Work: Work{Started: noon, OpenBatches: 5}}
	over := r
	over.State = Succeeded
	for why, r := range map[string]Request{"in line": line, "within one window": ended(small, 100, time.Second), "ended": over} {
		if got := r.ETA(1000, 100); !got.IsZero() {
			t.Errorf("%s: an ETA is made up: %v", why, got)
		}
	}
}

// What is counted early never shows a server twice, whatever an older version does
// meanwhile.
func TestProgressCountsServersOfBatchesThatRun(t *testing.T) {
	r := Request{State: Executing, Listed: Listed{Total: 300}, Work: Work{Started: noon, Batches: 3, OpenBatches: 3}}
	stopped := func(n int) Tally { return Tally{Stopped: n} }
	shows := func(r Request, want int) {
		t.Helper()
		if got := r.Progress().Done(); got != want {
			t.Errorf("it shows %d, want %d", got, want)
		}
	}
	end := func(r Request) Request {
		t.Helper()
		r, err := r.BatchEnded(stopped(100), noon)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	shows(r, 0)
	r = r.NoteEarly(Tally{}, stopped(30)).NoteEarly(Tally{}, stopped(20)).NoteEarly(stopped(30), stopped(40))
	shows(r, 60)
	old := r
	r = end(r.NoteEarly(stopped(40), Tally{}))
	shows(r, 120)
	shows(r.AddBatches(1), 120)
	// An older version ends the batch with 40 and does not know what was noted.
	old.OpenBatches, old.Tally = 2, stopped(100)
	shows(old, 100)
	shows(old.AddBatches(1), 100)
	old = old.NoteEarly(stopped(20), stopped(25))
	shows(old, 105)
	shows(end(old.NoteEarly(stopped(25), Tally{})), 200)
}
