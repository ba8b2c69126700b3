package bot

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/config"
	"ecsbot/internal/ecsclient"
	"ecsbot/internal/jobs"
	"ecsbot/internal/secret"

	"golang.org/x/time/rate"
)

// Project is a project, with what reaches its cloud.
type Project struct {
	approvals.Project
	Endpoint string
	Anchor   jobs.Anchor
	Keys     Keys
}

// projects reads the projects: those of CONFIG_FILE, or the one of the environment. The
// keyspace names the bot's keys in Redis.
func (s *settings) projects() (keyspace string, all []Project) {
	env := s.environment()
	if !s.several() {
		p := s.project(env.Project)
		p.Name = cmp.Or(env.Region, "default")
		return p.ID, []Project{p}
	}
	file, err := config.Read(s.get("CONFIG_FILE"), env)
	var faults config.Faults
	if errors.As(err, &faults) {
		for _, f := range faults {
			s.faults = append(s.faults, f)
		}
		return "", nil
	}
	for _, p := range file.Projects {
		all = append(all, s.project(p))
	}
	return file.Keyspace, all
}

// several reports whether the projects are in a file. Then the environment has only
// what they do not say.
func (s *settings) several() bool { return s.get("CONFIG_FILE") != "" }

// project makes a project of its settings, and reads its keys.
func (s *settings) project(p config.Project) Project {
	return Project{
		Project: approvals.Project{
			Name: p.Name, ID: p.ProjectID, Policy: p.Policy, Channel: p.ApprovalChannel, Channels: p.Channels, BatchSize: p.BatchSize, Rate: p.Rate,
		},
		Endpoint: strings.TrimSuffix(cmp.Or(p.Endpoint, ecsclient.EndpointOf(p.Region)), "/"),
		Anchor:   jobs.Anchor(p.Anchor),
		Keys:     s.keysOf(p.Name, p.Credentials),
	}
}

// keysOf reads the keys that a project refers to.
func (s *settings) keysOf(project string, c config.Credentials) Keys {
	if c.Agency {
		return Keys{Agency: true}
	}
	return Keys{
		AccessKey:     s.keyOf(c.AccessKey, accessKey, "ak_file of project "+project),
		SecretKey:     s.keyOf(c.SecretKey, secretKey, "sk_file of project "+project),
		SecurityToken: s.keyOf(c.SecurityToken, securityToken, "security_token_file of project "+project),
	}
}

// keyOf reads a key. setting is the one of the environment, and inFile names the key of
// CONFIG_FILE. A path is not named in faults: it may be the secret itself.
func (s *settings) keyOf(ref config.Reference, setting, inFile string) ecsclient.Key {
	switch {
	case ref.Env == setting:
		return ecsclient.Key{Value: secret.New(s.get(setting)), Name: setting}
	case ref.Env != "":
		value := s.raw(ref.Env)
		if value == "" {
			s.fault(ref.Env, "is not set, and CONFIG_FILE says that it holds a key")
		}
		return ecsclient.Key{Value: secret.New(value), Name: ref.Env}
	case ref.File == "":
		return ecsclient.Key{}
	case ref.File == s.raw(setting+"_FILE"):
		return ecsclient.Key{Value: secret.New(s.get(setting)), Path: ref.File, Name: setting + "_FILE"}
	}
	text, err := os.ReadFile(ref.File)
	if err != nil {
		s.fault(inFile, "names a file that cannot be read; check its path and its rights")
	}
	return ecsclient.Key{Value: secret.New(strings.TrimSpace(string(text))), Path: ref.File, Name: inFile}
}

// clouds makes the clients of projects, and keeps one as long as its project is reached
// in the same way: it knows what the cloud said of its keys.
type clouds struct {
	observe func(op, verdict string, d time.Duration)
	log     *slog.Logger
	clients map[string]*ecsclient.Client
}

// serve makes what the engine serves of the projects.
func (c *clouds) serve(all []Project) ([]jobs.Project, error) {
	served := make([]jobs.Project, len(all))
	clients := map[string]*ecsclient.Client{}
	for i, p := range all {
		id := p.reach()
		client := c.clients[id]
		if client == nil {
			var err error
			client, err = ecsclient.New(ecsclient.Config{
				Endpoint: p.Endpoint, ProjectID: p.ID, Credentials: p.Keys.source(c.log.With("project", p.Name)),
				// It only smooths the calls of this process; the quota is in Redis.
				Limiter: rate.NewLimiter(25, 40),
				Observe: c.observe,
			})
			if err != nil {
				return nil, fmt.Errorf("project %s: %w", p.Name, err)
			}
		}
		clients[id] = client
		served[i] = jobs.Project{Project: p.Project, Cloud: client, Anchor: p.Anchor}
	}
	c.clients = clients
	return served, nil
}

// reach names how the project is reached: where it is, and with which keys. Keys in
// files are told apart by their paths, because their content changes.
func (p Project) reach() string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %v %q", p.Endpoint, p.ID, p.Keys.Agency, p.Keys.Metadata)
	for _, k := range []ecsclient.Key{p.Keys.AccessKey, p.Keys.SecretKey, p.Keys.SecurityToken} {
		if k.Path != "" {
			fmt.Fprintf(h, " file %q", k.Path)
		} else {
			fmt.Fprintf(h, " %q", k.Value.Reveal())
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Digest is a fingerprint of the settings by which people may do something or servers
// are acted on. It holds no secret.
func (c Config) Digest() string {
	type digested struct {
		Project  approvals.Project
		Endpoint string
		Anchor   jobs.Anchor
	}
	all := make([]digested, len(c.Projects))
	for i, p := range c.Projects {
		all[i] = digested{p.Project, p.Endpoint, p.Anchor}
	}
	text, err := json.Marshal([]any{c.Keyspace, all, c.AllowedChannels, c.Quarantine, c.UnsureWait, c.Deadline})
	if err != nil {
		panic(fmt.Sprintf("digest of the settings: %v", err)) // they are plain values
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:4])
}
