package approvals

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func named(names ...string) []Server {
	all := make([]Server, len(names))
	for i, n := range names {
		all[i] = Server{ID: fmt.Sprintf("id-%d", i), Name: n}
	}
	return all
}

// written is runs in short: first, last, count, whether numbers are missing, id.
func written(runs []NameRun) string {
	var all []string
	for _, r := range runs {
		s := r.First
		if r.Last != "" {
			s += fmt.Sprintf("…%s(%d)", r.Last, r.Count)
		}
		if r.Gaps {
			s += "~"
		}
		if r.ID != "" {
			s += "#" + r.ID
		}
		all = append(all, s)
	}
	return strings.Join(all, " ")
}

func TestNamesAreSummedUp(t *testing.T) {
	for _, tt := range []struct{ names, want string }{
		{"web-2 web-10 web-1", "web-1…web-10(3)~"},
		{"web-1 web-2", "web-1 web-2"},
		{"web-3 web-1 web-2", "web-1…web-3(3)"},
		{"web-08 web-09 web-10 web-11", "web-08…web-11(4)"},
		{"web-9 web-10 web-11 db", "db web-9…web-11(3)"},
		{"web-1 web-2 web-3 prod-web-2", "prod-web-2 web-1…web-3(3)"},
		{"a1-b a2-b a3-b a3-c", "a1-b…a3-b(3) a3-c"},
		{"web-1 web-2 web-2 web-3", "web-1 web-2#id-1 web-2#id-2 web-3"},
		{"x x", "x#id-0 x#id-1"},
		{"7 8 9 10", "7…10(4)"},
		{"服务器1 服务器2 服务器3", "服务器1…服务器3(3)"},
		{"", ""},
	} {
		if got := written(NameRuns(named(strings.Fields(tt.names)...))); got != tt.want {
			t.Errorf("%q is summed up as %q, want %q", tt.names, got, tt.want)
		}
	}
}

// Every server is counted once, and the order of the list does not matter.
func TestNoServerIsLostInASummary(t *testing.T) {
	parts := []string{"web", "db", "-", "1", "2", "10", "01", "x9", "", "é"}
	for range 2000 {
		var names []string
		for range rand.IntN(20) {
			var n strings.Builder
			for range 1 + rand.IntN(4) {
				n.WriteString(parts[rand.IntN(len(parts))])
			}
			names = append(names, n.String())
		}
		servers := named(names...)
		runs := NameRuns(servers)
		n := 0
		for _, r := range runs {
			n += r.Count
			if !slices.Contains(names, r.First) || r.Last != "" && !slices.Contains(names, r.Last) {
				t.Fatalf("%q names a server that is not there: %q", names, written(runs))
			}
		}
		if n != len(servers) {
			t.Fatalf("%q: %d servers in %q", names, n, written(runs))
		}
		slices.Reverse(servers)
		if got := written(NameRuns(servers)); got != written(runs) {
			t.Fatalf("%q: %q and, from the end, %q", names, written(runs), got)
		}
	}
}

func TestARequestSumsUpItsWholeList(t *testing.T) {
	var f ServerList
	for i := range 1500 {
		f.Servers = append(f.Servers, Server{ID: fmt.Sprint(i), Name: fmt.Sprintf("batch-%d", i+1)})
	}
	for i := range 40 {
		f.LeftOut = append(f.LeftOut, LeftOut{Server{ID: fmt.Sprint("x", i), Name: fmt.Sprintf("db-%d", i)}, []SkipReason{SkipOff, SkipProtected, SkipOff}[i%3]})
	}
	r, err := New("S-1", Ask{}, f, Policy{MaxServers: 2000}, noon)
	if err != nil {
		t.Fatal(err)
	}
	if got := written(r.Named()); got != "batch-1…batch-1500(1500)" {
		t.Errorf("named %q", got)
	}
	if s := r.Skips(); len(s) != 2 || s[0].Skip != SkipOff || s[0].Count != 27 || s[1].Count != 13 || len(s[0].Names) != 1 {
		t.Errorf("left out: %+v", s)
	}
	old := r
	old.Names, old.SkipCounts = nil, nil // what an older version has stored
	if got := written(old.Named()); got != "batch-1…batch-20(20)" {
		t.Errorf("of an older record: %q", got)
	}
	if s := old.Skips(); len(s) != 2 || s[0].Count+s[1].Count != sampleSize {
		t.Errorf("left out, of an older record: %+v", s)
	}
}
