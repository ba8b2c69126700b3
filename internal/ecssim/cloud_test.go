package ecssim_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ecsbot/internal/ecsclient"
	"ecsbot/internal/ecssim"
	"ecsbot/internal/secret"
)

// world is a cloud in a bubble, with servers a, b, c, … and our client for it.
func world(t *testing.T, servers int, opts ecssim.Options) (*ecssim.Cloud, *ecsclient.Client) {
	t.Helper()
	cloud := ecssim.New(opts)
	t.Cleanup(cloud.Close)
	for i := range servers {
		cloud.Add(ecssim.Server{ID: fmt.Sprintf("s%d", i), Name: fmt.Sprintf("web-%d", i)})
	}
	return cloud, clientFor(t, cloud, "http://ecs.example.com", func(c *ecsclient.Config) { c.Transport = cloud.Transport() })
}

func clientFor(t *testing.T, cloud *ecssim.Cloud, address string, change func(*ecsclient.Config)) *ecsclient.Client {
	t.Helper()
	o := cloud.Options()
	cfg := ecsclient.Config{
		Endpoint: address, ProjectID: o.ProjectID,
		Credentials: ecsclient.Fixed(ecsclient.Credentials{
			AccessKey: o.AccessKey, SecretKey: secret.New(o.SecretKey), SecurityToken: secret.New(o.SecurityToken),
		}),
	}
	if change != nil {
		change(&cfg)
	}
	client, err := ecsclient.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// stopNow takes a slot and stops servers at once, without checking anything first.
func stopNow(ctx context.Context, client *ecsclient.Client, ids []string, how ecsclient.StopType) (string, error) {
	slot, err := client.Slot(ctx)
	if err != nil {
		return "", err
	}
	return slot.Stop(ctx, ids, how, time.Now().Add(time.Minute))
}

func startNow(ctx context.Context, client *ecsclient.Client, ids []string) (string, error) {
	slot, err := client.Slot(ctx)
	if err != nil {
		return "", err
	}
	return slot.Start(ctx, ids, time.Now().Add(time.Minute))
}

// showNow is one server as the client sees it.
func showNow(t *testing.T, client *ecsclient.Client, id string) (ecsclient.Server, error) {
	t.Helper()
	servers, err := client.ListServers(t.Context(), ecsclient.Filter{IDs: []string{id}})
	if err != nil {
		return ecsclient.Server{}, err
	}
	if len(servers) != 1 {
		return ecsclient.Server{}, fmt.Errorf("%d servers are called %s", len(servers), id)
	}
	return servers[0], nil
}

func fixed(d time.Duration) ecssim.Options {
	return ecssim.Options{JobTime: func(string) time.Duration { return d }}
}

func state(t *testing.T, cloud *ecssim.Cloud, id string) string {
	t.Helper()
	s, ok := cloud.Server(id)
	if !ok {
		return "gone"
	}
	return s.Status + " " + s.VMState + " " + s.TaskState
}

// send sends what our client would not, signed all the same.
func send(t *testing.T, cloud *ecssim.Cloud, method, path, body string) (int, string) {
	t.Helper()
	o := cloud.Options()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://ecs.example.com/v1/"+o.ProjectID+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	ecssim.Sign(req, o, []byte(body))
	resp, err := cloud.Transport().RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestWatchTellsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud, client := world(t, 1, fixed(20*time.Second))
		var (
			mu    sync.Mutex
			heard []string
		)
		stop := cloud.Watch(func(e ecssim.Event) {
			_ = cloud.Servers() // may call back
			mu.Lock()
			defer mu.Unlock()
			switch {
			case e.Server != nil:
				heard = append(heard, e.Server.Status+" "+e.Server.TaskState)
			case e.Call != nil:
				heard = append(heard, fmt.Sprintf("%s %d", e.Call.Op, e.Call.Status))
			}
		})
		if _, err := stopNow(t.Context(), client, []string{"s0"}, ecsclient.Soft); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		stop()
		if err := cloud.Delete("s0"); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		if got := strings.Join(heard, ","); got != "ACTIVE powering-off,stop 200,SHUTOFF " {
			t.Error(got)
		}
	})
}

