package bot_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ecsbot/internal/bot"
	"ecsbot/internal/ecssim"
)

// What the operator is told of rules is what they do.
func TestPolicyExplain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Cloud.Add(
		ecssim.Server{ID: "11111111-0000-4000-8000-000000000001", Name: "db-1", Status: "ACTIVE", Tags: []string{"role=db"}},
		ecssim.Server{ID: "11111111-0000-4000-8000-000000000002", Name: "web-1", Status: "ACTIVE"},
		ecssim.Server{ID: "11111111-0000-4000-8000-000000000003", Name: "web-2", Status: "ACTIVE"},
		ecssim.Server{ID: "11111111-0000-4000-8000-000000000004", Name: "pay-1", Status: "ACTIVE"},
		ecssim.Server{ID: "11111111-0000-4000-8000-000000000005", Name: "dev-1", Status: "ACTIVE"},
	)
	file := filepath.Join(t.TempDir(), "bot.yaml")
	err := os.WriteFile(file, []byte(`
projects:
  - name: prod
    rules:
      - name: databases
        match: {tags: [role=db]}
        require: {approvers: [S00000DBA], quiet: [U00000BOB], approvals: 2, ticket: "CHG-[0-9]+", requesters: [U000000ANN, S000000OPS]}
      - name: payroll
        match: {servers: ["pay-*"]}
        deny: Payroll runs until Friday.
      - name: dev
        match: {servers: ["dev-*"]}
        auto: true
`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	w.env["CONFIG_FILE"] = file
	delete(w.env, "SLACK_BOT_TOKEN") // it is not needed
	for name, tt := range map[string]struct {
		args string
		code int
		want []string
	}{
		"two groups": {"--as U000000ANN db-1 web-*", 0, []string{
			"Project prod: db-1, web-1, web-2",
			"rule databases db-1 2 of S00000DBA approve; or, without being mentioned, U00000BOB; requested by U000000ANN, S000000OPS; ticket like CHG-[0-9]+",
			"no rule says who approves 1 of UBEN, SDUTY",
			"U000000ANN may request this: yes",
			"U000000ANN may approve as an approver of the project: only as a member of SDUTY, unless it is their own request",
			"U000000ANN may approve for rule databases: only as a member of S00000DBA, unless it is their own request",
		}},
		"in a group":    {"--as U0000CARLA --in S00000DBA db-1", 0, []string{"may request this: only as a member of S000000OPS", "for rule databases: yes, unless"}},
		"quiet":         {"--as U00000BOB db-1", 0, []string{"for rule databases: yes, unless"}},
		"denied":        {"--as U000000ANN pay-1 web-1", 0, []string{"rule payroll", "pay-1", "denied: Payroll runs until Friday.", "may request this: no, nobody may: Payroll runs"}},
		"automatic":     {"--as U000000ANN dev-1", 0, []string{"rule dev", "automatic", "approved automatically", "may request this: yes"}},
		"not with HARD": {"--as U000000ANN --hard dev-1", 0, []string{"1 of UBEN, SDUTY"}},
		"no server":     {"--as U000000ANN wbe-1", 1, []string{"project prod has no server wbe-1"}},
		"no project":    {"--as U000000ANN --project dev web-1", 1, []string{"--project with one of prod"}},
		"nobody":        {"web-1", 2, []string{"usage: bot policy explain --as USER"}},
		"no servers":    {"--as U000000ANN", 2, []string{"usage: bot policy explain --as USER"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, errs bytes.Buffer
			lookup := func(name string) (string, bool) { v, set := w.env[name]; return v, set }
			code := bot.Explain(t.Context(), strings.Fields(tt.args), lookup, &out, &errs)
			said := strings.Join(strings.Fields(out.String()+errs.String()), " ")
			if code != tt.code {
				t.Errorf("exit code %d:\n%s", code, said)
			}
			for _, want := range tt.want {
				if !strings.Contains(said, want) {
					t.Errorf("it does not say %q:\n%s", want, said)
				}
			}
		})
	}
}
