package bot_test

import (
	"context"
	"fmt"
	"time"

	"ecsbot/internal/ecsclient"
	"ecsbot/internal/ecssim"
	"ecsbot/internal/secret"
)

// fleet adds running servers web-1 … web-n and returns their ids.
func (w *world) fleet(n int) []string {
	ids := make([]string, n)
	servers := make([]ecssim.Server, n)
	for i := range n {
		ids[i] = fmt.Sprintf("%08x-0000-4000-8000-%012x", i+1, i+1)
		servers[i] = ecssim.Server{ID: ids[i], Name: fmt.Sprintf("web-%d", i+1), Status: "ACTIVE", VMState: "active", Address: fmt.Sprintf("10.0.%d.%d", i/250, i%250+1), Tags: []string{"env=dev"}}
	}
	w.Cloud.Add(servers...)
	return ids
}

// server is a running server for [ecssim.Cloud.Add].
func server(n int, name string, tags ...string) ecssim.Server {
	return ecssim.Server{ID: uuid(n), Name: name, Address: fmt.Sprintf("10.9.%d.%d", n/250, n%250+1), Tags: tags}
}

func uuid(n int) string { return fmt.Sprintf("%08x-aaaa-4bbb-8ccc-%012x", n, n) }

func acting(f ecssim.Fault) ecssim.Fault {
	f.Acts = true
	return f
}

// somebodyElse is a call to the cloud that somebody with a key of their own makes.
func (w *world) somebodyElse(call func(ctx context.Context, slot ecsclient.Slot, until time.Time) error) {
	w.t.Helper()
	o := w.Cloud.Options()
	c, err := ecsclient.New(ecsclient.Config{Endpoint: w.env["ECS_ENDPOINT"], ProjectID: o.ProjectID,
		Credentials: ecsclient.Fixed(ecsclient.Credentials{AccessKey: o.AccessKey, SecretKey: secret.New(o.SecretKey)})})
	if err != nil {
		w.t.Fatal(err)
	}
	slot, err := c.Slot(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if err := call(w.t.Context(), slot, time.Now().Add(time.Minute)); err != nil {
		w.t.Fatal(err)
	}
}

// busy makes somebody else start a server, and the start never ends.
func (w *world) busy(id string) {
	w.t.Helper()
	w.Cloud.StopByHand(id)
	w.Cloud.StickServer(id)
	w.somebodyElse(func(ctx context.Context, slot ecsclient.Slot, until time.Time) error {
		_, err := slot.Start(ctx, []string{id}, until)
		return err
	})
}

// stopElsewhere makes somebody else stop a server.
func (w *world) stopElsewhere(id string) {
	w.t.Helper()
	w.somebodyElse(func(ctx context.Context, slot ecsclient.Slot, until time.Time) error {
		_, err := slot.Stop(ctx, []string{id}, ecsclient.Soft, until)
		return err
	})
}