func TestControlOverHTTP(t *testing.T) {
	cloud := ecssim.New(fixed(time.Hour))
	defer cloud.Close()
	mux := http.NewServeMux()
	mux.Handle("/sim/", cloud.Control())
	mux.Handle("/", cloud.Handler())
	server := httptest.NewServer(mux)
	defer server.Close()
	do := func(method, path, body string, want int) string {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, bytes.NewBufferString(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		text, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != want {
			t.Errorf("%s %s: HTTP %d %s, want %d", method, path, resp.StatusCode, text, want)
		}
		return string(text)
	}
	do("POST", "/sim/servers", `[{"id":"a","name":"web-1","tags":["env=dev"]},{"id":"b"}]`, 200)
	do("POST", "/sim/servers", `[{"name":"no id"}]`, 400)
	do("POST", "/sim/servers", `{`, 400)
	do("POST", "/sim/servers/a/stop", "", 200)
	do("POST", "/sim/servers/a/start", "", 200)
	do("POST", "/sim/servers/a/lock", "", 200)
	do("POST", "/sim/servers/a/unlock", "", 200)
	do("POST", "/sim/servers/a/fail", `{"code":"Ecs.0611","reason":"x"}`, 200)
	do("POST", "/sim/servers/a/stick", "", 200)
	do("POST", "/sim/servers/a/rename", `{"name":"web-9"}`, 200)
	do("POST", "/sim/servers/a/tags", `{"tags":["x=y"]}`, 200)
	do("POST", "/sim/servers/a/dance", "", 404)
	do("POST", "/sim/servers/zz/stop", "", 404)
	do("POST", "/sim/faults", `{"op":"stop","kind":"reset_before"}`, 200)
	do("POST", "/sim/faults", `{"kind":"throttle","seconds":0.5}`, 200)
	do("POST", "/sim/faults", `{"op":"stop","kind":"status","status":409,"code":"Ecs.0100","reason":"x"}`, 200)
	do("POST", "/sim/faults", `{"kind":"nonsense"}`, 400)
	do("POST", "/sim/faults", `{"kind":"status"}`, 400)
	client := clientFor(t, cloud, server.URL, nil)
	for i, want := range []ecsclient.Verdict{ecsclient.Unclear, ecsclient.Throttled, ecsclient.Refused} {
		if _, err := stopNow(t.Context(), client, []string{"b"}, ecsclient.Soft); err == nil || ecsclient.VerdictOf(err) != want {
			t.Errorf("stop %d: %v, want %v", i, err, want)
		}
	}
	do("POST", "/sim/faults", `{"kind":"hang"}`, 200)
	do("DELETE", "/sim/faults", "", 200)
	if _, err := stopNow(t.Context(), client, []string{"b"}, ecsclient.Soft); err != nil {
		t.Error(err)
	}
	if got := do("GET", "/sim/window?seconds=60", "", 200); !strings.Contains(got, `"max":1`) {
		t.Error(got)
	}
	do("GET", "/sim/window?seconds=x", "", 400)
	if got := do("GET", "/sim/calls", "", 200); !strings.Contains(got, `"ids":["b"]`) || strings.Count(got, `"op":"stop"`) != 4 {
		t.Error(got)
	}
	if got := do("GET", "/sim/servers", "", 200); !strings.Contains(got, `"name":"web-9"`) || !strings.Contains(got, `"powering-off"`) {
		t.Error(got)
	}
	do("POST", "/sim/jobs/vanish", `{"id":"x"}`, 200)
	do("POST", "/sim/jobs/vanish", "", 200)
	do("POST", "/sim/servers/a/delete", "", 200)
}

func TestCloseLetsGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud, client := world(t, 1, ecssim.Options{})
		cloud.FailNext("stop", 1, ecssim.Hang)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan error)
		go func() {
			_, err := stopNow(ctx, client, []string{"s0"}, ecsclient.Soft)
			ended <- err
		}()
		synctest.Wait()
		cloud.Close()
		cloud.Close()
		if err := <-ended; ecsclient.VerdictOf(err) != ecsclient.Unclear {
			t.Error(err)
		}
	})
}
