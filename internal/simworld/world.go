// Package simworld is the world in which the real bot is tried: a simulated
// workspace and a simulated cloud, served over HTTP, and the people who type, click
// and read there. The stories in internal/bot and the script of the demo take place
// in it. What keeps the bot's record, and how the bot runs, is up to them.
package simworld

import (
	"errors"
	"net"
	"net/http"
	"time"

	"ecsbot/internal/ecssim"
	"ecsbot/internal/slackapp"
	"ecsbot/internal/slacksim"
)

// World is a simulated workspace and a simulated cloud, each at an address of its own.
type World struct {
	Slack *slacksim.Workspace
	Cloud *ecssim.Cloud

	slack, cloud *server
	more         []func() // end the clouds of [World.AddCloud]
}

// Serve serves a workspace and a cloud, which belong to the world from then on.
// [World.Close] ends them.
func Serve(slack *slacksim.Workspace, cloud *ecssim.Cloud) (*World, error) {
	w := &World{Slack: slack, Cloud: cloud}
	var atSlack, atCloud error
	w.slack, atSlack = serve(slack.Handler())
	w.cloud, atCloud = serve(cloud.Handler())
	if err := errors.Join(atSlack, atCloud); err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

// AddCloud serves the cloud of another project, which belongs to the world from then
// on, and returns its address.
func (w *World) AddCloud(cloud *ecssim.Cloud) (url string, err error) {
	s, err := serve(cloud.Handler())
	if err != nil {
		cloud.Close()
		return "", err
	}
	w.more = append(w.more, func() { cloud.Close(); s.close() })
	return s.url, nil
}

// Close ends the workspace and the clouds, and every connection to them.
func (w *World) Close() {
	w.Slack.Close()
	w.Cloud.Close()
	w.slack.close()
	w.cloud.close()
	for _, end := range w.more {
		end()
	}
}

// Settings are what a bot has to be told to find its way in this world. The
// channel, the approvers and the store are still missing.
func (w *World) Settings() map[string]string {
	o := w.Cloud.Options()
	return map[string]string{
		"SLACK_BOT_TOKEN": "xoxb-sim", "SLACK_APP_TOKEN": "xapp-sim", "SLACK_API_URL": w.slack.url + "/api/",
		"HUAWEICLOUD_SDK_AK": o.AccessKey, "HUAWEICLOUD_SDK_SK": o.SecretKey, "HUAWEICLOUD_SDK_PROJECT_ID": o.ProjectID,
		"ECS_ENDPOINT": w.cloud.url, "HTTP_ADDR": "127.0.0.1:0",
	}
}

// Installed gives the app of a workspace what its manifest asks for and no more.
func Installed(o slacksim.Options) (slacksim.Options, error) {
	manifest, err := slackapp.ManifestJSON()
	if err != nil {
		return o, err
	}
	return o.WithManifest(manifest)
}

// server serves one of the simulations.
type server struct {
	url   string
	http  *http.Server
	ended chan struct{}
}

func serve(h http.Handler) (*server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &server{url: "http://" + l.Addr().String(), http: &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}, ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		s.http.Serve(l)
	}()
	return s, nil
}

func (s *server) close() {
	if s == nil {
		return // it never listened
	}
	s.http.Close()
	<-s.ended
}
