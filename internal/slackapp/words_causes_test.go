package slackapp

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/approvals"
)

// withDetail gives a cause the detail that it is made with.
func withDetail(c approvals.Cause) approvals.Cause {
	detail := map[approvals.Cause]string{
		approvals.CauseJobNotFound: "ff80", approvals.CauseManyUnclear: "3",
		approvals.CauseJobTooOld: "2h0m0s", approvals.CauseStillStopping: "6h0m0s", approvals.CauseStillStarting: "6h0m0s",
		approvals.CauseNoEffectJob:     approvals.CauseJobNotFound.Of("ff80").String(),
		approvals.CauseUnexpectedState: "ERROR", approvals.CauseJobDisagrees: "ACTIVE", approvals.CauseJobSilent: "ACTIVE (rebooting)",
	}[c]
	return approvals.ParseCause(strings.TrimSpace(c.String() + " " + detail))
}

func TestEachCauseHasItsWords(t *testing.T) {
	t.Parallel()
	if len(approvals.Causes()) < 25 {
		t.Fatalf("only %d causes", len(approvals.Causes()))
	}
	said := map[string]approvals.Cause{}
	var table strings.Builder
	for _, kind := range approvals.Causes() {
		c := withDetail(kind)
		words := sayCause(c)
		switch {
		case words == "" || words == c.String() || strings.Contains(words, kind.String()) && strings.HasSuffix(kind.String(), ":"):
			t.Errorf("there are no words for %q: %q", c, words)
		case strings.HasSuffix(words, ".") || words != withoutControls(words):
			t.Errorf("the words for %q are no part of a sentence: %q", c, words)
		case len(words) > 250:
			t.Errorf("the words for %q are too many: %q", c, words)
		}
		if strings.HasSuffix(kind.String(), ":") && sayCause(kind) == words {
			t.Errorf("the words for %q do not tell its detail: %q", c, words)
		}
		if other, twice := said[words]; twice {
			t.Errorf("%q and %q have the same words", c, other)
		}
		said[words] = c
		fmt.Fprintf(&table, "%s\n\t%s\n", c, words)
	}
	path := filepath.Join("testdata", "causes.txt")
	if *update {
		if err := os.WriteFile(path, []byte(table.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if table.String() != string(want) {
		t.Errorf("%s has changed; look at it, and write it with -update\n%s", path, table.String())
	}
}

func TestCausesInTheirSentences(t *testing.T) {
	t.Parallel()
	r := newScene(t, 1200).running()
	trouble := func(why string) approvals.Note {
		return approvals.Note{Topic: approvals.TopicTrouble, Batch: 4, Why: why}
	}
	unclear := func(why string) approvals.Note {
		return approvals.Note{Topic: approvals.TopicUnclear, Batch: 4, Why: why}
	}
	for _, test := range []struct {
		note approvals.Note
		want string
	}{
		{trouble(approvals.CauseCloudBusy.String()), ":warning: Batch 5 of 12 has to wait: Huawei Cloud is busy or can't be reached. I keep trying."},
		{trouble(approvals.CauseParked.String()), ":warning: This request has to wait: it has crashed many times in a row. I retry in an hour; tell the people who run this bot, the log shows the error."},
		{unclear(approvals.CauseSenderGone.String()), ":warning: No clear reply from Huawei Cloud for batch 5 of 12: I restarted before I could record the reply. I'm checking the servers before I retry; this can take a few minutes."},
		// What an older version has stored.
		{trouble("the cloud cannot be reached or is busy"), ":warning: Batch 5 of 12 has to wait: Huawei Cloud is busy or can't be reached. I keep trying."},
		{trouble("<!here> the disk is full"), ":warning: Batch 5 of 12 has to wait: &lt;!here&gt; the disk is full. I keep trying."},
		{unclear("no answer within 30 s"), ":warning: No clear reply from Huawei Cloud for batch 5 of 12: no answer within 30 s. I'm checking the servers before I retry; this can take a few minutes."},
	} {
		if got := (view{}).sayNotes(r, []approvals.Note{test.note}); got != test.want {
			t.Errorf("%q has the words\n%s\nwant\n%s", test.note.Why, got, test.want)
		}
	}
}

// Results tell causes in their words, and what the cloud said as it stands.
func TestCausesInResults(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		is            approvals.Result
		message, file string // the file has code and reason apart
	}{
		{approvals.Result{Outcome: approvals.NotKnown, Detail: approvals.CauseServerGone.String()}, "no longer exists", ",no longer exists\n"},
		{approvals.Result{Outcome: approvals.NotKnown, Code: "Ecs.0219", Detail: approvals.CauseStillStopping.After(6 * time.Hour).String()},
			"Ecs.0219 still stopping after 6 h; I stopped waiting", "Ecs.0219,still stopping after 6 h; I stopped waiting\n"},
		{approvals.Result{Outcome: approvals.NotKnown, Detail: "unexpected state: <ERROR>"}, "its state is &lt;ERROR&gt;", ",its state is <ERROR>\n"},
		{approvals.Result{Outcome: approvals.NotKnown, Detail: "still powering off after 6h0m0s"}, "still powering off after 6h0m0s", ",still powering off after 6h0m0s\n"},
		{approvals.Result{Outcome: approvals.ActionFailed, Code: "Ecs.0005", Detail: "server not found"}, "Ecs.0005 server not found", "Ecs.0005,server not found\n"},
	} {
		if got := cloudSaid(test.is); got != test.message {
			t.Errorf("%+v has the words %q, want %q", test.is, got, test.message)
		}
		if got := resultsCSV([]approvals.Batch{{Results: []approvals.Result{test.is}}}); !strings.HasSuffix(got, strings.TrimSuffix(test.file, "\n")+",\n") {
			t.Errorf("the file tells %+v as %q, want %q at its end", test.is, got, strings.TrimSuffix(test.file, "\n")+",\n")
		}
	}
}

// What is refused has words, too: what the engine calls it is not for people.
func TestEachRefusalHasItsWords(t *testing.T) {
	t.Parallel()
	f, err := parser.ParseFile(token.NewFileSet(), "../approvals/refusal.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	kinds := 0
	ast.Inspect(f, func(n ast.Node) bool {
		c, ok := n.(*ast.GenDecl)
		if !ok || c.Tok != token.CONST {
			return true
		}
		for _, spec := range c.Specs {
			for _, value := range spec.(*ast.ValueSpec).Values {
				kind, err := strconv.Unquote(value.(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				kinds++
				if said := (view{}).sayRefusal(&approvals.Refusal{Kind: approvals.RefusalKind(kind)}); strings.Contains(said, "That had no effect: ") {
					t.Errorf("there are no words for %q: %s", kind, said)
				}
			}
		}
		return false
	})
	if kinds < 30 {
		t.Errorf("only %d kinds of refusals were found", kinds)
	}
}
