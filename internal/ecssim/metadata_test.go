package ecssim_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"ecsbot/internal/ecssim"
)

// askMetadata makes one request of the metadata service.
func askMetadata(t *testing.T, m *ecssim.Metadata, method, path string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://h"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := m.Transport().RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

const (
	tokenURL = "/meta-data/latest/api/token"
	keyURL   = "/openstack/latest/securitykey"
	ttl      = "X-Metadata-Token-Ttl-Seconds"
	tokenIs  = "X-Metadata-Token"
)

func TestMetadataTokensEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := ecssim.NewMetadata(ecssim.MetadataOptions{TokensRequired: true})
		want := func(status int, method, path string, header ...string) string {
			t.Helper()
			got, body := askMetadata(t, m, method, path, header...)
			if got != status {
				t.Errorf("%s %s %v: HTTP %d %s, want %d", method, path, header, got, body, status)
			}
			return body
		}
		want(401, "GET", keyURL)
		want(401, "GET", keyURL, tokenIs, "made-up")
		want(400, "PUT", tokenURL)
		want(400, "PUT", tokenURL, ttl, "21601")
		want(404, "GET", tokenURL, ttl, "60")
		want(403, "PUT", tokenURL, ttl, "60", "X-Forwarded-For", "10.0.0.1")
		want(404, "GET", "/openstack/latest/meta_data.json")
		token := want(200, "PUT", tokenURL, ttl, "60")
		want(200, "GET", keyURL, tokenIs, token)
		time.Sleep(time.Minute)
		want(401, "GET", keyURL, tokenIs, token)
		token = want(200, "PUT", tokenURL, ttl, "21600")
		want(200, "GET", keyURL, tokenIs, token)
		m.SetAgency(false)
		want(401, "GET", keyURL, tokenIs, token)
		m.SetAgency(true)
		m.ForgetTokens()
		want(401, "GET", keyURL, tokenIs, token)

		m = ecssim.NewMetadata(ecssim.MetadataOptions{NoTokens: true})
		want(404, "PUT", tokenURL, ttl, "60")
		want(200, "GET", keyURL)
	})
}

// Keys are replaced some time before they end, and the cloud accepts both meanwhile.
func TestMetadataKeysRotateAndEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := ecssim.New(ecssim.Options{})
		defer cloud.Close()
		m := ecssim.NewMetadata(ecssim.MetadataOptions{Cloud: cloud})
		keys := func() ecssim.Key {
			t.Helper()
			status, body := askMetadata(t, m, "GET", keyURL)
			var answer struct {
				Credential struct{ Access, Secret, SecurityToken, Expires_At string }
			}
			if err := json.Unmarshal([]byte(body), &answer); err != nil || status != 200 {
				t.Fatal(status, body, err)
			}
			ends, err := time.Parse(time.RFC3339, answer.Credential.Expires_At)
			if err != nil {
				t.Fatal(err)
			}
			return ecssim.Key{AccessKey: answer.Credential.Access, SecretKey: answer.Credential.Secret, SecurityToken: answer.Credential.SecurityToken, Ends: ends}
		}
		first := keys()
		if left := time.Until(first.Ends); left > 24*time.Hour || left < 24*time.Hour-time.Second {
			t.Errorf("the keys live %v", left)
		}
		time.Sleep(18*time.Hour - time.Second)
		if keys() != first {
			t.Error("replaced early")
		}
		time.Sleep(time.Second)
		second := keys()
		if second == first {
			t.Error("not replaced six hours before the end")
		}
		m.Rotate()
		third := keys()
		if third == second || len(m.Issued()) != 3 {
			t.Errorf("not replaced at once: %d were issued", len(m.Issued()))
		}
	})
}

func TestMetadataFaults(t *testing.T) {
	m := ecssim.NewMetadata(ecssim.MetadataOptions{})
	server := httptest.NewServer(m.Handler())
	defer server.Close()
	// On a new connection net/http does not repeat a request.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	ask := func(patience time.Duration) (int, string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, "GET", server.URL+keyURL, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			return 0, "", err
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b), err
	}
	m.FailNext(ecssim.MetadataToken, 1, ecssim.Hang) // not for these requests
	m.FailNext(ecssim.MetadataKeys, 1, ecssim.Status(500, "oops", nil))
	m.FailNext("*", 1, ecssim.BrokenJSON)
	m.FailNext("*", 1, ecssim.ResetBefore)
	m.FailNext("*", 1, ecssim.Hang)
	m.FailNext("*", 1, ecssim.Delay(20*time.Millisecond))
	if status, body, err := ask(time.Minute); status != 500 || body != "oops" || err != nil {
		t.Error(status, body, err)
	}
	if status, body, err := ask(time.Minute); status != 200 || json.Valid([]byte(body)) || err != nil {
		t.Error(status, body, err)
	}
	if _, _, err := ask(time.Minute); err == nil {
		t.Error("there is an answer over a connection that was reset")
	}
	if _, _, err := ask(50 * time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	began := time.Now()
	if status, _, err := ask(time.Minute); status != 200 || err != nil || time.Since(began) < 20*time.Millisecond {
		t.Error(status, err, time.Since(began))
	}
	m.FailNext("*", 100, ecssim.Hang)
	m.ClearFaults()
	if status, _, err := ask(time.Minute); status != 200 || err != nil {
		t.Error(status, err)
	}
	if n := len(m.Calls()); n != 6 {
		t.Errorf("%d calls", n)
	}
}
