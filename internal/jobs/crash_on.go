//go:build crashpoints

package jobs

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

var (
	crashMu   sync.Mutex
	crashHits = map[string]int{} // guarded by crashMu
)

// crashpoint kills the process, as kill -9 would, on the line that the
// environment names: ECSBOT_CRASH_AT is NAME, or NAME#N for the N-th time that
// the process reaches the line. The file named by ECSBOT_CRASH_ONCE makes it happen
// once over all processes.
func crashpoint(name string) {
	at, nth, _ := strings.Cut(os.Getenv("ECSBOT_CRASH_AT"), "#")
	if at != name {
		return
	}
	crashMu.Lock()
	defer crashMu.Unlock()
	crashHits[name]++
	if n, _ := strconv.Atoi(nth); crashHits[name] < n {
		return
	}
	if once := os.Getenv("ECSBOT_CRASH_ONCE"); once != "" {
		f, err := os.OpenFile(once, os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return
		}
		f.Close()
	}
	syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}
