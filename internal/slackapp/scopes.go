package slackapp

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// wantedScopes are the bot scopes that the manifest asks for.
func wantedScopes() ([]string, error) {
	var m struct {
		OAuth struct {
			Scopes struct {
				Bot []string `yaml:"bot"`
			} `yaml:"scopes"`
		} `yaml:"oauth_config"`
	}
	if err := yaml.Unmarshal([]byte(Manifest), &m); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	return m.OAuth.Scopes.Bot, nil
}

// missingScopes are those of the manifest that were not granted, as the header
// X-OAuth-Scopes of any answer lists them.
func missingScopes(granted string) ([]string, error) {
	wanted, err := wantedScopes()
	if err != nil {
		return nil, err
	}
	has := strings.FieldsFunc(granted, func(r rune) bool { return r == ',' || r == ' ' })
	return slices.DeleteFunc(wanted, func(s string) bool { return slices.Contains(has, s) }), nil
}

// checkScopes tells the operator which rights the installed app lacks: it may
// have been installed before they were asked for. It tries until Slack answers.
func (cl *client) checkScopes(ctx context.Context) {
	for pause := time.Second; ; pause = min(2*pause, time.Minute) {
		me, err := cl.self(ctx)
		if err == nil {
			granted, told := me.Header["X-Oauth-Scopes"]
			if told {
				cl.tellScopes(ctx, strings.Join(granted, ","))
			}
			return
		}
		cl.log.WarnContext(ctx, "Slack does not tell what the bot may do; trying again", "in", pause, "err", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

func (cl *client) tellScopes(ctx context.Context, granted string) {
	missing, err := missingScopes(granted)
	if err != nil {
		cl.log.ErrorContext(ctx, "the scopes could not be compared", "err", err)
		return
	}
	for _, s := range missing {
		cl.metrics.missing.WithLabelValues(s).Set(1)
	}
	if len(missing) > 0 {
		cl.log.ErrorContext(ctx, "the Slack app lacks scopes that its manifest asks for; update the app's manifest (`bot manifest`) and install it again",
			"missing", strings.Join(missing, ","), "granted", granted)
	}
}
