package store

import (
	"fmt"
	"strings"
	"testing"

	"ecsbot/internal/redistest"
)

func TestARedisThatKeepsWhatItIsGivenHasNoFault(t *testing.T) {
	onEach(t, hasNoFault)
}

func hasNoFault(t *testing.T, w *world) {
	s := w.worker()
	all, err := s.redis.Check(t.Context())
	if err != nil || len(all) != 0 {
		t.Errorf("got %v, %v", all, err)
	}
	if err := s.Writable(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestARedisWithoutAppendOnlyFileLosesData(t *testing.T) {
	t.Parallel()
	s, err := Open(redistest.Start(t, "--appendonly", "no").URL(), TLS{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	all, err := s.Check(t.Context())
	if err != nil || len(all) != 1 || !all[0].Loss || !strings.Contains(all[0].Fix, "appendonly") {
		t.Errorf("got %v, %v", all, err)
	}
}

func TestFaultsOfRedisAreNamed(t *testing.T) {
	t.Parallel()
	const good = "redis_version:7.0.15 redis_mode:standalone run_id:1 role:master loading:0 aof_enabled:1 aof_last_write_status:ok maxmemory:100 maxmemory_policy:noeviction"
	for _, tt := range []struct {
		name, change string // of the good answer
		what         string // "": no fault
		loss         bool
		passing      bool
	}{
		{"all is well", "", "", false, false},
		{"oldest that will do", "redis_version:6.2.0", "", false, false},
		{"too old", "redis_version:6.0.16", "too old", false, false},
		{"much too old", "redis_version:5.0.14", "too old", false, false},
		{"two digits", "redis_version:10.0.1", "", false, false},
		{"replica", "role:slave", "replica", false, false},
		{"loading", "loading:1", "loading", false, true},
		{"no append-only file", "aof_enabled:0", "append-only", true, false},
		{"says nothing of an append-only file", "aof_enabled:", "append-only", true, false},
		{"disk full", "aof_last_write_status:err", "cannot write", true, false},
		{"evicts", "maxmemory_policy:allkeys-lru", "throws data away", true, false},
		{"evicts what may expire", "maxmemory_policy:volatile-ttl", "throws data away", true, false},
		{"would evict but has no limit", "maxmemory:0 maxmemory_policy:allkeys-lru", "", false, false},
		{"does not tell its version", "redis_version:", "", false, false},
		{"does not tell which process it is", "run_id:", "run_id", false, false},
		{"Valkey", "redis_version:7.2.4 redis_mode: server_mode:standalone", "", false, false},
		{"Sentinel", "redis_mode:sentinel", "Sentinel", false, false},
		{"has replicas and wants one", "connected_slaves:1 min_slaves_good_slaves:1", "", false, false},
		{"is not nearly full", "maxmemory:1000 used_memory:799", "", false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			info := parseInfo(strings.ReplaceAll(good+" "+tt.change, " ", "\r\n"))
			all := faults(info)
			if tt.what == "" {
				if len(all) != 0 {
					t.Errorf("got %v, want none", all)
				}
				return
			}
			if len(all) != 1 || !strings.Contains(all[0].What, tt.what) || all[0].Loss != tt.loss || all[0].Passing != tt.passing {
				t.Errorf("got %+v", all)
			}
			if len(all) == 1 && all[0].Warning {
				t.Error("it is only a warning")
			}
			if len(all) == 1 && all[0].Fix == "" {
				t.Error("the fault does not say what to do")
			}
		})
	}
}

func TestNonsenseIsNotAStoreAndItsPasswordIsNotRepeated(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"", "localhost", "localhost:6379", "http://:PASS@host", "redis://:PASS@host:port", "redis://:PASS@host/zero",
		"redis://:PASS@host:6379/0?no_such=1", "redis://u:PASS@ho st", "rediss://:PASS@host:99999999/x", "://:PASS@host",
		":PASS@host:6379", "redis://:PA%zzPASS@host", "redis://:PASS@host?dial_timeout=soon",
		// A password is often pasted in as it is; these have signs that end a host's name.
		"redis://:12/PASS@host:6379", "redis://:12?PASS@host:6379", "redis://u:1/PASS@host:6379/0",
		"redis://:12?master_name=m&PASS@host", "redis://:12/PASS@host?addr=b:1", "redis://:12#PASS@host:6379",
	} {
		s, err := Open(address, TLS{})
		if err == nil {
			s.Close()
			t.Errorf("%q was taken", address)
			continue
		}
		if strings.Contains(err.Error(), "PASS") {
			t.Errorf("%q: the error tells the password: %v", address, err)
		}
	}
}

func TestTheFormsOfAddressThatAreDocumentedAreTaken(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"redis://localhost", "redis://:secret@localhost:6379/1", "rediss://user:secret@redis.example.com:6380", "unix:///run/redis.sock",
		"redis://localhost:26379?master_name=mymaster&addr=other:26379", "redis://a:7000?addr=b:7000&addr=c:7000",
	} {
		s, err := Open(address, TLS{})
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		s.Close()
	}
}

// A script whose answer is lost may have run. go-redis must leave it to us to
// decide what then.
func TestTheClientNeverRepeatsAScriptByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := newCutter(w, func(command string) bool { return strings.Contains(command, "INCR") })
	s := w.workerAt(c.URL)
	const calls = 20
	for i := range calls {
		if err := s.rdb.Eval(t.Context(), "return redis.call('INCR', KEYS[1])", []string{"runs"}).Err(); err == nil || !lostAnswer(err) {
			t.Fatalf("call %d: got %v, want a lost answer", i, err)
		}
	}
	if runs := do(w, w.rdb.Get(t.Context(), "runs")); runs != fmt.Sprint(calls) {
		t.Errorf("%d calls ran %s times", calls, runs)
	}
}

func TestTheRunIDIsThatOfTheNewestConnection(t *testing.T) {
	onEach(t, theRunIDIsThatOfTheNewestConnection)
}

func theRunIDIsThatOfTheNewestConnection(t *testing.T, w *world) {
	s := w.worker()
	if err := s.rdb.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	first := s.redis.RunID()
	w.redis.Kill()
	w.redis.Restart()
	// Connections to the process that died fail once each.
	var second string
	w.within(2e9, "a new connection", func() bool {
		s.rdb.Ping(t.Context())
		second = s.redis.RunID()
		return second != first
	})
	if first == "" || second == "" {
		t.Errorf("run ids are %q and %q", first, second)
	}
}
