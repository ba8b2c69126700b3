package inventory

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/ecssim"
)

// A person who names a tag means the servers that have it, and no others: a
// value may end in "=", as base64 does.
func TestATagChoosesOnlyServersThatHaveIt(t *testing.T) {
	cloud := newCloud(t)
	cloud.Add(
		ecssim.Server{ID: "padded", Tags: []string{"hash=Zm8="}}, ecssim.Server{ID: "plain", Tags: []string{"hash=Zm8"}},
		ecssim.Server{ID: "bare", Tags: []string{"hash"}}, ecssim.Server{ID: "empty", Tags: []string{"hash="}},
		ecssim.Server{ID: "both", Tags: []string{"hash=Zm8=", "env=dev"}},
	)
	inv, _ := of(t, cloud)
	for _, tt := range []struct {
		tags, want []string
	}{
		{[]string{"hash=Zm8="}, []string{"both", "padded"}},
		{[]string{"hash=Zm8"}, []string{"plain"}},
		{[]string{"hash"}, []string{"bare", "empty"}},
		{[]string{"hash="}, []string{"bare", "empty"}},
		{[]string{"env=dev", "hash=Zm8="}, []string{"both"}},
		{[]string{"env=dev", "hash=Zm8"}, nil},
	} {
		found, _, err := inv.Find(t.Context(), approvals.Ask{Tags: tt.tags})
		if got := namesOf(found); err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("--tag %q chooses %q, want %q (%v)", tt.tags, got, tt.want, err)
		}
	}
}

func namesOf(servers []approvals.Server) []string {
	var names []string
	for _, s := range servers {
		names = append(names, s.Name)
	}
	return names
}

// What a person wrote names each server once, in the order of the words; only a
// star may mean several.
func TestWordsBecomeServers(t *testing.T) {
	cloud := newCloud(t, "web-1", "web-2", "api", "twin", "twin", "db-1")
	if err := cloud.StopByHand(idOf(1)); err != nil {
		t.Fatal(err)
	}
	inv, _ := of(t, cloud)
	for _, tt := range []struct {
		name               string
		words              []string
		stop, leave        []string
		missing, ambiguous []string
		all                []string // what the verb servers shows
	}{
		{name: "a name", words: []string{"api"}, stop: []string{"api"}, all: []string{"api"}},
		{name: "an id", words: []string{idOf(2)}, stop: []string{"api"}, all: []string{"api"}},
		{name: "twice, and in this order", words: []string{"web-1", idOf(2), "api", "web-*"}, stop: []string{"web-1", "api"}, leave: []string{"web-2"}, all: []string{"web-1", "api", "web-2"}},
		{name: "a protected one", words: []string{"*-1"}, stop: []string{"web-1"}, leave: []string{"db-1"}, all: []string{"db-1", "web-1"}},
		{name: "a star may mean several of one name", words: []string{"tw*"}, stop: []string{"twin", "twin"}, all: []string{"twin", "twin"}},
		{name: "a name of several", words: []string{"api", "twin"}, ambiguous: []string{"twin"}, all: []string{"api", "twin", "twin"}},
		{name: "no server", words: []string{"api", "wbe-1", "x*", idOf(99)}, missing: []string{"wbe-1", "x*", idOf(99)}, all: []string{"api"}},
		{name: "more names than are asked for one by one", words: []string{"web-1", "web-2", "api", "db-1", "tw*", "nobody"}, missing: []string{"nobody"}, all: []string{"web-1", "web-2", "api", "db-1", "twin", "twin"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ask := approvals.Ask{Servers: tt.words}
			now := time.Now()
			f, err := inv.Resolve(t.Context(), ask, protected, now)
			refusal, _ := errors.AsType[*approvals.Refusal](err)
			if refusal == nil {
				refusal = &approvals.Refusal{}
			}
			if (err != nil) != (len(tt.missing)+len(tt.ambiguous) > 0) || !slices.Equal(refusal.Missing, tt.missing) ||
				!slices.Equal(slices.Sorted(maps.Keys(refusal.Ambiguous)), tt.ambiguous) {
				t.Errorf("it was refused: %v, missing %q, ambiguous %v", err, refusal.Missing, refusal.Ambiguous)
			}
			var left []string
			for _, l := range f.LeftOut {
				left = append(left, l.Server.Name)
			}
			if got := namesOf(f.Servers); !slices.Equal(got, tt.stop) || !slices.Equal(left, tt.leave) {
				t.Errorf("to stop %q, want %q; left out %q, want %q", got, tt.stop, left, tt.leave)
			}
			if err == nil && !f.At.Equal(now) {
				t.Errorf("the list is of %v, want %v", f.At, now)
			}
			found, missing, err := inv.Find(t.Context(), ask)
			if got := namesOf(found); err != nil || !slices.Equal(got, tt.all) {
				t.Errorf("it shows %q, want %q (%v)", got, tt.all, err)
			}
			if (missing == nil) != (len(tt.missing) == 0) || missing != nil && !slices.Equal(missing.Missing, tt.missing) {
				t.Errorf("it misses %v, want %q", missing, tt.missing)
			}
		})
	}
}

