package bot

import (
	"log/slog"

	"ecsbot/internal/ecsclient"
)

// Keys says where the credentials of a project come from: the agency of this server,
// or values and files.
type Keys struct {
	Agency   bool   // ECS_AGENCY
	Metadata string // address of the metadata service; it is not a setting, tests set it
	// Not with an agency.
	AccessKey, SecretKey, SecurityToken ecsclient.Key
}

// source makes the source of one project's credentials. It sends and reads nothing yet.
func (k Keys) source(log *slog.Logger) ecsclient.Source {
	switch {
	case k.Agency:
		return ecsclient.Agency(ecsclient.AgencyConfig{Metadata: k.Metadata, Log: log})
	case k.AccessKey.Path != "" || k.SecretKey.Path != "" || k.SecurityToken.Path != "":
		return ecsclient.Files(ecsclient.KeyFiles{AccessKey: k.AccessKey, SecretKey: k.SecretKey, SecurityToken: k.SecurityToken, Log: log})
	}
	return ecsclient.Fixed(ecsclient.Credentials{
		AccessKey: k.AccessKey.Value.Reveal(), SecretKey: k.SecretKey.Value, SecurityToken: k.SecurityToken.Value,
	})
}
