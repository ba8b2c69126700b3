package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"ecsbot/internal/slackapp"
	"ecsbot/internal/slacksim"
)

// The app of the demo has what the manifest asks for and no more.
func TestDemoRunsWithTheScopesOfTheManifest(t *testing.T) {
	manifest, err := slackapp.ManifestJSON()
	if err != nil {
		t.Fatal(err)
	}
	want, err := slacksim.Options{}.WithManifest(manifest)
	if err != nil {
		t.Fatal(err)
	}
	w, err := newSlack()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	srv := httptest.NewServer(w.Handler())
	defer srv.Close()
	req, err := http.NewRequestWithContext(t.Context(), "POST", srv.URL+"/api/auth.test?"+url.Values{"token": {"xoxb-sim"}}.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if got := res.Header.Get("X-OAuth-Scopes"); got == "" || got != strings.Join(want.Scopes, ",") {
		t.Errorf("the demo's token has %q, the manifest asks for %v", got, want.Scopes)
	}
}
