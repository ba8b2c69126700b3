//go:build unix

package ecsclient

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// A process may be stopped for a while at any point, the last one before the
// body is asked for included.
func TestAProcessThatSleptBeforeItsCallSendsNothing(t *testing.T) {
	if address := os.Getenv("SLEEPER"); address != "" {
		sleeper(address)
	}
	t.Parallel()
	var cloud receiver
	server := httptest.NewServer(&cloud)
	sleeper := exec.Command(os.Args[0], "-test.run=^TestAProcessThatSleptBeforeItsCallSendsNothing$")
	sleeper.Env = append(os.Environ(), "SLEEPER="+server.URL)
	out, err := sleeper.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := sleeper.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "connected" {
		t.Fatalf("the process said %q", lines.Text())
	}
	if err := sleeper.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(sleeper.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatalf("the process does not sleep: %v", err)
	}
	_, _ = io.WriteString(in, "go on\n") // it will not hear that before it wakes
	time.Sleep(2 * sleeperHas)
	if err := sleeper.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	lines.Scan()
	if got := lines.Text(); got != "not_accepted" {
		t.Errorf("the process that slept says %q", got)
	}
	_, _ = io.Copy(io.Discard, out)
	if err := sleeper.Wait(); err != nil {
		t.Error(err)
	}
	server.Close()
	if n := cloud.complete.Load(); n != 0 {
		t.Errorf("the cloud saw %d requests", n)
	}
}

// sleeperHas is how long the sleeper may take for its call.
const sleeperHas = time.Second

// sleeper is the process: it has a connection, and is put to sleep before it
// writes to it.
func sleeper(address string) {
	c, err := New(Config{Endpoint: address, ProjectID: "p1", Credentials: Fixed(testKeys), Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			fmt.Println("connected")
			_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
			return conn, err
		},
	}})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	slot, err := c.Slot(context.Background())
	if err == nil {
		_, err = slot.Stop(context.Background(), []string{"a"}, Soft, time.Now().Add(sleeperHas))
	}
	fmt.Println(VerdictOf(err))
	os.Exit(0)
}
