package slackapp

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Manifest is the Slack app manifest of the bot, as YAML: exactly the scopes,
// the command and the switches that it uses, each scope explained.
//
//go:embed manifest.yaml
var Manifest string

//go:embed workflow.yaml
var workflowManifest string

// StepManifest is the manifest with the step for Workflow Builder. It is one of its own
// since Slack takes steps only on paid plans.
//
// Slack wants an app with steps to be ready for organizations and to name who runs them
// (docs.slack.dev/tools/bolt-js/tutorials/custom-steps).
func StepManifest() string {
	return strings.NewReplacer(
		"    bot_events:\n", "    bot_events:\n      - function_executed # a workflow runs the step\n",
		"  org_deploy_enabled: false\n", "  org_deploy_enabled: true # apps with steps have to be\n  function_runtime: remote # the bot runs the step, not Slack\n",
	).Replace(Manifest) + workflowManifest
}

// ManifestJSON is the manifest as JSON.
func ManifestJSON() (string, error) { return manifestAsJSON(Manifest) }

// StepManifestJSON is [StepManifest] as JSON.
func StepManifestJSON() (string, error) { return manifestAsJSON(StepManifest()) }

func manifestAsJSON(manifest string) (string, error) {
	var m map[string]any
	if err := yaml.Unmarshal([]byte(manifest), &m); err != nil {
		return "", fmt.Errorf("manifest: %w", err)
	}
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return "", fmt.Errorf("manifest: %w", err)
	}
	return string(b), nil
}

// ManifestLink opens Slack's page for new apps with the manifest filled in.
func ManifestLink() string {
	return "https://api.slack.com/apps?new_app=1&manifest_yaml=" + url.QueryEscape(Manifest)
}
