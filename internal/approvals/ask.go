package approvals

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// Ask is what a person wants, before the cloud was looked at.
type Ask struct {
	Op      string // the command's own id: the same ask twice makes one request
	By      Person
	From    string // channel where it was typed
	Channel string // channel for the card
	Answer  string // response_url
	Project string
	Action  Action
	Servers []string // ids, exact names, or patterns with *
	Tags    []string // key=value; all must hold
	Mode    Mode
	Reason  string
	Of      string   // the request whose servers these are, if it is asked for again
	Without []string // server ids that are left out, whatever they are by now
	DryRun  bool     // show what would be asked for; create nothing

	// Again: who asked for it before, as they are now, where something is tried
	// again. Zero if that is not known.
	Again Person `json:"-"`
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
