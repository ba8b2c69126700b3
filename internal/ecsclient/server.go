package ecsclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
)

// Server is what we keep of a server's details. The cloud tells much more,
// among it user_data, which can hold a password hash: it is never decoded.
type Server struct {
	ID, Name string
	// Status is "ACTIVE", "SHUTOFF" and so on. A server that is being stopped
	// still says ACTIVE; only TaskState "powering-off" tells.
	Status    string
	VMState   string // "active", "stopped", …
	TaskState string // "" when idle
	Updated   string // changes whenever the server does; compare, do not parse
	Zone      string
	Flavor    string
	// ChargingMode is "0" for pay-per-use, "1" for yearly/monthly, "2" for spot.
	ChargingMode string
	Locked       bool
	Address      string   // the first fixed IPv4 address
	Tags         []string // "key=value", or the bare key if the value is empty
}

// ShowServer reads one server ("Querying Details About an ECS"). One that does
// not exist gives an *Error with verdict Refused and HTTP 404.
func (c *Client) ShowServer(ctx context.Context, id string) (Server, error) {
	if !plainID(id) {
		return Server{}, &Error{Op: opShow, Verdict: Refused, Err: fmt.Errorf("malformed server id %q", brief(id, 64))}
	}
	var server Server
	err := c.read(ctx, call{
		op:   opShow,
		path: "/v1/" + c.projectID + "/cloudservers/" + id,
		cap:  maxBody,
		decode: func(body []byte) error {
			var answer struct {
				Server wireServer `json:"server"`
			}
			if json.Unmarshal(body, &answer) != nil {
				return errors.New("the answer is not readable JSON")
			}
			server = answer.Server.server()
			if server.ID != id || server.Status == "" {
				return errors.New("the answer does not describe the server")
			}
			return nil
		},
	})
	if err != nil {
		return Server{}, err
	}
	return server, nil
}

// wireServer is a server on the wire, as far as we want to know it.
type wireServer struct {
	ID        text                                 `json:"id"`
	Name      text                                 `json:"name"`
	Status    text                                 `json:"status"`
	Updated   text                                 `json:"updated"`
	Zone      text                                 `json:"OS-EXT-AZ:availability_zone"`
	VMState   text                                 `json:"OS-EXT-STS:vm_state"`
	TaskState text                                 `json:"OS-EXT-STS:task_state"`
	Locked    flag                                 `json:"locked"`
	Tags      loose[[]text]                        `json:"tags"`
	Flavor    loose[wireFlavor]                    `json:"flavor"`
	Metadata  loose[wireMetadata]                  `json:"metadata"`
	Addresses loose[map[string]loose[[]wireFixed]] `json:"addresses"`
}

type wireFlavor struct {
	ID   text `json:"id"`
	Name text `json:"name"`
}

type wireMetadata struct {
	ChargingMode text `json:"charging_mode"`
}

type wireFixed struct {
	Address text `json:"addr"`
	Type    text `json:"OS-EXT-IPS:type"`
}

func (w wireServer) server() Server {
	s := Server{
		ID: string(w.ID), Name: string(w.Name),
		Status: string(w.Status), VMState: string(w.VMState), TaskState: string(w.TaskState),
		Updated: string(w.Updated), Zone: string(w.Zone),
		Flavor:       string(w.Flavor.is.Name),
		ChargingMode: string(w.Metadata.is.ChargingMode),
		Locked:       bool(w.Locked),
		Address:      w.address(),
	}
	if s.Flavor == "" {
		s.Flavor = string(w.Flavor.is.ID)
	}
	for _, tag := range w.Tags.is {
		if tag != "" {
			s.Tags = append(s.Tags, string(tag))
		}
	}
	return s
}

// address picks the first fixed IPv4 address; networks are taken in the order
// of their ids so that the choice does not change from one reading to the next.
func (w wireServer) address() string {
	networks := w.Addresses.is
	for _, network := range slices.Sorted(maps.Keys(networks)) {
		for _, a := range networks[network].is {
			ip, err := netip.ParseAddr(string(a.Address))
			if err == nil && ip.Is4() && (a.Type == "fixed" || a.Type == "") {
				return ip.String()
			}
		}
	}
	return ""
}
