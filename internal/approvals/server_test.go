package approvals

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

const someID = "1f0c5a3e-7d2b-4e8a-9c61-0a2b3c4d5e6f"

func TestIsServerID(t *testing.T) {
	for text, want := range map[string]bool{
		someID: true, strings.ToUpper(someID): false, someID + "0": false, someID[1:]: false, someID + "\n": false,
		strings.ReplaceAll(someID, "-", ""): false, "web-1": false, "": false,
	} {
		if IsServerID(text) != want {
			t.Errorf("%q: want %t", text, want)
		}
	}
}

func TestProtectionByName(t *testing.T) {
	for _, test := range []struct {
		protect, name string
		want          bool
	}{
		{someID, "web-1", true},
		{strings.ToUpper(someID), "web-1", true},
		{someID[:35], "web-1", false},
		{"1f0c*", "web-1", false}, // patterns are for names
		{"web-1", "web-1", true},
		{"WEB-1", "web-1", true},
		{"web-1", "Web-1", true},
		{"web-1", "web-10", false},
		{"web-1", "my-web-1", false},
		{"web-*", "web-10", true},
		{"Web-*", "WEB-", true},
		{"*", "anything", true},
		{"*db*", "my-DB-1", true},
		{"сервер-*", "Сервер-1", true},
		{"web.1", "web-1", false},
		{"web-?", "web-1", false},
		{"", "web-1", false},
	} {
		s := Server{ID: someID, Name: test.name}
		if got := (Protection{Servers: []string{"other", test.protect}}).Covers(s); got != test.want {
			t.Errorf("%q protects %q: %t", test.protect, test.name, got)
		}
	}
	if (Protection{}).Covers(Server{ID: someID, Name: "web-1", Tags: []string{"a=b"}}) {
		t.Error("no protection covers a server")
	}
}

func TestProtectionByTag(t *testing.T) {
	for _, test := range []struct {
		protect string
		tags    []string
		want    bool
	}{
		{"env", []string{"env=prod"}, true},
		{"env", []string{"env="}, true},
		{"env", []string{"env"}, true},
		{"env", []string{"a=b", "env=dev"}, true},
		{"env", []string{"environment=prod", "my-env=prod", "x=env"}, false},
		{"env=prod", []string{"env=prod"}, true},
		{"env=prod", []string{"env=production", "env=pro", "env", "env=", "prod"}, false},
		{"env=a=b", []string{"env=a=b"}, true},
		{"env=a", []string{"env=a=b"}, false},
		{"env=", []string{"env="}, true},
		{"env=", []string{"env"}, true}, // the cloud gives a tag without value either way
		{"env=", []string{"env=prod"}, false},
		{"hash=Zm8=", []string{"hash=Zm8="}, true},
		{"hash=Zm8=", []string{"hash=Zm8"}, false}, // a value that ends in "=" is another value
		{"hash=Zm8", []string{"hash=Zm8="}, false},
		{"hash", []string{"hash=Zm8="}, true},
		{"env", nil, false},
		{"env=prod", nil, false},
	} {
		s := Server{ID: someID, Name: "web-1", Tags: test.tags}
		if got := (Protection{Tags: []string{"other", test.protect}}).Covers(s); got != test.want {
			t.Errorf("%q protects %q: %t", test.protect, test.tags, got)
		}
	}
}

func TestSameTag(t *testing.T) {
	for _, test := range []struct {
		a, b string
		same bool
	}{
		{"env=dev", "env=dev", true},
		{"env", "env", true},
		{"env", "env=", true},
		{"env=", "env=", true},
		{"env", "env=dev", false},
		{"env=dev", "env=de", false},
		{"env", "ENV", false},
		{"hash=Zm8=", "hash=Zm8=", true},
		{"hash=Zm8=", "hash=Zm8", false},
		{"hash=Zm8==", "hash=Zm8=", false},
		{"hash==", "hash=", false}, // its value is "="
		{"hash==", "hash", false},
	} {
		if sameTag(test.a, test.b) != test.same || sameTag(test.b, test.a) != test.same {
			t.Errorf("%q and %q: want same %t", test.a, test.b, test.same)
		}
	}
}

