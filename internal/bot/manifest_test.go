package bot_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"ecsbot/internal/slackapp"
)

// The stories' token has the scopes of the manifest and no others: a call that
// needs another one fails here first.
func TestStoriesRunWithTheScopesOfTheManifest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	res, err := http.PostForm(w.env["SLACK_API_URL"]+"auth.test", url.Values{"token": {w.env["SLACK_BOT_TOKEN"]}})
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	_, rest, _ := strings.Cut(slackapp.Manifest, "\n    bot:\n")
	listed, _, _ := strings.Cut(rest, "\nsettings:")
	var want []string
	for _, m := range regexp.MustCompile(`(?m)^ +- (\S+)`).FindAllStringSubmatch(listed, -1) {
		want = append(want, m[1])
	}
	if got := res.Header.Get("X-OAuth-Scopes"); len(want) < 5 || got != strings.Join(want, ",") {
		t.Errorf("the stories' token has %s, the manifest asks for %v", got, want)
	}
}
