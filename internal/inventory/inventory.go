// Package inventory resolves what a person wrote (ids, names, patterns and tags) to
// servers of the cloud, reads servers by id, and suggests servers while a person types.
//
// Servers to act on are always read from the cloud after they were asked for.
// Suggestions come from a list of all servers that is cached for some seconds.
//
// The package stores nothing and knows neither Redis nor Slack.
package inventory

import (
	"context"
	"log/slog"

	"ecsbot/internal/approvals"
	"ecsbot/internal/ecsclient"
)

// Inventory reads the servers of one project of the cloud. It is safe for concurrent
// use.
type Inventory struct {
	cloud *ecsclient.Client
	log   *slog.Logger
	fleet *fleet
}

// New makes an inventory. It reads nothing until it is asked to. [Inventory.Close] ends its background read.
func New(cloud *ecsclient.Client, log *slog.Logger) *Inventory {
	return &Inventory{cloud: cloud, log: log, fleet: &fleet{cloud: cloud}}
}

// Close cancels the background read of all servers, if there is one, and waits for its
// end. After that Read still works; everything that needs the list of all servers
// fails.
func (inv *Inventory) Close() { inv.fleet.close() }

// Read reads servers by id as they are now. Servers that the cloud does not know
// are missing in the result.
func (inv *Inventory) Read(ctx context.Context, ids []string) (map[string]approvals.Server, error) {
	found := make(map[string]approvals.Server, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	servers, err := inv.cloud.ListServers(ctx, ecsclient.Filter{IDs: ids})
	if err != nil {
		return nil, err
	}
	for _, s := range servers {
		found[s.ID] = toServer(s)
	}
	return found, nil
}

// refusal logs a failed read of the cloud and returns a *approvals.Refusal for the
// person who asked.
func (inv *Inventory) refusal(ctx context.Context, doing string, err error) error {
	inv.log.ErrorContext(ctx, "cannot read servers from the cloud", "doing", doing, "err", err)
	if ecsclient.VerdictOf(err) == ecsclient.Authentication {
		return &approvals.Refusal{Kind: approvals.CloudRefusesKey}
	}
	return &approvals.Refusal{Kind: approvals.CloudAway}
}

// toServers turns what the cloud lists into servers, in the same order.
func toServers(listed []ecsclient.Server) []approvals.Server {
	servers := make([]approvals.Server, len(listed))
	for i, s := range listed {
		servers[i] = toServer(s)
	}
	return servers
}

func toServer(s ecsclient.Server) approvals.Server {
	return approvals.Server{
		ID: s.ID, Name: s.Name, Address: s.Address, Status: s.Status, Task: s.TaskState,
		Updated: s.Updated, Locked: s.Locked, Tags: s.Tags, TagsUnknown: s.TagsUnknown,
		Flavor: s.Flavor, Charge: s.ChargingMode, BareMetal: s.BareMetal,
	}
}
