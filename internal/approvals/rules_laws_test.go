package approvals

import (
	"reflect"
	"slices"
	"testing"
	"time"
)

// scene is what the laws of demands are checked with.
type scene struct {
	t      *testing.T
	pol    Policy
	s      Subject
	at     time.Time
	people []Person
	ask    Ask
	age    time.Duration
}

func (c scene) demand(rules ...Rule) Demand {
	pol := c.pol
	pol.Rules = rules
	return pol.Demand(c.s, c.at)
}

// atLeast checks that what satisfies strict satisfies loose, too: for all sets of
// people, and for the ask.
func (c scene) atLeast(law string, strict, loose Demand) {
	c.t.Helper()
	for set := range 1 << len(c.people) {
		var some []Person
		for i, p := range c.people {
			if set>>i&1 != 0 {
				some = append(some, p)
			}
		}
		if satisfied(c.pol, strict, some, "UANN", c.age) && !satisfied(c.pol, loose, some, "UANN", c.age) {
			c.t.Errorf("%s: %+v satisfy\n%+v but not\n%+v", law, some, strict.Slots, loose.Slots)
			return
		}
	}
	if strict.Admits(c.ask) == nil && loose.Admits(c.ask) != nil {
		c.t.Errorf("%s: the ask is admitted, but not by less: %v", law, loose.Admits(c.ask))
	}
	if _, denied := loose.Denied(); denied && strict.Admits(c.ask) == nil {
		c.t.Errorf("%s: what a rule denies is admitted", law)
	}
	if strict.Automatic && !loose.Automatic || strict.TTL(c.pol) > loose.TTL(c.pol) {
		c.t.Errorf("%s: automatic %v against %v, open for %v against %v", law, strict.Automatic, loose.Automatic, strict.TTL(c.pol), loose.TTL(c.pol))
	}
}

// FuzzDemand holds random rules against the laws of demands.
func FuzzDemand(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 1, 2, 1, 0, 0, 0, 0, 0, 0, 3, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1, 3, 7, 2})
	f.Add([]byte("every server of production needs the leads and those who run the databases"))
	f.Add([]byte("\x01\x01\x04\x01\x01\x01\x00\x04\x02\x00\x03\x05\x02\x01\x00\x01\x03\x01\x01\x01\x07\x01\x02\x04\x04\x01\x01\x00\x05\x06\x03\x02\x02\x01\x02\x03\x09\x0f\x0c\x03\x05"))
	f.Fuzz(checkDemand)
}

// Random rules are tried without a fuzzer, too.
func TestDemands(t *testing.T) { atRandom(t, 1500, checkDemand) }

func checkDemand(t *testing.T, bytes []byte) {
	d := &draw{bytes}
	c := scene{t: t, pol: d.policy(), s: d.subject(), at: d.time(), people: d.people(), age: time.Duration(d.n(2)) * 20 * time.Minute}
	c.ask = d.ask(c.people[0])
	c.moreRules(d.rule("z"))
	c.automatic()
	c.order(d.n(5))
	c.fewer(d.n(len(c.s.Servers)))
	c.unknownTags(d.n(len(c.s.Servers)))
	c.both(d.rules())
	c.refused()
}

// moreRules: a rule that demands something never makes a request easier. The exception
// is the point of naming approvers: they take servers from the policy's.
func (c scene) moreRules(r Rule) {
	before, after := c.demand(c.pol.Rules...), c.demand(append(slices.Clone(c.pol.Rules), r)...)
	defaults := len(before.Slots) > 0 && before.Slots[0].Rule == ""
	if r.Auto || r.takes() && defaults {
		return
	}
	c.atLeast("one more rule", after, before)
}

// automatic: a rule without demands counts only for servers that no demand touches.
func (c scene) automatic() {
	d := c.demand(c.pol.Rules...)
	touches := func(r Rule, i int) bool {
		m, ok := r.match(c.s, c.at)
		return ok && m.touched[i] != apart
	}
	all := true
	for i := range c.s.Servers {
		demands := slices.ContainsFunc(c.pol.Rules, func(r Rule) bool { return !r.Auto && touches(r, i) })
		let := slices.ContainsFunc(c.pol.Rules, func(r Rule) bool {
			unsure := len(r.Tags) > 0 && c.s.Servers[i].TagsUnknown
			hard := c.s.Mode == Hard && c.s.Action == Stop && !r.AutoHard
			return r.Auto && r.MoreThan == 0 && touches(r, i) && !unsure && !hard
		})
		all = all && let && !demands
	}
	if d.Automatic != all || d.Automatic != (d.Approvals() == 0) {
		c.t.Errorf("automatic is %v, with %d approvals; each server is: %v", d.Automatic, d.Approvals(), all)
	}
}

func (c scene) order(n int) {
	rules := slices.Clone(c.pol.Rules)
	slices.Reverse(rules)
	rules = slices.Concat(rules[n%(len(rules)+1):], rules[:n%(len(rules)+1)])
	if a, b := c.demand(c.pol.Rules...), c.demand(rules...); !reflect.DeepEqual(a, b) {
		c.t.Errorf("in another order the rules demand\n%+v, not\n%+v", b, a)
	}
}

