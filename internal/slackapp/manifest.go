package slackapp

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/url"

	"go.yaml.in/yaml/v3"
)

// Manifest is the Slack app manifest of the bot, as YAML: exactly the scopes,
// the command and the switches that it uses, each scope explained.
//
//go:embed manifest.yaml
var Manifest string

// ManifestJSON is the manifest as JSON.
func ManifestJSON() (string, error) {
	var m map[string]any
	if err := yaml.Unmarshal([]byte(Manifest), &m); err != nil {
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
