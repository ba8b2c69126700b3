package approvals

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// Ask is what a person asks for, before the servers are resolved.
type Ask struct {
	OpID        string   `json:"Op"` // id of the command: the idempotency key of the request
	By          Person   `json:"By"`
	AskedIn     string   `json:"From"`    // channel where it was typed
	Channel     string   `json:"Channel"` // channel for the card
	ResponseURL string   `json:"Answer"`  // response_url
	Project     string   `json:"Project"`
	ProjectID   string   `json:"ProjectID,omitempty"` // its [Project.RecordID]
	Action      Action   `json:"Action"`
	Servers     []string `json:"Servers"` // ids, exact names, or patterns with *
	Tags        []string `json:"Tags"`    // key=value; all must hold
	Mode        Mode     `json:"Mode"`
	Reason      string   `json:"Reason"`
	FollowUpOf  string   `json:"Of"`      // the earlier request that these servers belong to
	Except      []string `json:"Without"` // server ids that are left out, whatever their state is
	Ticket      string   `json:"Ticket,omitempty"`
	Step        string   `json:"Step,omitempty"` // see [Asked]
	DryRun      bool     `json:"DryRun"`         // show what would be asked for; create nothing

	// PreviousRequester is who asked for the earlier request, with the rights they
	// have now. Zero if unknown.
	PreviousRequester Person `json:"-"`
}

// alphabet has no characters that look or sound alike.
const alphabet = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"

// IDFor returns the n-th candidate for the id of the request that op asks for. It is
// deterministic, so that an ask repeated after a crash finds the request that it has
// already made. n > 0 is used if another request has the id.
func IDFor(op string, n int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d", op, n))
	x := binary.BigEndian.Uint64(sum[:])
	id := []byte("S-.....")
	for i := 2; i < len(id); i++ {
		id[i] = alphabet[x%uint64(len(alphabet))]
		x /= uint64(len(alphabet))
	}
	return string(id)
}
