package ecsclient

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// Server is what the client keeps of a server's details. The cloud returns much more,
// including user_data, which can contain a password hash: it is never decoded.
type Server struct {
	ID, Name string
	// Status is "ACTIVE", "SHUTOFF" and so on. A server that is being stopped is
	// still ACTIVE; only its TaskState is "powering-off".
	Status    string
	TaskState string // "" when idle
	Updated   string // changes with the server; for comparison only, not parsed
	Flavor    string
	// ChargingMode is "0" for pay-per-use, "1" for yearly/monthly, "2" for spot.
	ChargingMode string
	Locked       bool
	// BareMetal: a physical server. The cloud lists them among the others, unless the
	// query has "not-tags=__type_baremetal"; they are stopped and started by the Bare
	// Metal Server API.
	BareMetal bool
	Address   string   // the first fixed IPv4 address
	Tags      []string // "key=value", or the bare key if the value is empty
	// TagsUnknown: the answer has no list of tags. A server without tags has an empty one.
	TagsUnknown bool
}

// wireServer is a server on the wire, with the fields that are used.
type wireServer struct {
	ID        text                                 `json:"id"`
	Name      text                                 `json:"name"`
	Status    text                                 `json:"status"`
	Updated   text                                 `json:"updated"`
	TaskState text                                 `json:"OS-EXT-STS:task_state"`
	Locked    flag                                 `json:"locked"`
	Tags      loose[*[]text]                       `json:"tags"`
	SysTags   loose[[]loose[wireTag]]              `json:"sys_tags"`
	Flavor    loose[wireFlavor]                    `json:"flavor"`
	Metadata  loose[wireMetadata]                  `json:"metadata"`
	Addresses loose[map[string]loose[[]wireFixed]] `json:"addresses"`
}

type wireFlavor struct {
	ID   text `json:"id"`
	Name text `json:"name"`
}

type wireMetadata struct {
	ChargingMode text  `json:"charging_mode"`
	BareMetal    *text `json:"__type_baremetal"`
}

type wireTag struct {
	Key text `json:"key"`
}

type wireFixed struct {
	Address text `json:"addr"`
	Type    text `json:"OS-EXT-IPS:type"`
}

func (w wireServer) server() Server {
	s := Server{
		ID: string(w.ID), Name: string(w.Name),
		Status: string(w.Status), TaskState: string(w.TaskState),
		Updated:      string(w.Updated),
		Flavor:       string(w.Flavor.is.Name),
		ChargingMode: string(w.Metadata.is.ChargingMode),
		Locked:       bool(w.Locked),
		Address:      w.address(),
	}
	if s.Flavor == "" {
		s.Flavor = string(w.Flavor.is.ID)
	}
	s.TagsUnknown = w.Tags.is == nil
	for _, tag := range w.tags() {
		if tag != "" {
			s.Tags = append(s.Tags, string(tag))
		}
	}
	s.BareMetal = w.bareMetal()
	return s
}

func (w wireServer) tags() []text {
	if w.Tags.is == nil {
		return nil
	}
	return *w.Tags.is
}

// bareMetalTag is the system's own tag of physical servers ("Querying Details
// About ECSs", not-tags).
const bareMetalTag = "__type_baremetal"

// bareMetal goes by that tag, wherever it is found. As servers made through the
// compute API may lack it, the flavor's name counts as well: those of physical
// servers are "physical." and a model.
func (w wireServer) bareMetal() bool {
	return slices.ContainsFunc(w.tags(), func(tag text) bool {
		key, _, _ := strings.Cut(string(tag), "=")
		return key == bareMetalTag
	}) || slices.ContainsFunc(w.SysTags.is, func(tag loose[wireTag]) bool {
		return tag.is.Key == bareMetalTag
	}) || w.Metadata.is.BareMetal != nil ||
		strings.HasPrefix(string(w.Flavor.is.ID), "physical.") || strings.HasPrefix(string(w.Flavor.is.Name), "physical.")
}

// address picks the first fixed IPv4 address. Networks are sorted by id so that the
// choice does not change from one read to the next.
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
