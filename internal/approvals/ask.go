package approvals

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// Ask is what a person wants, before the cloud was looked at.
type Ask struct {
	OpID        string   `json:"Op"` // the command's own id: the same ask twice makes one request
	By          Person   `json:"By"`
	AskedIn     string   `json:"From"`    // channel where it was typed
	Channel     string   `json:"Channel"` // channel for the card
	ResponseURL string   `json:"Answer"`  // response_url
	Project     string   `json:"Project"`
	Action      Action   `json:"Action"`
	Servers     []string `json:"Servers"` // ids, exact names, or patterns with *
	Tags        []string `json:"Tags"`    // key=value; all must hold
	Mode        Mode     `json:"Mode"`
	Reason      string   `json:"Reason"`
	FollowUpOf  string   `json:"Of"`      // the request whose servers these are, if it is asked for again
	Except      []string `json:"Without"` // server ids that are left out, whatever they are by now
	DryRun      bool     `json:"DryRun"`  // show what would be asked for; create nothing

	// PreviousRequester: who asked for it before, as they are now, where something is tried
	// again. Zero if that is not known.
	PreviousRequester Person `json:"-"`
}

// alphabet has no characters that look or sound alike.
const alphabet = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"

// IDFor gives the n-th candidate for the id of the request that op asks for.
// It is the same each time, so that an ask repeated after a crash finds the
// request that it has made already; n > 0 is for ids that another request has.
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