func TestMissingNamesGetNamesLikeThem(t *testing.T) {
	inv, _ := of(t, newCloud(t, "web-1", "web-2", "api"))
	_, err := inv.Resolve(t.Context(), approvals.Ask{Servers: []string{"wbe-1", "wbe-*", idOf(99)}}, protected, time.Now())
	r, _ := errors.AsType[*approvals.Refusal](err)
	if r == nil || len(r.Near) != 1 || !slices.Contains(r.Near["wbe-1"], "web-1") {
		t.Errorf("%+v", r)
	}
}

// Servers that were shown as left out are not in the list later, whatever they
// are by then.
func TestWhatWasShownAsLeftOutStaysOut(t *testing.T) {
	inv, _ := of(t, newCloud(t, "web-1", "web-2"))
	f, err := inv.Resolve(t.Context(), approvals.Ask{Servers: []string{idOf(0), idOf(1)}, Except: []string{idOf(1)}}, protected, time.Now())
	if err != nil || !slices.Equal(namesOf(f.Servers), []string{"web-1"}) || len(f.LeftOut) != 1 || f.LeftOut[0].Skip != approvals.SkipChangedSince {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestACloudThatCannotBeReadRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // failed reads are tried again
		for status, want := range map[int]approvals.RefusalKind{401: approvals.CloudRefusesKey, 503: approvals.CloudAway} {
			cloud := newCloud(t, "web-1") // a new one: a refused key is remembered
			inv, _ := of(t, cloud)
			cloud.FailNext("list", 1000, ecssim.Refuse(status, "E", "refused"))
			_, err := inv.Resolve(t.Context(), approvals.Ask{Servers: []string{"web-1"}}, protected, time.Now())
			if r, _ := errors.AsType[*approvals.Refusal](err); r == nil || r.Kind != want {
				t.Errorf("Resolve after %d: %v, want %q", status, err, want)
			}
			_, err = inv.Recheck(t.Context(), approvals.Stop, []approvals.Server{{ID: idOf(0)}}, protected, time.Now())
			if r, _ := errors.AsType[*approvals.Refusal](err); r == nil || r.Kind != want {
				t.Errorf("Recheck after %d: %v, want %q", status, err, want)
			}
		}
	})
}

// A new request for servers of an earlier one takes them as they are now.
func TestServersOfAnEarlierRequestAreReadAgain(t *testing.T) {
	cloud := newCloud(t, "stopped", "touched", "on", "gone", "db-1")
	inv, _ := of(t, cloud)
	for _, i := range []int{0, 1} {
		if err := cloud.StopByHand(idOf(i)); err != nil {
			t.Fatal(err)
		}
	}
	seen, err := inv.Read(t.Context(), []string{idOf(0), idOf(1), idOf(2), idOf(4)})
	if err != nil || len(seen) != 4 {
		t.Fatal(seen, err)
	}
	touched := seen[idOf(1)]
	touched.Updated = "2026-01-01T00:00:00Z" // it has changed since
	was := []approvals.Server{seen[idOf(0)], touched, seen[idOf(2)], {ID: idOf(9), Name: "gone"}, seen[idOf(4)]}
	for _, tt := range []struct {
		action approvals.Action
		want   []string
		out    map[string]approvals.SkipReason
	}{
		{approvals.Start, []string{"stopped"}, map[string]approvals.SkipReason{"touched": approvals.SkipChangedSince, "on": approvals.SkipOn, "gone": approvals.SkipVanished, "db-1": approvals.SkipOn}},
		{approvals.Stop, []string{"on"}, map[string]approvals.SkipReason{"stopped": approvals.SkipOff, "touched": approvals.SkipOff, "gone": approvals.SkipVanished, "db-1": approvals.SkipProtected}},
	} {
		now := time.Now()
		f, err := inv.Recheck(t.Context(), tt.action, was, protected, now)
		out := map[string]approvals.SkipReason{}
		for _, l := range f.LeftOut {
			out[l.Server.Name] = l.Skip
		}
		if err != nil || f.Action != tt.action || !f.At.Equal(now) || !slices.Equal(namesOf(f.Servers), tt.want) || !maps.Equal(out, tt.out) {
			t.Errorf("%q: %q, left out %v (%v), want %q and %v", tt.action, namesOf(f.Servers), out, err, tt.want, tt.out)
		}
	}
}
