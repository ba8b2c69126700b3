package inventory

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/ecsclient"
	"ecsbot/internal/ecssim"
	"ecsbot/internal/secret"
)

// protected are the servers that the tests protect.
var protected = approvals.Protection{Servers: []string{"db-*"}}

// of makes an inventory of a simulated cloud. It is closed at the end of the
// test.
func of(t *testing.T, cloud *ecssim.Cloud) (inv *Inventory, lists *atomic.Int32) {
	t.Helper()
	o, lists := cloud.Options(), new(atomic.Int32)
	client, err := ecsclient.New(ecsclient.Config{
		Endpoint: "http://ecs.example.com", ProjectID: o.ProjectID, Transport: counting{cloud.Transport(), lists},
		Credentials: ecsclient.Fixed(ecsclient.Credentials{AccessKey: o.AccessKey, SecretKey: secret.New(o.SecretKey)}),
	})
	if err != nil {
		t.Fatal(err)
	}
	inv = New(client, slog.New(slog.DiscardHandler))
	t.Cleanup(inv.Close)
	return inv, lists
}

// counting counts the lists of servers that are asked for.
type counting struct {
	http.RoundTripper
	lists *atomic.Int32
}

func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/cloudservers/detail") {
		c.lists.Add(1)
	}
	return c.RoundTripper.RoundTrip(r)
}

// newCloud makes a simulated cloud with running servers of these names.
func newCloud(t *testing.T, names ...string) *ecssim.Cloud {
	cloud := ecssim.New(ecssim.Options{})
	t.Cleanup(cloud.Close)
	for i, name := range names {
		cloud.Add(ecssim.Server{ID: idOf(i), Name: name, Status: "ACTIVE", VMState: "active"})
	}
	return cloud
}

// idOf is the id of the server in place i of newCloud's names.
func idOf(i int) string { return fmt.Sprintf("%08x-0000-4000-8000-%012x", i+1, i+1) }

func TestAnOldListIsBetterThanNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := newCloud(t)
		cloud.Add(ecssim.Fleet(3, 1)...)
		inv, _ := of(t, cloud)
		read := func(patience time.Duration) (int, error) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			list, err := inv.fleet.recent(ctx)
			return len(list), err
		}
		cloud.FailNext("list", 1, ecssim.Delay(3*time.Second))
		if n, err := read(time.Second); n != 0 || err == nil {
			t.Errorf("%d servers, %v; nothing can be known yet", n, err)
		}
		if n, err := read(5 * time.Second); n != 3 || err != nil {
			t.Errorf("%d servers, %v", n, err)
		}
		time.Sleep(2 * fleetLife)
		cloud.Add(ecssim.Fleet(4, 2)...)
		cloud.FailNext("list", 1, ecssim.Delay(3*time.Second))
		if n, err := read(time.Second); n != 3 || err != nil {
			t.Errorf("%d servers, %v; want the old list", n, err)
		}
		if n, err := read(5 * time.Second); n != 7 || err != nil {
			t.Errorf("%d servers, %v; want the new list", n, err)
		}
	})
}

// Asks that need all servers at the same time share one reading, and none of
// them sees servers as they were before it was made.
func TestOneReadingOfTheFleetServesAllWhoNeedIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ask := approvals.Ask{Servers: []string{"web-1", "web-2", "web-3", "web-4", "web-5", "web-6"}}
		cloud := newCloud(t, ask.Servers...)
		inv, lists := of(t, cloud)
		const slowly = 300 * time.Millisecond
		cloud.FailNext("list", 1000, ecssim.Delay(slowly))
		var wg sync.WaitGroup
		for range 2 { // the later ones ask while the list is read for the first ones
			for range 6 {
				wg.Go(func() {
					if f, err := inv.Resolve(t.Context(), ask, protected, time.Now()); err != nil || len(f.Servers) != 6 {
						t.Errorf("%d servers, %v", len(f.Servers), err)
					}
				})
			}
			time.Sleep(slowly / 2)
		}
		wg.Wait()
		if n := lists.Load(); n != 2 {
			t.Errorf("%d readings, want one for those who asked first and one for those who asked during it", n)
		}
		if err := cloud.StopByHand(idOf(0)); err != nil {
			t.Fatal(err)
		}
		f, err := inv.Resolve(t.Context(), ask, protected, time.Now())
		if err != nil || len(f.Servers) != 5 || len(f.LeftOut) != 1 {
			t.Errorf("after one was stopped by hand %d servers are to be stopped, %v", len(f.Servers), err)
		}
	})
}

func TestWarmDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := newCloud(t, "web-1")
		inv, lists := of(t, cloud)
		cloud.FailNext("list", 1, ecssim.Delay(3*time.Second))
		began := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		inv.Warm(ctx)
		inv.Warm(ctx)
		cancel() // who opened the form is gone; the list is for the first letter
		if d := time.Since(began); d != 0 {
			t.Errorf("it waited for %v", d)
		}
		time.Sleep(2 * time.Second)
		if found, err := inv.Suggest(t.Context(), "web", 10); err != nil || len(found) != 1 {
			t.Errorf("%v, %v", found, err)
		}
		if d := time.Since(began); d != 3*time.Second {
			t.Errorf("the list came after %v, want 3 s: the reading that was under way", d)
		}
		inv.Warm(t.Context()) // nothing to do: the list is recent
		synctest.Wait()
		if n := lists.Load(); n != 1 {
			t.Errorf("%d readings, want 1", n)
		}
	})
}

// Nothing goes on in the background after Close, and nobody waits for what was
// going on.
func TestCloseEndsTheReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := newCloud(t, "web-1")
		inv, lists := of(t, cloud)
		cloud.FailNext("list", 1, ecssim.Delay(20*time.Second))
		ended := make(chan error, 2)
		go func() {
			_, err := inv.Suggest(t.Context(), "web", 10)
			ended <- err
		}()
		go func() {
			_, err := inv.fleet.fresh(t.Context())
			ended <- err
		}()
		time.Sleep(time.Second)
		began := time.Now()
		inv.Close()
		if d := time.Since(began); d != 0 {
			t.Errorf("Close waited for %v", d)
		}
		for range 2 {
			if err := <-ended; err == nil {
				t.Error("a reading that was ended gave a list")
			}
		}
		n := lists.Load()
		inv.Warm(t.Context())
		if _, err := inv.Suggest(t.Context(), "web", 10); !errors.Is(err, errClosed) {
			t.Errorf("suggestions of a closed inventory: %v", err)
		}
		if lists.Load() != n {
			t.Error("a closed inventory reads")
		}
		if seen, err := inv.Read(t.Context(), []string{idOf(0)}); err != nil || len(seen) != 1 {
			t.Errorf("reading by id after Close: %v, %v", seen, err)
		}
		inv.Close() // a second time does no harm
	})
}
