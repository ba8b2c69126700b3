//go:build crashpoints

package jobs

import (
	"os"
	"syscall"
)

// crashpoint kills the process, as kill -9 would, on the line that the
// environment names. The file named by ECSBOT_CRASH_ONCE makes it happen once.
func crashpoint(name string) {
	if os.Getenv("ECSBOT_CRASH_AT") != name {
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
