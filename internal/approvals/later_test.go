package approvals

import (
	"slices"
	"testing"
	"time"
)

// freezeAct is one act about the freeze, typed at a time.
type freezeAct struct {
	put bool
	at  time.Time
}

func (a freezeAct) do(f Freeze, op string) Freeze {
	carriedOut := noon.Add(time.Hour)
	if a.put {
		f, _ = f.Put(bob, rules, "", "C1", op, a.at, carriedOut)
		return f
	}
	f, _ = f.Lift(bob, rules, op, a.at, carriedOut)
	return f
}

// Whatever order the acts of people are carried out in, what was typed last
// decides; of two at the same moment the one that holds back.
func TestTheNewestActAboutTheFreezeDecides(t *testing.T) {
	at := func(s int) time.Time { return noon.Add(time.Duration(s) * time.Second) }
	for name, acts := range map[string][]freezeAct{
		"an old unfreeze":             {{true, at(1)}, {false, at(2)}, {true, at(3)}},
		"an old freeze":               {{true, at(1)}, {false, at(2)}},
		"at the same time":            {{false, at(1)}, {true, at(1)}},
		"frozen twice":                {{true, at(1)}, {true, at(2)}, {false, at(3)}},
		"lifted twice":                {{true, at(1)}, {false, at(2)}, {false, at(4)}, {true, at(3)}},
		"a freeze between two others": {{true, at(1)}, {false, at(2)}, {true, at(3)}, {false, at(4)}},
	} {
		newest := acts[0]
		for _, a := range acts {
			if a.at.After(newest.at) || a.at.Equal(newest.at) && a.put {
				newest = a
			}
		}
		permutations(acts, func(order []freezeAct) {
			var f Freeze
			for n, a := range order {
				f = a.do(f, string(rune('a'+n)))
			}
			if f.On != newest.put {
				t.Errorf("%s, as %v: on is %t", name, order, f.On)
			}
		})
	}
}

func permutations[T any](list []T, do func([]T)) {
	if len(list) == 0 {
		do(nil)
		return
	}
	for i, first := range list {
		permutations(slices.Delete(slices.Clone(list), i, i+1), func(rest []T) { do(append([]T{first}, rest...)) })
	}
}

// A record of a version that did not note when people typed.
func TestAFreezeOfAnOldRecordIsNotLiftedByWhatCameBefore(t *testing.T) {
	old := Freeze{On: true, By: bob.ID, At: noon, Channel: "C1"}
	if _, err := old.Lift(cyd, rules, "op", noon.Add(-time.Second), late); !refusedFor(err, Overtaken) {
		t.Errorf("an older unfreeze: %v", err)
	}
	if next, err := old.Lift(cyd, rules, "op", noon.Add(time.Second), late); err != nil || next.On {
		t.Errorf("a newer unfreeze: %v", err)
	}
	off := Freeze{By: bob.ID, At: noon, Channel: "C1"}
	if next, err := off.Put(cyd, rules, "", "C1", "op", noon.Add(-time.Second), late); err != nil || !next.On {
		t.Errorf("when the unfreeze was typed is not known, so the freeze has to hold: %v", err)
	}
}

// More approvals are needed if the settings say so by now, and only those of
// people who are approvers by now count.
func TestTheSettingsOfTheClickDecideWhatIsEnough(t *testing.T) {
	r := asked(t, rules) // one is enough
	two := rules
	two.ApprovalsRequired = 2
	half, err := r.Approve(bob, two, nil, "op1", noon)
	if err != nil || half.State != Pending || half.ApprovalsNeeded != 2 {
		t.Fatalf("%s, needs %d: %v", half.State, half.ApprovalsNeeded, err)
	}
	if full, err := half.Approve(cyd, rules, nil, "op2", noon); err != nil || full.State != Approved || full.ApprovalsNeeded != 2 {
		t.Errorf("%s, needs %d: %v", full.State, full.ApprovalsNeeded, err)
	}
	less, err := half.VoidApprovalsOf([]string{bob.ID}).Approve(cyd, two, nil, "op2", noon)
	if err != nil || less.State != Pending || less.Approvals() != 1 || !slices.Equal(less.Approvers(), []string{cyd.ID}) {
		t.Errorf("with a yes of a former approver: %s by %v: %v", less.State, less.Approvers(), err)
	}
	if half.Approvals() != 1 {
		t.Error("the request itself was changed")
	}
	// A person who is an approver again may say yes again.
	if back, err := less.Approve(bob, two, nil, "op3", noon); err != nil || back.State != Approved {
		t.Errorf("%s: %v", back.State, err)
	}
}

func TestWhatIsLeftOutIsBounded(t *testing.T) {
	frozen := ServerList{Servers: serverList(1)}
	for range rules.mostLeftOut() {
		frozen.LeftOut = append(frozen.LeftOut, LeftOut{Skip: SkipOff})
	}
	ask := Ask{OpID: "E1", By: ann, Project: "main"}
	if _, err := New("S-ABCDE", ask, frozen, rules, noon); err != nil {
		t.Errorf("as many as may be: %v", err)
	}
	frozen.LeftOut = append(frozen.LeftOut, LeftOut{Skip: SkipOff})
	if _, err := New("S-ABCDE", ask, frozen, rules, noon); !refusedFor(err, TooManyLeftOut) {
		t.Errorf("one more: %v", err)
	}
}