func TestMatch(t *testing.T) {
	for _, test := range []struct {
		pattern string
		yes, no []string
	}{
		{"", []string{""}, []string{"a"}},
		{"web", []string{"web"}, []string{"Web", "web1", "aweb", ""}},
		{"*", []string{"", "a", "a/b", "a\nb", "é", "\xff", "*"}, nil},
		{"**", []string{"", "a"}, nil},
		{"web-*", []string{"web-", "web-1", "web-*", "web-a/b"}, []string{"web", "aweb-1", "WEB-1"}},
		{"*-1", []string{"-1", "web-1", "web-1-1"}, []string{"web-10", "1"}},
		{"a*a", []string{"aa", "aba", "aaa"}, []string{"a", "ab", "ba"}},
		{"a*b*c", []string{"abc", "axbxc", "abcbc"}, []string{"ac", "acb", "abcx", "xabc"}},
		{"*ab*ab", []string{"abab", "xabyab", "ababab"}, []string{"ab", "aab", "abxabx"}},
		{"a**b", []string{"ab", "axb"}, []string{"a", "b"}},
		{"w?b", []string{"w?b"}, []string{"web", "wb"}},
		{"w?b*", []string{"w?b1"}, []string{"web1"}},
		{"[ab]*", []string{"[ab]", "[ab]1"}, []string{"a", "b1"}},
		{"[*", []string{"[", "[x"}, []string{"", "x"}},
		{`\*`, []string{`\`, `\x`}, []string{"*", ""}},
		{`a\`, []string{`a\`}, []string{"a"}},
		{"a/*", []string{"a/", "a/b/c"}, []string{"a"}},
		{"^a$", []string{"^a$"}, []string{"a"}},
		{"é*", []string{"éa"}, []string{"e", "\xc3"}},
	} {
		for _, name := range test.yes {
			if !Match(test.pattern, name) {
				t.Errorf("%q does not match %q", test.pattern, name)
			}
		}
		for _, name := range test.no {
			if Match(test.pattern, name) {
				t.Errorf("%q matches %q", test.pattern, name)
			}
		}
	}
}

func FuzzMatch(f *testing.F) {
	for _, pattern := range []string{"", "*", "web-*", "a*b*c", "**a", "[a]*", `\*`, "?", "*ab*ab"} {
		f.Add(pattern, "web-1")
		f.Add(pattern, "aababcab")
		f.Add(pattern, pattern)
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if got, want := Match(pattern, name), fits(pattern, name); got != want {
			t.Errorf("%q matches %q: %t, want %t", pattern, name, got, want)
		}
		if !Match(pattern, pattern) || !Match("*"+pattern+"*", name+pattern+name) {
			t.Errorf("%q does not match what it is made of", pattern)
		}
		covered := Protection{Servers: []string{pattern}}
		if utf8.ValidString(pattern+name) && Match(pattern, name) && !covered.Covers(Server{Name: name}) {
			t.Errorf("%q does not protect %q, which it matches", pattern, name)
		}
	})
}

// fits is Match said in another way, byte for byte.
func fits(pattern, name string) bool {
	upTo := make([]bool, len(name)+1) // whether the pattern so far fits name[:i]
	upTo[0] = true
	for p := range len(pattern) {
		next := make([]bool, len(name)+1)
		for i := range next {
			if pattern[p] == '*' {
				next[i] = upTo[i] || i > 0 && next[i-1]
			} else {
				next[i] = i > 0 && upTo[i-1] && pattern[p] == name[i-1]
			}
		}
		upTo = next
	}
	return upTo[len(name)]
}

func TestWhatMayBeStopped(t *testing.T) {
	protect := Protection{Servers: []string{"db-*"}, Tags: []string{"keep"}}
	for _, test := range []struct {
		s    Server
		want SkipReason // empty: may be stopped
	}{
		{Server{Status: "ACTIVE"}, ""},
		{Server{Status: "ACTIVE", Task: "powering-off"}, SkipGoingOff},
		{Server{Status: "ACTIVE", Task: "rebooting"}, SkipBusy},
		{Server{Status: "ACTIVE", Task: "powering-on"}, SkipBusy},
		{Server{Status: "SHUTOFF"}, SkipOff},
		{Server{Status: "SHUTOFF", Task: "powering-on"}, SkipBusy},
		{Server{Status: "SHUTOFF", Task: "powering-off"}, SkipBusy},
		{Server{Status: "ACTIVE", Locked: true}, SkipLocked},
		{Server{Status: "ACTIVE", Task: "rebooting", Locked: true}, SkipLocked},
		{Server{Status: "ERROR", Locked: true}, SkipLocked},
		{Server{Status: "SHUTOFF", Locked: true}, SkipOff},
		{Server{Status: "ACTIVE", Task: "powering-off", Locked: true}, SkipGoingOff},
		{Server{Status: "ERROR"}, SkipStopState},
		{Server{Status: "ERROR", Task: "powering-off"}, SkipBusy},
		{Server{Status: "BUILD", Task: "spawning"}, SkipBusy},
		{Server{Status: "BUILD"}, SkipStopState},
		{Server{Status: "REBOOT"}, SkipStopState},
		{Server{Status: "DELETED"}, SkipStopState},
		{Server{Status: "active"}, SkipStopState},
		{Server{Status: ""}, SkipStopState},
		{Server{Name: "db-1", Status: "ACTIVE"}, SkipProtected},
		{Server{Name: "db-1", Status: "SHUTOFF"}, SkipProtected},
		{Server{Name: "db-1", Status: "ACTIVE", Locked: true}, SkipProtected},
		{Server{Status: "ACTIVE", Tags: []string{"keep=yes"}}, SkipProtected},
		{Server{Status: "ACTIVE", BareMetal: true}, SkipBareMetal},
		{Server{Status: "SHUTOFF", BareMetal: true}, SkipBareMetal},
		{Server{Status: "ACTIVE", Task: "powering-off", BareMetal: true}, SkipBareMetal},
		{Server{Name: "db-1", Status: "ACTIVE", BareMetal: true}, SkipProtected},
	} {
		why, ok := protect.Eligible(test.s)
		if why != test.want || ok != (test.want == "") {
			t.Errorf("%+v: %q, %t; want %q", test.s, why, ok, test.want)
		}
	}
}

func TestOnOffAndGoingOff(t *testing.T) {
	for _, test := range []struct {
		status, task      string
		on, off, goingOff bool
	}{
		{"ACTIVE", "", true, false, false},
		{"ACTIVE", "powering-off", false, false, true},
		{"ACTIVE", "rebooting", false, false, false},
		{"SHUTOFF", "", false, true, false},
		{"SHUTOFF", "powering-on", false, false, false},
		{"SHUTOFF", "powering-off", false, false, false},
		{"ERROR", "", false, false, false},
		{"ERROR", "powering-off", false, false, false},
		{"", "", false, false, false},
	} {
		s := Server{Status: test.status, Task: test.task}
		if s.IsOn() != test.on || s.IsOff() != test.off || s.IsGoingOff() != test.goingOff {
			t.Errorf("%s/%s: on %t, off %t, going off %t", test.status, test.task, s.IsOn(), s.IsOff(), s.IsGoingOff())
		}
	}
}

func TestDigestIsOfWhatIsApproved(t *testing.T) {
	list := serverList(3)
	digest := ServerList{Servers: list}.Digest("main", Soft)
	if digest != "898730ee" {
		t.Errorf("the digest of old requests was 898730ee, now it is %s", digest)
	}
	reversed := slices.Clone(list)
	slices.Reverse(reversed)
	renamed := slices.Clone(list)
	renamed[0].Name, renamed[0].Status = "other", "SHUTOFF"
	for name, same := range map[string]ServerList{
		"order":            {Servers: reversed},
		"names and states": {Servers: renamed},
		"those left out":   {Servers: list, LeftOut: []LeftOut{{list[0], SkipBusy}}},
	} {
		if got := same.Digest("main", Soft); got != digest {
			t.Errorf("%s should not matter: %s, not %s", name, got, digest)
		}
	}
	if reversed[0].ID != list[2].ID {
		t.Error("the list itself was put in another order")
	}
	other := slices.Clone(list)
	other[1].ID = someID
	seen := map[string]string{digest: "this"}
	for name, got := range map[string]string{
		"another id":      ServerList{Servers: other}.Digest("main", Soft),
		"one fewer":       ServerList{Servers: list[:2]}.Digest("main", Soft),
		"one more":        ServerList{Servers: serverList(4)}.Digest("main", Soft),
		"another mode":    ServerList{Servers: list}.Digest("main", Hard),
		"another project": ServerList{Servers: list}.Digest("Main", Soft),
		"none":            ServerList{}.Digest("main", Soft),
		"another action":  ServerList{Action: Start, Servers: list}.Digest("main", Soft),
	} {
		if twin, known := seen[got]; known {
			t.Errorf("%s and %s have the same digest", name, twin)
		}
		seen[got] = name
	}
}