// fewer: leaving servers out never makes a request harder.
func (c scene) fewer(i int) {
	if len(c.s.Servers) == 1 {
		return
	}
	all := c.demand(c.pol.Rules...)
	c.s.Servers = slices.Delete(slices.Clone(c.s.Servers), i, i+1)
	rest := c.demand(c.pol.Rules...)
	c.atLeast("fewer servers", all, rest)
}

// unknownTags: a server whose tags are not known needs what it would need with any
// tags. Who may ask where approval is not needed is no part of that.
func (c scene) unknownTags(i int) {
	known := c.demand(c.pol.Rules...)
	c.s.Servers = slices.Clone(c.s.Servers)
	c.s.Servers[i].Tags, c.s.Servers[i].TagsUnknown = nil, true
	unknown := c.demand(c.pol.Rules...)
	known.Rules = slices.DeleteFunc(slices.Clone(known.Rules), func(r Rule) bool { return r.Auto })
	c.atLeast("unknown tags", unknown, known)
}

// both: the rules of then and of now together are at least as strict as each.
func (c scene) both(rules []Rule) {
	then, now := c.demand(c.pol.Rules...), c.demand(rules...)
	both := then.and(now)
	c.atLeast("then and now", both, then)
	c.atLeast("then and now", both, now)
	if again := both.and(then); again.Approvals() != both.Approvals() {
		c.t.Errorf("what holds already was added again: %+v", again.Slots)
	}
	if !reflect.DeepEqual(then.and(then), then) {
		c.t.Errorf("unchanged rules demand\n%+v, not\n%+v", then.and(then), then)
	}
}

// refused: what a rule denies is not made.
func (c scene) refused() {
	r, err := New("S-1", c.ask, ServerList{Action: c.s.Action, Servers: c.s.Servers}, c.pol, c.at)
	if rule, denied := c.softly().Denied(); denied && refusal(err) != RuleDenies {
		c.t.Errorf("rule %s denies it, and it was made: %s %v", rule.Name, r.ID, err)
	}
}

// softly is what the ask demands, whatever the mode of the subject is.
func (c scene) softly() Demand {
	c.s.Mode = c.ask.Mode
	return c.demand(c.pol.Rules...)
}

// FuzzAssign compares the matching with what trying finds.
func FuzzAssign(f *testing.F) {
	f.Add([]byte{2, 1, 1, 3, 3, 1, 2})
	f.Add([]byte{3, 2, 1, 1, 5, 1, 3, 6, 7, 4})
	f.Add([]byte{1, 3, 4, 1, 1, 1, 1})
	f.Fuzz(func(t *testing.T, bytes []byte) {
		d := &draw{bytes}
		var slots []Slots
		for range 1 + d.n(3) {
			slots = append(slots, Slots{Count: d.n(4)})
		}
		var voters []voter
		for range d.n(6) {
			bits := d.n(8)
			v := voter{fits: make([]answer, len(slots))}
			for i := range slots {
				if bits>>i&1 != 0 {
					v.fits[i] = yes
				}
			}
			voters = append(voters, v)
		}
		got := assign(slots, voters)
		count := make([]int, len(slots))
		n := 0
		for v, i := range got {
			if i < 0 {
				continue
			}
			n++
			if count[i]++; voters[v].fits[i] != yes || count[i] > slots[i].Count {
				t.Errorf("%v of %v for %v", got, slots, voters)
			}
		}
		if want := most(slots, voters); n != want || filled(slots, voters) != want {
			t.Errorf("%d slots are filled, %d can be: %v of %v for %v", n, want, got, slots, voters)
		}
	})
}

// most is how many of the slots can be filled.
func most(slots []Slots, voters []voter) int {
	if len(voters) == 0 {
		return 0
	}
	best := most(slots, voters[1:])
	for i := range slots {
		if voters[0].fits[i] == yes && slots[i].Count > 0 {
			left := slices.Clone(slots)
			left[i].Count--
			best = max(best, 1+most(left, voters[1:]))
		}
	}
	return best
}

// FuzzHours compares hours with a list of all minutes of a week.
func FuzzHours(f *testing.F) {
	f.Add(byte(0), uint16(0), uint16(1440), uint32(0))
	f.Add(byte(0b0100000), uint16(22*60), uint16(6*60), uint32(5*1440))
	f.Add(byte(0b0000001), uint16(0), uint16(0), uint32(1))
	f.Fuzz(func(t *testing.T, days byte, from, to uint16, at uint32) {
		h := Hours{From: int(from) % 1440, To: int(to) % 1441}
		for day := range time.Weekday(7) {
			if days>>day&1 != 0 {
				h.Days = append(h.Days, day)
			}
		}
		var in [7 * 1440]bool
		for day := range 7 {
			if len(h.Days) > 0 && days>>day&1 == 0 {
				continue
			}
			end := h.To
			if end <= h.From {
				end += 1440
			}
			for m := h.From; m < end; m++ {
				in[(day*1440+m)%len(in)] = true
			}
		}
		sunday := time.Date(2026, 3, 8, 0, 0, 0, 0, time.UTC)
		minute := int(at) % len(in)
		if got, err := h.Contains(sunday.Add(time.Duration(minute) * time.Minute)); err != nil || got != in[minute] {
			t.Errorf("%+v contains minute %d: %v, %v", h, minute, got, err)
		}
	})
}
